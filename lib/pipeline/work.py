"""The work on one part of a run, and what it comes to on the way: text, calls, dollars."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from lib.domain.model import Model
from lib.domain.plan import Part, Plan
from lib.domain.run import Generation, Run
from lib.pipeline.generate import Asked
from lib.pipeline.reporter import Reporter
from lib.pipeline.tools import Tools


@dataclass
class Work:
    """One part, asked of one model; ``billed`` are the answers that its cost has counted."""

    run: Run
    part: Part
    model: Model
    tools: Tools
    reporter: Reporter
    cost_usd: Decimal | None = None
    generation_id: str | None = None
    is_remembered: bool = True
    was_mended: bool = False
    texts: list[str] = field(default_factory=list)
    take: int = 0
    billed: set[str] = field(default_factory=set)

    @property
    def text(self) -> str:
        return "\n".join(self.texts)

    @property
    def plan(self) -> Plan:
        return self.run.plan

    def bill(self, generation: Generation | None) -> None:
        """Count what a call cost, also one that failed; None where nobody says."""
        if generation is not None and generation.cost_usd is not None:
            self.cost_usd = (self.cost_usd or Decimal(0)) + generation.cost_usd

    def note(self, asked: Asked) -> None:
        """Count an answer: what another run, or this one before, has paid for costs nothing."""
        self.generation_id = self.generation_id or asked.generation.id
        self.is_remembered = self.is_remembered and asked.is_remembered
        if asked.is_remembered or asked.digest in self.billed:
            self.cost_usd = self.cost_usd or Decimal(0)
        else:
            self.bill(asked.generation)
        self.billed.add(asked.digest)
