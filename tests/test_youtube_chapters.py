"""Chapters in YouTube's format: from 0:00 on, in order, ten seconds or longer."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.domain.transcript import Cue, Transcript
from lib.domain.youtube_chapters import youtube_chapters
from lib.errors import InputError
from lib.formats import FORMATS, ExportFacts, ExportOptions

CHAPTERS = st.lists(st.tuples(st.floats(0, 500), st.text(max_size=20)), max_size=20)


@given(CHAPTERS, st.none() | st.floats(1, 600))
def test_they_keep_to_every_rule_of_youtube(chapters, duration):
    """The first at zero, each at least ten seconds after the one before and before the end, on whole seconds, and each
    with a title on one line; putting them right twice changes nothing."""
    found = youtube_chapters(chapters, duration)
    starts = [start for start, _ in found]
    assert bool(found) == bool(chapters)
    assert starts[:1] in ([], [0.0])
    assert all(after - before >= 10 for before, after in itertools.pairwise(starts))
    assert duration is None or all(duration - start >= 10 for start in starts[1:])
    assert all(start == int(start) and title and title == " ".join(title.split()) for start, title in found)
    assert not any(sign in title for _, title in found for sign in "<>")
    assert youtube_chapters(found, duration) == found


def test_good_chapters_stay_as_they_are():
    """Only what breaks a rule is changed."""
    chapters = ((0.0, "Intro"), (62.0, "Method"), (3700.0, "End"))
    assert youtube_chapters(chapters, 4000) == chapters


def test_chapters_are_written_as_a_description():
    """``0:00 Title`` line by line; hours where there are some."""
    cues = (Cue(3.2, 60, "Intro"), Cue(62, 65, "Too\nnear"), Cue(66, 70, "Nearer"), Cue(3725, 3800, "End"))
    facts = ExportFacts("Talk", "m", task="chapters", duration=4000)
    text = FORMATS["youtube"].write(Transcript(cues, ""), facts, ExportOptions()).decode()
    assert text == "0:00 Intro\n1:02 Too near\n1:02:05 End\n"


def test_an_answer_without_times_is_no_description():
    """It says so."""
    with pytest.raises(InputError):
        FORMATS["youtube"].write(Transcript((), "Chapters"), ExportFacts("Talk", "m", task="chapters"), ExportOptions())
