"""Making renditions: the stretch of an asset that a model needs, in the fewest bytes that serve it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from lib.domain import renditions
from lib.domain.media import MediaAsset
from lib.errors import MediaError, MediaTooLong, NoPicture, NoSound
from lib.media.ffmpeg import file_url, input_options, run_ffmpeg

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 4

PICTURE_TOLERANCE = 0.02
"""A picture that begins so many seconds after the full second still counts as shown then: times are rounded, to a
millisecond in Matroska, and ``start`` seldom falls on a tick."""

DECODING = ("-reinit_filter:v", "0", "-skip_loop_filter:v", "noref")
"""A change of size in the middle (a call, a broadcast) must not start the filters, and so the clock, anew. Smoothing
pictures that no other is made from is a tenth of the work, and cannot be seen at this size. (Skipping them would save
a quarter more, and lose the pictures of a screen recording that changes every few seconds.)"""

_SEARCHED_BY_TIME = {"mpegts", "mpeg", "ogg"}
"""Containers without an index, whose clock may jump."""


@dataclass(frozen=True, slots=True)
class VideoRecipe:
    """How pictures and sound are re-encoded. ``width`` bounds both sides, in pixels; bit rates are per second.

    ``video_bit_rate`` is a ceiling; None leaves it to the limit in bytes. A lower ``crf`` is a better picture.
    """

    width: int = 640
    frame_rate: float = 1.0
    audio_bit_rate: int = renditions.AUDIO_BIT_RATE
    video_bit_rate: int | None = None
    crf: int = 30


SPEECH = VideoRecipe()


def encode_video(
    source: Path,
    target: Path,
    *,
    start: float,
    end: float,
    asset: MediaAsset,
    limit_bytes: int,
    recipe: VideoRecipe = SPEECH,
    on_progress: Callable[[float], None] | None = None,
) -> int:
    """Write a stretch of the source as H.264 mp4 with mono AAC, at most ``limit_bytes``, and return its size.

    Second 0 of the target is ``start`` of the source, for pictures and sound alike, wherever its streams begin; the
    picture at second n is the one the source shows at ``start + n``. Turned as the source is meant to be watched,
    never enlarged. ``on_progress`` is given the share done; what it raises ends the work and comes through.
    Raises NoPicture, MediaTooLong when it cannot be made to fit, and what ``run_ffmpeg`` raises.
    """
    if asset.video is None:
        raise NoPicture("The file has no pictures.")
    duration = end - start
    rates = renditions.video_bit_rates(duration, asset.has_sound, limit_bytes, audio_bit_rate=recipe.audio_bit_rate)
    if rates is None:
        raise _too_long(duration, limit_bytes)
    ceiling = min(rates.video, recipe.video_bit_rate or rates.video)
    recipe = replace(recipe, audio_bit_rate=rates.audio, video_bit_rate=ceiling)
    for _ in range(MAX_ATTEMPTS):
        arguments = _video_arguments(source, target, start, duration, asset, recipe)
        run_ffmpeg(arguments, duration=duration, on_progress=on_progress)
        size_bytes = target.stat().st_size
        if size_bytes <= limit_bytes:
            return size_bytes
        log.info("asset %s: %d bytes made, %d allowed; once more, smaller", asset.id[:12], size_bytes, limit_bytes)
        recipe = _smaller(recipe, size_bytes / limit_bytes)
    raise _too_long(duration, limit_bytes)


def encode_audio(
    source: Path,
    target: Path,
    *,
    start: float,
    end: float,
    asset: MediaAsset,
    limit_bytes: int,
    on_progress: Callable[[float], None] | None = None,
) -> int:
    """Write the sound of a stretch as mono mp3 of at most ``limit_bytes`` and return its size.

    Second 0 of the target is ``start`` of the source: sound that begins later has silence before it.
    Raises NoSound, MediaTooLong when it cannot be made to fit, and what ``run_ffmpeg`` raises.
    """
    if not asset.has_sound:
        raise NoSound("The file has no sound.")
    duration = end - start
    best = renditions.audio_bit_rate(duration, limit_bytes)
    for bit_rate in renditions.AUDIO_ALONE_BIT_RATES:
        if best is None or bit_rate > best:
            continue
        arguments = [
            *_input(source, start, asset),
            *("-map", "0:a:0", "-vn", "-sn", "-dn", "-map_metadata", "-1", "-map_chapters", "-1"),
            *("-af", _sound_filter(start, duration, asset), "-ac", "1", "-ar", _mp3_sample_rate(bit_rate)),
            *("-c:a", "libmp3lame", "-b:a", str(bit_rate), "-t", _seconds(duration), "-f", "mp3", file_url(target)),
            *_clock_kept(asset, duration),
        ]
        run_ffmpeg(arguments, duration=duration, on_progress=on_progress)
        size_bytes = target.stat().st_size
        if size_bytes <= limit_bytes:
            return size_bytes
    raise _too_long(duration, limit_bytes)


def _video_arguments(
    source: Path, target: Path, start: float, duration: float, asset: MediaAsset, recipe: VideoRecipe
) -> list[str]:
    lead = _lead(start, asset)
    arguments = [
        *DECODING,
        *_input(source, start, asset),
        # V leaves out cover art.
        *("-map", "0:V:0", "-sn", "-dn", "-map_metadata", "-1", "-map_chapters", "-1"),
        *("-vf", _picture_filter(recipe, lead), "-c:v", "libx264", "-preset", "veryfast", "-crf", str(recipe.crf)),
        *_ceiling(recipe.video_bit_rate, duration),
        # Without B-frames the first picture needs no edit list, which some readers ignore: two seconds off.
        *("-bf", "0", "-g", "60", "-pix_fmt", "yuv420p"),
    ]
    if recipe.audio_bit_rate and asset.has_sound:
        arguments += ["-map", "0:a:0", "-af", _sound_filter(start, duration, asset), "-ac", "1", "-ar", "24000"]
        arguments += ["-c:a", "aac", "-b:a", str(recipe.audio_bit_rate)]
    arguments += ["-t", _seconds(duration), "-movflags", "+faststart", "-f", "mp4", file_url(target)]
    return arguments + _clock_kept(asset, duration)


def _input(source: Path, start: float, asset: MediaAsset) -> list[str]:
    """The source from the key frame before ``start`` on; the filters drop what lies before it.

    ``-accurate_seek``, the default, would drop it earlier: of a screen recording that shows one picture for a
    minute, the picture shown at ``start`` would be lost.
    """
    options = input_options()
    arguments = [word for name, value in options.items() for word in (f"-{name}", value)]
    if begin := start - _lead(start, asset):
        arguments += ["-noaccurate_seek", "-ss", _seconds(begin)]
    return [*arguments, "-i", file_url(source)]


def _lead(start: float, asset: MediaAsset) -> float:
    """How much earlier than ``start`` reading begins, in seconds.

    Containers without an index are searched by time, and the search may end behind the key frame that is needed.
    """
    if asset.container not in _SEARCHED_BY_TIME:
        return 0.0
    spacing = asset.video.key_frame_spacing if asset.video is not None else None
    return min(start, max(10.0, 2 * (spacing or 0.0)))


def _clock_kept(asset: MediaAsset, duration: float) -> list[str]:
    """Make ffmpeg read every stream, and throw away what it read.

    In containers whose clock may jump it moves second 0 to the first stream that is used ("Correcting start time"):
    a sound that begins 5 s after the pictures would begin at 0.
    """
    if asset.container not in _SEARCHED_BY_TIME:
        return []
    return ["-map", "0:V?", "-map", "0:a?", "-c", "copy", "-t", _seconds(duration), "-f", "null", "-"]


def _picture_filter(recipe: VideoRecipe, lead: float) -> str:
    # Rounded up, second n gets the last picture at or before n; the default takes pictures up to half a second ahead.
    # Pictures that end before the sound does are held, as players do, and even where the clip begins after their end.
    tick = f"fps={recipe.frame_rate:g}:round=up"
    rate = f"{tick},tpad=stop=-1:stop_mode=clone,{tick}:start_time=0"
    # Square pixels, both sides even and within the bound, never enlarged.
    shrink = f"min(1,{recipe.width}/max(iw*sar,ih))"
    size = f"scale=w='max(2,2*trunc(iw*sar*{shrink}/2))':h='max(2,2*trunc(ih*{shrink}/2))'"
    # A first picture that comes late (often by 20 ms) is shown from second 0 on; else that of second 1 would be.
    time = f"PTS-{_seconds(lead + PICTURE_TOLERANCE)}/TB"
    # In a time base of whole seconds the end of the clip would be rounded, and its last picture lost.
    return f"setpts='if(N,{time},min(0,{time}))',{rate},settb=1/1000,{size},setsar=1,format=yuv420p"


def _sound_filter(start: float, duration: float, asset: MediaAsset) -> str:
    """Sound on the clock of the clip: what lies before second 0 is cut, gaps and a late beginning become silence.

    A sound that ends before the clip begins still gives a tenth of a second of silence: an empty track is refused.
    """
    # A broadcast may change its sound from stereo to 5.1 in the middle. That starts the filters anew, and they would
    # fill up from second 0 again: there, only a beginning known to be late is filled. Elsewhere sound never changes,
    # but a call's recording leaves out packets where nobody speaks.
    is_filled = asset.container not in _SEARCHED_BY_TIME or asset.audio[0].start > start
    resample = "aresample=async=1:first_pts=0" if is_filled else "aresample=async=1"
    silence = _seconds(min(duration, 0.1))
    lead = _seconds(_lead(start, asset))
    return f"asetpts=PTS-{lead}/TB,atrim=start=0,{resample},apad=whole_dur={silence}"


def _ceiling(bit_rate: int, duration: float) -> list[str]:
    """Hold the pictures below a bit rate over the whole: what the buffer may add is taken off the rate."""
    buffered = min(10.0, duration / 4)
    rate = max(1000, int(bit_rate * duration / (duration + buffered)))
    return ["-maxrate", str(rate), "-bufsize", str(max(1000, int(rate * max(buffered, 1.0))))]


def _smaller(recipe: VideoRecipe, excess: float) -> VideoRecipe:
    """A recipe for fewer bytes, by what the last one had too many."""
    return replace(
        recipe,
        width=max(160, int(recipe.width * 0.75)),
        video_bit_rate=max(1000, int(recipe.video_bit_rate / excess * 0.9)),
        audio_bit_rate=min(recipe.audio_bit_rate, renditions.AUDIO_FLOOR_BIT_RATE),
        crf=min(40, recipe.crf + 3),
    )


def _mp3_sample_rate(bit_rate: int) -> str:
    # MPEG-2 rates: below 32 kbit/s the bits go further when nothing above 8 kHz, of no use to speech, is kept.
    return "24000" if bit_rate >= 32_000 else "16000"


def _seconds(time: float) -> str:
    return f"{time:.6f}"


def _too_long(duration: float, limit_bytes: int) -> MediaError:
    length = f"{duration / 60:.0f} minutes" if duration >= 120 else f"{duration:.0f} seconds"
    return MediaTooLong(f"{length} do not fit into {limit_bytes / 1_000_000:g} MB, however small they are made.")
