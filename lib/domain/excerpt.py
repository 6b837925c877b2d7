"""An excerpt: one or several stretches of an asset, sent as one, and the clock on which they are joined."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import accumulate, pairwise

from lib.domain.heard import merged
from lib.domain.media import Clip

PAUSE = 0.5
"""Seconds of silence, at least, between two stretches that are joined: no word runs into the next."""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Stretches of an asset, in order and apart: one for a clip, several for what was chosen out of it.

    The joined clock is the asset's with what lies between the stretches closed up. The first stretch keeps its time,
    so that of a single one both clocks are the same. Each later one begins whole seconds after the first, past a
    pause: models write whole seconds, and a line that begins with its stretch must not seem to belong to the one
    before. ``begins`` is where each begins on that clock.
    """

    stretches: tuple[Clip, ...]
    begins: tuple[float, ...] = field(init=False, repr=False, compare=False)
    _shifts: tuple[float, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.stretches:
            raise ValueError("an excerpt has at least one stretch")
        if any(one.end >= other.start for one, other in pairwise(self.stretches)):
            raise ValueError("the stretches of an excerpt stand in order and apart")
        # Each takes the same room in every excerpt: only so does a part's clock run as that of the whole.
        slots = (math.ceil(round(stretch.duration + PAUSE, 6)) for stretch in self.stretches[:-1])
        begins = tuple(self.start + seconds for seconds in accumulate(slots, initial=0))
        object.__setattr__(self, "begins", begins)
        shifts = (stretch.start - begin for stretch, begin in zip(self.stretches, begins, strict=True))
        object.__setattr__(self, "_shifts", tuple(shifts))

    @classmethod
    def of(cls, start: float, end: float) -> Excerpt:
        """A single stretch."""
        return cls((Clip(start, end),))

    @property
    def start(self) -> float:
        """Where the first stretch begins, on both clocks."""
        return self.stretches[0].start

    @property
    def end(self) -> float:
        """Where the last stretch ends on the asset's clock."""
        return self.stretches[-1].end

    @property
    def span(self) -> Clip:
        """From the first stretch to the last, with what was left out."""
        return Clip(self.start, self.end)

    @property
    def duration(self) -> float:
        """Seconds of the asset in it."""
        return sum(stretch.duration for stretch in self.stretches)

    @property
    def length(self) -> float:
        """Seconds that it lasts joined, with the pauses."""
        return self.begins[-1] - self.begins[0] + self.stretches[-1].duration

    @property
    def is_joined(self) -> bool:
        """Whether there is something between its stretches that was left out."""
        return len(self.stretches) > 1

    @property
    def joined(self) -> Clip:
        """All of it on the joined clock."""
        return Clip(self.start, self.to_joined(self.end))

    def index_at(self, time: float) -> int:
        """To which stretch belongs what begins at a moment of the joined clock. In a pause nothing begins: that is
        the next one's, said a little early."""
        at = max(0, bisect_right(self.begins, time) - 1)
        is_over = time >= self.begins[at] + self.stretches[at].duration
        return at + 1 if is_over and at + 1 < len(self.stretches) else at

    def to_asset(self, time: float) -> float:
        """Where on the asset's clock that begins which begins at a moment of the joined clock.

        Before the first stretch and after the last one the clock runs on.
        """
        at = self.index_at(time)
        return (max(time, self.begins[at]) if at else time) + self._shifts[at]

    def to_joined(self, time: float) -> float:
        """Where a moment of the asset stands on the joined clock; of what was left out, where it would be closed up.

        Before the first stretch and after the last one the clock runs on.
        """
        at = max(0, bisect_right(self.stretches, time, key=lambda stretch: stretch.start) - 1)
        if at + 1 < len(self.stretches):
            time = min(time, self.stretches[at].end)
        return time - self._shifts[at]

    def within(self, clip: Clip) -> Excerpt | None:
        """What of it lies inside a clip; None where nothing does."""
        cut = ((max(each.start, clip.start), min(each.end, clip.end)) for each in self.stretches)
        kept = tuple(Clip(start, end) for start, end in cut if start < end)
        return Excerpt(kept) if kept else None


def apart(stretches: Iterable[Clip]) -> tuple[Clip, ...]:
    """Stretches in any order as an excerpt takes them: in order, those that touch or overlap made one."""
    return tuple(Clip(start, end) for start, end in merged((each.start, each.end) for each in stretches))
