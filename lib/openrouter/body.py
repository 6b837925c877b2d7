"""The body of a request, made from the file in pieces: never the whole base64 in memory."""

from __future__ import annotations

import base64
import io
import json
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from lib.domain.run import PartForm
from lib.errors import TruncatedMedia
from lib.openrouter.question import MediaPart, Question, Turn

_PULSE_BYTES = 1_000_000


class RequestBody(io.RawIOBase):
    """The JSON of a question as a file to read: its head, the base64 of its media, its tail.

    ``len(body)`` is the exact number of bytes it yields; it can be rewound and read again. Memory stays at the
    size of one piece. ``pulse`` is called about once for every megabyte read, and may raise to stop the sending.
    Raises OSError when the file cannot be opened, TruncatedMedia when it ends before the size it had at first.
    """

    def __init__(self, question: Question, pulse: Callable[[], None] | None = None) -> None:
        super().__init__()
        self._pulse = pulse
        self._file: BinaryIO | None = None
        self._position = 0
        self._pulsed_at = 0
        self._media_bytes = 0
        path = question.media.path if question.media else None
        mark = f"<{secrets.token_hex(16)}>"  # no prompt holds it by chance, so the JSON falls apart just there
        head, _, tail = json.dumps(payload(question, mark)).partition(mark)
        self._head, self._tail = head.encode(), tail.encode()
        if path is not None:
            self._open(path)
        self._base64_bytes = 4 * ((self._media_bytes + 2) // 3)

    def _open(self, path: Path) -> None:
        self._file = path.open("rb")
        self._media_bytes = self._file.seek(0, io.SEEK_END)

    def __len__(self) -> int:
        return len(self._head) + self._base64_bytes + len(self._tail)

    def __bool__(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: len(self)}[whence]
        self._position = min(max(0, base + offset), len(self))
        self._pulsed_at = self._position
        return self._position

    def read(self, size: int = -1) -> bytes:
        """The next ``size`` bytes, fewer at the end. Give a size: without one, all of it is in memory at once."""
        end = len(self) if size is None or size < 0 else min(len(self), self._position + size)
        start, self._position = self._position, end
        if self._pulse and end - self._pulsed_at >= _PULSE_BYTES:
            self._pulsed_at = end
            self._pulse()
        media_start, media_end = len(self._head), len(self._head) + self._base64_bytes
        return b"".join(
            (
                self._head[start:end],
                self._encoded(max(0, start - media_start), min(end, media_end) - media_start),
                self._tail[max(0, start - media_end) : max(0, end - media_end)],
            )
        )

    def readinto(self, buffer: Any) -> int:
        piece = self.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
        super().close()

    def _encoded(self, start: int, end: int) -> bytes:
        """Characters ``start`` to ``end`` of the base64 of the file: only the groups that hold them are encoded."""
        if self._file is None or start >= end:
            return b""
        first, last = start // 4, -(-end // 4)
        self._file.seek(3 * first)
        wanted = min(3 * last, self._media_bytes) - 3 * first
        raw = self._file.read(wanted)
        if len(raw) != wanted:
            raise TruncatedMedia("The file became shorter while it was being sent.", "Choose the file again.")
        return base64.b64encode(raw)[start - 4 * first : end - 4 * first]


def payload(question: Question, data: str = "") -> dict[str, Any]:
    """The question as the JSON of ``POST /chat/completions``, ``data`` standing for the base64 of its media.

    The media part comes before the text: providers read a video better so. No ``models`` fallback is named: the
    answer would come from another model than the one that was chosen.
    """
    content: list[dict[str, Any]] = [{"type": "text", "text": question.prompt}]
    if question.media is not None:
        content.insert(0, _media_json(question.media, question.part_form, data))
    body: dict[str, Any] = {
        "model": question.model.id,
        "messages": [*map(_turn_json, question.turns), {"role": "user", "content": content}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "usage": {"include": True},
    }
    parameters = question.model.parameters
    if not parameters or "temperature" in parameters:  # a row that names its parameters names all of them
        body["temperature"] = question.temperature
    if question.max_tokens is not None:
        body["max_tokens"] = question.max_tokens
    if question.reasoning_effort is not None:
        body["reasoning"] = {"effort": question.reasoning_effort}
    return body


def _turn_json(turn: Turn) -> dict[str, Any]:
    return {"role": turn.role, "content": [{"type": "text", "text": turn.text}]}


def _media_json(media: MediaPart, form: PartForm, data: str) -> dict[str, Any]:
    if media.kind == "audio":
        return {"type": "input_audio", "input_audio": {"data": data, "format": media.format}}
    url = media.link if media.link is not None else f"data:{media.media_type};base64,{data}"
    return {"type": form.value, form.value: {"url": url}}
