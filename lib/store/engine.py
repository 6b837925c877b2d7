"""Opening the database and bringing its tables up to date."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import sqlalchemy.orm  # noqa: F401 - the job engine needs it later; a query beside its import fails on half of it
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from filelock import FileLock
from sqlalchemy import Connection, Engine, NullPool, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.schema import CreateSchema

from lib.errors import DatabaseDamaged, FolderReadOnly, StorageError
from lib.store.rows import is_damaged

MIGRATIONS = Path(__file__).parent / "migrations"
MIGRATING = 7_283_947_301
"""The lock of who migrates: any number that nobody else takes."""
MAKING_SCHEMA = 7_265_901
"""A number of our own among the locks that PostgreSQL gives by number."""
PATIENCE_SECONDS = 20.0
"""A person in front of a page waits no longer for a database that another program holds."""


def open_engine(url: str, schema: str | None = None, *, patience_seconds: float = PATIENCE_SECONDS) -> Engine:
    """An engine whose tables are up to date; with a ``schema`` of PostgreSQL it sees those in that alone. Whoever
    writes waits so long for others who write (on SQLite).

    Raises StorageError in words when the database cannot be opened, DatabaseDamaged among it.
    """
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite" and parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        if schema is None:
            engine = create_engine(parsed, pool_pre_ping=parsed.get_backend_name() != "sqlite")
        else:
            # Each user has one, and a server has a hundred connections in all: none is held open.
            engine = create_engine(parsed, poolclass=NullPool)
            event.listen(engine, "connect", _keep_to(schema), insert=True)
            with engine.begin() as connection:
                # One at a time: the app and a worker may both be the first to come.
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({MAKING_SCHEMA})")
                connection.execute(CreateSchema(schema, if_not_exists=True))
        if engine.dialect.name == "sqlite":
            event.listen(engine, "connect", partial(_set_up_sqlite, patience_seconds))
        _upgrade(engine, parsed.database)
    except PermissionError as exc:
        raise FolderReadOnly(f"The data folder cannot be written: {exc.filename}.") from exc
    except CommandError as exc:
        raise StorageError(
            "The database was made by a newer Cuewise.", "Start that version again, or restore an older backup."
        ) from exc
    except (SQLAlchemyError, OSError, ModuleNotFoundError) as exc:
        if "readonly" in str(exc) or "unable to open" in str(exc):
            raise FolderReadOnly("The database file cannot be written.") from exc
        if is_damaged(exc):
            raise DatabaseDamaged("The database is damaged and cannot be opened.") from exc
        raise StorageError(
            "The database cannot be opened.",
            "Check CUEWISE_DATABASE_URL. If the file is damaged: python -m lib.cli restore",
        ) from exc
    return engine


def _set_up_sqlite(patience_seconds: float, connection: sqlite3.Connection, _record: object) -> None:
    cursor = connection.cursor()
    # Readers never wait for the writer (WAL); a second writer waits rather than failing.
    cursor.execute(f"PRAGMA busy_timeout = {round(1000 * patience_seconds)}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    # What is deleted is overwritten, not only forgotten.
    cursor.execute("PRAGMA secure_delete = ON")
    cursor.close()


def _keep_to(schema: str) -> Callable[[DBAPIConnection, object], None]:
    def keep_to(connection: DBAPIConnection, _record: object) -> None:
        # Of the session, not of a transaction that may be rolled back.
        before, connection.autocommit = connection.autocommit, True
        with connection.cursor() as cursor:
            cursor.execute(f'SET search_path TO "{schema}"')
        connection.autocommit = before

    return keep_to


def _upgrade(engine: Engine, database: str | None) -> None:
    config = _migrations()
    newest = ScriptDirectory.from_config(config).get_current_head()
    with engine.connect() as connection:
        if MigrationContext.configure(connection).get_current_revision() == newest:
            return
    # The page and the worker start together: only one of them may migrate a file.
    is_file = engine.dialect.name == "sqlite" and database
    with FileLock(f"{database}.migrate") if is_file else nullcontext(), engine.connect() as connection:
        _check_foreign_keys(connection, False)
        config.attributes["connection"] = connection
        with connection.begin():
            if engine.dialect.name == "postgresql":
                # The same among machines: until the end of the transaction, and who waited finds it done.
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({MIGRATING})")
            command.upgrade(config, "head")
        _check_foreign_keys(connection, True)


def make_tables(connection: Connection) -> None:
    """Make all tables where there are none, as a part of a transaction that is going on."""
    config = _migrations()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _migrations() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


def _check_foreign_keys(connection: Connection, is_on: bool) -> None:
    # SQLite changes a table by making a new one and dropping the old: with foreign keys checked, dropping it would
    # delete every row that refers to it. Only possible outside a transaction.
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"PRAGMA foreign_keys = {'ON' if is_on else 'OFF'}")
        connection.commit()
