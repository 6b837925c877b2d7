"""Cues fit for reading: two short lines, long enough on screen, broken where a reader breathes."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from lib.domain.retime import TimedToken
from lib.domain.tokens import display_width, written_words
from lib.domain.transcript import Cue

SENTENCE_ENDS = ".!?…。！？؟।॥"
PHRASE_ENDS = ",;:—–、，；：،؛"
_CLOSING = "\"'”’»)]}」』】》）"
_BREATH = 0.3  # seconds of silence that end a phrase as well as a comma does
_PAUSE = 1.5  # seconds of silence that no cue reaches over


@dataclass(frozen=True, slots=True)
class CueShape:
    """What a cue may look like. Widths are columns: East Asian wide characters take two."""

    max_lines: int = 2
    line_width: int = 42
    min_seconds: float = 1.0
    max_seconds: float = 7.0
    max_chars_per_second: float = 20.0

    def __post_init__(self) -> None:
        if self.max_lines < 1 or self.line_width < 2:
            raise ValueError("a cue has at least one line of two columns")
        if not 0 < self.min_seconds <= self.max_seconds < math.inf:
            raise ValueError("a cue stays for a while, at least as long as its shortest time")
        if not 0 < self.max_chars_per_second < math.inf:
            raise ValueError("a cue is read at some speed")

    def __str__(self) -> str:
        """``2 lines of 42 characters, 1 to 7 s, at most 20 characters a second``."""
        lines = "1 line" if self.max_lines == 1 else f"{self.max_lines} lines"
        shortest = "" if self.min_seconds == self.max_seconds else f"{self.min_seconds:g} to "
        return (
            f"{lines} of {self.line_width} characters, {shortest}{self.max_seconds:g} s, "
            f"at most {self.max_chars_per_second:g} characters a second"
        )


def shape_cues(
    timed: Iterable[TimedToken | Cue], shape: CueShape = CueShape(), *, end: float | None = None
) -> tuple[Cue, ...]:
    """Cues fit for reading out of timed words (``lib.domain.retime.timed_words``), or out of cues.

    Broken at sentence ends first, then phrase ends and breaths, then between words; never across a speaker, a
    source of times or a long pause, and across two segments only in the middle of a sentence. Every word comes out
    once, in order. Text always fits the lines, and no cue lasts longer than the shape allows; one that is too short
    or too fast to read is held on screen until the next begins (or ``end``, the clip's), if that helps.
    """
    cues: list[Cue] = []
    for block in _blocks(_pieces(timed, shape)):
        cues.extend(_cue(group, shape) for group in _divided(block, shape))
    return tuple(_held(cues, shape, end))


def wrap_lines(text: str, width: int = 42, lines: int = 2) -> str:
    """The text on as few lines as hold it, balanced, joined by newlines.

    Lines break at spaces (in scripts without spaces, between characters), best after a phrase. A single word longer
    than a line is cut. When ``lines`` lines are not enough it takes more: nothing is lost.
    """
    pieces = [piece for word in written_words(" ".join(text.split())) for piece in _chopped(word, width)]
    if not pieces:
        return ""
    for count in range(1, len(pieces) + 1):
        found = _lines(pieces, width, count)
        if found is not None:
            return "\n".join(found)
    raise AssertionError("each piece fits a line of its own")


class Ending(StrEnum):
    """What may end with a word."""

    SENTENCE = "sentence"
    PHRASE = "phrase"


def ending(word: str, following: str) -> Ending | None:
    """What ends with this written word, by its signs. ``following`` is the word after it, empty at the very end."""
    text = word.rstrip().rstrip(_CLOSING)
    last = text[-1:]
    if last and last in SENTENCE_ENDS and not _is_abbreviation(text, following):
        return Ending.SENTENCE
    return Ending.PHRASE if last and last in PHRASE_ENDS else None


# Pieces ------------------------------------------------------------------------------------------------------


def _pieces(timed: Iterable[TimedToken | Cue], shape: CueShape) -> list[TimedToken]:
    """Words with times, none wider than a line. The words of a cue share its time by their width."""
    out: list[TimedToken] = []
    for index, item in enumerate(timed):
        words = [item] if isinstance(item, TimedToken) else _words_of(item, index)
        for word in words:
            chops = _chopped(word.text, shape.line_width)
            if len(chops) == 1:
                out.append(word)
            else:
                step = (word.end - word.start) / len(chops)
                out.extend(
                    replace(word, text=chop, start=word.start + k * step, end=word.start + (k + 1) * step)
                    for k, chop in enumerate(chops)
                )
    return out


def _words_of(cue: Cue, index: int) -> list[TimedToken]:
    texts = written_words(cue.text) if cue.text.strip() else ()
    total = sum(display_width(text) or 1 for text in texts)
    out, at = [], 0
    for text in texts:
        size = display_width(text) or 1
        start = cue.start + (cue.end - cue.start) * at / total
        at += size
        finish = cue.start + (cue.end - cue.start) * at / total
        out.append(TimedToken(text, start, finish, index, cue.speaker, cue.timed_by))
    return out


def _chopped(word: str, width: int) -> list[str]:
    """The word, in pieces if it is wider than a line. The pieces together are the word."""
    if display_width(word.strip()) <= width:
        return [word]
    out, piece = [], ""
    for character in word:
        if piece.strip() and display_width((piece + character).strip()) > width:
            out.append(piece)
            piece = ""
        piece += character
    return [*out, piece]


def _blocks(pieces: Sequence[TimedToken]) -> list[list[TimedToken]]:
    """The pieces divided where a cue must end."""
    blocks: list[list[TimedToken]] = []
    for piece in pieces:
        last = blocks[-1][-1] if blocks else None
        if last is None or (
            piece.speaker != last.speaker
            or piece.timed_by is not last.timed_by
            or piece.start - last.end > _PAUSE
            or (piece.segment != last.segment and _break_cost(last, None) == 0)
        ):
            blocks.append([])
        elif piece.segment != last.segment and not piece.text[:1].isspace() and not last.text[-1:].isspace():
            piece = replace(piece, text=" " + piece.text)
        blocks[-1].append(piece)
    return blocks


# Dividing ----------------------------------------------------------------------------------------------------


def _divided(block: Sequence[TimedToken], shape: CueShape) -> list[Sequence[TimedToken]]:
    """The block in cues, by the least sum of penalties: for where it breaks and for cues too short or uneven."""
    costs = [0.0] + [float("inf")] * len(block)
    cut_at = [0] * (len(block) + 1)
    widths = [display_width(piece.text) for piece in block]
    breaks = [_break_cost(piece, block[k + 1] if k + 1 < len(block) else None) for k, piece in enumerate(block)]
    breaks[-1] = 0.0
    reaches = _reaches(block, shape)
    for end in range(1, len(block) + 1):
        width, finish = 0, 0.0
        for start in range(end - 1, -1, -1):
            width += widths[start]
            finish = max(finish, block[start].end)
            is_single = start == end - 1
            if not is_single and (end > reaches[start] or finish - block[start].start > shape.max_seconds):
                break
            cost = costs[start] + breaks[end - 1] + _shape_cost(finish - block[start].start, width, shape)
            if cost < costs[end]:
                costs[end], cut_at[end] = cost, start
    groups: list[Sequence[TimedToken]] = []
    end = len(block)
    while end:
        groups.append(block[cut_at[end] : end])
        end = cut_at[end]
    groups.reverse()
    return groups


def _reaches(block: Sequence[TimedToken], shape: CueShape) -> list[int]:
    """For each word, where a cue that begins with it must end at the latest for its lines to hold it."""
    cores = [display_width(piece.text.strip()) for piece in block]
    spaced = [piece.text[:1].isspace() for piece in block]
    trailing = [piece.text[-1:].isspace() for piece in block]
    reaches: list[int] = []
    for start in range(len(block)):
        lines, used, end = 1, 0, start
        while end < len(block):
            gap = 1 if end > start and (spaced[end] or trailing[end - 1]) else 0
            if used + gap + cores[end] <= shape.line_width:
                used += gap + cores[end]
            elif lines < shape.max_lines:
                lines, used = lines + 1, cores[end]
            else:
                break
            end += 1
        reaches.append(end)
    return reaches


def _shape_cost(seconds: float, width: int, shape: CueShape) -> float:
    """What is wrong with a cue by itself."""
    cost = 0.35  # fewer cues are better
    if seconds < shape.min_seconds:
        cost += 2.0 * (1 - seconds / shape.min_seconds)
    if width > shape.max_chars_per_second * max(seconds, shape.min_seconds):
        cost += 0.5
    if width < shape.line_width / 3:
        cost += 0.8 * (1 - 3 * width / shape.line_width)
    return cost


def _break_cost(piece: TimedToken, following: TimedToken | None) -> float:
    """What it costs to end a cue after this word: nothing at a sentence's end, much between two close words."""
    ends = ending(piece.text, following.text if following else "")
    if ends is Ending.SENTENCE:
        return 0.0
    pause = following.start - piece.end if following else 0.0
    if ends is Ending.PHRASE or pause >= 2 * _BREATH:
        return 0.8
    if pause >= _BREATH or (following is not None and following.segment != piece.segment):
        return 1.2
    return 3.0


def _is_abbreviation(text: str, following: str) -> bool:
    """Whether the full stop ends no sentence: 'Dr. Who', 'e.g. this', 'J. S. Bach'."""
    if not text.endswith(".") or not following:
        return False
    word = text.strip().lower()
    begins = following.strip()[:1]
    return begins.islower() or word in _TITLES or (len(word) == 2 and word[0].isalpha() and word != "i.")


_TITLES = frozenset({"dr.", "mr.", "mrs.", "ms.", "prof.", "st.", "sr.", "jr.", "vs.", "no.", "fig.", "e.g.", "i.e."})


# Times -------------------------------------------------------------------------------------------------------


def _cue(group: Sequence[TimedToken], shape: CueShape) -> Cue:
    start = group[0].start
    end = max(start, *(piece.end for piece in group))
    return Cue(
        start=start,
        end=min(end, start + shape.max_seconds),
        text=" ".join("".join(piece.text for piece in group).split()),
        speaker=group[0].speaker,
        timed_by=group[0].timed_by,
    )


def _held(cues: Sequence[Cue], shape: CueShape, end: float | None) -> Iterable[Cue]:
    """The cues in order, none reaching into the next, the short and fast ones held longer where there is room."""
    for at, cue in enumerate(cues):
        following = cues[at + 1].start if at + 1 < len(cues) else (end if end is not None else float("inf"))
        needed = max(shape.min_seconds, display_width(cue.text) / shape.max_chars_per_second)
        wanted = cue.start + min(max(cue.end - cue.start, needed), shape.max_seconds)
        finish = max(cue.start, min(wanted, following))
        yield cue if finish == cue.end else replace(cue, end=finish)


# Lines -------------------------------------------------------------------------------------------------------


def _lines(pieces: Sequence[str], width: int, count: int) -> list[str] | None:
    """The pieces on exactly ``count`` lines, as even as can be, or None when they do not fit."""
    total = sum(display_width(piece) for piece in pieces)
    if total > count * (width + 1):
        return None
    ideal = total / count
    # best[k][n]: least cost of the first n pieces on k lines, and where the last line begins.
    best: list[list[tuple[float, int]]] = [[(0.0, 0)] + [(float("inf"), 0)] * len(pieces)]
    for line in range(1, count + 1):
        row = [(float("inf"), 0)] * (len(pieces) + 1)
        for end in range(1, len(pieces) + 1):
            for start in range(end - 1, -1, -1):
                wide = display_width("".join(pieces[start:end]).strip())
                if wide > width:
                    break
                previous = best[line - 1][start][0]
                cost = previous + (wide - ideal) ** 2 / 10 + _line_cost(pieces, end)
                if cost < row[end][0]:
                    row[end] = (cost, start)
        best.append(row)
    if best[count][len(pieces)][0] == float("inf"):
        return None
    found, end = [], len(pieces)
    for line in range(count, 0, -1):
        start = best[line][end][1]
        found.append("".join(pieces[start:end]).strip())
        end = start
    found.reverse()
    return found


def _line_cost(pieces: Sequence[str], end: int) -> float:
    """A line is best ended after punctuation, and never before a lone closing sign."""
    if end == len(pieces):
        return 0.0
    text = pieces[end - 1].rstrip()
    if unicodedata.category(text[-1])[0] == "P" and text[-1] not in "'’":
        return 0.0
    return 4.0
