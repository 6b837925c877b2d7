"""Counters: what was worked on in the last day and since the beginning, by model and by why it failed."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from lib.domain.run import RunState


@dataclass(frozen=True, slots=True)
class ModelCount:
    """The runs of one model: how many, how many of them failed, what they cost, and the tokens in and out."""

    model_id: str
    runs: int
    failed: int
    cost_usd: Decimal
    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True)
class Counters:
    """``states`` counts runs by state, each state once; ``failures`` counts those that failed by the code of the
    error (lib.errors), the most frequent first; ``models`` has the most used first."""

    states: dict[RunState, int]
    failures: tuple[tuple[str, int], ...]
    models: tuple[ModelCount, ...]
