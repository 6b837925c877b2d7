"""What a server says when it does not answer, read once and said in the user's words.

Errors come in four ways: an HTTP status; HTTP 200 with ``error`` and no choices; ``choices[0].error``; and a chunk
with ``error`` in the middle of a stream. Each becomes a Fault here, and each Fault one class of lib.errors.
"""

from __future__ import annotations

import email.utils
import json
import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lib.domain.run import PartForm
from lib.errors import (
    BadRequest,
    ContextTooLong,
    CuewiseError,
    KeyMissing,
    KeyRejected,
    ModelError,
    ModerationRefused,
    NoEndpoint,
    OutOfCredit,
    PartFormRefused,
    PrivateVideo,
    ProviderDown,
    RateLimited,
    RequestTooLarge,
    UnknownModel,
)
from lib.openrouter.question import Question

QUOTE_LIMIT = 200
DAY = 86_400.0

_NAMED_CODES = {
    "invalid_api_key": 401,
    "authentication_error": 401,
    "insufficient_quota": 402,
    "insufficient_credits": 402,
    "payment_required": 402,
    "content_filter": 403,
    "content_policy_violation": 403,
    "moderation": 403,
    "permission_denied": 403,
    "model_not_found": 400,
    "context_length_exceeded": 400,
    "invalid_request_error": 400,
    "invalid_request": 400,
    "invalid_prompt": 400,
    "not_found": 404,
    "payload_too_large": 413,
    "request_too_large": 413,
    "rate_limit_exceeded": 429,
    "rate_limited": 429,
    "too_many_requests": 429,
    "server_error": 500,
    "internal_server_error": 500,
    "provider_error": 502,
    "bad_gateway": 502,
    "provider_unavailable": 503,
    "service_unavailable": 503,
    "overloaded": 503,
    "provider_overloaded": 503,
    "timeout": 504,
}
_CONTEXT = re.compile(
    r"context.?(length|window|size|limit)|maximum context|too many (input )?tokens|prompt is too long"
    r"|token count.{0,40}exceed|exceed.{0,60}\btokens?\b|tokens?.{0,40}exceed",
    re.IGNORECASE | re.DOTALL,
)
_SIZE = re.compile(
    r"payload size|max(imum)? bytes|per data-uri item|(size|length) limit|size exceeds|exceed.{0,40}\b(MB|MiB|bytes)\b"
    r"|(request|payload|body|file|video|audio|media|image|entity|content)\b.{0,40}\btoo large",
    re.IGNORECASE | re.DOTALL,
)
_MODEL = re.compile(
    r"not a valid model|invalid model|unknown model|no such model|model_not_found|unsupported model"
    r"|model\b.{0,120}\b(not found|not exist|not available|no longer|retired|deprecated|decommissioned|discontinued)",
    re.IGNORECASE | re.DOTALL,
)
_PART = re.compile(
    r"video_url|image_url|unknown variant"
    r"|(invalid|unsupported|unknown|unexpected) (content|message|part)\b.{0,20}\btype"
    r"|(invalid|unsupported|unknown) content part|does not support (content|part) type",
    re.IGNORECASE,
)
_FETCH = re.compile(r"(fetch|download|access|retriev)\w*\b.{0,60}(video|url|uri|file)", re.IGNORECASE | re.DOTALL)
_DENIED = re.compile(r"\b403\b|permission.?denied|forbidden|private|not have permission", re.IGNORECASE)
_LIMIT = re.compile(r"key limit|limit exceeded|spend(ing)? limit|credit|quota", re.IGNORECASE)
_MARKUP = re.compile(r"<\s*(!doctype|html|head|body|title|h1)\b", re.IGNORECASE)
_TITLE = re.compile(r"<\s*(?:title|h1)[^>]*>(.*?)<\s*/", re.IGNORECASE | re.DOTALL)
_SECRET = re.compile(r"sk-[A-Za-z0-9_-]{14,}|(?<=bearer )\S+", re.IGNORECASE)
_BASE64 = re.compile(r"(data:[\w/.+-]*;base64,)?[A-Za-z0-9+/=_-]{120,}")


@dataclass(frozen=True, slots=True)
class Fault:
    """One refusal, as the server gave it. ``words`` holds everything it said, for matching, never for showing;
    ``quote`` is safe to show: short, on one line, without key, markup or media."""

    status: int | None
    quote: str
    words: str = ""
    provider: str | None = None
    reasons: tuple[str, ...] = ()
    retry_after: float | None = None
    retryable: bool | None = None
    fallback_models: tuple[str, ...] = ()
    is_markup: bool = False


def read_fault(
    body: object, *, status: int | None = None, headers: Mapping[str, str] | None = None, secret: str | None = None
) -> Fault:
    """The fault in any body: the envelope, its inner object alone, a string, HTML, or nothing. Never raises.

    ``status`` is that of HTTP, None for what came inside a 200. ``secret`` is struck out wherever it appears.
    """
    envelope = body if isinstance(body, dict) else {}
    error = envelope.get("error", envelope)
    error = error if isinstance(error, dict) else {"message": error}
    metadata = _dict(error.get("metadata"))
    availability = _dict(envelope.get("availability") or error.get("availability"))
    message = error.get("message")
    text = message if isinstance(message, str) else body if isinstance(body, str) else ""
    is_markup = bool(_MARKUP.search(text))
    if is_markup:  # a page may say anything at all; its title is what it is about
        text = quoted(text, secret)
    raw = _raw_message(metadata.get("raw"))
    # "Provider returned error" says nothing: what the provider itself said is in metadata.raw.
    said = raw if raw and (not text or "provider returned error" in text.lower()) else text
    words = " ".join(
        part if isinstance(part, str) else json.dumps(part, default=str)
        for part in (text, error.get("code"), error.get("type"), error.get("param"), metadata)
        if part
    )
    return Fault(
        status=_status(status, error, metadata),
        quote=quoted(said, secret),
        words=words[:20_000],
        provider=_text(metadata.get("provider_name")),
        reasons=tuple(quoted(reason, secret) for reason in _list(metadata.get("reasons")) if isinstance(reason, str)),
        retry_after=_retry_after(headers or {}, availability, metadata),
        retryable=availability.get("retryable") if isinstance(availability.get("retryable"), bool) else None,
        fallback_models=tuple(
            model for model in _list(availability.get("fallback_models")) if isinstance(model, str) and model
        ),
        is_markup=is_markup,
    )


def explain(
    fault: Fault,
    *,
    service: str,
    question: Question | None = None,
    has_key: bool = True,
    nearest: tuple[str, ...] = (),
) -> CuewiseError:
    """The error that tells the user what happened. ``service`` is the server's name in words; ``nearest`` are
    living models to offer in place of one that is gone."""
    subject = question.model.id if question else service
    media = question.media if question else None
    text = fault.words
    status = fault.status
    said = _said(fault)

    if media and media.link and status in {400, 500, 502} and _is_closed_video(text):
        return PrivateVideo(
            f"{subject} could not open the linked video: it is private, removed or not to be had there{said}",
            "Check the link in a browser. If you have the video, upload the file instead.",
        )
    if status == 401:
        if not has_key:
            return KeyMissing(f"{service} asks for an API key and none is set.")
        return KeyRejected(f"{service} did not accept the API key{said}")
    if status == 402 or (status in {403, 429} and "insufficient_quota" in text):
        return OutOfCredit(f"{service} wants credit before {_asking(question)}{said}")
    if status == 403:
        return _forbidden(fault, service, subject)
    if status == 413:
        return _too_large(text, subject, said)
    if status == 429:
        return _rate_limited(fault, subject, said)
    if status == 404:
        return _not_found(fault, service, subject, question, nearest)
    if status in {408, 409, 425} or status is None or status >= 500:
        if fault.retryable is False:
            return NoEndpoint(f"No provider serves {subject} just now{said}")
        return ProviderDown(f"{_culprit(fault, subject)} {_how_it_failed(status)}{said}", retry_after=fault.retry_after)
    if status in {400, 415, 422}:
        return _bad_request(fault, subject, question, nearest)
    if 300 <= status < 400:
        return BadRequest(
            f"{service} answers from another address (redirect, HTTP {status}).",
            "Nothing was sent on. Set OPENROUTER_BASE_URL to the address it answers from.",
        )
    return BadRequest(f"{subject} refused the request (HTTP {status}){said}")


def quoted(text: object, secret: str | None = None) -> str:
    """The server's own words made safe to show: one line, at most 200 characters, no key, no markup, no media."""
    line = text if isinstance(text, str) else ""
    if _MARKUP.search(line):
        title = _TITLE.search(line)
        line = title.group(1) if title else ""
    if secret and len(secret) >= 4:
        line = line.replace(secret, "[key]")
    line = _SECRET.sub("[key]", line)
    line = _BASE64.sub("[media]", line)
    line = " ".join("".join(char if char.isprintable() else " " for char in line).split())
    return line if len(line) <= QUOTE_LIMIT else line[: QUOTE_LIMIT - 1].rstrip() + "…"


def seconds_of(value: object, now: float | None = None) -> float | None:
    """``Retry-After`` in seconds, from a number of them or a date; None for what cannot be meant."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        seconds = float(str(value).strip())
    except ValueError:
        try:
            date = email.utils.parsedate_to_datetime(str(value))
            seconds = date.timestamp() - (time.time() if now is None else now)
        except (TypeError, ValueError, OverflowError):
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _bad_request(fault: Fault, subject: str, question: Question | None, nearest: tuple[str, ...]) -> ModelError:
    text, said = fault.words, _said(fault)
    if _CONTEXT.search(text):
        return ContextTooLong(f"The request is longer than {subject} can take{said}")
    if _SIZE.search(text):
        return RequestTooLarge(f"The request is too large for {subject}{said}")
    if (
        question
        and question.media
        and question.media.kind == "video"
        and _PART.search(text)
        and not _FETCH.search(text)
    ):
        return _part_refused(subject, question.part_form, said)
    if _MODEL.search(text):
        return _unknown_model(fault, subject, nearest)
    return BadRequest(f"{subject} refused the request{said}", _fallback_hint(fault))


def _part_refused(subject: str, form: PartForm, said: str) -> PartFormRefused:
    other = PartForm.IMAGE_URL if form is PartForm.VIDEO_URL else PartForm.VIDEO_URL
    return PartFormRefused(
        f"The endpoint of {subject} does not take a video as {form.value}{said}",
        f"Choose the other form, {other.value}, for the video part in Settings, then press Retry.",
    )


def _unknown_model(fault: Fault, subject: str, nearest: tuple[str, ...]) -> UnknownModel:
    offered = fault.fallback_models or nearest
    hint = f"Choose {' or '.join(offered)} instead." if offered else None
    return UnknownModel(f"{subject} is not, or no longer, a model here{_said(fault)}", hint, offered)


def _not_found(
    fault: Fault, service: str, subject: str, question: Question | None, nearest: tuple[str, ...]
) -> ModelError:
    if re.search(r"data policy|privacy|guardrail", fault.words, re.IGNORECASE):
        return NoEndpoint(
            f"No provider of {subject} agrees with your privacy settings{_said(fault)}",
            "Choose another model, or change the settings on openrouter.ai/settings/privacy.",
        )
    if re.search(r"no (\w+ )?(endpoints?|providers?)", fault.words, re.IGNORECASE):
        return NoEndpoint(f"No provider serves {subject} for this kind of input now{_said(fault)}")
    if question and _MODEL.search(fault.words):
        return _unknown_model(fault, subject, nearest)
    if question and fault.words and not fault.is_markup:
        return NoEndpoint(f"{service} has nothing to answer for {subject}{_said(fault)}", _fallback_hint(fault))
    return BadRequest(
        f"{service} has no such service at its address (HTTP 404).",
        "Check OPENROUTER_BASE_URL: it usually ends in /v1.",
    )


def _forbidden(fault: Fault, service: str, subject: str) -> ModelError:
    if not fault.reasons and _LIMIT.search(fault.words):
        return OutOfCredit(
            f"The API key has reached its own limit at {service}{_said(fault)}",
            "Raise the limit of the key on openrouter.ai/keys, or use another key.",
        )
    if re.search(r"region|country|location|territor", fault.words, re.IGNORECASE):
        return ModerationRefused(
            f"{subject} is not offered in your region{_said(fault)}", "Choose another model or provider."
        )
    reasons = f" ({', '.join(fault.reasons)})" if fault.reasons else ""
    return ModerationRefused(f"{_culprit(fault, subject)} refuses this content{reasons}{_said(fault)}")


def _too_large(text: str, subject: str, said: str) -> ModelError:
    if re.search(r"\btokens?\b", text, re.IGNORECASE):
        return ContextTooLong(f"The request holds more tokens than {subject} takes{said}")
    return RequestTooLarge(f"The request is too large for {subject}{said}")


def _rate_limited(fault: Fault, subject: str, said: str) -> RateLimited:
    if re.search(r"per.day|daily", fault.words, re.IGNORECASE):
        return RateLimited(
            f"Today's requests to free models are used up{said}",
            "Wait until tomorrow, or choose a paid or a local model. "
            "Once 10 dollars of credit were bought, 1000 free requests a day are allowed.",
            retry_after=DAY if fault.retry_after is None else fault.retry_after,
        )
    return RateLimited(
        f"{_culprit(fault, subject)} takes no more requests just now{said}", retry_after=fault.retry_after
    )


def _how_it_failed(status: int | None) -> str:
    if status in {408, 504, 524}:
        return "took too long to answer"
    if status in {503, 529}:
        return "is overloaded or down"
    return "failed" if status is None else f"failed (error {status})"


def _asking(question: Question | None) -> str:
    return f"{question.model.id} answers" if question else "it answers"


def _culprit(fault: Fault, subject: str) -> str:
    return f"{subject} (served by {quoted(fault.provider)})" if fault.provider else subject


def _said(fault: Fault) -> str:
    """The end of a sentence: the server's own words, when it had any."""
    return f": “{fault.quote}”." if fault.quote else "."


def _fallback_hint(fault: Fault) -> str | None:
    return f"Choose another model, for example {' or '.join(fault.fallback_models)}." if fault.fallback_models else None


def _is_closed_video(text: str) -> bool:
    return bool(_DENIED.search(text)) or ("removed" in text.lower() and "video" in text.lower())


def _status(status: int | None, error: dict[str, Any], metadata: dict[str, Any]) -> int | None:
    """The status that counts: a number in the body, else that of HTTP, else what a named code stands for."""
    code = error.get("code")
    if isinstance(code, str) and code.strip().isdecimal():
        code = int(code.strip()[:4])
    if isinstance(code, int) and not isinstance(code, bool) and 400 <= code < 600:
        return code
    if status is not None and status >= 300:
        return status
    for name in (code, error.get("type"), metadata.get("error_type")):
        if isinstance(name, str) and name.lower() in _NAMED_CODES:
            return _NAMED_CODES[name.lower()]
    return None


def _retry_after(headers: Mapping[str, str], availability: dict[str, Any], metadata: dict[str, Any]) -> float | None:
    milliseconds = seconds_of(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    for value in (headers.get("retry-after"), availability.get("retry_after"), metadata.get("retry_after")):
        if (seconds := seconds_of(value)) is not None:
            return seconds
    inner = {str(name).lower(): value for name, value in _dict(metadata.get("headers")).items()}
    if (seconds := seconds_of(inner.get("retry-after"))) is not None:
        return seconds
    reset = seconds_of(inner.get("x-ratelimit-reset"))  # the moment in milliseconds since 1970
    return max(0.0, reset / 1000 - time.time()) if reset and reset > 1e12 else None


def _raw_message(raw: object) -> str:
    """The provider's own message inside ``metadata.raw``, which may be JSON in a string, an object or plain text."""
    if isinstance(raw, str):
        try:
            raw = json.loads(raw)
        except (ValueError, RecursionError):
            return raw if isinstance(raw, str) else ""
    if isinstance(raw, list) and raw:
        raw = raw[0]
    for _ in range(3):
        if isinstance(raw, dict):
            raw = next((raw[key] for key in ("error", "message", "detail") if raw.get(key)), "")
    return raw if isinstance(raw, str) else ""


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
