"""The engine's own database."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from dbos import DBOS
from sqlalchemy import make_url

from lib.store import database_file


def prepare_database(url: str) -> None:
    DBOS.migrate(url)
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        with sqlite3.connect(parsed.database) as connection:
            connection.execute("PRAGMA journal_mode = WAL")


def identity_of(url: str) -> tuple[int, int] | None:
    """Which file an SQLite database lies in now."""
    file = database_file(url)
    if file is None or not file.exists():
        return None
    found = file.stat()
    return found.st_dev, found.st_ino


def check_room(url: str) -> None:
    """Write to the engine's database what is there already. Raises sqlite3.OperationalError when the disk is full."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        with closing(sqlite3.connect(parsed.database)) as connection, connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            connection.execute(f"PRAGMA user_version = {version}")
