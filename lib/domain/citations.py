"""Citations in an answer: which moment of which video a statement rests on, and whether that moment is in the video.

A citation stands in brackets: ``[12:34]``, ``[1:02:03]``, a range ``[12:34-13:10]``, several ``[1:05; 2:10]``, and with
the number of the video before the time where an answer is about several: ``[2, 12:34]``. What merely looks like one
(``[12:75]``, ``[3:16 of John]``) is text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_BRACKETS = re.compile(r"[\[【](?P<inner>[^\[\]【】\n]{3,200})[\]】]")
_TIME = r"(?:\d{1,3}:)?\d{1,4}:\d{2}(?:[.,]\d{1,3})?"
_ITEM = re.compile(
    rf"\s*(?:(?:video\s*|#)?(?P<video>\d{{1,3}})\s*(?:[,;|]\s*|:\s+|\s+(?:at\s+)?))?"
    rf"(?P<start>{_TIME})(?:\s*(?:[-–—]|to|bis)\s*(?P<end>{_TIME}))?\s*",
    re.IGNORECASE | re.ASCII,
)
_BETWEEN = re.compile(r"(?:[,;]|and|&)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Citation:
    """A moment, or a range, that an answer names. ``video`` counts from 1; None where there are several and none is
    named. ``is_inside``: the video is one of those that were asked about, and lasts that long."""

    video: int | None
    start: float
    end: float | None = None
    is_inside: bool = True

    def __post_init__(self) -> None:
        if self.start < 0 or (self.end is not None and self.end < self.start):
            raise ValueError(f"a citation runs forward from zero, not {self.start}-{self.end}")


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of an answer: text as it stands, or a citation with the characters that it was read from."""

    text: str
    citation: Citation | None = None


def pieces_of(text: str, durations: Sequence[float | None]) -> tuple[Piece, ...]:
    """An answer in pieces, which together are the answer, character for character. Never raises.

    ``durations`` are those of the videos that were asked about, in their order; None where one is not known: then no
    time is too late.
    """
    found: list[Piece] = []
    at = 0
    for group in _BRACKETS.finditer(text):
        inner = _read(group["inner"], durations)
        if not inner:
            continue
        found.append(Piece(text[at : group.start()]))
        opening, closing = text[group.start()], text[group.end() - 1]
        inner[0] = Piece(opening + inner[0].text, inner[0].citation)
        inner[-1] = Piece(inner[-1].text + closing, inner[-1].citation)
        found += inner
        at = group.end()
    found.append(Piece(text[at:]))
    return tuple(piece for piece in found if piece.text)


def citations_of(text: str, durations: Sequence[float | None]) -> tuple[Citation, ...]:
    """The citations of an answer, in their order, each once."""
    found = (piece.citation for piece in pieces_of(text, durations) if piece.citation)
    return tuple(dict.fromkeys(found))


def _read(inner: str, durations: Sequence[float | None]) -> list[Piece]:
    """What stands between two brackets; nothing where it is not citations from end to end."""
    pieces: list[Piece] = []
    video = 1 if len(durations) == 1 else None
    at = 0
    while True:
        item = _ITEM.match(inner, at)
        times = item and _times(item["start"], item["end"])
        if not times:
            return []
        video = int(item["video"]) if item["video"] else video
        pieces.append(Piece(item[0], _citation(video, *times, durations)))
        at = item.end()
        if at == len(inner):
            return pieces
        between = _BETWEEN.match(inner, at)
        if between is None:
            return []
        pieces.append(Piece(between[0]))
        at = between.end()


def _times(start_text: str, end_text: str | None) -> tuple[float, float | None] | None:
    start, end = _seconds(start_text), _seconds(end_text) if end_text else None
    if start is None or (end_text and end is None):
        return None
    return start, end if end is not None and end > start else None  # a range that runs backwards: its beginning counts


def _seconds(text: str) -> float | None:
    *more, minutes, seconds = text.replace(",", ".").split(":")
    if float(seconds) >= 60 or (more and int(minutes) >= 60):
        return None
    hours = int(more[0]) if more else 0
    return hours * 3600 + int(minutes) * 60 + float(seconds)


def _citation(video: int | None, start: float, end: float | None, durations: Sequence[float | None]) -> Citation:
    is_known = video is not None and 1 <= video <= len(durations)
    duration = durations[video - 1] if is_known else None
    is_inside = is_known and (duration is None or (end or start) <= duration)
    return Citation(video, start, end, is_inside)
