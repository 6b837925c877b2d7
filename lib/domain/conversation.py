"""Conversations about one video or several: what was asked, what a model answered, and what that rests on."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from lib.domain.plan import Plan
from lib.domain.run import Failure, PartForm, RunState, Usage

LONGEST_QUESTION = 8000


@dataclass(frozen=True, slots=True)
class Look:
    """The stretch of a run's video that is sent along with a question, in seconds; ``end`` None: to its end."""

    run_id: str
    start: float = 0.0
    end: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.start < (float("inf") if self.end is None else self.end):
            raise ValueError(f"a look runs forward from zero, not {self.start}-{self.end}")


@dataclass(frozen=True, slots=True)
class Asking:
    """How a question is put: to which model of which server, with the video (``look``) or from the transcript alone.

    Holds no key: ``key_ref`` names a sealed one. ``own_cap_usd`` is what all attempts together may cost; None as in
    Settings. ``accepts_unknown_price`` is the user's yes to a model without a price.
    """

    model_id: str
    base_url: str
    look: Look | None = None
    part_form: PartForm = PartForm.VIDEO_URL
    media_limit_bytes: int = 14_000_000
    key_ref: str | None = None
    own_cap_usd: Decimal | None = None
    accepts_unknown_price: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """How much of the transcripts a question took along: so many lines of so many."""

    lines: int
    of_lines: int

    @property
    def is_whole(self) -> bool:
        return self.lines >= self.of_lines


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question and its answer, as it stands now. ``answer`` grows while it comes, and is kept when it breaks off.

    ``cost_usd`` is what all attempts at it cost; None where nobody says. ``is_remembered``: the same question had been
    paid for before.
    """

    id: str
    conversation_id: str
    question: str
    asking: Asking
    state: RunState
    created: datetime
    answer: str = ""
    note: str = ""
    reading: Reading | None = None
    generation_id: str | None = None
    provider: str | None = None
    usage: Usage = field(default_factory=Usage)
    cost_usd: Decimal | None = None
    seconds: float | None = None
    is_remembered: bool = False
    failure: Failure | None = None
    finished: datetime | None = None

    @property
    def is_answered(self) -> bool:
        return self.state is RunState.DONE


@dataclass(frozen=True, slots=True)
class Conversation:
    """Questions about the transcripts of some runs, in the order in which they were asked. The place of a run, from 1,
    is the number under which answers cite its video."""

    id: str
    run_ids: tuple[str, ...]
    created: datetime
    exchanges: tuple[Exchange, ...] = ()

    def __post_init__(self) -> None:
        if not self.run_ids or len(set(self.run_ids)) != len(self.run_ids):
            raise ValueError("a conversation is about runs, each once")

    @property
    def title(self) -> str:
        """The first question, on one line."""
        return " ".join(self.exchanges[0].question.split()) if self.exchanges else ""

    @property
    def is_going_on(self) -> bool:
        """Whether an answer is on its way."""
        return any(not exchange.state.is_over for exchange in self.exchanges)

    @property
    def cost_usd(self) -> Decimal:
        """What is known of what it cost."""
        return sum((each.cost_usd for each in self.exchanges if each.cost_usd is not None), Decimal(0))


@dataclass(frozen=True, slots=True)
class Quote:
    """What a question would take: tokens and dollars, before anything is sent. ``plan`` is how the video is sent, where
    it is looked at; ``refusal`` says why it cannot be asked so."""

    model_id: str
    prompt_tokens: int = 0
    completion_tokens: int = 0
    estimate_usd: Decimal | None = None
    reading: Reading | None = None
    plan: Plan | None = None
    refusal: str | None = None
