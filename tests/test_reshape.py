"""The shape of a transcript's lines: chosen before a run, kept in it, and given anew to one that is over."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise

import pysubs2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.domain.changes import Change, Wish
from lib.domain.cues import CueShape
from lib.domain.excerpt import Excerpt
from lib.domain.media import Clip
from lib.domain.plan import Times
from lib.domain.reshaped import reshaped
from lib.domain.run import RunRequest, RunState
from lib.domain.tokens import display_width
from lib.domain.transcript import Cue, TimedBy, Word
from lib.domain.versions import Author
from lib.errors import InputError, NothingThere
from lib.services import Services
from lib.store.records import from_json, to_json
from tests.fakes.openrouter_server import FakeOpenRouter, Reply
from tests.test_edits import transcripts
from tests.test_jobs import wait_for
from tests.waiting import is_over

MODEL = "google/gemini-3.8-flash"
NARROW = CueShape(max_lines=1, line_width=20, min_seconds=0.5, max_seconds=3.0, max_chars_per_second=30.0)
ANSWER = "[00:01] Ever tried, ever failed, and no matter: try again and fail again.\n[00:07] Fail better."
CHINESE = "[00:01] 今天天气很好，我们去公园散步，然后一起回家吃饭。\n[00:06] 明天也许会下雨，但是没有关系。"


@pytest.fixture
def server():
    with FakeOpenRouter(answer=ANSWER) as server:
        yield server


def transcribed(services: Services, path, **changes):
    request = replace(services.new_request(services.keep_file(path), MODEL), **({"times": Times.MODEL} | changes))
    run = wait_for(services, services.submit(request), is_over, 120)
    assert run.state is RunState.DONE, run.failure
    return run


def captions(services: Services, run_id: str) -> list[list[str]]:
    """The lines of each caption of the SRT."""
    text = services.export(run_id, "srt").content.decode()
    return [event.text.split("\\N") for event in pysubs2.SSAFile.from_string(text, format_="srt")]


def words(services: Services, run_id: str) -> list[str]:
    return services.transcript(run_id).text.split()


def asked(server: FakeOpenRouter) -> int:
    return sum(request.method == "POST" for request in server.history)


def test_a_run_takes_the_shape_of_the_settings_into_its_lines_and_its_captions(services, short_talking_video):
    """One line of 20 characters for at most 3 s: so is every cue, and so are the lines of the SRT."""
    services.save_preferences(replace(services.preferences(), cue_shape=NARROW))
    run = transcribed(services, short_talking_video)
    assert run.request.cue_shape == NARROW
    cues = services.transcript(run.id).cues
    assert len(cues) > 3
    assert all(len(cue.text) <= 20 and cue.end - cue.start <= 3.001 for cue in cues)
    assert all(len(lines) == 1 and len(lines[0]) <= 20 for lines in captions(services, run.id))


def test_a_transcript_is_shaped_anew_from_what_is_kept(services, server, short_talking_video):
    """Nothing is asked again, no word is lost, and a repair follows the new shape."""
    run = transcribed(services, short_talking_video, times=Times.AUDIO)
    before, text = asked(server), words(services, run.id)
    assert max(len(line) for lines in captions(services, run.id) for line in lines) > 20
    services.save_preferences(replace(services.preferences(), cue_shape=NARROW))
    shaped = services.reshape(run.id)
    assert shaped.request.cue_shape == NARROW
    assert shaped.state is RunState.DONE
    assert shaped.health.coverage == pytest.approx(run.health.coverage, abs=0.05)
    assert words(services, run.id) == text
    assert all(len(lines) == 1 and len(lines[0]) <= 20 for lines in captions(services, run.id))
    assert asked(server) == before
    services.repair(run.id, 0)
    wait_for(services, run, is_over, 120)
    assert asked(server) == before + 1
    assert all(len(cue.text) <= 20 for cue in services.transcript(run.id).cues)


def test_shaping_anew_with_the_same_shape_changes_nothing(services, short_talking_video):
    """What is kept of the sound is enough: the lines come out as they were, to the millisecond."""
    run = transcribed(services, short_talking_video, times=Times.AUDIO)
    before = services.transcript(run.id)
    assert services.reshape(run.id).health == run.health
    assert services.transcript(run.id) == before


def test_what_a_person_wrote_is_laid_out_and_not_written_over(services, short_talking_video):
    """An edited transcript is shaped from its lines: each word stays, those that were edited say so, and the version
    before can be had back. A repair and an undo find what they expect."""
    run = transcribed(services, short_talking_video, times=Times.AUDIO)
    cues = services.transcript(run.id).cues
    said = "Fail better, said somebody who corrects what machines have heard."
    change = Change(1, "a", Wish.WRITE, len(cues) - 1, seen=(cues[-1].start, cues[-1].text), text=said)
    assert services.editing.take(run.id, "reader", [change]).refused == ()
    edited = services.transcript(run.id)
    shaped = services.reshape(run.id, NARROW)
    assert words(services, run.id) == edited.text.split()
    fresh = services.transcript(run.id).cues
    assert len(fresh) > len(edited.cues)
    assert "".join(cue.text for cue in fresh if cue.is_edited).replace(" ", "") == said.replace(" ", "")
    versions = services.versions.all(run.id)
    assert [version.author for version in versions] == [Author.RESHAPED, Author.EDIT, Author.MODEL]
    assert shaped.health_version == 3
    services.reshape(run.id, CueShape())
    assert words(services, run.id) == edited.text.split()
    services.versions.restore(run.id, 2)
    assert services.transcript(run.id) == edited


@given(transcripts(), st.sampled_from([NARROW, CueShape()]), st.data())
def test_lines_shaped_anew_keep_every_word_and_their_order(transcript, shape, data):
    """Over one stretch or two, with words heard or without: nothing is lost, and no line begins before the last."""
    cues = [replace(cue, is_edited=data.draw(st.booleans())) for cue in transcript.cues]
    heard = [Word(cue.start, cue.end, cue.text.split()[0]) for cue in cues if data.draw(st.booleans())]
    excerpt = data.draw(st.sampled_from([Excerpt.of(0.0, 60.0), Excerpt((Clip(0.0, 3.0), Clip(4.0, 60.0)))]))
    fresh = reshaped(cues, shape, excerpt, words=heard)
    assert "".join(cue.text for cue in fresh).replace(" ", "") == transcript.text.replace(" ", "").replace("\n", "")
    assert all(one.start <= other.start for one, other in pairwise(fresh))
    assert any(cue.is_edited for cue in fresh) == any(cue.is_edited for cue in cues)


def test_a_line_shaped_anew_is_parted_where_its_words_were_heard():
    """By the sound where the sound had timed it; a time that was set by hand is only shared among its words."""
    text = "Ever tried, ever failed"
    heard = [Word(0.0, 0.4, "Ever"), Word(0.5, 0.9, "tried"), Word(6.0, 6.4, "ever"), Word(6.5, 7.0, "failed")]
    cue = Cue(0.0, 7.0, text, timed_by=TimedBy.AUDIO)
    shape = replace(NARROW, line_width=12, max_seconds=7.0)
    by_sound = reshaped([cue], shape, Excerpt.of(0.0, 10.0), words=heard)
    assert [(line.text, line.start) for line in by_sound] == [("Ever tried,", 0.0), ("ever failed", 6.0)]
    by_hand = reshaped([replace(cue, timed_by=TimedBy.EDITED)], shape, Excerpt.of(0.0, 10.0), words=heard)
    assert [line.timed_by for line in by_hand] == [TimedBy.EDITED] * 2
    assert by_hand[1].start == pytest.approx(7 * len("Ever tried,") / len(text))


def test_chinese_lines_hold_half_as_many_characters(services, server, short_talking_video):
    """A width of 20 columns is 10 wide characters, in the cues and in the captions."""
    server.enqueue(Reply.answer(CHINESE))
    run = transcribed(services, short_talking_video)
    services.reshape(run.id, replace(NARROW, max_lines=2))
    assert (
        "".join(words(services, run.id))
        == "今天天气很好，我们去公园散步，然后一起回家吃饭。明天也许会下雨，但是没有关系。"
    )
    for lines in captions(services, run.id):
        assert len(lines) <= 2
        assert all(display_width(line) <= 20 for line in lines)


def test_only_a_transcript_that_is_there_is_shaped(services, server, short_talking_video):
    """A summary has no lines of ours, a failed run no transcript: both are told in words."""
    summary = transcribed(services, short_talking_video, task="summary")
    with pytest.raises(InputError, match="transcript"):
        services.reshape(summary.id)
    server.enqueue(Reply.refusal(402, "Insufficient credits"))
    failed = services.submit(services.new_request(services.keep_file(short_talking_video), MODEL))
    wait_for(services, failed, is_over)
    with pytest.raises(NothingThere):
        services.reshape(failed.id)
    with pytest.raises(NothingThere):
        services.reshape("0" * 32)


def test_requests_of_earlier_versions_still_load(services, short_talking_video):
    """A run that was written down before lines had a shape has the usual one."""
    request = services.new_request(services.keep_file(short_talking_video), MODEL)
    stored = json.loads(to_json(request))
    del stored["cue_shape"]
    assert from_json(RunRequest, json.dumps(stored)) == request


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_lines": 0},
        {"line_width": 1},
        {"min_seconds": 0},
        {"min_seconds": 8},
        {"max_seconds": float("inf")},
        {"max_chars_per_second": float("nan")},
    ],
)
def test_a_shape_that_cannot_be_is_refused(wrong):
    """No line, no width, no time, no speed, and nothing without an end."""
    with pytest.raises(ValueError):
        replace(CueShape(), **wrong)


def test_a_shape_says_itself_in_words():
    """As Settings show it while it is chosen."""
    assert str(CueShape()) == "2 lines of 42 characters, 1 to 7 s, at most 20 characters a second"
    assert str(replace(NARROW, min_seconds=3)) == "1 line of 20 characters, 3 s, at most 30 characters a second"
