"""What every export format is given, and what it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from lib.domain.cues import CueShape, shape_cues
from lib.domain.transcript import Cue, Transcript
from lib.errors import InputError
from lib.formats.text import join_lines, one_line, width, wrap
from lib.formats.timecode import format_clock

PARAGRAPH_PAUSE = 2.0
"""A silence of so many seconds begins a new paragraph where times are left out."""
PARAGRAPH_LENGTH = 600
"""A paragraph of so many characters ends with its sentence."""


@dataclass(frozen=True, slots=True)
class ExportFacts:
    """What stands around the text. ``picture_size`` is the video's width and height as it is watched; ``record`` is
    the run as one JSON object, without ``cues`` and ``text``."""

    title: str
    model_id: str
    task: str = "transcript"
    created: datetime | None = None
    duration: float | None = None
    url: str | None = None
    provider: str | None = None
    picture_size: tuple[int, int] | None = None
    record: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """The user's toggles. The last two concern captions only: ``line_width`` is in columns of a screen, and a caption
    of more than ``lines_per_cue`` lines is shown as several, one after the other; None lets it have what it takes."""

    with_times: bool = True
    with_speakers: bool = True
    line_width: int = 42
    lines_per_cue: int | None = None

    def __post_init__(self) -> None:
        if self.line_width < 1 or (self.lines_per_cue is not None and self.lines_per_cue < 1):
            raise ValueError("a caption has at least one line of one column")


@dataclass(frozen=True, slots=True)
class Format:
    """One way to write a transcript. ``suffix`` has its dot; ``purpose`` says in a few words what it is good for.

    ``render`` gives the whole file: as text, or as bytes where the format is none (then ``is_text`` says so).
    ``needs_times``: an answer without cues cannot be written in it. ``only_for`` names the one task whose answers can.
    """

    name: str
    title: str
    purpose: str
    suffix: str
    media_type: str
    render: Callable[[Transcript, ExportFacts, ExportOptions], str | bytes]
    needs_times: bool = False
    is_text: bool = True
    only_for: str | None = None

    def takes(self, task: str, *, has_times: bool) -> bool:
        """Whether an answer to this task, with or without times, can be written in it."""
        return self.only_for in (None, task) and (has_times or not self.needs_times)

    def write(self, transcript: Transcript, facts: ExportFacts, options: ExportOptions) -> bytes:
        """The whole file as it is kept: text in UTF-8. Raises InputError where times are needed and there are none."""
        content = self.render(transcript, facts, options)
        return content.encode() if isinstance(content, str) else content


def fact_rows(facts: ExportFacts) -> list[tuple[str, str]]:
    """Name and value of what is known about the text, each on one line, but for the link."""
    rows = [
        ("Duration", format_clock(facts.duration) if facts.duration else ""),
        ("Task", facts.task),
        ("Model", facts.model_id),
        ("Provider", facts.provider or ""),
        ("Made", facts.created.isoformat(sep=" ", timespec="minutes") if facts.created else ""),
    ]
    return [(name, one_line(value)) for name, value in rows if one_line(value)]


def caption_cues(transcript: Transcript, options: ExportOptions, *, names_in_text: bool = False) -> list[Cue]:
    """The cues that can be shown, in order of time, each within its lines and on one line of text.

    Speakers are left out where the user wants it so; ``names_in_text``, for formats that have no other place, puts
    them before what they say. Raises InputError for an answer without times.
    """
    if not transcript.cues:
        raise InputError(
            "This answer has no times, so it cannot become captions.", "Export it as Text, Word, Markdown or JSON."
        )
    shown = (_shown(cue, options, names_in_text) for cue in transcript.cues)
    return [
        part
        for cue in sorted((cue for cue in shown if cue.text), key=lambda cue: cue.start)
        for part in _within_lines(cue, options)
    ]


def _shown(cue: Cue, options: ExportOptions, names_in_text: bool) -> Cue:
    text = one_line(cue.text)
    speaker = (one_line(cue.speaker or "") or None) if options.with_speakers else None
    if speaker and text and names_in_text:
        return replace(cue, text=f"{speaker}: {text}", speaker=None)
    return replace(cue, text=text, speaker=speaker)


def _within_lines(cue: Cue, options: ExportOptions) -> list[Cue]:
    """The cue, or those it is divided into because it has too many lines."""
    limit = options.lines_per_cue
    lines = wrap(cue.text, options.line_width)
    if limit is None or len(lines) <= limit:
        return [cue]
    # How long each is shown follows from its share of the text alone.
    free = {"min_seconds": 1e-3, "max_seconds": 1e9, "max_chars_per_second": 1e9}
    shape = CueShape(max_lines=limit, line_width=max(2, options.line_width), **free)
    parts = shape_cues([cue], shape, end=cue.end)
    if len(parts) < 2:
        parts = _divided(cue, lines, limit)
    return [smaller for part in parts for smaller in _within_lines(part, options)]


def _divided(cue: Cue, lines: list[str], limit: int) -> tuple[Cue, Cue]:
    """The first lines, and the rest: where spaces between wide letters hold more together than cues know of."""
    first, rest = join_lines(lines[:limit]), join_lines(lines[limit:])
    middle = cue.start + (cue.end - cue.start) * width(first) / max(1, width(first) + width(rest))
    return replace(cue, end=middle, text=first), replace(cue, start=middle, text=rest)


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Cues gathered for reading: where the first begins, in seconds, who speaks, and the text on one line."""

    start: float
    speaker: str | None
    text: str


def paragraphs(cues: Iterable[Cue], with_speakers: bool = True) -> list[Paragraph]:
    """Cues gathered into paragraphs: a new one where the speaker changes, after a pause, and at the end of the
    sentence when it grows long."""
    gathered: list[tuple[float, str | None, list[str]]] = []
    last: Cue | None = None
    size = 0
    for cue in cues:
        text = one_line(cue.text)
        if not text:
            continue
        speaker = one_line(cue.speaker or "") or None if with_speakers else None
        full = size >= PARAGRAPH_LENGTH and gathered[-1][2][-1].endswith(
            (".", "!", "?", "…", "。", "！", "？", "؟", "।")
        )
        if last is None or full or speaker != gathered[-1][1] or cue.start - last.end >= PARAGRAPH_PAUSE:
            gathered.append((cue.start, speaker, []))
            size = 0
        gathered[-1][2].append(text)
        size += len(text)
        last = cue
    return [Paragraph(start, speaker, join_lines(texts)) for start, speaker, texts in gathered]
