"""The worker process: ``python -m lib.worker``. Runs the jobs of one data folder, one working worker at a time.

Started by whoever needs one (lib.worker_process), it ends when the pipe on its standard input closes, that is
with its starter. Started by hand in a terminal, it runs until Ctrl+C.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
import threading
import time

from filelock import FileLock, Timeout

from lib.errors import CuewiseError
from lib.settings import Settings

log = logging.getLogger(__name__)

UPKEEP_SECONDS = 3600.0


def main() -> int:
    settings = Settings.from_environment()
    if not sys.stdin.isatty():
        threading.Thread(target=_end_with_starter, name="starter watch", daemon=True).start()
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    lock = _wait_for_turn(settings)
    # Heavy imports come after the wait: a worker that stands by stays small.
    from lib import jobs
    from lib.logs import start_logging
    from lib.pipeline.upkeep import keep_up
    from lib.services import open_tools

    start_logging(settings.data_dir, "worker", is_json=settings.logs_json)
    try:
        tools = open_tools(settings)
        for each in tools.everybodys():
            each.files.sweep()
        jobs.stop_on_signals()
        jobs.work(tools, _executor_id(settings))
    except CuewiseError as exc:
        log.error("the worker cannot start: %s %s", exc, exc.hint)
        return 1
    log.info("the worker is at work")
    # Nobody waits for this: the first run that listens finds the engine's libraries loaded.
    threading.Thread(target=tools.listener.warm_up, name="warm up", daemon=True).start()
    while lock.is_locked:
        keep_up(tools)
        time.sleep(UPKEEP_SECONDS)
    return 0


def _wait_for_turn(settings: Settings) -> FileLock:
    lock = FileLock(settings.data_dir / "worker.lock")
    while True:
        try:
            lock.acquire(timeout=60, poll_interval=0.3)
            return lock
        except Timeout:
            continue


def _executor_id(settings: Settings) -> str:
    # Stable over restarts, so that what was in flight is taken up again. On SQLite the lock lets only one work.
    is_single = settings.database_url.startswith("sqlite:")
    return "worker" if is_single else f"worker-{socket.gethostname()}"


def _end_with_starter() -> None:
    try:
        while os.read(0, 1024):
            pass
    except OSError:
        pass
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
