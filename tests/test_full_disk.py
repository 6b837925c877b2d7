"""A disk that fills while we work: the run stops with the reason, nothing kept is half, and Retry goes on."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from lib.domain.plan import Route, Times
from lib.domain.run import Run, RunRequest, RunState, Stage
from lib.errors import DiskFull
from lib.jobs import Jobs
from lib.services import Services
from lib.settings import Settings
from lib.ui import frame
from tests.conftest import run_ffmpeg
from tests.fakes.openrouter_server import DEFAULT_KEY, FakeOpenRouter, Reply
from tests.small_disk import MEGABYTE, LimitedFiles, kinds, small_disk
from tests.test_jobs import asked, wait_for, worker_pid
from tests.waiting import is_over

ROOT = Path(__file__).parents[1]
LOCAL = "local/whisper-tiny.en"
MODEL = "google/gemini-3.8-flash"


@pytest.fixture(scope="module")
def heavy_video(tmp_path_factory, two_cities) -> Path:
    """90 s of noise with a voice: what is made of it for sending takes some 8 MB, however it is made."""
    path = tmp_path_factory.mktemp("heavy") / "noise.mkv"
    run_ffmpeg(
        *("-f", "lavfi", "-i", "nullsrc=size=640x360:rate=1:duration=90,geq=lum='random(1)*255':cb=128:cr=128"),
        *("-stream_loop", "-1", "-i", two_cities, "-t", "90", "-c:v", "libx264", "-preset", "ultrafast", "-crf", "24"),
        *("-c:a", "aac", path),
    )
    return path


@pytest.fixture(params=kinds())
def disk(request, tmp_path):
    with small_disk(request.param, tmp_path) as disk:
        yield disk


@pytest.fixture
def server():
    with FakeOpenRouter(answer="[00:01] Ever tried, ever failed.\n[00:05] Fail better.") as server:
        yield server


@pytest.fixture
def services(disk, server, monkeypatch) -> Iterator[Services]:
    """The services of this process, for pages too."""
    monkeypatch.setenv("CUEWISE_DATA", str(disk.folder))
    monkeypatch.setenv("OPENROUTER_BASE_URL", server.base_url)
    monkeypatch.setenv("OPENROUTER_API_KEY", DEFAULT_KEY)
    yield frame.services_of(Settings.from_environment())
    disk.clear()
    frame.close_services()


def request_for(services: Services, path: Path, **changes) -> RunRequest:
    return replace(services.new_request(services.keep_file(path), MODEL, times=Times.MODEL), **changes)


def ended(services: Services, run: Run) -> Run:
    return wait_for(services, run, is_over, 180)


def at_work(services: Services, path: Path) -> int:
    """The worker's process, once it has done something: its start is another story."""
    run = ended(services, services.submit(request_for(services, path, end=1.0)))
    assert run.state is RunState.DONE, run.failure
    return worker_pid(services)


@contextmanager
def said_to(pipe: int) -> Iterator[None]:
    """What a worker that is started in here says goes into a pipe: no limit on files silences it."""
    kept = os.dup(2)
    os.dup2(pipe, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(pipe)


def assert_nothing_is_half(services: Services) -> None:
    """Every database is sound, every file is what its name says, and no temporary one is left."""
    folder, store = services.settings.data_dir, services._tools.store
    for name in ("cuewise.db", "jobs.db"):
        with closing(sqlite3.connect(folder / name)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert files_under(folder / "temporary") == []
    for path in files_under(folder / "media"):
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name
        assert store.assets.get(path.name)
    for path in files_under(folder / "renditions"):
        run_ffmpeg("-xerror", "-i", path, "-f", "null", "-")
        assert store.assets.rendition(path.stem).size_bytes == path.stat().st_size


def files_under(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_an_upload_that_finds_no_room_is_told_on_the_page_and_taken_later(services, disk, heavy_video):
    """The sentence stands beside the uploader with what to do, nothing is kept, and with room the same file is."""

    def upload() -> AppTest:
        page = AppTest.from_file(ROOT / "app.py", default_timeout=60).run()
        page.file_uploader[0].upload("noise.mkv", heavy_video.read_bytes(), "video/x-matroska")
        return page.run()

    services.ensure_worker()
    disk.fill(os.getpid(), leaving=3 * MEGABYTE)
    page = upload()
    disk.clear()
    assert not page.exception
    (error,) = page.error
    assert "The disk has no room for this file" in error.value
    assert "Free some space" in error.value
    assert not page.file_uploader[0].value
    assert files_under(disk.folder / "media") == files_under(disk.folder / "temporary") == []
    page = upload()
    assert not page.error
    assert "noise.mkv" in "".join(element.value for element in page.markdown).replace("\\", "")
    assert len(files_under(disk.folder / "media")) == 1


def test_a_rendition_that_finds_no_room_stops_the_run_and_retry_goes_on(services, server, disk, heavy_video):
    """What is being made for sending fills the disk: the run says so, leaves nothing, and is done after Retry."""
    worker = at_work(services, heavy_video)
    before, request = asked(server), request_for(services, heavy_video)
    disk.fill(worker, leaving=3 * MEGABYTE)
    run = ended(services, services.submit(request))
    assert run.plan.route is Route.VIDEO
    assert (run.state, run.failure.code) == (RunState.FAILED, "DiskFull")
    assert "Free some space" in run.failure.hint
    assert asked(server) == before
    assert_nothing_is_half(services)
    disk.clear()
    services.retry(run.id)
    done = ended(services, run)
    assert done.state is RunState.DONE, done.failure
    assert done.parts[0].size_bytes > 4 * MEGABYTE
    assert asked(server) == before + 1
    assert_nothing_is_half(services)


def test_a_database_that_finds_no_room_stops_the_run_and_retry_goes_on(services, server, disk, short_talking_video):
    """The disk fills while an answer streams in, and it cannot be kept: the run fails with the reason as soon as that
    can be written down, and a Retry asks again and is done. What else was under way is not hurt."""
    ear, mouth = os.pipe()
    with said_to(mouth):
        worker = at_work(services, short_talking_video)
    server.enqueue(Reply.silence(40))
    other = services.submit(request_for(services, short_talking_video, end=5.0))
    wait_for(services, other, lambda run: run.stage is Stage.ASKING)
    server.enqueue(Reply.drip("[00:00] One.\n[00:02] Two.\n[00:04] Three.\n", delay=0.2, pieces=40))
    run = services.submit(request_for(services, short_talking_video))
    wait_for(services, run, lambda run: "One" in run.partial_text)
    disk.fill(worker, leaving=0)
    with os.fdopen(ear, errors="replace") as lines:
        assert any("the disk is full; waiting for room" in line for line in lines)
        disk.clear()
    failed = ended(services, run)
    assert (failed.state, failed.failure.code) == (RunState.FAILED, "DiskFull")
    assert services.transcript(run.id) is None
    assert_nothing_is_half(services)
    services.retry(run.id)
    done = ended(services, run)
    assert done.state is RunState.DONE, done.failure
    assert services.transcript(run.id).cues[-1].text == "Fail better."
    assert ended(services, other).state is RunState.DONE
    assert_nothing_is_half(services)


def test_a_worker_that_finds_no_room_at_its_start_begins_when_there_is_some(services, disk, short_talking_video):
    """Without room for its own notes no worker can work; with room the next one does what was waiting."""
    services._tools.store.runs.add("f" * 32, request_for(services, short_talking_video, model_id=LOCAL), None)
    disk.fill(os.getpid(), leaving=0)  # the worker inherits what its starter is allowed
    services.ensure_worker()
    until = time.monotonic() + 60
    while services._worker.early_deaths < 1:
        assert time.monotonic() < until, "the worker lives"
        time.sleep(0.1)
    disk.clear()
    done = ended(services, services.run("f" * 32))
    assert done.state is RunState.DONE, done.failure


def test_a_run_that_cannot_be_queued_is_told_at_once(services, disk, short_talking_video):
    """Run on a full disk: the reason is said at the press, nothing is left waiting, and the next press works."""
    at_work(services, short_talking_video)
    request = request_for(services, short_talking_video)
    disk.fill(os.getpid(), leaving=0)
    with pytest.raises(DiskFull):
        services.submit(request)
    disk.clear()
    assert all(run.state.is_over for run in services.runs())
    assert ended(services, services.submit(request)).state is RunState.DONE


def test_a_job_that_cannot_be_written_down_is_told_in_words(tmp_path):
    """The engine's own database is full: the error is ours, with what to do."""
    disk = LimitedFiles(tmp_path)
    jobs = Jobs(f"sqlite:///{tmp_path / 'jobs.db'}")
    jobs.submit("a" * 32, 1)
    disk.fill(os.getpid(), leaving=0)
    with pytest.raises(DiskFull, match="could not be queued"):
        jobs.submit("b" * 32, 1)
    disk.clear()
    jobs.submit("b" * 32, 1)
    jobs.close()


def test_a_full_disk_is_told_on_every_page(services, monkeypatch):
    """A run that is under way cannot say so itself: what it would say cannot be written down."""
    assert services.disk_problem() is None
    monkeypatch.setattr("lib.services.LEAST_ROOM", 10**18)
    page = AppTest.from_file(ROOT / "app.py", default_timeout=60).run()
    assert "The disk is full" in page.error[0].value
