"""The Transcript page around the reader: versions, health after edits, stretches run again, what the reader sends."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from lib.domain.changes import Change, Wish
from lib.domain.differences import differences
from lib.domain.health import Gap, Health
from lib.domain.media import Source, SourceKind
from lib.domain.plan import Route
from lib.domain.transcript import Cue
from lib.services import Services
from lib.ui.difference import difference_words
from lib.ui.editing import read_changes
from lib.ui.model_picker import models_for
from lib.ui.player import playable
from lib.ui.words import exact_clock
from tests.editing_fixtures import cues_of, write_run
from tests.fakes.openrouter_server import FakeOpenRouter
from tests.page_fixtures import services_of_pages

ROOT = Path(__file__).parents[1]
NASTY = "**x** $a$ [l](javascript:1) <b>"


@pytest.fixture
def services(tmp_path, monkeypatch) -> Iterator[Services]:
    with FakeOpenRouter() as server, services_of_pages(monkeypatch, tmp_path / "data", server.base_url) as services:
        yield services


@pytest.fixture
def source(services, short_talking_video) -> Source:
    return services.keep_file(short_talking_video)


@pytest.fixture
def new_run(services, source) -> Callable[..., str]:
    def new_run_(run_id: str = "a" * 32, cues=None, **more: object) -> str:
        cues = cues_of() if cues is None else cues
        return write_run(services._tools.store, run_id, more.pop("source", source), cues, **more)

    return new_run_


def open_run(run_id: str) -> AppTest:
    page = AppTest.from_file(ROOT / "app.py", default_timeout=60).switch_page("pages/transcript.py")
    page.query_params["run"] = run_id
    page = page.run()
    assert not page.exception
    return page


def player(page: AppTest) -> dict:
    return json.loads(page.get("bidi_component")[0].proto.json)


def texts(page: AppTest) -> str:
    kinds = (page.markdown, page.caption, page.error, page.info)
    return "\n".join(str(element.value) for kind in kinds for element in kind).replace("\\", "").replace("\u2060", "")


def write(services: Services, run_id: str, number: int, line: int, text: str) -> None:
    cue = services.transcript(run_id).cues[line]
    change = Change(number, "", Wish.WRITE, line=line, seen=(cue.start, cue.text), text=text)
    assert services.editing.take(run_id, "test", [change]).refused == ()


def test_the_reader_is_given_what_it_needs_to_edit(services, new_run):
    """Bounds, the newest lines with their marks, and what can be undone; a version more appears with the first edit."""
    run = new_run()
    page = open_run(run)
    assert player(page)["editing"]["bounds"] == [0.0, 44.4]
    assert player(page)["editing"]["undo"] is None
    assert not [each for each in page.expander if each.label.startswith("Versions")]
    write(services, run, 1, 0, "Edited.")
    page = open_run(run)
    assert player(page)["lines"][0][2:] == ["Edited.", "Speaker 1", "audio", True]
    assert player(page)["editing"]["undo"] == "text at 0:01"
    assert [each.label for each in page.expander if each.label.startswith("Versions")] == ["Versions (2)"]


def test_a_version_shows_its_changes_and_is_restored(services, new_run):
    """Added and removed words are marked, a stranger's text is text; Restore makes the old lines the newest."""
    run = new_run()
    write(services, run, 1, 0, f"It was {NASTY}")
    page = open_run(run)
    assert "Edited by hand · just now · 1 line changed" in texts(page)
    page.button(key="changes_2").click().run()
    (shown,) = [element.value for element in page.markdown if ":green-background" in element.value]
    assert "\\[l\\]\\(javascript" in shown
    assert ":red[~~" in shown
    page.button(key="changes_2").click().run()
    assert not [element for element in page.markdown if ":green-background" in element.value]
    page.button(key="restore_1").click().run()
    assert not page.exception
    assert services.transcript(run).cues == cues_of()
    assert "Restored version 1" in texts(page)


def test_health_is_measured_anew_or_says_what_it_was_measured_on(services, new_run, monkeypatch):
    """Short transcripts are measured at once; a long one says that its lines have changed since, and waits."""
    ill = Health(0.5, (Gap(0.0, 44.0),), timed_by_audio=1.0)
    run = new_run(health=ill)
    assert "50% of the speech has text" in open_run(run).expander[0].label
    monkeypatch.setattr("lib.ui.repair.MEASURED_AT_ONCE", 2)
    write(services, run, 1, 0, "Edited.")
    page = open_run(run)
    assert "Measured on version 1. The lines have changed since." in texts(page)
    assert services.run_record(run)["health_version"] == 1
    page.button(key="measure").click().run()
    assert not page.exception
    assert "Measured on version" not in texts(page)
    assert services.run(run).health != ill
    monkeypatch.setattr("lib.ui.repair.MEASURED_AT_ONCE", 300)
    write(services, run, 2, 1, "Edited too.")
    open_run(run)
    newest = services.versions.newest(run).version
    assert newest.is_what_was_measured(services.run(run).health_version, services.run(run).health_revision)


def test_a_stretch_that_was_run_again_waits_to_be_put_in_place(services, new_run):
    """It stands with its difference; Put in place replaces the lines, Leave does not; a failed one can be left too."""
    run = new_run()
    fresh = (Cue(9.0, 13.0, "It was the epoch of belief."),)
    for rerun in ("b" * 32, "c" * 32):
        new_run(rerun, fresh, end=44.4, again_of=run)
        set_clip(services, rerun, 8.7, 13.3)
    page = open_run(run)
    assert "0:08–0:13 again" in texts(page)
    page.button(key=f"place_{'b' * 32}").click().run()
    assert not page.exception
    assert [cue.text for cue in services.transcript(run).cues][1:4] == [
        cues_of()[1].text,
        "It was the epoch of belief.",
        cues_of()[3].text,
    ]
    assert "A stretch run again with local/whisper-base" in texts(page)
    page.button(key=f"leave_{'c' * 32}").click().run()
    assert "again" not in [each.label for each in page.button]
    assert services.reruns.of(run) == []


def set_clip(services: Services, run_id: str, start: float, end: float) -> None:
    """Lets a run have been over this stretch only."""
    store = services._tools.store.runs
    run = store.get(run_id)
    attempt = store.again(run_id, run.request)
    store.begin(run_id, attempt)
    store.set_plan(run_id, attempt, replace(run.plan, clip=type(run.plan.clip)(start, end)))
    store.finish(
        run_id,
        attempt,
        provider=None,
        usage=run.usage,
        cost_usd=None,
        seconds_to_first_text=None,
        from_cache=False,
        health=None,
    )


def test_chapters_of_the_same_video_stand_on_the_timeline(services, new_run):
    """The newest finished run for chapters counts; a run for chapters shows none of its own."""
    run = new_run()
    assert player(open_run(run))["chapters"] == []
    new_run("b" * 32, [Cue(0, 5, "Old")], task="chapters")
    new_run("c" * 32, [Cue(0, 5, "Best"), Cue(5, 9, NASTY)], task="chapters")
    assert player(open_run(run))["chapters"] == [[0, "Best"], [5, NASTY]]
    assert player(open_run("c" * 32))["chapters"] == []


def test_a_link_that_was_never_here_plays_from_youtube(services, new_run):
    """Only a run that sent the link itself offers YouTube's player, by the id of the video; no other link does."""
    link = Source(SourceKind.LINK, "A talk", url="https://youtu.be/dQw4w9WgXcQ?t=9", duration=44.0)
    page = open_run(new_run(source=link, route=Route.LINK, model_id="google/gemini-3.8-flash"))
    assert (player(page)["youtube"], player(page)["url"]) == ("dQw4w9WgXcQ", None)
    assert playable(None, "https://example.org/talk.mp4").youtube_id is None
    assert playable(None).notice


def test_any_model_that_can_take_it_may_run_a_stretch_again(services, new_run):
    """Local models for what they can do, then the user's own, then the whole catalogue."""
    services.save_preferences(replace(services.preferences(), default_models=("qwen/qwen3.8-omni-flash",)))
    run = services.run(new_run())
    choices = [model.id for model in models_for(services, run)]
    assert choices[0] == "local/whisper-base"
    remote = [model_id for model_id in choices if not model_id.startswith("local/")]
    assert remote[0] == "qwen/qwen3.8-omni-flash"
    summary = services.run(new_run("b" * 32, task="moments"))
    assert not [model for model in models_for(services, summary) if model.is_local]


def test_what_no_reader_would_send_is_passed_over():
    """Changes are read by their reader and in their order; nonsense is no change."""
    good = {"reader": "r", "number": 2, "wish": "write", "line": 3, "seen": [1.5, "old"], "text": "new", "gesture": "g"}
    sent = [
        good | {"kept": True},
        {"reader": "r", "number": 1, "wish": "split", "line": 0, "seen": [0, "a b"], "position": 1},
        {"reader": "other", "number": 1, "wish": "undo"},
        "nonsense",
        good | {"wish": "explode"},
        good | {"number": 0},
        good | {"line": -1},
        good | {"seen": [float("nan"), "x"]},
        {"number": 1, "wish": "undo"},
    ]
    (first, changes, _), (second, undo, _) = read_changes(sent)
    assert (first, [change.number for change in changes]) == ("r", [1, 2])
    assert changes[1] == Change(2, "g", Wish.WRITE, line=3, seen=(1.5, "old"), text="new")
    assert (second, undo[0].wish) == ("other", Wish.UNDO)
    assert list(read_changes(None)) == []
    assert [is_kept for _, _, is_kept in read_changes([good])] == [False]


def test_a_difference_is_told_in_words():
    """Words, times, speakers, lines that came and went: each is one line of Markdown."""
    stays = [Cue(at, at + 1, "stays") for at in range(0, 40, 10)]
    old = (Cue(1, 2, "one two"), stays[1], Cue(12, 13, "same", "Ann"), stays[2], Cue(21, 22, "apart from"), stays[3])
    new = (Cue(1, 2, "one 2"), stays[1], Cue(12.25, 13, "same", "Bob"), stays[2], Cue(21, 21.5, "apart"))
    new = (*new, Cue(21.5, 22, "from"), stays[3], Cue(50, 51, "more"))
    told = [difference_words(found).replace("\\", "").replace("\u2060", "") for found in differences(old, new)]
    assert len(told) == 4
    assert any(":red[~~two~~]" in words and ":green-background[2]" in words for words in told)
    assert any("Ann → Bob" in words and "0:12.0 → 0:12.25" in words for words in told)
    assert any("1 line → 2 lines" in words for words in told)
    assert any("1 line added" in words for words in told)


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0:00.0"), (5.1, "0:05.1"), (62.346, "1:02.35"), (3723.999, "1:02:04.0")]
)
def test_exact_times_have_hundredths(seconds, words):
    """As exact as a person can hear, and rounded, not cut off."""
    assert exact_clock(seconds) == words
