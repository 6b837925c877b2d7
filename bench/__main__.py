"""``make bench``: runs every benchmark, each in a process of its own, prints its table and keeps it in BENCHMARKS.md.

``python -m bench memory`` runs the named ones only. Exits with 1 when a limit was missed.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[1]
KEPT = ROOT / "BENCHMARKS.md"
TITLES = {
    "memory": "Memory of a large file sent to four models at once",
    "prepare": "Preparing a video for sending",
    "times": "Times from the audio",
    "hearing": "Local speech against the plain way",
    "parts": "Long videos in parts",
    "borders": "Text where parts meet",
    "grid": "Six models side by side",
    "compare": "Several models side by side",
    "machines": "Several workers on one database",
    "idle": "A worker with nothing to do",
    "search": "Search over 10,000 hours of transcripts",
    "reader": "Ten thousand lines in the reader",
    "load": "Thirty people at once",
    "kills": "Kills at random moments",
}
"""Every benchmark, in the order in which it runs: a module of this folder, and its heading."""


def main() -> int:
    wanted = sys.argv[1:] or [name for name in TITLES if (ROOT / "bench" / f"{name}.py").exists()]
    kept = _sections(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}
    is_missed = False
    for name in wanted:
        print(f"\n## {TITLES[name]}\n", flush=True)
        done = subprocess.run([sys.executable, "-m", f"bench.{name}"], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        print(done.stdout, flush=True)
        is_missed = is_missed or done.returncode != 0
        if done.stdout.strip():  # one that ended before it had a figure takes no figures away
            kept[TITLES[name]] = f"{done.stdout.strip()}\n\n{_stamp()}"
    order = [title for title in TITLES.values() if title in kept]
    body = "\n\n".join(f"## {title}\n\n{kept[title]}" for title in order)
    KEPT.write_text(f"# Benchmarks\n\n{HEAD}\n\n{body}\n", encoding="utf-8")
    return 1 if is_missed else 0


HEAD = (
    "Made by `make bench`. Each row is a ratio or an amount measured in one run on one machine, so that two ways are "
    "compared under the same load; they are no promises about seconds."
)


def _stamp() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    machine = f"{os.cpu_count()} cores ({_processor()}), {memory:.0f} GB, {platform.system()}"
    return f"*{datetime.now(UTC):%Y-%m-%d}, {machine}, Python {platform.python_version()}*"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def _sections(text: str) -> dict[str, str]:
    found = {}
    for block in text.split("\n## ")[1:]:
        title, _, body = block.partition("\n")
        found[title.strip()] = body.strip()
    return found


if __name__ == "__main__":
    sys.exit(main())
