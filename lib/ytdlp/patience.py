"""How long one call may take in all, however little a server says at a time."""

from __future__ import annotations

import socket
import threading
import time
import weakref
from contextlib import suppress
from types import TracebackType


class Patience:
    """While its ``with`` lasts, connections are watched; when the time is over they are cut, and no new one is made.

    A limit of silence is not enough: a byte every few seconds, in a header even, keeps a reader for ever.
    """

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> Patience:
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self._end

    def watch(self, connection: socket.socket) -> None:
        self._sockets.add(connection)

    def _cut(self) -> None:
        for connection in list(self._sockets):
            with suppress(OSError):
                # Not the method of an SSLSocket: that would take the reader's cipher from under it.
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
