"""Models: what they take, what they cost, when they retire."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

LOCAL_PREFIX = "local/"


def is_local_id(model_id: str) -> bool:
    """Whether a model of this id runs on this machine: it is free, and needs no key."""
    return model_id.startswith(LOCAL_PREFIX)


@dataclass(frozen=True, slots=True)
class PriceStep:
    """A dearer price for prompts of at least ``min_prompt_tokens``."""

    min_prompt_tokens: int
    prompt: Decimal
    completion: Decimal


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars per token, and per request. A price that is not known is None on the model, never zero."""

    prompt: Decimal
    completion: Decimal
    request: Decimal = Decimal(0)
    steps: tuple[PriceStep, ...] = ()

    def cost(self, prompt_tokens: int, completion_tokens: int) -> Decimal:
        """Dollars for one call; the whole call is billed at the step its prompt reaches."""
        prompt, completion = self.prompt, self.completion
        for step in sorted(self.steps, key=lambda step: step.min_prompt_tokens):
            if prompt_tokens >= step.min_prompt_tokens:
                prompt, completion = step.prompt, step.completion
        return self.request + prompt * prompt_tokens + completion * completion_tokens

    @property
    def is_free(self) -> bool:
        return not (self.prompt or self.completion or self.request)


@dataclass(frozen=True, slots=True)
class Model:
    """One row of the catalogue, or one speech model on this machine (id ``local/...``).

    Every figure the catalogue leaves out is None. ``modalities`` are its input modalities.
    """

    id: str
    name: str
    modalities: frozenset[str]
    context_tokens: int | None = None
    max_output_tokens: int | None = None
    price: Price | None = None
    expires: date | None = None
    created: date | None = None
    description: str = ""
    parameters: frozenset[str] = frozenset()
    reasoning_mandatory: bool = False
    reasoning_efforts: tuple[str, ...] = field(default=())

    @property
    def is_local(self) -> bool:
        return is_local_id(self.id)

    @property
    def sees(self) -> bool:
        return "video" in self.modalities

    @property
    def hears(self) -> bool:
        return "audio" in self.modalities

    @property
    def vendor(self) -> str:
        return self.id.split("/", 1)[0]

    @property
    def is_free(self) -> bool:
        return self.price is not None and self.price.is_free

    @property
    def takes_youtube_links(self) -> bool:
        """Only Google's Gemini models read a YouTube link themselves."""
        return self.id.startswith("google/gemini") and self.sees
