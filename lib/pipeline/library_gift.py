"""The library of who sits at the machine, from before there was a login, given to a user."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

from filelock import FileLock, Timeout

from lib.domain.user import User
from lib.errors import InputError, StillGoingOn, StorageError, StorageInUse
from lib.settings import Settings
from lib.store import Store

MOVED = ("cuewise.db", "cuewise.db-wal", "cuewise.db-shm", "media", "renditions", "backups")


def give_library(settings: Settings, user: User) -> Path:
    """Move the installation's own library into a user's folder, where theirs is still empty; gives the folder.

    Everybody stays known. Raises StorageInUse while the app or a worker runs, StillGoingOn while there is work left,
    InputError where the user has a library already, StorageError on anything but SQLite.
    """
    if not settings.database_url.startswith("sqlite:"):
        raise StorageError(
            "Only a library in SQLite can be given away here.",
            f"On PostgreSQL, load a dump of the schema public into {settings.for_user(user.id).database_schema}.",
        )
    own = settings.for_user(user.id)
    try:
        with FileLock(settings.data_dir / "worker.lock", timeout=0):
            with closing(Store(settings.database_url)) as store, closing(Store(own.database_url)) as theirs:
                if store.runs.unfinished():
                    raise StillGoingOn("There are runs that are not over.", "Start the app once more and let them end.")
                if theirs.runs.newest(1):
                    raise InputError(f"{user.name} has a library already.", "Only an empty one can be replaced.")
                known = store.users.all()
            _move(settings.data_dir, own.data_dir)
            with closing(Store(settings.database_url)) as fresh:
                for each in reversed(known):
                    fresh.users.note(each)
    except Timeout as exc:
        raise StorageInUse("The library is in use.", "Stop the app and its workers, then try again.") from exc
    return own.data_dir


def _move(source: Path, target: Path) -> None:
    try:
        for name in MOVED:
            if (target / name).is_file():
                (target / name).unlink()
        for name in MOVED:
            if (source / name).exists():
                os.replace(source / name, target / name)
    except OSError as exc:
        raise StorageError(f"The library could not be moved whole: {exc.strerror}.", f"Look into {target}.") from exc
