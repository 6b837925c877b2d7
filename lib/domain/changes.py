"""What a person asks for in the reader, as it arrives: a change of one line, or of all, that becomes an edit."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from lib.domain import edits
from lib.domain.edits import Edit
from lib.domain.media import Clip
from lib.domain.transcript import Cue, Word
from lib.errors import LineChanged

FAR = 200
"""A line that is not where it was seen is looked for so many lines up and down."""


class Wish(StrEnum):
    """``WRITE`` is sent while somebody types; ``LEAVE`` takes back what was typed."""

    WRITE = "write"
    LEAVE = "leave"
    SPLIT = "split"
    MERGE = "merge"
    TIME = "time"
    SPEAKER = "speaker"
    DELETE = "delete"
    INSERT = "insert"
    REPLACE = "replace"
    UNDO = "undo"
    REDO = "redo"


@dataclass(frozen=True, slots=True)
class Change:
    """One wish. ``number`` counts the changes of one reader, ``gesture`` names those that are one in the user's eyes,
    as the letters of a line are. ``line`` is the index of the first of ``count`` lines, and ``seen`` its start and text
    as they were seen; for a new line, ``line`` is where it comes, and ``seen`` the line before it. ``start`` and
    ``end`` are times in seconds, ``position`` counts characters.
    """

    number: int
    gesture: str
    wish: Wish
    line: int = 0
    count: int = 1
    seen: tuple[float, str] | None = None
    text: str = ""
    position: int = 0
    start: float = 0.0
    end: float = 0.0
    speaker: str = ""
    is_everywhere: bool = False
    find: str = ""
    matches_case: bool = False

    def __post_init__(self) -> None:
        if self.number < 1 or self.line < 0 or self.count < 1 or self.position < 0:
            raise ValueError("a change has a number from 1 on, and a place")
        if not all(math.isfinite(time) for time in (self.start, self.end, *(self.seen or ())[:1])):
            raise ValueError("times are numbers")


Words = Callable[[], Sequence[Word]]


def edit_of(change: Change, cues: Sequence[Cue], bounds: Clip, words: Words = tuple) -> Edit:
    """The edit that a change of lines asks for. ``words`` gives the words heard in the clip, where they are needed.

    Raises LineChanged when the line is not there any more; undoing is not for this function.
    """
    if change.wish is Wish.REPLACE:
        return edits.replace_all(cues, change.find, change.text, match_case=change.matches_case)
    if change.wish is Wish.INSERT:
        return edits.insert(cues, _place_for_new(change, cues), change.text, bounds)
    at = find_line(cues, change.line, change.seen)
    match change.wish:
        case Wish.WRITE:
            return edits.write(cues, at, change.text)
        case Wish.SPLIT:
            return edits.split(cues, at, change.position, words())
        case Wish.MERGE:
            return edits.merge(cues, at, max(2, change.count))
        case Wish.TIME:
            return edits.set_times(cues, at, change.start, change.end, bounds)
        case Wish.SPEAKER:
            return edits.name_speaker(cues, at, change.speaker, everywhere=change.is_everywhere)
        case Wish.DELETE:
            return edits.delete(cues, at, change.count)
    raise ValueError(f"{change.wish} is no change of lines")


def find_line(cues: Sequence[Cue], line: int, seen: tuple[float, str] | None) -> int:
    """Where the line is that was seen at an index: there, or, where lines came or went before it, the nearest that is
    the same. Raises LineChanged where there is none."""
    for away in range(FAR):
        for at in dict.fromkeys((line - away, line + away)):
            if 0 <= at < len(cues) and _is_seen(cues[at], seen):
                return at
    raise LineChanged("This line was changed elsewhere meanwhile.")


def _is_seen(cue: Cue, seen: tuple[float, str] | None) -> bool:
    # A part that is split gets its exact time here only, so times may differ a little.
    return seen is None or (cue.text == seen[1] and abs(cue.start - seen[0]) < 2.0)


def _place_for_new(change: Change, cues: Sequence[Cue]) -> int:
    """The index before which a new line comes; ``seen`` is the line that is there already, before it."""
    if change.line == 0 or change.seen is None:
        return min(change.line, len(cues))
    return find_line(cues, change.line - 1, change.seen) + 1
