"""Times in a document as links that send the player there: ``[01:05]`` becomes a link to ``#t=65``, which the reader
on the same page takes up. Pure."""

from __future__ import annotations

import re

from lib.formats.timecode import parse_time
from lib.ui.markdown import CODE

_CLOCK = r"(?:\d{1,2}:)?[0-5]?\d:[0-5]\d"
_BOXED = re.compile(rf"\[\s?({_CLOCK}(?:(?:\s?[-–—,;]\s?|\sto\s){_CLOCK})*)\s?\](?![(\[:])")
"""As models are asked to write times; what is a link of the document already stays one."""
_EACH = re.compile(_CLOCK)
LEEWAY = 1.0


def linked_times(markdown: str, end: float | None = None) -> str:
    """The document with each time in square brackets as a link, but for code, and times after the ``end``, in seconds:
    there is nothing to go to."""
    prose_and_code = CODE.split(markdown)
    prose_and_code[::2] = [
        _BOXED.sub(lambda box: _EACH.sub(lambda time: _link(time[0], end), box[1]), prose)
        for prose in prose_and_code[::2]
    ]
    return "".join(prose_and_code)


def _link(time: str, end: float | None) -> str:
    seconds = parse_time(time)
    return time if end is not None and seconds > end + LEEWAY else f"[{time}](#t={seconds:.0f})"
