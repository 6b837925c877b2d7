"""Backups of the database: a whole copy a day while it is in use, and the way back. For SQLite; PostgreSQL has its own.

The copies hold what the database holds: transcripts and sealed keys, never a key in the clear.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import make_url

from lib.errors import NothingThere, StorageError, StorageInUse

KEPT = 3
"""How many days' copies are kept: a library of 10,000 hours takes 1.7 GB."""
PAGES_AT_ONCE, PAUSE = 4096, 0.01
"""Copied in steps, so that whoever writes meanwhile waits for one step only."""
BESIDE = ("", "-wal", "-shm", "-journal")
ASIDE = ".replaced-"
"""With this after its name, and the moment, a database is kept that a copy took the place of."""


def database_file(url: str) -> Path | None:
    """Where an SQLite database lies; None for any other."""
    parsed = make_url(url)
    return Path(parsed.database) if parsed.get_backend_name() == "sqlite" and parsed.database else None


def problems_of(path: Path) -> tuple[str, ...]:
    """What SQLite says is wrong with a file, at most ten things; empty for a sound one."""
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            rows = connection.execute("PRAGMA quick_check(10)").fetchall()
    except sqlite3.Error as exc:
        return (f"{path.name}: {exc}",)
    return tuple(f"{path.name}: {row[0]}" for row in rows if row[0] != "ok")


def back_up(url: str, folder: Path, *, now: datetime | None = None) -> Path | None:
    """Copy the database whole into ``folder``, once a day; gives the copy, None where none was due or possible, or
    where something was deleted for good meanwhile.

    The copy is checked before it takes its name, and only then do the oldest go: a damaged database never replaces
    what it was. Raises StorageError when it cannot be written.
    """
    source = database_file(url)
    if source is None or not source.exists():
        return None
    target = folder / f"{source.stem}-{now or datetime.now(UTC):%Y-%m-%d}.db"
    if target.exists():
        return None
    fresh = target.with_suffix(".new")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(folder).free < 2 * source.stat().st_size:
            return None
        with closing(sqlite3.connect(source)) as live, closing(sqlite3.connect(fresh)) as copy:
            os.chmod(fresh, 0o600)
            live.backup(copy, pages=PAGES_AT_ONCE, sleep=PAUSE)
        problems = problems_of(fresh)
        if not fresh.exists():
            return None
        if problems:
            raise StorageError(f"The database could not be backed up: {problems[0]}", "See: python -m lib.cli doctor")
        os.replace(fresh, target)
        for old in backups(folder)[KEPT:]:
            _remove(old)
    except FileNotFoundError:
        return None
    except (sqlite3.Error, OSError) as exc:
        raise StorageError(f"The database could not be backed up: {exc}.", "See: python -m lib.cli doctor") from exc
    finally:
        with suppress(OSError):
            _remove(fresh)
    return target


def backups(folder: Path) -> list[Path]:
    """The copies there are, the newest first."""
    return sorted(folder.glob("*-????-??-??.db"), reverse=True)


def forget_backups(url: str, folder: Path) -> None:
    """Delete every copy: what was deleted for good must not come back with one. The next upkeep makes a fresh one.

    Those that are being made go too, and the databases that ``restore`` put aside.
    """
    # In this order: a copy that takes its name between the two is found under it, and one that is gone takes none.
    for unfinished in folder.glob("*.new"):
        _remove(unfinished)
    for copy in backups(folder):
        _remove(copy)
    database = database_file(url)
    if database is not None:
        for aside in (*database.parent.glob(f"{database.name}{ASIDE}*"), database.with_suffix(".restored")):
            aside.unlink(missing_ok=True)


def _remove(database: Path) -> None:
    """Delete it with what lies beside it: who only looks into a copy leaves that there."""
    for suffix in BESIDE:
        Path(f"{database}{suffix}").unlink(missing_ok=True)


def restore(url: str, folder: Path, wanted: Path | None = None) -> tuple[Path, Path | None]:
    """Put a copy, the newest sound one unless ``wanted`` names another, in the place of the database.

    Gives the copy, and where the database that was there is kept now, until something is deleted for good. Nobody may
    be using it.
    Raises NothingThere where no sound copy is, StorageInUse while somebody writes, StorageError.
    """
    target = database_file(url)
    if target is None:
        raise StorageError("Only SQLite is backed up here.", "Restore PostgreSQL with its own tools: pg_restore.")
    found = next((each for each in ([wanted] if wanted else backups(folder)) if not problems_of(each)), None)
    if found is None:
        raise NothingThere(f"There is no sound backup in {folder}.", "Name another file.")
    check_unused(target)
    aside = None
    fresh = target.with_suffix(".restored")
    try:
        shutil.copyfile(found, fresh)
        if target.exists():
            stamp = f"{datetime.now(UTC):%Y-%m-%d-%H%M%S}"
            aside = target.with_name(f"{target.name}{ASIDE}{stamp}")
            for suffix in BESIDE:
                with suppress(FileNotFoundError):
                    os.replace(f"{target}{suffix}", f"{aside}{suffix}")
        os.replace(fresh, target)
    except OSError as exc:
        raise StorageError(f"The database could not be restored: {exc.strerror}.", "See the data folder.") from exc
    return found, aside


def put_aside(path: Path) -> Path:
    """Let a damaged SQLite file make room for a new one; gives where it is kept."""
    aside = path.with_name(f"{path.name}.damaged-{datetime.now(UTC):%Y-%m-%d-%H%M%S}")
    for suffix in BESIDE:
        with suppress(FileNotFoundError):
            os.replace(f"{path}{suffix}", f"{aside}{suffix}")
    return aside


def check_unused(path: Path) -> None:
    """Raises StorageInUse while anybody has the database open."""
    if not path.exists():
        return
    try:
        with closing(sqlite3.connect(path, timeout=0.5, isolation_level=None)) as connection:
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            connection.execute("BEGIN EXCLUSIVE")
            connection.execute("ROLLBACK")
    except sqlite3.OperationalError as exc:
        if "locked" in str(exc):
            raise StorageInUse("The database is in use.", "Stop the app and its workers, then try again.") from exc
    except sqlite3.DatabaseError:
        pass  # so damaged that nobody can write it
