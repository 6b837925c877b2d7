"""Stretches proposed within a budget: where somebody speaks, where scenes change, around a word."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.domain.excerpt import Excerpt
from lib.domain.media import Clip
from lib.domain.proposals import SceneChange, around_changes, around_speech, around_word, places_of
from lib.domain.transcript import Cue

HOUR = Clip(0, 3600)


def seconds(stretches: tuple[Clip, ...]) -> float:
    return sum(each.duration for each in stretches)


def test_all_that_is_said_is_proposed_where_it_fits():
    """Short pauses stay inside, long silences fall out, and a breath is left around each stretch."""
    speech = [(10.0, 20.0), (21.5, 30.0), (100.0, 110.0)]
    assert around_speech(speech, HOUR, 60) == (Clip(9.7, 30.3), Clip(99.7, 110.3))


def test_of_an_hour_of_talk_the_richest_stretches_are_proposed_evenly():
    """Two minutes of an hour: some from each quarter, from where most is said, and no word cut in two."""
    speech = [(float(at), at + (4.5 if 900 * (at // 900) + 300 <= at < 900 * (at // 900) + 400 else 1.0))
              for at in range(0, 3600, 5)]  # fmt: skip
    found = around_speech(speech, HOUR, 120)
    assert 100 < seconds(found) <= 120
    assert len(found) == 4
    for at, stretch in enumerate(found):
        assert 900 * at + 299 <= stretch.start < stretch.end <= 900 * at + 401
        assert any(stretch.start == pytest.approx(begin - 0.3) for begin, _ in speech)
        assert any(stretch.end == pytest.approx(end + 0.3) for _, end in speech)


def test_where_nobody_speaks_nothing_is_proposed():
    assert around_speech([], HOUR, 60) == ()


def test_every_change_of_scene_is_shown_where_there_is_room():
    """From a second before it, and longer where there are few."""
    changes = [SceneChange(100, 0.9), SceneChange(2000, 0.5)]
    assert around_changes(changes, HOUR, 60) == (Clip(99, 129), Clip(1999, 2029))
    assert around_changes(changes, HOUR, 12) == (Clip(99, 105), Clip(1999, 2005))


def test_of_many_changes_the_strongest_are_shown_and_not_all_in_one_place():
    """A flicker of strong changes does not take the room of the rest of the hour."""
    flicker = [SceneChange(100 + at, 0.9) for at in range(30)]
    others = [SceneChange(600.0 * at, 0.4 + at / 100) for at in range(1, 6)]
    found = around_changes([*flicker, *others], HOUR, 36)
    assert seconds(found) <= 36
    assert sum(each.start > 500 for each in found) == 5


def test_changes_at_the_edges_stay_inside_the_clip():
    """A stretch is moved rather than cut short."""
    found = around_changes([SceneChange(10.5, 1), SceneChange(37, 1)], Clip(10, 40), 12)
    assert found == (Clip(10, 16), Clip(34, 40))


CUES = (
    Cue(10, 12, "The Federal budget,"),
    Cue(12, 14, "was passed."),
    Cue(50, 53, "No FEDERAL money; a budget was passed"),
)


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("federal", ((10, 12), (50, 53))),
        ("Budget was passed!", ((10, 14), (50, 53))),
        ("fed", ()),
        ("  ,", ()),
    ],
)
def test_a_word_is_found_however_it_is_written(text, places):
    """In any case, with any punctuation, also where a phrase runs over two lines; parts of words are not meant."""
    assert places_of(text, CUES) == places


def test_a_word_is_shown_with_what_is_said_around_it():
    """Four seconds before and eight after; places close together are one stretch."""
    assert around_word([(100, 102), (109, 111), (500, 501)], HOUR, 60) == (Clip(96, 119), Clip(496, 509))


def test_of_many_places_more_are_shown_with_less_around_them():
    """Where all places do not fit, each gets less; where that is not enough, they are spread over the hour."""
    places = [(100.0 * at, 100.0 * at + 2) for at in range(1, 31)]
    found = around_word(places, HOUR, 200)
    assert len(found) == 30
    few = around_word(places, HOUR, 33)
    assert len(few) == 5
    assert max(other.start - one.end for one, other in pairwise(few)) < 1700


def test_where_there_is_room_for_one_place_only_the_first_is_shown():
    """As much of what is said around it as the budget holds."""
    assert around_word([(100, 102), (500, 501)], HOUR, 4) == (Clip(99, 103),)


STRETCHES = st.lists(st.tuples(st.floats(0, 3600), st.floats(0.1, 200)), max_size=40).map(
    lambda found: [(start, start + length) for start, length in found]
)


@given(STRETCHES, st.floats(0, 3000), st.floats(10, 600), st.floats(5, 900), st.sampled_from("swc"))
def test_a_proposal_keeps_to_its_budget_and_its_clip(stretches, start, length, budget, kind):
    """In order, apart, inside the clip, and never longer altogether than was wished."""
    clip = Clip(start, start + length)
    if kind == "s":
        found = around_speech(stretches, clip, budget)
    elif kind == "w":
        found = around_word(sorted(stretches), clip, budget)
    else:
        found = around_changes([SceneChange(at, (at * 7) % 1) for at, _ in stretches], clip, budget)
    assert seconds(found) <= budget + 1e-3
    if found:
        excerpt = Excerpt(found)
        assert clip.start <= excerpt.start < excerpt.end <= clip.end + 1e-9
