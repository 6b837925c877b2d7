"""Keys beyond one run: got by signing in, remembered in the system's keyring on request."""

from __future__ import annotations

import threading
from dataclasses import replace

from lib.errors import CuewiseError, KeyRingRefused, SignInRefused
from lib.key_ring import KeyRing
from lib.openrouter import OpenRouter
from lib.openrouter.sign_in import challenge_of, offers_sign_in, sign_in_url
from lib.pipeline.tools import Tools

NOT_YOURS = "It cannot be remembered here: the keyring is that of whoever runs this Cuewise."


class Keys:
    """Verbs for pages and the command line. A browser's own key is not here: see ``lib.visitors``.

    The keyring is that of who sits at the machine: who signs in has none.
    """

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._base_url = tools.settings.openrouter_base_url
        self._ring = KeyRing(self._base_url)
        self._lock = threading.Lock()
        self._remembered: str | None = None
        self._was_read = False

    def remembered(self) -> str | None:
        """The key in the system's keyring, which is opened only where the user once asked for that."""
        if self._tools.settings.user_id:
            return None
        with self._lock:
            if not self._was_read and self._tools.store.preferences.get().remembers_key:
                self._remembered = self._ring.get()
                self._was_read = True
            return self._remembered

    def remembering_problem(self) -> str | None:
        """Why no key can be remembered on this machine; None when it can."""
        return NOT_YOURS if self._tools.settings.user_id else self._ring.problem()

    def remember(self, key: str) -> None:
        """Keep the key in the system's keyring for every later start. Raises KeyRingRefused."""
        if self._tools.settings.user_id:
            raise KeyRingRefused(NOT_YOURS, "Paste your key when you need it.")
        with self._lock:
            self._ring.put(key)
            self._remembered, self._was_read = key, True
            self._note(True)

    def forget(self) -> None:
        """Take the key out of the keyring. Raises KeyRingRefused."""
        with self._lock:
            self._ring.forget()
            self._remembered, self._was_read = None, True
            self._note(False)

    def offers_sign_in(self) -> bool:
        """Whether the server that is set has a page to sign in on."""
        return offers_sign_in(self._base_url)

    def sign_in_url(self, callback_url: str, verifier: str) -> str:
        """Where to send the user, who comes back to ``callback_url`` with a code."""
        return sign_in_url(self._base_url, callback_url, challenge_of(verifier))

    def key_for(self, code: str, verifier: str) -> str:
        """The key that a code stands for; each code is good once. Raises SignInRefused."""
        client = OpenRouter(self._base_url, None)
        try:
            return client.exchange_code(code, verifier)
        except SignInRefused:
            raise
        except CuewiseError as exc:
            raise SignInRefused(f"OpenRouter gave no key: {exc}") from exc
        finally:
            client.close()

    def _note(self, remembers: bool) -> None:
        preferences = self._tools.store.preferences
        preferences.save(replace(preferences.get(), remembers_key=remembers))
