"""The longest row of numbers that rise."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence


def longest_rise(values: Sequence[float], *, strictly: bool) -> list[int]:
    """Indices, in order, of a longest row of values that rise, or, where not ``strictly``, never fall."""
    find = bisect_left if strictly else bisect_right
    tails: list[float] = []  # the least value that a row of each length can end with, and where it is
    tail_at: list[int] = []
    previous: list[int] = []
    for k, value in enumerate(values):
        at = find(tails, value)
        previous.append(tail_at[at - 1] if at else -1)
        tails[at : at + 1] = [value]
        tail_at[at : at + 1] = [k]
    row = []
    k = tail_at[-1] if tail_at else -1
    while k >= 0:
        row.append(k)
        k = previous[k]
    return row[::-1]
