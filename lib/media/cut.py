"""Cutting without re-encoding: a stretch of a file as it is, from the key frame at or before its start."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lib.domain.media import MediaAsset
from lib.errors import MediaError, NoPicture
from lib.media import clock
from lib.media.ffmpeg import file_url, run_ffmpeg
from lib.media.key_frames import CLOCK_TOLERANCE, key_frame_before
from lib.media.probe import opened

CUT_CONTAINERS = frozenset({"mp4", "mov", "webm"})
"""The containers we write; the rest are no use to models."""

_HINT = "Choose a route that re-encodes."


@dataclass(frozen=True, slots=True)
class CutResult:
    """``start`` and ``end`` are where the cut truly begins and ends on the asset's clock, in seconds."""

    size_bytes: int
    start: float
    end: float


def cut(
    source: Path,
    target: Path,
    *,
    start: float,
    end: float,
    asset: MediaAsset,
    on_progress: Callable[[float], None] | None = None,
) -> CutResult:
    """Copy a stretch of the source's first pictures and of the asset's first track of sound, not re-encoded, into the
    same container.

    The cut begins with the key frame at or before ``start``: second 0 of the target is ``CutResult.start``, for
    pictures and sound alike, to a tenth of a second, and a few seconds before ``start`` may be in it. It ends at
    ``end``, to a tenth of a second as well. ``on_progress`` is given the share done; what it raises comes through.
    Raises NoPicture, MediaError for what cannot be cut this way (re-encode it), and what ``run_ffmpeg`` raises.
    """
    if asset.video is None:
        raise NoPicture("The file has no pictures.")
    if asset.container not in CUT_CONTAINERS:
        raise MediaError(f"A file of the kind {asset.container} is not cut without re-encoding.", _HINT)
    begin = key_frame_before(source, start)
    if begin is None:
        raise MediaError("No key frame stands before the clip: it cannot be cut without re-encoding.", _HINT)
    # Never later than the key frame, or it would be left out.
    begin = math.floor(begin * 1_000_000) / 1_000_000
    arguments = [
        *clock.opened(),
        *("-ss", clock.seconds(begin), "-i", file_url(source)),
        # V leaves out cover art.
        *(
            "-map",
            "0:V:0",
            "-map",
            f"0:a:{asset.sound_index}?",
            "-c",
            "copy",
            "-map_metadata",
            "-1",
            "-map_chapters",
            "-1",
        ),
        # Nothing from before the cut: it would have to be hidden by an edit list, which some readers ignore.
        *("-copypriorss", "0", "-t", clock.seconds(end - begin), "-movflags", "+faststart"),
        # The reader's thread hands each packet to the writer's. With the 8 places that ffmpeg gives them, one of the
        # two sleeps at nearly every packet, which takes as long as the copying (make bench, "cut").
        *("-thread_queue_size", "64"),
        *("-f", asset.container, file_url(target)),
    ]
    run_ffmpeg(arguments, duration=end - begin, on_progress=on_progress)
    return CutResult(target.stat().st_size, begin, begin + _checked_duration(target))


def _checked_duration(target: Path) -> float:
    """How long the cut plays, in seconds. Raises MediaError when its pictures do not begin with it."""
    with opened(target) as container:
        stream = container.streams.video[0]
        zero = (container.start_time or 0) / 1_000_000
        first = next((packet for packet in container.demux(stream) if packet.pts is not None), None)
        if first is None or not first.is_keyframe:
            raise MediaError("The clip cannot be cut without re-encoding.", _HINT)
        if float(first.pts * first.time_base) - zero > CLOCK_TOLERANCE:
            raise MediaError("The clip's pictures begin late: it cannot be cut without re-encoding.", _HINT)
        return container.duration / 1_000_000
