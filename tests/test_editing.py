"""Editing as the page does it: every change kept once, versions that lose nothing, stretches run again."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import IntegrityError

from lib.domain.changes import Change, Wish
from lib.domain.media import Clip
from lib.domain.plan import Part, Plan, Route
from lib.domain.run import Generation, PartAnswer, PartState, RunRequest, RunState
from lib.domain.transcript import TimedBy, Transcript
from lib.domain.versions import Author
from lib.errors import InputError, NothingThere
from lib.pipeline.run import end_run
from lib.services import Services, open_services
from tests.fakes.openrouter_server import FakeOpenRouter, Reply
from tests.test_jobs import wait_for
from tests.waiting import is_over

MODEL = "google/gemini-3.8-flash"
PARTS = ((0.0, 5.0), (5.0, 10.0))
FIRST, SECOND = "[00:01] Ever tried.\n[00:03] Ever failed.", "[00:01] No matter.\n[00:03] Try again."


@pytest.fixture
def server():
    with FakeOpenRouter(answer="[00:00] Fail better.") as server:
        yield server


@pytest.fixture
def run_id(services, short_talking_video) -> str:
    """A run over ten seconds in two parts, done: four lines at 1, 3, 6 and 8 s."""
    source = services.keep_file(short_talking_video)
    parts = tuple(Part(index, start, end, 100) for index, (start, end) in enumerate(PARTS))
    plan = Plan(MODEL, Route.AUDIO, "", Clip(0.0, 10.0), parts)
    request = RunRequest(source, MODEL, task="moments", end=10.0)
    services._tools.store.runs.add("run", request, plan)
    answer_parts(services, 1, {0: FIRST, 1: SECOND})
    return "run"


def answer_parts(services: Services, attempt: int, texts: dict[int, str]) -> None:
    """Let an attempt get these answers to its parts, and end."""
    store = services._tools.store
    store.runs.begin("run", attempt)
    store.runs.set_plan("run", attempt, store.runs.get("run").plan)
    for number, answer in texts.items():
        digest = f"{attempt}.{number}"
        generation = Generation(MODEL, answer, cost_usd=Decimal(0), finish_reason="stop")
        store.generations.keep(digest, generation, clip_seconds=5, paid_by="run")
        start, end = PARTS[number]
        store.runs.keep_answers("run", attempt, number, (PartAnswer(digest, start, end, start),))
        store.runs.report_part("run", attempt, number, state=PartState.OK)
    end_run("run", attempt, services._tools)
    assert store.runs.get("run").state is RunState.DONE


def texts(services: Services) -> list[str]:
    return [cue.text for cue in services.transcript("run").cues]


def versions(services: Services) -> list[tuple[int, Author, int]]:
    return [(each.number, each.author, each.lines_changed) for each in services.versions.all("run")]


def writing(number: int, line: int, seen: tuple[float, str], words: str, gesture: str = "") -> Change:
    return Change(number, gesture, Wish.WRITE, line=line, seen=seen, text=words)


def test_the_edits_of_a_sitting_are_one_version(services, run_id):
    """Two edits make one version more, exports have them at once, and the model's version is there to go back to."""
    assert texts(services) == ["Ever tried.", "Ever failed.", "No matter.", "Try again."]
    taken = services.editing.take(
        run_id, "a", [writing(1, 0, (1.0, "Ever tried."), "Ever cried."), writing(2, 3, (8.0, "Try again."), "Again!")]
    )
    assert (taken.number, taken.refused) == (2, ())
    assert texts(services) == ["Ever cried.", "Ever failed.", "No matter.", "Again!"]
    assert versions(services) == [(2, Author.EDIT, 2), (1, Author.MODEL, 0)]
    assert "Ever cried." in services.export(run_id, "srt").content.decode()
    assert "Ever cried." in services.export(run_id, "json").content.decode()
    before, after = services.versions.difference(run_id, 2)
    assert (before.old[0].text, before.new[0].text, after.new[0].text) == ("Ever tried.", "Ever cried.", "Again!")


def test_what_is_edited_is_what_is_searched(services, run_id):
    """A word that came is found at its second, one that went is not, and one that was only typed in passing neither."""
    services.editing.take(run_id, "a", [writing(1, 0, (1.0, "Ever tried."), "Ever cried.", "g1")])
    services.editing.take(
        run_id, "a", [writing(2, 1, (3.0, "Ever failed."), "Zebra.", "g2"), Change(3, "g2", Wish.LEAVE)]
    )
    found = services.library.search("cried").hits
    assert [hit.run.id for hit in found] == [run_id]
    assert not services.library.search("tried").hits
    assert not services.library.search("zebra").hits
    services.versions.restore(run_id, 1)
    assert services.library.search("tried").hits


def test_captions_that_no_model_wrote_are_edited_too(services, run_id):
    """A run without a plan, as one of captions is, has lines like any other: they are split, timed and run again."""
    store = services._tools.store
    source = services.run(run_id).request.source
    cues = services.transcript(run_id).cues
    said = Transcript(cues, "\n".join(cue.text for cue in cues))
    store.runs.add_done("read", RunRequest(source, MODEL), said, started=datetime.now(UTC), asset_id=source.asset_id)
    changes = [
        Change(1, "", Wish.SPLIT, line=0, seen=(1.0, "Ever tried."), position=5),
        Change(2, "", Wish.TIME, line=4, seen=(8.0, "Try again."), start=8.5, end=50.0),
    ]
    assert services.editing.take("read", "a", changes).refused == ()
    edited = services.transcript("read").cues
    assert [cue.text for cue in edited[:2]] == ["Ever", "tried."]
    assert (edited[4].start, edited[4].end) == (8.5, cues[3].end), "no further than it reached"
    assert services.reruns.request("read", 6.0, 8.0, MODEL).start == 5.5


def test_a_version_of_a_run_that_is_gone_is_no_version(services, run_id):
    """Deleted meanwhile: nothing is kept, and nobody waits for ever."""
    transcript = services.transcript(run_id)
    assert services._tools.store.removals.run(run_id)
    with pytest.raises(IntegrityError):
        services._tools.store.transcripts.keep(run_id, transcript)


def test_a_change_that_is_sent_twice_is_made_once(services, run_id):
    """The page repeats what it has not heard of: a split is no second split, also for another process."""
    change = Change(1, "", Wish.SPLIT, line=0, seen=(1.0, "Ever tried."), position=5)
    assert services.editing.take(run_id, "a", [change]).number == 1
    assert services.editing.take(run_id, "a", [change]).number == 1
    with closing(open_services(services.settings)) as other:
        assert other.editing.take(run_id, "a", [change, Change(2, "", Wish.DELETE, line=0)]).number == 2
    assert texts(services) == ["tried.", "Ever failed.", "No matter.", "Try again."]


def test_letters_are_one_edit_and_leaving_takes_them_back(services, run_id):
    """What is typed is kept while it is typed, undone as one, and left without a trace."""
    typed = [writing(1, 0, (1.0, "Ever tried."), "E", "g1"), writing(2, 0, (1.0, "E"), "Ev", "g1")]
    services.editing.take(run_id, "a", typed)
    assert texts(services)[0] == "Ev"
    assert len(services.editing.history(run_id).done) == 1
    services.editing.take(run_id, "a", [Change(3, "", Wish.UNDO)])
    assert texts(services)[0] == "Ever tried."
    services.editing.take(run_id, "a", [Change(4, "", Wish.REDO), writing(5, 1, (3.0, "Ever failed."), "X", "g2")])
    services.editing.take(run_id, "a", [Change(6, "g2", Wish.LEAVE)])
    assert texts(services)[:2] == ["Ev", "Ever failed."]
    assert [edit.action for edit in services.editing.history(run_id).done] == ["write"]


def test_a_line_that_was_only_looked_into_makes_no_version(services, run_id):
    """Typing and leaving again, with nothing else done, leaves the list of versions as it was."""
    services.editing.take(run_id, "a", [writing(1, 0, (1.0, "Ever tried."), "E", "g"), Change(2, "g", Wish.LEAVE)])
    assert versions(services) == [(1, Author.MODEL, 0)]
    services.editing.take(run_id, "a", [Change(3, "", Wish.UNDO), Change(4, "", Wish.REDO)])
    assert versions(services) == [(1, Author.MODEL, 0)]


def test_after_ten_minutes_another_version_begins_and_undo_reaches_back(services, run_id):
    """A version that was left for a while is closed; undoing what it did is a version of its own."""
    services.editing.take(run_id, "a", [writing(1, 0, (1.0, "Ever tried."), "One.")])
    let_pass(services, minutes=11)
    services.editing.take(run_id, "b", [writing(1, 1, (3.0, "Ever failed."), "Two.")])
    assert versions(services) == [(3, Author.EDIT, 1), (2, Author.EDIT, 1), (1, Author.MODEL, 0)]
    services.editing.take(run_id, "b", [Change(2, "", Wish.UNDO), Change(3, "", Wish.UNDO)])
    assert texts(services)[:2] == ["Ever tried.", "Ever failed."]
    assert services.editing.history(run_id).undo is None
    assert services._tools.store.transcripts.version(run_id, 2).cues[0].text == "One."


def let_pass(services: Services, minutes: float) -> None:
    """Let the last edits have been made so long ago."""
    then = (datetime.now(UTC) - timedelta(minutes=minutes)).isoformat(timespec="milliseconds")
    engine = create_engine(services.settings.database_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE transcript SET changed = :then"), {"then": then})
    engine.dispose()


def test_another_window_is_found_or_refused(services, run_id):
    """A line that moved is found by what was seen; one that says something else now is told, and nothing is lost."""
    services.editing.take(run_id, "a", [Change(1, "", Wish.DELETE, line=0, seen=(1.0, "Ever tried."))])
    services.editing.take(run_id, "b", [writing(1, 3, (8.0, "Try again."), "Again.")])
    assert texts(services) == ["Ever failed.", "No matter.", "Again."]
    taken = services.editing.take(
        run_id, "a", [writing(2, 2, (8.0, "Try again."), "Mine."), writing(3, 0, (3.0, "Ever failed."), "Failed.")]
    )
    assert taken.number == 3
    ((number, words),) = taken.refused
    assert number == 2
    assert "changed elsewhere" in words
    assert texts(services) == ["Failed.", "No matter.", "Again."]


def test_two_processes_that_write_at_once_lose_nothing(services, run_id):
    """Whoever has read what is no longer the newest reads again before writing."""
    store = services._tools.store.transcripts
    before = store.newest(run_id)
    services.editing.take(run_id, "a", [writing(1, 0, (1.0, "Ever tried."), "Mine.")])
    assert store.keep_after(run_id, before.transcript, before.version, author=Author.REPAIR) is None
    mine = store.newest(run_id)
    services.editing.take(run_id, "a", [writing(2, 1, (3.0, "Ever failed."), "Mine too.")])
    assert not store.extend(run_id, mine.version, before.transcript, lines_changed=0, added=None)
    assert store.keep_after(run_id, before.transcript, mine.version, author=Author.REPAIR) is None
    assert texts(services)[:2] == ["Mine.", "Mine too."]


def test_restoring_makes_a_version_and_loses_none(services, run_id):
    """An older version becomes the newest, says which it was, and what came between can be restored as well."""
    services.editing.take(run_id, "a", [writing(1, 0, (1.0, "Ever tried."), "Mine.")])
    assert services.versions.restore(run_id, 1) == 3
    assert texts(services)[0] == "Ever tried."
    assert services.versions.all(run_id)[0].note == "version 1"
    assert services.editing.history(run_id).undo is None
    services.versions.restore(run_id, 2)
    assert texts(services)[0] == "Mine."
    assert versions(services)[0] == (4, Author.RESTORED, 1)
    with pytest.raises(NothingThere):
        services.versions.restore(run_id, 9)


def test_a_repair_replaces_its_part_and_leaves_edits_alone(services, run_id):
    """The other part keeps what a person wrote; before anybody edits, a repair is the whole anew."""
    services._tools.store.runs.again("run", services.run("run").request)
    answer_parts(services, 2, {0: "[00:02] Ever dared."})
    assert texts(services) == ["Ever dared.", "No matter.", "Try again."]
    services.editing.take(run_id, "a", [writing(1, 1, (6.0, "No matter."), "Never mind.")])
    services.editing.take(run_id, "a", [writing(2, 0, (2.0, "Ever dared."), "This goes.")])
    services._tools.store.runs.again("run", services.run("run").request)
    answer_parts(services, 3, {0: "[00:01] Ever tried anew."})
    assert texts(services) == ["Ever tried anew.", "Never mind.", "Try again."]
    newest, edited, first_repair, model = services.versions.all(run_id)
    assert (newest.author, newest.note, newest.lines_changed) == (Author.REPAIR, "part 1", 1)
    assert (edited.author, first_repair.author, model.author) == (Author.EDIT, Author.REPAIR, Author.MODEL)
    assert services._tools.store.transcripts.version(run_id, 3).cues[0].text == "This goes."


def test_an_attempt_that_ends_twice_keeps_one_version(services, run_id):
    """A crash between keeping and finishing makes the step run again: the version is there already."""
    services.editing.take(run_id, "a", [writing(1, 0, (1.0, "Ever tried."), "Mine.")])
    services._tools.store.runs.again("run", services.run("run").request)
    answer_parts(services, 2, {1: "[00:02] New."})
    services._tools.store.runs.again("run", services.run("run").request)
    answer_parts(services, 3, {})
    assert [author for _, author, _ in versions(services)] == [Author.REPAIR, Author.EDIT, Author.MODEL]
    assert texts(services) == ["Mine.", "Ever failed.", "New."]


def test_times_are_held_by_the_clip_and_the_json_says_who_set_them(services, run_id):
    """A typed time past the clip ends with it; the export calls it edited."""
    change = Change(1, "", Wish.TIME, line=3, seen=(8.0, "Try again."), start=8.5, end=99.0)
    services.editing.take(run_id, "a", [change])
    cue = services.transcript(run_id).cues[3]
    assert (cue.start, cue.end, cue.timed_by) == (8.5, 10.0, TimedBy.EDITED)
    assert services.run_record(run_id)["cues"][3]["timed_by"] == "edited"


def test_a_stretch_is_run_again_and_put_in_place(services, run_id):
    """Any model, as a run of its own with its price before; its lines replace those of the stretch, and only those."""
    services.editing.take(run_id, "a", [writing(1, 0, (1.0, "Ever tried."), "Mine.")])
    request = services.reruns.request(run_id, 6.0, 8.0, MODEL)
    assert (request.task, request.start, request.end) == ("moments", 5.5, 8.0)
    assert services.plan(request).estimate_usd > 0
    touched = services.reruns.request(run_id, 6.5, 7.0, MODEL)
    assert (touched.start, touched.end) == (request.start, request.end), "no line is cut in two"
    rerun = services.reruns.start(run_id, request)
    assert [run.id for run in services.reruns.of(run_id)] == [rerun.id]
    assert wait_for(services, rerun, is_over).state is RunState.DONE
    ((found),) = services.reruns.difference(run_id, rerun.id)
    assert [cue.text for cue in found.new] == ["Fail better."]
    assert services.reruns.put_in_place(run_id, rerun.id) == 3
    assert texts(services) == ["Mine.", "Ever failed.", "Fail better.", "Try again."]
    assert (services.versions.all(run_id)[0].author, services.versions.all(run_id)[0].note) == (Author.AGAIN, MODEL)
    assert services.reruns.of(run_id) == []


def test_what_a_run_left_out_is_left_out_when_lines_are_run_again(services, server, short_talking_video):
    """Of several stretches only what lies within the lines is sent, and only there is text put in place; edits between
    the stretches stay. The model is asked anew, though it has answered for just these stretches."""
    server.enqueue(Reply.answer("[00:01] Ever tried.\n[00:05] Ever failed."))
    stretches = (Clip(0.0, 3.0), Clip(6.0, 10.0))
    asked = services.new_request(services.keep_file(short_talking_video), MODEL, task="moments", stretches=stretches)
    run = wait_for(services, services.submit(asked), is_over)
    first, second = services.transcript(run.id).cues
    assert (first.start, second.start) == (1.0, 7.0)
    between = Change(1, "", Wish.INSERT, line=1, seen=(1.0, "Ever tried."), text="Silence.")
    assert services.editing.take(run.id, "a", [between]).refused == ()
    kept = services.transcript(run.id).cues[1]
    request = services.reruns.request(run.id, 0.0, 10.0, MODEL)
    assert request.stretches == run.plan.stretches
    rerun = services.reruns.start(run.id, request)
    wait_for(services, rerun, is_over)
    services.reruns.put_in_place(run.id, rerun.id)
    assert [cue.text for cue in services.transcript(run.id).cues] == ["Fail better.", kept.text]
    alone = services.reruns.request(run.id, 0.0, 1.0, MODEL)
    assert (alone.stretches, alone.end) == ((), 3.0)


def test_a_stretch_is_asked_and_decided_about_once(services, server, run_id):
    """Run again pressed twice asks once. Who puts in place, or leaves, what is in place already changes nothing:
    what was edited since stays."""
    server.enqueue(Reply.drip("[00:00] Fail better.", delay=0.2, pieces=10))
    request = services.reruns.request(run_id, 6.0, 8.0, MODEL)
    reruns = [services.reruns.start(run_id, request) for _ in range(2)]
    assert reruns[0].id == reruns[1].id
    wait_for(services, reruns[0], is_over)
    assert services.reruns.put_in_place(run_id, reruns[0].id) == 2
    placed = services.transcript(run_id).cues[2]
    services.editing.take(run_id, "a", [writing(1, 2, (placed.start, placed.text), "Mine.")])
    services.reruns.leave(reruns[0].id)
    assert services.reruns.put_in_place(run_id, reruns[0].id) == 3
    assert texts(services) == ["Ever tried.", "Ever failed.", "Mine.", "Try again."]
    again = services.reruns.start(run_id, request)
    assert again.id != reruns[0].id, "asked anew, now that it is decided about"
    services.cancel(again.id)
    with pytest.raises(NothingThere):
        services.reruns.start("no such run", request)


def test_a_stretch_that_is_left_changes_nothing(services, run_id):
    """Leave: the lines stay, the run stays to be read, and nobody is asked again. A stretch has two ends."""
    rerun = services.reruns.start(run_id, services.reruns.request(run_id, 6.0, 8.0, MODEL))
    wait_for(services, rerun, is_over)
    services.reruns.leave(rerun.id)
    assert services.reruns.of(run_id) == []
    assert services.transcript(rerun.id).text == "Fail better."
    assert versions(services) == [(1, Author.MODEL, 0)]
    with pytest.raises(InputError):
        services.reruns.request(run_id, 8.0, 6.0, MODEL)
    with pytest.raises(InputError):
        services.reruns.request(run_id, 50.0, 60.0, MODEL)
