"""The folder in which one link's download grows: halves of earlier tries, and the whole file in the end."""

from __future__ import annotations

import shutil
from pathlib import Path

from lib.errors import DiskFull, DownloadFailed, FolderReadOnly
from lib.ytdlp.failures import storage_error
from lib.ytdlp.formats import Need
from lib.ytdlp.info import Info
from lib.ytdlp.wording import megabytes

WANTED_FILE = "wanted.json"


def stem_of(need: Need) -> str:
    """The file's name without its ending, and of our own making.

    Ids of other people's making can be long, strange, or an option of some program.
    """
    return "sound" if need.hears_only else f"video-{need.max_height}"


def make_folder(folder: Path) -> None:
    """Raises DiskFull, FolderReadOnly."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise storage_error(exc) or FolderReadOnly(
            f"The folder for the download cannot be made: {exc.strerror}."
        ) from exc


def keep_only(identity: str, need: Need, folder: Path) -> None:
    """Throw away halves of anything but the file of that identity, and note it down for the next try.

    Raises DiskFull, FolderReadOnly, DownloadFailed.
    """
    record = folder / WANTED_FILE
    try:
        if not record.exists() or record.read_text("utf-8") != identity:
            for old in folder.glob(f"{stem_of(need)}.*"):
                old.unlink()
            record.write_text(identity, "utf-8")
    except OSError as exc:
        raise storage_error(exc) or DownloadFailed("The download folder cannot be used.") from exc


def throw_halves_away(need: Need, folder: Path) -> None:
    for half in folder.glob(f"{stem_of(need)}.*.part"):
        half.unlink()


def check_room(size_bytes: int | None, *, is_joined: bool, folder: Path) -> None:
    """Raises DiskFull where a download of that size cannot end well."""
    try:
        free = shutil.disk_usage(folder).free
    except OSError as exc:
        raise storage_error(exc) or DownloadFailed("The download folder cannot be used.") from exc
    if size_bytes and free < size_bytes * (2 if is_joined else 1):  # joining writes everything once more
        raise DiskFull(f"The download needs {megabytes(size_bytes)} and the disk has {megabytes(free)} left.")


def whole_file(info: Info | None, folder: Path) -> Path:
    """The file that yt-dlp says it made. Raises DownloadFailed when that is not there, empty, or elsewhere."""
    done = ((info or {}).get("requested_downloads") or [{}])[0]
    path = Path(done["filepath"]) if done.get("filepath") else None
    if path is None or not path.is_file() or not path.stat().st_size or path.resolve().parent != folder.resolve():
        raise DownloadFailed("The download gave no file.")
    return path


def check_whole(path: Path, announced_bytes: int | None) -> None:
    """A file just transferred has the size that the server announced. Raises DownloadFailed and removes it if not.

    yt-dlp checks what one answer announced; this is the size of the whole, which a resumed half must reach too.
    """
    if not path.exists() or Path(f"{path}.part").exists():
        raise DownloadFailed("The download is not whole.")
    size = path.stat().st_size
    if announced_bytes and announced_bytes != size:
        path.unlink()
        raise DownloadFailed(f"The download has {size:,} bytes where the server announced {announced_bytes:,}.")
