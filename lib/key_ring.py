"""The keyring of the system: where a key is remembered when the user asks for it, and only then."""

from __future__ import annotations

import logging

from lib.errors import KeyRingRefused

log = logging.getLogger(__name__)

SERVICE = "cuewise"
IN_THE_CLEAR = ("keyring.backends.fail", "keyring.backends.null", "keyrings.alt")
"""Backends that keep nothing, or keep it in a file that anybody can read."""


class KeyRing:
    """The key of one server, in the keyring of the user who runs this. ``account`` is the server's address, so that a
    key never goes to another."""

    def __init__(self, account: str) -> None:
        self._account = account

    def problem(self) -> str | None:
        """Why nothing can be remembered here; None when it can."""
        import keyring  # looks through the system: only who asks pays for it
        import keyring.errors

        try:
            backend = keyring.get_keyring()
            usable = [each for each in getattr(backend, "backends", [backend]) if not _is_in_the_clear(each)]
        except (keyring.errors.KeyringError, RuntimeError, OSError) as exc:
            log.info("no keyring: %s", type(exc).__name__)
            usable = []
        return None if usable else "This system has no keyring that keeps it encrypted."

    def get(self) -> str | None:
        """The key that is remembered; None for none, and where the keyring does not open."""
        import keyring
        import keyring.errors

        try:
            return None if self.problem() else keyring.get_password(SERVICE, self._account)
        except (keyring.errors.KeyringError, RuntimeError, OSError) as exc:
            log.warning("the keyring does not open: %s", type(exc).__name__)
            return None

    def put(self, key: str) -> None:
        """Raises KeyRingRefused."""
        import keyring
        import keyring.errors

        if problem := self.problem():
            raise KeyRingRefused(problem)
        try:
            keyring.set_password(SERVICE, self._account, key)
        except (keyring.errors.KeyringError, RuntimeError, OSError) as exc:
            raise KeyRingRefused("The system's keyring did not take the key.") from exc

    def forget(self) -> None:
        """Does nothing where nothing is remembered. Raises KeyRingRefused."""
        import keyring
        import keyring.errors

        try:
            if keyring.get_password(SERVICE, self._account) is not None:
                keyring.delete_password(SERVICE, self._account)
        except (keyring.errors.KeyringError, RuntimeError, OSError) as exc:
            raise KeyRingRefused("The system's keyring did not let go of the key.") from exc


def _is_in_the_clear(backend: object) -> bool:
    return type(backend).__module__.startswith(IN_THE_CLEAR)
