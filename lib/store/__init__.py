"""The database: the only package that imports SQLAlchemy and Alembic.

``Store`` keeps assets, runs, parts, generations, transcripts, tags and preferences, on SQLite by default and on
PostgreSQL by URL, and finds what was said. Records go in and come out as the frozen dataclasses of ``lib.domain``.
"""

from lib.store.backup import back_up, backups, database_file, forget_backups, put_aside, restore
from lib.store.generations import Kept, Measured
from lib.store.place import check_alone, drop_schema, give_file, give_schema
from lib.store.preferences import Preferences
from lib.store.rows import is_damaged, is_disk_full
from lib.store.store import Store

__all__ = [
    "Kept",
    "Measured",
    "Preferences",
    "Store",
    "back_up",
    "backups",
    "check_alone",
    "database_file",
    "drop_schema",
    "forget_backups",
    "give_file",
    "give_schema",
    "is_damaged",
    "is_disk_full",
    "put_aside",
    "restore",
]
