"""What a model says before the transcript: "Sure, here is the transcript:"."""

from __future__ import annotations

import re

from lib.formats.answer_lines import Kind, Line
from lib.formats.stamps import plain

_PREAMBLE = re.compile(
    r"(?:here(?:['’]s| is| are)|sure|okay|ok|certainly|of course|absolutely|below|the following|this is"
    r"|i(?:['’]ve| have)"
    r"|hier|voici|aquí|claro|ecco|aqui|вот|конечно|以下|这是|這是|好的|다음은|إليك|यहाँ)\b.*|.*以下.*"
    r"|(?:[\w’'-]+\s){0,4}(?:transcripts?|transcription|captions|subtitles|timestamps|transkript|transcripción|trascrizione"
    r"|transcrição)"
    r"(?:\s[\w’'-]+){0,4}",
    re.IGNORECASE,
)
_TITLE = re.compile(
    r"(?:(?:full|video|audio|timestamped|verbatim)\s)*(?:transcript|transcription|captions|subtitles)", re.IGNORECASE
)


def without_preamble(lines: list[Line]) -> list[Line]:
    """The lines without chatter before the first time: what ends in a colon and announces a transcript."""
    first = next((place for place, line in enumerate(lines) if line.start), 0)
    return [line for place, line in enumerate(lines) if place >= first or not _is_preamble(line)]


def _is_preamble(line: Line) -> bool:
    raw = line.raw.strip("*_ ")
    plain_raw = plain(raw).strip("#*_> ")
    if line.speaker or len(plain_raw) > 300:
        return False
    if plain_raw.endswith(":"):
        return bool(_PREAMBLE.fullmatch(plain_raw[:-1].rstrip("* _")))
    is_title = line.kind is Kind.HEADING or line.raw.startswith("**")
    return is_title and bool(_TITLE.fullmatch(plain_raw))
