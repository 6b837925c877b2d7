"""Several workers on one database, against a slow server: real PostgreSQL, real worker processes, real HTTP.

    python -m bench.machines [--parts 64] [--wait 3]

Workers of machines are here processes with a data folder of their own, all on this machine. Each is given the same
run, cut into many short parts, of a server that takes so many seconds for each answer:

* under the same limit for all together, more workers must not ask for more at once, and be no slower;
* with a limit that grows with the workers, throughput must grow with them, as far as the machine goes: with two cores
  for all of the workers, the database and the server, some three parts a second are all that can be made ready.

Exits with 1 when a limit is missed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bench.parts import MODEL, make_video, timed
from lib.domain.plan import RouteChoice, Times
from tests.fakes.openrouter_server import FakeOpenRouter, Reply, Request
from tests.postgres import find_postgres, new_database, running_postgres
from tests.services_fixtures import services_beside_server

ROOT = Path(__file__).parents[1]
LIMIT = 8
PART_SECONDS = 5.0
SLOWER, GROWTH = 1.15, 1.5


@dataclass
class Measured:
    """What one round came to."""

    parts: int
    seconds: float
    most_at_once: int
    limit: int

    @property
    def per_second(self) -> float:
        return self.parts / self.seconds


class SlowServer(FakeOpenRouter):
    """Takes so many seconds for every answer, and counts how many it is asked for at once."""

    def __init__(self, wait: float) -> None:
        super().__init__(answer="[00:00] Said.")
        self.wait = wait
        self.most_at_once = 0
        self._at_once = 0
        self._counting = threading.Lock()

    def reply_to(self, request: Request, path: str) -> Reply:
        reply = super().reply_to(request, path)
        if path == "/chat/completions":
            with self._counting:
                self._at_once += 1
                self.most_at_once = max(self.most_at_once, self._at_once)
            self.sleep(self.wait)
            with self._counting:
                self._at_once -= 1
        return reply


def main() -> int:
    parser = argparse.ArgumentParser(description="Several workers on one database.")
    parser.add_argument("--parts", type=int, default=64)
    parser.add_argument("--wait", type=float, default=3.0)
    options = parser.parse_args()
    programs = find_postgres()
    if programs is None:
        print("Left out: PostgreSQL is not installed, and cannot be installed here.")
        return 0
    with tempfile.TemporaryDirectory() as folder, running_postgres(programs) as postgres:
        video = make_video(Path(folder) / "talk.mp4", options.parts * PART_SECONDS, bit_rate=None)
        found = {
            (workers, limit): measure(Path(folder), postgres, video, options.wait, workers, limit)
            for workers, limit in ((1, LIMIT), (2, LIMIT), (4, LIMIT), (2, 2 * LIMIT), (4, 4 * LIMIT))
        }
    return 0 if tell(found, options.wait) else 1


def measure(folder: Path, postgres: str, video: Path, wait: float, workers: int, limit: int) -> Measured:
    """One run with so many workers, from Run to done, once the silences of the video are known."""
    home = Path(tempfile.mkdtemp(dir=folder))
    (home / "share").mkdir()
    with SlowServer(wait) as server, new_database(postgres) as database, ExitStack() as stack:
        team = {
            "CUEWISE_DATABASE_URL": database,
            "CUEWISE_MEDIA_URL": (home / "share").as_uri(),
            "CUEWISE_VAULT_KEY": "a secret of the machines of a benchmark",
            "CUEWISE_PARTS_AT_ONCE": str(limit),
        }
        services = stack.enter_context(services_beside_server(home / "page", server, **team))
        services._worker.close()
        for number in range(workers):
            stack.enter_context(worker_machine(home / f"worker {number}", server, team))
        while len(services.workers()) < workers:
            time.sleep(0.1)
        request = services.new_request(services.keep_file(video), MODEL, route=RouteChoice.AUDIO, times=Times.MODEL)
        timed(services, replace(request, part_seconds=120.0))
        server.most_at_once = 0
        run, took = timed(services, replace(request, part_seconds=PART_SECONDS))
        return Measured(len(run.parts), took, server.most_at_once, limit)


@contextmanager
def worker_machine(data: Path, server: FakeOpenRouter, team: dict[str, str]) -> Iterator[None]:
    environment = os.environ | {"CUEWISE_DATA": str(data), "OPENROUTER_BASE_URL": server.base_url, **team}
    command = [sys.executable, "-m", "lib.worker"]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.PIPE) as process:
        try:
            yield
        finally:
            process.kill()


def tell(found: dict[tuple[int, int], Measured], wait: float) -> bool:
    """Print the table; False when a limit was missed."""
    alone = found[1, LIMIT]
    shared = f"workers, database and server share {os.cpu_count()} cores"
    print(f"{alone.parts} parts of one run, {wait:g} s an answer; {shared}\n")
    print("| workers | limit for all | most at once | parts a second | against one worker | limit |")
    print("|---|---|---|---|---|---|")
    is_kept = True
    for (workers, limit), each in found.items():
        growth = each.per_second / alone.per_second
        least = 1 / SLOWER if limit == LIMIT else GROWTH
        is_kept = is_kept and growth >= least and each.most_at_once <= limit
        print(f"| {workers} | {limit} | {each.most_at_once} | {each.per_second:.2f} | {growth:.2f} | {least:.2f} |")
    return is_kept


if __name__ == "__main__":
    sys.exit(main())
