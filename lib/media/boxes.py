"""The outermost layer of a file: what kind it says it is, and whether all of it is there.

Demuxers do not tell: they read a QuickTime file and an MP4 alike, and a file cut in half as if it were shorter.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_BOXES = {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp", b"sidx", b"moof", b"uuid", b"udta"}
_IMAGE_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"mif1", b"avif", b"jxl ", b"crx "}
_EBML = b"\x1a\x45\xdf\xa3"
_DOC_TYPE = b"\x42\x82"
_SEGMENT = b"\x18\x53\x80\x67"
_MAX_BOXES = 100_000


@dataclass(frozen=True, slots=True)
class Layout:
    """``is_cut``: it lacks what was promised. ``is_ragged``: it ends within a box, as a crashed recording may.
    ``doc_type`` is what a Matroska file names itself: ``webm`` or ``matroska``."""

    is_quicktime: bool = False
    is_image: bool = False
    is_cut: bool = False
    is_ragged: bool = False
    doc_type: str | None = None


def layout(path: Path) -> Layout:
    """Read the outer layer of an MP4, QuickTime, Matroska, WebM or AVI file; nothing is said of any other."""
    with path.open("rb") as file:
        size_bytes = os.fstat(file.fileno()).st_size
        head = file.read(4096)
        if head[4:8] in _BOXES:
            return _mp4_layout(file, size_bytes)
        if head[:4] == _EBML:
            return _matroska_layout(head, size_bytes)
        if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
            # A recorder that crashed leaves 0 here.
            return Layout(is_cut=int.from_bytes(head[4:8], "little") + 8 > size_bytes + 1)
        return Layout()


def _mp4_layout(file: BinaryIO, size_bytes: int) -> Layout:
    """ISO/IEC 14496-12, 4.2: boxes of a size and a kind; size 1 means 64 bits follow, 0 means to the end."""
    brand = None
    seen: set[bytes] = set()
    is_cut = False
    at = 0
    for _ in range(_MAX_BOXES):
        file.seek(at)
        header = file.read(16)
        if len(header) < 8:
            break
        length, kind = int.from_bytes(header[:4], "big"), header[4:8]
        if length == 1:
            length = int.from_bytes(header[8:16], "big")
        elif length == 0:
            length = size_bytes - at
        if length < 8:
            break
        if kind == b"ftyp":
            brand = header[8:12]
        seen.add(kind)
        # A recording in fragments is made to be cut anywhere; it plays to its last whole fragment.
        if kind in (b"mdat", b"moov") and at + length > size_bytes and b"moof" not in seen:
            is_cut = True
        at += length
    if brand is None and not seen & {b"moov", b"mdat", b"moof"}:
        return Layout()  # a text may begin with "The free"
    is_media = brand not in _IMAGE_BRANDS
    return Layout(
        is_quicktime=brand == b"qt  " or brand is None,
        is_image=not is_media,
        is_cut=is_media and (is_cut or b"moov" not in seen),
        is_ragged=at > size_bytes,
    )


def _matroska_layout(head: bytes, size_bytes: int) -> Layout:
    """RFC 8794: elements of an id, a size of variable length, and content; RFC 9559: the head, then one Segment."""
    length, at = _vint(head, 4)
    end = at + (length or 0)
    doc_type = None
    while at < min(end, len(head) - 2):
        width = max(1, 9 - head[at].bit_length())
        name = head[at : at + width]
        length, at = _vint(head, at + width)
        if length is None:
            break
        if name == _DOC_TYPE:
            doc_type = head[at : at + length].rstrip(b"\0").decode("ascii", errors="replace")
        at += length
    is_cut = False
    if head[end : end + 4] == _SEGMENT:
        length, at = _vint(head, end + 4)
        is_cut = length is not None and at + length > size_bytes
    return Layout(doc_type=doc_type, is_cut=is_cut)


def _vint(content: bytes, at: int) -> tuple[int | None, int]:
    """A number of variable length and where it ends; None for the one that means unknown."""
    if at >= len(content):
        return None, at
    width = 9 - content[at].bit_length()
    if width > 8:
        return None, at + 1
    number = int.from_bytes(content[at : at + width], "big") & ((1 << (7 * width)) - 1)
    return (None if number == (1 << (7 * width)) - 1 else number), at + width
