"""Citations: read wherever they are meant, never where they are not, and marked where the video is not that long."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.domain.citations import Citation, citations_of, pieces_of

ONE, TWO = (600.0,), (600.0, 7200.0)
NEARLY = st.lists(
    st.sampled_from([*"[]【】:,;-–. 0123456789", "and", "video ", "#", "to", "12:34", "[1, ", "\n", "٣", "²"]),
    max_size=40,
).map("".join)


@pytest.mark.parametrize(
    ("text", "durations", "expected"),
    [
        ("He says so [01:05].", ONE, [Citation(1, 65.0)]),
        ("[1:05]", ONE, [Citation(1, 65.0)]),
        ("[1:02:03]", TWO[1:], [Citation(1, 3723.0)]),
        ("[75:30]", TWO[1:], [Citation(1, 4530.0)]),
        ("[0:01.5]", ONE, [Citation(1, 1.5)]),
        ("[01:05-01:20]", ONE, [Citation(1, 65.0, 80.0)]),
        ("[01:05 – 01:20]", ONE, [Citation(1, 65.0, 80.0)]),
        ("[01:20-01:05]", ONE, [Citation(1, 80.0)]),
        ("[1:05; 2:10, 3:00 and 4:00]", ONE, [Citation(1, each) for each in (65.0, 130.0, 180.0, 240.0)]),
        ("【1:05】", ONE, [Citation(1, 65.0)]),
        ("[2, 12:34]", TWO, [Citation(2, 754.0)]),
        ("[Video 2, 12:34]", TWO, [Citation(2, 754.0)]),
        ("[#2 12:34]", TWO, [Citation(2, 754.0)]),
        ("[2: 12:34]", TWO, [Citation(2, 754.0)]),
        ("[2, 12:34, 13:00; 1, 0:05]", TWO, [Citation(2, 754.0), Citation(2, 780.0), Citation(1, 5.0)]),
        ("[1:05] and again [1:05]", ONE, [Citation(1, 65.0)]),
    ],
)
def test_a_citation_is_read_in_every_form_that_models_write(text, durations, expected):
    """Minutes, hours, ranges, several in one pair of brackets, and the number of the video before the time."""
    assert list(citations_of(text, durations)) == expected


@pytest.mark.parametrize(
    "text", ["[12:75]", "[1:75:10]", "[3:16 of John]", "[see 1:05]", "12:34", "[]", "[1:05", "[2]"]
)
def test_what_merely_looks_like_a_citation_is_text(text):
    """It is left as it stands: nothing is made of half a time."""
    assert pieces_of(text, ONE) == ((pieces_of(text, ONE)[0]),)
    assert pieces_of(text, ONE)[0].citation is None


def test_a_moment_outside_the_video_is_told():
    """The last second is inside, the one after it is not; a range that runs over the end is not."""
    text = "[9:59] [10:00] [10:01] [9:50-10:30]"
    assert [each.is_inside for each in citations_of(text, ONE)] == [True, True, False, False]


def test_a_video_that_nobody_asked_about_is_told():
    """Number 3 of two videos, number 0, and no number at all where there are several."""
    found = citations_of("[3, 0:01] [0, 0:01] [0:01]", TWO)
    assert [(each.video, each.is_inside) for each in found] == [(3, False), (0, False), (None, False)]


def test_where_the_length_is_not_known_no_time_is_too_late():
    """A link that nobody measured may be any length."""
    assert citations_of("[99:00:00]", (None,))[0].is_inside


@given(st.one_of(st.text(), NEARLY), st.lists(st.one_of(st.none(), st.floats(0, 1e5)), max_size=3))
def test_no_text_breaks_it_and_none_is_lost(text, durations):
    """Whatever a model writes: the pieces together are the text, and every citation is in its video or marked."""
    pieces = pieces_of(text, durations)
    assert "".join(piece.text for piece in pieces) == text
    for citation in (piece.citation for piece in pieces if piece.citation):
        is_known = citation.video is not None and 1 <= citation.video <= len(durations)
        duration = durations[citation.video - 1] if is_known else None
        assert citation.is_inside == (is_known and (duration is None or (citation.end or citation.start) <= duration))
