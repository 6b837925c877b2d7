"""Where a library is in the database, as a whole: whether anybody uses it, and taking it away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, NullPool, create_engine, text
from sqlalchemy.schema import DropSchema

from lib.errors import StorageInUse
from lib.store.backup import check_unused, database_file
from lib.store.rows import transaction

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
        if connection.scalar(OTHERS):
            raise StorageInUse("The database is in use.")


def drop_schema(url: str, schema: str) -> None:
    """Delete a schema of PostgreSQL with all that is in it, if there is one."""
    with _alone_with(url) as connection:
        connection.execute(DropSchema(schema, cascade=True, if_exists=True))


@contextmanager
def _alone_with(url: str) -> Iterator[Connection]:
    """A transaction over a connection that ends with it."""
    engine = create_engine(url, poolclass=NullPool)
    try:
        with transaction(engine) as connection:
            yield connection
    finally:
        engine.dispose()
