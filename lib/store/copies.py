"""Captioned copies, as they stand now. Every write of a worker names its ``attempt``, as with runs."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Engine, Row, and_, insert, select, update

from lib.domain.copies import CaptionedCopy, CaptionForm, CopyOrder
from lib.domain.run import UNFINISHED, Failure, RunState
from lib.store.records import from_json, to_json
from lib.store.rows import now, transaction
from lib.store.tables import captioned_copy as copy

# All but what it is made of: the captions of an hour are not read to show how far it is.
_SHOWN = [column for column in copy.c if column.name != "record"]


class Copies:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def want(self, copy_id: str, run_id: str, order: CopyOrder) -> int | None:
        """Queue a copy, for the first time or once more; gives the attempt, None for one that is in the making."""
        fresh = {"state": RunState.QUEUED, "progress": None, "failure": None, "size_bytes": None, "created": now()}
        is_over = and_(copy.c.id == copy_id, copy.c.state.not_in(UNFINISHED))
        with transaction(self._engine) as connection:
            known = connection.scalar(select(copy.c.attempt).where(copy.c.id == copy_id))
            if known is None:
                values = {
                    "id": copy_id,
                    "run_id": run_id,
                    "attempt": 1,
                    "form": order.form,
                    "media_type": order.media_type,
                    "suffix": order.suffix,
                    "record": to_json(order),
                }
                connection.execute(insert(copy).values(**values, **fresh))
                return 1
            again = update(copy).where(is_over).values(attempt=known + 1, **fresh)
            return known + 1 if connection.execute(again).rowcount else None

    def get(self, copy_id: str) -> CaptionedCopy | None:
        with transaction(self._engine) as connection:
            row = connection.execute(select(*_SHOWN).where(copy.c.id == copy_id)).first()
        return _read(row) if row else None

    def of_run(self, run_id: str) -> list[CaptionedCopy]:
        """The newest first."""
        wanted = select(*_SHOWN).where(copy.c.run_id == run_id).order_by(copy.c.created.desc())
        with transaction(self._engine) as connection:
            return [_read(row) for row in connection.execute(wanted)]

    def unfinished(self) -> list[tuple[str, int]]:
        """Every copy that is queued or in the making, with its attempt, oldest first."""
        wanted = select(copy.c.id, copy.c.attempt).where(copy.c.state.in_(UNFINISHED)).order_by(copy.c.created)
        with transaction(self._engine) as connection:
            return [(row.id, row.attempt) for row in connection.execute(wanted)]

    def begin(self, copy_id: str, attempt: int) -> CopyOrder | None:
        """What is to be made; None when this attempt is no longer wanted."""
        if not self._update(copy_id, attempt, state=RunState.RUNNING, progress=0.0):
            return None
        with transaction(self._engine) as connection:
            return from_json(CopyOrder, connection.scalar(select(copy.c.record).where(copy.c.id == copy_id)))

    def report(self, copy_id: str, attempt: int, progress: float) -> bool:
        """Say how far it is. False when the attempt is no longer wanted."""
        return self._update(copy_id, attempt, progress=progress)

    def finish(self, copy_id: str, attempt: int, size_bytes: int) -> None:
        self._update(copy_id, attempt, state=RunState.DONE, size_bytes=size_bytes, progress=1.0)

    def fail(self, copy_id: str, attempt: int, failure: Failure) -> None:
        self._update(copy_id, attempt, state=RunState.FAILED, failure=to_json(failure), progress=None)

    def cancel(self, copy_id: str) -> int | None:
        """Mark as cancelled; gives the attempt that was going on, None if it was over already."""
        unfinished = and_(copy.c.id == copy_id, copy.c.state.in_(UNFINISHED))
        with transaction(self._engine) as connection:
            values = {"state": RunState.CANCELLED, "progress": None}
            if not connection.execute(update(copy).where(unfinished).values(**values)).rowcount:
                return None
            return connection.scalar(select(copy.c.attempt).where(copy.c.id == copy_id))

    def _update(self, copy_id: str, attempt: int, **values: object) -> bool:
        current = and_(copy.c.id == copy_id, copy.c.attempt == attempt, copy.c.state.in_(UNFINISHED))
        with transaction(self._engine) as connection:
            return bool(connection.execute(update(copy).where(current).values(**values)).rowcount)


def _read(row: Row) -> CaptionedCopy:
    return CaptionedCopy(
        id=row.id,
        run_id=row.run_id,
        form=CaptionForm(row.form),
        state=RunState(row.state),
        created=datetime.fromisoformat(row.created),
        media_type=row.media_type,
        suffix=row.suffix,
        progress=row.progress,
        size_bytes=row.size_bytes,
        failure=from_json(Failure, row.failure) if row.failure else None,
    )
