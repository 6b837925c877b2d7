"""Batches: many videos started together, each on its own, so that one which fails stops none of the others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from urllib.parse import urlsplit

from lib.domain.media import Source
from lib.domain.model import Model
from lib.domain.plan import Plan
from lib.domain.run import Failure, Run, RunRequest, RunState

NOT_STARTED = Failure("NotStarted", "It was not started: Cuewise ended before its turn came.", "Press Retry.")


@dataclass(frozen=True, slots=True)
class Given:
    """What was given to run over: a source; or a link that leads nowhere, or no source at all, and why.

    ``has_picture`` is False for a link that is known to lead to sound alone.
    """

    name: str
    source: Source | None = None
    failure: Failure | None = None
    has_picture: bool = True

    def __post_init__(self) -> None:
        if self.source is None and self.failure is None:
            raise ValueError("what is no source says why")

    @property
    def can_run(self) -> bool:
        return self.failure is None


def without_repeats(given: Iterable[Given]) -> tuple[list[Given], list[str]]:
    """The first of each video, and the names of those that came again. What is no source at all never repeats."""
    found: dict[str, Given] = {}
    repeated = []
    for number, each in enumerate(given):
        name = each.source.video_id if each.source is not None else str(number)
        if name in found:
            repeated.append(each.name)
        else:
            found[name] = each
    return list(found.values()), repeated


def read_links(text: str) -> tuple[list[str], list[str]]:
    """The links of a list, one a line, each once and in order; and the lines that are none. Blank lines and those
    that begin with ``#`` count for nothing."""
    links: dict[str, None] = {}
    others: dict[str, None] = {}
    for line in (line.strip() for line in text.splitlines()):
        if line and not line.startswith("#"):
            (links if _is_link(line) else others)[line] = None
    return list(links), list(others)


def _is_link(line: str) -> bool:
    try:
        address = urlsplit(line)
    except ValueError:
        return False
    return address.scheme.lower() in ("http", "https") and bool(address.hostname) and len(line.split()) == 1


@dataclass(frozen=True, slots=True)
class Line:
    """One model over one video of a plan, or a video that cannot be run with why. ``video`` counts the videos and
    ``place`` the models, both from 0.

    ``failure`` says why it cannot run; ``answered_by`` names the run that asked the same question: then it is free.
    """

    video: int
    place: int
    name: str
    model_id: str = ""
    model: Model | None = None
    request: RunRequest | None = None
    plan: Plan | None = None
    failure: Failure | None = None
    answered_by: str | None = None

    @property
    def can_run(self) -> bool:
        return self.failure is None and self.plan is not None

    @property
    def needs_key(self) -> bool:
        return self.can_run and self.model is not None and not self.model.is_local

    @property
    def estimate_usd(self) -> Decimal | None:
        """Expected dollars; zero on this machine and for what was answered before, None when no price is known."""
        if self.answered_by or (self.model is not None and self.model.is_local):
            return Decimal(0)
        return self.plan.estimate_usd if self.plan is not None else None


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """Everything that one press of Run would start: the videos in their order, for each the models in theirs.

    ``cap_usd`` is what a run may cost, by its own cap or that of Settings, ``left_usd`` what this month's leaves, None
    without one; ``repeated`` names what was given more than once.
    """

    lines: tuple[Line, ...]
    repeated: tuple[str, ...] = ()
    cap_usd: Decimal | None = None
    left_usd: Decimal | None = None

    @property
    def videos(self) -> tuple[tuple[Line, ...], ...]:
        """The lines of each video."""
        numbers = sorted({line.video for line in self.lines})
        return tuple(tuple(line for line in self.lines if line.video == number) for number in numbers)

    @property
    def runnable(self) -> tuple[Line, ...]:
        return tuple(line for line in self.lines if line.can_run)

    @property
    def num_runnable_videos(self) -> int:
        return len({line.video for line in self.runnable})

    @property
    def needs_key(self) -> bool:
        return any(line.needs_key for line in self.lines)

    @property
    def total_usd(self) -> Decimal:
        """The sum of what has a price; see ``unpriced`` for what has none."""
        return sum((line.estimate_usd or Decimal(0) for line in self.runnable), Decimal(0))

    @property
    def unpriced(self) -> int:
        return sum(line.estimate_usd is None for line in self.runnable)

    @property
    def answered(self) -> int:
        return sum(line.answered_by is not None for line in self.runnable)


@dataclass(frozen=True, slots=True)
class Item:
    """One model over one video of a batch, as it was started: its run, or why there is none.

    ``request`` is None for what was no source at all: that alone cannot be tried again. ``estimate_usd`` is what was
    expected before it began, None where no price was known.
    """

    video: int
    place: int
    name: str
    request: RunRequest | None = None
    estimate_usd: Decimal | None = None
    run_id: str | None = None
    failure: Failure | None = None

    def __post_init__(self) -> None:
        if (self.run_id is None) == (self.failure is None):
            raise ValueError("an item has a run, or says why there is none")


@dataclass(frozen=True, slots=True)
class Seat:
    """The item of a batch that a run is started for."""

    batch_id: str
    video: int
    place: int


@dataclass(frozen=True, slots=True)
class Batch:
    """Several runs that were started together."""

    id: str
    title: str
    created: datetime
    items: tuple[Item, ...] = ()

    @property
    def run_ids(self) -> tuple[str, ...]:
        return tuple(item.run_id for item in self.items if item.run_id)


@dataclass(frozen=True, slots=True)
class Row:
    """An item with its run as it stands now; ``comparison_id`` names where it is laid beside other models' runs over
    its video."""

    item: Item
    run: Run | None = None
    comparison_id: str | None = None

    @property
    def state(self) -> RunState:
        return self.run.state if self.run is not None else RunState.FAILED

    @property
    def failure(self) -> Failure | None:
        """Why it failed, in words; None for what did not."""
        if self.run is None:
            return self.item.failure or NOT_STARTED
        return self.run.failure if self.run.state is RunState.FAILED else None

    @property
    def can_retry(self) -> bool:
        return self.state in (RunState.FAILED, RunState.CANCELLED) and self.item.request is not None

    @property
    def share(self) -> float:
        """How much of it is over, from 0 to 1: by its parts, for what a stage tells begins anew with each stage."""
        if self.state.is_over or self.run is None:
            return 1.0
        over = sum(part.state.is_over for part in self.run.parts)
        return over / len(self.run.parts) if len(self.run.parts) > 1 else 0.0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a batch is. ``cost_usd`` is what is known to have been billed so far; ``estimate_usd`` what was
    expected of the runs that have a price, ``unpriced`` how many have none. ``seconds`` is wall time."""

    done: int = 0
    failed: int = 0
    cancelled: int = 0
    running: int = 0
    waiting: int = 0
    share: float = 0.0
    cost_usd: Decimal = Decimal(0)
    estimate_usd: Decimal = Decimal(0)
    unpriced: int = 0
    seconds: float = 0.0

    @property
    def total(self) -> int:
        return self.done + self.failed + self.cancelled + self.running + self.waiting

    @property
    def is_over(self) -> bool:
        return not self.running and not self.waiting


@dataclass(frozen=True, slots=True)
class Standing:
    """A batch as it stands now: its rows, and what they come to."""

    batch: Batch
    rows: tuple[Row, ...]
    progress: Progress

    @property
    def videos(self) -> tuple[tuple[Row, ...], ...]:
        """The rows of each video."""
        numbers = dict.fromkeys(row.item.video for row in self.rows)
        return tuple(tuple(row for row in self.rows if row.item.video == number) for number in numbers)

    @property
    def done_run_ids(self) -> tuple[str, ...]:
        """The runs that have something to export."""
        return tuple(row.run.id for row in self.rows if row.run is not None and row.state is RunState.DONE)

    @property
    def can_retry(self) -> bool:
        return any(row.can_retry for row in self.rows)


def progress_of(batch: Batch, rows: Sequence[Row], now: datetime | None = None) -> Progress:
    """Counted from the rows as they stand; a batch that is over took as long as its last run."""
    states = [row.state for row in rows]
    ends = [row.run.finished for row in rows if row.run is not None and row.run.finished is not None]
    is_over = all(state.is_over for state in states)
    end = max(ends, default=batch.created) if is_over else now or datetime.now(UTC)
    estimates = [row.item.estimate_usd for row in rows if row.run is not None]
    return Progress(
        done=states.count(RunState.DONE),
        failed=states.count(RunState.FAILED),
        cancelled=states.count(RunState.CANCELLED),
        running=states.count(RunState.RUNNING),
        waiting=states.count(RunState.QUEUED),
        share=sum(row.share for row in rows) / len(rows) if rows else 1.0,
        cost_usd=sum((_billed(row.run) for row in rows if row.run is not None), Decimal(0)),
        estimate_usd=sum((each for each in estimates if each is not None), Decimal(0)),
        unpriced=estimates.count(None),
        seconds=max(0.0, (end - batch.created).total_seconds()),
    )


def _billed(run: Run) -> Decimal:
    """What is known of it: of a run that goes on, its parts so far."""
    if run.cost_usd is not None:
        return run.cost_usd
    return sum((part.cost_usd for part in run.parts if part.cost_usd is not None), Decimal(0))


def batch_title(names: Sequence[str]) -> str:
    """What a batch is called that nobody has named: ``talk.mp4 and 11 more``."""
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1:,} more"
