"""Which of the positions woven so far each word of one more transcript belongs to.

Anchors first: rows of three and six words that either side holds exactly once. What lies between two anchors is settled
word by word, by the words and by the times at which they are expected, so that of two identical sentences the right one
is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lib.domain.alignment import Expectation, align
from lib.domain.rises import longest_rise

if TYPE_CHECKING:
    import numpy as np

_ROWS = (3, 6)  # words in a row that anchor an alignment
_CELLS = 1500  # so large a hole between two anchors is looked at whole; a larger one is aligned by the band first
_FAR = 3.0  # seconds from which on a word is far from where it is expected
_TOLERANCE = 8.0  # the same over holes of minutes, where the times are rougher
_IN_COMMON = 0.25  # two texts that share fewer of their words are matched by time alone

# What it costs to take a word for another, to leave out a position that all have, to add one, and to be far away.
_ANOTHER, _ALIKE, _LEFT_OUT, _ADDED, _AWAY = 0.9, 0.4, 0.6, 0.6, 0.5
_FARTHEST = 3.0  # times the same, where the audio has timed both: that is no match any more


@dataclass(frozen=True, slots=True, eq=False)
class Woven:
    """The positions: the words that any strand has there (their numbers), which of them most have, the share of the
    strands that have any, and the time in seconds, with whether the audio gave it."""

    alternatives: np.ndarray
    common: np.ndarray
    share: np.ndarray
    start: np.ndarray
    is_trusted: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """The words of one strand: their numbers, and their times in seconds, never decreasing, with whether the audio gave
    them. Where it did not, they may run by a clock of their own."""

    number: np.ndarray
    start: np.ndarray
    is_trusted: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Word ``words[k]`` belongs to position ``positions[k]``, both rising. ``start`` has the times of all words on the
    clock of the positions."""

    positions: np.ndarray
    words: np.ndarray
    start: np.ndarray


def pair_words(woven: Woven, said: Said, vocabulary: Sequence[str]) -> Pairs:
    """The words that belong to positions, being the same or said in their stead. ``vocabulary`` spells the numbers."""
    import numpy as np

    backbone = np.flatnonzero(woven.share >= 0.5)
    anchors, words = _anchors(
        woven.common[backbone],
        said.number,
        np.where(woven.is_trusted, woven.start, np.nan)[backbone],
        np.where(said.is_trusted, said.start, np.nan),
    )
    positions = backbone[anchors]
    start = _on_the_clock(said, words, woven.start[positions])
    holes = _Holes(woven, said, start, vocabulary)
    return Pairs(*holes.filled(positions, words), start)


def _on_the_clock(said: Said, words: np.ndarray, times: np.ndarray) -> np.ndarray:
    """The times where they can be trusted; elsewhere right at the anchors, and by their own pace between them."""
    import numpy as np

    if not len(words) or said.is_trusted.all():
        return said.start
    own = said.start + 0.001 * np.arange(len(said.start))  # words said at once, by their times, are in order still
    xs = np.concatenate([[own[words[0]] - 1e6], own[words], [own[words[-1]] + 1e6]])
    ys = np.concatenate([[times[0] - 1e6], times, [times[-1] + 1e6]])
    return np.maximum.accumulate(np.where(said.is_trusted, said.start, np.interp(own, xs, ys)))


# Anchors -----------------------------------------------------------------------------------------------------


def _anchors(
    left: np.ndarray, right: np.ndarray, left_times: np.ndarray, right_times: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Indices of equal words on both sides, rising on both, out of rows that either side holds exactly once.

    Times that cannot be trusted are NaN. Where both can, and lie far apart, each side lacks what the other has.
    """
    import numpy as np

    found = [np.zeros(0, dtype=np.int64)]  # pairs as one number, for a pair is slow to sort
    for length in _ROWS:
        (here, i), (there, j) = _once(left, length), _once(right, length)
        _, a, b = np.intersect1d(here, there, assume_unique=True, return_indices=True)
        found.extend((i[a] + k) * len(right) + j[b] + k for k in range(length))
    i, j = np.divmod(np.unique(np.concatenate(found)), max(1, len(right)))
    is_far = np.abs(left_times[i] - right_times[j]) > _TOLERANCE
    i, j = i[~is_far], j[~is_far]
    kept = _longest_rise(i, j)
    return i[kept], j[kept]


def rows_of(numbers: np.ndarray, length: int) -> np.ndarray:
    """A number for each row of so many words, equal for equal rows."""
    import numpy as np

    if len(numbers) < length:
        return np.zeros(0, dtype=np.uint64)
    # Sixty-four bits of a polynomial: two different rows meet in one of 10**11 hours of speech.
    factor = np.uint64(0x9E3779B97F4A7C15)
    mixed = (numbers.astype(np.uint64) + np.uint64(1)) * np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(29)
    count = len(numbers) - length + 1
    out = np.zeros(count, dtype=np.uint64)
    for k in range(length):
        out = out * factor + mixed[k : k + count]
    return out


def _once(numbers: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
    """The rows that come exactly once, and where each begins."""
    import numpy as np

    rows, first, counts = np.unique(rows_of(numbers, length), return_index=True, return_counts=True)
    return rows[counts == 1], first[counts == 1]


def _longest_rise(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Indices of a longest row of pairs that rise on both sides."""
    import numpy as np

    if len(left) < 2 or ((np.diff(left) > 0) & (np.diff(right) > 0)).all():
        return np.arange(len(left))
    order = np.lexsort((-right, left))  # of those with one left word at most one can rise
    return order[longest_rise(right[order].tolist(), strictly=True)]


# Holes between anchors ---------------------------------------------------------------------------------------


class _Holes:
    """The stretches between anchors, where words still have to find their positions."""

    def __init__(self, woven: Woven, said: Said, times: np.ndarray, vocabulary: Sequence[str]) -> None:
        from rapidfuzz.distance import Levenshtein

        self.vocabulary = vocabulary
        self.alternatives = woven.alternatives.tolist()
        self.common = woven.common.tolist()
        self.share = woven.share.tolist()
        self.position_times = woven.start.tolist()
        self.is_position_trusted = woven.is_trusted.tolist()
        self.numbers = said.number.tolist()
        self.word_times = times.tolist()
        self.is_word_trusted = said.is_trusted.tolist()
        self.positions: list[int] = []
        self.words: list[int] = []
        self._similarity = Levenshtein.normalized_similarity
        self._likeness: dict[tuple[int, int], float] = {}

    def filled(self, positions: np.ndarray, words: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The pairs given, and those found between them."""
        import numpy as np

        xs = np.concatenate([[-1], positions, [len(self.common)]])
        ys = np.concatenate([[-1], words, [len(self.numbers)]])
        is_hole = (np.diff(xs) > 1) & (np.diff(ys) > 1)
        for at in np.flatnonzero(is_hole).tolist():
            self._fill(int(xs[at]) + 1, int(xs[at + 1]), int(ys[at]) + 1, int(ys[at + 1]))
        positions = np.concatenate([positions, np.array(self.positions, dtype=np.int64)])
        order = np.argsort(positions)
        return positions[order], np.concatenate([words, np.array(self.words, dtype=np.int64)])[order]

    def _fill(self, p: int, p_end: int, w: int, w_end: int) -> None:
        if (p_end - p) * (w_end - w) <= _CELLS:
            self._settle(p, p_end, w, w_end)
            return
        pairs = self._by_the_band(p, p_end, w, w_end)
        for (p1, w1), (p2, w2) in zip([(p - 1, w - 1), *pairs], [*pairs, (p_end, w_end)], strict=True):
            if p2 > p1 + 1 and w2 > w1 + 1:
                is_small = (p2 - p1) * (w2 - w1) <= _CELLS
                (self._settle if is_small else self._by_time)(p1 + 1, p2, w1 + 1, w2)
        self._take(pairs)

    def _take(self, pairs: Sequence[tuple[int, int]]) -> None:
        self.positions.extend(p for p, _ in pairs)
        self.words.extend(w for _, w in pairs)

    def _by_the_band(self, p: int, p_end: int, w: int, w_end: int) -> list[tuple[int, int]]:
        """The equal words of a large hole."""
        here, there = set(self.common[p:p_end]), set(self.numbers[w:w_end])
        if len(here & there) < _IN_COMMON * min(len(here), len(there)):
            return []
        left = [self.vocabulary[number] for number in self.numbers[w:w_end]]
        right = [self.vocabulary[number] for number in self.common[p:p_end]]
        expected = Expectation(self.word_times[w:w_end], self.position_times[p:p_end], _TOLERANCE)
        return [(p + j, w + i) for i, j in align(left, right, expected=expected)]

    def _by_time(self, p: int, p_end: int, w: int, w_end: int) -> None:
        """Pairs what is said at the same time, since the words say nothing."""
        while p < p_end and w < w_end:
            apart = self.word_times[w] - self.position_times[p]
            if abs(apart) <= 1.0 and self.share[p] >= 0.5:
                self._take([(p, w)])
                p, w = p + 1, w + 1
            elif apart > 0:
                p += 1
            else:
                w += 1

    def _settle(self, p: int, p_end: int, w: int, w_end: int) -> None:
        """Pairs the words of a small hole at the least cost: equal words, or one word for another."""
        width = w_end - w
        costs = [k * _ADDED for k in range(width + 1)]
        ways: list[list[int]] = []
        for at in range(p, p_end):
            leave = _LEFT_OUT * self.share[at]
            above, costs = costs, [costs[0] + leave]
            way = [_UP]
            for k in range(width):
                both = above[k] + self._cost(at, w + k)
                up, left = above[k + 1] + leave, costs[k] + _ADDED
                if both <= up and both <= left:
                    costs.append(both)
                    way.append(_BOTH)
                elif up <= left:
                    costs.append(up)
                    way.append(_UP)
                else:
                    costs.append(left)
                    way.append(_LEFT)
            ways.append(way)
        i, k = p_end - p, width
        while i and k:
            way = ways[i - 1][k]
            if way == _BOTH:
                self.positions.append(p + i - 1)
                self.words.append(w + k - 1)
            i, k = i - (way != _LEFT), k - (way != _UP)

    def _cost(self, position: int, word: int) -> float:
        farthest = _FARTHEST if self.is_position_trusted[position] and self.is_word_trusted[word] else 1.0
        away = min(abs(self.position_times[position] - self.word_times[word]) / _FAR, farthest) * _AWAY
        number = self.numbers[word]
        if number in self.alternatives[position]:
            return away
        return _ANOTHER - _ALIKE * self._alike(self.common[position], number) + away

    def _alike(self, one: int, other: int) -> float:
        found = self._likeness.get((one, other))
        if found is None:
            found = self._similarity(self.vocabulary[one], self.vocabulary[other])
            self._likeness[one, other] = found
        return found


_BOTH, _UP, _LEFT = 0, 1, 2  # how a place of the table of costs was reached
