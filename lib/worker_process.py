"""Keeps one worker process running beside this one. The second place, beside ``lib.media``, that starts processes."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOOK_EVERY = 1.0
EARLY = 10.0
"""A worker that dies within so many seconds never came to work."""


class WorkerProcess:
    """A worker that ends with us, however we end: it watches the pipe whose other end we hold.

    Several keepers on one data folder are fine: one worker works, the others stand by and take over.
    """

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment
        self._lock = threading.Lock()
        self._process: subprocess.Popen | None = None
        self._closed = threading.Event()
        self._started = 0.0
        self.early_deaths = 0

    def ensure(self) -> None:
        """Start the worker if none of ours runs, and from then on start it again whenever it dies."""
        with self._lock:
            if self._process is None and not self._closed.is_set():
                self._process = self._start()
                threading.Thread(target=self._watch, name="worker keeper", daemon=True).start()

    def close(self) -> None:
        """End the worker and wait until it has ended."""
        self._closed.set()
        with self._lock:
            if self._process is not None:
                self._process.terminate()
                try:
                    self._process.wait(5)
                except subprocess.TimeoutExpired:
                    self._process.kill()
                    self._process.wait()
                self._process.stdin.close()

    def _start(self) -> subprocess.Popen:
        self._started = time.monotonic()
        return subprocess.Popen(
            [sys.executable, "-m", "lib.worker"], cwd=ROOT, stdin=subprocess.PIPE, env=self._environment
        )

    def _watch(self) -> None:
        while not self._closed.wait(LOOK_EVERY):
            with self._lock:
                if self._closed.is_set():
                    return
                if self._process.poll() is not None:
                    is_early = time.monotonic() - self._started < EARLY
                    self.early_deaths = self.early_deaths + 1 if is_early else 0
                    self._process.stdin.close()
                    self._process = self._start()
