"""Several models side by side over one 50 MB file: real app, real worker, real HTTP, a server with its own pace.

    python -m bench.compare [--size 50] [--waits 4 6 8 20]

Four models are asked about one file, once with the limit raised to 60 MB (the file goes as it is) and once at the
default limit (it is made smaller first). The server runs in a process of its own and takes each model's own time.

* How often something is encoded for the four of them, against once for one.
* The peak of the worker's resident memory above what it holds when idle.
* The wall time from Run to done, against the slowest model's alone in a data folder of its own.

Exits with 1 when a limit is missed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from bench.parts import make_video, warm_up
from lib.domain.plan import MEGABYTE, Times
from lib.domain.run import Run
from lib.services import Services, open_services
from lib.settings import Settings
from tests.fakes.openrouter_server import DEFAULT_KEY, FakeOpenRouter, Reply, Request

MODELS = (
    "google/gemini-3.5-flash-lite",
    "google/gemini-3.6-pro",
    "qwen/qwen3.8-omni-flash",
    "google/gemini-3.8-flash",
)
RATIO, MEGABYTES = 1.10, 60.0
SECONDS = 240.0
"""Of the video: below the length of a part, so that one rendition is all there is to make."""


class OwnPace(FakeOpenRouter):
    """Takes each model's own time for an answer."""

    def __init__(self, waits: dict[str, float]) -> None:
        super().__init__()
        self.waits = waits

    def reply_to(self, request: Request, path: str) -> Reply:
        reply = super().reply_to(request, path)
        if path == "/chat/completions":
            self.sleep(self.waits.get(request.body["model"], 0.0))
        return reply


def main() -> int:
    parser = argparse.ArgumentParser(description="Several models over one large file.")
    parser.add_argument("--size", type=float, default=50.0, help="megabytes of the file")
    parser.add_argument("--waits", type=float, nargs=4, default=(4.0, 6.0, 8.0, 20.0), help="seconds of each model")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    waits = dict(zip(MODELS, options.waits, strict=True))
    if options.serve:
        return serve(waits)
    print("| what | measured | limit |\n|---|---|---|", flush=True)
    is_kept = True
    with tempfile.TemporaryDirectory() as folder, server(options.waits) as url:
        bit_rate = int(options.size * MEGABYTE * 8 / SECONDS) - 64_000
        video = make_video(Path(folder) / "video.mp4", SECONDS, bit_rate=bit_rate)
        for limit in (60, 14):
            alone = measured(Path(folder) / f"alone-{limit}", url, video, limit, MODELS[-1:])
            together = measured(Path(folder) / f"together-{limit}", url, video, limit, MODELS)
            is_kept = tell(limit, video, alone, together) and is_kept
    return 0 if is_kept else 1


class Measured:
    """What one comparison took: wall seconds, encodes, and megabytes above idle."""

    def __init__(self, seconds: float, encodes: int, megabytes: float, run: Run) -> None:
        self.seconds, self.encodes, self.megabytes, self.run = seconds, encodes, megabytes, run


def measured(data: Path, url: str, video: Path, limit: int, models: tuple[str, ...]) -> Measured:
    settings = Settings.from_environment(
        {
            "CUEWISE_DATA": str(data),
            "OPENROUTER_BASE_URL": url,
            "OPENROUTER_API_KEY": DEFAULT_KEY,
            "CUEWISE_MEDIA_LIMIT_MB": str(limit),
        }
    )
    services = open_services(settings)
    try:
        warm_up(services)
        source = services.keep_file(video)
        requests = [replace(services.new_request(source, model_id), times=Times.MODEL) for model_id in models]
        before = renditions(data)
        pid = services._worker._process.pid
        idle = forget_peak(pid)
        began = time.monotonic()
        started = services.comparisons.start(requests)
        runs = wait_for(services, started.comparison.run_ids)
        seconds = time.monotonic() - began
        return Measured(seconds, renditions(data) - before, memory(pid, "VmHWM") - idle, runs[0])
    finally:
        services.close()


def tell(limit: int, video: Path, alone: Measured, together: Measured) -> bool:
    size = video.stat().st_size / MEGABYTE
    ratio = together.seconds / alone.seconds
    what = f"{len(MODELS)} models, {size:.0f} MB, at most {limit} MB a request ({together.run.plan.route})"
    print(f"| {what}: encodes (one model: {alone.encodes}) | {together.encodes} | 1 |")
    print(f"| peak memory of the worker above idle | {together.megabytes:.0f} MB | {MEGABYTES:.0f} MB |")
    print(
        f"| wall time ({together.seconds:.1f} s) against the slowest alone ({alone.seconds:.1f} s) "
        f"| {ratio:.2f} | {RATIO:.2f} |",
        flush=True,
    )
    return together.encodes <= 1 and together.megabytes <= MEGABYTES and ratio <= RATIO


def wait_for(services: Services, run_ids: tuple[str, ...]) -> list[Run]:
    while True:
        runs = [services.run(run_id) for run_id in run_ids]
        if all(run.state.is_over for run in runs):
            break
        time.sleep(0.1)
    if failed := [run for run in runs if run.failure]:
        raise SystemExit(f"a run failed: {failed[0].failure}")
    return runs


def renditions(data: Path) -> int:
    return sum(1 for path in (data / "renditions").rglob("*") if path.is_file())


def forget_peak(pid: int) -> float:
    """Let the peak of a process's memory count from now on; gives what it holds, in megabytes."""
    Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")
    return memory(pid, "VmRSS")


def memory(pid: int, name: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024 / MEGABYTE
    raise RuntimeError("this system does not tell a process's memory")


def serve(waits: dict[str, float]) -> int:
    fake = OwnPace(waits)
    print(fake.base_url, flush=True)
    fake.serve_forever()
    return 0


class server:
    """The server in a process of its own, so that neither its memory nor its threads are ours."""

    def __init__(self, waits: tuple[float, ...]) -> None:
        self._command = [sys.executable, "-m", "bench.compare", "--serve", "--waits", *map(str, waits)]

    def __enter__(self) -> str:
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True, env=os.environ)
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.communicate(timeout=10)


if __name__ == "__main__":
    sys.exit(main())
