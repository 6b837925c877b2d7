"""A transcript's lines as they stand in a question to a model, and answers that come back line by line."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence

from lib.domain.transcript import Cue
from lib.formats.boxed_times import box
from lib.formats.text import encodable, one_line, without_control

_THINKING = re.compile(r"\A\s*+<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL | re.IGNORECASE)
_OPENING = r"^\s*[-*•>]?\s*(?:\*\*)?[\[(#]?\s*(\d{1,7})\s*[\])]?(?:\*\*)?\s*"
_BARRED = re.compile(rf"{_OPENING}[|｜│]\s*(.*)$")
_OTHERWISE = re.compile(rf"{_OPENING}(?:[.:：)\]\t=]|-\s|–\s)\s*(.*)$")
"""For models that write another sign than the bar: taken only where there is no bar at all."""
_FENCE = re.compile(r"^\s*(?:```|~~~)")


def timed_line(cue: Cue) -> str:
    """``[01:05] Anna: text``, as models are asked to write times themselves."""
    speaker = one_line(cue.speaker or "")
    return f"{box(cue.start)} {speaker + ': ' if speaker else ''}{one_line(cue.text)}"


def timed_lines(cues: Iterable[Cue]) -> str:
    return "\n".join(timed_line(cue) for cue in cues if cue.text.strip())


def numbered_lines(cues: Sequence[Cue], places: Iterable[int]) -> str:
    """``12| text`` for each of these places: the number is the place, counted from 1."""
    return "\n".join(f"{place + 1}| {one_line(cues[place].text)}" for place in places)


def read_numbered(text: str, places: Collection[int]) -> dict[int, str]:
    """What an answer gives under the numbers of these places, by place, each on one line.

    A line without a number of its own goes on with the one before it. Of a number that comes twice the first counts;
    numbers that were not asked for, and lines that nothing stands in, count as not answered. Never raises.
    """
    wanted = set(places)
    text = _THINKING.sub("", without_control(encodable(text)))
    lines = [line for line in text.splitlines() if not _FENCE.match(line)]
    for form in (_BARRED, _OTHERWISE):
        found = _read(lines, form, wanted)
        if found:
            return found
    return {}


def _read(lines: Sequence[str], form: re.Pattern[str], wanted: Collection[int]) -> dict[int, str]:
    found: dict[int, list[str]] = {}
    current: list[str] | None = None
    for line in lines:
        match = form.match(line)
        place = int(match[1]) - 1 if match else None
        if place in wanted and not (place in found and any(found[place])):
            current = found[place] = [match[2]]
        elif match and form is _BARRED:
            current = None  # a number that was not asked for, or one that has its line: not a part of the one before
        elif current is not None:
            if not line.strip():
                current = None
            else:
                current.append(line)
    joined: Mapping[int, str] = {place: one_line(" ".join(pieces)) for place, pieces in found.items()}
    return {place: words for place, words in joined.items() if words}
