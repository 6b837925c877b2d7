"""The roll: several workers on one database say that they live, and take over the work of those that no longer do.

A worker is dead to the others when it was silent for ``DEAD_AFTER`` seconds on the database's clock. It may only have
been slow: so one that could not speak for a while ends itself before the others may think so, and one that wakes up
later finds itself struck off, and ends. Whoever keeps it starts it anew.
"""

from __future__ import annotations

import logging
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterable

from lib.domain.workers import DEAD_AFTER
from lib.errors import InputError, StorageError
from lib.pipeline.tools import Tools

log = logging.getLogger(__name__)

BEAT_EVERY = 5.0
GIVE_UP_AFTER = DEAD_AFTER - 2 * BEAT_EVERY
"""Seconds without a word to the database, after which a worker must take it that it counts as dead soon."""


class Roll:
    """One worker's place among all. Without others (a database in a file) it does nothing."""

    def __init__(self, tools: Tools, worker_id: str) -> None:
        self._tools = tools
        self._id = worker_id
        self._token = secrets.token_hex(16)
        self._spoke = time.monotonic()

    def sign_in(self) -> None:
        """Say that this worker begins, before it takes up any work, and from then on that it lives. Waits while
        somebody takes over what was left under its id. Raises InputError when others have another secret for keys."""
        if not self._tools.settings.is_shared:
            return
        vault = self._tools.vault.fingerprint
        others = [each for each in self._tools.store.workers.seen() if each.is_alive and each.id != self._id]
        if strangers := [each for each in others if each.vault != vault]:
            raise InputError(
                f"This worker could not open the keys of runs: {strangers[0].machine} seals them with another secret.",
                "Set CUEWISE_VAULT_KEY to the same secret on every machine, and start them all again.",
            )
        self._tools.store.workers.arrive(self._id, self._token, vault)
        self._spoke = time.monotonic()
        threading.Thread(target=self._speak, name="roll", daemon=True).start()
        threading.Thread(target=self._watch, name="roll watch", daemon=True).start()

    def call(self, at_work: Callable[[], Iterable[str]], take_over: Callable[[str], int]) -> None:
        """From now on let this worker ``take_over`` what dead ones left, those included that are ``at_work`` by what
        they left and never signed in."""
        if self._tools.settings.is_shared:
            self._tools.store.workers.suspect(at_work())
            threading.Thread(target=self._look, args=(take_over,), name="roll call", daemon=True).start()

    def _speak(self) -> None:
        while True:
            try:
                if not self._tools.store.workers.beat(self._id, self._token):
                    _end("others took this worker for dead and do its work")
                self._spoke = time.monotonic()
            except StorageError as error:
                log.warning("the database does not hear that this worker lives: %s", error)
            time.sleep(BEAT_EVERY)

    def _watch(self) -> None:
        # Beside the beats, for one that hangs would never end.
        while True:
            time.sleep(0.5)
            if time.monotonic() - self._spoke > GIVE_UP_AFTER:
                _end("the database was out of reach for so long that others may take this worker for dead")

    def _look(self, take_over: Callable[[str], int]) -> None:
        while True:
            time.sleep(BEAT_EVERY)
            try:
                while bury_one(self._tools, take_over):
                    pass
            except StorageError as error:
                log.warning("nobody's work can be taken over: %s", error)
            except Exception:
                log.exception("the work of a dead worker could not be taken over")


def bury_one(tools: Tools, take_over: Callable[[str], int]) -> bool:
    """Take over the work of one dead worker; False when all are alive."""
    with tools.store.workers.burying_one() as dead:
        if dead is not None:
            log.warning("worker %s is dead: %d of its jobs were taken over", dead, take_over(dead))
    return dead is not None


def _end(why: str) -> None:
    log.error("%s: it ends, to be started anew", why)
    os._exit(1)
