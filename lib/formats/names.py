"""File names that every system takes."""

from __future__ import annotations

import re
import unicodedata

from lib.formats.text import one_line

MAX_CHARACTERS = 120
MAX_BYTES = 240
"""Most file systems stop at 255 bytes of UTF-8; a little is left for a browser's " (1)"."""

_FORBIDDEN = re.compile(r'[<>:"/\\|?*\ufffd]+')
_RESERVED = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])[ ]*(?:\.|$)", re.IGNORECASE)


def file_name(title: str, model_id: str, suffix: str) -> str:
    """``Title - model.srt``: no path, no control or reserved name, at most 120 characters and 240 bytes,
    letters of every script kept, never empty, never beginning with ``-`` or ``.``."""
    ending = "." + _clean(suffix).lstrip(".")
    model = _cut(_clean(model_id.rsplit("/", 1)[-1]), 50, 80)
    tail = f" - {model}" if model else ""
    room = MAX_CHARACTERS - len(tail + ending), MAX_BYTES - len((tail + ending).encode())
    stem = _cut(_clean(title), *room) or "video"
    if _RESERVED.match(stem + tail + ending):
        stem = "_" + _cut(stem, room[0] - 1, room[1] - 1)
    return stem + tail + ending


def _clean(text: str) -> str:
    text = _FORBIDDEN.sub("-", unicodedata.normalize("NFC", one_line(text)))
    # Marks that reorder text make "gpj.exe" of "exe.jpg"; joiners are part of Persian and of emoji.
    kept = "".join(c for c in text if c in "\u200c\u200d" or unicodedata.category(c) not in ("Cf", "Cn", "Co", "Cs"))
    return kept.strip(" .-~\u200c\u200d")


def _cut(text: str, characters: int, size_bytes: int) -> str:
    text = text[:characters].encode()[:size_bytes].decode("utf-8", "ignore")
    return text.rstrip(" .-~\u200c\u200d")
