"""Where a library is in the database, as a whole: whether anybody uses it, taking it away, and giving it away."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import Connection, NullPool, create_engine, text
from sqlalchemy.schema import CreateSchema, DropSchema

from lib.errors import StorageError, StorageInUse
from lib.formats.counts import counted
from lib.store.backup import BESIDE, check_unused, database_file, problems_of
from lib.store.engine import make_tables, open_engine
from lib.store.rows import transaction
from lib.store.tables import account, claim, metadata, worker

OTHERS = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = current_user "
    "AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
)


def check_alone(url: str) -> None:
    """Raises StorageInUse while anybody else has the database open: on PostgreSQL, as the same role of it."""
    file = database_file(url)
    if file is not None:
        check_unused(file)
        return
    with _alone_with(url) as connection:
        if others := connection.scalar(OTHERS):
            raise StorageInUse(f"The database is in use, over {counted(others, 'connection')}.")


def drop_schema(url: str, schema: str) -> None:
    """Delete a schema of PostgreSQL with all that is in it, if there is one."""
    with _alone_with(url) as connection:
        connection.execute(DropSchema(schema, cascade=True, if_exists=True))


def give_schema(url: str, schema: str) -> None:
    """Make the library of the installation that of a schema of PostgreSQL, in the place of what is in it, and begin an
    empty one: all of it or nothing. Who has a library here stays known to the installation alone."""
    with _alone_with(url) as connection:
        home = connection.scalar(text("SELECT current_schema()"))
        connection.execute(DropSchema(schema, cascade=True, if_exists=True))
        connection.execute(CreateSchema(schema))
        for name in (*metadata.tables, "alembic_version"):
            connection.exec_driver_sql(f'ALTER TABLE "{home}"."{name}" SET SCHEMA "{schema}"')
        make_tables(connection)
        connection.exec_driver_sql(f'INSERT INTO "{home}".account SELECT * FROM "{schema}".account')
        for table in (account, worker, claim):
            connection.exec_driver_sql(f'DELETE FROM "{schema}"."{table.name}"')


def give_file(source: Path, target: Path) -> None:
    """The same for SQLite, from file to file. Interrupted, both have the library at worst, and neither is half.

    Raises StorageError, and then the source is as it was.
    """
    copied, empty = (each.with_name(f"{each.name}.given") for each in (target, source))
    try:
        _remove_files(copied, empty)
        with closing(sqlite3.connect(source)) as given, closing(sqlite3.connect(copied)) as copy:
            given.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            given.backup(copy)
            copy.execute("PRAGMA secure_delete = ON")
            copy.execute("DELETE FROM account")
            copy.commit()
        if problems := problems_of(copied):
            raise StorageError(f"The database could not be copied: {problems[0]}", "See: python -m lib.cli doctor")
        open_engine(f"sqlite:///{empty}").dispose()
        with closing(sqlite3.connect(empty)) as fresh:
            fresh.execute("ATTACH DATABASE ? AS given", (str(source),))
            fresh.execute("INSERT INTO account SELECT * FROM given.account")
            fresh.commit()
        for fresh, place in ((copied, target), (empty, source)):
            for suffix in BESIDE[1:]:
                Path(f"{place}{suffix}").unlink(missing_ok=True)
            os.replace(fresh, place)
    except (sqlite3.Error, OSError) as exc:
        raise StorageError(f"The database could not be copied: {exc}.", "See to the disk, then try again.") from exc
    finally:
        _remove_files(copied, empty, Path(f"{empty}.migrate"))


def _remove_files(*databases: Path) -> None:
    for each in databases:
        for suffix in BESIDE:
            Path(f"{each}{suffix}").unlink(missing_ok=True)


@contextmanager
def _alone_with(url: str) -> Iterator[Connection]:
    """A transaction over a connection that ends with it."""
    engine = create_engine(url, poolclass=NullPool)
    try:
        with transaction(engine) as connection:
            yield connection
    finally:
        engine.dispose()
