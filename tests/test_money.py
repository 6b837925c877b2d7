"""Money: what runs through real workers may cost, against a server that bills by the token."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from lib.domain.plan import RouteChoice, Times
from lib.domain.run import PartState, Run, RunRequest, RunState
from lib.errors import CapReached, PriceUnknown
from lib.services import Services
from tests.fakes.openrouter_server import FakeOpenRouter, Reply, Request
from tests.test_jobs import SLOW, wait_for, worker_pid
from tests.waiting import is_over

MODEL, OTHER, UNPRICED = "google/gemini-3.8-flash", "google/gemini-3.6-pro", "meta/muse-spark-1.3"
SAID = "[00:01] Ever tried, ever failed.\n[00:05] Fail better."
PROMPT, COMPLETION = 1000, 4000


class Biller(FakeOpenRouter):
    """Bills every answer by its tokens, and cuts it off at the tokens that the request allows, as the real one does."""

    def reply_to(self, request: Request, path: str) -> Reply:
        if path != "/chat/completions" or self.peek(path) is not None:
            return super().reply_to(request, path)
        pricing = self._row(request)["pricing"]
        tokens = min(COMPLETION, request.body.get("max_tokens") or COMPLETION)
        cost = PROMPT * Decimal(pricing["prompt"]) + tokens * Decimal(pricing["completion"])
        self.sleep(0.2)
        is_cut = tokens < COMPLETION
        return Reply.answer(SAID, cost=str(cost), finish="length" if is_cut else "stop")

    @property
    def billed(self) -> int:
        return sum(request.method == "POST" for request in self.history)


@pytest.fixture
def server():
    with Biller() as server:
        yield server


@pytest.fixture
def in_parts(services, talking_video) -> Callable[..., RunRequest]:
    """The 44 s in parts of five or so, asked about side by side, without listening."""
    source = services.keep_file(talking_video)

    def request(model_id: str = MODEL, **changes) -> RunRequest:
        short = {"part_seconds": 5.0, "times": Times.MODEL, "route": RouteChoice.AUDIO}
        return replace(services.new_request(source, model_id), **short | changes)

    return request


def allow(services: Services, **caps: str) -> None:
    chosen = {name: Decimal(usd) for name, usd in caps.items()}
    services.save_preferences(replace(services.preferences(), **chosen))


def ended(services: Services, run: Run) -> Run:
    return wait_for(services, run, is_over, 120)


def states(run: Run) -> set[PartState]:
    return {part.state for part in run.parts}


def test_a_months_cap_holds_over_parts_and_models_side_by_side(services, server, in_parts):
    """Two models, all parts at once: together they stay under the cap, say so in words, and keep what they have."""
    allow(services, monthly_cap_usd="0.12")
    runs = [services.submit(in_parts(model_id)) for model_id in (MODEL, OTHER)]
    done = [ended(services, run) for run in runs]
    spent = services.budget.this_month()
    assert 0 < spent.total_usd <= Decimal("0.12")
    assert not spent.reserved_usd
    failed = [part for run in done for part in run.parts if part.state is PartState.FAILED]
    assert {part.error_code for part in failed} == {"CapReached"}
    assert any("Your spending cap of $0.1200 a month is reached" in part.error for part in failed)
    assert any(part.state is PartState.OK for run in done for part in run.parts)
    # What every model says it cost is what was counted.
    assert sum(run.cost_usd for run in done if run.cost_usd) <= spent.total_usd


def test_retry_goes_on_once_the_cap_is_raised(services, server, in_parts):
    """What did not fit is marked, with what to do; after that only the missing parts are asked and paid."""
    allow(services, spending_cap_usd="0.04")
    run = ended(services, services.submit(in_parts()))
    assert run.state is RunState.DONE
    assert states(run) == {PartState.OK, PartState.FAILED}
    failed = next(part for part in run.parts if part.state is PartState.FAILED)
    assert "Raise the cap in Settings and press Retry" in failed.hint
    assert services.transcript(run.id).cues
    before, answered = server.billed, sum(part.state is PartState.OK for part in run.parts)
    allow(services, spending_cap_usd="5")
    services.retry(run.id)
    whole = ended(services, run)
    assert states(whole) == {PartState.OK}
    assert server.billed - before == len(run.parts) - answered
    assert services.budget.this_month().total_usd == whole.cost_usd


def test_runs_of_one_order_share_its_cap(services, server, in_parts):
    """Two models started by one press: their cap is one, not one each."""
    order = {"order_id": "f" * 32, "own_cap_usd": Decimal("0.06")}
    for run in [services.submit(in_parts(model_id, **order)) for model_id in (MODEL, OTHER)]:
        ended(services, run)
    assert 0 < services.budget.this_month().total_usd <= Decimal("0.06")


def test_a_request_gets_no_more_room_than_the_cap_leaves(services, server, in_parts):
    """Near the cap an answer may take fewer tokens, so that it cannot cost more; one that needs more says why."""
    run = ended(services, services.submit(in_parts(own_cap_usd=Decimal("0.011"), part_seconds=300.0)))
    assert run.state is RunState.FAILED
    assert run.failure.code == "CapReached"
    sent = next(request for request in server.history if request.method == "POST")
    assert sent.body["max_tokens"] < COMPLETION
    assert services.budget.this_month().total_usd <= Decimal("0.011")


def test_nothing_is_sent_under_a_cap_of_nothing(services, server, in_parts):
    """A cap of zero lets local and free models run, and no other: nothing leaves the machine."""
    allow(services, monthly_cap_usd="0")
    run = ended(services, services.submit(in_parts()))
    assert (run.state, run.failure.code, server.billed) == (RunState.FAILED, "CapReached", 0)
    free = ended(services, services.submit(in_parts("google/gemma-4-31b-it:free", route=RouteChoice.AUTO)))
    assert free.state is RunState.DONE, free.failure


def test_a_refusal_costs_nothing_and_a_broken_answer_may(services, server, in_parts):
    """What the server refused is given back; where its answer broke off, what was reserved stands."""
    whole = in_parts(part_seconds=300.0)
    server.enqueue(Reply.refusal(402, "Insufficient credits"))
    assert ended(services, services.submit(whole)).state is RunState.FAILED
    assert services.budget.this_month().total_usd == 0
    server.enqueue(replace(Reply.answer(SAID, usage={}), is_cut=True, events=Reply.answer(SAID).events[:5]))
    run = ended(services, services.submit(whole))
    spent = services.budget.this_month()
    assert run.state is RunState.DONE
    assert spent.paid_usd == run.cost_usd + spent.unsure_usd
    assert 0 < spent.unsure_usd < Decimal("0.06")


def test_a_killed_worker_leaves_no_reservation_and_no_hole(services, server, in_parts):
    """kill -9 between reserving and settling: the call counts as paid, nothing stays reserved, the run goes on."""
    server.enqueue(SLOW)
    run = services.submit(in_parts(part_seconds=300.0))
    wait_for(services, run, lambda run: "One" in run.partial_text)
    reserved = services.budget.this_month().reserved_usd
    assert reserved > 0
    os.kill(worker_pid(services), signal.SIGKILL)
    done = ended(services, run)
    spent = services.budget.this_month()
    assert done.state is RunState.DONE, done.failure
    assert (spent.reserved_usd, spent.unsure_usd) == (0, reserved)
    assert spent.paid_usd == reserved + done.cost_usd


def test_a_killed_worker_does_not_spend_over_the_cap(services, server, in_parts):
    """The cap has room for one call; it was under way at kill -9 and may be billed: the next is not sent, and Retry
    with a higher cap ends the run."""
    allow(services, spending_cap_usd="0.055")
    server.enqueue(SLOW)
    run = services.submit(in_parts(part_seconds=300.0))
    wait_for(services, run, lambda run: "One" in run.partial_text)
    os.kill(worker_pid(services), signal.SIGKILL)
    stopped = ended(services, run)
    assert (stopped.state, stopped.failure.code, server.billed) == (RunState.FAILED, "CapReached", 1)
    assert services.budget.this_month().total_usd <= Decimal("0.055")
    allow(services, spending_cap_usd="1")
    services.retry(run.id)
    assert ended(services, run).state is RunState.DONE


def test_a_cancelled_call_is_not_forgotten(services, server, in_parts):
    """Leaving a stream does not stop billing everywhere: what was reserved for it counts, and is reserved no more."""
    server.enqueue(SLOW)
    run = services.submit(in_parts(part_seconds=300.0))
    wait_for(services, run, lambda run: "One" in run.partial_text)
    services.cancel(run.id)
    assert server.history[-1].was_cut_off.wait(20)
    wait_for(services, run, lambda _: not services.budget.this_month().reserved_usd)
    assert services.budget.this_month().unsure_usd > 0


def test_a_model_without_a_price_needs_a_yes(services, server, in_parts):
    """Without one nothing is queued; with it the run goes on, and what it says it cost is counted."""
    with pytest.raises(PriceUnknown):
        services.submit(in_parts(UNPRICED))
    assert not services.runs()
    server.enqueue(Reply.answer(SAID, cost="0.5"))
    yes = in_parts(UNPRICED, accepts_unknown_price=True, part_seconds=300.0)
    run = ended(services, services.submit(yes))
    assert run.state is RunState.DONE, run.failure
    assert services.budget.this_month().total_usd == Decimal("0.5")


def test_a_repair_pays_through_the_same_door(services, server, in_parts):
    """Asked anew, a part counts against the run's cap, and is not sent when it would break it."""
    run = ended(services, services.submit(in_parts(part_seconds=300.0)))
    allow(services, spending_cap_usd="0.015")
    before = server.billed
    services.repair(run.id, 0)
    tried = ended(services, run)
    assert (tried.parts[0].error_code, server.billed) == ("CapReached", before)
    assert services.transcript(run.id).cues
    with pytest.raises(PriceUnknown):
        services.repair(run.id, 0, model_id=UNPRICED)


def test_a_cap_given_with_a_run_outlives_retry_and_repair(services, server, in_parts):
    """Whatever Settings say by then: the run stops at its own cap again, and says that no setting raises it."""
    run = ended(services, services.submit(in_parts(own_cap_usd=Decimal("0.011"), part_seconds=300.0)))
    before = server.billed
    for again in (services.retry, lambda run_id: services.repair(run_id, 0)):
        again(run.id)
        tried = ended(services, run)
        assert tried.request.own_cap_usd == Decimal("0.011")
        assert (tried.parts[0].error_code, server.billed) == ("CapReached", before)
        assert "start it once more with a higher cap" in tried.parts[0].hint


def test_a_bill_of_what_was_answered_before_is_under_every_cap(services, server, talking_video):
    """It costs nothing, so no cap refuses it; the same asked for the first time is refused."""
    given = [services.batches.read_file(talking_video)]
    asked = {"end": 5.0, "times": Times.MODEL, "cap_usd": Decimal("0.000001")}
    fresh = services.batches.plan(given, [MODEL], **asked)
    with pytest.raises(CapReached):
        services.budget.check(fresh.total_usd, fresh.cap_usd)
    ended(services, services.submit(replace(fresh.lines[0].request, own_cap_usd=None)))
    known = services.batches.plan(given, [MODEL], **asked)
    assert (known.answered, known.cap_usd) == (1, Decimal("0.000001"))
    services.budget.check(known.total_usd, known.cap_usd)
