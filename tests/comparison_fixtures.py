"""Columns made up of known words, for the tests of comparing."""

from __future__ import annotations

from lib.domain.columns import Column
from lib.domain.transcript import Cue, TimedBy
from lib.speech import Heard


def column(name: str, *lines: str, pace: float = 3.0, timed_by: TimedBy = TimedBy.AUDIO, language="en") -> Column:
    """A column with a cue for each line, one after the other, each ``pace`` seconds long. An empty line is silence."""
    cues = tuple(Cue(k * pace, (k + 1) * pace, line, timed_by=timed_by) for k, line in enumerate(lines) if line.strip())
    return Column(name, cues, language)


def column_heard(name: str, heard: Heard) -> Column:
    """What a local model heard, as a column."""
    return Column(
        name, tuple(Cue(s.start, s.end, s.text, timed_by=TimedBy.AUDIO) for s in heard.segments), heard.language
    )
