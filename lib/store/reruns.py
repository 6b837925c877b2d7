"""Stretches of a transcript that are run again: which run does it, and what became of it."""

from __future__ import annotations

from sqlalchemy import Connection, Engine, insert, select, update

from lib.domain.rerun import Rerun, RerunState
from lib.store.rows import transaction
from lib.store.tables import rerun


class Reruns:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def asked(self, of_run: str) -> list[Rerun]:
        """Those that nobody has decided about yet."""
        wanted = select(rerun).where(rerun.c.of_run == of_run, rerun.c.state == RerunState.ASKED)
        with transaction(self._engine) as connection:
            return [Rerun(row.run_id, row.of_run, RerunState(row.state)) for row in connection.execute(wanted)]

    def leave(self, run_id: str) -> None:
        """Write down that the lines stay as they are, unless that was settled before."""
        with transaction(self._engine) as connection:
            settle_rerun(connection, run_id, RerunState.LEFT)


def add_rerun(connection: Connection, run_id: str, of_run: str) -> None:
    """Write down that ``run_id`` runs a stretch of ``of_run`` again, as a part of a transaction that is going on."""
    connection.execute(insert(rerun).values(run_id=run_id, of_run=of_run, state=RerunState.ASKED))


def settle_rerun(connection: Connection, run_id: str, state: RerunState) -> bool:
    """Write down what became of it, in the same way; False when that was settled before."""
    still = (rerun.c.run_id == run_id, rerun.c.state == RerunState.ASKED)
    return bool(connection.execute(update(rerun).where(*still).values(state=state)).rowcount)
