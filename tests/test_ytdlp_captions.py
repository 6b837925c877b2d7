"""Captions behind links: who made them, and fetching them, on pages and manifests of a real server on loopback."""

from __future__ import annotations

import os

import imageio_ffmpeg
import pytest

from lib import errors
from lib.domain.captions import CaptionKind, CaptionTrack
from lib.formats import read_captions
from lib.ytdlp import LinkDoor
from lib.ytdlp import door as door_module
from lib.ytdlp.captions import file_of, tracks_of
from tests.fakes.media_server import Answer, MediaServer, captioned_page, feed, hls_playlist, page

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
TEN_KB = os.urandom(10_000)
VTT = "WEBVTT\n\n00:01.000 --> 00:02.500\n<v Anna>Hello, <i>world</i>.\n\n00:03.000 --> 00:04.000\n你好。\n"
SRT = "1\n00:00:01,000 --> 00:00:02,500\nHallo, Welt.\n"
ENGLISH = CaptionTrack(CaptionKind.HUMAN, "en")
GERMAN = CaptionTrack(CaptionKind.HUMAN, "de")


@pytest.fixture
def server():
    with MediaServer() as server:
        server.put("/talk.mp4", Answer(TEN_KB, "video/mp4"))
        server.put("/en.vtt", Answer(VTT.encode(), "text/vtt"))
        server.put("/de.srt", Answer(SRT.encode(), "application/x-subrip"))
        yield server


@pytest.fixture
def door() -> LinkDoor:
    return LinkDoor(FFMPEG, allow_private=True, retry_seconds=0)


@pytest.fixture
def talk(server) -> str:
    """A page whose player has captions in two languages."""
    return server.put("/talk", captioned_page("A talk", "/talk.mp4", {"en": "/en.vtt", "de": "/de.srt"}))


def test_the_look_up_says_which_captions_there_are(door, server, talk):
    """With the look-up itself: no file of captions is fetched for it."""
    assert door.look_up(talk).captions == (ENGLISH, GERMAN)
    assert door.look_up(server.url("/talk.mp4")).captions == ()
    assert not [request for request in server.requests if request.path.endswith(("vtt", "srt"))]


def test_captions_are_fetched_alone(door, server, talk, tmp_path):
    """In the language that is asked for and with its kind, and nothing of the video."""
    assert door.captions(talk, ENGLISH, tmp_path) == (VTT, "vtt")
    assert door.captions(talk, GERMAN, tmp_path) == (SRT, "srt")
    assert not [request for request in server.requests if request.path == "/talk.mp4" and request.method == "GET"]


def test_a_link_without_an_ending_is_captions_all_the_same(door, server, tmp_path):
    """What is behind it tells what it is."""
    server.put("/captions", Answer(SRT.encode(), "text/plain"))
    url = server.put("/talk", captioned_page("A talk", "/talk.mp4", {"de": "/captions?id=7"}))
    assert door.look_up(url).captions == (GERMAN,)
    assert read_captions(*door.captions(url, GERMAN, tmp_path))[0].text == "Hallo, Welt."


def test_what_a_machine_made_is_not_passed_for_human(door, server):
    """A site that mixes them says so in the key or in the name only; those by people come first."""
    url = server.put(
        "/mixed", captioned_page("A talk", "/talk.mp4", {"en-x-autogen": "/auto.vtt", "fr": "/fr.vtt", "x y": "/x.vtt"})
    )
    assert door.look_up(url).captions == (
        CaptionTrack(CaptionKind.HUMAN, "fr"),
        CaptionTrack(CaptionKind.HUMAN, "x y"),
        CaptionTrack(CaptionKind.AUTOMATIC, "en"),
    )
    script = (
        "<script>var player = videojs('v'); player.src({src: '/talk.mp4', type: 'video/mp4'});"
        "player.addRemoteTextTrack({src: '/auto.vtt', srclang: 'en', label: 'English (auto-generated)'}, false);"
        "player.addRemoteTextTrack({src: '/en.vtt', srclang: 'en-GB', label: 'British'}, false);</script>"
    )
    url = server.put("/script", page(f"<html><head><title>T</title></head><body>{script}</body></html>"))
    found = door.look_up(url).captions
    assert found == (
        CaptionTrack(CaptionKind.HUMAN, "en-GB", "British"),
        CaptionTrack(CaptionKind.AUTOMATIC, "en", "English (auto-generated)"),
    )
    assert [track.model_id for track in found] == ["captions/human:en-GB", "captions/automatic:en"]


def test_captions_of_a_stream_are_put_together(door, server, tmp_path):
    """A manifest with a group of captions in pieces: one WebVTT file with every cue once."""
    server.put("/video.m3u8", hls_playlist("#EXT-X-TARGETDURATION:4", "#EXTINF:4,", "/v.ts", "#EXT-X-ENDLIST"))
    server.put("/v.ts", Answer(TEN_KB, "video/mp2t"))
    pieces = ("#EXTINF:2,", "/1.vtt", "#EXTINF:2,", "/2.vtt")
    server.put("/captions.m3u8", hls_playlist("#EXT-X-TARGETDURATION:2", *pieces, "#EXT-X-ENDLIST"))
    stamp = "WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000\n\n"
    server.put("/1.vtt", Answer(f"{stamp}00:00:01.000 --> 00:00:02.500\nOne two\n".encode(), "text/vtt"))
    across = "00:00:01.000 --> 00:00:02.500\nOne two\n\n00:00:03.000 --> 00:00:04.000\nthree\n"
    server.put("/2.vtt", Answer(f"{stamp}{across}".encode(), "text/vtt"))
    group = '#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="s",NAME="English",LANGUAGE="en",URI="/captions.m3u8"'
    stream = '#EXT-X-STREAM-INF:BANDWIDTH=100000,RESOLUTION=320x180,CODECS="avc1.4d401f,mp4a.40.2",SUBTITLES="s"'
    url = server.put("/master.m3u8", hls_playlist(group, stream, "/video.m3u8"))
    (track,) = door.look_up(url).captions
    assert (track.kind, track.language, track.language_words) == (CaptionKind.HUMAN, "en", "English")
    text, kind = door.captions(url, track, tmp_path)
    assert kind == "vtt"
    assert [(cue.start, cue.text) for cue in read_captions(text, kind)] == [(1.0, "One two"), (3.0, "three")]


def test_captions_that_are_gone_are_told(door, server, talk, tmp_path):
    """A language that is not there, a file that is not, an empty one, and one without an end."""
    with pytest.raises(errors.NothingThere, match="no longer"):
        door.captions(talk, CaptionTrack(CaptionKind.HUMAN, "fi"), tmp_path)
    with pytest.raises(errors.NothingThere, match="no longer"):
        door.captions(talk, CaptionTrack(CaptionKind.AUTOMATIC, "en"), tmp_path)
    server.put("/en.vtt", Answer(status=404))
    with pytest.raises(errors.NothingThere, match="404"):
        door.captions(talk, ENGLISH, tmp_path)
    server.put("/en.vtt", Answer(b"", "text/vtt"))
    with pytest.raises(errors.LinkError):
        door.captions(talk, ENGLISH, tmp_path)
    items = [("A", server.url("/a.mp4"), "1:00"), ("B", server.url("/b.mp4"), "1:00")]
    with pytest.raises(errors.NothingThere):
        door.captions(server.put("/feed.rss", feed("Podcast", items)), ENGLISH, tmp_path)


def test_captions_without_end_are_not_fetched_to_the_end(door, server, talk, tmp_path, monkeypatch):
    """A limit that no honest file reaches."""
    monkeypatch.setattr(door_module, "CAPTIONS_BYTES", 100_000)
    server.put("/en.vtt", Answer(VTT.encode() * 100, "text/vtt", endless=True))
    with pytest.raises(errors.LinkTooLarge):
        door.captions(talk, ENGLISH, tmp_path)


def test_captions_pass_the_guard(server, tmp_path):
    """A page on the net may not name a file of captions on the user's own network."""
    url = server.put("/talk", captioned_page("A talk", "/talk.mp4", {"en": "/en.vtt"}))
    with pytest.raises(errors.PrivateAddress):
        LinkDoor(FFMPEG).captions(url, ENGLISH, tmp_path)


def test_youtube_names_the_machines_own_language_among_its_translations():
    """Only what was heard counts, not the hundred translations of it; chats and formats of its own are no captions."""

    def files(language: str, **query: str) -> list[dict]:
        tail = "".join(f"&{name}={value}" for name, value in query.items())
        return [
            {"ext": ext, "url": f"https://www.youtube.com/api/timedtext?lang={language}&fmt={ext}{tail}"}
            for ext in ("json3", "srv1", "srv2", "srv3", "ttml", "vtt")
        ]

    info = {
        "subtitles": {
            "pt-BR": [{"name": "Portuguese (Brazil)", **file} for file in files("pt-BR")],
            "live_chat": [{"ext": "json", "url": "https://www.youtube.com/live_chat"}],
        },
        "automatic_captions": {
            "en-orig": [{"name": "English (Original)", **file} for file in files("en")],
            "en": files("en"),
            "de": files("en", tlang="de"),
        },
    }
    human, automatic = tracks_of(info)
    assert (human.kind, human.language_words, human.language_code) == (CaptionKind.HUMAN, "Portuguese (BR)", "pt")
    assert (automatic.kind, automatic.language) == (CaptionKind.AUTOMATIC, "en")
    assert file_of(info, automatic)["url"].endswith("lang=en&fmt=vtt")
    assert file_of(info, human)["ext"] == "vtt"
    del info["automatic_captions"]["en-orig"]
    assert [track.language for track in tracks_of(info)] == ["pt-BR", "en"]
