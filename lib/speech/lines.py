"""Lines: the words a model heard, taken out of the silences, put on the file's clock, and gathered into sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lib.domain.transcript import Segment, Word

EARLY = 0.3
"""Seconds by which the first word of a sentence may be stamped before the pause that it follows: 0.2 was seen."""
SNAP = 0.1
"""Seconds a word may reach into a silence before it is taken back to where the speech begins or ends."""

Stretch = tuple[float, float]


@dataclass(slots=True)
class RawWord:
    """A word as the model gave it: its text keeps the space before it."""

    start: float
    end: float
    text: str
    probability: float


def mended(words: list[RawWord], chunk: Stretch, stretches: Sequence[Stretch]) -> list[RawWord]:
    """Words taken back out of the silences they reach into, inside their chunk, and rising."""
    around = [stretch for stretch in stretches if stretch[0] < chunk[1] and chunk[0] < stretch[1]]
    previous_end = chunk[0]
    for word in words:
        begin, finish = _stretch_of(word, around)
        if word.start < finish and begin < word.end:
            word.start = begin if word.start < begin - SNAP else word.start
            word.end = finish if word.end > finish + SNAP else word.end
        word.start = min(max(word.start, previous_end), chunk[1])
        word.end = min(max(word.end, word.start), chunk[1])
        previous_end = word.end
    return words


def _stretch_of(word: RawWord, stretches: Sequence[Stretch]) -> Stretch:
    """The stretch in which a word is said: the one it shares most time with. But the first word of a sentence that
    reaches over a pause is said after it: the model stamps it early, onto the end of what was said before."""
    reached = [stretch for stretch in stretches if word.start < stretch[1] and stretch[0] < word.end]
    if len(reached) > 1 and word.text.strip()[:1].isupper() and reached[0][1] - word.start <= EARLY:
        return reached[-1]
    return max(stretches, key=lambda stretch: min(word.end, stretch[1]) - max(word.start, stretch[0]))


def placed(words: list[RawWord], at: float, earliest: float) -> list[RawWord]:
    """The same words on the file's clock: the one place where a chunk's offset is added."""
    for word in words:
        word.start = round(max(word.start + at, earliest), 3)
        word.end = round(max(word.end + at, word.start), 3)
    return words


SENTENCE_ENDS = tuple(".?!…。？！")
CLAUSE_ENDS = tuple(",;:，、；：")
TITLES = frozenset({"mr.", "mrs.", "ms.", "dr.", "prof.", "st.", "vs.", "no."})


def segments(words: list[RawWord]) -> Iterator[Segment]:
    """Words gathered into sentences, or clauses of long ones."""
    line: list[RawWord] = []
    for word in words:
        if line and _ends_line(line, word):
            yield _segment(line)
            line = []
        line.append(word)
    if line:
        yield _segment(line)


def _ends_line(line: list[RawWord], following: RawWord) -> bool:
    last = line[-1].text.strip().rstrip("\"'”’)»")
    lasts = line[-1].end - line[0].start
    if following.start - line[-1].end >= 1.0 or lasts >= 12.0:
        return True
    if last.endswith(SENTENCE_ENDS) and last.lower() not in TITLES:
        return lasts >= 1.5 and (following.text.startswith(" ") or last[-1] in "。？！…")
    return last.endswith(CLAUSE_ENDS) and lasts >= 6.0


def _segment(line: list[RawWord]) -> Segment:
    words = tuple(Word(word.start, word.end, word.text.strip(), min(1.0, word.probability)) for word in line)
    return Segment(
        text="".join(word.text for word in line).strip(),
        start=words[0].start,
        end=words[-1].end,
        words=tuple(word for word in words if word.text),
    )
