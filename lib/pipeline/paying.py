"""Paying: the one door through which every request goes that may be billed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal

from lib.domain.budget import CallPrice, Cap, Granted, Refused, Spent
from lib.domain.model import Model
from lib.domain.plan import Plan
from lib.domain.run import Generation, RunRequest, Stage
from lib.errors import AnswerTruncated, CapReached, PriceUnknown
from lib.openrouter import Call, Question
from lib.pipeline.estimate import completion_tokens, most_completion_tokens, most_prompt_tokens
from lib.pipeline.reporter import Reporter
from lib.pipeline.tools import Tools
from lib.store.payments import Payments

WAIT = 0.5
RENEW_EVERY = 60.0
LEAST_TOKENS = 2048
"""An answer of fewer tokens than this is not worth asking for; one that thinks needs twice as many."""


@dataclass(frozen=True)
class Payer:
    """Pays for the requests of a run or a question, out of what its caps leave: reserves before, settles after.

    ``order_id`` names what shares ``cap_usd``. ``say`` gets what is waited for, and may raise Cancelled.
    """

    order_id: str
    cap_usd: Decimal | None
    accepts_unknown_price: bool
    tools: Tools
    say: Callable[[str], None]

    @classmethod
    def of_run(cls, request: RunRequest, tools: Tools, reporter: Reporter) -> Payer:
        """Who pays for an attempt at a run."""
        return cls(
            request.order_id or reporter.run_id,
            request.cap_usd,
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
        call = Call(_within(question, granted), pulse=_every(RENEW_EVERY, lambda: self._payments.renew(payment_id)))
        try:
            yield call
        except AnswerTruncated as exc:
            if call.question.max_tokens != question.max_tokens:
                raise CapReached("The answer did not fit into what your spending cap leaves.") from exc
            raise
        finally:
            self._close(payment_id, call)

    def _reserved(self, question: Question) -> tuple[str, Decimal | None]:
        """The payment's id and the most that it may cost; None where nobody limits or knows that."""
        check_price(question.model, self.accepts_unknown_price)
        price = price_of(question)
        while True:
            caps = caps_of(self.cap_usd, self.tools)
            payment_id, ruling = self._payments.reserve(self.order_id, price, caps, self.tools.holder)
            if isinstance(ruling, Granted):
                is_limited = price.is_known and ruling.usd < price.most_usd
                return payment_id, ruling.usd if is_limited else None
            if isinstance(ruling, Refused):
                raise CapReached(refusal_words(ruling), CapReached.hint_for_users if ruling.cap is Cap.USER else None)
            self.say("waiting until other requests leave room under your spending cap")
            time.sleep(WAIT)

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


def caps_of(cap_usd: Decimal | None, tools: Tools) -> dict[Cap, Decimal]:
    """The caps that hold now: that of the run as it was asked for, that of the month as it is in Settings, and of a
    user the operator's."""
    caps = {Cap.RUN: cap_usd, Cap.MONTH: tools.store.preferences.get().monthly_cap_usd, Cap.USER: _users_cap(tools)}
    return {cap: usd for cap, usd in caps.items() if usd is not None}


def _users_cap(tools: Tools) -> Decimal | None:
    """What the operator lets the user of this library spend in a month."""
    return tools.settings.user_limits.month_usd if tools.settings.user_id else None


def price_of(question: Question) -> CallPrice:
    """What a request costs at least, to be worth sending, and at most."""
    model = question.model
    if model.price is None:
        return CallPrice(Decimal(0), Decimal(0), is_known=False)
    prompt, wanted = most_prompt_tokens(question), question.max_tokens or most_completion_tokens(model)
    expected = completion_tokens("transcript", _seconds(question))
    least = min(wanted, max(LEAST_TOKENS, 2 * expected) * (2 if model.reasoning_mandatory else 1))
    return CallPrice(model.price.cost(prompt, least), model.price.cost(prompt, wanted))


def cost_of(generation: Generation, model: Model) -> Decimal | None:
    """What a request did cost: as the service says, else by its tokens; None where nobody can tell."""
    usage = generation.usage
    if generation.cost_usd is not None:
        return generation.cost_usd
    if model.price is None or usage.prompt_tokens is None or usage.completion_tokens is None:
        return None
    return model.price.cost(usage.prompt_tokens, usage.completion_tokens)


def refusal_words(refused: Refused) -> str:
    """``Your spending cap of $1.00 a run is reached: $0.98 is spent, and the next request may cost $0.05.``"""
    what = {Cap.RUN: "Your spending cap of {} a run", Cap.MONTH: "Your spending cap of {} a month"}.get(
        refused.cap, "The operator's limit of {} a month for each user"
    )
    return (
        f"{what.format(_dollars(refused.cap_usd))} is reached: {_dollars(refused.paid_usd)} is spent, "
        f"and the next request needs up to {_dollars(refused.needed_usd)}."
    )


class Budget:
    """What may still be spent, for pages and the command line."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def this_month(self) -> Spent:
        """What was spent and is reserved this calendar month (UTC), by runs that were deleted since as well."""
        return self._tools.store.payments.of_month()

    def check(self, plans: Sequence[Plan], cap_usd: Decimal | None) -> None:
        """Raises CapReached where an estimate is more than its cap or this month's leaves, before anything is sent."""
        total = sum((plan.estimate_usd or Decimal(0) for plan in plans if plan.can_run), Decimal(0))
        for limit, whose in ((cap_usd, "for a run"), (self.left_this_month(), "that is left for this month")):
            if limit is not None and total > limit:
                raise CapReached(
                    f"The estimate of {_dollars(total)} is over the {_dollars(limit)} {whose}.",
                    "Choose a shorter clip or fewer models, or raise the cap (--max-usd, or Settings).",
                )

    def of_run(self, run_id: str, request: RunRequest) -> Spent:
        """The same for a run and all that was started together with it."""
        return self._tools.store.payments.of_order(request.order_id or run_id)

    def left_this_month(self) -> Decimal | None:
        """None without a cap; never below zero."""
        caps = [self._tools.store.preferences.get().monthly_cap_usd, _users_cap(self._tools)]
        cap = min((usd for usd in caps if usd is not None), default=None)
        return None if cap is None else max(Decimal(0), cap - self.this_month().total_usd)


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


def _seconds(question: Question) -> float:
    return (question.media.seconds or 0.0) if question.media else 0.0


def _every(seconds: float, act: Callable[[], None]) -> Callable[[], None]:
    last = time.monotonic()

    def pulse() -> None:
        nonlocal last
        if time.monotonic() - last >= seconds:
            last = time.monotonic()
            act()

    return pulse


def _dollars(usd: Decimal) -> str:
    return f"${usd:.2f}" if usd >= 1 else f"${usd:.4f}" if usd >= Decimal("0.0001") else f"${usd:.7f}"
