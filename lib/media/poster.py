"""A poster: one small picture of a video, by which it is known again in a list."""

from __future__ import annotations

from pathlib import Path

from lib.domain.media import MediaAsset
from lib.errors import NoPicture
from lib.media.clock import opened, seconds
from lib.media.ffmpeg import file_url, run_ffmpeg

WIDTH = 480
AT = 0.1
"""Where in the video, as a share of its length: the very first pictures are often black, or a title."""


def make_poster(source: Path, target: Path, asset: MediaAsset) -> int:
    """Write the picture as a JPEG of at most 480 pixels a side, turned as it is meant to be watched; gives its bytes.

    Shows the key frame before the place that is wanted: nothing else has to be decoded, some 50 ms.
    Raises NoPicture and what ``run_ffmpeg`` raises.
    """
    if asset.video is None:
        raise NoPicture("The file has no pictures.")
    shrink = f"min(1,{WIDTH}/max(iw*sar,ih))"
    arguments = [
        *(*opened(), "-noaccurate_seek", "-ss", seconds(asset.duration * AT), "-i", file_url(source)),
        *("-map", "0:V:0", "-frames:v", "1", "-map_metadata", "-1"),
        *("-vf", f"scale=w='max(2,2*trunc(iw*sar*{shrink}/2))':h='max(2,2*trunc(ih*{shrink}/2))',setsar=1"),
        *("-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "-q:v", "5", "-f", "mjpeg", file_url(target)),
    ]
    run_ffmpeg(arguments, duration=asset.duration, is_trial=True)
    return target.stat().st_size
