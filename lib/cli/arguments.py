"""Reading one argument: numbers, times, dollars, stretches. Each raises ArgumentTypeError in words."""

from __future__ import annotations

import re
from argparse import ArgumentTypeError
from decimal import Decimal, InvalidOperation

from lib.cli.stretches import PROPOSALS
from lib.domain.media import Clip
from lib.domain.proposals import Proposal
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


def read_segment(text: str) -> Clip:
    start, dash, end = text.replace("–", "-").partition("-")
    try:
        if not dash:
            raise ValueError(f"{text!r} is no stretch. Write it like 1:30-2:15.")
        return Clip(parse_time(start), parse_time(end))
    except ValueError as exc:
        message = str(exc) if "a clip runs" not in str(exc) else f"{text!r} ends before it begins."
        raise ArgumentTypeError(message) from exc


def read_proposal(text: str) -> tuple[Proposal, str]:
    kind, _, word = text.partition(":")
    if kind not in list(Proposal) or (kind == Proposal.WORD) != bool(word.strip()):
        raise ArgumentTypeError(f"{text!r} is none of: {PROPOSALS}.")
    return Proposal(kind), word
