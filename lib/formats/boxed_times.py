"""Times in square brackets, as models are asked to write them: ``[01:05]``, ``[1:02:05]``, ``[01:05 - 02:00]``.

Only what stands in brackets is a time here: verses and scores are left alone. How an answer cites, which may name a
video as well, is told in ``lib/domain/citations.py``; how lines begin with their times, in ``lib/formats/stamps.py``.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from lib.formats.timecode import format_clock, parse_time

_CLOCK = r"(?:\d{1,2}:)?[0-5]?\d:[0-5]\d"
_TIMES = rf"{_CLOCK}(?:(?:\s?[-–—,;]\s?|\sto\s){_CLOCK})*"
_EACH = re.compile(_CLOCK)
_BOXED = re.compile(rf"(?<=\[)\s?{_TIMES}\s?(?=\])")
_NO_LINK = re.compile(rf"\[\s?({_TIMES})\s?\](?![(\[:])")
"""A box that is no link of a Markdown document already."""


def box(seconds: float) -> str:
    """``[01:05]``, ``[1:02:05]``."""
    return f"[{_clock(seconds)}]"


def move_times(text: str, move: Callable[[float], float]) -> str:
    """The text with every time in brackets where ``move`` sets its seconds: a summary of a clip speaks of the clip's
    own minutes."""

    def moved(found: re.Match[str]) -> str:
        seconds = parse_time(found[0])
        there = move(seconds)
        return found[0] if there == seconds else _clock(there)

    return _BOXED.sub(lambda times: _EACH.sub(moved, times[0]), text)


def link_times(markdown: str, link: Callable[[str], str]) -> str:
    """The text with every time in brackets as ``link`` has it, without the brackets. What is a link stays as it is."""
    return _NO_LINK.sub(lambda times: _EACH.sub(lambda time: link(time[0]), times[1]), markdown)


def _clock(seconds: float) -> str:
    return format_clock(seconds).zfill(5)
