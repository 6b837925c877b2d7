"""The captions that yt-dlp found behind a link, told apart by who made them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from lib.domain.captions import UNKNOWN_LANGUAGE, CaptionKind, CaptionTrack

Info = dict[str, Any]

READABLE = ("vtt", "srt", "ass", "ssa", "ttml", "dfxp", "unknown_video")
"""The kinds of caption files that lib.formats.read_captions reads, the one that keeps most first. The last is yt-dlp's
word for a link without an ending: what is behind it tells."""
MOST_HUMAN, MOST_AUTOMATIC = 100, 10

# Some sites put what a machine made among the captions of people, and say so in its key or its name only.
_BY_MACHINE = re.compile(r"auto[-_ ]?gen|automati[ck]|\bauto\b|\basr\b|machine|autogen", re.IGNORECASE)
_MACHINES_ENDING = re.compile(r"-(?:orig|x-autogen(?:erated)?|auto|asr)$", re.IGNORECASE)
_NO_LANGUAGE = re.compile(r"[^\w.()+ -]")


def tracks_of(info: Info) -> tuple[CaptionTrack, ...]:
    """Every track that can be read, those written by people first, each in the site's order."""
    found = list(dict.fromkeys(track for track, _ in _found(info)))
    human = [track for track in found if track.kind is CaptionKind.HUMAN]
    automatic = [track for track in found if track.kind is CaptionKind.AUTOMATIC]
    return (*human[:MOST_HUMAN], *automatic[:MOST_AUTOMATIC])


def file_of(info: Info, track: CaptionTrack) -> Info | None:
    """yt-dlp's description of the file to fetch for a track; None when it is no longer there."""
    for found, files in _found(info):
        if (found.kind, found.language) == (track.kind, track.language):
            return min(files, key=lambda file: READABLE.index(file["ext"]))
    return None


def _found(info: Info) -> Iterator[tuple[CaptionTrack, list[Info]]]:
    for key, files in (info.get("subtitles") or {}).items():
        yield from _track(key, files, CaptionKind.HUMAN)
    automatic = info.get("automatic_captions") or {}
    # YouTube offers the machine's own language as "en-orig", and a hundred machine translations of it.
    originals = {key: files for key, files in automatic.items() if str(key).endswith("-orig")}
    for key, files in (originals or automatic).items():
        if not any("tlang=" in str(file.get("url")) for file in files or ()):
            yield from _track(key, files, CaptionKind.AUTOMATIC)


def _track(key: object, files: list[Info] | None, kind: CaptionKind) -> Iterator[tuple[CaptionTrack, list[Info]]]:
    readable = [file for file in files or () if file.get("ext") in READABLE and (file.get("url") or file.get("data"))]
    if not readable:  # a live chat, pictures of letters, a format of one site alone
        return
    name = " ".join(str(readable[0].get("name") or "").split())[:80] or None
    if _BY_MACHINE.search(f"{key} {name or ''}"):
        kind = CaptionKind.AUTOMATIC
    language = _NO_LANGUAGE.sub("", str(key or ""))[:40].strip()
    if kind is CaptionKind.AUTOMATIC:
        language = _MACHINES_ENDING.sub("", language)
    yield CaptionTrack(kind, language or UNKNOWN_LANGUAGE, name), readable
