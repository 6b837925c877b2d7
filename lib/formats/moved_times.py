"""Times that stand inside a text, set on another clock: a summary of a clip speaks of the clip's own minutes."""

from __future__ import annotations

import re
from collections.abc import Callable

from lib.formats.timecode import format_clock, parse_time

_CLOCK = r"(?:\d{1,2}:)?[0-5]?\d:[0-5]\d"
_BOXED = re.compile(rf"(?<=\[)\s?{_CLOCK}(?:(?:\s?[-–—,;]\s?|\sto\s){_CLOCK})*\s?(?=\])")
"""Only what stands in square brackets, as models are asked to write times: verses and scores are left alone."""
_EACH = re.compile(_CLOCK)


def move_times(text: str, move: Callable[[float], float]) -> str:
    """The text with every ``[MM:SS]``, ``[H:MM:SS]`` or ``[MM:SS - MM:SS]`` where ``move`` sets its seconds."""

    def moved(found: re.Match[str]) -> str:
        seconds = parse_time(found.group())
        there = move(seconds)
        return found.group() if there == seconds else format_clock(there).zfill(5)

    return _BOXED.sub(lambda box: _EACH.sub(moved, box.group()), text)
