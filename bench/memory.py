"""How much memory a large video costs while it is sent to several models at once.

    python -m bench.memory

Four models are asked about one 50 MB file, sent as it is, against a server of its own process on loopback. Each way
runs in a fresh process; what counts is its peak of resident memory above the peak of the same process with one idle
client, which has spoken to the server once.

* streamed: our request body, made from the file in pieces.
* plain: read the file, encode it, pass the string to the SDK.

Exits with 1 when the streamed way takes more than 60 MB.
"""

from __future__ import annotations

import argparse
import base64
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from lib.domain.model import Model
from lib.openrouter import MediaPart, OpenRouter, Question

KEY = "sk-or-v1-bench-0123456789"
MODEL_IDS = (
    "google/gemini-3.8-flash",
    "google/gemini-3.5-flash-lite",
    "qwen/qwen3.8-omni-flash",
    "z-ai/glm-5.3-flash",
)
CEILING_MB = 60.0
MEGABYTE = 1_000_000


def main() -> int:
    parser = argparse.ArgumentParser(description="Peak memory of sending one large video to several models at once.")
    parser.add_argument("--size", type=int, default=50, help="megabytes of the file (default 50)")
    parser.add_argument("--models", type=int, default=4, choices=range(1, 5), help="models at once (default 4)")
    parser.add_argument("--child", choices=["streamed", "plain"], help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        return child(options.child, options.url, options.file, options.models)

    with tempfile.TemporaryDirectory() as folder, _server() as url:
        video = Path(folder) / "video.mp4"
        with video.open("wb") as file:
            for _ in range(options.size):
                file.write(os.urandom(MEGABYTE))
        print(f"{options.size} MB to {options.models} models at once, Python {platform.python_version()}\n")
        print("| way | peak above idle | idle | seconds |")
        print("|---|---|---|---|")
        peaks = {}
        for way in ("streamed", "plain"):
            idle, peak, seconds = _measured(way, url, video, options.models)
            peaks[way] = peak - idle
            print(f"| {way} | {peaks[way]:.1f} MB | {idle:.1f} MB | {seconds:.1f} |", flush=True)
    print(f"\nThe plain way takes {peaks['plain'] / max(peaks['streamed'], 0.1):.0f} times as much.")
    print(f"Ceiling {CEILING_MB:.0f} MB: {'kept' if peaks['streamed'] <= CEILING_MB else 'BROKEN'}.")
    return 0 if peaks["streamed"] <= CEILING_MB else 1


def child(way: str, url: str, video: Path, count: int) -> int:
    """One way in this process: prints its idle and its highest peak in MB, and the seconds it took."""
    client = OpenRouter(url, KEY, retries=0)
    models = [Model(model_id, model_id, frozenset({"video"})) for model_id in MODEL_IDS[:count]]
    client.generate(Question(models[0], "Hello", None))  # the SDK is imported and one connection is open
    idle = _peak_mb()
    ask = {"streamed": _ask_streamed, "plain": _ask_plain}[way]
    failures: list[BaseException] = []
    started = time.monotonic()
    threads = [threading.Thread(target=_keeping(failures, ask), args=(client, model, video)) for model in models]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.monotonic() - started
    client.close()
    if failures:
        raise failures[0]
    print(idle, _peak_mb(), seconds)
    return 0


def _ask_streamed(client: OpenRouter, model: Model, video: Path) -> None:
    assert client.generate(Question(model, "Transcribe", MediaPart("video", video, None, "video/mp4"))).text


def _ask_plain(client: OpenRouter, model: Model, video: Path) -> None:
    data = video.read_bytes()
    encoded = base64.b64encode(data).decode()
    url = f"data:video/mp4;base64,{encoded}"
    content = [{"type": "video_url", "video_url": {"url": url}}, {"type": "text", "text": "Transcribe"}]
    messages = [{"role": "user", "content": content}]
    chunks = client.sdk.chat.completions.create(model=model.id, messages=messages, stream=True)
    assert [chunk for chunk in chunks if chunk.choices]


def _keeping(failures: list[BaseException], ask: Callable[..., None]) -> Callable[..., None]:
    def kept(*arguments: object) -> None:
        try:
            ask(*arguments)
        except BaseException as exc:
            failures.append(exc)

    return kept


def _measured(way: str, url: str, video: Path, count: int) -> tuple[float, float, float]:
    command = [sys.executable, "-m", "bench.memory", "--child", way, "--url", url, "--file", str(video)]
    printed = subprocess.run(
        [*command, "--models", str(count)], check=True, stdout=subprocess.PIPE, text=True, timeout=600
    )
    idle, peak, seconds = map(float, printed.stdout.split())
    return idle, peak, seconds


def _peak_mb() -> float:
    """The highest resident memory of this process so far, in MB."""
    try:
        # Not getrusage where this exists: its peak begins with that of the parent, this one with the process.
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / MEGABYTE
    except OSError:
        pass
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if sys.platform == "darwin" else 1024) / MEGABYTE


class _server:
    """The fake OpenRouter in a process of its own, so that its memory is not ours."""

    def __enter__(self) -> str:
        command = [sys.executable, "-m", "tests.fakes.openrouter_server", "--key", KEY]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.communicate(timeout=10)


if __name__ == "__main__":
    sys.exit(main())
