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
import contextlib
import json
import socket
import sys
import threading
from collections import deque
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.fakes.openrouter_catalogue import catalogue, key_status
from tests.fakes.openrouter_replies import DEFAULT_ANSWER, Reply
from tests.fakes.openrouter_requests import BodyReader, Request
from tests.fakes.openrouter_sign_in import SignInDesk

PREFIX = "/api/v1"
DEFAULT_KEY = "sk-or-v1-test-0123456789abcdef"


class FakeOpenRouter:
    """The server. It listens while it is open, answers what was enqueued first, and then its default answer, a text
    or what makes one of the question.

    Chat requests are checked as the real one checks them: the key, the model's id, and whether the model takes
    what it is sent. ``part_form`` names the only form of a video that it accepts; None accepts both.
    """

    def __init__(
        self,
        *,
        key: str | None = DEFAULT_KEY,
        answer: str | Callable[[Request], str] = DEFAULT_ANSWER,
        delay: float = 0.0,
        port: int = 0,
        part_form: str | None = None,
    ) -> None:
        self.key = key
        self.answer = answer
        self.delay = delay
        self.part_form = part_form
        self.catalogue = catalogue()
        self.desk = SignInDesk(key)
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

    def has_sent(self, request: Request) -> None:
        """Called when a reply has left whole; whether it arrived, nobody knows."""

    def sleep(self, seconds: float) -> None:
        self._closing.wait(seconds)

    def reply_to(self, request: Request, path: str) -> Reply:
        """The reply that was enqueued, or what the real service would say."""
        if request.method == "POST" and path == "/auth/keys":
            return self.desk.exchange(request.body)
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
        video_tokens = 1980 if has_video and is_google else 0
        answer = self.answer if isinstance(self.answer, str) else self.answer(request)
        return Reply.answer(
            answer, cost=cost, video_tokens=video_tokens, provider=provider, pieces=24, delay=self.delay
        )

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
        target, query = urlsplit(self.path).path, urlsplit(self.path).query
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
            reply = fake.desk.page(query) if target == "/auth" else fake.reply_to(request, path)
            self._send(reply, request)
            if not request.was_cut_off.is_set():
                fake.has_sent(request)

    def _read_body(self, request: Request) -> None:
        left = int(request.headers.get("content-length", 0))
        reader = BodyReader()
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
                announced = len(reply.body) if reply.announced_bytes is None else reply.announced_bytes
                self.send_header("Content-Length", str(announced))
                self.end_headers()
                self.wfile.write(reply.body[:announced])
                if announced > len(reply.body):
                    self._hang_up()
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
