"""The plain text of an answer, read line by line: times before, inside or after what was said."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from lib.formats.answer_lines import FENCE, Kind, Line, bare_text
from lib.formats.pasted_captions import without_caption_structure
from lib.formats.speakers import find_label, is_name, is_role
from lib.formats.stamps import Mark, Stamp, inline_marks, leading_mark, named_mark, plain, trailing_mark
from lib.formats.tables import table_at

_RULE = re.compile(r"(?:[-*_=~]\s?){3,}")
_WRAPPER = re.compile(
    r"</?(?:transcript|transcription|captions?|subtitles?|segments?|answer|output|response|result|tt|body|div|p)>",
    re.IGNORECASE,
)
_HEADING = re.compile(r"#{1,6}\s(.*)")


@dataclass(slots=True)
class _Read:
    """A physical line and what was seen in it."""

    text: str
    fresh: bool
    mark: Mark | None = None
    heading: bool = False


def lines_of_text(text: str) -> list[Line]:
    """The lines of an answer, or of the part of one that is no JSON: captions, tables and all else in order."""
    rows = [" ".join(row.split()) for row in text.split("\n")]
    rows = without_caption_structure(rows)
    lines: list[Line] = []
    reads: list[_Read] = []
    place, fresh = 0, True
    while place < len(rows):
        row = rows[place]
        if "|" in row and (table := table_at(rows, place)):
            lines.extend(_lines_of_reads(reads))
            reads = []
            lines.extend(table[0])
            place, fresh = table[1], True
            continue
        place += 1
        if not row or FENCE.fullmatch(row) or _WRAPPER.fullmatch(row):
            fresh = True
        elif not _RULE.fullmatch(row):
            heading = _HEADING.fullmatch(row)
            reads.append(_Read(row, fresh, leading_mark(row), heading is not None))
            fresh = heading is not None and reads[-1].mark is None
    lines.extend(_lines_of_reads(reads))
    return lines


def _lines_of_reads(reads: Sequence[_Read]) -> list[Line]:
    _drop_unlikely_marks(reads)
    if lines := _lines_timed_at_end(reads):
        return lines
    inline = _inline_is_the_style(reads)
    heads = Counter(mark.name for read in reads if not read.mark and (mark := named_mark(read.text)) and mark.bare)
    names = frozenset(name for name, count in heads.items() if count > 1)
    return [line for read in reads for line in _lines_of_read(read, inline, names)]


def _drop_unlikely_marks(reads: Sequence[_Read]) -> None:
    """Where times stand in brackets, a line that merely begins with ``10:30`` is text, unless it fits in order;
    where hardly any line begins with a time, none is one."""
    marked = [read for read in reads if read.mark]
    bare = [read for read in marked if read.mark.bare]
    if not bare:
        return
    boxed = len(marked) - len(bare)
    if boxed == 0:
        if not (
            reads[0].mark
            or 5 * len(bare) >= len(reads)
            or (len(reads) > 1 and reads[1].mark and reads[0].text.endswith(":"))
        ):
            for read in bare:
                read.mark = None
        return
    if len(bare) > boxed:
        return
    following = math.inf
    limits: list[float] = []
    for read in reversed(marked):
        limits.append(following)
        if not read.mark.bare:
            following = read.mark.start.seconds
    before = 0.0
    for read, limit in zip(marked, reversed(limits), strict=True):
        seconds = read.mark.start.seconds
        if read.mark.bare and not before <= seconds <= min(limit, before + 600):
            read.mark = None
        else:
            before = seconds


def _lines_timed_at_end(reads: Sequence[_Read]) -> list[Line]:
    """Lines of an answer that writes each time after its text; none if it does not."""
    if not reads or any(read.mark for read in reads):
        return []
    marks = [trailing_mark(read.text) for read in reads]
    timed = [read for read, mark in zip(reads, marks, strict=True) if mark]
    if 2 * len(timed) < len(reads) or (2 * len(timed) == len(reads) and all(_is_head(read.text) for read in timed)):
        return []
    if any(sum(1 for _ in inline_marks(read.text)) > 1 for read in reads):
        return []
    lines = []
    for read, mark in zip(reads, marks, strict=True):
        text = bare_text(read.text[: mark.begin].strip() if mark else read.text)
        lines.append(Line(text, mark and mark.start, mark and mark.end, fresh=read.fresh, raw=read.text))
    return lines


def _is_head(text: str) -> bool:
    """Whether a line is a speaker and a time over the text that follows: ``**Anna** [0:05]``."""
    mark = named_mark(text)
    return mark is not None and is_name(mark.name)


def _inline_is_the_style(reads: Sequence[_Read]) -> bool:
    """Whether times in square brackets inside lines begin new segments: they do where brackets mean times."""
    if any(read.mark and not read.mark.bare and "[" in plain(read.text[:12]) for read in reads):
        return True
    found = 0
    for read in reads:
        for _ in inline_marks(read.text):
            found += 1
            if found >= 2:
                return True
    return False


def _named(text: str, names: frozenset[str]) -> Mark | None:
    """The time after a speaker's name: in brackets, or bare at the end of the line after a name that comes back."""
    mark = named_mark(text)
    return mark if mark and (not mark.bare or mark.name in names or is_role(mark.name)) else None


def _lines_of_read(read: _Read, inline: bool, names: frozenset[str]) -> Iterator[Line]:
    mark = read.mark
    named = None if mark else _named(read.text, names)
    kind = Kind.HEADING if read.heading and not mark else Kind.LINE
    if named and (label := find_label(f"{named.name}:")):
        # Judged as a label would be: "Anna (0:05): text" is one, "Hello [0:05] world" is not.
        label = replace(label, rest=named.rest)
        yield Line(named.rest, named.start, named.end, None, read.fresh, kind, label, read.text)
        return
    rest = mark.rest if mark else bare_text(read.text) if read.heading else read.text
    name = mark.name if mark else None
    line = Line(rest, mark and mark.start, mark and mark.end, None, read.fresh, kind, raw=read.text)
    if name:
        label = find_label(f"{name}:")
        line.label = replace(label, rest=rest) if label else None
        line.text = rest if label else f"{name} {rest}".strip()
        line.raw = f"{name}: {rest}"
        if label:
            yield line
            return
    yield from _split_inline(line) if inline else (line,)


def _split_inline(line: Line) -> Iterator[Line]:
    rest, place = line.text, 0
    current = line
    for found in inline_marks(rest):
        before = rest[place : found.begin].strip()
        current.text = before
        if found.stop >= len(rest) and before and not found.end and _may_end(current, found.start):
            current.end = found.start  # "[0:05] text [0:09]": the last time ends the line
            place = len(rest)
            break
        yield from _with_raw(current)
        current = Line("", found.start, found.end)
        place = found.stop
        if rest[place : place + 2] in (": ", ":", "- "):
            place += 1
    if place < len(rest) or not current.text:
        current.text = rest[place:].strip()
    yield from _with_raw(current)


def _may_end(line: Line, stamp: Stamp) -> bool:
    return line.start is not None and line.end is None and stamp.seconds >= line.start.seconds


def _with_raw(line: Line) -> Iterator[Line]:
    if line.text or line.start:
        line.raw = line.raw or line.text
        yield line
