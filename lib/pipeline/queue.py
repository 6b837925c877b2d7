"""The queue: how work that was written down gets to a worker, and what is done where it does not."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from lib.errors import StorageError
from lib.pipeline.tools import Tools


class Queue:
    """For runs, questions and copies alike."""

    def __init__(self, tools: Tools, ensure_worker: Callable[[], None]) -> None:
        self._tools = tools
        self._ensure_worker = ensure_worker

    def put(self, enqueue: Callable[[], None], take_back: Callable[[], object], key: str | None = None) -> None:
        """Hand over what is written down as queued, with the ``key`` that it needs, and see to it that a worker runs.

        Raises what ``enqueue`` and the vault raise; then it is taken back, for nobody would take it up before the next
        start of a worker.
        """
        try:
            # Once more: of a key that nothing unfinished needed until now, the end of any run let go.
            if key is not None:
                self._tools.vault.seal(key)
            enqueue()
        except Exception:
            with suppress(StorageError):
                take_back()
                self._tools.vault.forget_unused()
            raise
        self._ensure_worker()
