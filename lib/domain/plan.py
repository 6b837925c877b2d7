"""A plan: what will be sent to one model, by which route, and what it will cost."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from lib.domain.excerpt import Excerpt
from lib.domain.media import Clip

MEGABYTE = 1_000_000
BODY_SAFE_BYTES = 20 * MEGABYTE
"""Request bodies up to here are reliable (reports of refusals above; Alibaba caps one item at 20 MiB)."""
BODY_HARD_BYTES = 50 * MEGABYTE
"""The limit that the guides name."""


class Route(StrEnum):
    """How the clip reaches the model."""

    LOCAL = "local"
    LINK = "link"
    AS_IS = "asis"
    CUT = "cut"
    AUDIO = "audio"
    KEY_FRAMES = "keyframes"
    VIDEO = "video"
    TEXT = "text"


class RouteChoice(StrEnum):
    """What the user may ask for. ``VIDEO`` stands for every way of sending pictures but the untouched file."""

    AUTO = "auto"
    LINK = "link"
    AS_IS = "asis"
    AUDIO = "audio"
    VIDEO = "video"


class Quality(StrEnum):
    """What the pictures must be good for: knowing who speaks, or reading what is on the screen."""

    SPEECH = "speech"
    VISUAL = "visual"


class Times(StrEnum):
    """Whose times the cues take: those of the sound, heard by the local model, or the model's own."""

    AUDIO = "audio"
    MODEL = "model"


class SizeVerdict(StrEnum):
    """What a request body of some size may expect."""

    FITS = "fits"
    LARGE = "large"
    TOO_LARGE = "too large"


def body_bytes(media_bytes: int) -> int:
    """Size of a request body that carries so many bytes of media: base64 adds a third, the rest a little."""
    return 4 * ((media_bytes + 2) // 3) + 4096


def size_verdict(media_bytes: int) -> SizeVerdict:
    """Whether media of this size, sent as it is, fits (20 MB body), may be refused, or is too large (50 MB)."""
    size = body_bytes(media_bytes)
    if size <= BODY_SAFE_BYTES:
        return SizeVerdict.FITS
    return SizeVerdict.LARGE if size <= BODY_HARD_BYTES else SizeVerdict.TOO_LARGE


@dataclass(frozen=True, slots=True)
class Part:
    """What is sent in one request. ``size_bytes`` is exact for a file sent as it is, else an estimate.

    ``overlap`` is by how many seconds it begins before the end of the part before it: 0 where the cut is in silence.
    ``stretches`` are those that are joined in it; of one from ``start`` to ``end`` there are none. Of a transcript,
    ``lines`` are the first that is sent and the first that is not; a part of one without lines joins the answers of
    those before it.
    """

    index: int
    start: float
    end: float
    size_bytes: int
    overlap: float = 0.0
    stretches: tuple[Clip, ...] = ()
    lines: tuple[int, int] | None = None

    @property
    def excerpt(self) -> Excerpt:
        return Excerpt(self.stretches or (Clip(self.start, self.end),))

    @property
    def duration(self) -> float:
        """Seconds of the asset in it."""
        return self.excerpt.duration


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be sent to one model. A plan with a ``refusal`` cannot be run, and says why.

    ``clip`` is None while the length is not known yet, ``estimate_usd`` when no price is known. ``stretches`` are
    those that are sent of the clip where that is not all of it. ``verdict`` judges the bytes as they are, before
    anything is done about them; ``reason`` says in words which route was taken and why.
    """

    model_id: str
    route: Route
    reason: str
    clip: Clip | None = None
    parts: tuple[Part, ...] = ()
    source_bytes: int | None = None
    verdict: SizeVerdict | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    estimate_usd: Decimal | None = None
    seconds: float | None = None
    warnings: tuple[str, ...] = ()
    refusal: str | None = None
    stretches: tuple[Clip, ...] = ()

    @property
    def excerpt(self) -> Excerpt | None:
        """All that is sent, on the clock on which it is joined; None while the length is not known."""
        if self.clip is None:
            return None
        return Excerpt(self.stretches or (self.clip,))

    @property
    def size_bytes(self) -> int:
        """Media bytes over all parts."""
        return sum(part.size_bytes for part in self.parts)

    @property
    def can_run(self) -> bool:
        return self.refusal is None


def total_usd(plans: Iterable[Plan]) -> Decimal:
    """What those come to that can be run and have a price."""
    return sum((plan.estimate_usd or Decimal(0) for plan in plans if plan.can_run), Decimal(0))
