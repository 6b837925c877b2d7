"""Answers about several stretches that were joined: the text comes back on the video's own clock."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.domain.cuts import portions
from lib.domain.excerpt import Excerpt
from lib.domain.media import Clip
from lib.domain.run import Generation, PartAnswer
from lib.domain.transcript import Segment, TimedBy, Word
from lib.formats.boxed_times import box
from lib.pipeline.stitch import Heard, make_transcript
from tests.timing_fixtures import speech, text_of

SENTENCES = speech(1800.0, seed=4)
"""Half an hour of speech, of which three stretches are sent."""


def around(sentences: list[list[Word]]) -> Clip:
    return Clip(round(sentences[0][0].start - 0.1, 3), round(sentences[-1][-1].end + 0.1, 3))


CHOSEN = [SENTENCES[10:24], SENTENCES[90:101], SENTENCES[200:230]]
EXCERPT = Excerpt(tuple(around(sentences) for sentences in CHOSEN))
SAID = [sentence for sentences in CHOSEN for sentence in sentences]
WORDS = tuple(word for sentence in SAID for word in sentence)
VOICE = tuple((sentence[0].start, sentence[-1].end) for sentence in SAID)


def answer(excerpt: Excerpt, stamp: Callable[[float], str]) -> tuple[PartAnswer, Generation]:
    """What a model says of a part: each of its sentences on the joined clock, which begins at zero for it."""
    lines = []
    for sentence in SAID:
        if any(each.start <= sentence[0].start < each.end for each in excerpt.stretches):
            lines.append(f"{stamp(excerpt.to_joined(sentence[0].start) - excerpt.start)}{text_of(sentence)}")
    digest = f"{excerpt.start}"
    return PartAnswer(digest, excerpt.start, excerpt.end, excerpt.start), Generation("m", "\n".join(lines))


def whole_second(time: float) -> str:
    return f"{box(time)} "


def transcript_of(parts: tuple[Excerpt, ...], stamp: Callable[[float], str], heard: Heard):
    answers = [answer(part, stamp) for part in parts]
    return make_transcript("transcript", EXCERPT, [part.span for part in parts], answers, heard)


def in_parts(target: float) -> tuple[Excerpt, ...]:
    found = portions(EXCERPT, lambda stretch: (), target=target, longest=max(target, 100.0))
    return tuple(portion.excerpt for portion in found)


def words_in(text: str) -> list[str]:
    return text.lower().replace(".", "").split()


def stretch_of(time: float) -> Clip | None:
    return next((each for each in EXCERPT.stretches if each.start - 1e-6 <= time <= each.end + 1e-6), None)


@pytest.mark.parametrize("target", [10_000.0, 60.0])
@pytest.mark.parametrize(
    ("stamp", "heard", "within", "timed_by"),
    [
        pytest.param(whole_second, Heard(WORDS, VOICE), 0.02, TimedBy.AUDIO, id="set right by the sound"),
        pytest.param(
            lambda time: whole_second(1.25 * time), Heard(WORDS, VOICE), 0.02, TimedBy.AUDIO, id="a fast clock"
        ),
        pytest.param(lambda time: "", Heard(WORDS, VOICE), 0.02, TimedBy.AUDIO, id="no times"),
        pytest.param(whole_second, Heard(), 1.5, TimedBy.MODEL, id="the model's own"),
    ],
)
def test_times_come_back_on_the_videos_clock(target, stamp, heard, within, timed_by):
    """In one part or in several, by the sound or by the model: each sentence where it is said in the video."""
    parts = in_parts(target)
    assert len(parts) == (1 if target > 1000 else 3)
    transcript, health = transcript_of(parts, stamp, heard)
    assert words_in(transcript.text) == words_in(" ".join(text_of(sentence) for sentence in SAID))
    assert {cue.timed_by for cue in transcript.cues} == {timed_by}
    said = list(WORDS)
    for cue in transcript.cues:
        assert cue.start == pytest.approx(said[0].start, abs=within)
        del said[: len(cue.text.split())]
        assert stretch_of(cue.start) is not None
        assert stretch_of(cue.start) == stretch_of(cue.end), "no cue reaches over a border"
    assert all(one.end <= other.start + 1e-6 for one, other in pairwise(transcript.cues))
    assert health.outside == 0 or timed_by is TimedBy.AUDIO


def test_health_knows_only_what_was_sent():
    """All that was sent has its text: coverage is whole, and the half hour around it is no gap."""
    _, health = transcript_of(in_parts(60.0), whole_second, Heard(WORDS, VOICE))
    assert health.coverage == pytest.approx(1, abs=0.02)
    assert (health.gaps, health.outside, health.out_of_order) == ((), 0, 0)


def test_a_part_without_an_answer_is_a_gap_in_its_stretch_alone():
    """The stretch that nobody answered for is named, from its first word to its last, and nothing beyond."""
    parts = in_parts(60.0)
    answers = [answer(part, whole_second) for part in (parts[0], parts[2])]
    spans = [part.span for part in parts]
    _, health = make_transcript("transcript", EXCERPT, spans, answers, Heard(WORDS, VOICE))
    (gap,) = health.gaps
    assert gap.start == pytest.approx(CHOSEN[1][0][0].start, abs=0.5)
    assert gap.end == pytest.approx(CHOSEN[1][-1][-1].end, abs=0.5)
    assert [finding.part for finding in health.findings if finding.kind == "gap"] == [1]


def test_a_line_that_runs_over_a_border_is_divided_where_the_sound_says_so():
    """A model that takes two stretches for one sentence: its words stand where each was said."""
    two = Excerpt((EXCERPT.stretches[0], EXCERPT.stretches[1]))
    last, first = CHOSEN[0][-1], CHOSEN[1][0]
    text = f"[00:00] {' '.join(text_of(sentence) for sentence in CHOSEN[0][:-1])}\n[00:30] {text_of(last)} "
    text += " ".join(text_of(sentence) for sentence in CHOSEN[1])
    answers = [(PartAnswer("d", two.start, two.end, two.start), Generation("m", text))]
    words = tuple(word for sentence in (*CHOSEN[0], *CHOSEN[1]) for word in sentence)
    transcript, _ = make_transcript("transcript", two, [two.span], answers, Heard(words, VOICE))
    assert all(stretch_of(cue.start) == stretch_of(cue.end) for cue in transcript.cues)
    opening = next(cue for cue in transcript.cues if cue.start >= two.stretches[1].start)
    assert opening.start == pytest.approx(first[0].start, abs=0.05)
    assert opening.text.lower().startswith(first[0].text.strip().lower())


def test_local_answers_stand_where_they_were_heard():
    """A local model hears each stretch on the video's clock: nothing is moved, and nothing is joined over a border."""
    answers = []
    for stretch, sentences in zip(EXCERPT.stretches, CHOSEN, strict=True):
        segments = tuple(Segment(text_of(each), each[0].start, each[-1].end, words=tuple(each)) for each in sentences)
        answer_ = PartAnswer(f"{stretch.start}", stretch.start, stretch.end, stretch.start)
        answers.append((answer_, Generation("local/x", "", segments=segments)))
    transcript, health = make_transcript("transcript", EXCERPT, [EXCERPT.span], answers, Heard((), VOICE))
    assert {cue.timed_by for cue in transcript.cues} == {TimedBy.AUDIO}
    starts = [cue.start for cue in transcript.cues]
    assert all(min(abs(start - sentence[0].start) for start in starts) < 1e-6 for sentence in SAID)
    assert all(stretch_of(cue.start) == stretch_of(cue.end) is not None for cue in transcript.cues)
    assert health.coverage > 0.98
    assert health.gaps == ()


def test_a_local_answer_and_a_remote_one_stand_side_by_side():
    """A part repaired by the local model among parts of another: both on the video's clock, in order."""
    parts = in_parts(60.0)
    middle, sentences = parts[1], CHOSEN[1]
    segments = tuple(Segment(text_of(each), each[0].start, each[-1].end, words=tuple(each)) for each in sentences)
    local = (PartAnswer("l", middle.start, middle.end, middle.start), Generation("local/x", "", segments=segments))
    answers = [answer(parts[0], whole_second), local, answer(parts[2], whole_second)]
    spans = [part.span for part in parts]
    transcript, _ = make_transcript("transcript", EXCERPT, spans, answers, Heard(WORDS, VOICE))
    starts = [cue.start for cue in transcript.cues]
    assert starts == sorted(starts)
    assert all(min(abs(start - sentence[0].start) for start in starts) < 0.05 for sentence in SAID)


def test_chapters_of_joined_stretches_begin_in_the_video():
    """A list of moments comes back on the video's clock, each in the stretch in which it begins."""
    second = EXCERPT.begins[1] - EXCERPT.start
    text = f"[00:00] One\n{whole_second(second)}Two\n{whole_second(second + 5)}Three"
    answers = [(PartAnswer("d", EXCERPT.start, EXCERPT.end, EXCERPT.start), Generation("m", text))]
    transcript, health = make_transcript("chapters", EXCERPT, [EXCERPT.span], answers, Heard())
    assert health is None
    begin = EXCERPT.stretches[1].start
    assert [cue.start for cue in transcript.cues] == pytest.approx([EXCERPT.start, begin, begin + 5])
    assert all(stretch_of(cue.start) == stretch_of(cue.end) is not None for cue in transcript.cues)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.none(), st.floats(0, 400)), min_size=1, max_size=12))
def test_whatever_times_a_model_gives_its_text_lies_in_what_was_sent(times):
    """Times in a pause, beyond the end, backwards or none: all of the text comes back, inside the stretches."""
    lines = [f"{'' if time is None else whole_second(time)}line{at} is said" for at, time in enumerate(times)]
    answers = [(PartAnswer("d", EXCERPT.start, EXCERPT.end, EXCERPT.start), Generation("m", "\n".join(lines)))]
    transcript, _ = make_transcript("transcript", EXCERPT, [EXCERPT.span], answers, Heard())
    assert words_in(transcript.text) == [word for at in range(len(times)) for word in (f"line{at}", "is", "said")]
    assert all(stretch_of(cue.start) == stretch_of(cue.end) is not None for cue in transcript.cues)


def test_two_lines_at_the_very_beginning_are_both_kept():
    """A model that stamps its first lines alike, or the first not at all, loses none of them."""
    clip = Excerpt.of(30, 60)
    for text in ("[00:00] Hello\n[00:00] Hi there\n[00:04] So", "Hello\n[00:00] Hi there\n[00:04] So"):
        answers = [(PartAnswer("d", 30, 60, 30), Generation("m", text))]
        transcript, _ = make_transcript("transcript", clip, [clip.span], answers, Heard())
        assert words_in(transcript.text) == ["hello", "hi", "there", "so"]


def summary_of(excerpt: Excerpt, *texts: tuple[float, float, str]) -> str:
    answers = [(PartAnswer("d", start, end, start), Generation("m", text)) for start, end, text in texts]
    transcript, health = make_transcript("summary", excerpt, [excerpt.span], answers, Heard())
    assert (transcript.cues, health) == ((), None)
    return transcript.text


def test_a_summary_speaks_of_the_videos_minutes():
    """Its times were counted from the start of what was sent: of a clip, of a part of it, of joined stretches."""
    clip = Excerpt.of(600, 1200)
    assert summary_of(clip, (600, 900, "[00:05] One."), (900, 1200, "[00:05] Two.")) == "[10:05] One.\n\n[15:05] Two."
    joined = Excerpt((Clip(60, 70), Clip(3600, 3660)))
    text = "He opens [00:03], then - at [00:12 - 00:20] - he ends. Verse 3:16 and [99:00] stay."
    moved = "He opens [01:03], then - at [1:00:01 - 1:00:09] - he ends. Verse 3:16 and [99:00] stay."
    assert summary_of(joined, (60, 3660, text)) == moved


def test_a_summary_of_the_whole_is_left_as_it_came():
    """Not a letter is changed where both clocks are the same."""
    text = "[0:05] One [00:00:09]."
    assert summary_of(Excerpt.of(0, 600), (0, 600, text)) == text
