"""Users: who has a library of their own here, and who comes in."""

from __future__ import annotations

import threading

from lib.domain.user import User, check_let_in
from lib.errors import InputError
from lib.pipeline.tools import Tools


class Users:
    """Verbs for pages and the command line, of the installation: a user's own services know of nobody else."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
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
