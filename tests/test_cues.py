"""Cues fit for reading: two short lines, long enough on screen, broken where a reader breathes."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.domain.cues import CueShape, shape_cues, wrap_lines
from lib.domain.media import Clip
from lib.domain.retime import TimedToken, timed_words
from lib.domain.tokens import display_width
from lib.domain.transcript import Cue, Segment, TimedBy

PARAGRAPH = (
    "It was the best of times, it was the worst of times, it was the age of wisdom. Dr. Manette was recalled to life; "
    "he had been buried for eighteen years! We had everything before us, we had nothing before us, we were all going "
    "direct to Heaven. In short, the period was so far like the present period."
)


def shaped(text: str, seconds: float, **more) -> tuple[Cue, ...]:
    clip = Clip(0, seconds)
    return shape_cues(timed_words([Segment(text, 0.0, seconds)], (), clip=clip), end=seconds, **more)


def test_a_paragraph_becomes_cues_that_end_with_sentences_and_phrases():
    """Every cue ends where a sentence or a phrase does, and a title's full stop ends none."""
    cues = shaped(PARAGRAPH, 22)
    assert len(cues) > 4
    assert all(cue.text[-1] in ".,;!" for cue in cues)
    assert not any(cue.text.endswith("Dr.") for cue in cues)
    assert " ".join(cue.text for cue in cues) == PARAGRAPH


def test_cues_keep_the_limits_of_their_shape():
    """At most two lines of 42 columns, 1 to 7 seconds, 20 characters a second where the speech allows."""
    for cue in shaped(PARAGRAPH, 22):
        lines = wrap_lines(cue.text).split("\n")
        assert len(lines) <= 2
        assert all(display_width(line) <= 42 for line in lines)
        assert 1.0 <= cue.end - cue.start <= 7.0
        assert len(cue.text) / (cue.end - cue.start) <= 20


def test_no_cue_reaches_over_a_change_of_speaker():
    """A new speaker has a new cue, even in the middle of a sentence."""
    tokens = [
        TimedToken("Do you", 0.0, 0.4, 0, "Nagg"),
        TimedToken(" hear", 0.4, 0.6, 0, "Nagg"),
        TimedToken("me?", 0.6, 0.8, 1, "Nell"),
    ]
    assert [(cue.text, cue.speaker) for cue in shape_cues(tokens)] == [("Do you hear", "Nagg"), ("me?", "Nell")]


def test_sentences_of_two_segments_stay_apart_and_fragments_join():
    """A segment that ends its sentence ends its cue; one that stops in mid-sentence goes on in the next."""
    cues = [
        Cue(0.0, 1.0, "Yes.", None, TimedBy.AUDIO),
        Cue(1.2, 2.0, "This goes", None, TimedBy.AUDIO),
        Cue(2.0, 3.0, "on here.", None, TimedBy.AUDIO),
    ]
    assert [cue.text for cue in shape_cues(cues)] == ["Yes.", "This goes on here."]


def test_a_long_pause_ends_a_cue():
    """No text stands on the screen through a silence."""
    tokens = [TimedToken("Well,", 0.0, 0.4, 0), TimedToken(" then", 5.0, 5.4, 0)]
    assert [(cue.text, cue.start) for cue in shape_cues(tokens)] == [("Well,", 0.0), ("then", 5.0)]


def test_a_short_cue_is_held_until_it_can_be_read_but_not_into_the_next():
    """A word of 0.2 s stays a second; where the next begins sooner, until then; and never beyond the clip."""
    short = [Cue(0.0, 0.2, "Yes."), Cue(3.0, 3.2, "No."), Cue(3.5, 3.6, "Why?")]
    assert [cue.end for cue in shape_cues(short, end=4.0)] == [1.0, 3.5, 4.0]


def test_wide_characters_take_two_columns():
    """Japanese lines hold at most 21 characters, and none begins with a full stop or a comma."""
    text = (
        "今日はとても良い天気ですね。散歩に行きましょう、そして公園で昼ご飯を食べましょう。"
        "東京は日本の首都であり世界で最も人口の多い都市の一つです。"
    )
    cues = shaped(text, 30)
    assert "".join(cue.text for cue in cues) == text
    for cue in cues:
        lines = wrap_lines(cue.text).split("\n")
        assert len(lines) <= 2
        assert all(len(line) <= 21 and line[0] not in "、。" for line in lines)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Short.", "Short."),
        (
            "We had everything before us, we had nothing before us.",
            "We had everything before us,\nwe had nothing before us.",
        ),
        ("  two   spaces\nand a line ", "two spaces and a line"),
        ("", ""),
    ],
)
def test_lines_are_balanced(text, expected):
    """As few lines as hold the text, even, and broken after a phrase."""
    assert wrap_lines(text) == expected


def test_a_word_longer_than_a_line_is_cut_and_too_much_text_takes_more_lines():
    """Nothing is lost for lack of room."""
    address = "https://example.org/" + "x" * 100
    assert wrap_lines(address, 42).replace("\n", "") == address
    assert max(map(len, wrap_lines(address, 42).split("\n"))) == 42
    assert wrap_lines("word " * 40, 42, 2).split() == ["word"] * 40


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300), st.integers(2, 50), st.integers(1, 3))
def test_wrapping_loses_nothing_and_keeps_the_width(text, width, lines):
    """Whatever the text, its characters come out in order, on lines no wider than asked."""
    wrapped = wrap_lines(text, width, lines)
    assert "".join(wrapped.split()) == "".join(text.split())
    assert all(display_width(line) <= width for line in wrapped.split("\n"))


WORDS = st.sampled_from(
    ["it", "was", "best,", "times.", "Dr.", "“we”", "extraordinarily", "今日は。", "—", "x" * 60, "สวัสดี", "a.b.c"]
)
SEGMENTS = st.lists(
    st.builds(
        Segment,
        text=st.one_of(st.lists(WORDS, min_size=1, max_size=40).map(" ".join), st.text(max_size=30)),
        start=st.one_of(st.none(), st.floats(0, 100)),
        end=st.one_of(st.none(), st.floats(0, 100)),
        speaker=st.sampled_from([None, "Nagg", "Nell"]),
    ),
    max_size=8,
)
SHAPES = st.builds(
    CueShape,
    max_lines=st.integers(1, 3),
    line_width=st.integers(4, 60),
    min_seconds=st.floats(0.1, 2),
    max_seconds=st.floats(2, 9),
    max_chars_per_second=st.floats(5, 40),
)


@settings(max_examples=200, deadline=None)
@given(SEGMENTS, SHAPES)
def test_no_word_is_lost_or_doubled_and_every_cue_fits(segments, shape):
    """All characters come out once and in order, speaker by speaker, in cues that fit the lines and the time."""
    clip = Clip(0, 100)
    timed = timed_words(segments, (), clip=clip)
    cues = shape_cues(timed, shape, end=100.0)
    for speaker in (None, "Nagg", "Nell"):
        before = "".join(token.text for token in timed if token.speaker == speaker)
        after = "".join(cue.text for cue in cues if cue.speaker == speaker)
        assert "".join(after.split()) == "".join(before.split())
    for cue in cues:
        lines = wrap_lines(cue.text, shape.line_width, shape.max_lines).split("\n")
        assert len(lines) <= shape.max_lines
        assert cue.end - cue.start <= shape.max_seconds + 1e-6
        assert 0 <= cue.start <= cue.end <= 100
    assert all(a.start <= b.start and a.end <= b.start for a, b in itertools.pairwise(cues))


def test_an_hour_of_one_unbroken_paragraph_is_shaped():
    """A model that writes no full stop in an hour still gives cues that fit."""
    cues = shaped("it was the best of times " * 1600, 3600)
    assert sum(len(cue.text.split()) for cue in cues) == 9600
    assert all(len(wrap_lines(cue.text).split("\n")) <= 2 and cue.end - cue.start <= 7.0 for cue in cues)
