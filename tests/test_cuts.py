"""Cutting a clip into parts: in silence where there is one, whole words everywhere."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.domain.cuts import MOST_STRETCHES, Piece, Portion, cut_points, portions
from lib.domain.excerpt import Excerpt, apart
from lib.domain.media import Clip

HOUR = 3600.0


def spoken(end: float, *silences: tuple[float, float]) -> list[tuple[float, float]]:
    """Speech from 0 to ``end`` but for these silences."""
    edges = [0.0, *(edge for silence in silences for edge in silence), end]
    return list(zip(edges[::2], edges[1::2], strict=True))


def test_a_short_clip_stays_whole():
    assert cut_points(0, 420, []) == (Piece(0, 420),)
    assert cut_points(100, 101, [(100, 101)]) == (Piece(100, 101),)


def test_a_cut_lies_in_the_middle_of_a_silence():
    assert cut_points(0, 600, spoken(600, (289, 290))) == (Piece(0, 289.5), Piece(289.5, 600))


def test_of_two_silences_as_near_the_longer_is_taken():
    assert cut_points(0, 600, spoken(600, (290, 290.4), (310, 311.5)))[0].end == 310.75


def test_of_two_silences_as_long_the_nearer_is_taken():
    assert cut_points(0, 600, spoken(600, (240, 241), (320, 321)))[0].end == 320.5


def test_in_a_long_silence_the_cut_lies_where_it_is_wanted():
    """A second away from speech is far enough."""
    assert cut_points(0, 600, spoken(600, (200, 350)))[0].end == 300
    assert cut_points(0, 600, spoken(600, (200, 290)))[0].end == 289


def test_a_pause_within_a_word_is_no_silence():
    pieces = cut_points(0, 600, spoken(600, (299.9, 300.1)))
    assert pieces == (Piece(0, 300), Piece(295, 600, overlap=5.0))


def test_without_silence_pieces_overlap_by_five_seconds():
    """The next begins five seconds before the end of the one before, and says so."""
    pieces = cut_points(0, HOUR, [(0, HOUR)])
    assert all(late.start == early.end - 5 and late.overlap == 5 for early, late in pairwise(pieces))
    assert len(pieces) == 12


def test_where_nobody_knows_what_is_speech_every_cut_is_hard():
    assert cut_points(0, HOUR, None) == cut_points(0, HOUR, [(0, HOUR)])


def test_a_clip_without_speech_is_cut_evenly():
    pieces = cut_points(0, 900, [])
    assert pieces == (Piece(0, 300), Piece(300, 600), Piece(600, 900))


def test_what_is_a_little_too_long_is_cut_in_halves():
    """Not into five minutes and a crumb."""
    assert [piece.duration for piece in cut_points(0, 430, [])] == [215, 215]


def test_the_clip_keeps_its_clock():
    """A clip from the middle of a lecture is cut at times of the lecture; speech outside it does not matter."""
    pieces = cut_points(1000, 1600, spoken(5000, (700, 701), (1290, 1291), (2000, 2001)))
    assert pieces == (Piece(1000, 1290.5), Piece(1290.5, 1600))


@pytest.mark.parametrize("wrong", [(5, 5, 300, 420), (-1, 5, 300, 420), (0, 5, 300, 350), (0, 5, 0, 420)])
def test_what_makes_no_sense_is_refused(wrong):
    start, end, target, longest = wrong
    with pytest.raises(ValueError, match=r"clip|piece"):
        cut_points(start, end, [], target=target, longest=longest)


times = st.floats(0, 20_000, allow_nan=False)
speech = st.lists(st.tuples(times, st.floats(0, 900)).map(lambda pair: (pair[0], pair[0] + pair[1])), max_size=60)


@given(times, st.floats(0.1, 15_000), st.none() | speech, st.floats(5, 900), st.floats(1.2, 4))
def test_pieces_cover_the_clip_and_keep_to_their_lengths(start, duration, stretches, target, more):
    """Whatever the speech: no gap, no doubling but the overlap that is told, none too short or too long."""
    end, longest = start + duration, target * more
    pieces = cut_points(start, end, stretches, target=target, longest=longest)
    assert (pieces[0].start, pieces[-1].end, pieces[0].overlap) == (start, end, 0)
    for early, late in pairwise(pieces):
        assert late.start == pytest.approx(early.end - late.overlap)
        assert late.overlap in (0, min(5.0, target / 10))
        assert early.start < late.start
    if len(pieces) > 1:
        assert all(0.6 * target - 1e-6 <= piece.duration <= longest + 1e-6 for piece in pieces)


@given(times, st.floats(421, 15_000), speech)
def test_a_cut_without_overlap_touches_no_speech(start, duration, stretches):
    """There are 0.15 s of silence on both sides, and where pieces overlap there was none to be found."""
    pieces = cut_points(start, start + duration, stretches)
    for early, late in pairwise(pieces):
        cut = early.end
        near = [speech for speech in stretches if speech[0] < cut + 0.149 and speech[1] > cut - 0.149]
        assert bool(near) is False or late.overlap == 5.0


def halves(stretch: Clip) -> tuple[Piece, ...]:
    middle = (stretch.start + stretch.end) / 2
    return Piece(stretch.start, middle), Piece(middle - 2, stretch.end, 2.0)


def test_whole_stretches_are_gathered_into_a_part():
    """Up to the length that is aimed at, with the pauses between them; a part's own clock begins with it."""
    excerpt = Excerpt(tuple(Clip(100.0 * at, 100.0 * at + 40) for at in range(8)))
    found = portions(excerpt, halves, target=150, longest=210)
    assert [len(each.excerpt.stretches) for each in found] == [3, 3, 2]
    assert found[1].excerpt.start == 300


def test_what_is_short_altogether_stays_one_part():
    excerpt = Excerpt((Clip(0, 100), Clip(3000, 3100)))
    assert portions(excerpt, halves, target=150, longest=210) == (Portion(excerpt),)


def test_a_stretch_longer_than_a_part_is_cut_as_a_clip_is():
    """Its pieces are parts of their own, with the overlap that the cut gave them; those around it stay whole."""
    excerpt = Excerpt((Clip(0, 40), Clip(100, 400), Clip(500, 540), Clip(600, 640)))
    assert portions(excerpt, halves, target=150, longest=210) == (
        Portion(Excerpt.of(0, 40)),
        Portion(Excerpt.of(100, 250)),
        Portion(Excerpt.of(248, 400), 2.0),
        Portion(Excerpt((Clip(500, 540), Clip(600, 640)))),
    )


@given(
    st.lists(st.tuples(st.floats(0.1, 50), st.floats(0.5, 700)), min_size=1, max_size=60),
    st.floats(20, 400),
)
def test_portions_hold_all_that_was_chosen(lengths, target):
    """In order, nothing lost and nothing twice, none too long, and none of too many stretches to be joined at once."""
    at, stretches = 0.0, []
    for gap, length in lengths:
        stretches.append(Clip(at + gap, at + gap + length))
        at = stretches[-1].end
    longest = 1.4 * target
    excerpt = Excerpt(tuple(stretches))
    found = portions(
        excerpt, lambda each: cut_points(each.start, each.end, [], target=target, longest=longest),
        target=target, longest=longest,
    )  # fmt: skip
    assert apart(stretch for each in found for stretch in each.excerpt.stretches) == excerpt.stretches
    assert sum(each.excerpt.duration - each.overlap for each in found) == pytest.approx(excerpt.duration)
    assert all(each.excerpt.length <= longest + 1e-6 for each in found)
    assert all(len(each.excerpt.stretches) <= MOST_STRETCHES for each in found)
