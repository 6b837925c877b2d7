"""An installation at rest: for what can only be done whole while nobody works on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from lib.errors import StorageInUse
from lib.pipeline.tools import Tools
from lib.store import check_alone


@contextmanager
def at_rest(tools: Tools) -> Iterator[None]:
    """For the block, nobody has the installation open, and no worker of this machine begins to work.

    Raises StorageInUse while the app or a worker runs, on whichever machine.
    """
    settings = tools.settings
    tools.close()  # our own connections are opened anew when they are needed
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        with FileLock(settings.data_dir / "worker.lock", timeout=0):
            check_alone(settings.database_url)
            yield
    except Timeout as exc:
        raise StorageInUse("Cuewise is at work.") from exc


def going_on(tools: Tools) -> list[str]:
    """The runs, copies and questions that are not over."""
    shelves = (tools.store.runs, tools.store.copies, tools.store.conversations)
    return [subject_id for shelf in shelves for subject_id, *_ in shelf.unfinished()]
