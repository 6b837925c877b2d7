"""Links: no connection is made for one that the guard has not judged."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from contextlib import suppress
from pathlib import Path

import imageio_ffmpeg
import pytest

from lib import errors
from lib.addresses import AddressGuard
from lib.ytdlp import LinkDoor
from tests import media_bombs
from tests.fakes.media_server import (
    Answer,
    MediaServer,
    page,
    redirect,
    video_page,
)

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
TEN_KB = os.urandom(10_000)


@pytest.fixture
def server():
    with MediaServer() as server:
        yield server


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


def dash(start: str, piece: str) -> Answer:
    """A manifest of DASH whose beginning (its init segment) and whose piece lie at these addresses."""
    listed = f'<Initialization sourceURL="{start}"/><SegmentURL media="{piece}"/>'
    pieces = f'<SegmentList duration="1">{listed}</SegmentList>'
    shape = f'<Representation id="1" bandwidth="9" width="64" height="64" codecs="avc1">{pieces}</Representation>'
    body = f'<Period><AdaptationSet mimeType="video/mp4">{shape}</AdaptationSet></Period>'
    head = '<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT1S">'
    return Answer(f"{head}{body}</MPD>".encode(), "application/dash+xml")


def hls(*lines: str) -> Answer:
    text = "\n".join(("#EXTM3U", "#EXT-X-TARGETDURATION:1", *lines, "#EXT-X-ENDLIST", ""))
    return Answer(text.encode(), "application/vnd.apple.mpegurl")


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
        hls(f'#EXT-X-MAP:URI="{INSIDE}"', "#EXTINF:1,", "/a"),
        hls("#EXTINF:1,", "/away"),
        dash(INSIDE, "/a"),
        dash("/a", INSIDE),
        dash("/a", "/away"),
    ],
    ids=[
        *("redirect", "redirect 307", "player", "refresh", "stream piece", "stream key", "stream variant"),
        *("stream beginning", "stream piece redirected", "DASH beginning", "DASH piece", "DASH piece redirected"),
    ],
)
def test_a_public_page_cannot_lead_inside(server, half_open, tmp_path, answer):
    """A redirect, a player, a piece of a stream, its key: every connection is judged, not the link alone."""
    server.put("/a", Answer(TEN_KB))
    server.put("/away", redirect(INSIDE))
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


def test_pictures_and_captions_cannot_lead_inside(server, half_open):
    """The small picture beside a title is fetched here, so its address is judged like any other."""
    assert half_open.picture(INSIDE) is None
    assert half_open.picture(server.put("/picture", redirect(INSIDE))) is None


@pytest.mark.parametrize("scheme", ["file:///etc/passwd", "ftp://127.0.0.1/a.mp4", "data:video/mp4;base64,AAAA"])
def test_a_page_cannot_name_what_is_not_http(server, half_open, tmp_path, scheme):
    """A player and a piece of a stream that name a file of this machine, or another protocol."""
    for answer in (video_page("A talk", scheme), hls("#EXTINF:1,", scheme), redirect(scheme)):
        folder = tmp_path / str(len(server.requests))
        with suppress(errors.CuewiseError):  # what data: says is the page's own
            half_open.download(server.put("/it", answer), folder)
        assert not [each for each in folder.rglob("*") if each.is_file() and b"root:" in each.read_bytes()]


def test_a_server_that_dribbles_is_given_up(server, tmp_path):
    """It is never silent for long, and never done: the call ends when its time is over, at the look-up and at the
    download."""
    url = server.put("/a.mp4", Answer(TEN_KB * 4, "video/mp4", endless=True, block_wait=0.2, ranges=False))
    slow_page = server.put("/page", Answer(b"<html>" * 3000, "text/html", endless=True, block_wait=0.2))
    door = LinkDoor(FFMPEG, allow_private=True, retry_seconds=0, patience_seconds=3, look_up_seconds=2)
    for act in (lambda: door.look_up(slow_page), lambda: door.download(url, tmp_path)):
        begun = time.monotonic()
        with pytest.raises(errors.LinkTooSlow):
            act()
        assert time.monotonic() - begun < 15


def test_a_piece_of_a_stream_without_end_is_not_taken_into_memory(server, tmp_path, monkeypatch):
    """yt-dlp reads each piece whole before it appends it."""
    monkeypatch.setattr("lib.ytdlp.meter.PIECE_BYTES", 5_000_000)
    server.put("/endless", Answer(os.urandom(1 << 20), endless=True))
    url = server.put("/s.m3u8", hls("#EXTINF:1,", "/endless"))
    with pytest.raises(errors.LinkTooLarge, match="piece"):
        LinkDoor(FFMPEG, allow_private=True, retry_seconds=0).download(url, tmp_path)


def test_a_manifest_that_unfolds_without_end_is_refused(server, half_open):
    """Entities within entities, a billion of them: the parser stops."""
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f'<?xml version="1.0"?><!DOCTYPE MPD [<!ENTITY e0 "aaaaaaaaaa">{entities}]><MPD>&e9;</MPD>'
    begun = time.monotonic()
    with pytest.raises(errors.CuewiseError):
        half_open.look_up(server.put("/bomb.mpd", Answer(bomb.encode(), "application/dash+xml")))
    assert time.monotonic() - begun < 20


@pytest.mark.parametrize("write", media_bombs.LEADING_ELSEWHERE)
def test_ffmpeg_as_yt_dlp_runs_it_opens_media_only(tmp_path, write):
    """Joining and repairing what was downloaded: a list that calls itself a video is not followed."""
    from yt_dlp.postprocessor.ffmpeg import FFmpegPostProcessor, FFmpegPostProcessorError

    from lib.ytdlp.library import GuardedYoutubeDL
    from lib.ytdlp.patience import Patience

    with MediaServer() as inside, Patience(60) as patience:
        secret = tmp_path / "secret.mp4"
        secret.write_bytes(TEN_KB)
        path = write(tmp_path / "video.mp4", inside.url("").rstrip("/"), secret)
        options = {"ffmpeg_location": FFMPEG, "quiet": True, "cachedir": False}
        with GuardedYoutubeDL(options, guard=AddressGuard(), patience=patience) as ydl:
            tool = FFmpegPostProcessor(ydl)
            assert tool.get_audio_codec(str(path)) is None
            with pytest.raises(FFmpegPostProcessorError):
                tool.run_ffmpeg(str(path), str(tmp_path / "out.mkv"), ["-c", "copy"])
        assert inside.requests == []


def test_nothing_in_the_home_folder_steers_yt_dlp(server, tmp_path):
    """A config, a password, cookies and a plugin lie where yt-dlp looks for them; none is read."""
    home = tmp_path / "home"
    plugins = home / ".config" / "yt-dlp" / "plugins" / "mine" / "yt_dlp_plugins" / "extractor"
    plugins.mkdir(parents=True)
    ran = tmp_path / "ran"
    (plugins / "mine.py").write_text(f"open({str(ran)!r}, 'w').close()\n")
    (home / ".config" / "yt-dlp" / "config").write_text(f"--exec 'touch {ran}'\n--output {tmp_path}/elsewhere\n")
    (home / "yt-dlp.conf").write_text(f"--exec 'touch {ran}'\n")
    (home / ".netrc").write_text("default login ann password secret\n")
    (home / ".netrc").chmod(0o600)
    url = server.put("/a.mp4", Answer(TEN_KB, "video/mp4"))
    script = textwrap.dedent(f"""
        from pathlib import Path
        from lib.ytdlp import LinkDoor
        door = LinkDoor({FFMPEG!r}, allow_private=True)
        print(door.look_up({url!r}).title, door.download({url!r}, Path({str(tmp_path / "got")!r})))
    """)
    environment = {"PATH": os.environ["PATH"], "HOME": str(home)}
    root = Path(__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=root, env=environment, capture_output=True, text=True, check=True
    )
    assert str(tmp_path / "got") in done.stdout
    assert not ran.exists()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("elsewhere")]
    assert not [request for request in server.requests if "Authorization" in request.headers]
