"""What every shelf does to its table, the same on SQLite and PostgreSQL."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime

from sqlalchemy import Connection, Engine, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import OperationalError

from lib.errors import DiskFull, FolderReadOnly, StorageError


def now() -> str:
    """This moment in UTC, as the tables keep it: it sorts as text."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


@contextmanager
def transaction(engine: Engine):
    """A connection whose work is kept whole or not at all; the database's faults come out in our words."""
    try:
        with engine.begin() as connection:
            yield connection
    except OperationalError as exc:
        text = str(exc.orig)
        if "full" in text:
            raise DiskFull("The disk is full: the database could not be written.") from exc
        if "readonly" in text:
            raise FolderReadOnly("The database file cannot be written.") from exc
        raise StorageError("The database did not answer.", "Try again; if it stays so, restart Cuewise.") from exc


def put(engine: Engine, table: Table, **values: object) -> None:
    """Insert the row, or replace the one with the same primary key."""
    with transaction(engine) as connection:
        put_with(connection, table, **values)


def put_with(connection: Connection, table: Table, **values: object) -> None:
    """The same, as a part of a transaction that is going on."""
    insert = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(table).values(**values)
    keys = [column.name for column in table.primary_key]
    rest = {name: insert.excluded[name] for name in values if name not in keys}
    if rest:
        connection.execute(insert.on_conflict_do_update(index_elements=keys, set_=rest))
    else:
        connection.execute(insert.on_conflict_do_nothing(index_elements=keys))
