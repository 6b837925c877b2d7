"""Looking into media: what is in real files of every kind, whole, damaged or none at all."""

from __future__ import annotations

import struct
import time
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest

from lib.domain.excerpt import Excerpt
from lib.errors import EmptyFile, NoDuration, NoPicture, NotMedia, TruncatedMedia, UnknownCodec
from lib.media.encode import encode_audio, encode_video
from lib.media.ffmpeg import file_url
from tests.media_fixtures import (  # noqa: F401 (fixtures are asked for by their names)
    H264,
    LATE_SOUND,
    LIMIT,
    PICTURE,
    SOUND,
    footage,
    four_seconds,
    hours_of_nothing,
    look,
    make,
    speech,
    subtitles,
    text,
)


@pytest.mark.parametrize(
    ("name", "arguments", "container", "media_type"),
    [
        ("x.mp4", H264, "mp4", "video/mp4"),
        ("x.m4v", ("-f", "mp4", *H264), "mp4", "video/mp4"),
        ("x.mov", H264, "mov", "video/quicktime"),
        ("x.webm", ("-c:v", "libvpx", "-cpu-used", "8", "-b:v", "200k"), "webm", "video/webm"),
        ("x.mkv", H264, "matroska", "video/x-matroska"),
        ("x.avi", (), "avi", "video/x-msvideo"),
        ("x.flv", H264, "flv", "video/x-flv"),
        ("x.ts", H264, "mpegts", "video/mp2t"),
        ("x.mpg", (), "mpeg", "video/mpeg"),
        ("x.wmv", (), "asf", "video/x-ms-wmv"),
    ],
)
def test_a_video_is_known_by_its_content(tmp_path, name, arguments, container, media_type):
    """Its name is taken away first: it may be wrong, and in the store there is none."""
    path = make(tmp_path / name, *PICTURE, *SOUND, *arguments).rename(tmp_path / "nameless")
    asset = look(path)
    assert (asset.container, asset.media_type) == (container, media_type)
    assert asset.duration == pytest.approx(4, abs=0.15)
    assert (asset.video.width, asset.video.height, asset.video.rotation) == (320, 180, 0)
    assert asset.video.frame_rate == pytest.approx(25, abs=0.5)
    assert asset.audio[0].start == pytest.approx(0, abs=0.05)
    assert asset.bit_rate == pytest.approx(path.stat().st_size * 8 / 4, rel=0.05)


@pytest.mark.parametrize(
    ("name", "arguments", "container", "media_type"),
    [
        ("x.mp3", (), "mp3", "audio/mpeg"),
        ("x.mp3", ("-b:a", "24k", "-write_xing", "0"), "mp3", "audio/mpeg"),
        ("x.wav", (), "wav", "audio/wav"),
        ("x.flac", (), "flac", "audio/flac"),
        ("x.ogg", ("-c:a", "libopus"), "ogg", "audio/ogg"),
        ("x.m4a", (), "m4a", "audio/mp4"),
        ("x.aac", (), "aac", "audio/aac"),
        ("x.mka", (), "matroska", "audio/x-matroska"),
        ("x.webm", (), "webm", "audio/webm"),
    ],
)
def test_a_sound_is_known_by_its_content(tmp_path, name, arguments, container, media_type):
    asset = look(make(tmp_path / name, *SOUND, *arguments).rename(tmp_path / "nameless"))
    assert (asset.container, asset.media_type) == (container, media_type)
    assert asset.duration == pytest.approx(4, abs=0.1)
    assert not asset.has_picture
    assert asset.audio[0].channels == 1


def test_real_files_are_read():
    film, voice = look(footage("bigbuckbunny.mp4")), look(speech("beckett.wav"))
    assert (film.video.codec, film.video.width, film.audio[0].codec, film.audio[0].channels) == ("h264", 1280, "aac", 6)
    assert film.duration == pytest.approx(5.31, abs=0.01)
    assert voice.duration == pytest.approx(9.963, abs=0.001)


@pytest.mark.parametrize(("turned", "clockwise"), [("90", 270), ("-90", 90), ("180", 180)])
def test_the_rotation_is_told_in_degrees_clockwise(tmp_path, video, turned, clockwise):
    """A phone films on its side and notes how to turn it; ffmpeg counts the other way."""
    path = make(tmp_path / "turned.mp4", "-display_rotation", turned, "-i", file_url(video), "-c", "copy")
    assert look(path).video.rotation == clockwise


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
@pytest.mark.parametrize(("frames", "spacing"), [("10", 0.4), ("50", 2.0), ("1000", 3.96)])
def test_the_spacing_of_key_frames_is_measured(tmp_path, suffix, frames, spacing):
    """The stretch after the last key frame counts too."""
    path = make(tmp_path / f"keys.{suffix}", *PICTURE, *H264, "-g", frames, "-sc_threshold", "0")
    assert look(path).video.key_frame_spacing == pytest.approx(spacing, abs=0.05)


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
def test_sound_that_begins_late_is_told(tmp_path, suffix):
    asset = look(make(tmp_path / f"late.{suffix}", *LATE_SOUND, *H264))
    assert asset.audio[0].start == pytest.approx(5, abs=0.05)
    assert asset.duration == pytest.approx(8, abs=0.05)


@pytest.mark.parametrize("suffix", ["mp3", "m4a"])
def test_cover_art_is_no_picture(tmp_path, suffix):
    cover = make(tmp_path / "cover.png", *PICTURE, "-frames:v", "1")
    arguments = ("-map", "0", "-map", "1", "-c:v", "copy", "-disposition:v", "attached_pic")
    path = make(tmp_path / f"song.{suffix}", *SOUND, "-f", "png_pipe", "-i", file_url(cover), *arguments)
    asset = look(path)
    assert (asset.container, asset.has_picture, asset.has_sound) == (suffix, False, True)
    with pytest.raises(NoPicture):
        encode_video(path, tmp_path / "out.mp4", excerpt=Excerpt.of(0, 4), asset=asset, limit_bytes=LIMIT)
    assert encode_audio(path, tmp_path / "out.mp3", excerpt=Excerpt.of(0, 4), asset=asset, limit_bytes=LIMIT) > 0


def test_ten_hours_are_looked_into_at_once(ten_hours):
    begun = time.monotonic()
    assert look(ten_hours).duration == 36000
    assert time.monotonic() - begun < 2


def test_a_recording_without_a_header_of_its_length_is_measured(tmp_path):
    """As browsers record: the length is not known when the header is written."""
    path = make(tmp_path / "live.webm", *PICTURE, *SOUND, "-c:v", "libvpx", "-cpu-used", "8", "-live", "1")
    assert look(path).duration == pytest.approx(4, abs=0.1)


@pytest.mark.parametrize("claim", [36_000.0, 0.001, -5.0, 0.0])
def test_a_header_that_lies_about_the_length_is_not_believed(tmp_path, claim):
    content = make(tmp_path / "honest.mkv", *PICTURE, *SOUND, *H264).read_bytes()
    at = content.index(b"\x44\x89\x88") + 3  # the element Duration, a double, in milliseconds
    path = tmp_path / "liar.mkv"
    path.write_bytes(content[:at] + struct.pack(">d", claim * 1000) + content[at + 8 :])
    assert look(path).duration == pytest.approx(4, abs=0.1)


def test_a_crashed_recording_in_fragments_plays_as_far_as_it_goes(tmp_path, video):
    """Recorders write fragments so that a crash loses only the last one."""
    arguments = ("-i", file_url(video), "-c", "copy", "-movflags", "frag_keyframe+empty_moov")
    content = make(tmp_path / "fragments.mp4", *arguments).read_bytes()
    path = tmp_path / "crashed.mp4"
    path.write_bytes(content[: content.rindex(b"mdat") + 9000])
    assert look(path).duration == pytest.approx(4, abs=1)


def test_a_recording_cut_anywhere_plays_or_is_called_truncated(tmp_path, video):
    """Cut within the index of a fragment, some cannot be opened: they are damaged, not something else."""
    arguments = ("-i", file_url(video), "-c", "copy", "-movflags", "frag_keyframe+empty_moov")
    content = make(tmp_path / "fragments.mp4", *arguments).read_bytes()
    path = tmp_path / "crashed.mp4"
    second = content.index(b"moof", content.index(b"moof") + 4) - 4
    for cut in (second, second + 4, second + 10, second + 42, second + 200, second + 1000):
        path.write_bytes(content[:cut])
        with suppress(TruncatedMedia):
            assert look(path).duration == pytest.approx(1, abs=0.2 if cut < second + 200 else 1.1)


@pytest.mark.parametrize("arguments", [(), ("-movflags", "+faststart")])
@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv", "avi"])
def test_a_file_cut_off_is_called_truncated(tmp_path, video, suffix, arguments):
    """With its index at the end it cannot be opened; with its index in front it would seem whole."""
    if suffix in ("mkv", "avi"):
        arguments = ()
    content = make(tmp_path / f"whole.{suffix}", "-i", file_url(video), "-c", "copy", *arguments).read_bytes()
    path = tmp_path / "cut"
    path.write_bytes(content[: len(content) * 2 // 3])
    with pytest.raises(TruncatedMedia):
        look(path)


def text_like_a_box(path: Path) -> None:
    path.write_text("The free world is great. " * 500)


def web_page(path: Path) -> None:
    path.write_text("<!doctype html><html><body><video src='x.mp4'></video></body></html>")


def archive(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("x.txt", "text" * 1000)


def picture(path: Path) -> None:
    make(path.with_suffix(".png"), *PICTURE, "-frames:v", "1").rename(path)


def jpeg(path: Path) -> None:
    make(path.with_suffix(".jpg"), *PICTURE, "-frames:v", "1").rename(path)


def animation(path: Path) -> None:
    make(path.with_suffix(".gif"), *PICTURE, "-frames:v", "3").rename(path)


def noise(path: Path) -> None:
    path.write_bytes(bytes((i * i * 31 + i * 7 + 13) % 251 for i in range(300_000)))


def playlist(path: Path) -> None:
    path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n")


def concat_list(path: Path) -> None:
    path.write_text(f"ffconcat version 1.0\nfile '{footage('bikes.mp4')}'\n")


@pytest.mark.parametrize(
    "write",
    [
        *(text, text_like_a_box, web_page, archive, picture, jpeg, animation, noise),
        *(playlist, concat_list, subtitles),
    ],
)
def test_what_is_no_media_is_refused_whatever_its_name(tmp_path, write):
    """Playlists and lists too: they would bring other files of this machine, or addresses, into play."""
    path = tmp_path / "movie.mp4"
    write(path)
    with pytest.raises(NotMedia):
        look(path)


def test_an_empty_file_is_called_empty(tmp_path):
    (tmp_path / "empty.mp4").touch()
    with pytest.raises(EmptyFile):
        look(tmp_path / "empty.mp4")


def test_a_format_that_nobody_knows_is_told(tmp_path):
    """The pictures' code is replaced by one that does not exist; with sound beside them, the sound remains."""
    silent = make(tmp_path / "silent.mp4", *PICTURE, *H264)
    silent.write_bytes(silent.read_bytes().replace(b"avc1", b"zzzz"))
    with pytest.raises(UnknownCodec):
        look(silent)
    talking = make(tmp_path / "talking.mp4", *PICTURE, *SOUND, *H264)
    talking.write_bytes(talking.read_bytes().replace(b"avc1", b"zzzz"))
    asset = look(talking)
    assert (asset.has_picture, asset.has_sound) == (False, True)


def test_a_file_without_a_single_packet_has_no_duration(tmp_path):
    path = make(tmp_path / "nothing.wav", *SOUND, "-t", "0")
    with pytest.raises(NoDuration):
        look(path)
