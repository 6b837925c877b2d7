"""Counting runs, for the page of counters."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Engine, func, select

from lib.domain.counters import Counters, ModelCount
from lib.domain.run import Failure, RunState
from lib.store.records import from_json
from lib.store.rows import as_text, transaction
from lib.store.tables import run


class Counting:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def since(self, moment: datetime | None = None) -> Counters:
        """The counters of all runs that were started since a moment, or ever."""
        which = [run.c.created >= as_text(moment)] if moment else []
        by_model = (
            select(
                run.c.model_id,
                run.c.state,
                run.c.cost_usd,
                func.count(),
                func.coalesce(func.sum(run.c.prompt_tokens), 0),
                func.coalesce(func.sum(run.c.completion_tokens), 0),
            )
            .where(*which)
            .group_by(run.c.model_id, run.c.state, run.c.cost_usd)
        )
        failed = select(run.c.failure).where(run.c.state == RunState.FAILED, run.c.failure.is_not(None), *which)
        with transaction(self._engine) as connection:
            rows = connection.execute(by_model).all()
            codes = Counter(from_json(Failure, text).code for text in connection.scalars(failed))
        states: Counter[str] = Counter()
        found: dict[str, list] = defaultdict(lambda: [0, 0, Decimal(0), 0, 0])
        for model_id, state, cost, count, prompt, completion in rows:
            states[state] += count
            for place, more in enumerate(
                (count, count * (state == RunState.FAILED), count * Decimal(cost or 0), int(prompt), int(completion))
            ):
                found[model_id][place] += more
        models = [ModelCount(model_id, *figures) for model_id, figures in found.items()]
        return Counters(
            states={state: states[state] for state in RunState},
            failures=tuple(codes.most_common()),
            models=tuple(sorted(models, key=lambda each: (-each.runs, each.model_id))),
        )
