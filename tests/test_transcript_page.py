"""The Transcript page in each state of a run, on the real services, a worker and a server on loopback."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from lib.domain.media import Source, SourceKind
from lib.domain.run import Failure, PartRecord, Run, RunRequest, RunState
from lib.services import Services
from lib.settings import Settings
from lib.ui import frame
from lib.ui.player import UNPLAYABLE, playable
from lib.ui.transcript import growing_lines
from tests.fakes.openrouter_server import DEFAULT_KEY, FakeOpenRouter, Reply

ROOT = Path(__file__).parents[1]
GEMINI = "google/gemini-3.8-flash"
LINK = Source(SourceKind.LINK, "Lecture **one**", url="https://video.example/lecture.mp4", duration=60.0)
OpenRun = Callable[[str | None], AppTest]


@pytest.fixture
def openrouter() -> Iterator[FakeOpenRouter]:
    with FakeOpenRouter() as server:
        yield server


@pytest.fixture
def services(tmp_path, monkeypatch, openrouter) -> Iterator[Services]:
    """The services that the page of this test uses, on a data folder of its own."""
    monkeypatch.setenv("CUEWISE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("OPENROUTER_BASE_URL", openrouter.base_url)
    yield frame.services_of(Settings.from_environment())
    frame.close_services()


@pytest.fixture
def open_run(services) -> OpenRun:
    def open_(run_id: str | None) -> AppTest:
        page = AppTest.from_file(ROOT / "app.py", default_timeout=60).switch_page("pages/transcript.py")
        if run_id:
            page.query_params["run"] = run_id
        return page.run()

    return open_


@pytest.fixture
def finish(services, short_talking_video) -> Callable[..., Run]:
    """Runs a task over ten seconds of talking video through the server on loopback, to its end."""

    def finish_(task: str) -> Run:
        services.ensure_worker()
        source = services.keep_file(short_talking_video)
        run = services.submit(services.new_request(source, GEMINI, task=task), key=DEFAULT_KEY)
        deadline = time.monotonic() + 60
        while not (run := services.run(run.id)).state.is_over:
            assert time.monotonic() < deadline, f"the run did not end: {run}"
            time.sleep(0.1)
        return run

    return finish_


def texts(page: AppTest) -> str:
    kinds = (page.header, page.markdown, page.caption, page.error, page.warning, page.info, page.code)
    return "\n".join(str(element.value) for kind in kinds for element in kind).replace("\\", "").replace("\u2060", "")


def names_of(page: AppTest, kind: str) -> list[str]:
    return [element.proto.label for element in page.get(kind)]


@pytest.mark.parametrize(("run_id", "sentence"), [(None, "Nothing is open yet"), ("gone", "There is no such run")])
def test_without_a_run_the_page_says_where_to_go(open_run, run_id, sentence):
    """An empty address and an unknown run both lead on to Activity and New run."""
    page = open_run(run_id)
    assert not page.exception
    assert sentence in page.info[0].value
    assert {"Open Activity", "Start a new run"} <= set(names_of(page, "page_link"))


def test_a_finished_run_is_read_exported_and_accounted_for(open_run, finish):
    """The page of a done run has the player, every export, and the facts of what was paid."""
    run = finish("transcript")
    assert run.state is RunState.DONE, run.failure
    page = open_run(run.id)
    assert not page.exception
    assert not page.error
    assert names_of(page, "download_button") == ["SRT", "VTT", "Text", "Markdown", "JSON"]
    assert len(page.get("bidi_component")) == 1
    assert run.parts[0].generation_id in texts(page)
    assert "beckett.mp4" in page.header[0].value.replace("\\", "")


def test_a_summary_is_shown_without_being_obeyed(open_run, finish, openrouter):
    """Markdown of a model is laid out; its image is not fetched and its price is no formula."""
    openrouter.enqueue(Reply.answer("## In short\n\nIt costs $5 or $10. ![pixel](http://127.0.0.1:9/track.png)"))
    run = finish("summary")
    assert run.state is RunState.DONE, run.failure
    page = open_run(run.id)
    assert not page.exception
    (shown,) = [element.value for element in page.markdown if "In short" in element.value]
    assert "![" not in shown
    assert "\\$5" in shown
    assert names_of(page, "download_button") == ["Text", "Markdown", "JSON"]


def test_a_failed_run_says_why_and_can_be_tried_again(open_run, services):
    """The failure stands with its hint; Retry without a key says so beside the button."""
    services._tools.store.runs.add("failed", RunRequest(LINK, GEMINI), None)
    services._tools.store.runs.fail("failed", 1, Failure("OutOfCredit", "There is no credit left.", "Add credit."))
    page = open_run("failed")
    assert not page.exception
    assert "There is no credit left." in page.error[0].value.replace("\\", "")
    assert "Add credit." in page.error[0].value.replace("\\", "")
    assert "Lecture **one**" in texts(page)
    page.button(key="retry").click().run()
    assert not page.exception
    assert "no key is known" in texts(page)


def test_a_waiting_run_can_be_cancelled(open_run, services):
    """Cancel ends the run, and the page shows how to go on."""
    services._tools.store.runs.add("waiting", RunRequest(LINK, GEMINI), None)
    page = open_run("waiting")
    assert not page.exception
    page.button(key="cancel").click().run()
    assert services.run("waiting").state is RunState.CANCELLED
    assert "Cancelled" in page.info[0].value
    assert page.button(key="retry")


def growing(model_id: str, text: str, *starts: float) -> Run:
    parts = tuple(PartRecord(index, start, start + 300) for index, start in enumerate(starts))
    request = RunRequest(LINK, model_id)
    return Run("run", request, RunState.RUNNING, datetime.now(UTC), partial_text=text, parts=parts)


def test_lines_appear_while_they_come():
    """A model's first lines stand at their place in the file, although it counts from the start of its part."""
    lines = growing_lines(growing(GEMINI, "[0:01] Ever tried.\n[0:04] Ever failed.", 60.0))
    assert [(line.start, line.text) for line in lines] == [(61.0, "Ever tried."), (64.0, "Ever failed.")]


def test_lines_of_the_local_model_are_on_the_files_clock_already():
    """What is heard here is not moved twice."""
    (line,) = growing_lines(growing("local/whisper-base", "[1:01] Ever tried.", 60.0))
    assert line.start == 61.0


def test_lines_of_several_parts_wait_for_their_times():
    """Where it is not known which part a line is of, no time is made up."""
    lines = growing_lines(growing(GEMINI, "[0:01] Ever tried.\n[0:01] Ever failed.", 0.0, 300.0))
    assert [line.start for line in lines] == [None, None]


def test_nothing_said_yet_is_no_line():
    """Before the first word there are no lines."""
    assert growing_lines(growing(GEMINI, "", 0.0)) == []


def test_a_format_that_no_browser_plays_is_told(services, footage):
    """The page says so in the player's place instead of showing a broken player."""
    asset = services.asset(services.keep_file(footage).asset_id)
    assert playable(asset).url == f"/api/media/{asset.id}"
    assert playable(replace(asset, container="avi")).notice == UNPLAYABLE
    assert playable(None).url is None
