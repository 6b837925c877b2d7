"""Several stretches of a video joined, and the two clocks: each time is moved once, and comes back where it was."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lib.domain.excerpt import PAUSE, Excerpt, apart
from lib.domain.media import Clip

THREE = Excerpt((Clip(10, 22.4), Clip(60.5, 90), Clip(100, 103)))
LENGTHS = st.floats(0.05, 400, allow_nan=False)


@st.composite
def excerpts(draw: st.DrawFn, least: int = 1) -> Excerpt:
    lengths = draw(st.lists(st.tuples(LENGTHS, LENGTHS), min_size=least, max_size=12))
    at, stretches = draw(st.floats(0, 5000)), []
    for gap, length in lengths:
        stretches.append(Clip(at + gap, at + gap + length))
        at = stretches[-1].end
    return Excerpt(tuple(stretches))


def test_the_stretches_are_laid_one_after_the_other():
    """The first keeps its time; the others follow on whole seconds, with half a second of silence at least."""
    assert THREE.begins == (10, 23, 53)
    assert (THREE.duration, THREE.length) == (pytest.approx(44.9), 46)
    assert THREE.joined == Clip(10, 56)
    assert THREE.span == Clip(10, 103)


@pytest.mark.parametrize(
    ("joined", "asset"),
    [(10, 10), (22, 22), (22.4, 60.5), (22.9, 60.5), (23, 60.5), (33, 70.5), (53, 100), (55, 102), (60, 107), (4, 4)],
)
def test_a_moment_of_the_joined_clock_has_its_place_in_the_asset(joined, asset):
    """What begins in the pause belongs to the stretch that follows; beyond both ends the clock runs on."""
    assert THREE.to_asset(joined) == pytest.approx(asset)


def test_what_was_left_out_closes_up():
    """A moment between two stretches stands where the first of them ends."""
    assert THREE.to_joined(40) == THREE.to_joined(22.4) == 22.4


def test_a_single_stretch_has_one_clock():
    """Of a clip, nothing is moved at all: not even by the rounding of a sum."""
    clip = Excerpt.of(0.1, 7.7)
    assert [clip.to_asset(0.3), clip.to_joined(0.3), clip.to_asset(-1.0)] == [0.3, 0.3, -1.0]
    assert clip.length == clip.duration == Clip(0.1, 7.7).duration


@pytest.mark.parametrize(
    "stretches", [(), (Clip(5, 9), Clip(1, 2)), (Clip(1, 5), Clip(4, 9)), (Clip(1, 5), Clip(5, 9))]
)
def test_stretches_stand_in_order_and_apart(stretches):
    """Anything else is refused."""
    with pytest.raises(ValueError, match="stretch"):
        Excerpt(stretches)


def test_stretches_in_any_order_are_set_in_order():
    """Those that touch or overlap become one."""
    assert apart([Clip(60, 70), Clip(0, 10), Clip(10, 12), Clip(65, 80)]) == (Clip(0, 12), Clip(60, 80))


def test_what_lies_outside_a_clip_is_left_out():
    """A video that is shorter than was announced cuts off the last stretch, or all of them."""
    assert THREE.within(Clip(0, 80)) == Excerpt((Clip(10, 22.4), Clip(60.5, 80)))
    assert THREE.within(Clip(23, 60)) is None


@given(excerpts(), st.integers(0, 11), st.floats(0, 0.999))
def test_a_time_goes_there_and_comes_back(excerpt, number, share):
    """Every moment that was sent is found again where it was."""
    stretch = excerpt.stretches[number % len(excerpt.stretches)]
    time = stretch.start + share * stretch.duration
    assume(time < stretch.end)
    assert excerpt.to_asset(excerpt.to_joined(time)) == pytest.approx(time, abs=1e-6)


@given(excerpts(least=2), st.lists(st.floats(-10, 6000), min_size=2, max_size=20))
def test_order_is_kept_both_ways(excerpt, times):
    """What comes later comes later on the other clock too."""
    times.sort()
    for moved in (list(map(excerpt.to_asset, times)), list(map(excerpt.to_joined, times))):
        assert all(one <= other + 1e-9 for one, other in pairwise(moved))


@given(excerpts(least=2))
def test_each_stretch_begins_on_a_whole_second_after_a_pause(excerpt):
    """Counted from the beginning of what is sent, as a model counts."""
    for begin, (one, other) in zip(excerpt.begins, pairwise(excerpt.begins), strict=False):
        assert (other - excerpt.start) == pytest.approx(round(other - excerpt.start), abs=1e-6)
        stretch = excerpt.stretches[excerpt.begins.index(begin)]
        assert PAUSE - 1e-5 <= other - one - stretch.duration <= PAUSE + 1 + 1e-5


@given(excerpts(least=2), st.data())
def test_a_parts_clock_is_that_of_the_whole_moved_once(excerpt, data):
    """Whole stretches sent by themselves run as they do in the whole: their offset is added once, for all of them."""
    first = data.draw(st.integers(0, len(excerpt.stretches) - 1))
    last = data.draw(st.integers(first + 1, len(excerpt.stretches)))
    part = Excerpt(excerpt.stretches[first:last])
    offset = excerpt.to_joined(part.start) - part.start
    for begin, whole in zip(part.begins, excerpt.begins[first:last], strict=True):
        assert begin + offset == pytest.approx(whole, abs=1e-6)
    assert math.isclose(part.joined.end + offset, excerpt.to_joined(part.end), abs_tol=1e-6)
