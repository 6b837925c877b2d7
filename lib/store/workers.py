"""Workers of several machines on one database: who is at work, and whose work is to be taken over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, NullPool, and_, create_engine, delete, select, update

from lib.domain.workers import DEAD_AFTER, WorkerSeen
from lib.store.rows import clock, insert_into, put_with, transaction
from lib.store.tables import worker

FROZEN_AFTER = DEAD_AFTER
"""Seconds within which a worker must have said that it lives, once it began to."""


class Workers:
    """All moments are those of the database's clock: the clocks of machines may differ."""

    def __init__(self, engine: Engine) -> None:
        is_file = engine.dialect.name == "sqlite"
        # Connections of its own: a worker must be heard also while all others are in use.
        self._engine = engine if is_file else create_engine(engine.url, poolclass=NullPool)

    def arrive(self, worker_id: str, token: str, vault: str) -> None:
        """Write down a worker that begins, in place of one that had its id before."""
        with self._brief() as connection:
            moment = clock(connection)
            put_with(connection, worker, id=worker_id, token=token, vault=vault, started=moment, seen=moment)

    def beat(self, worker_id: str, token: str) -> bool:
        """Say that a worker lives. False when it was taken for dead meanwhile: others do its work then."""
        own = and_(worker.c.id == worker_id, worker.c.token == token)
        with self._brief() as connection:
            return bool(connection.execute(update(worker).where(own).values(seen=clock(connection))).rowcount)

    def suspect(self, worker_ids: Iterable[str]) -> None:
        """Take these for dead, unless they are known: they have left work, and never said that they live."""
        rows = [{"id": each, "token": "", "vault": "", "started": 0.0, "seen": 0.0} for each in worker_ids]
        if rows:
            with transaction(self._engine) as connection:
                connection.execute(insert_into(connection, worker).on_conflict_do_nothing(), rows)

    def seen(self) -> list[WorkerSeen]:
        """Every worker that is known, the one that is longest at work first."""
        with transaction(self._engine) as connection:
            moment = clock(connection)
            columns = (worker.c.id, worker.c.vault, moment - worker.c.started, moment - worker.c.seen)
            rows = connection.execute(select(*columns).order_by(worker.c.started, worker.c.id)).all()
        return [WorkerSeen(worker_id, vault, float(age), float(silent)) for worker_id, vault, age, silent in rows]

    @contextmanager
    def burying_one(self) -> Iterator[str | None]:
        """The id of a worker that is dead, for the block to take over what it left; None when all are alive.

        Only one gets it. Until the block ends nobody can come to life under that id; then the dead one is forgotten,
        or found again when the block fails.
        """
        with transaction(self._engine) as connection:
            dead = select(worker.c.id).where(worker.c.seen < clock(connection) - DEAD_AFTER)
            found = connection.scalar(dead.order_by(worker.c.seen).limit(1).with_for_update(skip_locked=True))
            yield found
            if found is not None:
                connection.execute(delete(worker).where(worker.c.id == found))

    @contextmanager
    def _brief(self) -> Iterator[Connection]:
        """A transaction that PostgreSQL ends when nothing comes of it: of a worker that froze in it, the row would be
        locked, and nobody could take over."""
        with transaction(self._engine) as connection:
            if connection.dialect.name == "postgresql":
                limit = f"SET LOCAL idle_in_transaction_session_timeout = {round(1000 * FROZEN_AFTER)}"
                connection.exec_driver_sql(limit)
            yield connection
