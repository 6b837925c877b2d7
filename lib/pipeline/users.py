"""Users: who has a library of their own here, and who comes in."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from lib.domain.library import Filters
from lib.domain.user import Departure, User, check_let_in
from lib.errors import InputError, StorageError
from lib.files import folder_bytes
from lib.pipeline.at_rest import at_rest, going_on
from lib.pipeline.library_gift import give_library
from lib.pipeline.tools import Tools
from lib.store import drop_schema, forget_backups


class UsersJobs(Protocol):
    """What remembers the work of a user: lib.jobs."""

    def of_user(self, user_id: str) -> UsersJobs: ...
    def forget_all(self) -> None: ...


class Users:
    """Verbs for pages and the command line, of the installation: a user's own services know of nobody else. ``jobs``
    opens the job engine, for deleting alone."""

    def __init__(self, tools: Tools, jobs: Callable[[], UsersJobs]) -> None:
        self._tools = tools
        self._jobs = jobs
        self._lock = threading.Lock()
        self._noted: dict[str, User] = {}

    def enter(self, user: User) -> None:
        """Let a user in, who has a library from then on. Raises NotLetIn, and StorageError."""
        check_let_in(user, self._tools.settings.allowed_emails)
        with self._lock:
            if self._noted.get(user.id) == user:
                return
            self._tools.store.users.note(user)
            self._noted[user.id] = user

    def all(self) -> list[User]:
        """Whoever came in last is first."""
        return self._tools.store.users.all()

    def find(self, wanted: str) -> User:
        """The one user whose e-mail, or whose id from its beginning on, this is. Raises InputError."""
        wanted = wanted.strip().lower()
        found = [each for each in self.all() if wanted and (each.email == wanted or each.id.startswith(wanted))]
        if len(found) != 1:
            what = "Several users fit" if found else "Nobody who has signed in here is called"
            raise InputError(f"{what} “{wanted}”.", "Name one by e-mail or id, as `users` lists them.")
        return found[0]

    def give(self, user: User) -> None:
        """Give the library from before there was a login to a user. Raises what ``give_library`` raises."""
        give_library(self._tools, user)

    def departure(self, user: User) -> Departure:
        """What ``delete`` would take along. Raises StorageInUse while the app or a worker runs, and StorageError."""
        with at_rest(self._tools):
            own = self._tools.of_user(user.id)
            shared = own.files.shared
            return Departure(
                user,
                videos=own.store.videos.page(Filters(), "", limit=1, offset=0)[1],
                runs=sum(own.store.counting.since().states.values()),
                going_on=len(going_on(own)),
                size_bytes=folder_bytes(own.settings.data_dir),
                stored_bytes=0 if shared is None else sum(shared.sizes().values()),
            )

    def delete(self, user: User) -> None:
        """Delete a user's library whole, with all that is kept of them: what they have at work, keys, jobs, media here
        and in the media store, the database or schema, backups, and that they were ever here.

        That they were here goes last: what breaks off is done to its end by deleting once more. Raises StorageInUse
        while the app or a worker runs, and StorageError where something does not go.
        """
        with at_rest(self._tools):
            own = self._tools.of_user(user.id)
            settings, shared = own.settings, own.files.shared
            _cancel_all(own)
            self._jobs().of_user(user.id).forget_all()
            if shared is not None:
                shared.clear()
            self._tools.users.close()
            if settings.database_schema is not None:
                drop_schema(settings.database_url, settings.database_schema)
            _remove_folder(settings.data_dir)
            self._tools.store.users.forget(user.id)
            # A backup that is put back must not know them either.
            forget_backups(self._tools.settings.database_url, self._tools.settings.backups_dir)
            with self._lock:
                self._noted.pop(user.id, None)


def _cancel_all(own: Tools) -> None:
    """Also where this breaks off later, a worker pays for nothing more then, and finds no key to pay with."""
    for shelf in (own.store.runs, own.store.copies, own.store.conversations):
        for subject_id, *_ in shelf.unfinished():
            shelf.cancel(subject_id)
    own.vault.forget_unused()


def _remove_folder(folder: Path) -> None:
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        pass
    except OSError as exc:
        raise StorageError(
            f"The folder {folder} could not be deleted whole: {exc.strerror}.", "See to its files, then delete again."
        ) from exc
