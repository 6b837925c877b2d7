"""Chapters as YouTube takes them in a description: from 0:00 on, at least three, in order, ten seconds or longer.

The rules: https://support.google.com/youtube/answer/9884579
"""

from __future__ import annotations

from collections.abc import Iterable

Chapter = tuple[float, str]
SHORTEST = 10
FEWEST = 3
UNNAMED = "Chapter"


def youtube_chapters(chapters: Iterable[Chapter], duration: float | None = None) -> tuple[Chapter, ...]:
    """The chapters put right, on whole seconds: the first moved to 0:00, those in order of time, and each that would
    be shorter than ten seconds left to the one before it; what lies beyond the end is left out.

    There may be fewer than ``FEWEST`` in the end, which YouTube does not show as chapters.
    """
    kept: list[Chapter] = []
    last = None if duration is None else duration - SHORTEST
    for start, title in sorted(chapters, key=lambda chapter: chapter[0]):
        second = max(0, int(start)) if kept else 0
        is_too_late = kept and last is not None and second > last
        if not is_too_late and (not kept or second - kept[-1][0] >= SHORTEST):
            kept.append((float(second), _title(title)))
    return tuple(kept)


def _title(text: str) -> str:
    # YouTube refuses a description with either bracket.
    return " ".join(text.replace("<", "‹").replace(">", "›").split()) or UNNAMED
