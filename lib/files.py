"""The files we keep: media named by the SHA-256 of their bytes, renditions by the digest of their recipe.

    <data>/media/ab/abcdef...          media assets, as they came
    <data>/renditions/12/1234....mp4   what was made of them for sending
    <data>/temporary/                  being written; the same filesystem, so that a finished file moves in one step

A file under its own name is whole: it is written under a temporary name, flushed to the disk, and then renamed.
Where several machines work, what one of them holds and others need is in a media store besides, under the same names.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
import shutil
import stat
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import RawIOBase
from pathlib import Path
from typing import BinaryIO

from lib.errors import DiskFull, EmptyFile, FolderReadOnly, InputError, StorageError
from lib.media_store import MediaStore

BLOCK_BYTES = 1 << 20

_DIGEST = re.compile(r"[0-9a-f]{64}")
_SUFFIX = re.compile(r"(\.[A-Za-z0-9]{1,16})*")
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_READ_ONLY = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST}


@dataclass(frozen=True, slots=True)
class Held:
    """Media on this machine; ``used`` is when they were last wanted here, in seconds since 1970."""

    asset_id: str
    size_bytes: int
    used: float


class MediaFiles:
    """The files under one data folder. Nothing is created before the first write.

    Safe for any number of threads and processes on one folder: names are unique or say what is in the file.
    ``shared`` is where other machines find what they need of ours, and we of theirs.
    """

    def __init__(self, data_dir: Path, shared: MediaStore | None = None) -> None:
        self.data_dir = Path(data_dir)
        self.shared = shared
        self._fetching: dict[str, threading.Lock] = {}

    def keep(self, stream: BinaryIO, *, on_progress: Callable[[int], None] | None = None) -> tuple[str, int]:
        """Copy the stream to the disk, a megabyte at a time, and return its SHA-256 in hexadecimal and its size.

        Reads from where the stream stands. ``on_progress`` is given the bytes written so far, after every block; what
        it raises ends the copy and leaves nothing behind. The same bytes are kept once.
        Raises EmptyFile, DiskFull, FolderReadOnly.
        """
        with self.temporary() as temporary:
            asset_id, size_bytes = _copy(stream, temporary, on_progress)
            self._settle(temporary, self._asset_path(asset_id))
        return asset_id, size_bytes

    def keep_file(self, path: Path, *, move: bool = False) -> tuple[str, int]:
        """Keep a file of the disk, copied, or taken away from where it is when ``move`` is true.

        Raises InputError where there is no such file or it cannot be read, and what ``keep`` raises.
        """
        with _open_regular(Path(path)) as stream:
            if move and self._is_on_our_disk(Path(path)):
                asset_id, size_bytes = _digest(stream)
                os.fsync(stream.fileno())
                self._settle(Path(path), self._asset_path(asset_id))
                return asset_id, size_bytes
            asset_id, size_bytes = self.keep(stream)
        if move:
            with suppress(OSError):  # it is kept: a source that cannot be removed is no failure
                Path(path).unlink()
        return asset_id, size_bytes

    def path(self, asset_id: str) -> Path | None:
        """Where an asset's bytes are, fetched from the media store if only that has them; None when nobody holds it,
        and for anything that is no SHA-256. Raises StorageError when they cannot be fetched."""
        path = self.here(asset_id)
        if self.shared is None or not _is_digest(asset_id):
            return path
        if path is None:
            return self._fetched(self._asset_path(asset_id))
        _note_use(path)
        return path

    def here(self, asset_id: str) -> Path | None:
        """Where an asset's bytes are on this machine; None when they are not."""
        path = self._asset_path(asset_id) if _is_digest(asset_id) else None
        return path if path is not None and path.is_file() else None

    def share(self, asset_id: str) -> None:
        """Let other machines find an asset that is here. Raises StorageError."""
        if self.shared is not None and (path := self.here(asset_id)):
            self.shared.put(path, self._name(path))

    def held(self) -> list[Held]:
        """All media on this machine, those first that were wanted longest ago."""
        found = []
        for asset_id in self.asset_ids():
            with suppress(OSError):  # gone meanwhile
                entry = self._asset_path(asset_id).lstat()
                found.append(Held(asset_id, entry.st_size, entry.st_atime))
        return sorted(found, key=lambda each: each.used)

    def part_with(self, asset_id: str) -> bool:
        """Remove an asset from this machine where the media store has it whole, to be fetched again when it is wanted.
        False where it does not. Raises StorageError."""
        path = self.here(asset_id)
        if path is None or self.shared is None or self.shared.size(self._name(path)) != path.stat().st_size:
            return False
        _remove(path)
        return True

    def rendition_path(self, rendition_id: str, suffix: str) -> Path:
        """Where the rendition is, or will be once ``keep_rendition`` has put it there.

        Raises ValueError for an id that is no digest and for a suffix that is none, such as ``/../x``.
        """
        if not _DIGEST.fullmatch(rendition_id):
            raise ValueError("a rendition is named by the digest of its recipe, 64 hexadecimal digits")
        return self.data_dir / "renditions" / rendition_id[:2] / f"{rendition_id}{_checked(suffix)}"

    def keep_rendition(self, temporary: Path, rendition_id: str, suffix: str, *, share: bool = False) -> Path:
        """Move a finished file to its rendition's place and return that; ``share`` lets other machines find it, too.

        Raises DiskFull, FolderReadOnly, and StorageError when it cannot be shared.
        """
        path = self.rendition_path(rendition_id, suffix)
        with _translated(self.data_dir), temporary.open("rb") as stream:
            os.fsync(stream.fileno())
        if share and self.shared is not None:
            self.shared.put(temporary, self._name(path))
        self._settle(temporary, path)
        return path

    def rendition(self, rendition_id: str, suffix: str) -> Path | None:
        """A rendition's file, fetched from the media store if only that has it; None where there is none."""
        path = self.rendition_path(rendition_id, suffix)
        return path if path.is_file() else self._fetched(path)

    def has_rendition(self, rendition_id: str, suffix: str) -> bool:
        """Whether there is a rendition's file, here or in the media store; it is not fetched."""
        path = self.rendition_path(rendition_id, suffix)
        return path.is_file() or (self.shared is not None and self.shared.size(self._name(path)) is not None)

    def link_folder(self, link_key: str) -> Path:
        """The folder in which a link's download grows, the same each time, so that a half download is resumed.

        Swept like everything temporary. Raises ValueError for a key that is no digest.
        """
        if not _DIGEST.fullmatch(link_key):
            raise ValueError("a link is named by a digest, 64 hexadecimal digits")
        folder = self.data_dir / "temporary" / f"link-{link_key}"
        _make_folder(folder)
        return folder

    @contextmanager
    def temporary(self, suffix: str = "") -> Iterator[Path]:
        """A name of its own for a file still being made, on the disk where it will be kept.

        The file does not exist yet. When the block ends, however it ends, everything whose name begins with this
        one's stem is removed: tools put ``.part`` files beside what they write. Raises DiskFull, FolderReadOnly.
        """
        folder = self.data_dir / "temporary"
        _make_folder(folder)
        token = secrets.token_hex(16)
        try:
            yield folder / f"{token}{_checked(suffix)}"
        finally:
            for leftover in folder.glob(f"{token}*"):
                _remove(leftover)

    def sweep(self, older_than: float = 86400) -> None:
        """Remove the temporary files that a crash left behind, untouched for so many seconds."""
        limit = time.time() - older_than
        with suppress(OSError):
            for leftover in (self.data_dir / "temporary").iterdir():
                with suppress(OSError):
                    if _touched(leftover) < limit:
                        _remove(leftover)

    def sweep_renditions(self, older_than: float) -> None:
        """Remove the renditions that were made so many seconds ago: they can be made again."""
        limit = time.time() - older_than
        for rendition in (self.data_dir / "renditions").glob("*/*"):
            with suppress(OSError):
                if rendition.lstat().st_mtime < limit:
                    _remove(rendition)
        if self.shared is not None:
            self.shared.remove(self.shared.names("renditions", older_than=older_than))

    def asset_ids(self) -> list[str]:
        """The assets whose bytes are here, whether anybody still knows of them or not."""
        return [path.name for path in (self.data_dir / "media").glob("*/*") if _DIGEST.fullmatch(path.name)]

    def remove(self, asset_id: str) -> None:
        """Remove the bytes of an asset, here and from the media store. Raises StorageError."""
        if self.shared is not None and _is_digest(asset_id):
            self.shared.remove([self._name(self._asset_path(asset_id))])
        if path := self.here(asset_id):
            _remove(path)

    def renditions(self, rendition_ids: Iterable[str]) -> list[Path]:
        """The files of these renditions that there are, whatever their suffix."""
        folder = self.data_dir / "renditions"
        return [
            path for each in rendition_ids if _DIGEST.fullmatch(each) for path in (folder / each[:2]).glob(f"{each}*")
        ]

    def remove_renditions(self, rendition_ids: Iterable[str]) -> None:
        """Remove these renditions, here and from the media store. Raises StorageError."""
        rendition_ids = [each for each in rendition_ids if _DIGEST.fullmatch(each)]
        for path in self.renditions(rendition_ids):
            _remove(path)
        if self.shared is not None:
            for each in rendition_ids:
                found = self.shared.names(f"renditions/{each[:2]}")
                self.shared.remove([name for name in found if each in name])

    def remove_link_folder(self, link_key: str) -> None:
        """Remove what a broken-off download of a link left, if there is anything."""
        if _DIGEST.fullmatch(link_key):
            _remove(self.data_dir / "temporary" / f"link-{link_key}")

    def used_bytes(self, name: str = "") -> int:
        """The bytes of all files in a folder of ours, such as ``renditions``; of everything, without a name."""
        return folder_bytes(self.data_dir / name)

    def _asset_path(self, asset_id: str) -> Path:
        return self.data_dir / "media" / asset_id[:2] / asset_id

    def _name(self, path: Path) -> str:
        """What a file of ours is called in the media store: as in the data folder."""
        return path.relative_to(self.data_dir).as_posix()

    def _fetched(self, path: Path) -> Path | None:
        """The file, fetched into its place; None where the media store has none, or there is no such store.

        Asked for by several threads it is fetched once; two processes that fetch it do each other no harm.
        """
        if self.shared is None:
            return None
        with self._fetching.setdefault(path.name, threading.Lock()):
            if path.is_file():
                return path
            with self.temporary() as temporary:
                if not self.shared.get(self._name(path), temporary):
                    return None
                with temporary.open("rb") as stream:
                    os.fsync(stream.fileno())
                    if _is_digest(path.name) and path.parent.parent.name == "media":
                        _check_digest(stream, path.name)
                self._settle(temporary, path)
        return path

    def _settle(self, temporary: Path, path: Path) -> None:
        """Give a finished file its name, in one step."""
        _make_folder(path.parent)
        with _translated(self.data_dir):
            os.replace(temporary, path)
            _flush_folder(path.parent)

    def _is_on_our_disk(self, path: Path) -> bool:
        folder = self.data_dir / "media"
        _make_folder(folder)
        return path.stat().st_dev == folder.stat().st_dev and not path.is_symlink()


def folder_bytes(folder: Path) -> int:
    """The bytes of all files below a folder; a file that vanishes meanwhile counts nothing."""
    total = 0
    for where, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += os.lstat(os.path.join(where, name)).st_size
    return total


def _copy(stream: BinaryIO, target: Path, on_progress: Callable[[int], None] | None) -> tuple[str, int]:
    digest = hashlib.sha256()
    size_bytes = 0
    with _translated(target.parent):
        # Unbuffered: a write that fails must fail here, not when the file is closed.
        file = target.open("xb", buffering=0)
    with file:
        while block := stream.read(BLOCK_BYTES):
            digest.update(block)
            size_bytes += len(block)
            with _translated(target.parent):
                _write(file, block)
            if on_progress is not None:
                on_progress(size_bytes)
        with _translated(target.parent):
            os.fsync(file.fileno())
    if size_bytes == 0:
        raise EmptyFile("The file is empty.")
    return digest.hexdigest(), size_bytes


def _write(file: RawIOBase, block: bytes) -> None:
    rest = memoryview(block)
    while rest:
        rest = rest[file.write(rest) :]


def _digest(stream: BinaryIO) -> tuple[str, int]:
    size_bytes = os.fstat(stream.fileno()).st_size
    if size_bytes == 0:
        raise EmptyFile("The file is empty.")
    return hashlib.file_digest(stream, "sha256").hexdigest(), size_bytes


def _is_digest(asset_id: object) -> bool:
    return isinstance(asset_id, str) and _DIGEST.fullmatch(asset_id) is not None


def _check_digest(stream: BinaryIO, asset_id: str) -> None:
    """Raises StorageError unless these are the bytes of that name."""
    if hashlib.file_digest(stream, "sha256").hexdigest() != asset_id:
        raise StorageError("A file in the media store is damaged.", "Upload the video again, or paste its link again.")


def _open_regular(path: Path) -> BinaryIO:
    # Asked before it is opened: opening a named pipe would wait for ever.
    try:
        mode = path.stat().st_mode
    except FileNotFoundError as exc:
        raise InputError(f"There is no file “{path.name}”.", "Check its name and folder.") from exc
    except (OSError, ValueError) as exc:  # too long a name, a null character, a folder that is closed to us
        raise InputError(f"“{path.name[:80]}” cannot be read.", "Check its name, folder and permissions.") from exc
    if stat.S_ISDIR(mode):
        raise InputError(f"“{path.name}” is a folder, not a file.", "Choose one file.")
    if not stat.S_ISREG(mode):
        raise InputError(f"“{path.name}” is not an ordinary file.", "Choose a video or sound file.")
    try:
        return path.open("rb")
    except OSError as exc:
        raise InputError(f"“{path.name}” cannot be read.", "Check the permissions of the file.") from exc


def _make_folder(folder: Path) -> None:
    with _translated(folder):
        folder.mkdir(parents=True, exist_ok=True)


def _flush_folder(folder: Path) -> None:
    """Make a rename last through a power cut, where the system lets a folder be flushed (Windows does not)."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _touched(path: Path) -> float:
    """When a file, or the newest within a folder, was last written: writing does not touch the folder."""
    return max(leaf.lstat().st_mtime for leaf in (path, *path.rglob("*")))


def _note_use(path: Path) -> None:
    """Write down that a file is wanted now, where many systems say when it was read. When it was written stays: by that
    a browser knows a file again."""
    with suppress(OSError):
        os.utime(path, (time.time(), path.stat().st_mtime))


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


def _checked(suffix: str) -> str:
    if not _SUFFIX.fullmatch(suffix):
        raise ValueError(f"a suffix is a dot and letters, not {suffix!r}")
    return suffix


@contextmanager
def _translated(folder: Path) -> Iterator[None]:
    """Turn what the disk says into our words."""
    try:
        yield
    except OSError as exc:
        if exc.errno in _FULL:
            raise DiskFull("The disk has no room for this file.") from exc
        if exc.errno in _READ_ONLY:
            raise FolderReadOnly(f"Nothing can be written to the folder {folder}.") from exc
        raise StorageError(f"The disk refused a file: {exc.strerror}.", "Check the disk, then press Retry.") from exc
