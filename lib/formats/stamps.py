"""Times as models write them inside text: found, and kept with a second reading where there are two."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Doubt(StrEnum):
    """Why a stamp can be read in a second way."""

    FIELDS = "fields"
    """``00:05:12`` may be H:MM:SS or MM:SS and hundredths."""
    UNIT = "unit"
    """``5000`` may be seconds or milliseconds."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """A time in seconds as it is usually meant; ``other`` is what it is if ``doubt`` falls the other way."""

    seconds: float
    other: float | None = None
    doubt: Doubt | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """A time at the head of a line, or inside it from ``begin`` on, and what stands after it in ``rest``.

    ``bare`` marks have nothing around them that says "time".
    ``name`` is a speaker written beside the time.
    """

    start: Stamp
    end: Stamp | None
    rest: str
    bare: bool = False
    name: str | None = None
    begin: int = 0
    stop: int = 0


# One character for one, so that a place found in the plain text is the same place in the original.
_ZEROS = (
    0x660, 0x6F0, 0x7C0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xB66, 0xBE6, 0xC66, 0xCE6, 0xD66,
    0xE50, 0xED0, 0xF20, 0x1040, 0x17E0, 0x1810, 0xFF10,
)  # fmt: skip
_PLAIN = {
    **{zero + digit: str(digit) for zero in _ZEROS for digit in range(10)},
    **dict.fromkeys(map(ord, "：∶︰﹕"), ":"),
    **dict.fromkeys(map(ord, "［【〔〖"), "["),
    **dict.fromkeys(map(ord, "］】〕〗"), "]"),
    **dict.fromkeys(map(ord, "（"), "("),
    **dict.fromkeys(map(ord, "）"), ")"),
    **dict.fromkeys(map(ord, "–—−―‒‐‑－"), "-"),
    **dict.fromkeys(map(ord, "〜～∼˜"), "~"),
    **dict.fromkeys(map(ord, "➔⇒⟶➜➡⭢"), "→"),
    **dict.fromkeys(map(ord, "｜│"), "|"),
    **dict.fromkeys(map(ord, "．٫"), "."),
    **dict.fromkeys(map(ord, "，、،"), ","),
    **dict.fromkeys(map(ord, "\u200b\u200e\u200f\u202a\u202b\u202c\u2066\u2067\u2068\u2069\ufeff"), " "),
}


def plain(text: str) -> str:
    """The text with digits, colons, brackets and dashes of all scripts as ASCII ones, place for place."""
    return text if text.isascii() else text.translate(_PLAIN)


_CLOCK = r"(?<![\d:])\d{1,3}:\d{1,2}(?::\d{1,3}(?::\d{1,3})?)?(?:[.,]\d{1,9})?(?![\d]|:\d)"
_STRICT_CLOCK = r"(?<![\d:.,])\d{1,3}:\d{2}(?::\d{2,3}(?::\d{2,3})?)?(?:[.,]\d{1,9})?(?![\d]|:\d)"
_H = r"\d{1,3}\s?(?:hours?|hrs?|h|小时|小時|時間|시간)"
_M = r"\d{1,4}\s?(?:minutes?|mins?|m|分钟|分鐘|分|분)"
_S = r"\d{1,6}(?:[.,]\d{1,9})?\s?(?:seconds?|secs?|s|秒|초)"
_GAP = r"[\s,]{0,2}"
_UNITS = rf"(?<![\d.,])(?:{_H}(?:{_GAP}{_M})?(?:{_GAP}{_S})?|{_M}(?:{_GAP}{_S})?|{_S})(?![^\W_])"
_DECIMAL = r"(?<![\d:.,])\d{1,6}\.\d{1,9}(?![\d:])"
_NUMBER = r"(?<![\d:.,])\d{1,6}(?:\.\d{1,9})?(?![\d:])"
_ARROW = r"(?:-{1,3}>|={1,2}>|→)"
_TO = rf"\s?(?:{_ARROW}|-{{1,3}}|~|to\b|until\b|till\b|bis\b|至|到|/)\s?"
_INNER_TO = rf"(?:{_TO}|,\s)"
_WORD = r"(?:(?:time|timestamp|timecode|start|at|t)\s?[:=]?\s?)?"
_OPEN, _CLOSE = r"\\?[\[({<]\s?", r"\s?\\?[\])}>]"
_LINK = r"(?:\((?:https?:|#|\?)[^()\s]{0,500}\))?"

_STAMP = rf"(?:{_CLOCK}|{_UNITS})"
_BOX = rf"{_OPEN}{_WORD}(?P<a>{_STAMP})(?:{_INNER_TO}(?P<b>{_STAMP}|{_NUMBER}))?{_CLOSE}{_LINK}"
_BOX_TO_BOX = rf"{_OPEN}{_WORD}(?P<a>{_STAMP}){_CLOSE}(?:{_TO}){_OPEN}(?P<b>{_STAMP}){_CLOSE}"
_BOX_NUMBER = rf"\\?\[\s?(?:(?P<a>{_DECIMAL})|(?P<a2>{_NUMBER}){_INNER_TO}(?P<b>{_UNITS}|{_NUMBER}))\s?\\?\]"
_BOX_NAME = (
    rf"{_OPEN}(?P<a>{_STAMP})(?:{_INNER_TO}(?P<b>{_STAMP}))?\s?[,|;-]?\s?"
    rf"(?P<name>[^\W\d][^\[\]()|:{{}}<>]{{0,40}}){_CLOSE}"
)
_NAME_BOX = (
    rf"[\[(]\s?(?P<name>[^\W\d][^\[\]()|{{}}<>:]{{0,40}}?)[\s,:|@-]{{1,3}}"
    rf"(?P<a>{_STAMP})(?:{_INNER_TO}(?P<b>{_STAMP}))?\s?[\])]"
)
_EDGE = rf"{_CLOCK}|{_UNITS}|{_DECIMAL}"
_ARROWS = rf"(?P<a>{_EDGE}|0)\s?{_ARROW}\s?(?P<b>{_EDGE})"
_NOT_OF_DAY = r"(?!\s?(?:[ap]\.?m\b|uhr\b|o'clock|o’clock|h\b))"
_BARE = (
    rf"(?:(?:time|timestamp|timecode)\s?:\s?)?(?P<a>{_STRICT_CLOCK})(?:{_TO}(?P<b>{_STRICT_CLOCK}))?"
    rf"(?=$|[\s:|,;.)\]>*_`~-]){_NOT_OF_DAY}"
)
_BARE_UNITS = rf"(?P<a>{_UNITS})(?:{_TO}(?P<b>{_UNITS}))?(?=\s?[:|]|\s-\s|$)"
_BARE_NUMBERS = rf"(?P<a>{_NUMBER})s?{_TO}(?P<b>{_DECIMAL})s?(?=\s?[:|])"

_LEAD = (
    r"(?:>\s?){0,4}(?:#{1,6}\s)?(?:[-*+•·‣▪◦]\s|\d{1,4}[.)]\s)?"
    r"(?:[\u231a-\u23f3\u25b6\u25ba\ufe0f\U0001f300-\U0001faff]{1,3}\s?)?(?P<mark>[*_`~]{0,3})"
)


def _compiled(body: str) -> re.Pattern[str]:
    return re.compile(_LEAD + body, re.IGNORECASE)


_BOXED = tuple(map(_compiled, (_BOX_TO_BOX, _BOX, _BOX_NUMBER, _BOX_NAME, _NAME_BOX)))
_ARROWED = _compiled(_ARROWS)
_BARES = tuple(map(_compiled, (_BARE, _BARE_UNITS, _BARE_NUMBERS)))
_BEFORE_BOX = re.compile(
    rf"{_LEAD}(?P<name>[^\W\d_][^\n\[\](){{}}<>|:*_\"?!]{{0,48}}?(?:_\d{{1,3}})?)[*_]{{0,3}}\s?[:,-]?[*_]{{0,3}}\s?(?:{_BOX})",
    re.IGNORECASE,
)
_BEFORE_BARE = re.compile(
    rf"{_LEAD}(?P<name>[^\W\d_][^\n\[\](){{}}<>|:*\"?!]{{0,48}}?(?:_\d{{1,3}})?)[*_]{{0,3}}\s[*_]{{0,3}}(?P<a>{_STRICT_CLOCK})$"
)
_INLINE = re.compile(
    rf"(?P<mark>[*_]{{0,3}})(?:\\?\[\s?(?P<a>{_STAMP})(?:{_INNER_TO}(?P<b>{_STAMP}))?\s?\\?\]{_LINK})(?P<closed>[*_]{{0,3}})",
    re.IGNORECASE,
)
_TRAILING_BOX = re.compile(rf"\s?[*_]{{0,3}}(?:{_BOX})[*_]{{0,3}}[.]?", re.IGNORECASE)
_AFTER = re.compile(r"\s?(?:[:|]|[)\],;.](?=\s|$)|-{1,2}(?=\s|$)|>{1,3}(?=\s|$)|[•·](?=\s|$))?\s?")
_WRAP = r"[\[\](){}<>*_`\s]{0,6}"
_WHOLE = re.compile(
    rf"{_WRAP}(?P<a>{_STAMP}|{_NUMBER}){_WRAP}(?:{_INNER_TO}{_WRAP}(?P<b>{_STAMP}|{_NUMBER}){_WRAP})?", re.IGNORECASE
)
_UNIT_PARTS = re.compile(rf"(?:({_H})\s?,?\s?)?(?:({_M})\s?,?\s?)?({_S})?", re.IGNORECASE)
_FIGURE = re.compile(r"\d+(?:[.,]\d+)?")
# Cheap looks before the dear ones: an answer may have a million lines.
_TIME_HINT, _ARROW_HINT, _BOX_HINT = re.compile(r"\d"), re.compile("[>→]"), re.compile(r"[\[({<]")


def read_stamps(text: str) -> tuple[Stamp, Stamp | None] | None:
    """A time, or two with a dash between, that are the whole text, brackets or not; None for anything else."""
    if len(text) > 80:
        return None
    found = _WHOLE.fullmatch(plain(text).strip())
    return (_stamp(found["a"]), _stamp(found["b"]) if found["b"] else None) if found else None


def leading_mark(line: str) -> Mark | None:
    """The time at the head of a line whose white space is single spaces, list and heading markup before it dropped."""
    if not _TIME_HINT.search(line, 0, 80):
        return None
    head = plain(line[:400])
    if _ARROW_HINT.search(head, 0, 80) and (found := _ARROWED.match(head)):
        return _mark(line, found)
    for pattern in _BOXED if _BOX_HINT.search(head, 0, 80) else ():
        if found := pattern.match(head):
            mark = _mark(line, found)
            if pattern is not _BOXED[2] or _plausible_numbers(mark, found):
                return mark
    for pattern in _BARES:
        if found := pattern.match(head):
            return _mark(line, found, bare=found["b"] is None)
    return None


def named_mark(line: str) -> Mark | None:
    """``Anna (0:05): text`` and the like: a name, then a time in brackets, at the head of a line."""
    if not _TIME_HINT.search(line, 0, 200):
        return None
    head = plain(line[:200])
    if _BOX_HINT.search(head) and (found := _BEFORE_BOX.match(head)):
        return _mark(line, found)
    found = _BEFORE_BARE.match(head) if len(line) <= 80 else None
    return _mark(line, found, bare=True) if found else None


def inline_marks(line: str) -> Iterator[Mark]:
    """Every time in square brackets inside a line; ``begin`` and ``stop`` say where."""
    if "[" in line or not line.isascii():
        for found in _INLINE.finditer(plain(line)):
            closed = found["closed"] if found["mark"] else ""
            stop = found.end() - len(found["closed"]) + len(closed)
            yield Mark(_stamp(found["a"]), _optional(found["b"]), "", begin=found.start(), stop=stop)


def trailing_mark(line: str) -> Mark | None:
    """A time in brackets at the very end of a line; ``begin`` says where."""
    if not _TIME_HINT.search(line, max(0, len(line) - 80)):
        return None
    tail = plain(line[-80:])
    place = max(tail.rfind(opening) for opening in "[(")
    if place < 0:
        return None
    while place > 0 and tail[place - 1] in " *_\\":
        place -= 1
    found = _TRAILING_BOX.fullmatch(tail, place)
    begin = len(line) - len(tail) + place
    return Mark(_stamp(found["a"]), _optional(found["b"]), "", begin=begin, stop=len(line)) if found else None


def _mark(line: str, found: re.Match[str], **kind: bool) -> Mark:
    groups = found.groupdict()
    rest = line[found.end() :]
    run = groups["mark"]
    open_still = run and run not in line[found.end("mark") : found.end()]
    if open_still and (place := rest.find(run)) >= 0:
        # The run that opened before the time closes here: after it, after its colon, or after a name.
        rest = rest[:place] + rest[place + len(run) :]
    rest = rest[_AFTER.match(plain(rest[:20])).end() :]
    name = line[found.start("name") : found.end("name")].strip(" *_") if groups.get("name") else None
    start = _stamp(groups["a"] or groups["a2"])
    return Mark(start, _optional(groups.get("b")), rest.strip(), name=name, **kind)


def _plausible_numbers(mark: Mark, found: re.Match[str]) -> bool:
    """``[5 - 9]`` is a stretch of seconds; ``[9 - 5]`` and the years ``[2010-2012]`` are not."""
    if mark.end is None or "." in found.group():
        return True
    return mark.start.seconds < mark.end.seconds and not 1800 <= mark.start.seconds <= 2200


def _optional(text: str | None) -> Stamp | None:
    return _stamp(text) if text else None


def _stamp(text: str) -> Stamp:
    if ":" in text:
        return _clock(text)
    if _FIGURE.fullmatch(text):
        seconds = _figure(text)
        return Stamp(seconds, seconds / 1000, Doubt.UNIT)
    hours, minutes, seconds = _UNIT_PARTS.match(text).groups()
    return Stamp(_figure(hours) * 3600 + _figure(minutes) * 60 + _figure(seconds))


def _clock(text: str) -> Stamp:
    clock, point, fraction = text.replace(",", ".").partition(".")
    fields = clock.split(":")
    below = _figure(f"0.{fraction}") if point else 0.0
    if len(fields) == 4:  # hours, minutes, seconds, and frames or milliseconds
        return Stamp(_exact(*fields[:3], _figure(f"0.{fields[3]}")))
    if len(fields) == 3 and len(fields[2]) == 3:  # MM:SS:mmm
        return Stamp(_exact(0, fields[0], fields[1], int(fields[2]) / 1000))
    if len(fields) == 2:
        return Stamp(_exact(0, *fields, below))
    stamp = _exact(*fields, below)
    if point or len(fields[2]) != 2:
        return Stamp(stamp)
    return Stamp(stamp, _exact(0, fields[0], fields[1], int(fields[2]) / 100), Doubt.FIELDS)


def _exact(hours: str | int, minutes: str, seconds: str, below: float) -> float:
    """Seconds, rounded once to the microsecond, so that ``1:05.25`` is 65.25 and nothing near it."""
    return round(int(hours) * 3600 + int(minutes) * 60 + int(seconds) + below, 6)


def _figure(text: str | None) -> float:
    found = _FIGURE.search(text) if text else None
    return float(found.group().replace(",", ".")) if found else 0.0
