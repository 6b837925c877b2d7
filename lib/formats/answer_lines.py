"""A line of a model's answer on its way to a segment, and the markup that may stand around lines."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from lib.formats.speakers import Label
from lib.formats.stamps import Stamp

FENCE = re.compile(
    r"(?:>\s?)*(?:```+|~~~+)\s?(?:json[lc5]?|ndjson|srt|subrip|web-?vtt|vtt|te?xt|plain|plaintext|markdown|md|csv|tsv|html|xml|yaml|"
    r"transcript|transcription|subtitles?|captions?|none|log)?",
    re.IGNORECASE,
)


class Kind(Enum):
    """What a line was in the answer."""

    LINE = "line"
    HEADING = "heading"
    WHOLE = "whole"  # from JSON or a table: complete in itself


@dataclass(slots=True)
class Line:
    """A line of the answer, or a piece of one, on its way to a segment. ``fresh``: an empty line stands before it."""

    text: str
    start: Stamp | None = None
    end: Stamp | None = None
    speaker: str | None = None
    fresh: bool = False
    kind: Kind = Kind.LINE
    label: Label | None = None
    raw: str = ""


def bare_text(text: str) -> str:
    """A line without the markup of a heading or list item around it."""
    text = re.sub(r"^(?:#{1,6}|[-*+•])\s", "", text)
    whole = re.fullmatch(r"(\*{1,3}|_{1,3})([^*_]+)\1", text)
    return whole[2].strip() if whole else text
