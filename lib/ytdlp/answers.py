"""What servers answered in one call: the size and the kind of each file, and a stamp of its content."""

from __future__ import annotations

from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said of a file: its media type, its whole size, and a stamp that changes with its content."""

    media_type: str
    total_bytes: int | None
    stamp: str | None


@dataclass(slots=True)
class Answers:
    """The answers of one call by link, the latest few hundred."""

    _kept: OrderedDict[str, Answer] = field(default_factory=OrderedDict)

    def get(self, url: str | None) -> Answer | None:
        return self._kept.get(url) if url else None

    def note(self, request: Any, response: Any) -> None:
        headers = response.headers
        total: int | None = None
        with suppress(TypeError, ValueError):
            if response.status == 206:
                total = int(headers["Content-Range"].rpartition("/")[2])
            elif not headers.get("Content-Encoding"):
                total = int(headers["Content-Length"])
        if total == 0 and request.method == "HEAD":  # some servers mean the answer, not the file
            total = None
        media_type = (headers.get("Content-Type") or "").partition(";")[0].strip().lower()
        answer = Answer(media_type, total, headers.get("ETag") or headers.get("Last-Modified"))
        for url in (request.url, response.url):
            self._kept[url] = answer
            self._kept.move_to_end(url)
        while len(self._kept) > 300:
            self._kept.popitem(last=False)
