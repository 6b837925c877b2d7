"""What is known of a browser for as long as the app runs: its key, and the sign-in that it has begun. Never on disk.

A browser is known by a cookie that scripts cannot read. Its value is of our own making: nobody else can give a browser
a name under which they would find its key.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass

from lib.errors import SignInRefused
from lib.openrouter.sign_in import new_verifier

SIGN_IN_SECONDS = 600.0
"""So long OpenRouter's codes live, and so long a sign-in may take."""
MOST_SIGN_INS = 1000
KEY_SECONDS = 86400.0
"""A key that no page has asked for in a day is forgotten."""
MOST_KEYS = 10_000


@dataclass(frozen=True, slots=True)
class SignIn:
    """One way to OpenRouter and back: who comes back must bring ``state``, and only we have the verifier."""

    state: str
    verifier: str
    began: float


class Visitors:
    """Safe among threads. ``clock`` gives seconds that never go back."""

    def __init__(self, clock=time.monotonic) -> None:
        self._clock = clock
        self._seal = secrets.token_bytes(32)
        self._lock = threading.Lock()
        self._keys: OrderedDict[str, tuple[str, float]] = OrderedDict()
        self._sign_ins: OrderedDict[str, SignIn] = OrderedDict()

    def new(self) -> str:
        """A name for a browser that has none."""
        name = secrets.token_urlsafe(24)
        return f"{name}.{self._sealed(name)}"

    def known(self, visitor: str | None) -> str | None:
        """The visitor, if the name is one that we gave; None for any other."""
        name, _, seal = (visitor or "").partition(".")
        return visitor if hmac.compare_digest(seal.encode(), self._sealed(name).encode()) else None

    def key(self, visitor: str) -> str | None:
        with self._lock:
            self._forget_old()
            key, _ = self._keys.pop(visitor, (None, 0.0))
            if key is not None:
                self._keys[visitor] = (key, self._clock())
            return key

    def remember(self, visitor: str, key: str | None) -> None:
        """Keep the key until the app ends; None forgets it."""
        with self._lock:
            self._keys.pop(visitor, None)
            if key:
                self._keys[visitor] = (key, self._clock())
            while len(self._keys) > MOST_KEYS:
                self._keys.popitem(last=False)

    def begin_sign_in(self, visitor: str) -> SignIn:
        """One at a time for each browser: beginning anew ends the one before."""
        with self._lock:
            self._sign_ins.pop(visitor, None)
            begun = SignIn(secrets.token_urlsafe(24), new_verifier(), self._clock())
            self._sign_ins[visitor] = begun
            while len(self._sign_ins) > MOST_SIGN_INS:
                self._sign_ins.popitem(last=False)
            return begun

    def end_sign_in(self, visitor: str | None, state: str) -> str:
        """The verifier of the sign-in that this browser began, once. Raises SignInRefused for any other."""
        with self._lock:
            begun = self._sign_ins.get(visitor or "")
            if begun is None or not hmac.compare_digest(begun.state.encode(), state.encode()):
                raise SignInRefused("This sign-in was not begun in this browser, or it was used before.")
            del self._sign_ins[visitor]
        if self._clock() - begun.began > SIGN_IN_SECONDS:
            raise SignInRefused("This sign-in took more than 10 minutes.")
        return begun.verifier

    def _forget_old(self) -> None:
        oldest = self._clock() - KEY_SECONDS
        while self._keys and next(iter(self._keys.values()))[1] < oldest:
            self._keys.popitem(last=False)

    def _sealed(self, name: str) -> str:
        return hmac.new(self._seal, name.encode(), hashlib.sha256).hexdigest()[:32]
