"""What is in a media file, found by looking into it: its name and its own claims are not believed."""

from __future__ import annotations

import itertools
import logging
import math
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lib.domain.media import AudioStream, MediaAsset, VideoStream
from lib.errors import EmptyFile, InputError, NoDuration, NotMedia, TruncatedMedia, UnknownCodec
from lib.media.boxes import Layout, layout
from lib.media.ffmpeg import file_url, input_options

if TYPE_CHECKING:
    import av

log = logging.getLogger(__name__)

KEY_FRAME_SECONDS = 120.0
KEY_FRAME_PACKETS = 20_000
KEY_FRAME_BYTES = 300_000_000
"""How much of a file is read to measure the spacing of its key frames: this far, and no further."""

ROTATION_PACKETS = 400
"""Packets tried for a first picture; its rotation comes with it."""

_MEDIA_TYPES = {
    "mp4": ("video/mp4", "audio/mp4"),
    "m4a": ("audio/mp4", "audio/mp4"),
    "mov": ("video/quicktime", "video/quicktime"),
    "webm": ("video/webm", "audio/webm"),
    "matroska": ("video/x-matroska", "audio/x-matroska"),
    "mpeg": ("video/mpeg", "video/mpeg"),
    "mpegts": ("video/mp2t", "video/mp2t"),
    "avi": ("video/x-msvideo", "video/x-msvideo"),
    "flv": ("video/x-flv", "video/x-flv"),
    "mp3": ("audio/mpeg", "audio/mpeg"),
    "wav": ("audio/wav", "audio/wav"),
    "ogg": ("video/ogg", "audio/ogg"),
    "flac": ("audio/flac", "audio/flac"),
    "aac": ("audio/aac", "audio/aac"),
    "aiff": ("audio/aiff", "audio/aiff"),
    "asf": ("video/x-ms-wmv", "audio/x-ms-wma"),
}
"""By container: the media type with pictures, and with sound alone."""

_DEMUXED_AS = {"mpegvideo": "mpeg", "live_flv": "flv", "w64": "wav"}

_WITHOUT_A_CLOCK = {"mp3", "aac", "mpegvideo", "h264", "hevc", "ac3", "eac3", "dts", "amr"}
"""Bare streams: their duration is a guess from the bit rate until every packet is counted."""


def probe(path: Path, asset_id: str, size_bytes: int) -> MediaAsset:
    """Look into a file and say what it holds.

    The asset's clock starts where the file's first stream starts. Cover art is no picture. A stream that cannot be
    decoded is left out while another can. The work is bounded, whatever the file's length: nothing is decoded but
    one picture, for its rotation.
    Raises EmptyFile, NotMedia, TruncatedMedia, UnknownCodec, NoDuration.
    """
    if size_bytes == 0:
        raise EmptyFile("The file is empty.")
    shape = layout(path)
    if shape.is_cut:
        raise TruncatedMedia("The file ends before its own end: part of it is missing.")
    if shape.is_image:
        raise NotMedia("The file is a picture, not a video or sound.")
    with _opened(path) as container:
        return _asset(container, shape, asset_id, size_bytes)


def _opened(path: Path) -> av.container.InputContainer:
    import av

    try:
        return av.open(file_url(path), container_options=input_options(), metadata_errors="replace")
    except FileNotFoundError as exc:
        raise InputError("The file is no longer there.", "Choose the file again.") from exc
    except (av.error.FFmpegError, ValueError) as exc:
        raise NotMedia("The file is neither a video nor sound.") from exc


def _asset(container: av.container.InputContainer, shape: Layout, asset_id: str, size_bytes: int) -> MediaAsset:
    pictures = [stream for stream in container.streams.video if not _is_cover(stream)]
    sounds = list(container.streams.audio)
    if not pictures and not sounds:
        raise NotMedia("The file holds neither pictures nor sound.")
    picture = next((stream for stream in pictures if _is_decodable(stream)), None)
    heard = [stream for stream in sounds if _is_decodable(stream)]
    if picture is None and not heard:
        raise UnknownCodec("The file is in a format that cannot be decoded here.")
    if len(heard) < len(sounds) or (picture is None and pictures):
        log.warning("asset %s: streams left out, for no decoder knows them", asset_id[:12])

    demuxer = container.format.name.split(",")[0]
    streams = [stream for stream in (picture, *heard) if stream is not None]
    duration = _duration(container, demuxer, streams)
    name = _container_name(demuxer, shape, has_picture=picture is not None)
    with_picture, sound_alone = _MEDIA_TYPES.get(name, (f"video/x-{name}", f"audio/x-{name}"))
    return MediaAsset(
        id=asset_id,
        size_bytes=size_bytes,
        container=name,
        media_type=with_picture if picture is not None else sound_alone,
        duration=duration,
        video=_video(container, picture, duration) if picture is not None else None,
        audio=tuple(_audio(container, stream) for stream in heard),
        bit_rate=round(size_bytes * 8 / duration),
    )


def _is_cover(stream: av.VideoStream) -> bool:
    from av.stream import Disposition

    return bool(stream.disposition & (Disposition.attached_pic | Disposition.timed_thumbnails))


def _is_decodable(stream: Any) -> bool:
    context = stream.codec_context
    if context is None:
        return False
    if stream.type == "video":
        return context.width > 0 and context.height > 0
    return context.channels > 0 and context.sample_rate > 0


def _container_name(demuxer: str, shape: Layout, *, has_picture: bool) -> str:
    if demuxer == "mov":
        if shape.is_quicktime:
            return "mov"
        return "mp4" if has_picture else "m4a"
    if demuxer == "matroska":
        return "webm" if shape.doc_type == "webm" else "matroska"
    return _DEMUXED_AS.get(demuxer, demuxer)


# Durations


def _duration(container: av.container.InputContainer, demuxer: str, streams: list[Any]) -> float:
    """How long the file plays, in seconds: what it claims, unless its packets tell another story."""
    claimed = _claimed(container, streams)
    if demuxer in _WITHOUT_A_CLOCK:
        duration = _counted(container, streams[0]) or claimed or 0.0
    else:
        found = _last_end(container, streams, max(0.0, (claimed or 0.0) - 1.0))
        # A claim may be a little off: a last picture that is held has no length of its own in some containers.
        is_believed = claimed is not None and found - 1 <= claimed <= 1.1 * found + 10 and found > 0
        duration = claimed if is_believed else found
    if not duration > 0 or not math.isfinite(duration):
        raise NoDuration("The file plays for no time at all.")
    return round(duration, 6)


def _claimed(container: av.container.InputContainer, streams: list[Any]) -> float | None:
    lengths = [float(stream.duration * stream.time_base) for stream in streams if stream.duration]
    whole = container.duration / 1_000_000 if container.duration else 0.0
    longest = whole if whole > 0 else max(lengths, default=0.0)
    return longest if longest > 0 else None


def _last_end(container: av.container.InputContainer, streams: list[Any], near: float) -> float:
    """Where the last packet from ``near`` on ends, in seconds after the file's start; 0 when there is none."""
    import av

    start = _start(container)
    for begin in dict.fromkeys((near, 0.0)):
        # Where a file cannot be searched it is read on from where it stands.
        with suppress(av.error.FFmpegError):
            container.seek(int((start + begin) * 1_000_000), backward=True)
        end = max((_end(packet) for packet in _packets(container, streams)), default=start) - start
        if end > 0:
            return end
    return 0.0


def _counted(container: av.container.InputContainer, stream: Any) -> float:
    """The lengths of all packets together, in seconds."""
    return sum(float((packet.duration or 0) * packet.time_base) for packet in _packets(container, [stream]))


def _start(container: av.container.InputContainer) -> float:
    return (container.start_time or 0) / 1_000_000


def _packets(container: av.container.InputContainer, streams: list[Any]) -> Iterator[av.Packet]:
    """The packets from here to the end; a damaged end ends them quietly."""
    import av

    with suppress(av.error.FFmpegError):
        for packet in container.demux(streams):
            if packet.size:
                yield packet


def _begin(packet: av.Packet) -> float | None:
    time = packet.pts if packet.pts is not None else packet.dts
    return None if time is None else float(time * packet.time_base)


def _end(packet: av.Packet) -> float:
    begin = _begin(packet)
    return -math.inf if begin is None else begin + float((packet.duration or 0) * packet.time_base)


# Streams


def _video(container: av.container.InputContainer, stream: av.VideoStream, duration: float) -> VideoStream:
    rate = stream.average_rate or stream.guessed_rate
    return VideoStream(
        codec=stream.codec_context.codec.canonical_name,
        width=stream.codec_context.width,
        height=stream.codec_context.height,
        frame_rate=round(float(rate), 6) if rate else None,
        key_frame_spacing=_key_frame_spacing(container, stream, duration),
        rotation=_rotation(container, stream),
    )


def _audio(container: av.container.InputContainer, stream: av.AudioStream) -> AudioStream:
    begin = float(stream.start_time * stream.time_base) if stream.start_time is not None else _start(container)
    language = stream.metadata.get("language")
    return AudioStream(
        codec=stream.codec_context.codec.canonical_name,
        channels=stream.codec_context.channels,
        sample_rate=stream.codec_context.sample_rate,
        language=None if language in (None, "", "und") else language,
        start=round(max(0.0, begin - _start(container)), 4),
    )


def _rotation(container: av.container.InputContainer, stream: av.VideoStream) -> int:
    """Degrees clockwise, a multiple of 90, from the first picture: PyAV shows the display matrix only there."""
    import av

    _rewind(container)
    with suppress(av.error.FFmpegError):
        for packet in itertools.islice(container.demux(stream), ROTATION_PACKETS):
            with suppress(av.error.FFmpegError):
                for frame in packet.decode():
                    return round(-frame.rotation / 90) * 90 % 360
    return 0


def _rewind(container: av.container.InputContainer) -> None:
    import av

    with suppress(av.error.FFmpegError):
        container.seek(container.start_time or 0, backward=True)


def _key_frame_spacing(container: av.container.InputContainer, stream: av.VideoStream, duration: float) -> float | None:
    """The longest stretch without a key frame in the first two minutes, in seconds."""
    horizon = min(duration, KEY_FRAME_SECONDS)
    _rewind(container)
    first = last = longest = None
    latest = 0.0
    for time, is_key in _bounded(_times(_packets(container, [stream]))):
        first = time if first is None else first
        latest = max(latest, time - first)
        if is_key:
            longest = max(longest or 0.0, time - first - last) if last is not None else 0.0
            last = time - first
        if latest >= horizon:
            break
    if last is None:
        return None
    return round(max(longest, min(max(latest, 0.0), horizon) - last), 6) or None


def _times(packets: Iterable[av.Packet]) -> Iterator[tuple[float, bool, int]]:
    for packet in packets:
        time = _begin(packet)
        if time is not None:
            yield time, packet.is_keyframe, packet.size


def _bounded(times: Iterable[tuple[float, bool, int]]) -> Iterator[tuple[float, bool]]:
    read = 0
    for time, is_key, size in itertools.islice(times, KEY_FRAME_PACKETS):
        yield time, is_key
        read += size
        if read > KEY_FRAME_BYTES:
            return
