"""Making renditions: what a model needs of an asset, cut, joined and encoded in one pass, in the fewest bytes that
serve it."""

from __future__ import annotations

import logging
import math
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from lib.domain import renditions
from lib.domain.excerpt import Excerpt
from lib.domain.media import MediaAsset
from lib.errors import MediaError, MediaTooLong, NoPicture, NoSound
from lib.media import clock
from lib.media.clock import seconds
from lib.media.ffmpeg import file_url, run_ffmpeg
from lib.media.hardware import HardwareEncoder, encoder_arguments, hardware_encoders
from lib.media.key_frames import stand_alone

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 4

PICTURE_TOLERANCE = 0.02
"""A picture that begins so many seconds after the full second still counts as shown then: times are rounded, to a
millisecond in Matroska, and ``start`` seldom falls on a tick."""

DECODING = ("-reinit_filter:v", "0", "-skip_loop_filter:v", "bidir")
"""A change of size in the middle (a call, a broadcast) must not start the filters, and so the clock, anew. Smoothing
B-frames, from which few others are made, is a tenth of the work, and cannot be seen at this size (51 dB at worst).
(Skipping them would save a quarter more, and lose the pictures of a screen recording that changes every few seconds.
Decoding at half the size, which only older codecs can, saves next to nothing: -lowres was measured.)"""

KEY_FRAMES_ALONE = ("-bsf:v", "noise=drop=not(key)")
"""Let nothing but key frames through to the decoder. Not ``-skip_frame``: it hides the pictures from the search for
the file's beginning, and in Matroska sound that begins late begins at 0. Nor ``-discard nokey``: in mp4 it gives the
pictures times of others, a tenth of a second off."""


@dataclass(frozen=True, slots=True)
class VideoRecipe:
    """How pictures and sound are re-encoded. ``width`` bounds both sides, in pixels; bit rates are per second.

    ``video_bit_rate`` is a ceiling; None leaves it to the limit in bytes. ``usual_bit_rate`` is what the pictures
    take when nothing holds them back, ``floor_bit_rate`` what they need. A lower ``crf`` is a better picture.
    """

    width: int = 640
    frame_rate: float = 1.0
    audio_bit_rate: int = renditions.AUDIO_BIT_RATE
    video_bit_rate: int | None = None
    usual_bit_rate: int = renditions.VIDEO_BIT_RATE
    floor_bit_rate: int = renditions.VIDEO_FLOOR_BIT_RATE
    crf: int = 30


SPEECH = VideoRecipe()
"""Who speaks, and roughly where."""
VISUAL = VideoRecipe(
    width=960,
    usual_bit_rate=renditions.VISUAL_BIT_RATE,
    floor_bit_rate=renditions.VISUAL_FLOOR_BIT_RATE,
    crf=26,
)
"""What is written on a screen, and what happens in a scene."""


def encode_video(
    source: Path,
    target: Path,
    *,
    excerpt: Excerpt,
    asset: MediaAsset,
    limit_bytes: int,
    recipe: VideoRecipe = SPEECH,
    threads: int | None = None,
    on_progress: Callable[[float], None] | None = None,
) -> int:
    """Write an excerpt of the source as H.264 mp4 with mono AAC, at most ``limit_bytes``, and return its size.

    The target runs on the joined clock: second 0 is the excerpt's start, for pictures and sound alike, wherever the
    source's streams begin; the picture at second n of a stretch is the one that the source shows n seconds after its
    start, and the last is held to its end. Of several tracks of sound it holds the asset's first. Turned as the source
    is meant to be watched, never enlarged. ``threads`` is how many cores decode, None all of them: two parts at once
    with one each are done sooner than one after the other. ``on_progress`` is given the share done; what it raises ends
    the work and comes through.
    Raises NoPicture, MediaTooLong when it cannot be made to fit, and what ``run_ffmpeg`` raises.
    """
    work = _Work(source, target, excerpt, asset, threads)
    return _done(work, lambda work: _encode_pictures(work, limit_bytes, recipe, on_progress), on_progress)


def encode_key_frames(
    source: Path,
    target: Path,
    *,
    excerpt: Excerpt,
    asset: MediaAsset,
    limit_bytes: int,
    recipe: VideoRecipe = SPEECH,
    threads: int | None = None,
    on_progress: Callable[[float], None] | None = None,
) -> int:
    """As ``encode_video``, ten times faster, from the key frames alone: in the place of a picture stands the last key
    frame at or before it, late by up to the spacing of key frames.

    Where key frames cannot be decoded alone (see ``stand_alone``) every picture is decoded, as slow and as exact as
    ``encode_video``.
    """
    is_held = asset.video is not None and all(stand_alone(source, each.start) for each in excerpt.stretches)
    work = _Work(source, target, excerpt, asset, threads, is_held)
    return _done(work, lambda work: _encode_pictures(work, limit_bytes, recipe, on_progress), on_progress)


def encode_audio(
    source: Path,
    target: Path,
    *,
    excerpt: Excerpt,
    asset: MediaAsset,
    limit_bytes: int,
    on_progress: Callable[[float], None] | None = None,
) -> int:
    """Write the sound of an excerpt as mono mp3 of at most ``limit_bytes`` and return its size.

    Second 0 of the target is the excerpt's start: sound that begins later has silence before it.
    Raises NoSound, MediaTooLong when it cannot be made to fit, and what ``run_ffmpeg`` raises.
    """
    if not asset.has_sound:
        raise NoSound("The file has no sound.")
    work = _Work(source, target, excerpt, asset, threads=None)
    return _done(work, lambda work: _encode_sound(work, limit_bytes, on_progress), on_progress)


@dataclass(frozen=True, slots=True)
class _Work:
    """One excerpt to encode. ``is_held``: from key frames alone, each held until the next. ``sounds``: the sound of
    each stretch, where it was taken out before."""

    source: Path
    target: Path
    excerpt: Excerpt
    asset: MediaAsset
    threads: int | None
    is_held: bool = False
    sounds: tuple[Path, ...] = ()

    @property
    def duration(self) -> float:
        return self.excerpt.length

    @property
    def is_trial(self) -> bool:
        """Whether it may fail, and be done in another way then."""
        return self.excerpt.is_joined and self.asset.has_sound and not self.sounds


def _done(work: _Work, encode: Callable[[_Work], int], on_progress: Callable[[float], None] | None) -> int:
    """Encode in one run of ffmpeg; where the sound changes within a stretch, its stretches are taken out first."""
    try:
        return encode(work)
    except MediaTooLong:
        raise
    except MediaError:
        if not work.is_trial:
            raise
    with tempfile.TemporaryDirectory(dir=work.target.parent) as folder:
        return encode(replace(work, sounds=_sounds_apart(work, Path(folder), on_progress)))


def _sounds_apart(work: _Work, folder: Path, on_progress: Callable[[float], None] | None) -> tuple[Path, ...]:
    """The sound of each stretch, as long as its slot, in a file of its own."""
    made = []
    for stretch, slot in zip(work.excerpt.stretches, clock.slots(work.excerpt), strict=True):
        made.append(folder / f"{len(made)}.wav")
        single = Excerpt((stretch,))
        arguments = [
            *clock.read_from(work.source, single, work.asset),
            # No graph here either: see ``_sound_arguments``.
            *("-map", f"0:a:{work.asset.sound_index}", "-af", clock.slot_filter(stretch, slot, work.asset)),
            *("-ac", "1", "-ar", "24000", "-c:a", "pcm_s16le", "-t", seconds(slot), "-f", "wav", file_url(made[-1])),
            *clock.kept(work.asset, single),
        ]
        # Told as nothing done: it is the lesser part, and a share that runs back is a lie.
        run_ffmpeg(arguments, duration=slot, on_progress=on_progress and (lambda _share: on_progress(0.0)))
    return tuple(made)


def _encode_sound(work: _Work, limit_bytes: int, on_progress: Callable[[float], None] | None) -> int:
    best = renditions.audio_bit_rate(work.duration, limit_bytes)
    for bit_rate in renditions.AUDIO_ALONE_BIT_RATES:
        if best is None or bit_rate > best:
            continue
        source = [word for sound in work.sounds for word in ("-i", file_url(sound))]
        if not source:
            source = clock.read_from(work.source, work.excerpt, work.asset, _as_it_begins(work))
        arguments = [
            *source,
            *_sound_arguments(work, is_alone=True),
            *("-vn", "-sn", "-dn", "-map_metadata", "-1", "-map_chapters", "-1", "-ar", _mp3_sample_rate(bit_rate)),
            *("-c:a", "libmp3lame", "-compression_level", _mp3_effort(bit_rate), "-b:a", str(bit_rate)),
            *("-t", seconds(work.duration), "-f", "mp3", file_url(work.target)),
            *clock.kept(work.asset, work.excerpt),
        ]
        run_ffmpeg(arguments, duration=work.duration, on_progress=on_progress, is_trial=work.is_trial)
        size_bytes = work.target.stat().st_size
        if size_bytes <= limit_bytes:
            return size_bytes
    raise _too_long(work.duration, limit_bytes)


def _sound_arguments(work: _Work, *, is_alone: bool = False) -> list[str]:
    """The sound on the joined clock, as mono; the files it is in stand behind the source where that is read too."""
    first = 0 if is_alone else len(work.excerpt.stretches)
    if not work.excerpt.is_joined and not work.sounds:
        # Not as a graph of its own: where the sound begins late, ffmpeg 9 waits for it for ever beside ``clock.kept``.
        sound = clock.sound_filter(work.excerpt.start, work.excerpt.length, work.asset)
        return ["-map", f"0:a:{work.asset.sound_index}", "-af", sound, "-ac", "1"]
    graph = clock.sound_graph(work.excerpt, work.asset, is_alone=is_alone)
    if work.sounds:
        names = "".join(f"[{first + at}:a:0]" for at in range(len(work.sounds)))
        graph = f"{names}concat=n={len(work.sounds)}:v=0:a=1[sound]"
    return ["-filter_complex", graph, "-map", "[sound]", "-ac", "1"]


def _as_it_begins(work: _Work) -> tuple[str, ...]:
    return clock.as_it_begins() if work.excerpt.is_joined else ()


def _encode_pictures(
    work: _Work, limit_bytes: int, recipe: VideoRecipe, on_progress: Callable[[float], None] | None
) -> int:
    if work.asset.video is None:
        raise NoPicture("The file has no pictures.")
    rates = renditions.video_bit_rates(
        *(work.duration, work.asset.has_sound, limit_bytes),
        audio_bit_rate=recipe.audio_bit_rate,
        floor=recipe.floor_bit_rate,
    )
    if rates is None:
        raise _too_long(work.duration, limit_bytes)
    ceiling = min(rates.video, recipe.video_bit_rate or rates.video)
    recipe = replace(recipe, audio_bit_rate=rates.audio, video_bit_rate=ceiling)
    hardware = next(iter(hardware_encoders()), None)
    for _ in range(MAX_ATTEMPTS):
        size_bytes = _tried(work, recipe, hardware, on_progress) if hardware is not None else None
        hardware = None
        if size_bytes is None:
            arguments = _video_arguments(work, recipe, None)
            run_ffmpeg(arguments, duration=work.duration, on_progress=on_progress, is_trial=work.is_trial)
            size_bytes = work.target.stat().st_size
        if size_bytes <= limit_bytes:
            return size_bytes
        log.info("asset %s: %d bytes made, %d allowed; again", work.asset.id[:12], size_bytes, limit_bytes)
        recipe = _smaller(recipe, size_bytes / limit_bytes)
    raise _too_long(work.duration, limit_bytes)


def _tried(
    work: _Work, recipe: VideoRecipe, hardware: HardwareEncoder, on_progress: Callable[[float], None] | None
) -> int | None:
    """The size of what a hardware encoder made; None when it refused, as some do with small or odd pictures."""
    arguments = _video_arguments(work, recipe, hardware)
    try:
        run_ffmpeg(arguments, duration=work.duration, on_progress=on_progress, is_trial=True)
    except MediaError:
        return None
    return work.target.stat().st_size


def _video_arguments(work: _Work, recipe: VideoRecipe, hardware: HardwareEncoder | None) -> list[str]:
    excerpt, duration, asset = work.excerpt, work.duration, work.asset
    if hardware is None:
        coding = ["-c:v", "libx264", "-preset", "veryfast", "-crf", str(recipe.crf), "-pix_fmt", "yuv420p"]
    else:
        coding = encoder_arguments(hardware, min(recipe.usual_bit_rate, recipe.video_bit_rate))
    arguments = [
        *(hardware.before if hardware is not None else ()),
        *clock.read_from(work.source, excerpt, asset, _decoding(work)),
        *(word for sound in work.sounds for word in ("-i", file_url(sound))),
        *_picture_arguments(work, recipe, hardware.upload if hardware is not None else ""),
        *("-sn", "-dn", "-map_metadata", "-1", "-map_chapters", "-1"),
        *coding,
        *_ceiling(recipe.video_bit_rate, duration),
        # Without B-frames the first picture needs no edit list, which some readers ignore: two seconds off.
        *("-bf", "0", "-g", "60"),
        # The last picture lasts no longer than the clip.
        *("-bsf:v", f"setts=time_base=1/1000:prescale=1:duration=min(DURATION\\,max(1\\,{duration * 1000:.0f}-PTS))"),
    ]
    if recipe.audio_bit_rate and asset.has_sound:
        arguments += [*_sound_arguments(work), "-ar", "24000"]
        arguments += ["-c:a", "aac", "-aac_coder", _coder(recipe.audio_bit_rate), "-b:a", str(recipe.audio_bit_rate)]
    arguments += ["-t", seconds(duration), "-movflags", "+faststart", "-f", "mp4", file_url(work.target)]
    return arguments + clock.kept(asset, excerpt)


def _decoding(work: _Work) -> tuple[str, ...]:
    # The decoders of joined stretches work one after the other, each held up by the one before: more threads make
    # nothing faster, and take more memory.
    threads = 1 if work.excerpt.is_joined else work.threads
    alone = KEY_FRAMES_ALONE if work.is_held else ()
    return (*DECODING, *_as_it_begins(work), *alone, *(("-threads:v", str(threads)) if threads is not None else ()))


def _picture_arguments(work: _Work, recipe: VideoRecipe, upload: str) -> list[str]:
    """The pictures on the joined clock."""
    excerpt, asset = work.excerpt, work.asset
    if excerpt.is_joined:
        return ["-filter_complex", _picture_graph(work, recipe, upload), "-map", "[pictures]"]
    pictures = _picture_filter(recipe, clock.lead_of(excerpt.start, asset), is_held=work.is_held)
    return ["-map", "0:V:0", "-vf", f"{pictures}{upload}"]


def _picture_graph(work: _Work, recipe: VideoRecipe, upload: str) -> str:
    """The pictures of joined stretches, under the name ``[pictures]``."""
    excerpt, asset = work.excerpt, work.asset
    # V leaves out cover art.
    chains = [
        f"[{at}:V:0]{_picture_filter(recipe, clock.lead_of(stretch.start, asset), is_held=work.is_held)}"
        for at, stretch in enumerate(excerpt.stretches)
    ]
    ended = [
        f"{chain},trim=end_frame={math.ceil(round(slot * recipe.frame_rate, 3))}[picture{at}]"
        for at, (chain, slot) in enumerate(zip(chains, clock.slots(excerpt), strict=True))
    ]
    names = "".join(f"[picture{at}]" for at in range(len(ended)))
    # A stretch may be of another size than the first, as calls change theirs: unsafe lets it through to be scaled.
    # Their times are counted anew, for concat does not know how long a single picture is shown.
    joined = f"concat=n={len(ended)}:unsafe=1,scale=w=iw:h=ih,settb=1/1000,setpts=N/({recipe.frame_rate:g}*TB)"
    return ";".join([*ended, f"{names}{joined}{upload}[pictures]"])


def _picture_filter(recipe: VideoRecipe, lead: float, *, is_held: bool) -> str:
    # Rounded up, second n gets the last picture at or before n; the default takes pictures up to half a second ahead.
    # Pictures that end before the sound does are held, as players do, and even where the clip begins after their end.
    tick = f"fps={recipe.frame_rate:g}:round=up"
    # A last picture that ends before the next full second would be lost, were it not made longer first. By one more
    # than there is time for: of slides at a picture in ten seconds, it would be none.
    longer = f"tpad=stop_duration={1.5 / recipe.frame_rate:g}:stop_mode=clone,tpad=stop=1:stop_mode=clone"
    rate = f"{longer},{tick},tpad=stop=-1:stop_mode=clone,{tick}:start_time=0"
    # Square pixels, both sides even and within the bound, never enlarged.
    shrink = f"min(1,{recipe.width}/max(iw*sar,ih))"
    size = f"scale=w='max(2,2*trunc(iw*sar*{shrink}/2))':h='max(2,2*trunc(ih*{shrink}/2))'"
    # A first picture that comes late (often by 20 ms) is shown from second 0 on; else that of second 1 would be.
    time = f"PTS-{seconds(lead + PICTURE_TOLERANCE)}/TB"
    # Each picture is made small once: before it is repeated, or after those between the seconds are dropped.
    steps = f"{size},{rate}" if is_held else f"{rate},{size}"
    # In a time base of whole seconds the end of the clip would be rounded, and its last picture lost.
    return f"setpts='if(N,{time},min(0,{time}))',{steps},settb=1/1000,setsar=1,format=yuv420p"


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


def _coder(bit_rate: int) -> str:
    # A third of the work, and no word is heard otherwise; where bits are few, the slow search is worth it.
    return "fast" if bit_rate >= renditions.AUDIO_BIT_RATE else "twoloop"


def _mp3_sample_rate(bit_rate: int) -> str:
    # MPEG-2 rates: below 32 kbit/s the bits go further when nothing above 8 kHz, of no use to speech, is kept.
    return "24000" if bit_rate >= 32_000 else "16000"


def _mp3_effort(bit_rate: int) -> str:
    # 7 takes half the time of 5, the default, and cannot be told from it; where bits are few, it can.
    return "7" if bit_rate >= 48_000 else "5"


def _too_long(duration: float, limit_bytes: int) -> MediaError:
    length = f"{duration / 60:.0f} minutes" if duration >= 120 else f"{duration:.0f} seconds"
    return MediaTooLong(f"{length} do not fit into {limit_bytes / 1_000_000:g} MB, however small they are made.")
