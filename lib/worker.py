"""The worker process: ``python -m lib.worker``. One works on a data folder at a time; on a PostgreSQL database any
number of them, on any machines, each with a data folder of its own.

Started by whoever needs one (lib.worker_process), it ends when the pipe on its standard input closes, that is
with its starter. Started by hand in a terminal, it runs until Ctrl+C.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
import sys
import threading
import time

from filelock import FileLock, Timeout

from lib.allocator import give_back_what_is_freed
from lib.errors import CuewiseError
from lib.settings import Settings

log = logging.getLogger(__name__)

UPKEEP_SECONDS = 3600.0
PATIENCE_SECONDS = 900.0
"""An answer that was paid for is not thrown away because another program holds the database for a while."""


NICENESS = 10
"""Behind the pages: who has two cores and thirty people waits for an answer anyhow, and not for a page."""


def main() -> int:
    if hasattr(os, "nice"):  # not on Windows
        os.nice(NICENESS)
    give_back_what_is_freed()
    settings = Settings.from_environment()
    if not sys.stdin.isatty():
        threading.Thread(target=_end_with_starter, name="starter watch", daemon=True).start()
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        lock = _wait_for_turn(settings)
    except OSError as exc:
        print(f"The worker cannot write to {settings.data_dir}: {exc.strerror}.", file=sys.stderr)
        return 1
    # Heavy imports come after the wait: a worker that stands by stays small.
    from lib import jobs
    from lib.logs import start_logging
    from lib.pipeline.roll import Roll
    from lib.pipeline.upkeep import keep_up
    from lib.services import open_tools

    start_logging(settings.data_dir, "worker", is_json=settings.logs_json)
    try:
        tools = open_tools(settings, patience_seconds=PATIENCE_SECONDS)
        for each in tools.everybodys():
            each.files.sweep()
        jobs.stop_on_signals()
        executor_id = _executor_id(settings)
        roll = Roll(tools, executor_id)
        roll.sign_in()
        jobs.work(tools, executor_id)
        roll.call(jobs.executors_with_work, lambda dead: jobs.take_over(dead, tools))
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
    # Stable over restarts, so that what was in flight is taken up again at once. On SQLite the lock lets only one work.
    if not settings.is_shared:
        return "worker"
    # The machine's name tells people who it is; the folder's tells two workers of one machine, or one name, apart.
    own = settings.data_dir / "worker.id"
    if not own.exists():
        own.write_text(secrets.token_hex(6), "utf-8")  # under the lock: nobody else writes it
    return f"{socket.gethostname()[:64]}.{own.read_text('utf-8').strip()}"


def _end_with_starter() -> None:
    try:
        while os.read(0, 1024):
            pass
    except OSError:
        pass
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
