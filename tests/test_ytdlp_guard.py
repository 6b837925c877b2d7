"""Links: no connection is made for one that the guard has not judged."""

from __future__ import annotations

import os

import imageio_ffmpeg
import pytest

from lib import errors
from lib.addresses import AddressGuard
from lib.ytdlp import LinkDoor
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
