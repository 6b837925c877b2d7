"""The clip's clock: how a stretch of a file is read so that second 0 of what is made of it is the stretch's start."""

from __future__ import annotations

from pathlib import Path

from lib.domain.media import MediaAsset
from lib.media.ffmpeg import file_url, input_options

_SEARCHED_BY_TIME = {"mpegts", "mpeg", "ogg"}
"""Containers without an index, whose clock may jump."""


def read_from(source: Path, start: float, asset: MediaAsset) -> list[str]:
    """The source from the key frame before ``start`` on; the filters drop what lies before it.

    ``-accurate_seek``, the default, would drop it earlier: of a screen recording that shows one picture for a
    minute, the picture shown at ``start`` would be lost.
    """
    begin = start - lead_of(start, asset)
    search = ["-noaccurate_seek", "-ss", seconds(begin)] if begin else []
    return [*opened(), *search, "-i", file_url(source)]


def opened() -> list[str]:
    """What ffmpeg is told before it opens a file."""
    return [word for name, value in input_options().items() for word in (f"-{name}", value)]


def lead_of(start: float, asset: MediaAsset) -> float:
    """How much earlier than ``start`` reading begins, in seconds.

    Containers without an index are searched by time, and the search may end behind the key frame that is needed.
    """
    if asset.container not in _SEARCHED_BY_TIME:
        return 0.0
    spacing = asset.video.key_frame_spacing if asset.video is not None else None
    return min(start, max(10.0, 2 * (spacing or 0.0)))


def kept(asset: MediaAsset, duration: float) -> list[str]:
    """Make ffmpeg read every stream, and throw away what it read.

    In containers whose clock may jump it moves second 0 to the first stream that is used ("Correcting start time"):
    a sound that begins 5 s after the pictures would begin at 0.
    """
    if asset.container not in _SEARCHED_BY_TIME:
        return []
    return ["-map", "0:V?", "-map", "0:a?", "-c", "copy", "-t", seconds(duration), "-f", "null", "-"]


def sound_filter(start: float, duration: float, asset: MediaAsset) -> str:
    """Sound on the clock of the clip: what lies before second 0 is cut, gaps and a late beginning become silence.

    A sound that ends before the clip begins still gives a tenth of a second of silence: an empty track is refused.
    """
    # A broadcast may change its sound from stereo to 5.1 in the middle. That starts the filters anew, and they would
    # fill up from second 0 again: there, only a beginning known to be late is filled. Elsewhere sound never changes,
    # but a call's recording leaves out packets where nobody speaks.
    is_filled = asset.container not in _SEARCHED_BY_TIME or asset.audio[0].start > start
    resample = "aresample=async=1:first_pts=0" if is_filled else "aresample=async=1"
    silence = seconds(min(duration, 0.1))
    return f"asetpts=PTS-{seconds(lead_of(start, asset))}/TB,atrim=start=0,{resample},apad=whole_dur={silence}"


def seconds(time: float) -> str:
    """A time as ffmpeg takes it, to the microsecond."""
    return f"{time:.6f}"
