"""The pace: how often the queues are looked into. Often while there is work, seldom while there is none, so that a
worker which only waits costs next to nothing."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable

from dbos import DBOS, DBOSClient

from lib.jobs.queues import AT_WORK, LOOKED_INTO, RUNS

log = logging.getLogger(__name__)

AT_REST = 1.0
"""Seconds between two looks while nothing is to be done: how much later the first job after a pause may begin."""
RESTS_AFTER = 60.0
"""Seconds without any work, after which there is a pause."""
CHECKS_EVERY = 5.0
_NOT_OVER = ["ENQUEUED", "DELAYED", "PENDING"]

Engine = type[DBOS] | DBOSClient


def quicken(engine: Engine) -> None:
    """From now on look often; all workers hear of it within ``AT_REST``."""
    if _pace(engine) > AT_WORK:
        # That of RUNS, which is asked about, comes last: broken off on the way, it is done again.
        _look_every(AT_WORK, reversed(LOOKED_INTO), engine)


class Pace:
    """One worker's eye on whether there is work. What it sets holds for all workers of the database, and they agree:
    each sees the same work."""

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._clock = clock
        self._last_work = clock()

    def keep(self) -> None:
        """Check from now on, beside the work."""
        threading.Thread(target=self._go_on, name="pace", daemon=True).start()

    def check(self) -> None:
        """Look whether there is work, and set the pace by it."""
        if self._engine.list_workflows(status=_NOT_OVER, limit=1, load_input=False, load_output=False):
            self._last_work = self._clock()
            quicken(self._engine)
        elif self._clock() - self._last_work > RESTS_AFTER and _pace(self._engine) < AT_REST:
            _look_every(AT_REST, LOOKED_INTO, self._engine)

    def _go_on(self) -> None:
        while True:
            time.sleep(CHECKS_EVERY)
            try:
                self.check()
            except Exception as error:  # a database that is busy, or away for a while: the pace stays as it is
                log.info("the pace stays as it is: %s", error)


def _pace(engine: Engine) -> float:
    queue = engine.retrieve_queue(RUNS)
    return AT_WORK if queue is None else queue.polling_interval_sec


def _look_every(seconds: float, queues: Iterable[str], engine: Engine) -> None:
    for name in queues:
        if (queue := engine.retrieve_queue(name)) is not None:
            queue.set_polling_interval_sec(seconds)
