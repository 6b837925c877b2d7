"""Running ffmpeg: its progress, its end when we end, and its failures in words."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import imageio_ffmpeg
import pytest

from lib.domain.excerpt import Excerpt
from lib.errors import Cancelled, DiskFull, MediaError
from lib.media.encode import encode_audio, encode_video
from lib.media.ffmpeg import ffmpeg_path, file_url, run_ffmpeg
from tests.media_fixtures import (  # noqa: F401 (fixtures are asked for by their names)
    H264,
    LIMIT,
    SOUND,
    children,
    four_seconds,
    look,
    text,
)

ENDLESS = ["-f", "lavfi", "-i", "testsrc=size=640x360:rate=25", "-c:v", "libx264", "-f", "null", "-"]


def test_a_trial_that_is_killed_does_not_count_for_ever(monkeypatch):
    """imageio-ffmpeg tries its binary out once: killed in that moment by the system, it is there all the same."""

    def find_none() -> str:
        raise RuntimeError("No ffmpeg exe could be found.")

    monkeypatch.setattr(imageio_ffmpeg, "get_ffmpeg_exe", find_none)
    assert b"ffmpeg version" in subprocess.check_output([ffmpeg_path.__wrapped__(), "-version"])


def test_progress_grows_from_nothing_to_all(tmp_path):
    shares = []
    make_long = ["-f", "lavfi", "-i", "testsrc=size=1280x720:rate=25:duration=20", *H264]
    run_ffmpeg([*make_long, file_url(tmp_path / "x.mp4")], duration=20, on_progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert 0 <= shares[0] < 1


def test_a_cancel_ends_ffmpeg_at_once():
    before = children()

    def cancel(_: float) -> None:
        assert children() - before
        raise Cancelled("The run was cancelled.")

    begun = time.monotonic()
    with pytest.raises(Cancelled):
        run_ffmpeg(ENDLESS, duration=1000, on_progress=cancel)
    assert time.monotonic() - begun < 5
    assert children() == before
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ffmpeg-")]


def test_a_cancel_is_heard_while_ffmpeg_waits(tmp_path):
    """A pipe that nobody writes to: ffmpeg reports nothing, and the Cancel comes through all the same."""
    os.mkfifo(tmp_path / "pipe")

    def cancel(_: float) -> None:
        raise Cancelled("The run was cancelled.")

    with pytest.raises(Cancelled):
        run_ffmpeg(["-i", file_url(tmp_path / "pipe"), "-f", "null", "-"], duration=1, on_progress=cancel)


@pytest.mark.parametrize("in_a_thread", [False, True])
def test_ffmpeg_ends_when_its_parent_is_killed(tmp_path, in_a_thread):
    """kill -9 leaves no orphan that goes on writing, whichever thread had started it."""
    script = textwrap.dedent(f"""
        import threading, time
        from lib.media.ffmpeg import run_ffmpeg

        def run():
            run_ffmpeg({ENDLESS!r}, duration=1000, on_progress=lambda share: print("running", flush=True))

        if {in_a_thread}:
            threading.Thread(target=run).start()
            time.sleep(1000)
        run()
    """)
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, cwd=Path(__file__).parent.parent, stdout=subprocess.PIPE) as parent:
        parent.stdout.readline()
        tasks = Path(f"/proc/{parent.pid}/task").iterdir()
        (child,) = {pid for task in tasks for pid in (task / "children").read_text().split()}
        assert "ffmpeg" in Path(f"/proc/{child}/cmdline").read_text().split("\0")[0]
        parent.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 5
    while is_running(child) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not is_running(child)


def is_running(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_full_disk_is_said_in_words():
    with pytest.raises(DiskFull):
        run_ffmpeg([*SOUND, "-f", "mp3", file_url(Path("/dev/full"))], duration=4)


def test_what_ffmpeg_cannot_do_is_a_sentence_not_its_log(tmp_path):
    path = tmp_path / "text.mp4"
    text(path)
    with pytest.raises(MediaError) as caught:
        run_ffmpeg(["-i", file_url(path), "-f", "null", "-"], duration=1)
    assert "text.mp4" not in str(caught.value)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/x.mp4", "tcp://127.0.0.1:9", "concat:/etc/passwd|/etc/hosts"])
def test_ffmpeg_opens_files_and_nothing_else(address):
    """Every input is locked to files, even where an address would slip in."""
    with pytest.raises(MediaError):
        run_ffmpeg(["-i", address, "-f", "null", "-"], duration=1)


@pytest.mark.parametrize(
    "name",
    ["-i", "-y.mp4", "two\nlines.mp4", 'it\'s "quoted".mp4', "🎬 ünï.mp4", "a:b|c.mp4", "%03d.mp4", "$(x);*.mp4"],
)
def test_files_of_any_name_are_read_and_written(tmp_path, monkeypatch, video, name):
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes(video.read_bytes())
    (tmp_path / "made").mkdir()
    target = Path("made") / name
    asset = look(Path(name))
    assert (
        encode_video(Path(name), target, excerpt=Excerpt.of(0, 4), asset=asset, limit_bytes=LIMIT)
        == target.stat().st_size
    )
    assert (
        encode_audio(Path(name), target, excerpt=Excerpt.of(0, 4), asset=asset, limit_bytes=LIMIT)
        == target.stat().st_size
    )
