"""What every export format is given, and what it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from lib.domain.transcript import Cue, Transcript
from lib.errors import InputError
from lib.formats.text import join_lines, one_line

PARAGRAPH_PAUSE = 2.0
"""A silence of so many seconds begins a new paragraph where times are left out."""
PARAGRAPH_LENGTH = 600
"""A paragraph of so many characters ends with its sentence."""


@dataclass(frozen=True, slots=True)
class ExportFacts:
    """What stands around the text. ``record`` is the run as one JSON object, without ``cues`` and ``text``."""

    title: str
    model_id: str
    task: str = "transcript"
    created: datetime | None = None
    duration: float | None = None
    url: str | None = None
    provider: str | None = None
    record: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """The user's toggles. ``line_width`` is in columns of a screen and concerns captions only."""

    with_times: bool = True
    with_speakers: bool = True
    line_width: int = 42


@dataclass(frozen=True, slots=True)
class Format:
    """One way to write a transcript. ``suffix`` has its dot; ``purpose`` says in a few words what it is good for.

    ``render`` gives the whole file: as text, or as bytes where the format is none (then ``is_text`` says so).
    ``needs_times``: an answer without cues cannot be written in it.
    """

    name: str
    title: str
    purpose: str
    suffix: str
    media_type: str
    render: Callable[[Transcript, ExportFacts, ExportOptions], str | bytes]
    needs_times: bool = False
    is_text: bool = True

    def write(self, transcript: Transcript, facts: ExportFacts, options: ExportOptions) -> bytes:
        """The whole file as it is kept: text in UTF-8. Raises InputError where times are needed and there are none."""
        content = self.render(transcript, facts, options)
        return content.encode() if isinstance(content, str) else content


def caption_cues(transcript: Transcript) -> list[Cue]:
    """The cues that can be shown, in order of time. Raises InputError for an answer without times."""
    if not transcript.cues:
        raise InputError(
            "This answer has no times, so it cannot become captions.", "Export it as TXT, Markdown or JSON."
        )
    return sorted((cue for cue in transcript.cues if one_line(cue.text)), key=lambda cue: cue.start)


def paragraphs(cues: Iterable[Cue], with_speakers: bool = True) -> list[tuple[str | None, str]]:
    """Cues gathered into paragraphs, each with its speaker: a new one where the speaker changes, after a pause,
    and at the end of the sentence when it grows long."""
    gathered: list[tuple[str | None, list[str]]] = []
    last: Cue | None = None
    size = 0
    for cue in cues:
        text = one_line(cue.text)
        if not text:
            continue
        speaker = one_line(cue.speaker or "") or None if with_speakers else None
        full = size >= PARAGRAPH_LENGTH and gathered[-1][1][-1].endswith(
            (".", "!", "?", "…", "。", "！", "？", "؟", "।")
        )
        if last is None or full or speaker != gathered[-1][0] or cue.start - last.end >= PARAGRAPH_PAUSE:
            gathered.append((speaker, []))
            size = 0
        gathered[-1][1].append(text)
        size += len(text)
        last = cue
    return [(speaker, join_lines(texts)) for speaker, texts in gathered]
