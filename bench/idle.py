"""What a worker costs that has nothing to do, as on a machine where the app was left open.

    python -m bench.idle

A worker of its own, on an empty data folder; once it rests, the processor time that it takes is counted.

Exits with 1 when that is more than 3 % of one core.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from lib.jobs.pace import CHECKS_EVERY, RESTS_AFTER

CEILING = 0.03
STARTS_IN = 20.0
"""Seconds until the worker has started and what it loads ahead is loaded."""


def main() -> int:
    parser = argparse.ArgumentParser(description="Processor time of a worker that waits.")
    parser.add_argument("--seconds", type=float, default=30.0, help="how long each is counted (default 30)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"CUEWISE_DATA": folder}
        worker = subprocess.Popen([sys.executable, "-m", "lib.worker"], stdin=subprocess.PIPE, env=environment)
        try:
            time.sleep(STARTS_IN)
            awake = share(worker.pid, min(options.seconds, RESTS_AFTER - STARTS_IN))
            time.sleep(RESTS_AFTER + 2 * CHECKS_EVERY)
            at_rest = share(worker.pid, options.seconds)
        finally:
            worker.kill()
            worker.wait()
    is_kept = at_rest <= CEILING
    print("| a worker with nothing to do | of one core | limit |\n|---|---|---|")
    print(f"| in the first minute | {awake:.1%} | |")
    print(f"| at rest | {at_rest:.1%} | {CEILING:.0%}{'' if is_kept else ' MISSED'} |")
    return 0 if is_kept else 1


def share(pid: int, seconds: float) -> float:
    """How much of one core a process takes over so many seconds."""
    before, began = _ticks(pid), time.monotonic()
    time.sleep(seconds)
    return (_ticks(pid) - before) / os.sysconf("SC_CLK_TCK") / (time.monotonic() - began)


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])  # utime and stime, counted from behind the name


if __name__ == "__main__":
    sys.exit(main())
