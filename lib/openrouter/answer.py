"""An answer as it grows, chunk by chunk, and the judgement when it is whole."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from lib.domain.run import Generation, Usage
from lib.errors import (
    AnswerEmpty,
    AnswerTruncated,
    ModelError,
    ModerationRefused,
    ProviderDown,
    StreamBroken,
    VideoNotSeen,
)
from lib.openrouter.question import Question


class Answer:
    """Collects the chunks of one call. Any field of a chunk may be missing, null or of another type."""

    def __init__(self) -> None:
        self.text = ""
        self.id: str | None = None
        self.provider: str | None = None
        self.finish_reason: str | None = None
        self.usage: dict[str, Any] = {}
        self.is_cached = False
        self.seconds_to_first_text: float | None = None

    def add(self, chunk: dict[str, Any]) -> bool:
        """Take in one chunk. True when it brought text."""
        self.id = _text(chunk.get("id")) or self.id
        self.provider = _text(chunk.get("provider")) or self.provider
        if isinstance(chunk.get("usage"), dict):
            self.usage = chunk["usage"]
        choice = _first_choice(chunk)
        self.finish_reason = _text(choice.get("finish_reason")) or self.finish_reason
        content = choice.get("delta") if isinstance(choice.get("delta"), dict) else choice.get("message")
        piece = _content(content.get("content")) if isinstance(content, dict) else ""
        self.text += piece
        return bool(piece)

    def generation(self, model_id: str, seconds: float) -> Generation:
        """The answer as a record, whatever it is worth."""
        return Generation(
            model_id=model_id,
            text=self.text,
            id=self.id,
            provider=self.provider,
            usage=Usage(
                prompt_tokens=_count(self.usage.get("prompt_tokens")),
                completion_tokens=_count(self.usage.get("completion_tokens")),
                video_tokens=_count(self._prompt_details.get("video_tokens")),
            ),
            cost_usd=dollars(self.usage.get("cost")),
            finish_reason=self.finish_reason,
            seconds=seconds,
            seconds_to_first_text=self.seconds_to_first_text,
        )

    def complaint(self, question: Question, *, is_done: bool) -> ModelError | None:
        """Why the answer cannot be used, None when it can. ``is_done``: whether ``[DONE]`` came."""
        subject = question.model.id
        if self.finish_reason == "error":
            return ProviderDown(f"{subject} failed while it was answering.")
        if self.finish_reason is None and not is_done:
            return StreamBroken(f"The answer of {subject} broke off before its end.")
        if self.finish_reason == "content_filter":
            return ModerationRefused(f"The provider of {subject} cut the answer off: its content filter refused it.")
        if not self._saw_video(question):
            return VideoNotSeen(f"{subject} answered without having seen the video (no video tokens were billed).")
        if not self.text.strip():
            return AnswerEmpty(f"{subject} answered with nothing.")
        if self.finish_reason == "length":
            return AnswerTruncated(f"{subject} stopped at its output limit before it was done.", text=self.text)
        return None

    def _saw_video(self, question: Question) -> bool:
        """False only when a Google provider bills no video tokens. Others report none legitimately, and so does an
        answer from the service's response cache, which costs nothing, or a prompt that Google had cached."""
        if question.media is None or question.media.kind != "video" or question.model.vendor != "google":
            return True
        if self.provider is not None and not self.provider.lower().startswith("google"):
            return True
        if _count(self._prompt_details.get("video_tokens")) != 0:
            return True
        cost = dollars(self.usage.get("cost"))
        from_cache = self.is_cached or (cost == 0 and not question.model.is_free)
        return from_cache or bool(_count(self._prompt_details.get("cached_tokens")))

    @property
    def _prompt_details(self) -> dict[str, Any]:
        details = self.usage.get("prompt_tokens_details")
        return details if isinstance(details, dict) else {}


def error_in(chunk: dict[str, Any]) -> object | None:
    """The error in a chunk or in a whole body, at the top or inside its first choice; None when there is none."""
    if chunk.get("error"):
        return chunk
    inner = _first_choice(chunk).get("error")
    return {"error": inner} if inner else None


def dollars(value: object) -> Decimal | None:
    """An amount of money as the service writes it (number or string); None for anything else, and below zero."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        amount = Decimal(str(value).strip())
    except (InvalidOperation, ValueError):
        return None
    return amount if amount.is_finite() and amount >= 0 else None


def _first_choice(chunk: dict[str, Any]) -> dict[str, Any]:
    choices = chunk.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    return choice if isinstance(choice, dict) else {}


def _content(content: object) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(_text(part.get("text")) or "" for part in content if isinstance(part, dict))
    return ""


def _count(value: object) -> int | None:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return value if is_number and value >= 0 else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
