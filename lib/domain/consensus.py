"""One transcript out of several: what most of them say, or the rows that a reader chose."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lib.domain.columns import Column
from lib.domain.cues import shape_cues
from lib.domain.grid import Cell, Grid, Row
from lib.domain.media import Clip
from lib.domain.network import NOTHING, Network, weave
from lib.domain.retime import ENOUGH, TimedToken
from lib.domain.rows import row_starts
from lib.domain.tokens import display_width, is_unspaced, written_words
from lib.domain.transcript import Cue, TimedBy, Word

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class Consensus:
    """What most columns say. ``doubts`` are the words of it that no more than half of them have: start, end, text."""

    cues: tuple[Cue, ...]
    doubts: tuple[tuple[float, float, str], ...] = ()


def consensus(columns: Sequence[Column], *, words: Sequence[Word] = (), clip: Clip) -> Consensus:
    """At each place the word that more columns have than any other, or none where most have none (ROVER's vote).

    Where two have as many, the one heard in the audio is taken, else that of the column that agrees most with the
    others. Every word was said by some column, and is spelled as one of them spells it, by preference that same one,
    whose speakers are taken too. What the normaliser drops (fillers, notes in brackets) is left out.
    """
    return consensus_of(weave(columns, words=words, clip=clip), columns, clip)


def consensus_of(network: Network, columns: Sequence[Column], clip: Clip) -> Consensus:
    """The consensus of columns that have been woven already."""
    if not len(network.start):
        return Consensus(())
    ranking = _ranking(network)
    chosen = _chosen(network, ranking)
    voters = network.voters
    is_doubtful = 2 * (network.number[:, voters] == chosen[:, None]).sum(axis=1) <= len(voters)
    speakers = _speakers(network, columns, ranking)
    timed_by = _timed_by(network, columns)
    tokens: list[TimedToken] = []
    doubts: list[tuple[float, float, str]] = []
    for text, first, last in _spelled(network, chosen, ranking):
        start, end = float(network.start[first]), float(network.end[last])
        tokens.append(TimedToken(text, start, end, 0, speakers[first], timed_by[first]))
        if is_doubtful[first : last + 1].any():
            doubts.append((start, end, text.strip()))
    return Consensus(shape_cues(tokens, end=clip.end), tuple(doubts))


def _ranking(network: Network) -> list[int]:
    """The columns that have words, those that agree most with the others first."""
    import numpy as np

    voters = network.voters.tolist()
    held = {c: network.number[:, c] != NOTHING for c in voters}
    totals = dict.fromkeys(voters, 0.0)
    for a in voters:
        for b in voters:
            if a != b:
                hits = np.count_nonzero((network.number[:, a] == network.number[:, b]) & held[a])
                totals[a] += 2 * hits / (np.count_nonzero(held[a]) + np.count_nonzero(held[b]))
    return sorted(voters, key=lambda c: (-totals[c], c))


def _chosen(network: Network, ranking: Sequence[int]) -> np.ndarray:
    """The number of the word at each position, or NOTHING."""
    chosen = network.majority.copy()
    for at in network.is_tied.nonzero()[0].tolist():
        votes = network.number[at, ranking].tolist()
        top = max(votes.count(number) for number in votes)
        tied = [number for number in votes if votes.count(number) == top]  # the best column's first
        heard = int(network.heard[at])
        chosen[at] = heard if heard != NOTHING and heard in tied else tied[0]
    return chosen


def _speakers(network: Network, columns: Sequence[Column], ranking: Sequence[int]) -> list[str | None]:
    """Who speaks at each position, by the first column in the ranking that tells speakers apart."""
    column = next((c for c in ranking if any(cue.speaker for cue in columns[c].cues)), None)
    if column is None:
        return [None] * len(network.start)
    spoken = network.spoken[column]
    cues = columns[column].cues
    out: list[str | None] = []
    speaker = cues[int(spoken.cue[spoken.piece[0]])].speaker
    for word in network.word[:, column].tolist():
        if word != NOTHING:
            speaker = cues[int(spoken.cue[spoken.piece[word]])].speaker
        out.append(speaker)
    return out


def _timed_by(network: Network, columns: Sequence[Column]) -> list[TimedBy]:
    """Where the times come from, row by row: the audio where it timed enough of the words."""
    import numpy as np

    is_heard = network.heard != NOTHING
    for c in network.voters.tolist():
        spoken, word = network.spoken[c], network.word[:, c]
        by_audio = np.array([cue.timed_by is TimedBy.AUDIO for cue in columns[c].cues])[spoken.cue[spoken.piece]]
        is_heard = is_heard | ((word != NOTHING) & by_audio[word])
    firsts = row_starts(network)
    lengths = np.diff(np.append(firsts, len(is_heard)))
    enough = np.add.reduceat(is_heard.astype(np.int64), firsts) >= ENOUGH * lengths
    return [TimedBy.AUDIO if each else TimedBy.MODEL for each in np.repeat(enough, lengths).tolist()]


def _spelled(network: Network, chosen: np.ndarray, ranking: Sequence[int]) -> Iterator[tuple[str, int, int]]:
    """The chosen words as they are written, each with the first and last position it stands for.

    A piece of a column is taken whole ("don't" for "do not") where all its words were chosen, and nothing between.
    """
    positions = (chosen != NOTHING).nonzero()[0].tolist()
    numbers = chosen[positions].tolist()
    words = {c: network.word[positions, c].tolist() for c in ranking}
    held = {c: network.number[positions, c].tolist() for c in ranking}
    at = 0
    while at < len(positions):
        # Where no column wrote just these words, but only more of them as one, the word stands as it is normalised.
        text, count = network.vocabulary[numbers[at]], 1
        for column in ranking:
            spoken = network.spoken[column]
            piece = int(spoken.piece[words[column][at]]) if held[column][at] == numbers[at] else NOTHING
            if piece == NOTHING:
                continue
            first, end = spoken.piece.searchsorted([piece, piece + 1]).tolist()
            here = slice(at, at + end - first)
            if words[column][here] == list(range(first, end)) and held[column][here] == numbers[here]:
                text, count = spoken.text[spoken.pieces[piece].start : spoken.pieces[piece].end], end - first
                break
        yield " " * (not is_unspaced(text)) + text, positions[at], positions[at + count - 1]
        at += count


# Rows that were chosen ---------------------------------------------------------------------------------------


def merged(
    chosen: Mapping[int, int],
    grid: Grid,
    columns: Sequence[Column],
    *,
    default: int = 0,
) -> tuple[Cue, ...]:
    """The transcript made of one column's row here and another's there: ``chosen`` says which column, by row.

    The other rows are those of the column ``default``. The words are those of the cells, in order. Each row keeps to
    its own stretch of time: lines that the audio timed keep their times within it, the others share it.
    Raises ValueError for a row or column that is not there.
    """
    if not all(0 <= row < len(grid.rows) for row in chosen):
        raise ValueError("a row that is not in the grid was chosen")
    if not all(0 <= column < len(columns) for column in (*chosen.values(), default)):
        raise ValueError("a column that is not in the grid was chosen")
    fragments = {
        column: _fragments(columns[column], [row.cells[column] for row in grid.rows])
        for column in {*chosen.values(), default}
    }
    lines: list[Cue] = []
    for number, row in enumerate(grid.rows):
        lines.extend(_placed(fragments[chosen.get(number, default)][number], row))
    return shape_cues(lines, end=max([grid.rows[-1].end, *(cue.end for cue in lines)]) if lines else None)


def _fragments(column: Column, cells: Sequence[Cell]) -> list[list[Cue]]:
    """The column's cues cut where its cells are: for each cell its cues, or parts of cues."""
    sizes = [_size(cell.text) for cell in cells]
    out: list[list[Cue]] = [[] for _ in cells]
    row = used = 0
    for cue in column.cues:
        written = written_words(" ".join(cue.text.split()))
        total = sum(map(len, written))
        first = at = 0  # in the cue, where its part in this cell begins, and how far the words go
        for word in written:
            while used >= sizes[row]:
                _cut(out[row], cue, "".join(written), first, at, total)
                first, row, used = at, row + 1, 0
            used += _size(word)
            at += len(word)
        _cut(out[row], cue, "".join(written), first, at, total)
    return out


def _size(text: str) -> int:
    return sum(map(len, text.split()))


def _cut(fragments: list[Cue], cue: Cue, text: str, first: int, end: int, total: int) -> None:
    if text[first:end].strip():
        length = cue.end - cue.start
        start, until = cue.start + length * first / total, cue.start + length * end / total
        fragments.append(replace(cue, start=start, end=max(start, until), text=text[first:end].strip()))


def _placed(fragments: Sequence[Cue], row: Row) -> Iterator[Cue]:
    """The fragments in the row's stretch of time, in order."""
    if all(cue.timed_by is TimedBy.AUDIO for cue in fragments):
        floor = row.start
        for cue in fragments:
            floor = min(max(cue.start, floor), row.end)
            yield replace(cue, start=floor, end=min(max(cue.end, floor), row.end))
        return
    widths = [display_width(cue.text) or 1 for cue in fragments]
    pace = (row.end - row.start) / sum(widths)
    at = 0
    for cue, width in zip(fragments, widths, strict=True):
        start, at = row.start + pace * at, at + width
        yield replace(cue, start=start, end=max(start, min(row.start + pace * at, row.end)))
