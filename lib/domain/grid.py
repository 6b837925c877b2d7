"""Several transcripts of one clip side by side: a row for each stretch of time, a cell in it for each model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import TYPE_CHECKING

from lib.domain.columns import Column, Spoken
from lib.domain.media import Clip
from lib.domain.network import NOTHING, Network, weave
from lib.domain.rows import row_starts
from lib.domain.tokens import display_width, is_unspaced
from lib.domain.transcript import Word

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Cell", "Column", "Grid", "Mark", "Row", "Span", "grid_of", "make_grid"]


class Mark(StrEnum):
    """How words stand to those that most columns have there: the same, others, words where most have none, and none
    where most have words."""

    SAME = "same"
    DIFFERS = "differs"
    EXTRA = "extra"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Span:
    """Words in a row with one mark, as they are written. ``"".join`` of a cell's spans reads with its spaces."""

    text: str
    mark: Mark

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise ValueError("a span holds words")


@dataclass(frozen=True, slots=True)
class Cell:
    """What one column says in one row. A MISSING span holds words of the others, where this column has none."""

    spans: tuple[Span, ...] = ()

    @property
    def text(self) -> str:
        """The column's own words."""
        own = "".join(span.text for span in self.spans if span.mark is not Mark.MISSING)
        return " ".join(own.split())


@dataclass(frozen=True, slots=True)
class Row:
    """A stretch of time, in seconds, and the cells of it in the order of the columns.

    ``is_different``: some word in it is not the same in all columns that have words.
    """

    start: float
    end: float
    cells: tuple[Cell, ...]
    is_different: bool

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.end:
            raise ValueError(f"a row runs forward from zero, not {self.start}-{self.end}")


@dataclass(frozen=True, slots=True)
class Grid:
    """Rows in order of time, none reaching into the next. ``names`` are those of the columns."""

    names: tuple[str, ...]
    rows: tuple[Row, ...]


def make_grid(columns: Sequence[Column], *, words: Sequence[Word] = (), clip: Clip) -> Grid:
    """The columns side by side, on the clock of the ``words`` heard in the audio, else on that of the columns.

    Each column read down gives its text, every word once and in order. Words count as normalised
    (``lib.domain.normalised``): punctuation, case and the style of numbers are no difference, and what the normaliser
    drops, a filler or a note in brackets, is SAME.

    At each place the majority is what more columns have than anything else, a word or none. Where two have as many
    nobody is the majority, and every word there DIFFERS: so with two columns each differing word does, in both, and
    nothing is EXTRA or MISSING. A column without words (a failed model) has empty cells and no say.
    """
    return grid_of(weave(columns, words=words, clip=clip), columns, clip)


def grid_of(network: Network, columns: Sequence[Column], clip: Clip) -> Grid:
    """The grid of columns that have been woven already."""
    import numpy as np

    names = tuple(column.name for column in columns)
    firsts = row_starts(network)
    if not len(firsts):
        return Grid(names, _wordless(network, clip))
    starts = network.start[firsts]
    ends = np.maximum.reduceat(network.end, firsts)
    row_of = np.searchsorted(firsts, np.arange(len(network.start)), side="right") - 1
    cells = [_cells(network, c, row_of, starts) for c in range(len(columns))]
    return Grid(
        names,
        tuple(
            _row(start, end, tuple(column.get(r, Cell()) for column in cells))
            for r, (start, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True))
        ),
    )


def _row(start: float, end: float, cells: tuple[Cell, ...]) -> Row:
    return Row(start, end, cells, any(span.mark is not Mark.SAME for cell in cells for span in cell.spans))


def _wordless(network: Network, clip: Clip) -> tuple[Row, ...]:
    """The one row of columns that hold nothing but what the normaliser drops, or of none."""
    if not any(spoken.text for spoken in network.spoken):
        return ()
    cells = tuple(Cell((Span(row.text, Mark.SAME),) if row.text else ()) for row in network.spoken)
    return (_row(clip.start, clip.end, cells),)


# Cells -------------------------------------------------------------------------------------------------------

_CODES = (Mark.SAME, Mark.DIFFERS, Mark.EXTRA)


def _cells(network: Network, column: int, row_of: np.ndarray, starts: np.ndarray) -> dict[int, Cell]:
    """The cells of a column that hold anything, by the index of their row."""
    spoken = network.spoken[column]
    if not spoken.text:
        return {}
    parts = [*_own_words(network, column, row_of, starts), *_missing_words(network, column, row_of)]
    parts.sort(key=lambda part: part[:3])
    return {
        row: Cell(tuple(_spans([(text, mark) for *_, text, mark in group])))
        for row, group in groupby(parts, key=lambda part: part[0])
    }


# A part of a cell: its row, the piece of the column it begins with or stands before, whether it is the column's own,
# its text and its mark. In this order the parts of a column are its cells from top to bottom.
_Part = tuple[int, int, bool, str, Mark]


def _spans(parts: Sequence[tuple[str, Mark]]) -> Iterator[Span]:
    """The parts of one cell, without the space after the last."""
    for k, (text, mark) in enumerate(parts):
        yield Span(text if k < len(parts) - 1 else text.rstrip(), mark)


def _spaced(text: str) -> str:
    """The text with the space that the next word needs."""
    return text if is_unspaced(text[-1]) or display_width(text[-1]) == 2 else text + " "


def _own_words(network: Network, column: int, row_of: np.ndarray, starts: np.ndarray) -> Iterator[_Part]:
    """The column's text, cut where the row or the mark changes, and where words are missing."""
    import numpy as np

    spoken = network.spoken[column]
    codes, rows = _marks_and_rows(network, column, row_of, starts)
    is_cut = np.ones(len(codes), dtype=bool)
    is_cut[1:] = (np.diff(codes) != 0) | (np.diff(rows) != 0)
    _, before = _omissions(network, column)
    is_cut[before[before < len(codes)]] = True
    cuts = np.flatnonzero(is_cut).tolist()
    text = _spaced(spoken.text)
    edges = [*(spoken.pieces[cut].start for cut in cuts), len(text)]
    for first, start, end in zip(cuts, edges[:-1], edges[1:], strict=True):
        yield int(rows[first]), first, True, text[start:end], _CODES[codes[first]]


def _marks_and_rows(
    network: Network, column: int, row_of: np.ndarray, starts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """For each piece of the column the index of its mark in _CODES, and its row."""
    import numpy as np

    spoken = network.spoken[column]
    codes = np.zeros(len(spoken.pieces), dtype=np.int64)
    if not spoken.words:  # nothing but what the normaliser drops: there is only its time to go by
        return codes, np.maximum(np.searchsorted(starts, np.maximum.accumulate(spoken.start), side="right") - 1, 0)
    winner, is_tied = network.majority, network.is_tied
    position = np.flatnonzero(network.word[:, column] != NOTHING)
    is_same = (network.number[position, column] == winner[position]) & ~is_tied[position]
    is_extra = (winner[position] == NOTHING) & ~is_tied[position]
    word_codes = np.where(is_same, 0, np.where(is_extra, 2, 1))
    firsts = np.flatnonzero(np.diff(spoken.piece, prepend=-1))  # the first word of each piece that has any
    highest, lowest = np.maximum.reduceat(word_codes, firsts), np.minimum.reduceat(word_codes, firsts)
    holding = spoken.piece[firsts]
    codes[holding] = np.where(highest == lowest, highest, 1)
    # What the normaliser drops stands with the words before it; before the first, with those after it.
    held = np.maximum(np.searchsorted(holding, np.arange(len(codes)), side="right") - 1, 0)
    return codes, row_of[position[firsts]][held]


def _omissions(network: Network, column: int) -> tuple[np.ndarray, np.ndarray]:
    """The positions at which most have a word and the column none, and before which of its pieces each stands."""
    import numpy as np

    spoken = network.spoken[column]
    if not spoken.words:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    winner, is_tied = network.majority, network.is_tied
    is_own = network.word[:, column] != NOTHING
    missing = np.flatnonzero(~is_own & (winner != NOTHING) & ~is_tied)
    next_word = np.searchsorted(np.flatnonzero(is_own), missing)
    piece = np.append(spoken.piece, len(spoken.pieces))
    before = piece[next_word]
    is_inside = (next_word > 0) & (piece[next_word - 1] == before)  # between two words of one piece: after it
    return missing, before + is_inside


def _missing_words(network: Network, column: int, row_of: np.ndarray) -> Iterator[_Part]:
    """The words that the column lacks, in the spelling of a column that has them."""
    missing, before = _omissions(network, column)
    spelled = _Spelling(network)
    places = zip(missing.tolist(), before.tolist(), row_of[missing].tolist(), strict=True)
    for (row, piece), group in groupby(places, key=lambda place: (place[2], place[1])):
        yield row, piece, False, spelled([position for position, _, _ in group]), Mark.MISSING


class _Spelling:
    """The majority's words at some positions, as the first column that has them writes them."""

    def __init__(self, network: Network) -> None:
        import numpy as np

        self.network = network
        self.column = (network.number == network.majority[:, None]).argmax(axis=1)
        self.positions = [np.flatnonzero(network.word[:, c] != NOTHING) for c in range(len(network.spoken))]

    def __call__(self, positions: Sequence[int]) -> str:
        here = set(positions)
        out: list[str] = []
        previous: tuple[int, int] | None = None
        for position in positions:
            column = int(self.column[position])
            spoken = self.network.spoken[column]
            piece = int(spoken.piece[self.network.word[position, column]])
            if (column, piece) == previous:
                continue
            if here.issuperset(self._positions_of(spoken, column, piece)):
                previous = (column, piece)
                text = spoken.text[spoken.pieces[piece].start : spoken.pieces[piece].end]
            else:  # of "don't" only the "not" is missing
                text = self.network.vocabulary[self.network.majority[position]]
            out.append(_spaced(text))
        return "".join(out)

    def _positions_of(self, spoken: Spoken, column: int, piece: int) -> list[int]:
        import numpy as np

        first, end = np.searchsorted(spoken.piece, [piece, piece + 1])
        return self.positions[column][first:end].tolist()
