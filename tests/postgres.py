"""A real PostgreSQL for the tests: found on this machine, or installed from Debian where that may be done."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine

ROLE = "cuewise"


def find_postgres() -> Path | None:
    """The folder of its programs; got by apt-get where there is none and we are root. None: it is not to be had."""
    found = _programs()
    if found is None and shutil.which("apt-get") and os.geteuid() == 0:
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        for command in (["update", "-qq"], ["install", "-y", "-qq", "postgresql"]):
            subprocess.run(["apt-get", *command], check=False, env=environment, capture_output=True)
        found = _programs()
    return found


@contextmanager
def running_postgres(programs: Path) -> Iterator[str]:
    """A server of its own on a socket in a temporary folder, with nothing in it; gives the URL, without a database."""
    # Not below pytest's folder: nobody but its owner may enter that, and a socket's path is at most 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="cuewise-pg-", dir="/tmp"))
    data = folder / "data"
    owner = _owner()
    if owner:
        shutil.chown(folder, owner)
    own = {"cwd": folder, "user": owner, "check": True, "capture_output": True, "timeout": 120}
    options = f"-c listen_addresses='' -c fsync=off -k {folder}"
    try:
        subprocess.run([programs / "initdb", "-D", data, "-A", "trust", "-U", ROLE, "--no-sync", "-E", "UTF8"], **own)
        # What the server says goes to a file: it would hold our pipe open as long as it lives.
        log = ("-l", folder / "log", "-o", options, "-w")
        subprocess.run([programs / "pg_ctl", "-D", data, *log, "start"], **own)
        try:
            yield f"postgresql+psycopg://{ROLE}@/{{database}}?host={folder}"
        finally:
            subprocess.run([programs / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop"], **own)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def new_database(url: str) -> Iterator[str]:
    """An empty database; gives its URL, and drops it after."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    engine = create_engine(url.format(database="postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    yield url.format(database=name)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    engine.dispose()


def _programs() -> Path | None:
    here = shutil.which("initdb")
    folders = [Path(here).resolve().parent] if here else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((each for each in folders if all((each / name).exists() for name in ("initdb", "pg_ctl"))), None)


def _owner() -> str | None:
    """Whom the server runs as: it refuses to be root."""
    if os.geteuid() != 0:
        return None
    names = {each.pw_name for each in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"
