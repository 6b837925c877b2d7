"""Caption files read to the letter of their formats: whatever a lenient player would let pass is an error here.

WebVTT after the specification of the W3C (https://www.w3.org/TR/webvtt1/, "Syntax"); SRT, which has none, after what
every player takes: numbers from 1, a comma before the milliseconds, one empty line between captions.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

_VTT_TIME = re.compile(r"(?:(\d{2,}):)?([0-5]\d):([0-5]\d)\.(\d{3})")
_VTT_TIMING = re.compile(rf"({_VTT_TIME.pattern})[ \t]+-->[ \t]+({_VTT_TIME.pattern})")
_SRT_TIMING = re.compile(r"(\d\d+):([0-5]\d):([0-5]\d),(\d{3}) --> (\d\d+):([0-5]\d):([0-5]\d),(\d{3})")
_VOICE = re.compile(r"<v(?:\.[^\s.<>&]+)*[ \t]+((?:[^\n\r&>]|&(?:amp|lt|gt|lrm|rlm|nbsp|#\d+|#x[0-9a-fA-F]+);)+)>")
_ESCAPE = re.compile(r"&(?:amp|lt|gt|lrm|rlm|nbsp|#\d+|#x[0-9a-fA-F]+);")


@dataclass(frozen=True)
class StrictCue:
    """One caption: times in milliseconds, its lines as they stand on the screen, who speaks where the file says so."""

    start: int
    end: int
    lines: tuple[str, ...]
    voice: str | None = None


def parse_vtt(text: str) -> list[StrictCue]:
    """The cues of a WebVTT file. Raises ValueError, with the reason, for anything that the specification forbids."""
    _forbid("\r" in text, "a carriage return")
    _forbid("\x00" in text, "a null character")
    header, separator, rest = text.removeprefix("\ufeff").partition("\n")
    _forbid(not re.fullmatch(r"WEBVTT(?:[ \t][^\n]*)?", header), f"no header but {header[:20]!r}")
    _forbid(not separator or (bool(rest) and not rest.startswith("\n")), "no empty line after the header")
    cues: list[StrictCue] = []
    for block in _blocks(rest):
        if block[0] == "NOTE" or block[0].startswith(("NOTE ", "NOTE\t")):
            _forbid(any("-->" in line for line in block), "an arrow in a note")
            continue
        if "-->" not in block[0]:
            block = block[1:]
        _forbid(not block, "a cue without its times")
        timing = _VTT_TIMING.fullmatch(block[0])
        _forbid(timing is None, f"no timing line but {block[0]!r}")
        start, end = _vtt_ms(timing[1]), _vtt_ms(timing[6])
        _forbid(end <= start, f"a cue that ends before it begins: {block[0]!r}")
        _forbid(bool(cues) and start < cues[-1].start, f"a cue that begins before the one above it: {block[0]!r}")
        _forbid(len(block) < 2, "a cue without text")
        voice, lines = _payload(block[1:])
        cues.append(StrictCue(start, end, lines, voice))
    return cues


def parse_srt(text: str) -> list[StrictCue]:
    """The captions of an SRT file. Raises ValueError, with the reason, for what a strict player stumbles over."""
    _forbid("\r" in text or "\ufeff" in text, "a carriage return or a byte order mark")
    _forbid(not text.endswith("\n") or text.endswith("\n\n"), "no single line end at the end")
    cues: list[StrictCue] = []
    for number, block in enumerate(text[:-1].split("\n\n"), 1):
        lines = block.split("\n")
        _forbid(lines[0] != str(number), f"number {lines[0]!r} in place of {number}")
        timing = _SRT_TIMING.fullmatch(lines[1]) if len(lines) > 1 else None
        _forbid(timing is None, f"no timing line in {block[:60]!r}")
        start, end = _ms(*timing.groups()[:4]), _ms(*timing.groups()[4:])
        _forbid(end <= start, f"a caption that ends before it begins: {lines[1]!r}")
        _forbid(bool(cues) and start < cues[-1].start, f"a caption before the one above it: {lines[1]!r}")
        _forbid(len(lines) < 3, "a caption without text")
        _forbid(any(not line.strip() for line in lines[2:]), "an empty line inside a caption")
        _forbid(any("-->" in line for line in lines[2:]), "an arrow in the text")
        cues.append(StrictCue(start, end, tuple(lines[2:])))
    return cues


def _blocks(text: str) -> list[list[str]]:
    return [block.split("\n") for block in re.split(r"\n{2,}", text.strip("\n")) if block]


def _payload(lines: list[str]) -> tuple[str | None, tuple[str, ...]]:
    """Who speaks, and the lines freed of escapes. Only one voice, over the whole cue, is taken; it may stay open."""
    _forbid(any("-->" in line for line in lines), "an arrow in the text")
    voice = _VOICE.match(lines[0])
    if voice:
        lines = [lines[0][voice.end() :], *lines[1:]]
    for line in lines:
        _forbid("<" in line, f"a tag or a bare < in {line!r}")
        _forbid("&" in _ESCAPE.sub("", line), f"a bare & in {line!r}")
    return html.unescape(voice[1]) if voice else None, tuple(html.unescape(line) for line in lines)


def _vtt_ms(text: str) -> int:
    return _ms(*_VTT_TIME.fullmatch(text).groups())


def _ms(hours: str | None, minutes: str, seconds: str, thousandths: str) -> int:
    return ((int(hours or 0) * 60 + int(minutes)) * 60 + int(seconds)) * 1000 + int(thousandths)


def _forbid(is_so: bool, what: str) -> None:
    if is_so:
        raise ValueError(f"the file has {what}")
