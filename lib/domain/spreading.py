"""Time shared out: what was not heard gets its part of the time between what was."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import groupby, pairwise

from lib.domain.heard import PAUSE, Heard, Stretch
from lib.domain.media import Clip
from lib.domain.said import WIDTH_PER_SECOND, Said, speaking_seconds
from lib.domain.tokens import display_width
from lib.domain.transcript import Segment

_LONGEST = 7.0  # seconds that a cue lasts at most when its end is not known


def token_spans(
    said: Said, heard: Heard, matches: dict[int, int], speech: Sequence[Stretch], clip: Clip
) -> tuple[list[Stretch], set[int]]:
    """A stretch of time for each token: that of its heard word, or its share of the hole between two of them.

    With it, the tokens whose stretch rests on something heard.
    """
    spans: list[Stretch] = [(0.0, 0.0)] * len(said.text)
    grounded = set(matches)
    for i, j in matches.items():
        spans[i] = (heard.start[j], heard.end[j])
    edges = [-1, *sorted(matches), len(said.text)]
    for before, after in pairwise(edges):
        if after - before > 1:
            low = matches[before] if before >= 0 else -1
            high = matches[after] if after < len(said.text) else len(heard.text)
            missing = range(before + 1, after)
            if _fill_hole(spans, said, heard, missing, range(low + 1, high), speech, clip):
                grounded.update(missing)
    return spans, grounded


def _fill_hole(
    spans: list[Stretch],
    said: Said,
    heard: Heard,
    missing: range,
    unmatched: range,
    speech: Sequence[Stretch],
    clip: Clip,
) -> bool:
    """Gives times to the tokens ``missing`` that stand between two matches (or before the first, after the last).

    The words heard in the hole were most likely these, misheard: the tokens share their time. Where none was heard,
    they share the speech that voice activity detection found there. Where there is none either (then False), they
    are squeezed against the match that belongs to their segment.
    """
    hole_start = heard.end[unmatched.start - 1] if unmatched.start > 0 else clip.start
    hole_end = max(hole_start, heard.start[unmatched.stop] if unmatched.stop < len(heard.text) else clip.end)
    if unmatched:
        pieces = [(heard.start[j], heard.end[j], len(heard.text[j]) + 1.0) for j in unmatched]
    else:
        inside = [(max(s, hole_start), min(e, hole_end)) for s, e in _around(speech, hole_start, hole_end)]
        pieces = [(s, e, (e - s) * WIDTH_PER_SECOND) for s, e in inside if e - s > 0.15]
    # Tokens of the segment that goes on from the match before, of segments with no match, of the one that goes on
    # to the match after.
    before = said.segment[missing.start - 1] if missing.start > 0 else None
    after = said.segment[missing.stop] if missing.stop < len(said.text) else None
    tail = sum(1 for i in missing if said.segment[i] == before)
    head = sum(1 for i in missing if said.segment[i] == after) if after != before else 0
    groups = [missing[:tail], missing[tail : len(missing) - head], missing[len(missing) - head :]]
    sizes = {i: len(said.text[i]) + 1.0 for i in missing}
    if not pieces:
        needed = sum(sizes.values()) / WIDTH_PER_SECOND
        length = min(needed, hole_end - hole_start) if not speech else 0.0
        start = hole_end - length if head else hole_start
        _spread(spans, missing, sizes, [(start, start + length, 1.0)])
        return False
    if sum(size for _, _, size in pieces) <= 1.5 * sum(sizes.values()):
        _spread(spans, missing, sizes, pieces)
        return True
    # Far more was heard here than was written: keep to the match that belongs to the segment.
    front = _cut_off(pieces, sum(sizes[i] for i in groups[0]))
    back = [(-e, -s, size) for s, e, size in reversed(pieces[len(front) :])] if groups[2] else []
    back = [(-e, -s, size) for s, e, size in reversed(_cut_off(back, sum(sizes[i] for i in groups[2])))]
    rest = pieces[len(front) : len(pieces) - len(back)] or pieces
    for group, share in zip(groups, (front or pieces[:1], rest, back or pieces[-1:]), strict=True):
        if group:
            _spread(spans, group, sizes, share)
    return True


def _cut_off(pieces: Sequence[tuple[float, float, float]], size: float) -> list[tuple[float, float, float]]:
    """The first pieces that together are of this size; of a last one far too long only as much as it takes."""
    out: list[tuple[float, float, float]] = []
    for start, end, whole in pieces:
        # A word is taken that is mostly needed; over a pause only one that is all needed.
        over_pause = bool(out) and start - out[-1][1] >= PAUSE
        if size <= (0.8 if over_pause else 0.35) * min(whole, 6.0):
            break
        if whole > 2 * size and whole > 15:
            out.append((start, start + (end - start) * size / whole, size))
            break
        out.append((start, end, whole))
        size -= whole
    return out


def _spread(
    spans: list[Stretch], missing: range, sizes: dict[int, float], pieces: Sequence[tuple[float, float, float]]
) -> None:
    """Lays the tokens over the pieces (start, end, size) in proportion to both their sizes."""
    scale = sum(size for _, _, size in pieces) / sum(sizes[i] for i in missing)
    at, used = 0, 0.0
    for i in missing:
        left = sizes[i] * scale
        start = None
        while True:
            begin, end, whole = pieces[at]
            if start is None and (whole - used > 0.35 * left or at == len(pieces) - 1):
                start = begin + (end - begin) * min(1.0, used / whole if whole else 1.0)
            step = min(left, whole - used)
            used += step
            left -= step
            stop = begin + (end - begin) * (used / whole if whole else 1.0)
            if left <= 1e-9 or at == len(pieces) - 1:
                break
            at, used = at + 1, 0.0
        spans[i] = (start if start is not None else stop, max(stop, start if start is not None else stop))


def _around(speech: Sequence[Stretch], start: float, end: float) -> Sequence[Stretch]:
    """The stretches that touch ``start`` to ``end``."""
    first = bisect_right(speech, start, key=lambda stretch: stretch[1])
    last = bisect_left(speech, end, key=lambda stretch: stretch[0])
    return speech[first:last]


def spread_untimed(
    holding: Sequence[int],
    bounds: dict[int, Stretch],
    segments: Sequence[Segment],
    clip: Clip,
) -> None:
    """Gives the segments without a time their share of the time between their neighbours, by length of text.

    They take no more of it than it takes to say them at an easy pace, and leave the start of a neighbour alone.
    """
    runs = [(is_timed, list(group)) for is_timed, group in groupby(list(holding), key=lambda s: s in bounds)]
    for k, (is_timed, untimed) in enumerate(runs):
        if is_timed:
            continue
        before = runs[k - 1][1][-1:] if k else []
        low = bounds[before[0]][1] if before else clip.start
        high = max(low, bounds[runs[k + 1][1][0]][0]) if k + 1 < len(runs) else clip.end
        sizes = [max(1, display_width(segments[s].text.strip())) for s in untimed]
        if before and high - low < 0.5 * sum(sizes) / WIDTH_PER_SECOND:
            # The neighbour's end leaves no room (it is often only a guess): share its stretch with it.
            start, _ = bounds[before[0]]
            mine = max(1, display_width(segments[before[0]].text.strip()))
            if segments[before[0]].end is None:
                low = start + (high - start) * mine / (mine + sum(sizes))
                bounds[before[0]] = (start, low)
        at = low
        for s, size in zip(untimed, sizes, strict=True):
            length = (high - low) * size / sum(sizes)
            bounds[s] = (at, at + min(length, max(_LONGEST, 2 * speaking_seconds(segments[s].text))))
            at += length
