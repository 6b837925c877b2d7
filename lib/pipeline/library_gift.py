"""The library of who sits at the machine, from before there was a login, given to a user.

Copied first, then switched in the database, then deleted: whenever it breaks off, one of the two has all of it, and
giving it once more goes on from there.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from lib.domain.user import User
from lib.errors import InputError, StillGoingOn, StorageError
from lib.pipeline.at_rest import at_rest, going_on
from lib.pipeline.tools import Tools
from lib.store import database_file, forget_backups, give_file, give_schema

FOLDERS = ("media", "renditions")
UNFINISHED = "gift.unfinished"
"""In the user's folder, from before anything is copied until nothing is left where it was."""


def give_library(tools: Tools, user: User) -> None:
    """Make the installation's own library, with all its media, here and in the media store, that of a user whose own
    is still empty. Everybody stays known.

    Raises StorageInUse while the app or a worker runs, StillGoingOn while there is work left, InputError where the user
    has a library already or media are elsewhere, and StorageError.
    """
    with at_rest(tools):
        own = tools.of_user(user.id)
        if _is_to_be_given(tools, own, user):
            _copy_media(tools, own)
            _switch(tools, own)
        _delete_originals(tools, own)


def _is_to_be_given(tools: Tools, own: Tools, user: User) -> bool:
    """False where all but deleting the originals was done before. Raises what ``give_library`` raises."""
    if going_on(tools):
        raise StillGoingOn("There is work that is not over.", "Start the app once more and let it end.")
    given, theirs = _known(tools), _known(own)
    has_begun = (own.settings.data_dir / UNFINISHED).exists()
    if has_begun and not given:
        return False
    # Broken off between its two files, SQLite has the library in both places.
    if going_on(own) or (theirs and not (has_begun and theirs <= given)):
        raise InputError(f"{user.name} has a library already.", "Only an empty one can be replaced.")
    if not given:
        raise InputError("There is no library to give.", "Without a login nothing was made here.")
    if tools.settings.is_shared and (count := len(tools.store.assets.ids() - _held(tools))):
        raise InputError(
            f"Of the library's media, {count} cannot be found on this machine or in the media store.",
            "Give it on the machine that has them in its data folder, or delete those videos first.",
        )
    return True


def _known(tools: Tools) -> set[str]:
    """The ids of all runs that are over, and of all media."""
    return {*tools.store.runs.ended_before(datetime.now(UTC) + timedelta(days=1)), *tools.store.assets.ids()}


def _held(tools: Tools) -> set[str]:
    """The assets whose bytes are to be had: here, or in the media store."""
    shared = tools.files.shared
    stored = [] if shared is None else [name.rpartition("/")[2] for name in shared.sizes("media")]
    return {*tools.files.asset_ids(), *stored}


def _copy_media(tools: Tools, own: Tools) -> None:
    source, target = tools.settings.data_dir, own.settings.data_dir
    try:
        target.mkdir(parents=True, exist_ok=True)
        (target / UNFINISHED).touch()
        for path in _files(source):
            _copy(path, target / path.relative_to(source))
    except OSError as exc:
        raise StorageError(
            f"The media could not be copied: {exc.strerror}.", "See to the disk, then try again."
        ) from exc
    if tools.files.shared is not None:
        for folder in FOLDERS:
            tools.files.shared.copy_to(own.files.shared, folder)
        for asset_id in own.files.asset_ids():
            own.files.share(asset_id)


def _files(folder: Path) -> Iterator[Path]:
    return (path for name in FOLDERS for path in (folder / name).glob("*/*"))


def _copy(path: Path, target: Path) -> None:
    """A second name where the system gives one: it takes no room."""
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f"{target.name}.given")
    fresh.unlink(missing_ok=True)
    try:
        os.link(path, fresh)
    except OSError:
        shutil.copy2(path, fresh)
        with fresh.open("rb") as file:  # the original is deleted soon: a power cut must not take both
            os.fsync(file.fileno())
    os.replace(fresh, target)


def _switch(tools: Tools, own: Tools) -> None:
    settings = own.settings
    tools.close()
    if settings.database_schema is not None:
        give_schema(settings.database_url, settings.database_schema)
    else:
        give_file(database_file(tools.settings.database_url), database_file(settings.database_url))


def _delete_originals(tools: Tools, own: Tools) -> None:
    """All that the user has, but what the installation took in anew where this is done a day later."""
    source, target = tools.settings.data_dir, own.settings.data_dir
    anew = tools.store.assets.ids()
    for path in _files(source):
        if path.name not in anew and (target / path.relative_to(source)).exists():
            path.unlink(missing_ok=True)
    if tools.files.shared is not None:
        for folder in FOLDERS:
            names = own.files.shared.sizes(folder)
            tools.files.shared.remove(name for name in names if name.rpartition("/")[2] not in anew)
    forget_backups(tools.settings.database_url, tools.settings.backups_dir)
    (target / UNFINISHED).unlink(missing_ok=True)
