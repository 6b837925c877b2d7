"""The client of OpenRouter and of any server that speaks its protocol."""

from __future__ import annotations

import contextlib
import logging
import math
import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import stamina

from lib.domain.run import Generation, Usage
from lib.errors import (
    AnswerEmpty,
    BadRequest,
    CuewiseError,
    KeyMissing,
    KeyRejected,
    ModelError,
    PassingFault,
    ProviderDown,
    RateLimited,
    ServiceUnreachable,
    SignInRefused,
    StreamBroken,
)
from lib.openrouter.answer import Answer, dollars, error_in
from lib.openrouter.body import RequestBody
from lib.openrouter.call import Call, Paying, unpaid
from lib.openrouter.faults import explain, quoted, read_fault
from lib.openrouter.question import Question, with_more_room

if TYPE_CHECKING:
    import openai

logger = logging.getLogger(__name__)

APP_URL = "https://github.com/cuewise/cuewise"
APP_TITLE = "Cuewise"

READ_SECONDS = 180.0
"""The longest silence. OpenRouter sends a comment every few seconds while a model thinks."""
LOOKUP_SECONDS = 20.0
LONGEST_WAIT = 120.0
"""A server that asks for a longer wait is not asked again: the user decides."""
LONGEST_BACKOFF = 30.0


@dataclass(frozen=True, slots=True)
class KeyStatus:
    """What the service says about a key. Every figure it leaves out is None; no limit is None as well."""

    label: str
    limit_remaining_usd: Decimal | None = None
    usage_usd: Decimal | None = None
    is_free_tier: bool | None = None
    free_requests_remaining: int | None = None


class OpenRouter:
    """One server and one key. Safe to share among threads. Building it opens nothing.

    ``timeout`` is the longest silence of the server, in seconds. ``retries`` counts the further attempts after a
    passing fault; 0 asks once. ``nearest`` names living models to offer in place of a gone one, best first.
    Raises nothing; a bad address or key is reported by the first call.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str | None,
        *,
        timeout: float = READ_SECONDS,
        app_url: str = APP_URL,
        app_title: str = APP_TITLE,
        retries: int = 4,
        nearest: Callable[[str], tuple[str, ...]] | None = None,
    ) -> None:
        self.base_url = base_url.strip().rstrip("/")
        self._api_key = (api_key or "").strip() or None
        self._timeout = timeout
        self._headers = {"HTTP-Referer": app_url, "X-OpenRouter-Title": app_title, "X-Title": app_title}
        self._attempts = max(0, retries) + 1
        self._nearest = nearest
        self._sdk: openai.OpenAI | None = None
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"OpenRouter({self.base_url!r})"

    @property
    def service(self) -> str:
        """The server's name in words."""
        host = _host(self.base_url)
        return "OpenRouter" if self.is_openrouter else host or self.base_url or "The server"

    @property
    def is_openrouter(self) -> bool:
        host = _host(self.base_url).partition(":")[0]
        return host == "openrouter.ai" or host.endswith(".openrouter.ai")

    def generate(
        self,
        question: Question,
        on_text: Callable[[str], None] | None = None,
        on_retry: Callable[[str], None] | None = None,
        paying: Paying = unpaid,
    ) -> Generation:
        """Ask, and give back the whole answer. ``paying`` is asked before each request that may be billed.

        ``on_text`` gets the text so far, again and again: also unchanged (empty while the media is on its way,
        while the model thinks, and while we wait to ask again), so that it can raise Cancelled, which closes the
        connection at once. After a fault the text starts afresh. ``on_retry`` gets a phrase such as
        "rate limited, trying again in 5 s".

        An empty answer is asked for once more, with less reasoning and more room. Cost and tokens of the
        generation include those of attempts that were billed and failed; its seconds are of the last attempt alone.

        Raises ModelError (its ``generation`` holds what was billed), PrivateVideo for a link that the provider
        cannot open, OSError or TruncatedMedia when the file cannot be read, and whatever ``on_text`` raises.
        """
        on_text, on_retry = on_text or _ignore, on_retry or _ignore
        if self._api_key is None and self.is_openrouter:
            raise KeyMissing(f"{question.model.id} needs an OpenRouter key and none is set.")
        spent: list[Generation] = []
        try:
            try:
                generation = self._ask_patiently(question, on_text, on_retry, paying, spent)
            except AnswerEmpty:
                on_retry("the answer was empty, asking again with less thinking and more room")
                generation = self._ask_patiently(with_more_room(question), on_text, on_retry, paying, spent)
        except ModelError as error:
            if spent:
                error.generation = _with_spent(spent[-1], spent[:-1])
            raise
        return _with_spent(generation, spent)

    def check_key(self) -> KeyStatus:
        """What the key is good for. Costs nothing. Raises KeyMissing, KeyRejected or another ModelError."""
        if self._api_key is None and self.is_openrouter:
            raise KeyMissing("No OpenRouter key is set.")
        try:
            answer = self._get("/key")
        except ModelError as error:
            if self.is_openrouter or not isinstance(error, BadRequest):
                raise
            self._get("/models")  # other servers tell nothing about a key, but refuse a wrong one
            return KeyStatus(label="")
        row = answer.get("data")
        row = row if isinstance(row, dict) else {}
        requests = row.get("free_model_daily_requests")
        remaining = requests.get("remaining") if isinstance(requests, dict) else None
        return KeyStatus(
            label=quoted(row.get("label"), self._api_key),
            limit_remaining_usd=dollars(row.get("limit_remaining")),
            usage_usd=dollars(row.get("usage")),
            is_free_tier=row.get("is_free_tier") if isinstance(row.get("is_free_tier"), bool) else None,
            free_requests_remaining=remaining if type(remaining) is int else None,
        )

    def fetch_models(self) -> dict[str, Any]:
        """The catalogue as it comes (``lib.openrouter.catalogue.read_models`` reads it). Needs no key on
        OpenRouter, and sends none there: a wrong key does not hide the models. Raises ModelError."""
        return self._get("/models", with_key=not self.is_openrouter)

    def exchange_code(self, code: str, verifier: str) -> str:
        """The key for a code of signing in. Raises SignInRefused, or ServiceUnreachable and other ModelErrors."""
        asked = {"code": code, "code_verifier": verifier, "code_challenge_method": "S256"}
        options: dict[str, Any] = {"timeout": LOOKUP_SECONDS, "headers": self._authorization(with_key=False)}
        try:
            with self._translated(None, None):
                answer = self._connected().post("/auth/keys", body=asked, cast_to=object, options=options)
        except PassingFault:
            raise
        except ModelError as exc:
            raise SignInRefused(f"{self.service} did not take the code of this sign-in.") from exc
        key = answer.get("key") if isinstance(answer, dict) else None
        if not isinstance(key, str) or not key.strip():
            raise SignInRefused(f"{self.service} gave no key for this sign-in.")
        return key.strip()

    def close(self) -> None:
        """Close the connections. A later call opens new ones."""
        with self._lock:
            sdk, self._sdk = self._sdk, None
        if sdk is not None:
            sdk.close()

    def _ask_patiently(
        self,
        question: Question,
        on_text: Callable[[str], None],
        on_retry: Callable[[str], None],
        paying: Paying,
        spent: list[Generation],
    ) -> Generation:
        """Ask until there is an answer, a fault that does not pass, or no attempt left. The one layer that retries."""
        attempts = 0
        wait = 0.0

        def passes(exc: Exception) -> bool | float:
            nonlocal wait
            if not isinstance(exc, PassingFault) or attempts >= self._attempts:
                return False
            wait = _wait_after(exc, attempts)
            if wait > LONGEST_WAIT:
                return False
            logger.info("%s: %s; attempt %d of %d failed", question.model.id, exc.code, attempts, self._attempts)
            on_retry(f"{_in_short(exc)}, trying again in {math.ceil(wait)} s")
            return 0.0

        # The waiting is ours, in short slices, so that Cancel is noticed during it.
        for attempt in stamina.retry_context(passes, attempts=self._attempts, timeout=None, wait_max=0):
            with attempt:
                attempts += 1
                _pause(wait, lambda: on_text(""))
                with paying(question) as call:
                    return self._ask_once(call, on_text, spent)
        raise AssertionError("stamina ends with an answer or an error")

    def _ask_once(self, call: Call, on_text: Callable[[str], None], spent: list[Generation]) -> Generation:
        question = call.question
        answer = Answer()
        started = time.monotonic()

        def pulse() -> None:
            call.pulse()
            on_text(answer.text)

        is_done = False
        with self._translated(question, answer):
            try:
                with RequestBody(question, pulse) as body, _billing(call, body, answer), self._stream(body) as stream:
                    stream.pulse = pulse
                    answer.is_cached = stream.response.headers.get("x-openrouter-cache-status", "").upper() == "HIT"
                    answer.id = stream.response.headers.get("x-generation-id") or None
                    for chunk in _chunks(stream):
                        if (error := error_in(chunk)) is not None:
                            raise self._explained(read_fault(error, secret=self._api_key), question)
                        if answer.add(chunk):
                            if answer.seconds_to_first_text is None:
                                answer.seconds_to_first_text = time.monotonic() - started
                            on_text(answer.text)
                    is_done = stream.is_done
            except _sdk_module().openai.APIConnectionError:
                # All that was asked for is there when the line breaks after the finish reason.
                if answer.finish_reason in (None, "error"):
                    raise
        generation = answer.generation(question.model.id, time.monotonic() - started)
        logger.info(
            "generation %s: %s by %s, %s", generation.id, generation.model_id, generation.provider, answer.finish_reason
        )
        complaint = answer.complaint(question, is_done=is_done)
        if complaint is None or answer.usage:
            call.generation = generation
        if complaint is not None:
            if answer.usage:
                spent.append(generation)
            raise complaint
        return generation

    def _stream(self, body: RequestBody) -> Any:
        sdk = _sdk_module()
        return self._connected().post(
            "/chat/completions",
            content=body,
            cast_to=object,
            options={"headers": {"Accept": "text/event-stream", **self._authorization()}},
            stream=True,
            stream_cls=sdk.AnswerStream,
        )

    def _get(self, path: str, *, with_key: bool = True) -> dict[str, Any]:
        options: dict[str, Any] = {
            "timeout": min(LOOKUP_SECONDS, self._timeout),
            "headers": self._authorization(with_key=with_key),
        }
        with self._translated(None, None):
            answer = self._connected().get(path, cast_to=object, options=options)
        if isinstance(answer, dict) and "error" not in answer:
            return answer
        fault = read_fault(answer, secret=self._api_key)
        if isinstance(answer, dict):
            raise self._explained(fault, None)
        raise BadRequest(
            f"{self.service} answered with something that is no JSON.",
            "Check OPENROUTER_BASE_URL: it usually ends in /v1.",
        )

    def _authorization(self, *, with_key: bool = True) -> dict[str, Any]:
        # Said with every request: the SDK takes a missing key for a mistake unless the request itself leaves it out.
        key = self._api_key if with_key else None
        return {"Authorization": f"Bearer {key}" if key else _sdk_module().openai.Omit()}

    @property
    def sdk(self) -> openai.OpenAI:
        """The SDK's own client, for a comparison with it. Raises KeyRejected or BadRequest for what cannot be one."""
        return self._connected()

    def _connected(self) -> openai.OpenAI:
        if self._api_key is not None and not (self._api_key.isascii() and self._api_key.isprintable()):
            raise KeyRejected("The API key holds characters that no key has.", "Copy the key again, all of one line.")
        if not _is_address(self.base_url):
            raise BadRequest(
                f"“{quoted(self.base_url)}” is not the address of a server.",
                "Set OPENROUTER_BASE_URL to an address that starts with https://.",
            )
        with self._lock:
            if self._sdk is None:
                self._sdk = _sdk_module().build(self.base_url, self._api_key, self._headers, self._timeout)
            return self._sdk

    @contextlib.contextmanager
    def _translated(self, question: Question | None, answer: Answer | None) -> Iterator[None]:
        """The SDK's exceptions become ours here, and nowhere else."""
        sdk = _sdk_module()
        subject = question.model.id if question else self.service
        try:
            yield
        except (CuewiseError, OSError):
            raise
        except sdk.openai.APIStatusError as exc:
            # Not exc.body: the SDK keeps only the inner object, and drops what stands beside it.
            body = sdk.json_or_text(exc.response.text)
            fault = read_fault(body, status=exc.status_code, headers=exc.response.headers, secret=self._api_key)
            raise self._explained(fault, question) from exc
        except sdk.openai.APIConnectionError as exc:
            raise self._unreachable(exc, answer, subject) from exc
        except sdk.httpx2.RequestError as exc:  # while the body of an error was read
            raise self._unreachable(exc, answer, subject) from exc
        except (sdk.openai.OpenAIError, sdk.InvalidURL) as exc:
            raise BadRequest(f"The request to {self.service} could not be made.") from exc
        except sdk.UnreadableChunk as exc:
            raise StreamBroken(f"The answer of {subject} could not be read.") from exc

    def _explained(self, fault: Any, question: Question | None) -> CuewiseError:
        nearest: tuple[str, ...] = ()
        if question and self._nearest and fault.status in {400, 404, 422}:
            nearest = self._nearest(question.model.id)
        return explain(
            fault, service=self.service, question=question, has_key=self._api_key is not None, nearest=nearest
        )

    def _unreachable(self, exc: Exception, answer: Answer | None, subject: str) -> PassingFault:
        if answer is not None and (answer.text or answer.id):
            return StreamBroken(f"The answer of {subject} broke off before its end.")
        cause = exc if isinstance(exc, _sdk_module().httpx2.RequestError) else exc.__cause__
        kind = type(cause).__name__
        if kind in {"ReadTimeout", "WriteTimeout"}:
            return ServiceUnreachable(f"{self.service} was silent for too long; no answer of {subject} came.")
        if "CERTIFICATE_VERIFY_FAILED" in str(cause):
            return ServiceUnreachable(
                f"The certificate of {self.service} could not be verified.",
                "Check this computer's clock, and whether a proxy or virus scanner reads encrypted connections.",
            )
        if kind in {"ConnectError", "ConnectTimeout", "ProxyError", "PoolTimeout"}:
            return ServiceUnreachable(f"{self.service} cannot be reached.")
        return ServiceUnreachable(
            f"The connection to {self.service} was cut before an answer came.",
            "Press Retry. If it happens again with a large video, lower the media limit (CUEWISE_MEDIA_LIMIT_MB).",
        )


@contextlib.contextmanager
def _billing(call: Call, body: RequestBody, answer: Answer) -> Iterator[None]:
    """Notes whether the request may be billed though it fails: not so what was never sent whole, nor what was refused,
    with a status or, before it said anything, inside its answer."""
    try:
        yield
    except _sdk_module().openai.APIStatusError:
        raise
    except ModelError:
        call.may_be_billed = bool(answer.text)
        raise
    except BaseException:
        call.may_be_billed = body.tell() == len(body)
        raise
    call.may_be_billed = True


def _chunks(stream: Any) -> Iterator[dict[str, Any]]:
    """The chunks of an answer, also of a server that sends it in one piece."""
    if stream.is_event_stream:
        for chunk in stream.chunks():
            if isinstance(chunk, dict):
                yield chunk
        return
    whole = stream.read_whole()
    if not isinstance(whole, dict):
        page = quoted(whole)
        raise ProviderDown(
            f"The server answered with a page instead of an answer{f': “{page}”' if page else ''}.",
            "Press Retry. If it happens again, check OPENROUTER_BASE_URL and your network's sign-in page.",
        )
    stream.is_done = True
    yield whole


def _wait_after(fault: PassingFault, attempt: int) -> float:
    """Seconds before the next attempt: what the server asked for, else 1, 2, 4, ... and a little chance."""
    if fault.retry_after is not None:
        return fault.retry_after
    return min(LONGEST_BACKOFF, 2.0 ** (attempt - 1) + random.random())


def _pause(seconds: float, pulse: Callable[[], None]) -> None:
    if stamina.is_testing() or not stamina.is_active():
        return
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        pulse()
        time.sleep(min(left, 0.25))


def _in_short(fault: PassingFault) -> str:
    if isinstance(fault, RateLimited):
        return "rate limited"
    if isinstance(fault, StreamBroken):
        return "the answer broke off"
    if isinstance(fault, ServiceUnreachable):
        return "no connection"
    return "the provider failed"


def _with_spent(generation: Generation, earlier: list[Generation]) -> Generation:
    """The generation with the tokens and dollars of earlier, failed ones added to its own."""
    for one in earlier:
        usage = Usage(
            prompt_tokens=_sum(generation.usage.prompt_tokens, one.usage.prompt_tokens),
            completion_tokens=_sum(generation.usage.completion_tokens, one.usage.completion_tokens),
            video_tokens=_sum(generation.usage.video_tokens, one.usage.video_tokens),
        )
        generation = replace(generation, usage=usage, cost_usd=_sum(generation.cost_usd, one.cost_usd))
    return generation


def _sum(one: Any, other: Any) -> Any:
    return one if other is None else other if one is None else one + other


def _host(url: str) -> str:
    try:
        return urlsplit(url).netloc.rpartition("@")[2]
    except ValueError:
        return ""


def _is_address(url: str) -> bool:
    """Whether a server can be looked for there: what is wrong here would come out of the socket as odd errors."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna")
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(host) and url.isprintable() and " " not in url


def _sdk_module() -> Any:
    """The half second that the SDK takes to import is spent at the first call."""
    from lib.openrouter import sdk

    return sdk


def _ignore(_: str) -> None:
    return None
