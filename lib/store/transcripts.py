"""Transcripts by run. Every version is kept; the newest is the one that is read."""

from __future__ import annotations

from sqlalchemy import Engine, func, select

from lib.domain.transcript import Transcript
from lib.store.records import from_json, to_json
from lib.store.rows import now, put, transaction
from lib.store.tables import transcript


class Transcripts:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def keep(self, run_id: str, record: Transcript, *, version: int | None = None) -> int:
        """Keep as the given version, or as a new one; gives the version's number."""
        if version is None:
            with transaction(self._engine) as connection:
                newest = connection.scalar(select(func.max(transcript.c.version)).where(transcript.c.run_id == run_id))
            version = (newest or 0) + 1
        put(self._engine, transcript, run_id=run_id, version=version, record=to_json(record), created=now())
        return version

    def get(self, run_id: str) -> Transcript | None:
        rows = (
            select(transcript.c.record)
            .where(transcript.c.run_id == run_id)
            .order_by(transcript.c.version.desc())
            .limit(1)
        )
        with transaction(self._engine) as connection:
            text = connection.scalar(rows)
        return from_json(Transcript, text) if text else None
