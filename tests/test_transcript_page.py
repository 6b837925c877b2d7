"""The Transcript page in each state of a run, on the real services, a worker and a server on loopback."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from lib.domain.copies import CaptionForm
from lib.domain.cues import CueShape
from lib.domain.health import Finding, Gap, Health
from lib.domain.media import Clip, Source, SourceKind
from lib.domain.plan import Part, Plan, Route, RouteChoice, Times
from lib.domain.run import Failure, PartRecord, PartState, Run, RunRequest, RunState, Usage
from lib.domain.transcript import Cue, Transcript
from lib.services import Services
from lib.ui.player import UNPLAYABLE, playable
from lib.ui.transcript import growing_lines, read_start
from lib.ui.words import stretch_words
from tests.fakes.openrouter_server import DEFAULT_KEY, FakeOpenRouter, Reply
from tests.page_fixtures import services_of_pages
from tests.waiting import is_over, look_until

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
    with services_of_pages(monkeypatch, tmp_path / "data", openrouter.base_url) as services:
        yield services


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

    def finish_(task: str, times: Times = Times.AUDIO) -> Run:
        request = services.new_request(services.keep_file(short_talking_video), GEMINI, task=task, times=times)
        return ended(services, services.submit(request, key=DEFAULT_KEY))

    return finish_


@pytest.fixture
def in_parts(services, talking_video) -> Callable[[], Run]:
    """Runs 44 s of speech in parts of about 15 s, sound alone and with the model's own times, to its end."""

    def run_() -> Run:
        request = services.new_request(
            services.keep_file(talking_video), GEMINI, route=RouteChoice.AUDIO, times=Times.MODEL
        )
        return ended(services, services.submit(replace(request, part_seconds=15.0), key=DEFAULT_KEY))

    return run_


def ended(services: Services, run: Run) -> Run:
    services.ensure_worker()
    return look_until(lambda: services.run(run.id), is_over)


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
    assert names_of(page, "download_button") == [
        *("SRT", "VTT", "ASS", "Text", "Markdown", "Word", "CSV", "JSON", "All"),
        *("SRT", "Markdown"),
    ]
    assert player(page)["lines"]
    assert run.parts[0].generation_id in texts(page)
    assert "beckett.mp4" in page.header[0].value.replace("\\", "")


def test_a_transcript_is_shaped_as_settings_say_at_a_press(open_run, services, finish):
    """The button is there only while the settings differ; pressed, the lines are laid out anew."""
    run = finish("transcript", Times.MODEL)
    page = open_run(run.id)
    assert "2 lines of 42 characters" in texts(page)
    assert not [found for found in page.button if found.key == "reshape"]
    services.save_preferences(replace(services.preferences(), cue_shape=CueShape(max_lines=1, line_width=20)))
    page = open_run(run.id)
    page.button(key="reshape").click().run()
    assert not page.exception
    assert "1 line of 20 characters" in texts(page)
    assert all(len(cue.text) <= 20 for cue in services.transcript(run.id).cues)
    assert not [found for found in page.button if found.key == "reshape"]


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
    assert names_of(page, "download_button") == ["Text", "Markdown", "Word", "JSON", "All", "Markdown"]
    assert not page.toggle


def test_a_copy_with_captions_is_ordered_watched_and_taken_along(open_run, services, finish):
    """Make, see it done, download from its own route; burning can be cancelled; the original stays."""
    run = finish("transcript", Times.MODEL)
    page = open_run(run.id)
    assert page.radio(key="copy_form").value == CaptionForm.ATTACHED
    page.button(key="make_copy").click().run()
    assert not page.exception
    (copy,) = services.copies.of_run(run.id)
    look_until(lambda: services.copies.get(copy.id), is_over)
    page.run()
    link = json.loads(page.get("bidi_component")[0].proto.json)
    assert link["url"] == f"/api/copies/{copy.id}"
    assert link["label"].startswith("Download · ")
    page.radio(key="copy_form").set_value(CaptionForm.BURNED).run()
    services.copies._jobs = lambda: Idle()
    page.button(key="make_copy").click().run()
    assert "Waiting for its turn" in page.get("progress")[0].proto.text
    page.button(key="cancel_copy").click().run()
    assert not page.exception
    assert page.button(key="make_copy")
    assert [each.state for each in services.copies.of_run(run.id)] == [RunState.CANCELLED, RunState.DONE]


class Idle:
    """Jobs that nobody works on."""

    def copy(self, copy_id: str, attempt: int) -> None:
        """Let it wait."""

    cancel = copy


def test_no_copy_is_offered_where_there_are_no_pictures(open_run, services, two_cities):
    """Sound alone, and a link that was never brought here, have their downloads and no more."""
    source = services.keep_file(two_cities)
    for number, each in enumerate((source, LINK)):
        services._tools.store.runs.add_done(
            f"r{number}",
            RunRequest(each, "local/whisper-base"),
            Transcript((Cue(1, 2, "Hello."),), "Hello."),
            started=datetime.now(UTC),
            asset_id=each.asset_id,
        )
        page = open_run(f"r{number}")
        assert not page.exception
        assert page.get("download_button")
        assert not page.radio


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


def test_a_run_that_failed_half_way_shows_its_facts_and_goes_on_from_there(open_run, services):
    """What it took so far is told as of one that is done; Retry says that only what failed is asked again."""
    store = services._tools.store.runs
    plan = Plan(GEMINI, Route.AUDIO, "", Clip(0.0, 60.0), (Part(0, 0.0, 30.0, 100), Part(1, 30.0, 60.0, 100)))
    store.add("half", RunRequest(LINK, GEMINI), plan)
    store.begin("half", 1)
    store.set_plan("half", 1, plan)
    store.report_part("half", 1, 0, state=PartState.OK)
    store.report_part("half", 1, 1, state=PartState.FAILED)
    store.fail("half", 1, Failure("OutOfCredit", "There is no credit left.", "Add credit."))
    page = open_run("half")
    assert not page.exception
    assert "Facts" in [found.label for found in page.expander]
    assert "Sound only" in texts(page)
    assert page.button(key="retry").label == "Retry failed parts"


def test_a_waiting_run_can_be_cancelled(open_run, services):
    """Cancel ends the run, and the page shows how to go on."""
    services._tools.store.runs.add("waiting", RunRequest(LINK, GEMINI), None)
    page = open_run("waiting")
    assert not page.exception
    page.button(key="cancel").click().run()
    assert services.run("waiting").state is RunState.CANCELLED
    assert "Cancelled" in page.info[0].value
    assert page.button(key="retry")


def test_a_failed_part_is_told_and_repaired_by_another_model(open_run, services, in_parts, openrouter):
    """The part stands with its reason, its stretch and its repair; the key is asked for only by a remote model."""
    services.save_preferences(replace(services.preferences(), default_models=("local/whisper-tiny.en",)))
    openrouter.enqueue(Reply.refusal(403, "Flagged", metadata={"reasons": ["violence"]}))
    run = in_parts()
    failed = next(part for part in run.parts if part.state is PartState.FAILED)
    page = open_run(run.id)
    assert not page.exception
    assert "Incomplete" in page.expander[0].label
    assert f"1 of {len(run.parts)} parts failed" in page.expander[0].label
    assert f"Part {failed.index + 1}, {stretch_words(failed.start, failed.end)}" in texts(page)
    assert failed.error in texts(page)
    model = page.selectbox(key=f"repair_model_{failed.index}")
    assert model.value == GEMINI
    assert page.text_input(key=f"repair_{failed.index}_key")
    page.button(key=f"repair_{failed.index}_now").click().run()
    assert "needs your OpenRouter key" in texts(page)
    assert services.run(run.id).state is RunState.DONE
    page.selectbox(key=f"repair_model_{failed.index}").set_value("local/whisper-tiny.en").run()
    assert not [field for field in page.text_input if field.key == f"repair_{failed.index}_key"]
    page.button(key=f"repair_{failed.index}_now").click().run()
    assert not page.exception
    repaired = ended(services, run)
    assert repaired.parts[failed.index].state is PartState.REPAIRED
    assert repaired.parts[failed.index].model_id == "local/whisper-tiny.en"


def test_the_same_model_repairs_a_failed_part_with_the_key_of_the_session(open_run, services, in_parts, openrouter):
    """The key that is typed beside the repair is used for it, and asked for no more in this session."""
    openrouter.enqueue(Reply.refusal(403, "Flagged"))
    run = in_parts()
    number = next(part.index for part in run.parts if part.state is PartState.FAILED)
    page = open_run(run.id)
    page.text_input(key=f"repair_{number}_key").set_value(DEFAULT_KEY)
    page.button(key=f"repair_{number}_now").click().run()
    assert not page.exception
    assert page.session_state["openrouter_key"] == DEFAULT_KEY
    assert ended(services, run).parts[number].state in (PartState.OK, PartState.REPAIRED)


def test_while_a_part_is_repaired_the_transcript_stays(open_run, services, in_parts):
    """The state of the run stands above it, with a way to stop; the lines go on being there to read."""
    run = in_parts()
    services._tools.store.runs.again(run.id, run.request)
    page = open_run(run.id)
    assert not page.exception
    assert "Queued" in texts(page)
    assert page.button(key="cancel")
    assert page.get("progress")[0].proto.value == 0
    assert player(page)["lines"]
    assert not player(page)["growing"]


def test_a_finding_sends_the_player_to_its_place(open_run, services, finish):
    """The badge opens to the findings; a press on a time seeks, as often as it is pressed."""
    run = finish("transcript", Times.MODEL)
    ill = Health(0.7, (Gap(2.0, 9.0),), findings=(Finding("gap", "7 seconds have no text.", 2.0, 9.0),))
    judge(services, run, ill)
    page = open_run(run.id)
    assert "70% of the speech has text" in page.expander[0].label
    assert player(page)["marks"] == [[2.0, 9.0, "7 s of speech without text"]]
    assert player(page)["seek"] is None
    page.button(key="seek_0_0").click().run()
    first = player(page)["seek"]
    assert first[0] == 2.0
    time.sleep(0.01)
    page.button(key="seek_0_0").click().run()
    assert player(page)["seek"][1] > first[1]


def test_the_address_says_where_the_player_stands(open_run, finish):
    """?t= is read like any time; what is no time is passed over."""
    assert [read_start(text) for text in ("90", "1:30", " ", None, "soon")] == [90.0, 90.0, None, None, None]
    run = finish("transcript", Times.MODEL)
    page = AppTest.from_file(ROOT / "app.py", default_timeout=60).switch_page("pages/transcript.py")
    page.query_params["run"], page.query_params["t"] = run.id, "0:05"
    assert player(page.run())["startAt"] == 5.0


def judge(services: Services, run: Run, health: Health) -> None:
    """Lets the run end once more, with another health."""
    attempt = services._tools.store.runs.again(run.id, run.request)
    services._tools.store.runs.finish(
        run.id,
        attempt,
        provider=None,
        usage=Usage(),
        cost_usd=None,
        seconds_to_first_text=None,
        from_cache=False,
        health=health,
    )


def player(page: AppTest) -> dict:
    """What the page hands to the player."""
    return json.loads(page.get("bidi_component")[0].proto.json)


def growing(model_id: str, *parts: tuple[float, str]) -> Run:
    """A run that is going on, of parts of five minutes with what has come of each."""
    records = tuple(
        PartRecord(index, start, start + 300, partial_text=text) for index, (start, text) in enumerate(parts)
    )
    return Run("run", RunRequest(LINK, model_id), RunState.RUNNING, datetime.now(UTC), parts=records)


def test_lines_appear_while_they_come():
    """A model's lines stand at their place in the file, although it counts from the start of each part."""
    lines = growing_lines(growing(GEMINI, (60.0, "[0:01] Ever tried."), (360.0, "[0:04] Ever failed.")))
    assert [(line.start, line.text) for line in lines] == [(61.0, "Ever tried."), (364.0, "Ever failed.")]


def test_lines_of_the_local_model_are_on_the_files_clock_already():
    """What is heard here is not moved twice, neither in a run of its own nor in a part that it repaired."""
    (line,) = growing_lines(growing("local/whisper-base", (60.0, "[1:01] Ever tried.")))
    assert line.start == 61.0
    remote = growing(GEMINI, (60.0, "[1:01] Ever tried."))
    (line,) = growing_lines(replace(remote, parts=(replace(remote.parts[0], model_id="local/whisper-base"),)))
    assert line.start == 61.0


def test_nothing_said_yet_is_no_line():
    """Before the first word there are no lines."""
    assert growing_lines(growing(GEMINI, (0.0, ""))) == []


@pytest.mark.parametrize("rest", ["[", "[0", "[00:", " [00:0", "[00:04"])
def test_half_a_time_is_not_shown_as_text(rest):
    """An answer comes in pieces, and a piece may end within the time of the next line."""
    (line,) = growing_lines(growing(GEMINI, (60.0, f"[0:01] Ever tried.\n{rest}")))
    assert (line.start, line.text) == (61.0, "Ever tried.")


def test_a_format_that_no_browser_plays_is_told(services, footage):
    """The page says so in the player's place instead of showing a broken player."""
    asset = services.asset(services.keep_file(footage).asset_id)
    assert playable(asset).url == f"/api/media/{asset.id}"
    assert playable(replace(asset, container="avi")).notice == UNPLAYABLE
    assert playable(None).url is None
