"""A poster: one small picture of a video, by which it is known again in a list."""

from __future__ import annotations

import tempfile
from pathlib import Path

from lib.domain.media import MediaAsset
from lib.errors import CuewiseError, NoPicture
from lib.media.clock import opened, seconds
from lib.media.ffmpeg import decoder_options, file_url, run_ffmpeg

WIDTH = 480
_KINDS = {b"\x89PNG\r\n": "png_pipe", b"\xff\xd8\xff": "jpeg_pipe", b"GIF8": "gif"}
AT = 0.1
"""Where in the video, as a share of its length: the very first pictures are often black, or a title."""


def make_poster(source: Path, target: Path, asset: MediaAsset) -> int:
    """Write the picture as a JPEG of at most 480 pixels a side, turned as it is meant to be watched; gives its bytes.

    Shows the key frame before the place that is wanted: nothing else has to be decoded, some 50 ms.
    Raises NoPicture and what ``run_ffmpeg`` raises.
    """
    if asset.video is None:
        raise NoPicture("The file has no pictures.")
    arguments = [
        *(*opened(), "-noaccurate_seek", "-ss", seconds(asset.duration * AT), "-i", file_url(source)),
        *("-map", "0:V:0", "-frames:v", "1", "-map_metadata", "-1"),
        *_as_small_jpeg(target),
    ]
    run_ffmpeg(arguments, duration=asset.duration, is_trial=True)
    return target.stat().st_size


def made_anew(content: bytes) -> bytes | None:
    """A stranger's PNG, JPEG, WebP or GIF as a JPEG of our own, of at most 480 pixels a side; None for all else,
    and where none can be written. Never raises.

    Whoever shows it meets no picture that is broken, too large, or something else besides.
    """
    kind = "webp_pipe" if content[8:12] == b"WEBP" else None
    kind = kind or next((name for start, name in _KINDS.items() if content.startswith(start)), None)
    if kind is None:
        return None
    limit = [word for name, value in decoder_options().items() for word in (f"-{name}", value)]
    try:
        with tempfile.TemporaryDirectory() as folder:
            source, target = Path(folder, "given"), Path(folder, "made")
            source.write_bytes(content)
            arguments = [*limit, "-f", kind, "-i", file_url(source), "-frames:v", "1", "-map_metadata", "-1"]
            run_ffmpeg([*arguments, *_as_small_jpeg(target)], duration=1.0, is_trial=True)
            return target.read_bytes() or None
    except (CuewiseError, OSError):
        return None


def _as_small_jpeg(target: Path) -> list[str]:
    shrink = f"min(1,{WIDTH}/max(iw*sar,ih))"
    return [
        *("-vf", f"scale=w='max(2,2*trunc(iw*sar*{shrink}/2))':h='max(2,2*trunc(ih*{shrink}/2))',setsar=1"),
        *("-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "-q:v", "5", "-f", "mjpeg", file_url(target)),
    ]
