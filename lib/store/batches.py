"""Batches with their items: which runs were started together, and what could not be started."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection, Engine, Row, and_, delete, insert, select, update

from lib.domain.batch import NOT_STARTED, Batch, Item, Seat
from lib.domain.run import Failure, RunRequest
from lib.store.records import from_json, to_json
from lib.store.rows import now, transaction
from lib.store.tables import batch, batch_item


class Batches:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, batch_id: str, title: str, items: Sequence[Item]) -> None:
        """Write down a batch with what is to be started in it."""
        with transaction(self._engine) as connection:
            connection.execute(insert(batch).values(id=batch_id, created=now(), title=title))
            _insert(connection, batch_id, items)

    def add_items(self, batch_id: str, items: Sequence[Item]) -> None:
        with transaction(self._engine) as connection:
            _insert(connection, batch_id, items)

    def put_item(self, batch_id: str, item: Item) -> None:
        """Write down what became of an item that there is."""
        where = _is(Seat(batch_id, item.video, item.place))
        with transaction(self._engine) as connection:
            connection.execute(update(batch_item).where(where).values(**_values(batch_id, item)))

    def remove(self, batch_id: str) -> None:
        """Forget a batch; its runs stay."""
        with transaction(self._engine) as connection:
            connection.execute(delete(batch).where(batch.c.id == batch_id))

    def get(self, batch_id: str) -> Batch | None:
        with transaction(self._engine) as connection:
            row = connection.execute(select(batch).where(batch.c.id == batch_id)).first()
            return _read(row, _items_of(connection, [row.id])[row.id]) if row else None

    def newest(self, limit: int) -> list[Batch]:
        rows = select(batch).order_by(batch.c.created.desc(), batch.c.id).limit(limit)
        with transaction(self._engine) as connection:
            found = connection.execute(rows).all()
            items = _items_of(connection, [row.id for row in found])
        return [_read(row, items[row.id]) for row in found]


def take_seat(connection: Connection, seat: Seat, run_id: str) -> None:
    """Write down the run of an item, as a part of a transaction that is going on."""
    connection.execute(update(batch_item).where(_is(seat)).values(run_id=run_id, failure=None))


def _is(seat: Seat):
    places = (batch_item.c.video == seat.video, batch_item.c.place == seat.place)
    return and_(batch_item.c.batch_id == seat.batch_id, *places)


def _insert(connection: Connection, batch_id: str, items: Sequence[Item]) -> None:
    if items:
        connection.execute(insert(batch_item), [_values(batch_id, item) for item in items])


def _values(batch_id: str, item: Item) -> dict[str, object]:
    return {
        "batch_id": batch_id,
        "video": item.video,
        "place": item.place,
        "name": item.name,
        "video_id": item.request.source.video_id if item.request else None,
        "request": to_json(item.request) if item.request else None,
        "estimate_usd": None if item.estimate_usd is None else str(item.estimate_usd),
        "run_id": item.run_id,
        "failure": to_json(item.failure) if item.failure else None,
    }


def _items_of(connection: Connection, batch_ids: Sequence[str]) -> dict[str, list[Item]]:
    rows = connection.execute(
        select(batch_item)
        .where(batch_item.c.batch_id.in_(batch_ids))
        .order_by(batch_item.c.batch_id, batch_item.c.video, batch_item.c.place)
    )
    found: dict[str, list[Item]] = defaultdict(list)
    for row in rows:
        found[row.batch_id].append(_read_item(row))
    return found


def _read_item(row: Row) -> Item:
    failure = from_json(Failure, row.failure) if row.failure else None
    return Item(
        video=row.video,
        place=row.place,
        name=row.name,
        request=from_json(RunRequest, row.request) if row.request else None,
        estimate_usd=None if row.estimate_usd is None else Decimal(row.estimate_usd),
        run_id=row.run_id,
        failure=failure or (None if row.run_id else NOT_STARTED),
    )


def _read(row: Row, items: Sequence[Item]) -> Batch:
    return Batch(row.id, row.title, datetime.fromisoformat(row.created), tuple(items))
