"""Memory that many threads had in use goes back to the system."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

SCRIPT = """
import re, sys, threading
from pathlib import Path
from lib.allocator import give_back_what_is_freed

if sys.argv[1] == "ours":
    give_back_what_is_freed()
inside = threading.Barrier(24)

def work():
    inside.wait()  # all at once: each would like an arena of its own
    [bytes(20_000) for _ in range(200)]
    inside.wait()

threads = [threading.Thread(target=work) for _ in range(24)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
maps = Path("/proc/self/maps").read_text(encoding="ascii")
# An arena other than the first is 64 MB of address space, of which some is writable and the rest is not.
print(sum(1 for start, end in re.findall(r"^([0-9a-f]+)-([0-9a-f]+) rw-p 00000000 00:00 0 *$", maps, re.M)
          if int(start, 16) % (64 << 20) == 0 and int(end, 16) - int(start, 16) < 64 << 20))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has arenas")
def test_threads_share_few_arenas():
    """Twenty-four threads leave one arena beside the first; as glibc is set by itself they leave more."""
    num_arenas = {
        way: int(subprocess.run([sys.executable, "-c", SCRIPT, way], capture_output=True, check=True).stdout)
        for way in ("ours", "glibc's")
    }
    assert num_arenas["ours"] <= 1 < num_arenas["glibc's"]
