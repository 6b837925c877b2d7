"""Times in a document as links that send the player there: ``[01:05]`` becomes a link to ``#t=65``, which the reader
on the same page takes up. Pure."""

from __future__ import annotations

from lib.formats.boxed_times import link_times
from lib.formats.timecode import parse_time
from lib.ui.markdown import CODE

LEEWAY = 1.0


def linked_times(markdown: str, end: float | None = None) -> str:
    """The document with each time in square brackets as a link, but for code, and times after the ``end``, in seconds:
    there is nothing to go to."""

    def link(time: str) -> str:
        seconds = parse_time(time)
        return time if end is not None and seconds > end + LEEWAY else f"[{time}](#t={seconds:.0f})"

    prose_and_code = CODE.split(markdown)
    prose_and_code[::2] = [link_times(prose, link) for prose in prose_and_code[::2]]
    return "".join(prose_and_code)
