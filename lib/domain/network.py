"""Any number of transcripts woven into one row of positions: at each the word that each of them has there, or none.

This is the word transition network of ROVER (Fiscus, A post-processing system to yield reduced word error rates,
1997): one transcript is the warp, the others are aligned to it one after the other, each to all that was woven before
it, and what only some of them say gets positions of its own, to which the next can be aligned in turn. The warp is
what was heard in the audio, where that is known; it has no vote.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lib.domain.columns import Column, Spoken, common_language, spoken_by, spoken_in
from lib.domain.media import Clip
from lib.domain.pairing import Said, Woven, pair_words, rows_of
from lib.domain.transcript import TimedBy, Word

if TYPE_CHECKING:
    import numpy as np

NOTHING = -1
"""In a table of positions: no word."""


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """``spoken`` has one entry for each column. The tables have one row for each position and one entry in it for each
    column: ``word`` is the index of the column's word, ``number`` says which word that is (equal words have equal
    numbers, and ``vocabulary`` spells them); NOTHING where the column has none. ``heard`` is the number of the word
    heard there. Starts never decrease; a position ends at or before the start of the next.

    ``voters`` are the columns that have words: one that failed says nothing about the others. ``majority`` is the
    number that most voters have (NOTHING is one), ``is_tied`` whether as many have another: then there is no majority.
    """

    spoken: tuple[Spoken, ...]
    vocabulary: tuple[str, ...]
    word: np.ndarray
    number: np.ndarray
    heard: np.ndarray
    start: np.ndarray
    end: np.ndarray
    voters: np.ndarray
    majority: np.ndarray
    is_tied: np.ndarray


def weave(columns: Sequence[Column], *, words: Sequence[Word] = (), clip: Clip) -> Network:
    """The columns' words in one network, on the clock of the ``words`` heard in the audio where there are any.

    Every word of every column is in it exactly once, in order; a position is there because some column has a word.
    """
    import numpy as np

    language = common_language(columns)
    spoken = [spoken_by(column, language) for column in columns]
    inside = [word for word in words if word.end > clip.start and word.start < clip.end]
    heard = spoken_in(inside, language)
    vocabulary: dict[str, int] = {}
    strands = [
        *(_Strand.of(row, vocabulary, _is_timed_by_audio(column)) for row, column in zip(spoken, columns, strict=True)),
        _Strand.of(heard, vocabulary, [True] * len(inside)),
    ]
    names = tuple(vocabulary)
    order = _order(strands[:-1])
    if heard.words:
        order.insert(0, len(columns))

    cloth = _Cloth(names, len(strands))
    for k in order:
        cloth.add(k, strands[k], is_warp=k == order[0])
    is_said = (cloth.word[:, : len(columns)] != NOTHING).any(axis=1)
    start = np.clip(cloth.start[is_said], clip.start, clip.end)
    end = np.clip(cloth.end[is_said], start, np.append(start[1:], clip.end))
    number = cloth.number[is_said, : len(columns)]
    voters = np.array([c for c, row in enumerate(spoken) if row.words], dtype=np.int64)
    majority, is_tied = _vote(number[:, voters])
    return Network(
        spoken=tuple(spoken),
        vocabulary=names,
        word=cloth.word[is_said, : len(columns)],
        number=number,
        heard=cloth.number[is_said, len(columns)],
        start=start,
        end=end,
        voters=voters,
        majority=majority,
        is_tied=is_tied,
    )


def _vote(votes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What most voters have at each position, and whether others are as many. Then it is what the first of them has."""
    import numpy as np

    if not votes.size:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=bool)
    counts = np.stack([(votes == votes[:, [k]]).sum(axis=1) for k in range(votes.shape[1])], axis=1)
    winner = np.take_along_axis(votes, counts.argmax(axis=1)[:, None], axis=1)
    is_tied = ((counts == counts.max(axis=1)[:, None]) & (votes != winner)).any(axis=1)
    return winner[:, 0], is_tied


@dataclass(frozen=True, slots=True, eq=False)
class _Strand:
    """One transcript's words as numbers, each with its start and end in seconds, starts never decreasing, and whether
    these can be trusted, since the audio has timed them."""

    number: np.ndarray
    start: np.ndarray
    end: np.ndarray
    is_trusted: np.ndarray

    @classmethod
    def of(cls, spoken: Spoken, vocabulary: dict[str, int], is_timed_by_audio: Sequence[bool]) -> _Strand:
        import numpy as np

        number = np.array([vocabulary.setdefault(word, len(vocabulary)) for word in spoken.words], dtype=np.int64)
        start = np.maximum.accumulate(spoken.start[spoken.piece]) if len(number) else np.zeros(0)
        is_trusted = np.array(is_timed_by_audio, dtype=bool)[spoken.cue[spoken.piece]]
        return cls(number, start, np.maximum(start, spoken.end[spoken.piece]), is_trusted)


def _is_timed_by_audio(column: Column) -> list[bool]:
    return [cue.timed_by is TimedBy.AUDIO for cue in column.cues]


def _order(strands: Sequence[_Strand]) -> list[int]:
    """The order of weaving: those first that have most in common with the others and most of their times from the
    audio. Columns without words are left out."""
    import numpy as np

    full = [k for k, strand in enumerate(strands) if len(strand.number)]
    rows = {k: np.unique(rows_of(strands[k].number, 3)) for k in full}
    scores = {}
    for k in full:
        common = [len(np.intersect1d(rows[k], rows[j], assume_unique=True)) for j in full if j != k]
        scores[k] = sum(common) / max(1, len(rows[k]) * len(common)) + 0.5 * strands[k].is_trusted.mean()
    return sorted(full, key=lambda k: (-scores[k], k))


class _Cloth:
    """What is woven so far. Its tables have an entry for every strand, also for those still to come."""

    def __init__(self, vocabulary: Sequence[str], strands: int) -> None:
        import numpy as np

        self.vocabulary = vocabulary
        self.strands = strands
        self.woven: list[int] = []
        self.word = np.zeros((0, strands), dtype=np.int64)
        self.number = np.zeros((0, strands), dtype=np.int64)
        self.start = np.zeros(0)
        self.end = np.zeros(0)
        self.is_trusted = np.zeros(0, dtype=bool)
        self.is_warp = np.zeros(0, dtype=bool)

    def add(self, k: int, strand: _Strand, *, is_warp: bool) -> None:
        """Weaves the words of strand ``k`` in."""
        import numpy as np

        start, is_trusted = strand.start, strand.is_trusted
        positions = words = np.zeros(0, dtype=np.int64)
        if not is_warp:
            # Times from the audio are of no use beside a warp that runs by another clock.
            is_trusted = is_trusted & (self.is_trusted[self.is_warp].mean() >= 0.5)
            pairs = pair_words(self._woven(), Said(strand.number, start, is_trusted), self.vocabulary)
            positions, words, start = pairs.positions, pairs.words, pairs.start
        end = start + strand.end - strand.start
        # Positions and words in one row: pairs in their place, what has no partner between them in order of time.
        at, index = _interleaved(positions, words, self.start, start)
        added = index[at == NOTHING]
        self.word = _with_rows(self.word, at, NOTHING)
        self.number = _with_rows(self.number, at, NOTHING)
        self.end = _with_rows(self.end, at, end[added])
        self.is_trusted = _with_rows(self.is_trusted, at, is_trusted[added])
        self.is_warp = _with_rows(self.is_warp, at, is_warp)
        self.start = _in_order(_with_rows(self.start, at, start[added]), self.is_warp)
        self.end = np.maximum(self.start, self.end)
        mine = np.flatnonzero(index != NOTHING)
        self.word[mine, k], self.number[mine, k] = index[mine], strand.number[index[mine]]
        self.woven.append(k)

    def _woven(self) -> Woven:
        import numpy as np

        numbers = self.number[:, self.woven]
        is_word = numbers != NOTHING
        counts = np.stack([(numbers == numbers[:, [k]]).sum(axis=1) * is_word[:, k] for k in range(len(self.woven))], 1)
        common = np.take_along_axis(numbers, counts.argmax(axis=1)[:, None], axis=1)[:, 0]
        return Woven(numbers, common, is_word.mean(axis=1), self.start, self.is_trusted)


def _with_rows(table: np.ndarray, at: np.ndarray, added: np.ndarray | float) -> np.ndarray:
    """The table with its old rows where ``at`` says, and these where it says NOTHING."""
    import numpy as np

    out = np.empty((len(at), *table.shape[1:]), dtype=table.dtype)
    out[at != NOTHING] = table[at[at != NOTHING]]
    out[at == NOTHING] = added
    return out


def _in_order(times: np.ndarray, is_fixed: np.ndarray) -> np.ndarray:
    """The times made never to decrease; those that are fixed, which do not, stay."""
    import numpy as np

    floor = np.maximum.accumulate(np.where(is_fixed, times, -np.inf))
    ceiling = np.minimum.accumulate(np.where(is_fixed, times, np.inf)[::-1])[::-1]
    return np.maximum.accumulate(np.clip(times, floor, ceiling)) if len(times) else times


def _interleaved(
    positions: np.ndarray, words: np.ndarray, position_times: np.ndarray, word_times: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """All positions and all words in one row, paired where they are pairs, NOTHING where one has no partner."""
    import numpy as np

    lone_positions = np.setdiff1d(np.arange(len(position_times)), positions, assume_unique=True)
    lone_words = np.setdiff1d(np.arange(len(word_times)), words, assume_unique=True)
    at = np.concatenate([lone_positions, np.full(len(lone_words), NOTHING), positions])
    index = np.concatenate([np.full(len(lone_positions), NOTHING), lone_words, words])
    hole = np.concatenate(
        [np.searchsorted(positions, lone_positions), np.searchsorted(words, lone_words), np.arange(len(positions))]
    )
    time = np.concatenate([position_times[lone_positions], word_times[lone_words], np.full(len(positions), np.inf)])
    order = np.lexsort((time, hole))
    return at[order], index[order]
