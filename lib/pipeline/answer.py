"""Answer: one question of a conversation asked of its model, its answer written down as it comes.

A question that was sent, and whose answer a crash has taken, may have been paid for: it is not asked again by itself,
but says so, and whoever asked may ask anew.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal

from lib import prompts
from lib.domain.conversation import Conversation, Exchange, Reading
from lib.domain.media import Rendition
from lib.domain.plan import Plan, Quality, Route
from lib.domain.run import Failure, Generation, Run
from lib.errors import (
    AnswerLost,
    AnswerTruncated,
    Cancelled,
    ContextTooLong,
    CuewiseError,
    DiskFull,
    KeyMissing,
    NothingThere,
    OutOfCredit,
    PlanRefused,
    RequestTooLarge,
    ServiceUnreachable,
)
from lib.openrouter import Call, MediaPart, Paying, Question, lowest_effort
from lib.pipeline.asking import quote
from lib.pipeline.paying import Payer
from lib.pipeline.prepare import Recipe, prepare
from lib.pipeline.questions import media_part, question_digest
from lib.pipeline.run import as_failure, find_model, known_run
from lib.pipeline.tools import Tools
from lib.store.generations import Kept

ANSWER_ROOM = 16_384
"""Tokens that an answer may take, thinking included: OpenRouter refuses what the credit left could not pay in full."""
INTERVAL = 0.34
HINTS: dict[type[CuewiseError], str] = {
    AnswerTruncated: "Ask for a shorter answer, or choose a model with a larger output limit.",
    ContextTooLong: "Begin a new conversation, or choose a model with a larger context.",
    KeyMissing: "Add your OpenRouter key in Settings or as OPENROUTER_API_KEY, then press Try again.",
    OutOfCredit: "Add credit on openrouter.ai/credits and press Try again, or ask a free model.",
    RequestTooLarge: "Choose a shorter stretch to look at, or ask from the transcript alone.",
    ServiceUnreachable: "Check your network connection, then press Try again.",
}
"""What to do next is another thing for a question than for a run."""


def answer_question(exchange_id: str, attempt: int, tools: Tools) -> None:
    """Get the answer of an exchange, unless it is no longer wanted. Why there is none is written down with it."""
    shelf = tools.store.conversations
    exchange = shelf.exchange(exchange_id)
    if exchange is None or not shelf.begin(exchange_id, attempt):
        return
    pulse = _Pulse(exchange_id, attempt, tools)
    try:
        _answer(exchange, attempt, tools, pulse)
    except Cancelled:
        return
    except Exception as exc:
        cost = _with(exchange.cost_usd, getattr(exc, "generation", None))
        shelf.fail(exchange_id, attempt, _failure(exc, exchange_id), cost, pulse.latest or None)
    finally:
        tools.vault.forget_unused()


def fail_answer(exchange_id: str, attempt: int, failure: Failure, tools: Tools) -> None:
    """Write down why there is no answer, and let go of its key."""
    exchange = tools.store.conversations.exchange(exchange_id)
    if exchange is not None:
        tools.store.conversations.fail(exchange_id, attempt, failure, exchange.cost_usd)
    tools.vault.forget_unused()


class _Pulse:
    """Says how an answer comes, at most three times a second, and hears when it is no longer wanted."""

    def __init__(self, exchange_id: str, attempt: int, tools: Tools) -> None:
        self._shelf = tools.store.conversations
        self._which = (exchange_id, attempt)
        self._last = 0.0
        self._text = self.latest = ""

    def text(self, text: str) -> None:
        """The answer so far. The client calls it without text too, while nothing is said yet, and before it asks again
        after a fault: what had come stays until there is more."""
        self.latest = text or self.latest
        now = time.monotonic()
        if now - self._last < INTERVAL:
            return
        self._last = now
        try:
            if not text or text == self._text:
                self._heed(self._shelf.is_wanted(*self._which))
            else:
                self._heed(self._shelf.report(*self._which, answer=text, note=""))
        except DiskFull:
            return  # progress matters least: the answer itself may find room again
        self._text = text or self._text

    def progress(self, fraction: float) -> None:
        now = time.monotonic()
        if now - self._last >= INTERVAL:
            self._last = now
            self.note(f"preparing the video {fraction * 100:.0f}%")

    def note(self, words: str) -> None:
        self._heed(self._shelf.report(*self._which, note=words))

    def check(self) -> None:
        self._heed(self._shelf.is_wanted(*self._which))

    def _heed(self, is_wanted: bool) -> None:
        if not is_wanted:
            raise Cancelled("The question was stopped.")


def _answer(exchange: Exchange, attempt: int, tools: Tools, pulse: _Pulse) -> None:
    shelf = tools.store.conversations
    question, reading, rendition = _question(exchange, tools, pulse)
    name = question_digest(question, rendition, exchange.asking.base_url)
    with tools.alone(name, pulse.check):
        kept = tools.store.generations.get(name)
        if kept is None:
            if shelf.was_sent(exchange.id, attempt):
                raise _lost()
            kept = Kept(_asked(exchange, attempt, question, tools, pulse), exchange.id)
            tools.store.generations.keep(name, kept.generation, clip_seconds=0.0, paid_by=exchange.id)
    is_remembered = kept.paid_by != exchange.id
    cost = exchange.cost_usd or Decimal(0) if is_remembered else _with(exchange.cost_usd, kept.generation)
    shelf.finish(exchange.id, attempt, kept.generation, reading, cost, is_remembered=is_remembered)


def _question(exchange: Exchange, tools: Tools, pulse: _Pulse) -> tuple[Question, Reading, Rendition | None]:
    """What is sent, how much of the transcripts that is, and what was made of the video to go along."""
    conversation = tools.store.conversations.get(exchange.conversation_id)
    if conversation is None:
        raise Cancelled("The conversation was deleted.")
    runs = [known_run(run_id, tools) for run_id in conversation.run_ids]
    model, look = find_model(exchange.asking.model_id, tools), exchange.asking.look
    before = _before_it(conversation, exchange.id)
    quoted, told = quote(runs, exchange.question, before, model, look, tools)
    if told is None:
        raise PlanRefused(quoted.refusal, "Choose another model, or ask without looking at the video.")
    media, rendition = _media(exchange, runs, quoted.plan, tools, pulse)
    question = Question(
        model=model,
        prompt=told.prompt,
        media=media,
        part_form=exchange.asking.part_form,
        max_tokens=min(model.max_output_tokens, ANSWER_ROOM) if model.max_output_tokens else None,
        reasoning_effort=lowest_effort(model),
        turns=told.turns,
    )
    return question, told.reading, rendition


def _before_it(conversation: Conversation, exchange_id: str) -> tuple[Exchange, ...]:
    ids = [exchange.id for exchange in conversation.exchanges]
    return conversation.exchanges[: ids.index(exchange_id)]


def _media(
    exchange: Exchange, runs: list[Run], plan: Plan | None, tools: Tools, pulse: _Pulse
) -> tuple[MediaPart | None, Rendition | None]:
    """The video as it is sent, and what was made of it for that; a link is sent itself."""
    if plan is None:
        return None, None
    run = next(run for run in runs if run.id == exchange.asking.look.run_id)
    if plan.route is Route.LINK:
        seconds = plan.clip.duration if plan.clip else None
        return media_part(run.request.source, None, seconds, tools), None
    asset = tools.store.assets.get(run.asset_id or "")
    if asset is None:
        raise NothingThere("The video is no longer on this machine.", "Ask from the transcript alone.")
    # Cut without re-encoding, it would begin a few seconds before the stretch, and its clock with it.
    route = Route.VIDEO if plan.route is Route.CUT else plan.route
    recipe = Recipe(route, Quality.VISUAL, exchange.asking.media_limit_bytes)
    rendition = prepare(asset.hearing(run.request.track), plan.parts[0].excerpt, recipe, tools, pulse.progress)
    pulse.note("")
    return media_part(run.request.source, rendition, rendition.end - rendition.start, tools), rendition


def _asked(exchange: Exchange, attempt: int, question: Question, tools: Tools, pulse: _Pulse) -> Generation:
    asking = exchange.asking
    if asking.key_ref is None:
        raise KeyMissing("This model needs an OpenRouter key.")
    client = tools.openrouter(asking.base_url, tools.vault.open(asking.key_ref))
    try:
        paying = _paying(exchange, attempt, tools, pulse)
        return client.generate(question, on_text=pulse.text, on_retry=pulse.note, paying=paying)
    finally:
        client.close()


def _paying(exchange: Exchange, attempt: int, tools: Tools, pulse: _Pulse) -> Paying:
    """Pays for the requests of an attempt, and writes down that it was sent: not before there is money for the first,
    since a worker that is killed while it waits for that has sent nothing."""
    asking = exchange.asking
    payer = Payer(exchange.id, prompts.CUSTOM, asking.own_cap_usd, asking.accepts_unknown_price, tools, pulse.note)
    is_noted = False

    @contextmanager
    def pay(question: Question) -> Iterator[Call]:
        nonlocal is_noted
        with payer.pay(question) as call:
            is_noted = is_noted or tools.store.conversations.note_sent(exchange.id, attempt)
            if not is_noted:
                pulse.check()
                raise _lost()
            yield call

    return pay


def _lost() -> AnswerLost:
    return AnswerLost("Cuewise was stopped while this answer was on its way: what had come of it is kept.")


def _with(before: Decimal | None, generation: Generation | None) -> Decimal | None:
    """What an exchange cost altogether, once a call is counted; None where nobody says."""
    cost = generation.cost_usd if generation else None
    return before if cost is None else (before or Decimal(0)) + cost


def _failure(exc: Exception, exchange_id: str) -> Failure:
    failure = as_failure(exc, exchange_id)
    hint = HINTS.get(type(exc)) or failure.hint.replace("Retry", "Try again")
    return replace(failure, hint=hint)
