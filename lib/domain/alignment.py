"""Which words of one text are which words of another, in order.

Two passes. The first is a plain edit distance over the whole (bit-parallel, an hour against an hour in 20 ms): it
finds the rough path. The second is a dynamic programme in a band around that path, which weighs what an edit
distance cannot: long runs before scattered words, rare words before common ones, pauses before sentences, and the
time at which each word is expected. That last is what tells one of two identical sentences from the other.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

BAND = 600
"""Half the width of the band, in tokens: about four minutes of speech to either side of the rough path."""

_OPENING = 0.4  # what a new run of matches costs: one stray short word is not worth it
_WIDENING = 0.05  # and for each token skipped, on either side, since the last match
_FAR_OPENING = 1.5  # but at most this: what is missing is missing in one piece, not sentence by sentence
_PAUSE_BONUS = 0.2  # a text's first word prefers a word heard after a pause
_FAR = 0.7  # what a match costs that is as far from its expected time as can be


@dataclass(frozen=True, slots=True)
class Expectation:
    """Where in time the left tokens are expected among the right ones.

    ``left`` has None for a token of which nothing is known. ``tolerance`` is the distance in seconds from which on a
    match counts as far.
    """

    left: Sequence[float | None]
    right: Sequence[float]
    tolerance: float


def rough_pairs(left: Sequence[str], right: Sequence[str], *, shortest_run: int = 1) -> list[tuple[int, int]]:
    """The equal tokens on one path of least edits, in runs of at least ``shortest_run`` tokens."""
    from rapidfuzz.distance import Levenshtein

    pairs: list[tuple[int, int]] = []
    for block in Levenshtein.opcodes(left, right).as_matching_blocks():
        if block.size >= shortest_run:
            pairs.extend((block.a + k, block.b + k) for k in range(block.size))
    return pairs


def align(
    left: Sequence[str],
    right: Sequence[str],
    *,
    expected: Expectation | None = None,
    openings: tuple[Sequence[int], Sequence[int]] = ((), ()),
    band: int = BAND,
) -> list[tuple[int, int]]:
    """Pairs ``(i, j)`` with ``left[i] == right[j]``, both strictly increasing, best as a whole.

    ``openings`` are the tokens that open a segment on the left, and those that follow a pause on the right.
    Runs in time proportional to the longer text; memory is about 1,200 bytes for each token on the left.
    """
    return _aligned(left, right, expected, openings, band)[1]


def best_expectation(
    left: Sequence[str], right: Sequence[str], candidates: Sequence[Expectation], *, band: int = BAND
) -> int:
    """The index of the expectation under which the two agree best; of equals, the first. They share a tolerance."""
    scores = [_aligned(left, right, candidate, ((), ()), band)[0] for candidate in candidates]
    # A later one must be better by more than rounding of the sums.
    return max(range(len(scores)), key=lambda k: (round(scores[k] - 0.01 * k, 2), -k))


def _aligned(
    left: Sequence[str],
    right: Sequence[str],
    expected: Expectation | None,
    openings: tuple[Sequence[int], Sequence[int]],
    band: int,
) -> tuple[float, list[tuple[int, int]]]:
    """The best score, and the pairs that make it."""
    import numpy as np

    n, m = len(left), len(right)
    if not n or not m:
        return 0.0, []
    numbers: dict[str, int] = {}
    a = np.array([numbers.setdefault(token, len(numbers)) for token in left], dtype=np.int32)
    b = np.array([numbers.setdefault(token, len(numbers)) for token in right], dtype=np.int32)
    weights = np.array([token_weight(token) for token in left], dtype=np.float64)
    lows, highs = _band(left, right, expected, band)

    bonus = np.zeros(m)
    bonus[list(openings[1])] = _PAUSE_BONUS
    opens = np.zeros(n, dtype=bool)
    opens[list(openings[0])] = True
    if expected is not None:
        right_times = np.asarray(expected.right, dtype=np.float64)
        left_times = np.array([np.nan if t is None else t for t in expected.left], dtype=np.float64)
        has_time = ~np.isnan(left_times)

    best = np.zeros(m + 1)  # best score of left[:i] against right[:j]
    run = np.full(m + 1, -np.inf)  # the same, ending with left[i-1] matched to right[j-1]
    # The same, less the widening since the last match; kept with (i + j) * _WIDENING added, so that skipping is free.
    near = np.zeros(m + 1)
    choices: list[np.ndarray] = []
    reach = 0
    for i in range(n):
        low, high = lows[i], highs[i]
        if high > reach:
            best[reach + 1 : high + 1] = best[reach]
            near[reach + 1 : high + 1] = near[reach]
            reach = high
        inside = slice(low + 1, high + 1)
        choice = np.zeros(high - low, dtype=np.uint8)

        # A match goes on with the run before it, or opens a new one near the last match, or far from it.
        at = np.flatnonzero(b[low:high] == a[i])  # where the two are equal: few places
        j = at + low
        gain = np.full(len(j), weights[i])
        if opens[i]:
            gain += bonus[j]
        if expected is not None and has_time[i]:
            distance = np.abs(right_times[j] - left_times[i])
            gain -= np.minimum(distance / expected.tolerance, 1.0) ** 2 * _FAR * weights[i]
        by_run, by_near, by_far = run[j], near[j] - (i + j) * _WIDENING - _OPENING, best[j] - _FAR_OPENING
        opened = np.maximum(by_near, by_far)
        matched = gain + np.maximum(by_run, opened)
        choice[at] = np.where(by_run >= opened, _BY_RUN, np.where(by_near >= by_far, _BY_NEAR, 0))
        run[low : high + 1] = -np.inf
        run[j + 1] = matched

        for table, value, is_match, is_skip in (
            (best, matched, _MATCH, _SKIP),
            (near, matched + (i + j + 2) * _WIDENING, _NEAR_MATCH, _NEAR_SKIP),
        ):
            above = table[inside].copy()
            reached = table[inside]
            reached[at] = np.maximum(above[at], value)
            np.maximum.accumulate(reached, out=reached)
            np.maximum(reached, table[low], out=reached)
            choice |= np.where(reached == above, np.uint8(is_skip), np.uint8(0))
            choice[at] |= np.where((value > above[at]) & (value >= reached[at]), np.uint8(is_match), np.uint8(0))
            # Right of the band the best is what the band ends with.
            if reach > high:
                np.maximum(table[high + 1 : reach + 1], table[high], out=table[high + 1 : reach + 1])
        run[high + 1 : reach + 1] = -np.inf
        choices.append(choice)
    return float(best[m]), _way_back(choices, lows, highs, m)


# What was chosen at a place: whether the best there is the match of its two tokens, or the left one may be skipped;
# the same where a last match is near; and what the match goes on from (neither: a match far back).
_MATCH, _SKIP, _NEAR_MATCH, _NEAR_SKIP, _BY_RUN, _BY_NEAR = 1, 2, 4, 8, 16, 32


def _way_back(choices: list, lows: list[int], highs: list[int], m: int) -> list[tuple[int, int]]:
    pairs: list[tuple[int, int]] = []
    i, j = len(choices), m
    came = 0  # how the match after this place goes on from here
    while i > 0 and j > 0:
        low, high = lows[i - 1], highs[i - 1]
        if j > high:
            j = high
            continue
        if j <= low:
            i -= 1
            continue
        choice = int(choices[i - 1][j - 1 - low])
        is_match, is_skip = (_NEAR_MATCH, _NEAR_SKIP) if came == _BY_NEAR else (_MATCH, _SKIP)
        if came == _BY_RUN or choice & is_match:
            pairs.append((i - 1, j - 1))
            came = choice & (_BY_RUN | _BY_NEAR)
            i, j = i - 1, j - 1
        elif choice & is_skip:
            i -= 1
        else:
            j -= 1
    pairs.reverse()
    return pairs


def _band(
    left: Sequence[str], right: Sequence[str], expected: Expectation | None, half: int
) -> tuple[list[int], list[int]]:
    """For each left token the stretch of right tokens that is looked at, its edges never moving back."""
    n, m = len(left), len(right)
    if m <= 2 * half:
        return [0] * n, [m] * n
    points = [(-1, -1), *rough_pairs(left, right, shortest_run=3), (n, m)]
    lows, highs = [], []
    at = 0
    for i in range(n):
        while points[at + 1][0] <= i:
            at += 1
        low, high = points[at][1], points[at + 1][1]
        # A hole in the path (minutes that one side lacks) would make the band as wide as the hole: its two ends are
        # looked at by the tokens next to them, and no further.
        high = min(high, low + 3 * half)
        # Where a text repeats itself the path may be minutes off: the expected time is looked at as well.
        if expected is not None and (time := expected.left[i]) is not None:
            there = bisect_left(expected.right, time)
            low, high = min(low, there), max(high, there)
        lows.append(max(0, low - half))
        highs.append(min(m, high + half))
    for i in range(1, n):
        highs[i] = max(highs[i], highs[i - 1])
    for i in range(n - 2, -1, -1):
        lows[i] = min(lows[i], lows[i + 1])
    return lows, highs


def token_weight(token: str) -> float:
    """How much a match of this token says: a short word is everywhere."""
    return min(1.0, 0.45 + 0.1 * len(token))
