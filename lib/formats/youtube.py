"""Chapters for the description of a video on YouTube."""

from __future__ import annotations

from collections.abc import Iterable

from lib.domain.transcript import Transcript
from lib.domain.youtube_chapters import Chapter, youtube_chapters
from lib.errors import InputError
from lib.formats.export import ExportFacts, ExportOptions
from lib.formats.text import one_line
from lib.formats.timecode import format_clock

CHAPTERS = "chapters"


def render_youtube(transcript: Transcript, facts: ExportFacts, options: ExportOptions) -> str:
    """``0:00 Title`` line by line, put right for YouTube. Raises InputError for an answer without times."""
    if not transcript.cues:
        raise InputError("This answer has no times, so it cannot become chapters.", "Run the task Chapters.")
    return description_of(((cue.start, cue.text) for cue in transcript.cues), facts.duration)


def description_of(chapters: Iterable[Chapter], duration: float | None) -> str:
    """The lines of a description, from starts in seconds and titles."""
    right = youtube_chapters(((start, one_line(title)) for start, title in chapters), duration)
    return "".join(f"{format_clock(start)} {title}\n" for start, title in right)
