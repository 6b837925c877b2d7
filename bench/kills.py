"""200 kills while runs go on: the worker, ffmpeg, the page, or page and worker together, at moments that a seed draws.

    python -m bench.kills [--kills 200] [--seed 6]

What is killed, when, and what counts as lost and as paid twice, is said in ``tests/kills.py``; ``make test`` deals out
40 of them. Exits with 1 when a run is lost, when what was kept is asked for again, or when anything is left behind.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.conftest import asset_of, run_ffmpeg
from tests.kills import PARTS, PARTS_AT_ONCE, kill_and_count


def main() -> int:
    parser = argparse.ArgumentParser(description="Kills at random moments, while runs go on.")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=6)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        toll = kill_and_count(Path(folder), speaking(Path(folder)), kills=options.kills, seed=options.seed)
    hit = ", ".join(f"{target} {count}" for target, count in sorted(toll.kills.items()))
    print(f"{toll.kills.total()} kills, seed {options.seed} ({hit}); {toll.runs} runs in {PARTS} parts each\n")
    print("| what | measured | limit |\n|---|---|---|")
    print(f"| runs lost, or without their whole text | {len(toll.lost)} | 0 |")
    print(f"| questions asked again though their answer was kept | {len(toll.paid_twice)} | 0 |")
    print(f"| questions asked again without a kill between | {len(toll.unexplained)} | 0 |")
    most = PARTS_AT_ONCE * toll.workers_lost
    again = f"{toll.asked_again} of {toll.questions + toll.asked_again}"
    print(f"| requests that had to be made again: their answer was on its way at a kill | {again} | {most} |")
    print(f"| processes, reservations, jobs and files left behind | {len(toll.left_behind)} | 0 |")
    print(f"| seconds, all in all | {toll.seconds:.0f} | |")
    problems = [*toll.lost, *toll.paid_twice, *toll.unexplained, *toll.left_behind]
    print(*problems, sep="\n", file=sys.stderr)
    return 1 if problems or toll.asked_again > most else 0


def speaking(folder: Path) -> Path:
    """44 s of pictures with a voice."""
    path = folder / "speaking.mp4"
    voice = asset_of("moonshine_voice", "assets", "two_cities.wav")
    run_ffmpeg(
        *("-f", "lavfi", "-i", "testsrc=size=320x180:rate=12", "-i", voice, "-shortest"),
        *("-c:v", "libx264", "-preset", "ultrafast", "-g", "24", "-c:a", "aac", path),
    )
    return path


if __name__ == "__main__":
    sys.exit(main())
