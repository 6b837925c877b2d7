"""Which words of one text are which words of another, in order.

Two passes. The first is a plain edit distance over the whole (bit-parallel, an hour against an hour in 20 ms): it
finds the rough path. The second is a dynamic programme in a band around that path, which weighs what an edit
distance cannot: long runs before scattered words, rare words before common ones, pauses before sentences, and the
time at which each word is expected. That last is what tells one of two identical sentences from the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

BAND = 600
"""Half the width of the band, in tokens: about four minutes of speech to either side of the rough path."""

_OPENING = 0.4  # what a new run of matches costs: one stray short word is not worth it
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
    import numpy as np

    n, m = len(left), len(right)
    if not n or not m:
        return []
    numbers: dict[str, int] = {}
    a = np.array([numbers.setdefault(token, len(numbers)) for token in left], dtype=np.int32)
    b = np.array([numbers.setdefault(token, len(numbers)) for token in right], dtype=np.int32)
    weights = np.array([token_weight(token) for token in left], dtype=np.float32)
    lows, highs = _band(left, right, band)

    bonus = np.zeros(m, dtype=np.float32)
    bonus[list(openings[1])] = _PAUSE_BONUS
    opens = np.zeros(n, dtype=bool)
    opens[list(openings[0])] = True
    if expected is not None:
        right_times = np.asarray(expected.right, dtype=np.float32)
        left_times = np.array([np.nan if t is None else t for t in expected.left], dtype=np.float32)
        has_time = ~np.isnan(left_times)

    best = np.zeros(m + 1, dtype=np.float32)  # best score of left[:i] against right[:j]
    run = np.full(m + 1, -np.inf, dtype=np.float32)  # the same, ending with left[i-1] matched to right[j-1]
    choices: list[np.ndarray] = []
    reach = 0
    for i in range(n):
        low, high = lows[i], highs[i]
        if high > reach:
            best[reach + 1 : high + 1] = best[reach]
            run[reach + 1 : high + 1] = -np.inf
            reach = high
        gain = np.full(high - low, weights[i], dtype=np.float32)
        if opens[i]:
            gain += bonus[low:high]
        if expected is not None and has_time[i]:
            distance = np.abs(right_times[low:high] - left_times[i])
            gain -= np.minimum(distance / expected.tolerance, 1.0) * np.float32(_FAR) * weights[i]
        gain[b[low:high] != a[i]] = -np.inf
        opened = best[low:high] - np.float32(_OPENING)
        kept = run[low:high]
        continued = kept >= opened
        matched = gain + np.where(continued, kept, opened)
        above = best[low + 1 : high + 1].copy()
        taken = np.maximum(matched, above)
        taken = np.maximum(np.maximum.accumulate(taken), best[low])
        is_match = (matched > above) & (matched >= taken)
        choices.append((is_match + 2 * continued + 4 * (taken == above)).astype(np.uint8))
        best[low + 1 : high + 1] = taken
        run[low] = -np.inf
        run[low + 1 : high + 1] = matched
        # Right of the band the best is what the band ends with.
        best[high + 1 : reach + 1] = np.maximum(best[high + 1 : reach + 1], best[high])
        run[high + 1 : reach + 1] = -np.inf
    return _way_back(choices, lows, highs, m)


def _way_back(choices: list, lows: list[int], highs: list[int], m: int) -> list[tuple[int, int]]:
    pairs: list[tuple[int, int]] = []
    i, j = len(choices), m
    in_run = False
    while i > 0 and j > 0:
        low, high = lows[i - 1], highs[i - 1]
        if j > high:
            j = high
            continue
        if j <= low:
            i -= 1
            continue
        choice = int(choices[i - 1][j - 1 - low])
        if in_run or choice & 1:
            pairs.append((i - 1, j - 1))
            in_run = bool(choice & 2)
            i, j = i - 1, j - 1
        elif choice & 4:
            i -= 1
        else:
            j -= 1
    pairs.reverse()
    return pairs


def _band(left: Sequence[str], right: Sequence[str], half: int) -> tuple[list[int], list[int]]:
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
        lows.append(max(0, points[at][1] - half))
        highs.append(min(m, points[at + 1][1] + half))
    # A hole in the path (minutes that one side lacks) would make the band as wide as the hole: the two ends of
    # the hole are looked at by the tokens next to them, and no further.
    for i in range(n):
        highs[i] = max(min(highs[i], lows[i] + 4 * half), highs[i - 1] if i else 0)
    return lows, highs


def token_weight(token: str) -> float:
    """How much a match of this token says: a short word is everywhere."""
    return min(1.0, 0.45 + 0.1 * len(token))
