"""The media store: what several machines need of each other's files, in a bucket (s3://) or a shared folder (file://).

Each machine works on its own data folder; what must be found elsewhere is put here when it is whole there, under the
same name, and fetched from here by who needs it. The keys of a bucket are where its own tools look for them:
``AWS_ACCESS_KEY_ID`` and the rest, ``AWS_ENDPOINT_URL`` for a server other than Amazon's.
"""

from __future__ import annotations

import errno
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from lib.errors import DiskFull, StorageError

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

PIECE_BYTES = 16 << 20
PIECES_AT_ONCE = 4
"""Of one upload: together they are held in memory, and a store takes 10,000 pieces of a file at most."""
UNFINISHED = ".unfinished-"


class MediaStore:
    """Files by name, such as ``media/ab/abcdef...``. A file under its name is whole. Opened when it is first needed.

    All are ``inside`` a folder of it, if that is named: nothing beside that is found. Every method raises StorageError
    when the store does not answer or refuses.
    """

    def __init__(self, url: str, inside: str = "") -> None:
        self.url = url.rstrip("/")
        self._inside = inside
        self._is_folder = url.startswith("file:")
        self._opened: tuple[AbstractFileSystem, str] | None = None

    def put(self, path: Path, name: str) -> None:
        """Put a finished file there, unless one of its size is there already: names say what is in a file."""
        if self.size(name) == path.stat().st_size:
            return
        with self._at(name) as (files, place):
            how = {} if self._is_folder else {"chunksize": PIECE_BYTES, "max_concurrency": PIECES_AT_ONCE}
            self._arrive(files, place, lambda target: files.put_file(str(path), target, **how))

    def get(self, name: str, target: Path) -> bool:
        """Fetch a file to ``target``; False where there is none. Raises DiskFull, too."""
        with self._at(name) as (files, place):
            try:
                files.get_file(place, str(target))
            except FileNotFoundError:
                return False
        return True

    def size(self, name: str) -> int | None:
        """The bytes of a file; None where there is none."""
        with self._at(name) as (files, place):
            try:
                return files.info(place)["size"]
            except FileNotFoundError:
                return None

    def remove(self, names: Iterable[str]) -> None:
        """Remove these files, as far as they are there."""
        for name in names:
            with self._at(name) as (files, place):
                try:
                    files.rm_file(place)
                except FileNotFoundError:
                    continue

    def names(self, folder: str, *, older_than: float | None = None) -> list[str]:
        """The names of all files below a folder, or of those that were put there so many seconds ago."""
        with self._at(folder) as (files, place):
            found = files.find(place, detail=True)
        root, limit = len(place) - len(folder), time.time() - (older_than or 0.0)
        return [path[root:] for path, entry in found.items() if older_than is None or _put_at(entry) < limit]

    def sizes(self, folder: str = "") -> dict[str, int]:
        """The bytes of all files below a folder, by their names."""
        with self._at(folder) as (files, place):
            found = files.find(place, detail=True)
        root = len(place) - len(folder)
        return {path[root:]: entry["size"] for path, entry in found.items()}

    def copy_to(self, other: MediaStore, folder: str) -> None:
        """Copy all files below a folder to another place of the same store, those left out that are there already."""
        there = other.sizes(folder)
        for name, size in self.sizes(folder).items():
            if there.get(name) != size and UNFINISHED not in name:
                with self._at(name) as (files, source), other._at(name) as (_, target):
                    self._arrive(files, target, lambda place, files=files, source=source: files.cp_file(source, place))

    def clear(self) -> None:
        """Remove all that is inside the folder of ours, and nothing beside it. What is gone already is no failure."""
        if not self._inside:
            raise ValueError("only what is inside a folder of a media store is ever removed whole")
        with self._at("") as (files, place), suppress(FileNotFoundError):
            files.rm(place.rstrip("/"), recursive=True)

    def check(self) -> None:
        """Write a file, read it and remove it: raises StorageError where one of them is not possible."""
        name = f"check-{secrets.token_hex(8)}"
        with self._at(name) as (files, place):
            if self._is_folder:
                files.makedirs(place.rpartition("/")[0], exist_ok=True)
            files.pipe_file(place, b"cuewise")
            files.cat_file(place)
            files.rm_file(place)

    def _arrive(self, files: AbstractFileSystem, place: str, bring: Callable[[str], object]) -> None:
        """Bring a file to its place: a bucket has it whole or not at all, in a folder it gets its name when it is."""
        if not self._is_folder:
            bring(place)
            return
        files.makedirs(place.rpartition("/")[0], exist_ok=True)
        unfinished = f"{place}{UNFINISHED}{secrets.token_hex(8)}"
        try:
            bring(unfinished)
            files.mv(unfinished, place)
        except BaseException:
            files.rm_file(unfinished)
            raise

    @contextmanager
    def _at(self, name: str) -> Iterator[tuple[AbstractFileSystem, str]]:
        """The store and a name's place in it; what it says comes out in our words."""
        try:
            files, root = self._open()
            yield files, f"{root}/{name}"
        except StorageError:
            raise
        except Exception as exc:  # the tools of buckets raise what they like
            if isinstance(exc, OSError) and exc.errno in (errno.ENOSPC, errno.EDQUOT):
                raise DiskFull("The disk has no room for this file.") from exc
            words = str(exc).strip().rstrip(".")[:200] or type(exc).__name__
            raise StorageError(
                f"The media store refused: {words}.",
                "Check CUEWISE_MEDIA_URL and the store's keys (python -m lib.cli doctor), then press Retry.",
            ) from exc

    def _open(self) -> tuple[AbstractFileSystem, str]:
        if self._opened is None:
            import fsspec  # the tools of buckets take a second to load: only who shares media pays for it

            options = {} if self._is_folder else {"use_listings_cache": False}
            files, root = fsspec.url_to_fs(self.url, **options)
            if self._is_folder and not files.isdir(root):
                # Made anew it would be a folder of this machine: the share is not mounted.
                raise StorageError(f"There is no folder {root}.", "Mount it, or set CUEWISE_MEDIA_URL to another.")
            self._opened = files, f"{root}/{self._inside}" if self._inside else root
        return self._opened


def _put_at(entry: dict) -> float:
    moment = entry.get("LastModified", entry.get("mtime", 0.0))
    return moment.timestamp() if isinstance(moment, datetime) else float(moment)
