"""The SDK, set up our way. Importing this costs half a second: the client does it at its first call."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import openai

CONNECT_SECONDS = 15.0
WRITE_SECONDS = 180.0
WHOLE_BODY_LIMIT = 32_000_000

InvalidURL = httpx2.InvalidURL


def build(base_url: str, api_key: str | None, headers: dict[str, str], read_seconds: float) -> openai.OpenAI:
    """The SDK's client. It retries nothing (one layer does, ours) and follows no redirect: a video and a key go
    to the address that was configured and nowhere else."""
    timeout = httpx2.Timeout(read_seconds, connect=min(CONNECT_SECONDS, read_seconds), write=WRITE_SECONDS)
    return openai.OpenAI(
        base_url=base_url,
        # Each of these is given, because the SDK would take what is not from OPENAI_* variables, and send a key
        # or the name of an organisation to a server for which they were never meant.
        api_key=api_key or "none",
        admin_api_key="",
        webhook_secret="",
        default_headers={
            **headers,
            "Authorization": f"Bearer {api_key}" if api_key else openai.Omit(),
            "OpenAI-Organization": openai.Omit(),
            "OpenAI-Project": openai.Omit(),
        },
        timeout=timeout,
        max_retries=0,
        http_client=openai.DefaultHttpxClient(timeout=timeout, follow_redirects=False),
    )


class UnreadableChunk(Exception):
    """The server sent a chunk that is no JSON."""


class AnswerStream(openai.Stream[object]):
    """The chunks of an answer as plain JSON.

    The SDK's own iteration raises at ``error`` and keeps only that of the chunk, and does not tell ``[DONE]`` from a
    line that broke. So the chunks are read here, on the SDK's decoder. ``pulse`` is called at every sign of life
    (comments too), so that Cancel is noticed while the model is still thinking.
    """

    is_done = False
    pulse: Callable[[], None] | None = None

    def chunks(self) -> Iterator[Any]:
        """Every chunk before ``[DONE]``. Raises UnreadableChunk, APITimeoutError or APIConnectionError."""
        with self._translated():
            for event in self._decoder.iter_bytes(self._beats()):
                if event.data.startswith("[DONE]"):
                    self.is_done = True
                    return
                if event.data:
                    yield _parsed(event.data)

    def _beats(self) -> Iterator[bytes]:
        for piece in self.response.iter_bytes():
            yield piece
            if self.pulse:
                self.pulse()

    @property
    def is_event_stream(self) -> bool:
        """Whether the server answers in events. One that does not sends one JSON, or an HTML page."""
        media_type = self.response.headers.get("content-type", "").lower()
        return "json" not in media_type.replace("json-seq", "") and "html" not in media_type

    def read_whole(self) -> object:
        """The body of an answer that is no stream of events: JSON where it is that, else its text."""
        pieces, size = [], 0
        with self._translated():
            for piece in self._beats():
                pieces.append(piece)
                size += len(piece)
                if size > WHOLE_BODY_LIMIT:
                    break
        return json_or_text(b"".join(pieces).decode("utf-8", "replace"))

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except httpx2.TimeoutException as exc:
            raise openai.APITimeoutError(request=self.response.request) from exc
        except httpx2.RequestError as exc:
            raise openai.APIConnectionError(request=self.response.request) from exc
        except UnicodeDecodeError as exc:
            raise UnreadableChunk("the stream is no UTF-8") from exc


def json_or_text(text: str) -> object:
    """A body as JSON where it is that, else as it is."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _parsed(line: str) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as exc:
        raise UnreadableChunk("a chunk is no JSON") from exc
