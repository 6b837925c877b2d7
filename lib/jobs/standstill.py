"""The standstill: a full disk, on which the engine cannot write down that a workflow ended."""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import time

from dbos import DBOS

from lib.errors import DiskFull, StorageError
from lib.jobs.database import check_room
from lib.jobs.names import subject_of, user_of
from lib.pipeline.answer import fail_answer
from lib.pipeline.run import as_failure, fail_run
from lib.pipeline.tools import Tools
from lib.store import is_disk_full

log = logging.getLogger(__name__)

FULL = "The disk is full: what the work came to could not be written down."


class Standstill(logging.Filter):
    """Hears, where alone the engine says it, that a workflow's end could not be written down: the disk is full.

    To the engine such a workflow works on for ever, and those that wait for it wait for ever. So its run, copy or
    question fails with the reason as soon as there is room to write that down, and then the process ends: the worker
    that is started in its place takes up all other work where the databases say that it is.
    """

    def __init__(self, tools: Tools) -> None:
        super().__init__()
        self._tools = tools
        self._stopped: set[tuple[str | None, str, int]] = set()
        self._has_begun = threading.Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        """False for what needs no traceback: the full disk is told in a line of our own."""
        if not record.exc_info or not is_disk_full(record.exc_info[1]):
            return True
        if DBOS.workflow_id:
            self._stopped.add((user_of(DBOS.workflow_id), *subject_of(DBOS.workflow_id)))
        if self._has_begun.acquire(blocking=False):
            threading.Thread(target=self._wait_for_room, name="standstill", daemon=True).start()
        return False

    def _wait_for_room(self) -> None:
        log.error("the disk is full; waiting for room")
        while not self._is_written_down():
            time.sleep(1)
        log.info("there is room again")
        os._exit(1)

    def _is_written_down(self) -> bool:
        try:
            for user_id, subject_id, attempt in tuple(self._stopped):
                self._fail(self._tools.of_user(user_id), subject_id, attempt)
            check_room(self._tools.settings.jobs_database_url)
        except (StorageError, sqlite3.OperationalError):
            return False
        return True

    def _fail(self, tools: Tools, subject_id: str, attempt: int) -> None:
        failure = as_failure(DiskFull(FULL), subject_id)
        if tools.store.runs.get(subject_id) is not None:
            fail_run(subject_id, attempt, failure, tools)
        elif tools.store.conversations.exchange(subject_id) is not None:
            fail_answer(subject_id, attempt, failure, tools)
        else:
            tools.store.copies.fail(subject_id, attempt, failure)
