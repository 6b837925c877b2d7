"""What every shelf does to its table, the same on SQLite and PostgreSQL."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Connection, Engine, Table, extract, func
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DatabaseError, DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as NoneFree

from lib.errors import DatabaseDamaged, DiskFull, FolderReadOnly, StorageError

_FULL = ("database or disk is full", "disk I/O error", "No space left on device")
"""What SQLite says of a full disk, of one that takes no more for another reason (a quota, a limit), and PostgreSQL."""
_DAMAGED = ("malformed", "not a database")
_BUSY = ("The database is busy: all connections to it are in use.", "Try again in a moment.")
_NO_ANSWER = ("The database did not answer.", "Try again; if it stays so, restart Cuewise.")


def is_disk_full(exc: BaseException | None) -> bool:
    """Whether an error, or what it comes from, is a database that could not be written because the disk takes no
    more."""
    while exc is not None:
        if isinstance(exc, DBAPIError) and any(sign in str(exc.orig) for sign in _FULL):
            return True
        exc = exc.__cause__ or exc.__context__
    return False


def is_damaged(exc: BaseException | None) -> bool:
    """Whether an error, or what it comes from, is SQLite saying that its file is no sound database."""
    while exc is not None:
        if isinstance(exc, DBAPIError) and any(sign in str(exc.orig) for sign in _DAMAGED):
            return True
        exc = exc.__cause__ or exc.__context__
    return False


def now() -> str:
    """This moment in UTC, as the tables keep it: it sorts as text."""
    return as_text(datetime.now(UTC))


def as_text(moment: datetime) -> str:
    """A moment as the tables keep it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")


def clock(connection: Connection) -> ColumnElement[float]:
    """Seconds on the database's clock, for what machines whose own clocks differ tell each other."""
    if connection.dialect.name == "sqlite":
        return (func.julianday("now") - 2440587.5) * 86400.0
    return extract("epoch", func.clock_timestamp())


@contextmanager
def transaction(engine: Engine):
    """A connection whose work is kept whole or not at all; the database's faults come out in our words."""
    try:
        with engine.begin() as connection:
            yield connection
    except NoneFree as exc:
        raise StorageError(*_BUSY) from exc
    except OperationalError as exc:
        if is_disk_full(exc):
            raise DiskFull("The disk is full: the database could not be written.") from exc
        if "readonly" in str(exc.orig):
            raise FolderReadOnly("The database file cannot be written.") from exc
        raise StorageError(*_NO_ANSWER) from exc
    except DatabaseError as exc:
        if is_damaged(exc):
            raise DatabaseDamaged("The database is damaged.") from exc
        if exc.connection_invalidated:
            raise StorageError(*_NO_ANSWER) from exc
        raise


def put(engine: Engine, table: Table, **values: object) -> None:
    """Insert the row, or replace the one with the same primary key."""
    with transaction(engine) as connection:
        put_with(connection, table, **values)


def insert_into(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An insert that can say what is to be done where the row is there already."""
    return (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(table)


def put_with(connection: Connection, table: Table, **values: object) -> None:
    """The same, as a part of a transaction that is going on."""
    insert = insert_into(connection, table).values(**values)
    keys = [column.name for column in table.primary_key]
    rest = {name: insert.excluded[name] for name in values if name not in keys}
    if rest:
        connection.execute(insert.on_conflict_do_update(index_elements=keys, set_=rest))
    else:
        connection.execute(insert.on_conflict_do_nothing(index_elements=keys))
