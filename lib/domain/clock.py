"""The model's clock: its times mapped to the audio's by the segments that were heard."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from lib.domain.heard import Heard
from lib.domain.said import Said, speaking_seconds
from lib.domain.transcript import Segment


@dataclass(frozen=True, slots=True)
class Clock:
    """Where each segment starts by the model's own time, once its clock is set right. ``error`` is its median
    error in seconds."""

    at: list[float | None]
    until: list[float | None]
    error: float

    def into(self, segment: int, share: float) -> float:
        """Seconds from the start of a segment to this share of it."""
        start, end = self.at[segment], self.until[segment]
        return 0.0 if start is None or end is None else (end - start) * share


def fit_clock(segments: Sequence[Segment], said: Said, heard: Heard, matches: dict[int, int]) -> Clock | None:
    """The model's times mapped to the audio's by a line through the segments that were heard.

    One line for all where that fits; else one for each segment through its neighbours, since a model that is asked
    part by part starts its clock anew with every part. None when the model gave no times.
    """
    times = [segment.start for segment in segments]
    if all(time is None for time in times):
        return None
    points = clock_points(segments, said, heard, matches)
    if len(points) < 2 or max(t for _, t, _ in points) - min(t for _, t, _ in points) < 20.0:
        offset = median(h - t for _, t, h in points) if points else 0.0
        mapped = [None if t is None else t + offset for t in times]
        return Clock(mapped, _untils(segments, mapped, 1.0), 5.0 if points else 15.0)

    slope, offset = _line(points)
    errors = [abs(slope * t + offset - h) for _, t, h in points]
    error = median(errors)
    # Outliers alone do not make a line wrong; a quarter of all points far off does.
    if sorted(errors)[len(errors) * 3 // 4] <= 2.0 or len(points) < 8:
        mapped = [None if t is None else slope * t + offset for t in times]
        return Clock(mapped, _untils(segments, mapped, slope), error)
    mapped = []
    errors = []
    order = [s for s, _, _ in points]
    for s, time in enumerate(times):
        if time is None:
            mapped.append(None)
            continue
        at = bisect_left(order, s)
        near = points[max(0, at - 6) : at + 7]
        near_slope, near_offset = _line(near)
        mapped.append(near_slope * time + near_offset)
        errors.extend(abs(mapped[-1] - h) for p, _, h in points[at : at + 1] if p == s)
    return Clock(mapped, _untils(segments, mapped, 1.0), median(errors))


def straight_clock(segments: Sequence[Segment], slope: float, offset: float) -> Clock:
    """The clock that turns the model's seconds into ``slope * seconds + offset``, wherever they lie."""
    mapped = [None if s.start is None else slope * s.start + offset for s in segments]
    return Clock(mapped, _untils(segments, mapped, slope), 2.0)


def local_slope(points: Sequence[tuple[int, float, float]]) -> float:
    """How fast the audio's time runs by the model's, from neighbours alone: right even where whole minutes of the
    rough path are not."""
    slopes = [
        (h2 - h1) / (t2 - t1)
        for k, (_, t1, h1) in enumerate(points)
        for _, t2, h2 in points[k + 1 : k + 9]
        if 10.0 <= t2 - t1 <= 90.0
    ]
    return min(2.0, max(0.5, median(slopes))) if slopes else 1.0


def clock_points(
    segments: Sequence[Segment], said: Said, heard: Heard, matches: dict[int, int]
) -> list[tuple[int, float, float]]:
    """Each timed segment of which something was matched: its index, the model's time, and the audio's."""
    points = []
    for s, segment in enumerate(segments):
        mine = [i for i in said.of(s) if i in matches]
        if segment.start is None or not mine:
            continue
        # The first tokens may be among the unmatched: go back by what they take to say.
        back = sum(0.08 * (len(said.text[i]) + 1) for i in range(said.first[s], mine[0]))
        points.append((s, segment.start, heard.start[matches[mine[0]]] - back))
    return points


def _untils(segments: Sequence[Segment], mapped: Sequence[float | None], slope: float) -> list[float | None]:
    """Where each segment ends by the mapped clock."""
    ends: list[float | None] = []
    following = float("inf")
    for segment, start in zip(reversed(segments), reversed(mapped), strict=True):
        if start is None or segment.start is None:
            ends.append(None)
            continue
        if segment.end is not None and segment.end > segment.start:
            ends.append(start + (segment.end - segment.start) * slope)
        else:
            ends.append(max(start, min(following, start + max(2.5, 1.5 * speaking_seconds(segment.text)))))
        following = start
    ends.reverse()
    return ends


def _line(points: Sequence[tuple[int, float, float]]) -> tuple[float, float]:
    """Slope and offset of a line through most of the points, however wrong the others are (Theil-Sen)."""
    sample = points if len(points) <= 120 else [points[k * len(points) // 120] for k in range(120)]
    slopes = [(h2 - h1) / (t2 - t1) for k, (_, t1, h1) in enumerate(sample) for _, t2, h2 in sample[k + 1 :] if t2 > t1]
    slope = min(2.0, max(0.5, median(slopes))) if slopes else 1.0
    return slope, median(h - slope * t for _, t, h in sample)
