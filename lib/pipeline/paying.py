"""Paying: the one door through which every request goes that may be billed."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal

from lib.domain.budget import CallPrice, Cap, Granted, Refused
from lib.domain.model import Model
from lib.domain.run import Generation, RunRequest, Stage
from lib.errors import AnswerTruncated, CapReached, PriceUnknown, StorageError
from lib.openrouter import Call, Question
from lib.pipeline.budget import caps_of, refusal_words
from lib.pipeline.estimate import answer_tokens, most_completion_tokens, most_prompt_tokens
from lib.pipeline.reporter import Reporter
from lib.pipeline.tools import Tools
from lib.store.payments import Payments

log = logging.getLogger(__name__)

WAIT = 0.5
RENEW_EVERY = 60.0
LEAST_TOKENS = 2048
"""An answer of fewer tokens than this is not worth asking for; one that thinks needs twice as many."""


@dataclass(frozen=True)
class Payer:
    """Pays for the requests of a run or a question, out of what its caps leave: reserves before, settles after.

    ``order_id`` names what shares the cap: one of its own (``own_cap_usd``), or that of Settings. By the ``task`` goes
    how long an answer must be able to get. ``say`` gets what is waited for, and may raise Cancelled.
    """

    order_id: str
    task: str
    own_cap_usd: Decimal | None
    accepts_unknown_price: bool
    tools: Tools
    say: Callable[[str], None]

    @classmethod
    def of_run(cls, request: RunRequest, tools: Tools, reporter: Reporter) -> Payer:
        """Who pays for an attempt at a run."""
        return cls(
            request.order_id or reporter.run_id,
            request.task,
            request.own_cap_usd,
            request.accepts_unknown_price,
            tools,
            lambda words: reporter.stage(Stage.ASKING, None, words),
        )

    @contextmanager
    def pay(self, question: Question) -> Iterator[Call]:
        """Reserve the most that the request can cost, and give it with as much room as the caps leave.

        Waits while requests under way may leave more. Raises PriceUnknown, CapReached and Cancelled; then nothing was
        sent.
        """
        payment_id, granted = self._reserved(question)
        call = Call(_within(question, granted), pulse=_every(RENEW_EVERY, lambda: self._renew(payment_id)))
        try:
            yield call
        except AnswerTruncated as exc:
            if call.question.max_tokens != question.max_tokens:
                raise self._stopped_by("The answer did not fit into what your spending cap leaves.") from exc
            raise
        finally:
            with _answer_first(payment_id):
                self._close(payment_id, call)

    def _reserved(self, question: Question) -> tuple[str, Decimal | None]:
        """The payment's id and the most that it may cost; None where nobody limits or knows that."""
        check_price(question.model, self.accepts_unknown_price)
        price = price_of(question, self.task)
        while True:
            caps = caps_of(self.own_cap_usd, self.tools)
            payment_id, ruling = self._payments.reserve(self.order_id, price, caps, self.tools.holder)
            if isinstance(ruling, Granted):
                is_limited = price.is_known and ruling.usd < price.most_usd
                return payment_id, ruling.usd if is_limited else None
            if isinstance(ruling, Refused):
                raise self._stopped_by(refusal_words(ruling), ruling.cap)
            self.say("waiting until other requests leave room under your spending cap")
            time.sleep(WAIT)

    def _stopped_by(self, words: str, cap: Cap = Cap.RUN) -> CapReached:
        """No setting raises a cap that was given with the run, nor the operator's."""
        if cap is Cap.USER:
            return CapReached(words, CapReached.hint_for_users)
        is_own = self.own_cap_usd is not None and cap is Cap.RUN
        return CapReached(words, CapReached.hint_for_own if is_own else None)

    def _renew(self, payment_id: str) -> None:
        # The lease outlasts some renewals that fail.
        with _answer_first(payment_id):
            self._payments.renew(payment_id)

    def _close(self, payment_id: str, call: Call) -> None:
        cost = None if call.generation is None else cost_of(call.generation, call.question.model)
        if cost is not None:
            self._payments.settle(payment_id, cost)
        elif call.generation is not None or call.may_be_billed:
            self._payments.leave_unsure(payment_id)
        else:
            self._payments.release(payment_id)

    @property
    def _payments(self) -> Payments:
        return self.tools.store.payments


def check_price(model: Model, is_accepted: bool) -> None:
    """Raises PriceUnknown unless the model has a price, or the user has said that it may run without one."""
    if not model.is_local and model.price is None and not is_accepted:
        raise PriceUnknown(f"Nobody says what {model.id} costs.")


def price_of(question: Question, task: str) -> CallPrice:
    """What a request costs at least, to be worth sending, and at most."""
    model = question.model
    if model.price is None:
        return CallPrice(Decimal(0), Decimal(0), is_known=False)
    prompt, wanted = most_prompt_tokens(question), question.max_tokens or most_completion_tokens(model)
    room = max(LEAST_TOKENS, 2 * answer_tokens(task, question))
    least = min(wanted, room * (2 if model.reasoning_mandatory else 1))
    return CallPrice(model.price.cost(prompt, least), model.price.cost(prompt, wanted))


def cost_of(generation: Generation, model: Model) -> Decimal | None:
    """What a request did cost: as the service says, else by its tokens; None where nobody can tell."""
    usage = generation.usage
    if generation.cost_usd is not None:
        return generation.cost_usd
    if model.price is None or usage.prompt_tokens is None or usage.completion_tokens is None:
        return None
    return model.price.cost(usage.prompt_tokens, usage.completion_tokens)


def _within(question: Question, most_usd: Decimal | None) -> Question:
    """The question with so much room for its answer that it cannot cost more."""
    if most_usd is None:
        return question
    prompt = most_prompt_tokens(question)
    price = question.model.price
    low, high = 0, question.max_tokens or most_completion_tokens(question.model)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if price.cost(prompt, middle) <= most_usd else (low, middle - 1)
    return replace(question, max_tokens=low)


@contextmanager
def _answer_first(payment_id: str) -> Iterator[None]:
    """What cannot be written down about a payment costs no answer that was paid: what was reserved stands, and
    counts."""
    try:
        yield
    except StorageError as error:
        log.warning("payment %s could not be written down: %s", payment_id, error)


def _every(seconds: float, act: Callable[[], None]) -> Callable[[], None]:
    last = time.monotonic()

    def pulse() -> None:
        nonlocal last
        if time.monotonic() - last >= seconds:
            last = time.monotonic()
            act()

    return pulse
