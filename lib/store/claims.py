"""Claims: what one of several machines does, and the others wait for."""

from __future__ import annotations

from sqlalchemy import Engine, delete, or_

from lib.store.rows import clock, insert_into, transaction
from lib.store.tables import claim

LEASE = 3600.0
"""Seconds after which a claim counts no more: no request takes so long, its holder could not let go of it."""


class Claims:
    """Held in the name of a worker, which threads of one worker share: among themselves they need a lock."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def take(self, name: str, holder: str) -> bool:
        """Claim it, or find it claimed by this holder. False while another one has it."""
        with transaction(self._engine) as connection:
            moment = clock(connection)
            insert = insert_into(connection, claim).values(name=name, holder=holder, taken=moment)
            taken = insert.on_conflict_do_update(
                index_elements=["name"],
                set_={"holder": holder, "taken": moment},
                where=or_(claim.c.holder == holder, claim.c.taken < moment - LEASE),
            )
            return connection.scalar(taken.returning(claim.c.name)) is not None

    def release(self, name: str, holder: str) -> None:
        with transaction(self._engine) as connection:
            connection.execute(delete(claim).where(claim.c.name == name, claim.c.holder == holder))

    def release_all(self, holder: str) -> None:
        """Of a worker that died, and cannot."""
        with transaction(self._engine) as connection:
            connection.execute(delete(claim).where(claim.c.holder == holder))
