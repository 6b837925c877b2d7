"""The lines of a transcript that a run was asked about, as they were then."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Engine, insert, select
from sqlalchemy.exc import IntegrityError

from lib.domain.transcript import Cue
from lib.store.records import from_json, to_json
from lib.store.rows import transaction
from lib.store.tables import asked_lines

Cues = tuple[Cue, ...]


class AskedLines:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def get(self, run_id: str) -> tuple[Cue, ...] | None:
        with transaction(self._engine) as connection:
            text = connection.scalar(select(asked_lines.c.record).where(asked_lines.c.run_id == run_id))
        return from_json(Cues, text) if text else None

    def keep(self, run_id: str, cues: Sequence[Cue]) -> None:
        """Keep them, unless some are kept already: the first to come are those that are asked about."""
        try:
            with transaction(self._engine) as connection:
                connection.execute(insert(asked_lines).values(run_id=run_id, record=to_json(tuple(cues), Cues)))
        except IntegrityError:
            return
