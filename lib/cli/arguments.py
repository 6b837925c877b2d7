"""Reading one argument: numbers, times, dollars. Each raises ArgumentTypeError in words."""

from __future__ import annotations

import re
from argparse import ArgumentTypeError
from decimal import Decimal, InvalidOperation

from lib.formats.timecode import parse_time


def read_count(text: str) -> int:
    return _whole_number(text, "is no whole number from 1 to 1000.", most=1000)


def read_page(text: str) -> int:
    return _whole_number(text, "is no page: the first is 1")


def read_track(text: str) -> int:
    return _whole_number(text, "is no number of a track: they count from 1")


def _whole_number(text: str, otherwise: str, *, most: int | None = None) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= (most or int(text)):
        raise ArgumentTypeError(f"{text!r} {otherwise}")
    return int(text)


def read_time(text: str) -> float:
    try:
        return parse_time(text)
    except ValueError as exc:
        raise ArgumentTypeError(str(exc)) from exc


def read_usd(text: str) -> Decimal:
    try:
        usd = Decimal(text)
    except InvalidOperation:
        usd = Decimal(-1)
    if not usd.is_finite() or usd < 0:
        raise ArgumentTypeError(f"{text!r} is no sum of dollars: write 0.50")
    return usd


def read_seconds_range(text: str) -> tuple[float, float]:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)", text.strip())
    if found is None:
        raise ArgumentTypeError(f"{text!r} is no range of seconds: write 1-7 or 0.8-6")
    return float(found[1]), float(found[2])
