"""Times as people write them: the only place, with the parser of answers, where seconds become text and back.

Everywhere else a time is a float in seconds.
"""

from __future__ import annotations

import re

_CLOCK = re.compile(r"(?:(\d{1,4}):)?(\d{1,4}):(\d{1,2}(?:[.,]\d+)?)", re.ASCII)
_UNITS = re.compile(
    r"(?:(\d+)\s*(?:h|hrs?|hours?))?\s*(?:(\d+)\s*(?:m|mins?|minutes?))?\s*(?:(\d+(?:[.,]\d+)?)\s*(?:s|secs?|seconds?))?",
    re.ASCII | re.IGNORECASE,
)
_NUMBER = re.compile(r"\d+(?:[.,]\d+)?", re.ASCII)


def format_clock(seconds: float) -> str:
    """``1:05`` or ``1:02:05``: whole seconds, rounded down so that a link never lands after the words."""
    whole = max(0, int(seconds))
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


def format_length(seconds: float) -> str:
    """A length of time for a reader: ``0.8 s``, ``42 s``, ``3 min 05 s``, ``52 min``, ``1 h 02 min``."""
    if seconds < 10:
        return f"{seconds:.1f} s".replace(".0 s", " s")
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s".removesuffix(" 00 s")
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min"


def format_srt(seconds: float) -> str:
    """``00:01:05,250``, rounded to the millisecond."""
    return format_vtt(seconds).replace(".", ",")


def format_vtt(seconds: float) -> str:
    """``00:01:05.250``, rounded to the millisecond."""
    ms = milliseconds(seconds)
    return f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02}.{ms % 1000:03}"


def milliseconds(seconds: float) -> int:
    """The nearest whole millisecond, never below zero."""
    return max(0, round(seconds * 1000))


def parse_time(text: str) -> float:
    """Seconds from ``90``, ``90.5``, ``1:30``, ``0:01:30.5`` or ``1h2m3s``.

    Raises ValueError, with a sentence for the user, for anything else.
    """
    given = text.strip()
    if _NUMBER.fullmatch(given) and len(given) <= 20:
        return _number(given)
    if clock := _CLOCK.fullmatch(given):
        hours, minutes, seconds = int(clock[1] or 0), int(clock[2]), _number(clock[3])
        if seconds >= 60 or (clock[1] and minutes >= 60):
            raise ValueError(f"{given!r} is not a time: minutes and seconds after a colon run to 59.")
        return hours * 3600 + minutes * 60 + seconds
    if given and len(given) <= 40 and (units := _UNITS.fullmatch(given)):
        return int(units[1] or 0) * 3600 + int(units[2] or 0) * 60 + _number(units[3] or "0")
    raise ValueError(f"{given[:40]!r} is not a time. Write it like 90, 1:30, 0:01:30.5 or 1m30s.")


def _number(text: str) -> float:
    return float(text.replace(",", "."))
