"""The lines of an answer joined into segments: what has no time of its own goes on with what is before it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from lib.domain.transcript import Segment
from lib.formats.answer_lines import Kind, Line
from lib.formats.stamps import Stamp
from lib.formats.text import one_line


@dataclass(slots=True)
class _Draft:
    """A segment that may still grow."""

    start: Stamp | None
    end: Stamp | None
    speaker: str | None
    texts: list[str] = field(default_factory=list)
    closed: bool = False


def segments_of(lines: Sequence[Line]) -> Iterator[Segment]:
    """The segments in the order of the lines, none without text."""
    last_timed = max((place for place, line in enumerate(lines) if line.start), default=-1)
    current: _Draft | None = None
    waiting: str | None = None  # a speaker alone on a line, whose time comes next
    for place, line in enumerate(lines):
        follows = line.start is None and line.kind is Kind.LINE and current is not None and not current.closed
        if follows and line.speaker and current.start and not current.texts and not current.speaker:
            current.speaker = line.speaker
            current.texts.append(line.text)
        elif follows and not line.speaker and _continues(line, current, place < last_timed):
            current.texts.append(line.text)
        else:
            if current:
                segment, waiting = _finished(current, line)
                if segment:
                    yield segment
            current = _Draft(line.start, line.end, line.speaker or waiting, [line.text] if line.text else [])
            current.closed = line.kind is not Kind.LINE
            waiting = None
    if current:
        segment, _ = _finished(current, None)
        if segment:
            yield segment


def _continues(line: Line, current: _Draft, time_follows: bool) -> bool:
    """Whether an untimed line belongs to what is before it. After the last time, a new paragraph stands alone:
    it may be a model's farewell."""
    return not line.fresh or not any(current.texts) or (current.start is not None and time_follows)


def _finished(draft: _Draft, following: Line | None) -> tuple[Segment | None, str | None]:
    """The segment of a draft, if it holds anything, and a speaker to hand on to the line that follows."""
    # Cleaned once more: the escapes of JSON bring in what the answer itself did not hold.
    text = one_line(" ".join(draft.texts))
    draft.speaker = one_line(draft.speaker or "") or None
    if not text and draft.speaker:
        if draft.start is None and following and following.start and not following.speaker:
            return None, draft.speaker
        text, draft.speaker = f"{draft.speaker}:", None
    if not text:
        return None, None
    start = draft.start.seconds if draft.start else None
    end = draft.end.seconds if draft.end and start is not None else None
    return Segment(text, start, end, draft.speaker), None
