"""Disks that fill, for real: a small filesystem where one may be mounted, everywhere a limit on a process's files."""

from __future__ import annotations

import functools
import os
import resource
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

MEGABYTE = 1_000_000


class LimitedFiles:
    """No file that a process writes may grow beyond a size: the system refuses more, as it does for a quota.

    Processes that it starts meanwhile are limited as well.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "data"
        self._limited: list[int] = []

    def fill(self, process: int, *, leaving: int) -> None:
        """From now on ``leaving`` bytes are all that a file of this process may have."""
        _, hard = resource.prlimit(process, resource.RLIMIT_FSIZE)
        resource.prlimit(process, resource.RLIMIT_FSIZE, (leaving, hard))
        self._limited.append(process)

    def clear(self) -> None:
        """There is room again."""
        while self._limited:
            process = self._limited.pop()
            with suppress(ProcessLookupError):
                _, hard = resource.prlimit(process, resource.RLIMIT_FSIZE)
                resource.prlimit(process, resource.RLIMIT_FSIZE, (hard, hard))


class SmallFilesystem:
    """A filesystem of 96 MB in memory, filled by a file that is none of ours."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "data"
        self._ballast = folder / "ballast"

    def fill(self, process: int, *, leaving: int) -> None:
        """From now on ``leaving`` bytes are free, to every process."""
        with self._ballast.open("wb", buffering=0) as file, suppress(OSError):
            # Again and again: others write and remove files meanwhile.
            while (more := self._free_bytes() - leaving) > 0:
                file.write(bytes(min(more, MEGABYTE)))

    def _free_bytes(self) -> int:
        disk = os.statvfs(self._ballast.parent)
        return disk.f_bavail * disk.f_frsize

    def clear(self) -> None:
        """There is room again."""
        self._ballast.unlink(missing_ok=True)


@functools.cache
def kinds() -> tuple[str, ...]:
    """The kinds of disks that can be had here: to mount one takes rights that not everybody has."""
    with tempfile.TemporaryDirectory() as folder:
        if not _mount(Path(folder)):
            return ("limit",)
        _unmount(Path(folder))
        return ("limit", "filesystem")


@contextmanager
def small_disk(kind: str, folder: Path) -> Iterator[LimitedFiles | SmallFilesystem]:
    """A disk of one of the ``kinds``, with room until it is told to fill. Its ``folder`` is for our data."""
    if kind == "limit":
        disk = LimitedFiles(folder)
        yield disk
        disk.clear()
        return
    assert _mount(folder)
    try:
        yield SmallFilesystem(folder)
    finally:
        _unmount(folder)


def _mount(folder: Path) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", "size=96m", "cuewise-test", str(folder)]
    with suppress(OSError):
        return subprocess.run(command, capture_output=True).returncode == 0
    return False


def _unmount(folder: Path) -> None:
    # Lazily: whoever still has a file open there keeps it until it closes.
    subprocess.run(["umount", "-l", str(folder)], check=True, capture_output=True)
