"""Folders: which of the files below one are media."""

from __future__ import annotations

import os
from pathlib import Path

from lib.errors import InputError

_VIDEO = {".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi", ".mpeg", ".mpg", ".ts", ".mts", ".flv", ".wmv", ".3gp"}
_SOUND = {".mp3", ".m4a", ".m4b", ".wav", ".ogg", ".oga", ".opus", ".flac", ".aac", ".aiff", ".aif", ".wma"}
MEDIA_ENDINGS = frozenset(_VIDEO | _SOUND)
"""Files of a folder that are worth opening; what is in them decides."""


def media_below(folder: Path) -> tuple[list[Path], list[Path]]:
    """Every media file below a folder, and the other files, both in the order of their paths. Hidden ones, and what
    lies in hidden folders, count for nothing. Raises InputError when the folder cannot be read."""
    found: list[Path] = []
    try:
        for place, folders, files in os.walk(folder, onerror=_raise):
            folders[:] = [name for name in folders if not name.startswith(".")]
            found += [Path(place, name) for name in files if not name.startswith(".")]
    except OSError as exc:
        raise InputError(f"{folder} cannot be read: {exc.strerror}.", "Check the folder and its permissions.") from exc
    found.sort(key=lambda path: [part.casefold() for part in path.parts])
    media = [path for path in found if path.suffix.lower() in MEDIA_ENDINGS]
    return media, [path for path in found if path.suffix.lower() not in MEDIA_ENDINGS]


def _raise(error: OSError) -> None:
    raise error
