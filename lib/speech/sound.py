"""Sound out of a media file as the speech model takes it: mono, 16,000 samples a second, a block at a time."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from lib.errors import MediaError, MediaTooHeavy, NoSound, NotMedia, TruncatedMedia, UnknownCodec
from lib.media.ffmpeg import DEMUXERS, PROTOCOLS

if TYPE_CHECKING:
    import av
    import numpy as np

SAMPLE_RATE = 16_000

BLOCK = 30 * SAMPLE_RATE
"""Longest stretch of silence handed out at once, in samples."""
RUN_IN = 1.0
"""Seconds decoded and thrown away before a clip: AAC, MP3 and Opus need earlier frames to sound right."""
JUMP = 0.1
"""Sound whose clock is off by more seconds than this has a hole or an overlap; less is rounding of its times."""
LONGEST_FRAME = 60.0
"""Seconds that one decoded frame may last; those of honest codecs are shorter than a tenth."""
RESET = 10.0
"""A clock that goes back by more seconds than this began anew (joined recordings): the sound simply goes on."""

log = logging.getLogger(__name__)


class Sound:
    """One audio stream of a file from ``start`` to ``end``, in seconds on the file's clock. ``track`` counts the file's
    streams of sound from 0.

    The file's clock begins where its earliest stream begins, as for ffmpeg and for players. Sound that starts late
    or has holes is filled with silence, so sample ``n`` always lies at ``start + n / SAMPLE_RATE``. Only the stretch
    asked for is decoded, with what stands between it and the nearest place where the file can be entered, and only
    one block of it is in memory.

    ``duration`` is the file's own, in seconds, None where it does not say.
    Raises NotMedia for a file that cannot be read, NoSound where there is no audio stream, UnknownCodec where
    nothing here can decode it.
    """

    def __init__(self, path: Path, start: float = 0.0, end: float | None = None, track: int = 0) -> None:
        if start < 0 or (end is not None and end <= start):
            raise ValueError(f"a stretch of sound runs forward from zero, not {start}-{end}")
        self.path = path
        self.start = start
        self.end = end
        self.track = track
        self.fraction = 0.0
        """How far the reading is, from 0 to 1: by the clock, or by bytes where the file does not say how long it is."""
        with _open(path, track) as container:
            self.duration = None if container.duration is None else max(0.0, container.duration / 1_000_000)

    def blocks(self) -> Iterator[np.ndarray]:
        """One-dimensional int16 arrays of any length, one after the other. A torn file is heard as far as it goes;
        raises TruncatedMedia where nothing of it can be decoded."""
        import numpy as np

        cursor = round(self.start * SAMPLE_RATE)
        stop = None if self.end is None else round(self.end * SAMPLE_RATE)
        with _open(self.path, self.track) as container:
            for at, samples in self._samples(container):
                if at + len(samples) <= cursor:
                    continue
                while cursor < at and (stop is None or cursor < stop):
                    silence = min(at - cursor, BLOCK, BLOCK if stop is None else stop - cursor)
                    cursor += silence
                    yield np.zeros(silence, dtype=np.int16)
                samples = samples[max(0, cursor - at) : None if stop is None else max(0, stop - at)]
                if len(samples):
                    cursor += len(samples)
                    self._note_progress(cursor)
                    yield samples
                if stop is not None and cursor >= stop:
                    break
        self.fraction = 1.0

    def _samples(self, container: av.container.InputContainer) -> Iterator[tuple[int, np.ndarray]]:
        """Pairs of where on the file's clock, in samples, and what is heard there."""
        from av.audio.resampler import AudioResampler

        resampler, shape = None, None
        anchor, taken, made = 0.0, 0.0, 0  # a run of unbroken sound: its start, seconds put in, samples got out
        for time, frame in self._frames(container):
            broken = time is not None and self._jumps(time - (anchor + taken), time)
            if resampler is None or broken or shape != (frame.format.name, frame.layout.name, frame.sample_rate):
                if resampler is not None:
                    for out in resampler.resample(None):
                        yield round(anchor * SAMPLE_RATE) + made, out.to_ndarray()[0]
                anchor = time if time is not None and (resampler is None or broken) else anchor + taken
                taken, made = 0.0, 0
                resampler = AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
                shape = (frame.format.name, frame.layout.name, frame.sample_rate)
            taken += frame.samples / frame.sample_rate
            frame.pts = None  # the clock is kept here; the resampler would complain of rounded times
            for out in resampler.resample(frame):
                array = out.to_ndarray()[0]
                yield round(anchor * SAMPLE_RATE) + made, array
                made += len(array)
        if resampler is not None:
            for out in resampler.resample(None):
                yield round(anchor * SAMPLE_RATE) + made, out.to_ndarray()[0]

    def _jumps(self, off: float, time: float) -> bool:
        """Whether sound that is this many seconds off its clock is to be placed anew."""
        outside = self.duration is not None and time > self.duration + 1  # damage, not silence
        return abs(off) > JUMP and off > -RESET and not outside

    def _frames(self, container: av.container.InputContainer) -> Iterator[tuple[float | None, av.AudioFrame]]:
        """Decoded frames with their time on the file's clock, entered shortly before ``start``."""
        from av.error import FFmpegError
        from av.stream import Discard

        stream = container.streams.audio[self.track]
        for other in container.streams:
            if other.index != stream.index:
                other.discard = Discard.all
        origin = (container.start_time or 0) / 1_000_000
        entry = self.start - RUN_IN
        if entry > 0:
            try:
                container.seek(int((entry + origin) / stream.time_base), stream=stream)
                first, rest = _peek(self._decoded(container, stream, origin))
                if first is not None and first[0] is not None and first[0] <= self.start:
                    yield first
                    yield from rest
                    return
                log.info("seeking went astray; reading from the beginning")
            except FFmpegError as exc:
                log.info("this file cannot be entered in the middle (%s); reading from the beginning", exc)
            with _open(self.path, self.track) as anew:
                yield from self._decoded(anew, anew.streams.audio[self.track], origin)
            return
        yield from self._decoded(container, stream, origin)

    def _decoded(self, container, stream, origin: float) -> Iterator[tuple[float | None, av.AudioFrame]]:
        from av.error import FFmpegError

        good, damage = 0, None
        packets = container.demux(stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                break
            except FFmpegError as exc:
                damage = exc
                break
            if self.duration is None and packet.pos and container.size > 0:
                self.fraction = min(1.0, packet.pos / container.size)
            try:
                frames = packet.decode()
            except FFmpegError as exc:
                damage = exc
                continue
            for frame in frames:
                if frame.samples > LONGEST_FRAME * frame.sample_rate:
                    raise MediaTooHeavy("A few bytes of this sound unpack to minutes, as in no honest file.")
                if frame.samples:
                    good += 1
                    yield (None if frame.time is None else frame.time - origin), frame
        if damage is not None:
            log.warning("some of the sound cannot be decoded: %s", damage)
            if not good:
                raise TruncatedMedia("The sound of this file cannot be decoded.") from damage

    def _note_progress(self, cursor: int) -> None:
        ends = [end for end in (self.end, self.duration) if end is not None]
        if self.duration is not None and min(ends) > self.start:
            self.fraction = min(1.0, (cursor / SAMPLE_RATE - self.start) / (min(ends) - self.start))


def _peek(frames: Iterator) -> tuple[object, Iterator]:
    return next(frames, None), frames


def _open(path: Path, track: int) -> av.container.InputContainer:
    """The file opened for reading, its audio stream of that number known to be decodable."""
    import av

    try:
        # The scheme keeps names such as "concat:a.mp4" from being anything but names, and the lists keep playlists
        # from leading elsewhere.
        container = av.open(
            f"file:{Path(path).absolute()}",
            metadata_errors="ignore",
            options={"protocol_whitelist": PROTOCOLS, "format_whitelist": DEMUXERS},
        )
    except FileNotFoundError as exc:
        raise MediaError("The file is no longer there.", "Add it again.") from exc
    except (av.FFmpegError, OSError) as exc:
        raise NotMedia("This file cannot be read as sound or video.") from exc
    try:
        if not container.streams.audio:
            raise NoSound("This file has no sound.")
        if track >= len(container.streams.audio):
            raise NoSound(f"This file has no track {track + 1} of sound.", "Choose another track.")
        if container.streams.audio[track].codec_context is None:
            raise UnknownCodec("The sound of this file is in a format that cannot be decoded here.")
    except Exception:
        container.close()
        raise
    return container
