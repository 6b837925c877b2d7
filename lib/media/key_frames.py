"""Key frames: where one stands before a time, and whether they can be decoded without the pictures between them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from lib.media.probe import is_cover, opened

if TYPE_CHECKING:
    import av

CLOCK_TOLERANCE = 0.1
"""Times are right to a tenth of a second."""

_TICK = 0.0005
"""Half a millisecond, in seconds: Matroska knows no finer times."""
_REACHES = (2.0, 20.0, math.inf)
"""How far before a time a key frame is looked for, in seconds, one after the other: few files need the second."""
_LOOKED_AT = 5
_LOOKED_AT_PACKETS = 5000

_IDR = {"h264": {5}, "hevc": {16, 17, 18, 19, 20}}
"""Kinds of coded pictures from which on nothing older is needed (IDR and BLA in table 7-1 of H.264 and H.265)."""


def key_frame_before(source: Path, time: float) -> float | None:
    """When the last key frame at or before ``time`` is shown; None where the pictures begin later.

    Pictures that begin up to a tenth of a second late, as they often do, are taken to begin at ``time``.
    """
    with opened(source) as container:
        stream = pictures_of(container)
        for reach in _REACHES:
            found = _last_key_frame(container, stream, max(0.0, time - reach), time)
            if found is not None or time <= reach:
                return found
    return None


def stand_alone(source: Path, start: float) -> bool:
    """Whether the key frames from ``start`` on can be decoded one after the other, without what lies between.

    Not so in open groups of pictures, as broadcasts and x265 write them: H.264 and H.265 number their pictures modulo
    a small number, and with the others left out a decoder gives them in a wrong order and drops some.
    """
    import av

    with opened(source) as container:
        stream = pictures_of(container)
        codec = stream.codec_context.name
        if codec not in _IDR:
            return codec != "vvc"
        looked_at = 0
        with suppress(av.error.FFmpegError):
            container.seek(int(start * 1_000_000) + (container.start_time or 0), backward=True)
            for count, packet in enumerate(container.demux(stream)):
                if packet.is_keyframe:
                    # The first of a file is an IDR picture even where no other is.
                    if looked_at and _kind(packet, codec, stream.codec_context.extradata) not in _IDR[codec]:
                        return False
                    looked_at += 1
                if looked_at > _LOOKED_AT or count > _LOOKED_AT_PACKETS:
                    break
    return True


def pictures_of(container: av.container.InputContainer) -> av.VideoStream | None:
    """The first stream of pictures; cover art is none."""
    return next((stream for stream in container.streams.video if not is_cover(stream)), None)


def _last_key_frame(
    container: av.container.InputContainer, stream: av.VideoStream, begin: float, time: float
) -> float | None:
    import av

    zero = (container.start_time or 0) / 1_000_000
    found = None
    late = math.inf
    with suppress(av.error.FFmpegError):  # damage after this is met by whoever reads on
        container.seek(int((begin + zero) * 1_000_000), backward=True)
        for packet in container.demux(stream):
            if packet.pts is None:
                continue
            shown = float(packet.pts * packet.time_base) - zero
            # What an edit list hides is not on the file's clock.
            if packet.is_keyframe and shown >= -_TICK and not packet.is_discard:
                if shown <= time + _TICK:
                    found = max(found or 0.0, shown)
                else:
                    late = min(late, shown)
            if packet.dts is not None and float(packet.dts * packet.time_base) - zero > time + CLOCK_TOLERANCE:
                break
    return time if found is None and late <= time + CLOCK_TOLERANCE else found


def _kind(packet: av.Packet, codec: str, extradata: bytes | None) -> int | None:
    """The kind (nal_unit_type) of a packet's first coded picture."""
    content = bytes(packet)
    for at in _units(content, codec, extradata or b""):
        kind = content[at] & 31 if codec == "h264" else content[at] >> 1 & 63
        if (1 <= kind <= 5) if codec == "h264" else kind < 32:
            return kind
    return None


def _units(content: bytes, codec: str, extradata: bytes) -> Iterator[int]:
    """Where each unit (NAL) of a packet begins: after a start code, or after its length (ISO/IEC 14496-15)."""
    size_at = 4 if codec == "h264" else 21
    if extradata[:1] == b"\1" and len(extradata) > size_at:
        width = (extradata[size_at] & 3) + 1
        at = 0
        while at + width < len(content):
            yield at + width
            at += width + int.from_bytes(content[at : at + width], "big")
        return
    at = content.find(b"\0\0\1")
    while 0 <= at < len(content) - 3:
        yield at + 3
        at = content.find(b"\0\0\1", at + 3)
