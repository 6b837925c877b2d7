"""What a batch is made of, without anything that runs: lists of links, repeats, bills and progress."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.domain.batch import (
    NOT_STARTED,
    Batch,
    BatchPlan,
    Given,
    Item,
    Line,
    Row,
    batch_title,
    progress_of,
    read_links,
    without_repeats,
)
from lib.domain.media import Source, SourceKind
from lib.domain.model import Model
from lib.domain.plan import Plan, Route
from lib.domain.run import Failure, Run, RunRequest, RunState

BEGAN = datetime(2026, 11, 24, 10, tzinfo=UTC)
WHY = Failure("NotMedia", "This is no video.", "Choose another.")


def link(number: int) -> Source:
    return Source(SourceKind.LINK, f"Talk {number}", url=f"https://example.org/{number}")


def request(number: int, model_id: str = "a/b") -> RunRequest:
    return RunRequest(link(number), model_id)


def run(number: int, state: RunState, *, cost: str | None = None, seconds: float | None = None) -> Run:
    finished = None if seconds is None else BEGAN + timedelta(seconds=seconds)
    cost_usd = None if cost is None else Decimal(cost)
    return Run(str(number), request(number), state, BEGAN, cost_usd=cost_usd, finished=finished)


def item(number: int, *, estimate: str | None = "0.10", failure: Failure | None = None) -> Item:
    estimate_usd = None if estimate is None else Decimal(estimate)
    run_id = None if failure else str(number)
    return Item(number, 0, f"Talk {number}", request(number), estimate_usd, run_id, failure)


def test_a_list_of_links_is_read_line_by_line():
    """Each link once and in order, blank lines and comments skipped, and every other line given back as it stands."""
    links, others = read_links(
        """
        https://youtu.be/abc
        # tomorrow
        http://example.org/talk.mp4

        https://youtu.be/abc
        talk.mp4
        https://
        see https://example.org
        HTTPS://example.org/B
        """
    )
    assert links == ["https://youtu.be/abc", "http://example.org/talk.mp4", "HTTPS://example.org/B"]
    assert others == ["talk.mp4", "https://", "see https://example.org"]


@given(st.text())
def test_any_text_is_a_list_of_links(text):
    """Whatever is pasted, each line is a link, named as none, blank or a comment; no line is lost or read twice."""
    links, others = read_links(text)
    lines = {line.strip() for line in text.splitlines()} - {""}
    assert not set(links) & set(others)
    assert {line for line in lines if not line.startswith("#")} == {*links, *others}
    assert len(links) == len(set(links))


@given(st.lists(st.integers(0, 5)))
def test_a_video_that_comes_twice_is_run_once_and_named(numbers):
    """The first of each stays in its place; every other one is named; files that are no video never count as one."""
    bad = Given("broken.mp4", failure=WHY)
    videos, repeated = without_repeats([*(Given(f"Talk {number}", link(number)) for number in numbers), bad, bad])
    assert [each.name for each in videos] == [*(f"Talk {number}" for number in dict.fromkeys(numbers)), *[bad.name] * 2]
    assert len(repeated) == len(numbers) - len(set(numbers))


def test_one_video_under_two_addresses_is_one():
    """Two forms of one YouTube address are the same video."""
    found, repeated = without_repeats(
        Given(url, Source(SourceKind.LINK, url, url=url))
        for url in ("https://youtu.be/dQw4w9WgXcQ", "https://www.youtube.com/watch?v=dQw4w9WgXcQ&t=5")
    )
    assert (len(found), len(repeated)) == (1, 1)


def line(number: int, *, usd: str | None = None, model: Model | None = None, **more: object) -> Line:
    model = model or Model("a/b", "A", frozenset({"video"}))
    plan = Plan(model.id, Route.AS_IS, "", estimate_usd=None if usd is None else Decimal(usd))
    return Line(number, 0, f"Talk {number}", model.id, model, request(number, model.id), plan, **more)


def test_the_bill_counts_what_can_run_and_never_takes_an_unknown_price_for_zero():
    """Refused lines cost nothing, answered and local ones are free, and what has no price is counted apart."""
    local = Model("local/x", "X", frozenset({"audio"}))
    lines = (
        line(0, usd="0.10"),
        line(1, usd="0.20", failure=WHY),
        line(2, usd="0.40", answered_by="earlier"),
        line(3, usd=None),
        line(4, model=local),
        Line(5, 0, "broken.mp4", failure=WHY),
    )
    plan = BatchPlan(lines)
    assert (plan.total_usd, plan.unpriced, plan.answered) == (Decimal("0.10"), 1, 1)
    assert (len(plan.runnable), plan.num_runnable_videos, len(plan.videos)) == (4, 4, 6)
    assert plan.needs_key
    assert not BatchPlan(lines[4:]).needs_key


@given(st.lists(st.sampled_from(RunState)))
def test_progress_counts_every_row_once(states):
    """Done, failed, cancelled, running and waiting add up to all; over exactly when nothing runs or waits."""
    rows = [Row(item(number), run(number, state)) for number, state in enumerate(states)]
    progress = progress_of(Batch("b", "All", BEGAN, tuple(row.item for row in rows)), rows, BEGAN)
    assert progress.total == len(states)
    assert progress.is_over == all(state.is_over for state in states)
    assert 0 <= progress.share <= 1
    assert (progress.share == 1) >= progress.is_over


def test_progress_tells_dollars_beside_what_was_expected_and_how_long_it_took():
    """What never started was expected to cost nothing; an unknown price is counted, not summed."""
    rows = [
        Row(item(0), run(0, RunState.DONE, cost="0.12", seconds=30)),
        Row(item(1, estimate=None), run(1, RunState.FAILED, cost="0.01", seconds=50)),
        Row(item(2, failure=WHY)),
    ]
    progress = progress_of(Batch("b", "All", BEGAN, tuple(row.item for row in rows)), rows, BEGAN + timedelta(hours=1))
    assert (progress.cost_usd, progress.estimate_usd, progress.unpriced) == (Decimal("0.13"), Decimal("0.10"), 1)
    assert (progress.done, progress.failed, progress.seconds) == (1, 2, 50)
    going_on = progress_of(Batch("b", "All", BEGAN), [Row(item(0), run(0, RunState.RUNNING))], BEGAN)
    assert (going_on.running, going_on.is_over, going_on.seconds) == (1, False, 0)


def test_an_item_has_a_run_or_says_why_not():
    """Neither both nor none; what says nothing else was not started."""
    for run_id, failure in (("r", WHY), (None, None)):
        with pytest.raises(ValueError, match="has a run"):
            Item(0, 0, "x", run_id=run_id, failure=failure)
    with pytest.raises(ValueError, match="says why"):
        Given("x")
    assert Row(item(0, failure=NOT_STARTED)).can_retry
    assert not Row(Item(0, 0, "broken.mp4", failure=WHY)).can_retry


def test_a_batch_is_named_after_its_first_video():
    """With how many others there are."""
    assert batch_title(["talk.mp4"]) == "talk.mp4"
    assert batch_title(["talk.mp4", *map(str, range(1200))]) == "talk.mp4 and 1,200 more"
