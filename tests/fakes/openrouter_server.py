"""A server that speaks OpenRouter's protocol, over real HTTP on loopback.

In a test::

    with FakeOpenRouter(key="sk-or-v1-test") as server:
        server.enqueue(Reply.refusal(429, "Slow down", retry_after=5), Reply.answer("[00:01] Hello"))
        ...                                 # a client of server.base_url
        assert server.history[0].media[0].sha256 == ...

By hand, or for a browser test::

    python -m tests.fakes.openrouter_server --port 8700 --key sk-or-v1-test --answer transcript.txt --delay 0.1

Media in a request body is decoded and hashed as it arrives and never kept, so bodies of any size cost no memory.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import contextlib
import hashlib
import json
import re
import socket
import sys
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

PREFIX = "/api/v1"
DEFAULT_KEY = "sk-or-v1-test-0123456789abcdef"
DEFAULT_ANSWER = """\
[00:00] Good morning, and thank you for coming.
[00:04] Today we look at how a small team can transcribe a whole archive.
[00:09] First we listen, then we check the times against the sound.
[00:14] Let us begin with an example.
"""


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
        """The parts of the first message."""
        return self.body["messages"][0]["content"]


@dataclass(frozen=True)
class Reply:
    """What the server does with one request. ``events`` are sent as SSE: a dict as data, a string as it is."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    events: tuple[dict[str, Any] | str, ...] | None = None
    body: bytes = b""
    media_type: str = "application/json"
    delay: float = 0.0
    """Seconds before each event."""
    hang: float = 0.0
    """Seconds of silence before anything is said; ends early when the server closes."""
    is_cut: bool = False
    """Break the connection at the end, without the last chunk of the body."""
    is_early: bool = False
    """Answer and hang up before the request body is read."""

    @classmethod
    def answer(
        cls,
        text: str = DEFAULT_ANSWER,
        *,
        usage: dict[str, Any] | None = None,
        cost: Any = "0.00123",
        provider: str | None = "Google AI Studio",
        finish: str | None = "stop",
        pieces: int = 6,
        video_tokens: int | None = 660,
        delay: float = 0.0,
        headers: dict[str, str] | None = None,
    ) -> Reply:
        """A good answer: comments while it thinks, text in pieces, a finish reason, usage, [DONE]."""
        usage = usage if usage is not None else _usage(text, cost, video_tokens)
        return cls(events=tuple(_events(text, usage, provider, finish, pieces)), delay=delay, headers=_pairs(headers))

    @classmethod
    def bare(cls, text: str = DEFAULT_ANSWER) -> Reply:
        """The answer of a plain server: no provider, no usage, no comments."""
        chunks = [{"choices": [{"delta": {"content": piece}}]} for piece in _pieces(text, 3)]
        return cls(events=(*chunks, {"choices": [{"delta": {}, "finish_reason": "stop"}]}, "data: [DONE]\n\n"))

    @classmethod
    def whole(cls, text: str = DEFAULT_ANSWER) -> Reply:
        """One JSON in place of a stream, from a server that does not know ``stream``."""
        choice = {"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        return cls(body=json.dumps({"id": "gen-whole", "choices": [choice]}).encode())

    @classmethod
    def refusal(
        cls,
        status: int,
        message: str | None = "Refused",
        *,
        code: Any = None,
        metadata: Any = None,
        availability: Any = None,
        retry_after: Any = None,
        is_early: bool = False,
    ) -> Reply:
        """The first way of an error: an HTTP status."""
        headers = (("Retry-After", str(retry_after)),) if retry_after is not None else ()
        body = _envelope(status if code is None else code, message, metadata, availability)
        return cls(status=status, headers=headers, body=json.dumps(body).encode(), is_early=is_early)

    @classmethod
    def refusal_in_200(cls, code: Any, message: str | None = "Refused", *, metadata: Any = None) -> Reply:
        """The second way: HTTP 200 with ``error`` and no choices."""
        return cls(body=json.dumps(_envelope(code, message, metadata, None)).encode())

    @classmethod
    def refusal_in_choice(cls, code: Any, message: str | None = "Refused", *, metadata: Any = None) -> Reply:
        """The third way: inside ``choices[0].error``."""
        error = _envelope(code, message, metadata, None)["error"]
        chunk = {"id": "gen-choice", "choices": [{"delta": {"content": ""}, "error": error, "finish_reason": "error"}]}
        return cls(events=(": OPENROUTER PROCESSING\n\n", chunk, "data: [DONE]\n\n"))

    @classmethod
    def refusal_mid_stream(
        cls, code: Any, message: str | None = "Refused", *, before: str = "[00:00] So far", metadata: Any = None
    ) -> Reply:
        """The fourth way: a chunk with ``error`` and ``finish_reason: "error"`` after some text."""
        error = _envelope(code, message, metadata, None)
        chunk = {"id": "gen-mid", **error, "choices": [{"delta": {"content": ""}, "finish_reason": "error"}]}
        texts = [_chunk(piece, "Google") for piece in _pieces(before, 2)]
        return cls(events=(": OPENROUTER PROCESSING\n\n", *texts, chunk, "data: [DONE]\n\n"))

    @classmethod
    def broken_off(cls, before: str = "[00:00] So far", *, is_cut: bool = False) -> Reply:
        """A stream that just stops: no finish reason, no [DONE]. ``is_cut``: the connection breaks too."""
        return cls(events=tuple(_chunk(piece, "Google") for piece in _pieces(before, 2)), is_cut=is_cut)

    @classmethod
    def page(cls, status: int = 200, html: str = "<!DOCTYPE html><html><title>Bad gateway</title></html>") -> Reply:
        """An HTML page in place of JSON, as a proxy sends it."""
        return cls(status=status, body=html.encode(), media_type="text/html; charset=utf-8")

    @classmethod
    def json(cls, value: Any, status: int = 200) -> Reply:
        return cls(status=status, body=json.dumps(value).encode())

    @classmethod
    def silence(cls, seconds: float = 30.0) -> Reply:
        """Nothing at all for so long."""
        return replace(cls.answer(), hang=seconds)

    @classmethod
    def drip(cls, text: str = DEFAULT_ANSWER, *, delay: float = 0.05, pieces: int = 200) -> Reply:
        """A good answer, slowly."""
        return cls.answer(text, delay=delay, pieces=pieces)

    @classmethod
    def redirect(cls, location: str, status: int = 307) -> Reply:
        return cls(status=status, headers=(("Location", location),))


class FakeOpenRouter:
    """The server. It listens while it is open, answers what was enqueued first, and then its default answer.

    Chat requests are checked as the real one checks them: the key, the model's id, and whether the model takes
    what it is sent. ``part_form`` names the only form of a video that it accepts; None accepts both.
    """

    def __init__(
        self,
        *,
        key: str | None = DEFAULT_KEY,
        answer: str = DEFAULT_ANSWER,
        delay: float = 0.0,
        port: int = 0,
        part_form: str | None = None,
    ) -> None:
        self.key = key
        self.answer = answer
        self.delay = delay
        self.part_form = part_form
        self.catalogue = catalogue()
        self.history: list[Request] = []
        self._replies: dict[str, deque[Reply]] = {}
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.fake = self
        self._thread: threading.Thread | None = None

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}{PREFIX}"

    def enqueue(self, *replies: Reply, path: str = "/chat/completions") -> None:
        """Replies for the next requests to ``path``, in order. They come before any check but the key's."""
        with self._lock:
            self._replies.setdefault(path, deque()).extend(replies)

    def __enter__(self) -> FakeOpenRouter:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="fake-openrouter")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening and wait until no request is under way."""
        self._closing.set()
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def serve_forever(self) -> None:
        self._server.serve_forever()

    def record(self, request: Request) -> None:
        with self._lock:
            self.history.append(request)

    def enqueued(self, path: str) -> Reply | None:
        with self._lock:
            waiting = self._replies.get(path)
            return waiting.popleft() if waiting else None

    def peek(self, path: str) -> Reply | None:
        with self._lock:
            waiting = self._replies.get(path)
            return waiting[0] if waiting else None

    def sleep(self, seconds: float) -> None:
        self._closing.wait(seconds)

    def reply_to(self, request: Request, path: str) -> Reply:
        """The reply that was enqueued, or what the real service would say."""
        is_public = request.method == "GET" and path == "/models"
        if self.key is not None and request.bearer != self.key and not is_public:
            missing = request.bearer is None
            return Reply.refusal(401, "No auth credentials found" if missing else "User not found.")
        if (reply := self.enqueued(path)) is not None:
            return reply
        if request.method == "GET" and path == "/models":
            return Reply.json(self.catalogue)
        if request.method == "GET" and path == "/key":
            return Reply.json(key_status())
        if request.method == "POST" and path == "/chat/completions":
            return self._complaint(request) or self._default_answer(request)
        return Reply.page(404, "<!DOCTYPE html><html><title>Not Found</title></html>")

    def _complaint(self, request: Request) -> Reply | None:
        if not isinstance(request.body, dict) or not request.body.get("messages"):
            return Reply.refusal(400, "Input required: specify messages")
        row = self._row(request)
        if row is None:
            return Reply.refusal(400, f"{request.body.get('model')} is not a valid model ID")
        taken = (row.get("architecture") or {}).get("input_modalities") or []
        for part in request.content:
            kind = part["type"]
            modality = {"video_url": "video", "image_url": "video", "input_audio": "audio"}.get(kind, "text")
            if modality not in taken:
                return Reply.refusal(404, f"No endpoints found that support input {modality}")
            if modality == "video" and self.part_form not in (None, kind):
                return Reply.refusal(400, f"messages[0].content[0]: unknown variant `{kind}`")
        if not all(media.is_valid for media in request.media):
            return Reply.refusal(400, "Invalid base64 in media part")
        return None

    def _default_answer(self, request: Request) -> Reply:
        row = self._row(request) or {}
        provider = {"google": "Google AI Studio", "qwen": "Alibaba", "mistralai": "Mistral"}.get(
            str(row.get("id")).split("/")[0], "DeepInfra"
        )
        has_video = any(part["type"] in {"video_url", "image_url"} for part in request.content)
        is_google = provider.startswith("Google")
        cost = 0 if str(row.get("id")).endswith(":free") else "0.00217"
        usage = _usage(self.answer, cost, 1980 if has_video and is_google else 0)
        return Reply.answer(self.answer, usage=usage, provider=provider, pieces=24, delay=self.delay)

    def _row(self, request: Request) -> dict[str, Any] | None:
        wanted = request.body.get("model")
        return next((row for row in self.catalogue["data"] if row.get("id") == wanted), None)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    fake: FakeOpenRouter

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], OSError):  # a client that leaves is no error of the server
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def log_message(self, *_: Any) -> None:
        return None

    def _serve(self) -> None:
        fake = self.server.fake
        target = urlsplit(self.path).path
        path = target.removeprefix(PREFIX) if target.startswith(PREFIX + "/") else target
        request = Request(self.command, path, {name.lower(): value for name, value in self.headers.items()})
        upcoming = fake.peek(path)
        if upcoming is not None and upcoming.is_early:
            request.is_whole = False
            fake.record(request)
            self._send(fake.enqueued(path) or upcoming, request)
            self._hang_up()
            self._linger()
            return
        self._read_body(request)
        fake.record(request)
        if request.is_whole:
            self._send(fake.reply_to(request, path), request)

    def _read_body(self, request: Request) -> None:
        left = int(request.headers.get("content-length", 0))
        reader = _BodyReader()
        while left > 0:
            piece = self.rfile.read(min(left, 65_536))
            if not piece:
                request.is_whole = False
                request.was_cut_off.set()
                break
            left -= len(piece)
            reader.feed(piece)
        request.body_bytes = reader.size
        text, request.media = reader.finish()
        try:
            request.body = json.loads(text) if text else None
        except ValueError:
            request.body = text.decode("utf-8", "replace")

    def _send(self, reply: Reply, request: Request) -> None:
        fake = self.server.fake
        try:
            fake.sleep(reply.hang)
            self.send_response(reply.status)
            if reply.is_early:
                self.send_header("Connection", "close")
            for name, value in reply.headers:
                self.send_header(name, value)
            if reply.events is None:
                self.send_header("Content-Type", reply.media_type)
                self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body)
                return
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for event in reply.events:
                fake.sleep(reply.delay)
                text = event if isinstance(event, str) else f"data: {json.dumps(event)}\n\n"
                self._send_chunk(text.encode())
            if reply.is_cut:
                self._hang_up()
            else:
                self._send_chunk(b"")
        except OSError:
            request.was_cut_off.set()
            self.close_connection = True

    def _send_chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def _hang_up(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_WR)

    def _linger(self) -> None:
        """Throw away what still comes: closing on unread bytes would reset the line and lose the reply."""
        with contextlib.suppress(OSError):
            self.connection.settimeout(5)
            while self.connection.recv(65_536):
                pass


class _BodyReader:
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


def catalogue() -> dict[str, Any]:
    """A catalogue of ten rows in the shapes that the real one has, nulls and all."""
    rows = [
        _row(
            "google/gemini-3.8-flash",
            "Google: Gemini 3.8 Flash",
            ["text", "image", "file", "audio", "video"],
            prompt="0.0000005",
            completion="0.000003",
            context=1_048_576,
            output=65_536,
            overrides=[{"min_prompt_tokens": 200_000, "prompt": "0.000001", "completion": "0.000006"}],
            reasoning={"mandatory": False, "supported_efforts": ["high", "medium", "low", "minimal"]},
        ),
        _row(
            "google/gemini-3.5-flash-lite",
            "Google: Gemini 3.5 Flash Lite",
            ["text", "image", "file", "audio", "video"],
            prompt="0.0000001",
            completion="0.0000004",
            context=1_048_576,
            output=65_536,
            reasoning={"mandatory": False, "supported_efforts": None},
        ),
        _row(
            "google/gemini-3.6-pro",
            "Google: Gemini 3.6 Pro",
            ["text", "image", "file", "audio", "video"],
            prompt="0.000002",
            completion="0.000012",
            context=1_048_576,
            output=65_536,
            reasoning={"mandatory": True, "supported_efforts": ["high", "low"]},
        ),
        _row(
            "google/gemini-2.5-flash",
            "Google: Gemini 2.5 Flash",
            ["text", "image", "audio", "video"],
            prompt="0.0000003",
            completion="0.0000025",
            context=1_048_576,
            output=65_535,
            expires="2026-12-01",
        ),
        _row(
            "qwen/qwen3.8-omni-flash",
            "Qwen: Qwen3.8 Omni Flash",
            ["text", "image", "audio", "video"],
            prompt="0.0000002",
            completion="0.0000008",
            context=262_144,
            output=None,
        ),
        _row(
            "z-ai/glm-5.3-flash",
            "Z.AI: GLM 5.3 Flash",
            ["text", "image", "video"],
            prompt="0.00000015",
            completion="0.0000006",
            context=131_072,
            output=32_768,
        ),
        _row(
            "mistralai/voxtral-small",
            "Mistral: Voxtral Small",
            ["text", "audio"],
            prompt="0.0000001",
            completion="0.0000003",
            context=32_000,
            output=None,
        ),
        _row(
            "google/gemma-4-31b-it:free",
            "Google: Gemma 4 31B (free)",
            ["text", "image", "video"],
            prompt="0",
            completion="0",
            context=131_072,
            output=8_192,
        ),
        _row(
            "google/gemini-3.8-flash:batch",
            "Google: Gemini 3.8 Flash (batch)",
            ["text", "image", "audio", "video"],
            prompt="0.00000025",
            completion="0.0000015",
            context=1_048_576,
            output=65_536,
        ),
        _row(
            "meta/muse-spark-1.3",
            "Meta: Muse Spark 1.3",
            ["text", "audio", "video"],
            prompt="-1",
            completion="-1",
            context=None,
            output=None,
        ),
        _row(
            "deepseek/deepseek-v4",
            "DeepSeek: V4",
            ["text"],
            prompt="0.0000003",
            completion="0.000001",
            context=163_840,
            output=None,
        ),
        {"id": "vendor/empty-row", "name": None, "architecture": None, "pricing": None, "top_provider": None},
    ]
    return {"data": rows, "total_count": len(rows), "links": {"next": None}}


def key_status() -> dict[str, Any]:
    """What ``GET /key`` says of a paying customer's key."""
    return {
        "data": {
            "label": "sk-or-v1-tes...def",
            "limit": 20,
            "limit_remaining": 12.34,
            "usage": 7.66,
            "is_free_tier": False,
            "free_model_daily_requests": {"limit": 1000, "used": 3, "remaining": 997},
        }
    }


def _row(
    model_id: str,
    name: str,
    modalities: list[str],
    *,
    prompt: str,
    completion: str,
    context: int | None,
    output: int | None,
    overrides: list[dict[str, Any]] | None = None,
    expires: str | None = None,
    reasoning: dict[str, Any] | None = None,
) -> dict[str, Any]:
    return {
        "id": model_id,
        "canonical_slug": model_id,
        "name": name,
        "created": 1_790_000_000,
        "description": f"{name} takes {', '.join(modalities)}.",
        "context_length": context,
        "architecture": {
            "modality": None,
            "input_modalities": modalities,
            "output_modalities": ["text"],
            "tokenizer": "Other",
            "instruct_type": None,
        },
        "pricing": {
            "prompt": prompt,
            "completion": completion,
            "request": "0",
            "image": None,
            "overrides": overrides,
        },
        "top_provider": {"context_length": context, "max_completion_tokens": output, "is_moderated": False},
        "per_request_limits": None,
        "supported_parameters": ["max_tokens", "temperature", *(["reasoning"] if reasoning else [])],
        "expiration_date": expires,
        "reasoning": reasoning,
    }


def _events(
    text: str, usage: dict[str, Any], provider: str | None, finish: str | None, pieces: int
) -> Iterator[dict[str, Any] | str]:
    yield ": OPENROUTER PROCESSING\n\n"
    yield ": OPENROUTER PROCESSING\n\n"
    for piece in _pieces(text, pieces):
        yield _chunk(piece, provider)
    end = _chunk("", provider)
    end["choices"][0]["finish_reason"] = finish
    yield end
    if usage:
        yield {"id": "gen-1", "provider": provider, "choices": [], "usage": usage}
    yield "data: [DONE]\n\n"


def _chunk(text: str, provider: str | None) -> dict[str, Any]:
    delta = {"role": "assistant", "content": text}
    return {"id": "gen-1", "provider": provider, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}


def _pieces(text: str, count: int) -> list[str]:
    size = max(1, -(-len(text) // count))
    return [text[start : start + size] for start in range(0, len(text), size)]


def _usage(text: str, cost: Any, video_tokens: int | None) -> dict[str, Any]:
    completion = max(1, len(text) // 4)
    prompt = 90 + (video_tokens or 0)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "cost": float(cost) if isinstance(cost, str) else cost,
        "is_byok": False,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0, "video_tokens": video_tokens},
        "completion_tokens_details": {"reasoning_tokens": 0},
    }


def _envelope(code: Any, message: str | None, metadata: Any, availability: Any) -> dict[str, Any]:
    error = {"code": code, "message": message, "metadata": metadata}
    envelope: dict[str, Any] = {"error": {name: value for name, value in error.items() if value is not None}}
    if availability is not None:
        envelope["availability"] = availability
    return envelope


def _pairs(headers: dict[str, str] | None) -> tuple[tuple[str, str], ...]:
    return tuple((headers or {}).items())


def main() -> None:
    parser = argparse.ArgumentParser(description="A server that speaks OpenRouter's protocol, on loopback.")
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes a free one")
    parser.add_argument("--key", default=DEFAULT_KEY, help="the only key it accepts")
    parser.add_argument("--answer", default=DEFAULT_ANSWER, help="what every model answers: a text, or a file of it")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before each piece of the answer")
    parser.add_argument("--part-form", choices=["video_url", "image_url"], help="the only form of a video it accepts")
    options = parser.parse_args()
    fake = FakeOpenRouter(
        key=options.key,
        answer=_text_or_file(options.answer),
        delay=options.delay,
        port=options.port,
        part_form=options.part_form,
    )
    print(fake.base_url, flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        fake.serve_forever()


def _text_or_file(text: str) -> str:
    with contextlib.suppress(OSError, ValueError):
        return Path(text).read_text(encoding="utf-8")
    return text


if __name__ == "__main__":
    main()
