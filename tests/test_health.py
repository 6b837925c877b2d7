"""How complete and how well timed a transcript is, measured against the sound."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.domain.cues import shape_cues
from lib.domain.health import Gap, Health, assess
from lib.domain.media import Clip
from lib.domain.retime import order_and_clamp, retime, timed_words
from lib.domain.transcript import Cue, Segment, TimedBy, Word
from tests.timing_fixtures import misheard, segments_of, speech, stretches_of, words_of

CLIP = Clip(0, 1200)


@pytest.fixture(scope="module")
def sentences():
    """20 minutes of speech."""
    return speech(1200, seed=11)


def cut(sentences, start: float, end: float):
    return [s for s in sentences if s[-1].end < start or s[0].start > end]


def share_kept(sentences, kept) -> float:
    """The truth: seconds of speech in the transcript, by seconds of speech in the audio."""
    return sum(e - s for s, e in stretches_of(kept)) / sum(e - s for s, e in stretches_of(sentences))


def hole_of(kept, start: float, end: float, sentences) -> tuple[float, float]:
    missing = [s for s in sentences if s not in kept]
    return missing[0][0].start, missing[-1][-1].end


@pytest.mark.parametrize(
    "clock",
    [
        pytest.param(lambda seconds: seconds, id="right"),
        pytest.param(lambda seconds: seconds * 1.25, id="25 % fast"),
        pytest.param(lambda seconds: None, id="no times"),
    ],
)
@pytest.mark.parametrize("shaped", [False, True])
def test_three_minutes_cut_out_of_twenty_are_measured_and_named(sentences, clock, shaped):
    """Coverage is within 1 point of the truth, and the one gap is named within 2 seconds."""
    kept = cut(sentences, 500, 680)
    heard, stretches = misheard(words_of(sentences), 0.05), stretches_of(sentences)
    timed = timed_words(segments_of(kept, clock), heard, clip=CLIP, onsets=stretches)
    cues = (
        shape_cues(timed, end=CLIP.end)
        if shaped
        else retime(segments_of(kept, clock), heard, clip=CLIP, onsets=stretches)
    )
    health = assess(cues, clip=CLIP, words=heard, stretches=stretches)
    assert health.coverage == pytest.approx(share_kept(sentences, kept), abs=0.01)
    start, end = hole_of(kept, 500, 680, sentences)
    assert len(health.gaps) == 1
    assert health.gaps[0].start == pytest.approx(start, abs=2)
    assert health.gaps[0].end == pytest.approx(end, abs=2)
    assert [finding.kind for finding in health.findings] == ["gap"]
    assert health.missing_words == pytest.approx(1 - share_kept(sentences, kept), abs=0.06)


@pytest.mark.parametrize("is_raw", [False, True])
def test_the_gap_is_named_in_a_recording_that_repeats_itself(is_raw):
    """The same minute twenty times over: which three minutes are missing, only the times tell, and they do."""
    minute = speech(58, seed=12)
    sentences = [
        [Word(w.start + 60 * k, w.end + 60 * k, w.text) for w in sentence] for k in range(20) for sentence in minute
    ]
    kept = cut(sentences, 500, 680)
    heard, stretches = misheard(words_of(sentences), 0.03), stretches_of(sentences)
    lines = segments_of(kept, lambda seconds: round(seconds * 1.25))
    if not is_raw:
        lines = retime(lines, heard, clip=CLIP, onsets=stretches)
    health = assess(lines, clip=CLIP, words=heard, stretches=stretches)
    assert health.coverage == pytest.approx(share_kept(sentences, kept), abs=0.01)
    start, end = hole_of(kept, 500, 680, sentences)
    assert len(health.gaps) == 1
    assert (health.gaps[0].start, health.gaps[0].end) == pytest.approx((start, end), abs=2)


def test_coverage_is_right_by_voice_activity_alone(sentences):
    """Without the local model's words, speech detection and the model's own times are enough."""
    kept = cut(sentences, 500, 680)
    segments = [Segment(s.text, s.start, k[-1].end) for s, k in zip(segments_of(kept), kept, strict=True)]
    health = assess(order_and_clamp(segments, clip=CLIP), clip=CLIP, stretches=stretches_of(sentences))
    assert health.coverage == pytest.approx(share_kept(sentences, kept), abs=0.01)
    start, end = hole_of(kept, 500, 680, sentences)
    assert [(round(g.start), round(g.end)) for g in health.gaps] == [(round(start), round(end))]
    assert health.missing_words is None


def test_a_whole_transcript_is_healthy(sentences):
    """Everything covered, no finding, all timed by the audio."""
    heard, stretches = words_of(sentences), stretches_of(sentences)
    cues = retime(segments_of(sentences), heard, clip=CLIP, onsets=stretches)
    health = assess(cues, clip=CLIP, words=heard, stretches=stretches, finish_reasons=["stop", None])
    assert health.coverage == pytest.approx(1.0, abs=0.005)
    assert health.timed_by_audio == 1.0
    assert health.findings == ()
    assert health.missing_words == pytest.approx(0, abs=0.01)


def test_a_cue_that_spans_what_it_leaves_out_does_not_cover_it(sentences):
    """One line stamped over three minutes of speech that it says nothing of is a summary, not a transcript."""
    kept = cut(sentences, 500, 680)
    heard, stretches = words_of(sentences), stretches_of(sentences)
    cues = list(retime(segments_of(kept), heard, clip=CLIP, onsets=stretches))
    at = next(k for k, cue in enumerate(cues) if cue.start > 600)
    cues.insert(at, Cue(501.0, 679.0, "They talk on.", None, TimedBy.MODEL))
    health = assess(cues, clip=CLIP, words=heard, stretches=stretches)
    assert health.coverage == pytest.approx(share_kept(sentences, kept), abs=0.01)
    assert len(health.gaps) == 1


def test_gaps_count_speech_not_silence():
    """A minute without text is no gap when nobody speaks in it; ten seconds of speech in it make one."""
    cues = [Cue(0, 10, "a"), Cue(70, 80, "b")]
    assert assess(cues, clip=Clip(0, 80), stretches=[(0, 10), (70, 80)]).gaps == ()
    assert assess(cues, clip=Clip(0, 80), stretches=[(0, 10), (30, 36), (70, 80)]).gaps == ()
    gaps = assess(cues, clip=Clip(0, 80), stretches=[(0, 10), (20, 27), (40, 47), (70, 80)]).gaps
    assert gaps == (Gap(20, 47),)


def test_nothing_to_measure_by_is_said_so():
    """With neither words nor speech detection coverage is unknown, not zero."""
    health = assess([Cue(0, 1, "a")], clip=Clip(0, 10))
    assert health.coverage is None
    assert health.gaps == ()


def test_an_empty_transcript_of_speech_is_one_gap():
    """Nothing was written of what was said."""
    health = assess([], clip=Clip(0, 60), stretches=[(2, 30), (31, 58)])
    assert health.coverage == 0
    assert health.gaps == (Gap(2, 58),)


@pytest.mark.parametrize(
    ("lines", "loops"),
    [
        pytest.param(["Fail again."] * 4, 1, id="one line"),
        pytest.param(["Fail again."] * 3, 0, id="three times is no loop"),
        pytest.param(["Yes.", "No."] * 4, 1, id="two lines in turn"),
        pytest.param(["a", "b", "c"] * 5 + ["d"] + ["e"] * 6, 2, id="two loops"),
        pytest.param(["and so on " * 12], 1, id="within a line"),
        pytest.param(["very very very very big"], 0, id="emphasis"),
        pytest.param(["one", "two", "three", "four", "five"], 0, id="none"),
    ],
)
def test_repeated_lines_are_loops(lines, loops):
    """The same line, or a short cycle of lines, four times in a row."""
    cues = [Cue(k, k + 1, line) for k, line in enumerate(lines)]
    health = assess(cues, clip=Clip(0, 60))
    assert health.loops == loops
    assert sum(finding.kind == "loop" for finding in health.findings) == loops


def test_what_the_audio_repeats_is_no_loop():
    """A chorus sung six times is heard six times; one sung once and written six times is a loop."""
    cues = [Cue(2 * k, 2 * k + 1, "Fail again, fail better.") for k in range(6)]
    sung = [
        Word(2 * k + j / 4, 2 * k + (j + 1) / 4, w)
        for k in range(6)
        for j, w in enumerate(["fail", "again", "fail", "better"])
    ]
    assert assess(cues, clip=Clip(0, 12), words=sung).loops == 0
    assert assess(cues, clip=Clip(0, 12), words=sung[:4]).loops == 1


def test_times_backwards_and_outside_are_counted():
    """Each jump back is one, each line outside the clip is one, as the model gave them."""
    segments = [Segment("a", 5), Segment("b", 4), Segment("c"), Segment("d", 9), Segment("e", 99), Segment("f", 11)]
    health = assess(segments, clip=Clip(0, 20))
    assert (health.out_of_order, health.outside) == (2, 1)
    assert {finding.kind for finding in health.findings} == {"out_of_order", "outside"}
    cues = order_and_clamp(segments, clip=Clip(0, 20))
    assert assess(cues, clip=Clip(0, 20)).out_of_order == 0
    assert assess(cues, clip=Clip(0, 20), segments=segments).out_of_order == 2


def test_a_truncated_part_is_named():
    """The finish reason of each part tells which one stopped at its output limit."""
    parts = [Clip(0, 300), Clip(300, 600)]
    health = assess([Cue(0, 1, "a")], clip=Clip(0, 600), finish_reasons=["stop", "length"], parts=parts)
    assert health.truncated
    assert [(f.kind, f.part, f.start) for f in health.findings] == [("truncated", 1, 300)]


def test_a_finding_names_its_part(sentences):
    """A gap is repaired by asking its part again."""
    kept = cut(sentences, 500, 680)
    parts = [Clip(300 * k, 300 * (k + 1)) for k in range(4)]
    cues = retime(segments_of(kept), words_of(sentences), clip=CLIP)
    health = assess(cues, clip=CLIP, stretches=stretches_of(sentences), parts=parts)
    assert [finding.part for finding in health.findings] == [1]


def test_the_record_has_exactly_the_fields_of_the_export():
    """Shares from 0 to 1, gaps as start and end."""
    health = Health(coverage=0.91234567, gaps=(Gap(1.23456, 20),), loops=1, timed_by_audio=0.5)
    assert health.as_record() == {
        "coverage": 0.9123,
        "gaps": [{"start": 1.235, "end": 20}],
        "loops": 1,
        "out_of_order": 0,
        "truncated": False,
        "timed_by_audio": 0.5,
    }


LINES = st.lists(
    st.builds(
        Segment,
        text=st.sampled_from(["it was", "fail again", "今日は", "—", ""]),
        start=st.one_of(st.none(), st.floats(-10, 200)),
        end=st.one_of(st.none(), st.floats(-10, 200)),
    ),
    max_size=12,
)


@settings(max_examples=200, deadline=None)
@given(
    LINES,
    st.lists(
        st.builds(
            lambda s, d, t: Word(s, s + d, t),
            st.floats(0, 150),
            st.floats(0, 2),
            st.sampled_from(["it", " was", "fail", "今日"]),
        ),
        max_size=20,
    ),
    st.lists(st.builds(lambda s, d: (s, s + d), st.floats(0, 150), st.floats(0, 30)), max_size=5),
)
def test_shares_stay_shares_whatever_comes_in(lines, words, stretches):
    """Coverage and the other shares lie between 0 and 1, and gaps inside the clip."""
    health = assess(lines, clip=Clip(5, 120), words=words, stretches=stretches)
    assert health.coverage is None or 0 <= health.coverage <= 1
    assert health.missing_words is None or 0 <= health.missing_words <= 1
    assert 0 <= health.timed_by_audio <= 1
    assert all(5 <= gap.start < gap.end <= 120 for gap in health.gaps)


def test_times_that_a_person_has_set_are_not_asked_for_in_the_sound():
    """The share of lines timed by the audio is one of those that nobody timed by hand."""
    cues = [Cue(0, 1, "one", timed_by=TimedBy.AUDIO), Cue(1, 2, "two", timed_by=TimedBy.EDITED)]
    assert assess(cues, clip=CLIP).timed_by_audio == 1.0
    assert assess([*cues, Cue(2, 3, "three")], clip=CLIP).timed_by_audio == 0.5
    assert assess(cues[1:], clip=CLIP).timed_by_audio == 1.0
