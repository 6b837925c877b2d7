"""Caption files read into cues."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator

from lib.domain.transcript import Cue
from lib.errors import InputError
from lib.formats.speakers import split_speakers
from lib.formats.text import encodable, join_lines, one_line

_TIME = r"(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})"
_TIMING = re.compile(rf"\s*{_TIME}\s*-->\s*{_TIME}(?!\d)")
_VOICE = re.compile(r"<v(?:\.[^\s<>]+)?\s+([^<>]*)>")
_TAG = re.compile(r"<[^<>]*>")
_SRT_TAG = re.compile(r"</?(?:i|b|u|s|font)(?:\s[^<>]*)?>|\{\\[^{}]*\}", re.IGNORECASE)

_CONTINUED = 0.1
"""Seconds between two cues that follow each other."""

Timing = tuple[float, float]


def read_captions(text: str, format_hint: str | None = None, *, scrolls: bool = False) -> tuple[Cue, ...]:
    """Cues from SRT or WebVTT, even broken ones, or from any other caption format that pysubs2 knows.

    ``format_hint`` is a name or suffix (``srt``, ``.vtt``); without it the text itself tells. Text is one line
    a cue, freed of markup; voices and ``Anna:`` labels become speakers. ``scrolls`` is for WebVTT made by a machine,
    which shows each line again while the next is said: every line is read once. Raises InputError where there are
    no captions.

    SRT and WebVTT are read here: pysubs2 1.8 drops voices, and a last line that is a number.
    """
    text = encodable(text).lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    name = (format_hint or "").lower().lstrip(".")
    if name == "vtt" or text.lstrip().startswith("WEBVTT"):
        cues = _read_vtt(text, scrolls)
    elif name == "srt" or _TIMING.search(text):
        cues = _read_srt(text)
    else:
        cues = _read_other(text)
    if not cues:
        raise InputError("There are no captions in this file.", "Choose an SRT or VTT file.")
    return tuple(cues)


def _read_srt(text: str) -> list[Cue]:
    timings: list[tuple[float, float]] = []
    payloads: list[list[str]] = []
    for line in text.split("\n"):
        if timing := _TIMING.match(line):
            if payloads:
                _drop_number(payloads[-1], len(payloads) + 1)
            timings.append((_seconds(*timing.groups()[:4]), _seconds(*timing.groups()[4:])))
            payloads.append([])
        elif payloads:
            payloads[-1].append(line)
    texts = [join_lines(one_line(_SRT_TAG.sub("", line)) for line in payload) for payload in payloads]
    spoken = split_speakers(texts)
    return [
        Cue(start, max(start, end), said, speaker)
        for (start, end), (speaker, said) in zip(timings, spoken, strict=True)
        if said
    ]


def _drop_number(payload: list[str], expected: int) -> None:
    """Take the number of the next cue off the end of a payload: it stands after an empty line, or is in turn."""
    while payload and not payload[-1].strip():
        payload.pop()
    number = payload[-1].strip() if payload else ""
    if number.isdecimal() and (number == str(expected) or (len(payload) > 1 and not payload[-2].strip())):
        payload.pop()


def _read_vtt(text: str, scrolls: bool) -> list[Cue]:
    blocks: list[tuple[Timing, list[str]]] = []
    payload: list[str] | None = None
    for line in text.split("\n"):
        if found := _TIMING.match(line):
            payload = []
            blocks.append(((_seconds(*found.groups()[:4]), _seconds(*found.groups()[4:])), payload))
        elif not line:  # a line of spaces does not end a cue: YouTube's begin with one
            payload = None
        elif payload is not None:
            payload.append(line)
    cues: list[Cue] = []
    for timing, lines in _once(blocks) if scrolls else blocks:
        _add_voices(cues, timing, lines)
    return cues


def _once(blocks: Iterable[tuple[Timing, list[str]]]) -> Iterator[tuple[Timing, list[str]]]:
    """Each block without the lines that are shown still from the block before it."""
    shown: list[str] = []
    until = 0.0
    for (start, end), payload in blocks:
        lines = [line for line in payload if _bare(line)]
        said = [_bare(line) for line in lines]
        again = 0
        if start - until <= _CONTINUED:
            again = max(k for k in range(min(len(shown), len(said)) + 1) if not k or shown[-k:] == said[:k])
        shown, until = said or shown, end
        if lines[again:]:
            yield (start, end), lines[again:]


def _bare(line: str) -> str:
    return one_line(html.unescape(_TAG.sub("", line)))


def _add_voices(cues: list[Cue], timing: Timing, payload: list[str]) -> None:
    """A cue for each voice in the payload; text before the first voice has none."""
    pieces = _VOICE.split("\n".join(payload))
    for speaker, said in zip([None, *pieces[1::2]], pieces[::2], strict=True):
        text = join_lines(_bare(line) for line in said.split("\n"))
        if text:
            name = one_line(html.unescape(speaker or "")) or None
            cues.append(Cue(timing[0], max(timing), text, name))


def _read_other(text: str) -> list[Cue]:
    import pysubs2

    try:
        events = pysubs2.SSAFile.from_string(text).get_text_events()
    except Exception as exc:  # each of its formats fails in its own way
        raise InputError("This is not a caption file that can be read.", "Choose an SRT or VTT file.") from exc
    read = [(max(0, event.start) / 1000, event.end / 1000, one_line(event.plaintext)) for event in events]
    return [Cue(start, max(start, end), said) for start, end, said in read if said]


def _seconds(hours: str | None, minutes: str, seconds: str, fraction: str) -> float:
    # Summed in milliseconds: the nearest float to what is written, not a sum of roundings.
    ms = int(fraction.ljust(3, "0"))
    return ((int(hours or 0) * 60 + int(minutes)) * 60_000 + int(seconds) * 1000 + ms) / 1000
