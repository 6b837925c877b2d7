"""The store of media files."""

from __future__ import annotations

import hashlib
import io
import os
import resource
import threading
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from lib.errors import Cancelled, DiskFull, EmptyFile, FolderReadOnly, InputError
from lib.files import BLOCK_BYTES, MediaFiles

WORDS = b"It was the best of times, it was the worst of times. "


@pytest.fixture
def files(tmp_path) -> MediaFiles:
    return MediaFiles(tmp_path / "data")


def everything_under(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_nothing_is_created_before_the_first_write(files):
    """Looking, sweeping and asking for places leave the disk as it was."""
    files.sweep()
    assert files.path("0" * 64) is None
    files.rendition_path("0" * 64, ".mp4")
    assert not files.data_dir.exists()


def test_a_file_is_named_by_the_hash_of_its_bytes(files):
    asset_id, size_bytes = files.keep(io.BytesIO(WORDS))
    assert (asset_id, size_bytes) == (hashlib.sha256(WORDS).hexdigest(), len(WORDS))
    assert files.path(asset_id).read_bytes() == WORDS


def test_the_same_bytes_are_kept_once(files):
    assert files.keep(io.BytesIO(WORDS)) == files.keep(io.BytesIO(WORDS))
    assert len(everything_under(files.data_dir)) == 1


def test_many_threads_may_keep_the_same_bytes_at_once(files):
    """Two tabs with one upload: both get the id, the file is whole, nothing is left in between."""
    kept = []
    content = WORDS * 50_000
    threads = [threading.Thread(target=lambda: kept.append(files.keep(io.BytesIO(content)))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(kept) == 6
    assert len(set(kept)) == 1
    assert files.path(kept[0][0]).read_bytes() == content
    assert len(everything_under(files.data_dir)) == 1


def test_a_stream_is_read_in_blocks_and_says_how_far_it_is(files):
    """An upload of any size passes through one megabyte of memory."""

    class Watched(io.BytesIO):
        largest = 0

        def read(self, size=-1):
            self.largest = max(self.largest, size)
            assert size > 0
            return super().read(size)

    seen = []
    stream = Watched(b"x" * (2 * BLOCK_BYTES + 5))
    files.keep(stream, on_progress=seen.append)
    assert stream.largest == BLOCK_BYTES
    assert seen == [BLOCK_BYTES, 2 * BLOCK_BYTES, 2 * BLOCK_BYTES + 5]


def test_an_empty_file_is_refused(files, tmp_path):
    with pytest.raises(EmptyFile):
        files.keep(io.BytesIO(b""))
    (tmp_path / "empty.mp4").touch()
    for move in (False, True):
        with pytest.raises(EmptyFile):
            files.keep_file(tmp_path / "empty.mp4", move=move)
    assert everything_under(files.data_dir) == []


def test_a_cancelled_copy_leaves_nothing(files):
    def cancel(_: int) -> None:
        raise Cancelled("The run was cancelled.")

    with pytest.raises(Cancelled):
        files.keep(io.BytesIO(WORDS), on_progress=cancel)
    assert everything_under(files.data_dir) == []


def test_a_source_that_breaks_is_not_blamed_on_our_disk(files):
    """What reading raises comes through as it is, and nothing half remains."""

    class Broken(io.BytesIO):
        def read(self, size=-1):
            raise ConnectionResetError("the browser went away")

    with pytest.raises(ConnectionResetError):
        files.keep(Broken())
    assert everything_under(files.data_dir) == []


@contextmanager
def no_file_longer_than(size_bytes: int):
    """Let the system refuse longer files, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_said_in_words_and_leaves_nothing(files):
    with no_file_longer_than(BLOCK_BYTES), pytest.raises(DiskFull):
        files.keep(io.BytesIO(b"x" * (3 * BLOCK_BYTES)))
    assert everything_under(files.data_dir) == []


@contextmanager
def as_somebody_else():
    """Give up root's right to write everywhere, where the tests run as root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_folder_that_cannot_be_written_is_said_in_words(files):
    files.data_dir.mkdir()
    files.data_dir.chmod(0o500)
    with as_somebody_else(), pytest.raises(FolderReadOnly, match="data"):
        files.keep(io.BytesIO(WORDS))


def test_a_data_folder_that_is_a_file_is_said_in_words(tmp_path):
    (tmp_path / "data").write_text("not a folder")
    with pytest.raises(FolderReadOnly):
        MediaFiles(tmp_path / "data").keep(io.BytesIO(WORDS))


@pytest.mark.parametrize(
    "name",
    ["plain.mp4", "-i.mp4", "two\nlines.mp4", 'it\'s "quoted".mp4', "🎬 ü.mp4", "%d %s $(x).mp4", "n" * 255],
)
@pytest.mark.parametrize("move", [False, True])
def test_files_of_any_name_are_kept(files, tmp_path, name, move):
    path = tmp_path / name
    path.write_bytes(WORDS)
    asset_id, size_bytes = files.keep_file(path, move=move)
    assert files.path(asset_id).read_bytes() == WORDS
    assert size_bytes == len(WORDS)
    assert path.exists() is not move


def test_a_link_is_copied_not_moved_into_the_store(files, tmp_path):
    """A symbolic link in the store would point at bytes that can change."""
    (tmp_path / "real").write_bytes(WORDS)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    asset_id, _ = files.keep_file(tmp_path / "link", move=True)
    assert not files.path(asset_id).is_symlink()
    assert (tmp_path / "real").read_bytes() == WORDS


def test_what_is_no_ordinary_file_is_refused_at_once(files, tmp_path):
    """A folder, names with nothing behind them, and a pipe that would be waited for for ever."""
    os.mkfifo(tmp_path / "pipe")
    for name in ("", "missing.mp4", "pipe", "n" * 300 + ".mp4", "null\0.mp4"):
        with pytest.raises(InputError):
            files.keep_file(tmp_path / name)


@pytest.mark.parametrize(
    "name", ["", "..", "../" * 20 + "etc/passwd", "A" * 64, "a" * 63, "a" * 65, "a" * 64 + "\n", "é" * 64, None, 7]
)
def test_only_a_hash_names_an_asset(files, name):
    """Whatever a request asks for, no other file is reached."""
    files.keep(io.BytesIO(WORDS))
    assert files.path(name) is None


def test_a_rendition_is_put_in_its_place_whole(files):
    with files.temporary(".mp4") as temporary:
        temporary.write_bytes(WORDS)
        path = files.keep_rendition(temporary, "a" * 64, ".mp4")
    assert path == files.rendition_path("a" * 64, ".mp4")
    assert path.read_bytes() == WORDS
    assert path.suffix == ".mp4"


@pytest.mark.parametrize(("name", "suffix"), [("../x", ".mp4"), ("a" * 64, "/../../x"), ("a" * 64, "mp4")])
def test_a_rendition_has_no_other_place(files, name, suffix):
    with pytest.raises(ValueError):
        files.rendition_path(name, suffix)


def test_a_temporary_name_is_unique_and_gone_afterwards(files):
    """With it go the files that tools put beside it, even after a failure."""
    with files.temporary(".mp4") as first, files.temporary(".mp4") as second:
        assert first != second
        second.write_bytes(b"other")
        with suppress(RuntimeError), files.temporary(".mp4") as third:
            third.write_bytes(b"x")
            third.with_suffix(".mp4.part").write_bytes(b"x")
            third.with_suffix("").mkdir()
            raise RuntimeError("the tool broke")
        assert everything_under(files.data_dir) == [second]
    assert everything_under(files.data_dir) == []


def test_a_sweep_removes_what_a_crash_left_and_no_more(files):
    with files.temporary(".mp4") as fresh, files.temporary(".mp4") as stale:
        fresh.write_bytes(b"x")
        stale.write_bytes(b"x")
        os.utime(stale, (1, 1))
        files.sweep(older_than=60)
        assert fresh.exists()
        assert not stale.exists()


def test_a_folder_being_written_into_is_not_swept(files):
    """A slow download: its folder is old, the file growing in it is not."""
    with files.temporary() as folder:
        folder.mkdir()
        (folder / "video.part").write_bytes(b"x")
        os.utime(folder, (1, 1))
        files.sweep(older_than=60)
        assert (folder / "video.part").exists()
        os.utime(folder / "video.part", (1, 1))
        os.utime(folder, (1, 1))
        files.sweep(older_than=60)
        assert not folder.exists()
