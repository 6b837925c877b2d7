"""The clip's clock: how stretches of a file are read so that second 0 of what is made of each is its start."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from lib.domain.excerpt import Excerpt
from lib.domain.media import Clip, MediaAsset
from lib.media.ffmpeg import file_url, input_options

_SEARCHED_BY_TIME = {"mpegts", "mpeg", "ogg"}
"""Containers without an index, whose clock may jump."""


def read_from(source: Path, excerpt: Excerpt, asset: MediaAsset, decoding: tuple[str, ...] = ()) -> list[str]:
    """The source once for each stretch, from the key frame before it on; the filters drop what lies before it.

    ``decoding`` is said of each. ``-accurate_seek``, the default, would drop it earlier: of a screen recording that
    shows one picture for a minute, the picture shown at the start would be lost.
    """
    arguments = []
    for stretch in excerpt.stretches:
        begin = stretch.start - lead_of(stretch.start, asset)
        search = ["-noaccurate_seek", "-ss", seconds(begin)] if begin else []
        arguments += [*decoding, *opened(), *search, "-i", file_url(source)]
    return arguments


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


def as_it_begins() -> tuple[str, ...]:
    """Fail where the sound changes (from stereo to 5.1, as broadcasts do) rather than start its filters anew: those
    that join several stretches would wait for ever for the ones that have ended."""
    return ("-reinit_filter:a", "0")


def slots(excerpt: Excerpt) -> list[float]:
    """How many seconds each stretch takes, with the pause after it: whole ones but for the last."""
    return [*(other - one for one, other in pairwise(excerpt.begins)), excerpt.stretches[-1].duration]


def kept(asset: MediaAsset, excerpt: Excerpt) -> list[str]:
    """Make ffmpeg read every stream, and throw away what it read.

    In containers whose clock may jump it moves second 0 to the first stream that is used ("Correcting start time"):
    a sound that begins 5 s after the pictures would begin at 0.
    """
    # Of joined stretches the second would wait for the first and the first for the second: see ``_zero_of``.
    if asset.container not in _SEARCHED_BY_TIME or excerpt.is_joined:
        return []
    streams = ["-map", "0:V?", "-map", "0:a?", "-c", "copy"]
    return [*streams, "-t", seconds(excerpt.length), "-f", "null", "-"]


def sound_graph(excerpt: Excerpt, asset: MediaAsset, *, is_alone: bool = False) -> str:
    """Sound on the joined clock, under the name ``[sound]``; between two stretches there is silence.

    ``is_alone``: nothing but the sound is taken from the source.
    """
    chains = [
        f"[{at}:a:{asset.sound_index}]"
        f"{_joined_sound_filter(stretch, slot, _zero_of(stretch.start, asset, is_alone))}[sound{at}]"
        for at, (stretch, slot) in enumerate(zip(excerpt.stretches, slots(excerpt), strict=True))
    ]
    names = "".join(f"[sound{at}]" for at in range(len(chains)))
    return ";".join([*chains, f"{names}concat=n={len(chains)}:v=0:a=1[sound]"])


def slot_filter(stretch: Clip, slot: float, asset: MediaAsset) -> str:
    """The sound of one stretch, and silence to the end of its slot, whatever changes in it."""
    sound = sound_filter(stretch.start, stretch.duration, asset, may_change=True)
    return f"{sound},atrim=end={seconds(stretch.duration)},apad=whole_dur={seconds(slot)}"


def _zero_of(start: float, asset: MediaAsset, is_alone: bool) -> float:
    """Where on the asset's clock second 0 lies of what is read for a stretch that begins at ``start``."""
    zero = start - lead_of(start, asset)
    # See ``kept``: the sound's own beginning becomes second 0 where it comes after the place that was searched.
    is_moved = is_alone and asset.container in _SEARCHED_BY_TIME
    return max(zero, asset.audio[0].start) if is_moved else zero


def sound_filter(start: float, duration: float, asset: MediaAsset, *, may_change: bool = False) -> str:
    """Sound on the clock of the clip: what lies before second 0 is cut, gaps and a late beginning become silence.

    A sound that ends before the clip begins still gives a tenth of a second of silence: an empty track is refused.
    """
    # A broadcast may change its sound from stereo to 5.1 in the middle. That starts the filters anew, and they would
    # fill up from second 0 again: there, only a beginning known to be late is filled. Elsewhere sound never changes,
    # but a call's recording leaves out packets where nobody speaks.
    may_change = may_change or asset.container in _SEARCHED_BY_TIME
    is_filled = not may_change or asset.audio[0].start > start
    resample = "aresample=async=1:first_pts=0" if is_filled else "aresample=async=1"
    silence = seconds(min(duration, 0.1))
    return f"asetpts=PTS-{seconds(lead_of(start, asset))}/TB,atrim=start=0,{resample},apad=whole_dur={silence}"


def _joined_sound_filter(stretch: Clip, slot: float, zero: float) -> str:
    """The same for a stretch that others follow: it fills its slot to the sample, or they would come early."""
    cut = f"asetpts=PTS-({seconds(stretch.start - zero)})/TB,atrim=start=0:end={seconds(stretch.duration)}"
    return (
        f"{cut},aresample=async=1:first_pts=0,apad=whole_dur={seconds(slot)},asetpts=N/SR/TB,atrim=end={seconds(slot)}"
    )


def seconds(time: float) -> str:
    """A time as ffmpeg takes it, to the microsecond."""
    return f"{time:.6f}"
