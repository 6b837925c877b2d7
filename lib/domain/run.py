"""Runs: one model over one clip for one task, and the paid calls they are made of."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from lib.domain.cues import CueShape
from lib.domain.excerpt import Excerpt
from lib.domain.health import Health
from lib.domain.media import Clip, Source
from lib.domain.plan import Plan, Quality, RouteChoice, Times
from lib.domain.transcript import Segment


class RunState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        return self in (RunState.DONE, RunState.FAILED, RunState.CANCELLED)


UNFINISHED = tuple(state for state in RunState if not state.is_over)
"""The states of runs, copies and questions that are waited for, as the store looks for them."""


class Stage(StrEnum):
    """What a running run is doing, by the name the user sees."""

    WAITING = "waiting"
    LOOKING_UP = "looking up"
    DOWNLOADING = "downloading"
    PREPARING = "preparing"
    LISTENING = "listening"
    ASKING = "asking"
    STITCHING = "stitching"


class PartState(StrEnum):
    WAITING = "waiting"
    PREPARING = "preparing"
    ASKING = "asking"
    OK = "ok"
    REPAIRED = "repaired"
    FAILED = "failed"

    @property
    def is_answered(self) -> bool:
        return self in (PartState.OK, PartState.REPAIRED)

    @property
    def is_over(self) -> bool:
        return self.is_answered or self is PartState.FAILED


class PartForm(StrEnum):
    """The two forms in which servers take a video: today's, and that of the guides of 2025."""

    VIDEO_URL = "video_url"
    IMAGE_URL = "image_url"


@dataclass(frozen=True, slots=True)
class Task:
    """What the model is asked to do: a prompt with a version. ``is_timed`` answers are lines with times."""

    name: str
    title: str
    is_timed: bool
    version: str
    prompt: str


@dataclass(frozen=True, slots=True)
class TranscriptRef:
    """A version of a run's transcript, as what a task is asked about in the place of the video."""

    run_id: str
    version: int


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What the user asked for. ``end`` None means to the end. ``prompt`` is the user's own, for task custom. ``track``
    is which of several tracks of sound is heard, from 0. ``about`` is the transcript whose text is sent in the place of
    the media; ``language`` is then that of the answer, for a translation the one to translate into.

    ``stretches`` are those that are sent of the clip, in order and apart; none means all of it. ``is_anew`` asks, and
    pays, also where the same was answered before. Holds no key: ``key_ref`` names a sealed one.

    ``own_cap_usd`` is what all runs of one ``order_id`` together may cost, or this run alone where there is none; None
    leaves that to Settings. ``accepts_unknown_price`` is the user's yes to a model without a price.
    """

    source: Source
    model_id: str
    task: str = "transcript"
    prompt: str | None = None
    start: float = 0.0
    end: float | None = None
    track: int = 0
    language: str | None = None
    terms: tuple[str, ...] = ()
    quality: Quality = Quality.SPEECH
    route: RouteChoice = RouteChoice.AUTO
    times: Times = Times.AUDIO
    cue_shape: CueShape = field(default_factory=CueShape)
    part_form: PartForm = PartForm.VIDEO_URL
    base_url: str = ""
    media_limit_bytes: int = 14_000_000
    part_seconds: float = 300.0
    allow_private_urls: bool = False
    key_ref: str | None = None
    stretches: tuple[Clip, ...] = ()
    is_anew: bool = False
    about: TranscriptRef | None = None
    own_cap_usd: Decimal | None = None
    order_id: str | None = None
    accepts_unknown_price: bool = False

    def __post_init__(self) -> None:
        if not self.stretches:
            return
        excerpt = Excerpt(self.stretches)
        if excerpt.start < self.start or (self.end is not None and self.end < excerpt.end):
            raise ValueError("the stretches of a request lie inside its clip")


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call, or of all calls of a run. ``video_tokens`` is None when the provider does not say."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    video_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Generation:
    """One paid call and its answer. ``text`` is the whole answer as it came; ``segments`` are there for local
    models, which need no parsing. ``sent`` is ``video``, ``audio`` or ``text``, None where nothing left the machine.
    ``seconds_to_first_text`` and ``seconds`` are wall time.
    """

    model_id: str
    text: str
    id: str | None = None
    provider: str | None = None
    usage: Usage = field(default_factory=Usage)
    cost_usd: Decimal | None = None
    finish_reason: str | None = None
    seconds: float | None = None
    seconds_to_first_text: float | None = None
    segments: tuple[Segment, ...] = ()
    language: str | None = None
    sent: str | None = None


@dataclass(frozen=True, slots=True)
class PartAnswer:
    """One answer that a part is made of: the digest of its question, the stretch it answers for, and the moment at
    which what was sent begins, where the answer's clock stands at zero."""

    digest: str
    start: float
    end: float
    sent_start: float
    overlap: float = 0.0


@dataclass(frozen=True, slots=True)
class PartRecord:
    """How one part of a run fared. ``partial_text`` is its text so far, on the clock of what was sent.

    ``is_remembered``: another run had paid for the same question before. ``model_id`` names another model that
    repaired it. ``cost_usd`` is what this run paid for the part, also when it failed; None where nobody says.
    """

    index: int
    start: float
    end: float
    state: PartState = PartState.WAITING
    size_bytes: int | None = None
    generation_id: str | None = None
    cost_usd: Decimal | None = None
    is_remembered: bool = False
    model_id: str | None = None
    error_code: str | None = None
    error: str | None = None
    hint: str | None = None
    partial_text: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a run failed, in words, with the code of its error class (lib.errors)."""

    code: str
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """One model over one clip for one task, as it stands now. ``progress`` runs from 0 to 1, None if unknown.

    ``answer_seconds`` is how long its last answer took from the start; ``seconds`` is all it took, with what this
    machine did afterwards for the times. An answer that was kept took what it took when it was given.
    ``health_version`` is the version of the transcript that ``health`` was measured on, ``health_revision`` how often
    that had been edited then.
    """

    id: str
    request: RunRequest
    state: RunState
    created: datetime
    stage: Stage = Stage.WAITING
    progress: float | None = None
    note: str = ""
    partial_text: str = ""
    plan: Plan | None = None
    parts: tuple[PartRecord, ...] = ()
    asset_id: str | None = None
    started: datetime | None = None
    finished: datetime | None = None
    failure: Failure | None = None
    provider: str | None = None
    usage: Usage = field(default_factory=Usage)
    cost_usd: Decimal | None = None
    seconds: float | None = None
    seconds_to_first_text: float | None = None
    answer_seconds: float | None = None
    from_cache: bool = False
    health: Health | None = None
    health_version: int | None = None
    health_revision: int | None = None

    @property
    def is_transcribed(self) -> bool:
        """Whether it says what is said, word for word."""
        return self.state is RunState.DONE and self.request.task == "transcript"

    def excerpt_of(self, part: PartRecord) -> Excerpt:
        """What was sent of the asset in one of its parts."""
        planned = self.plan.parts[part.index] if self.plan and part.index < len(self.plan.parts) else None
        if planned is not None and (planned.start, planned.end) == (part.start, part.end):
            return planned.excerpt
        return Excerpt.of(part.start, part.end)


def digest(**question: object) -> str:
    """SHA-256 over everything that shapes an answer, independent of the order in which it is named.

    Same digest, same question: it is never paid for twice.
    """
    text = json.dumps(question, sort_keys=True, ensure_ascii=False, default=str, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
