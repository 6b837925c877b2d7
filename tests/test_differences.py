"""What differs between two versions, in lines and in words."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from lib.domain.differences import Kind, Piece, differences, num_changed
from lib.domain.transcript import Cue

OLD = (
    Cue(0, 1, "Ever tried.", "Ann"),
    Cue(1, 2, "Ever failed."),
    Cue(2, 3, "No matter."),
    Cue(3, 4, "Try again."),
)


def test_changed_words_stand_in_their_line():
    """A line with another word has that word as removed and as added; the lines around it are not named."""
    new = (OLD[0], replace(OLD[1], text="Ever sailed away."), *OLD[2:])
    (found,) = differences(OLD, new)
    assert (found.old, found.new) == (OLD[1:2], new[1:2])
    assert found.pieces == (
        Piece(Kind.SAME, " Ever"),
        Piece(Kind.REMOVED, " failed."),
        Piece(Kind.ADDED, " sailed away."),
    )
    assert num_changed(OLD, new) == 1


def test_lines_that_came_and_went_are_whole():
    """A new line is all added, one that is gone all removed, each in its place."""
    new = (Cue(0, 0.5, "First."), *OLD[:3])
    came, went = differences(OLD, new)
    assert (came.old, came.pieces) == ((), (Piece(Kind.ADDED, " First."),))
    assert (went.new, went.pieces) == ((), (Piece(Kind.REMOVED, " Try again."),))
    assert num_changed(OLD, new) == 1
    assert num_changed(OLD, OLD[1:]) == 1


def test_a_split_line_says_the_same():
    """Split, merged, moved or renamed lines have all their words in common."""
    new = (*OLD[:3], Cue(3, 3.5, "Try"), Cue(3.5, 4, "again."))
    (found,) = differences(OLD, new)
    assert found.says_the_same
    assert (found.start, found.end, len(found.old), len(found.new)) == (3, 4, 1, 2)
    (moved,) = differences(OLD, (replace(OLD[0], speaker="Bob", start=0.2), *OLD[1:]))
    assert moved.says_the_same


def test_marks_that_no_reader_sees_are_no_difference():
    """Where a time came from, and whether a person wrote it, does not count."""
    assert differences(OLD, [replace(cue, is_edited=True) for cue in OLD]) == ()
    assert num_changed(OLD, OLD) == 0


LINES = st.lists(
    st.builds(lambda at, text: Cue(at, at + 1, text), st.integers(0, 5), st.sampled_from("abc")), max_size=8
)


@given(LINES, LINES)
def test_the_pieces_are_both_texts(old, new):
    """What is the same or removed is the old text, what is the same or added the new one, in every difference."""
    for found in differences(old, new):
        was = "".join(piece.text for piece in found.pieces if piece.kind is not Kind.ADDED).split()
        now = "".join(piece.text for piece in found.pieces if piece.kind is not Kind.REMOVED).split()
        assert was == [word for cue in found.old for word in cue.text.split()]
        assert now == [word for cue in found.new for word in cue.text.split()]
