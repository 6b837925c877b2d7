"""Captions put into a copy of a video: as a track that can be switched off, or drawn into the pictures."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lib.domain.languages import THREE_LETTERS
from lib.domain.media import MediaAsset
from lib.errors import NoFont, NoPicture
from lib.media import clock
from lib.media.ffmpeg import file_url, run_ffmpeg

BURNED_CRF = 20
"""Hardly to be told from the original."""
_COPIED_SOUND = frozenset({"aac", "mp3", "mp3float"})
"""Sound that every player of mp4 knows; the rest is re-encoded."""
_NO_GLYPH = re.compile(r"failed to find any fallback with glyph 0x([0-9A-Fa-f]+)")


@dataclass(frozen=True, slots=True)
class Carrier:
    """A container that carries captions beside the pictures, and how.

    ``captions_format`` is what it is given (a name of lib.formats), ``codec`` what becomes of it: ``copy`` where the
    container keeps that very text.
    """

    container: str
    media_type: str
    suffix: str
    captions_format: str
    codec: str
    muxer: str


_CARRIERS = {
    "mp4": Carrier("mp4", "video/mp4", ".mp4", "vtt", "mov_text", "mp4"),
    "mov": Carrier("mov", "video/quicktime", ".mov", "vtt", "mov_text", "mov"),
    "webm": Carrier("webm", "video/webm", ".webm", "vtt", "copy", "webm"),
}
_EVERYTHING_ELSE = Carrier("matroska", "video/x-matroska", ".mkv", "srt", "copy", "matroska")
"""Matroska takes whatever pictures and sound there are."""
_DEMUXERS = {"vtt": "webvtt", "srt": "srt"}


def carrier_of(asset: MediaAsset) -> Carrier:
    """What a copy of the asset with a track of captions is packed in: its own container where that carries them."""
    return _CARRIERS.get(asset.container, _EVERYTHING_ELSE)


def attach(
    source: Path,
    target: Path,
    captions: Path,
    *,
    asset: MediaAsset,
    language: str | None = None,
    title: str = "",
    on_progress: Callable[[float], None] | None = None,
) -> int:
    """Copy pictures and sound as they are, with the captions as a track of its own that is shown at first, and
    return the size. ``captions`` is a file of ``carrier_of(asset).captions_format``; ``language`` its code.

    Tracks of captions that the source has are kept behind it where the container stays the same. Second 0 of the
    copy is second 0 of the source. ``on_progress`` is given the share done; what it raises ends the work and comes
    through. Raises NoPicture and what ``run_ffmpeg`` raises.
    """
    if asset.video is None:
        raise NoPicture("The file has no pictures that captions could be shown with.", "Download them as SRT or VTT.")
    carrier = carrier_of(asset)
    own = ["-map", "0:s?"] if carrier.container == asset.container else []
    arguments = [
        # A stream without times of its own (avi) is given them; elsewhere this changes nothing.
        *(*clock.opened(), "-fflags", "+genpts", "-i", file_url(source)),
        *("-f", _DEMUXERS[carrier.captions_format], "-i", file_url(captions)),
        *("-map", "0:V", "-map", "0:a?", "-map", "1:s:0", *own, "-c", "copy", "-c:s:0", carrier.codec),
        *("-metadata:s:s:0", f"language={THREE_LETTERS.get(language or '', 'und')}"),
        *("-metadata:s:s:0", f"title={title}", "-disposition:s:0", "default"),
        *("-max_interleave_delta", "0", "-movflags", "+faststart", "-f", carrier.muxer, file_url(target)),
    ]
    run_ffmpeg(arguments, duration=asset.duration, on_progress=on_progress)
    return target.stat().st_size


def burn(
    source: Path,
    target: Path,
    captions: Path,
    *,
    asset: MediaAsset,
    on_progress: Callable[[float], None] | None = None,
) -> int:
    """Draw captions, a file of ASS, into the pictures, write an mp4 of H.264 that every player shows, and return its
    size. The pictures are turned as they are meant to be watched and keep their size; sound is copied where mp4 has it.

    ``on_progress`` is given the share done; what it raises ends the work and comes through. What no font here can
    draw is drawn as a box: ask ``undrawable`` before. Raises NoPicture and what ``run_ffmpeg`` raises.
    """
    if asset.video is None:
        raise NoPicture("The file has no pictures that captions could be drawn into.", "Download them as SRT or VTT.")
    # Square pixels, and even sides, which H.264 needs.
    size = "scale='trunc(iw*sar/2)*2':'trunc(ih/2)*2',setsar=1"
    is_copied = all(stream.codec in _COPIED_SOUND for stream in asset.audio)
    arguments = [
        *(*clock.opened(), "-i", file_url(source), "-map", "0:V:0", "-map", "0:a?"),
        *("-vf", f"{size},ass=filename={_in_filter(captions)},format=yuv420p"),
        *("-c:v", "libx264", "-preset", "veryfast", "-crf", str(BURNED_CRF)),
        *(("-c:a", "copy") if is_copied else ("-c:a", "aac", "-b:a", "160k")),
        *("-movflags", "+faststart", "-f", "mp4", file_url(target)),
    ]
    run_ffmpeg(arguments, duration=asset.duration, on_progress=on_progress)
    return target.stat().st_size


def undrawable(captions: Path) -> str:
    """The letters of the captions shown in the first second that no font on this machine has, as far as they are told.

    Fonts are found as the system finds them (fontconfig, CoreText, DirectWrite): nothing is fetched. Raises NoFont
    where there is none at all.
    """
    picture = ("-f", "lavfi", "-i", "color=black:size=64x36:rate=1:duration=1")
    said = run_ffmpeg(
        [*picture, "-vf", f"ass=filename={_in_filter(captions)}", "-frames:v", "1", "-f", "null", "-"],
        duration=1.0,
    )
    missing = {chr(int(code, 16)) for line in said for code in _NO_GLYPH.findall(line)}
    if "\0" in missing:  # libass asks for any font in this way
        raise NoFont("There is no font on this machine to draw captions with.")
    return "".join(sorted(missing))


def _in_filter(path: Path) -> str:
    """A path as an option of a filter takes it, whatever is in it: once for the option, once for the filter graph."""
    option = re.sub(r"([\\':])", r"\\\1", Path(path).absolute().as_posix())
    return re.sub(r"([\\'\[\],;])", r"\\\1", option)
