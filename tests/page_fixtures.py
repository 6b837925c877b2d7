"""Pages run by Streamlit's own test runner, on the real services and a server on loopback."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from lib.domain.media import Source, SourceKind
from lib.domain.run import RunRequest
from lib.services import Services
from lib.settings import Settings
from lib.ui import frame
from tests.fakes.openrouter_server import FakeOpenRouter

ROOT = Path(__file__).parents[1]
NASTY = "**x** $a$ [l](javascript:1) :red[x] <b>b</b>"
GEMINI = "google/gemini-3.8-flash"
OpenPage = Callable[[str], AppTest]


@pytest.fixture
def openrouter() -> Iterator[FakeOpenRouter]:
    with FakeOpenRouter() as server:
        yield server


@pytest.fixture
def open_page(tmp_path, monkeypatch, openrouter) -> Iterator[OpenPage]:
    """Opens a page on a data folder of this test's own. The worker runs, and ends with the test."""
    monkeypatch.setenv("CUEWISE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("OPENROUTER_BASE_URL", openrouter.base_url)
    monkeypatch.setenv("CUEWISE_ALLOW_PRIVATE_URLS", "1")

    def open_(script: str) -> AppTest:
        app = AppTest.from_file(ROOT / "app.py", default_timeout=60)
        return (app if script == "app.py" else app.switch_page(script)).run()

    yield open_
    while frame._opened:
        frame._opened.popitem()[1].close()


@pytest.fixture
def services(open_page) -> Services:
    """The services that the pages of this test use."""
    return frame.services_of(Settings.from_environment())


@pytest.fixture
def upload(open_page, short_talking_video) -> Callable[[], AppTest]:
    """New run with ten seconds of a talking video dropped on it."""

    def upload_(name: str = "beckett.mp4") -> AppTest:
        page = open_page("app.py")
        page.file_uploader[0].upload(name, short_talking_video.read_bytes(), "video/mp4")
        return page.run()

    return upload_


@contextmanager
def services_of_pages(monkeypatch, data: Path, openrouter_url: str) -> Iterator[Services]:
    """The services that the pages of a test use, on a data folder of its own; their worker ends with them."""
    monkeypatch.setenv("CUEWISE_DATA", str(data))
    monkeypatch.setenv("OPENROUTER_BASE_URL", openrouter_url)
    yield frame.services_of(Settings.from_environment())
    frame.close_services()


def words_on(page: AppTest) -> str:
    """Everything that stands on the page, as its Markdown source."""
    kinds = (
        page.header,
        page.subheader,
        page.markdown,
        page.caption,
        page.error,
        page.warning,
        page.success,
        page.info,
    )
    return "\n".join(str(element.value) for kind in kinds for element in kind).replace("\\", "").replace("\u2060", "")


def button(page: AppTest, label: str):
    return next(found for found in page.button if found.label == label)


def look_up(page: AppTest, link: str) -> AppTest:
    page.text_input(key="link").set_value(link)
    return button(page, "Look up").click().run()


def add_run(services: Services, run_id: str, model_id: str, *, title: str = "Lecture.mp4") -> None:
    """A queued run that no worker was told of."""
    source = Source(SourceKind.LINK, title, url="https://video.example/lecture.mp4", duration=60.0)
    services._tools.store.runs.add(run_id, RunRequest(source, model_id), None)


def wait_until(happened: Callable[[], bool], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.2)
