"""The tools that the pipeline works with, made once by lib.services and handed from step to step."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Generic, TypeVar

from lib.errors import StorageError
from lib.files import MediaFiles
from lib.openrouter import CatalogueKeeper, OpenRouter
from lib.settings import Settings
from lib.speech import Listener
from lib.store import Store
from lib.vault import Vault
from lib.ytdlp import LinkDoor

log = logging.getLogger(__name__)

T = TypeVar("T")
MOST_OPEN = 64
"""Of so many users the libraries are held open."""


class KeyedLocks:
    """One lock for each name, so that the same thing is made once though several want it at the same time."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}

    @contextmanager
    def hold(self, name: str, while_waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Hold the lock of that name; ``while_waiting`` is called twice a second and may raise to give up."""
        with self._guard:
            lock = self._locks.setdefault(name, threading.Lock())
        while not lock.acquire(timeout=0.5):
            while_waiting()
        try:
            yield
        finally:
            lock.release()


class Opened(Generic[T]):
    """What was opened for each user, by their id: once, and closed when that of many others was used since.

    What is closed while somebody still works with it opens its connections anew.
    """

    def __init__(self, open_one: Callable[[str], T], close_one: Callable[[T], None], most: int = MOST_OPEN) -> None:
        self._open, self._close, self._most = open_one, close_one, most
        self._lock = threading.Lock()
        self._opened: OrderedDict[str, T] = OrderedDict()

    def get(self, user_id: str) -> T:
        with self._lock:
            if user_id not in self._opened:
                self._opened[user_id] = self._open(user_id)
            self._opened.move_to_end(user_id)
            while len(self._opened) > self._most:
                self._close(self._opened.popitem(last=False)[1])
            return self._opened[user_id]

    def close(self) -> None:
        with self._lock:
            while self._opened:
                self._close(self._opened.popitem()[1])


@dataclass(frozen=True)
class Tools:
    """``openrouter(base_url, key)`` and ``links(allow_private)`` open the doors that depend on the request.

    ``holder`` is the worker, the same over its restarts, in whose name money is reserved. ``users`` opens those that
    work on a user's library; None where these do so themselves.
    """

    settings: Settings
    store: Store
    files: MediaFiles
    vault: Vault
    listener: Listener
    catalogue: CatalogueKeeper
    openrouter: Callable[[str, str | None], OpenRouter]
    links: Callable[[bool], LinkDoor]
    holder: str = ""
    locks: KeyedLocks = field(default_factory=KeyedLocks)
    users: Opened[Tools] | None = None

    @contextmanager
    def alone(self, name: str, while_waiting: Callable[[], None]) -> Iterator[None]:
        """Do what may be done once only, though several want it at the same time, on this machine or on others.

        ``while_waiting`` is called twice a second and may raise to give up.
        """
        with self.locks.hold(name, while_waiting):
            if not self.settings.is_shared:
                yield
                return
            while not self.store.claims.take(name, self.holder):
                while_waiting()
                time.sleep(0.5)
            try:
                yield
            finally:
                self.store.claims.release(name, self.holder)

    @property
    def weights_dir(self) -> Path:
        return self.settings.shared.data_dir / "weights"

    def of_user(self, user_id: str | None) -> Tools:
        """Those that work on a user's library; these themselves for None."""
        return self if user_id is None else replace(self.users.get(user_id), holder=self.holder)

    def everybodys(self) -> Iterator[Tools]:
        """These, and then those of each user. A library that cannot be opened is left out, and holds up no other."""
        yield self
        for user in self.store.users.all():
            try:
                own = self.of_user(user.id)
            except StorageError as error:
                log.error("the library of user %s is left out: %s", user.id, error)
            else:
                yield own

    def close(self) -> None:
        if self.users is not None:
            self.users.close()
        self.store.close()
