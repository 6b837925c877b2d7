"""What the fake OpenRouter says: good answers, and every way in which the real one refuses or fails."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

DEFAULT_ANSWER = """\
[00:00] Good morning, and thank you for coming.
[00:04] Today we look at how a small team can transcribe a whole archive.
[00:09] First we listen, then we check the times against the sound.
[00:14] Let us begin with an example.
"""


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
    announced_bytes: int | None = None
    """The length that is announced, where it is not that of the body."""

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


def _envelope(code: Any, message: str | None, metadata: Any, availability: Any) -> dict[str, Any]:
    error = {"code": code, "message": message, "metadata": metadata}
    envelope: dict[str, Any] = {"error": {name: value for name, value in error.items() if value is not None}}
    if availability is not None:
        envelope["availability"] = availability
    return envelope


def _pairs(headers: dict[str, str] | None) -> tuple[tuple[str, str], ...]:
    return tuple((headers or {}).items())
