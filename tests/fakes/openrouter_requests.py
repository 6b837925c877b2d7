"""What the fake OpenRouter was asked: the request as it came, its media decoded and hashed on the way, never kept."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import threading
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class ReceivedMedia:
    """One base64 value of a request: what stood before it, and the bytes it decodes to, hashed."""

    prefix: str
    size_bytes: int
    sha256: str
    is_valid: bool


@dataclass
class Request:
    """One request as it came. In ``body``, base64 is replaced by ``<media 0>``, ``<media 1>``, ..."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any = None
    media: tuple[ReceivedMedia, ...] = ()
    body_bytes: int = 0
    is_whole: bool = True
    was_cut_off: threading.Event = field(default_factory=threading.Event)
    """Set when the client left before the reply was sent."""

    @property
    def bearer(self) -> str | None:
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token if scheme == "Bearer" else None

    @property
    def content(self) -> list[dict[str, Any]]:
        """The parts of the last message: what stands before it are instructions and earlier turns."""
        return self.body["messages"][-1]["content"]


class BodyReader:
    """Reads JSON in pieces, decodes and hashes long base64 values on the way, and keeps the rest."""

    _START = re.compile(rb'"(data:[\w/.+-]*;base64,)|(?<!\\)"data"\s*:\s*"')
    _OVERLAP = 128

    def __init__(self) -> None:
        self.size = 0
        self._kept = bytearray()
        self._pending = b""
        self._media: list[ReceivedMedia] = []
        self._current: _MediaReader | None = None

    def feed(self, piece: bytes) -> None:
        self.size += len(piece)
        self._pending += piece
        while self._step():
            pass

    def finish(self) -> tuple[bytes, tuple[ReceivedMedia, ...]]:
        if self._current is not None:
            self._end_media()
        self._kept += self._pending
        self._pending = b""
        return bytes(self._kept), tuple(self._media)

    def _step(self) -> bool:
        if self._current is not None:
            end = self._pending.find(b'"')
            self._current.feed(self._pending if end < 0 else self._pending[:end])
            self._pending = b"" if end < 0 else self._pending[end:]
            if end >= 0:
                self._end_media()
            return end >= 0
        found = self._START.search(self._pending)
        if found is None:
            keep = max(0, len(self._pending) - self._OVERLAP)
            self._kept += self._pending[:keep]
            self._pending = self._pending[keep:]
            return False
        self._kept += self._pending[: found.end()]
        self._pending = self._pending[found.end() :]
        self._current = _MediaReader((found.group(1) or b"").decode())
        return True

    def _end_media(self) -> None:
        assert self._current is not None
        self._kept += f"<media {len(self._media)}>".encode()
        self._media.append(self._current.finish())
        self._current = None


class _MediaReader:
    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._hash = hashlib.sha256()
        self._size = 0
        self._rest = b""
        self._is_valid = True

    def feed(self, text: bytes) -> None:
        text = self._rest + text
        whole = len(text) // 4 * 4
        self._rest = text[whole:]
        self._decode(text[:whole])

    def finish(self) -> ReceivedMedia:
        if self._rest:
            self._is_valid = False
        return ReceivedMedia(self._prefix, self._size, self._hash.hexdigest(), self._is_valid)

    def _decode(self, text: bytes) -> None:
        try:
            data = base64.b64decode(text, validate=True)
        except binascii.Error:
            self._is_valid = False
            return
        self._hash.update(data)
        self._size += len(data)
