"""Transcripts by run. Every version is kept; the newest is the one that is read, and the one that is searched."""

from __future__ import annotations

from sqlalchemy import Connection, Engine, func, select

from lib.domain.transcript import Transcript
from lib.store.records import from_json, to_json
from lib.store.rows import now, put_with, transaction
from lib.store.search import Search
from lib.store.tables import transcript


class Transcripts:
    def __init__(self, engine: Engine, search: Search) -> None:
        self._engine = engine
        self._search = search

    def keep(self, run_id: str, record: Transcript, *, version: int | None = None) -> int:
        """Keep as the given version, or as a new one; gives the version's number. From now on it can be found."""
        with transaction(self._engine) as connection:
            return self.put(connection, run_id, record, version=version)

    def put(self, connection: Connection, run_id: str, record: Transcript, *, version: int | None = None) -> int:
        """The same, as a part of a transaction that is going on."""
        newest = connection.scalar(select(func.max(transcript.c.version)).where(transcript.c.run_id == run_id)) or 0
        version = version or newest + 1
        put_with(connection, transcript, run_id=run_id, version=version, record=to_json(record), created=now())
        if version >= newest:
            self._search.put(connection, run_id, version, record)
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
