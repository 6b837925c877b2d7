"""What is in a media file, found by looking into it: its name and its own claims are not believed."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lib.domain.media import AudioStream, MediaAsset, VideoStream
from lib.errors import EmptyFile, InputError, MediaTooHeavy, NoDuration, NotMedia, TruncatedMedia, UnknownCodec
from lib.media.boxes import Layout, layout
from lib.media.ffmpeg import decoder_options, file_url, input_options
from lib.media.limits import limits

if TYPE_CHECKING:
    import av

log = logging.getLogger(__name__)

KEY_FRAME_SECONDS = 120.0
KEY_FRAME_PACKETS = 20_000
KEY_FRAME_BYTES = 300_000_000
"""How much of a file is read to measure the spacing of its key frames: this far, and no further."""

SAMPLE_RATES = (2_000, 768_000)
MOST_CHANNELS = 64
"""What sound may be. A packet at one sample a second would unpack to hours."""

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
    Raises EmptyFile, NotMedia, TruncatedMedia, UnknownCodec, NoDuration, and MediaTooHeavy for what goes beyond
    ``lib.media.limits``. A stranger's file is looked into by ``lib.media.apart``: opening it is not bounded here.
    """
    if size_bytes == 0:
        raise EmptyFile("The file is empty.")
    shape = layout(path)
    if shape.is_cut:
        raise TruncatedMedia("The file ends before its own end: part of it is missing.")
    if shape.is_image:
        raise NotMedia("The file is a picture, not a video or sound.")
    # With the decoders' limit a picture that is too large would have no size at all.
    with opened(path, shape, decoding={}) as container:
        return _asset(container, path, shape, asset_id, size_bytes)


def opened(
    path: Path, shape: Layout | None = None, decoding: dict[str, str] | None = None
) -> av.container.InputContainer:
    """The file, open for reading, with the limits that all inputs have.

    Raises InputError, TruncatedMedia, NotMedia, MediaTooHeavy.
    """
    import av

    try:
        return av.open(
            file_url(path),
            options=decoder_options() if decoding is None else decoding,
            container_options=input_options(),
            metadata_errors="replace",
        )
    except MemoryError as exc:
        raise MediaTooHeavy("The file has more tracks, or needs more memory, than is allowed here.") from exc
    except FileNotFoundError as exc:
        raise InputError("The file is no longer there.", "Choose the file again.") from exc
    except (av.error.FFmpegError, ValueError) as exc:
        if shape is not None and shape.is_ragged:
            raise TruncatedMedia("The recording breaks off where nothing can be read any more.") from exc
        raise NotMedia("The file is neither a video nor sound.") from exc


def _asset(
    container: av.container.InputContainer, path: Path, shape: Layout, asset_id: str, size_bytes: int
) -> MediaAsset:
    pictures = [stream for stream in container.streams.video if not is_cover(stream)]
    sounds = list(container.streams.audio)
    if not pictures and not sounds:
        raise NotMedia("The file holds neither pictures nor sound.")
    picture = next((stream for stream in pictures if _is_decodable(stream)), None)
    heard = [stream for stream in sounds if _is_decodable(stream)]
    if picture is None and not heard:
        raise UnknownCodec("The file is in a format that cannot be decoded here.")
    if len(heard) < len(sounds) or (picture is None and pictures):
        log.warning("asset %s: streams left out, for no decoder knows them", asset_id[:12])

    _weigh(container)
    demuxer = container.format.name.split(",")[0]
    streams = [stream for stream in (picture, *heard) if stream is not None]
    # In this order: the beginning is read while the container still stands there, for not every one can go back.
    video = _video(container, picture) if picture is not None else None
    audio = tuple(_audio(container, stream, index) for index, stream in enumerate(sounds) if stream in heard)
    duration = _duration(container, path, demuxer, streams)
    if duration > limits().seconds:
        raise MediaTooHeavy(f"The file plays for {duration / 3600:,.0f} hours; the limit is {limits().hours_words}.")
    name = _container_name(demuxer, shape, has_picture=picture is not None)
    with_picture, sound_alone = _MEDIA_TYPES.get(name, (f"video/x-{name}", f"audio/x-{name}"))
    return MediaAsset(
        id=asset_id,
        size_bytes=size_bytes,
        container=name,
        media_type=with_picture if picture is not None else sound_alone,
        duration=duration,
        video=video,
        audio=audio,
        bit_rate=round(size_bytes * 8 / duration),
    )


def _weigh(container: av.container.InputContainer) -> None:
    """Raises MediaTooHeavy where a track asks for more than is allowed, before any of it is decoded here."""
    if len(container.streams) > limits().streams:
        raise MediaTooHeavy(f"The file has more than {limits().streams} tracks.")
    for stream in container.streams.video:
        context = stream.codec_context
        if context is not None and context.width * context.height > limits().pixels:
            size = f"{context.width} × {context.height}"
            raise MediaTooHeavy(f"Its pictures are {size}; the limit is {limits().pixels_words}.")
    for stream in container.streams.audio:
        context = stream.codec_context
        if context is None or not context.sample_rate:
            continue
        if not SAMPLE_RATES[0] <= context.sample_rate <= SAMPLE_RATES[1] or context.channels > MOST_CHANNELS:
            raise MediaTooHeavy(
                f"Its sound has {context.sample_rate:,} samples a second on {context.channels} channels, as none has."
            )


def is_cover(stream: av.VideoStream) -> bool:
    """Whether the pictures are a cover or thumbnails, and no video."""
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


def _duration(container: av.container.InputContainer, path: Path, demuxer: str, streams: list[Any]) -> float:
    """How long the file plays, in seconds: what it claims, unless its packets tell another story."""
    claimed = _claimed(container, streams)
    if demuxer in _WITHOUT_A_CLOCK:
        duration = _counted(path, streams[0].index) or claimed or 0.0
    else:
        found = _last_end(container, streams, claimed) or _whole_end(path, streams)
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


def _last_end(container: av.container.InputContainer, streams: list[Any], claimed: float | None) -> float:
    """Where the last packet ends, in seconds after the file's start; 0 when there is none from here on.

    Looked for near the claimed end; where the file makes no claim or cannot be searched, it is read on.
    """
    import av

    start = _start(container)
    if claimed is not None:
        with suppress(av.error.FFmpegError):
            container.seek(int((start + max(0.0, claimed - 1.0)) * 1_000_000), backward=True)
    return max((_end(packet) for packet in _packets(container, streams)), default=start) - start


def _whole_end(path: Path, streams: list[Any]) -> float:
    """The same, from the file's first packet on."""
    with opened(path) as container:
        return _last_end(container, [container.streams[stream.index] for stream in streams], None)


def _counted(path: Path, index: int) -> float:
    """The lengths of a stream's packets together, in seconds."""
    with opened(path) as container:
        packets = _packets(container, [container.streams[index]])
        return sum(float((packet.duration or 0) * packet.time_base) for packet in packets)


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


def _video(container: av.container.InputContainer, stream: av.VideoStream) -> VideoStream:
    rate = stream.average_rate or stream.guessed_rate
    beginning = _Beginning()
    for packet in _packets(container, [stream]):
        if not beginning.take(packet):
            break
    return VideoStream(
        codec=stream.codec_context.codec.canonical_name,
        width=stream.codec_context.width,
        height=stream.codec_context.height,
        frame_rate=round(float(rate), 6) if rate else None,
        rotation=beginning.rotation or 0,
        key_frame_spacing=beginning.key_frame_spacing,
    )


def _audio(container: av.container.InputContainer, stream: av.AudioStream, index: int) -> AudioStream:
    begin = float(stream.start_time * stream.time_base) if stream.start_time is not None else _start(container)
    language = stream.metadata.get("language")
    return AudioStream(
        codec=stream.codec_context.codec.canonical_name,
        channels=stream.codec_context.channels,
        sample_rate=stream.codec_context.sample_rate,
        language=None if language in (None, "", "und") else language,
        start=round(max(0.0, begin - _start(container)), 4),
        index=index,
        title=" ".join(stream.metadata.get("title", "").split()) or None,
    )


class _Beginning:
    """What the first packets of a stream of pictures tell: its rotation, and how far its key frames lie apart."""

    def __init__(self) -> None:
        self.rotation: int | None = None
        self.packets = 0
        self.bytes = 0
        self.first: float | None = None
        self.latest = 0.0
        self.last_key: float | None = None
        self.longest = 0.0

    def take(self, packet: av.Packet) -> bool:
        """Look at the next packet; false when enough have been seen."""
        self.packets += 1
        self.bytes += packet.size
        if self.rotation is None and self.packets <= ROTATION_PACKETS:
            self.rotation = _rotation(packet)
        time = _begin(packet)
        if time is not None:
            self.first = time if self.first is None else self.first
            self.latest = max(self.latest, time - self.first)
            if packet.is_keyframe:
                if self.last_key is not None:
                    self.longest = max(self.longest, time - self.first - self.last_key)
                self.last_key = time - self.first
        return self.latest < KEY_FRAME_SECONDS and self.packets < KEY_FRAME_PACKETS and self.bytes < KEY_FRAME_BYTES

    @property
    def key_frame_spacing(self) -> float | None:
        """The longest stretch without a key frame, in seconds, the one after the last key frame included."""
        if self.last_key is None:
            return None
        return round(max(self.longest, self.latest - self.last_key), 6) or None


def _rotation(packet: av.Packet) -> int | None:
    """Degrees clockwise, a multiple of 90. PyAV shows the display matrix only with a decoded picture."""
    import av

    with suppress(av.error.FFmpegError):
        for frame in packet.decode():
            return round(-frame.rotation / 90) * 90 % 360
    return None
