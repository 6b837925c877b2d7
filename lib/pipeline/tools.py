"""The tools that the pipeline works with, made once by lib.services and handed from step to step."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from lib.files import MediaFiles
from lib.openrouter import CatalogueKeeper, OpenRouter
from lib.settings import Settings
from lib.speech import Listener
from lib.store import Store
from lib.vault import Vault
from lib.ytdlp import LinkDoor


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


@dataclass(frozen=True)
class Tools:
    """``openrouter(base_url, key)`` and ``links(allow_private)`` open the doors that depend on the request.

    ``holder`` is the worker, the same over its restarts, in whose name money is reserved.
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
        return self.settings.data_dir / "weights"
