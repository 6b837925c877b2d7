"""One model's transcript beside others: its text, cut into pieces that have a time and stand for normalised words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lib.domain.normalised import Piece, normalised_pieces
from lib.domain.transcript import Cue, Word

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class Column:
    """What one model wrote. Its cues are read in the order given; a model that failed has none.

    ``language`` is a code, None where the model did not say.
    """

    name: str
    cues: tuple[Cue, ...]
    language: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.cues, tuple):
            raise ValueError("a column holds a tuple of cues")


@dataclass(frozen=True, slots=True, eq=False)
class Spoken:
    """A text with times. ``start``, ``end`` and ``cue`` have one entry for each piece: seconds, and which cue it is of.

    ``words`` are the normalised words of all pieces in one row, and ``piece`` says which piece each of them is of.
    """

    text: str
    pieces: tuple[Piece, ...]
    start: np.ndarray
    end: np.ndarray
    cue: np.ndarray
    words: tuple[str, ...]
    piece: np.ndarray


def common_language(columns: Sequence[Column]) -> str | None:
    """The language that most columns name: those that name none are read as theirs."""
    named = Counter(column.language for column in columns if column.language)
    return named.most_common(1)[0][0] if named else None


def spoken_by(column: Column, language: str | None) -> Spoken:
    """The column's words. The pieces of a cue share its time by their place in its text."""
    return _spoken([(cue.start, cue.end, cue.text) for cue in column.cues], column.language or language)


def spoken_in(words: Sequence[Word], language: str | None) -> Spoken:
    """Words heard in the audio, in order of time."""
    ordered = sorted(words, key=lambda word: word.start)
    return _spoken([(word.start, max(word.start, word.end), word.text) for word in ordered], language)


def _spoken(lines: Sequence[tuple[float, float, str]], language: str | None) -> Spoken:
    """The text of all lines (start, end, text), with a space between two and no other space than that between words."""
    import numpy as np

    texts = [" ".join(text.split()) for _, _, text in lines]
    pieces = normalised_pieces(" ".join(filter(None, texts)), language)
    # Of each line that has text: which one it is, its times, how long its text is, and where that begins in the whole.
    holding = np.flatnonzero([len(text) for text in texts])
    starts, ends = (np.array([lines[k][side] for k in holding], dtype=np.float64) for side in (0, 1))
    lengths = np.array([len(texts[k]) for k in holding], dtype=np.int64)
    firsts = np.cumsum(lengths + 1) - (lengths + 1)

    def line_and_time(places: Sequence[int], characters: int) -> tuple[np.ndarray, np.ndarray]:
        """The line that each place in the text is in, and the time so many characters later."""
        at = np.array(places, dtype=np.int64)
        line = np.searchsorted(firsts, at, side="right") - 1
        share = (at + characters - firsts[line]) / lengths[line]
        return holding[line], starts[line] + (ends[line] - starts[line]) * share

    cue, start = line_and_time([piece.start for piece in pieces], 0)
    _, end = line_and_time([piece.end - 1 for piece in pieces], 1)
    return Spoken(
        text=" ".join(filter(None, texts)),
        pieces=pieces,
        start=start,
        end=end,
        cue=cue,
        words=tuple(word for piece in pieces for word in piece.words),
        piece=np.repeat(np.arange(len(pieces)), [len(piece.words) for piece in pieces]),
    )
