"""Which heard token each written token is."""

from __future__ import annotations

from collections.abc import Sequence

from lib.domain.alignment import Expectation, align, best_expectation, rough_pairs, token_weight
from lib.domain.clock import Clock, clock_points, fit_clock, local_slope, straight_clock
from lib.domain.heard import Heard
from lib.domain.media import Clip
from lib.domain.said import Said
from lib.domain.transcript import Segment

_FLOATING_WORDS = 8  # a stray match this many words off its neighbours is no match


def match_tokens(segments: Sequence[Segment], said: Said, heard: Heard, clip: Clip) -> dict[int, int]:
    """Which heard token each token said is, by index."""
    if not said.text or not heard.text:
        return {}
    rough = dict(rough_pairs(said.text, heard.text, shortest_run=3)) or dict(rough_pairs(said.text, heard.text))
    clock = _likely_clock(segments, said, heard, rough, clip)
    expected = _expectation(clock, said, heard, max(4.0, 4 * clock.error)) if clock is not None else None
    first_tokens = [said.first[s] for s in range(len(segments)) if said.of(s)]
    pairs = align(said.text, heard.text, expected=expected, openings=(first_tokens, heard.after_pause))
    return dict(_without_strays(pairs, said, heard))


def _likely_clock(
    segments: Sequence[Segment], said: Said, heard: Heard, rough: dict[int, int], clip: Clip
) -> Clock | None:
    """The model's clock as far as it can be known before its words are matched; None where it gave no times.

    Words that come once on both sides tell it. The rough path may take one of two identical sentences for the other,
    and a clock fitted to that would confirm it: so where all is repeated, several clocks are tried, and the one under
    which text and sound agree best is taken.
    """
    by_rough = fit_clock(segments, said, heard, rough)
    if by_rough is None:
        return None
    sure = _unmistakable(said, heard, rough)
    times = [t for i in sure if (t := segments[said.segment[i]].start) is not None]
    whole = [segment.start for segment in segments if segment.start is not None]
    candidates = []
    if len(times) > 1 and max(times) - min(times) >= 0.5 * (max(whole) - min(whole)):
        by_sure = fit_clock(segments, said, heard, sure)
        if by_sure.error <= 2.0:
            return by_sure
        candidates.append(by_sure)
    slope = local_slope(clock_points(segments, said, heard, rough))
    candidates += [
        straight_clock(segments, 1.0, 0.0),
        straight_clock(segments, slope, clip.start * (1 - slope)),
        by_rough,
    ]
    expectations = [_expectation(clock, said, heard, 8.0) for clock in candidates]
    return candidates[best_expectation(said.text, heard.text, expectations)]


def _expectation(clock: Clock, said: Said, heard: Heard, tolerance: float) -> Expectation:
    left = [
        None if (start := clock.at[s]) is None else start + clock.into(s, share)
        for s, share in zip(said.segment, said.share, strict=True)
    ]
    return Expectation(left, heard.start, tolerance)


def _unmistakable(said: Said, heard: Heard, rough: dict[int, int]) -> dict[int, int]:
    """Of the rough matches those of words, or of three words in a row, that both sides hold exactly once."""
    sure: dict[int, int] = {}
    for length in (1, 3):
        once_said, once_heard = _once(said.text, length), _once(heard.text, length)
        for words, i in once_said.items():
            j = once_heard.get(words)
            if j is not None and all(rough.get(i + k) == j + k for k in range(length)):
                sure.update((i + k, j + k) for k in range(length))
    return sure


def _once(texts: Sequence[str], length: int) -> dict[tuple[str, ...], int]:
    """The rows of so many tokens that come exactly once, each with its place."""
    places: dict[tuple[str, ...], int] = {}
    doubled: set[tuple[str, ...]] = set()
    for at in range(len(texts) - length + 1):
        row = tuple(texts[at : at + length])
        if row in places:
            doubled.add(row)
        places[row] = at
    return {row: at for row, at in places.items() if row not in doubled}


def _without_strays(pairs: list[tuple[int, int]], said: Said, heard: Heard) -> list[tuple[int, int]]:
    """The pairs without short runs that float far from the matches on both sides of them."""
    runs: list[list[tuple[int, int]]] = []
    for pair in pairs:
        if runs and (pair[0] - runs[-1][-1][0], pair[1] - runs[-1][-1][1]) == (1, 1):
            runs[-1].append(pair)
        else:
            runs.append([pair])
    kept: list[list[tuple[int, int]]] = []
    for at, run in enumerate(runs):
        if sum(token_weight(said.text[i]) for i, _ in run) < 2.0:
            before = kept[-1][-1] if kept else (-1, -1)
            after = runs[at + 1][0] if at + 1 < len(runs) else (len(said.text), len(heard.text))
            if _is_far(before, run[0]) and _is_far(run[-1], after):
                continue
        kept.append(run)
    return [pair for run in kept for pair in run]


def _is_far(one: tuple[int, int], other: tuple[int, int]) -> bool:
    said, heard = other[0] - one[0], other[1] - one[1]
    return abs(said - heard) > _FLOATING_WORDS + min(said, heard) / 2
