"""Looking into media, and making renditions of it, with real files of every kind."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
import textwrap
import threading
import time
import zipfile
from contextlib import suppress
from pathlib import Path

import av
import pytest

from lib.domain.excerpt import Excerpt
from lib.domain.renditions import estimate_audio_bytes, estimate_video_bytes
from lib.errors import (
    Cancelled,
    DiskFull,
    EmptyFile,
    MediaError,
    MediaTooLong,
    NoDuration,
    NoPicture,
    NoSound,
    NotMedia,
    TruncatedMedia,
    UnknownCodec,
)
from lib.media.encode import encode_audio, encode_video
from lib.media.ffmpeg import file_url, run_ffmpeg
from tests.media_fixtures import (
    CLOCK,
    H264,
    LATE_SOUND,
    LIMIT,
    PICTURE,
    SOUND,
    footage,
    is_whole_mp4,
    look,
    make,
    onset,
    pictures,
    samples,
    shown_times,
    speech,
)


@pytest.fixture(scope="module")
def clips(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("clips")


@pytest.fixture(scope="module")
def video(clips) -> Path:
    """Four seconds with sound, a key frame every second."""
    return make(clips / "video.mp4", *PICTURE, *SOUND, *H264)


@pytest.fixture(scope="module")
def clock(clips) -> Path:
    """Twelve seconds in which picture and sound tell the time; key frames 4 s apart."""
    path = clips / "clock.mp4"
    return make(path, *CLOCK, "-c:v", "libx264", "-qp", "4", "-bf", "2", "-g", "100", "-sc_threshold", "0")


@pytest.fixture(scope="module")
def ten_hours(clips) -> Path:
    """Ten hours of one picture a minute, in some 20 kB."""
    arguments = ("-f", "lavfi", "-i", "color=size=16x16:rate=1/60:duration=36000", "-c:v", "libx264")
    return make(clips / "ten_hours.mp4", *arguments)


# Looking


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
    path = make(tmp_path / f"song.{suffix}", *SOUND, "-i", file_url(cover), *arguments)
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


def text(path: Path) -> None:
    path.write_text("It was the best of times, it was the worst of times. " * 500)


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


def subtitles(path: Path) -> None:
    path.write_text("1\n00:00:01,000 --> 00:00:02,000\nHello.\n\n2\n00:00:03,000 --> 00:00:04,000\nBye.\n")


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


# Running ffmpeg


def children() -> set[str]:
    found = set()
    for task in Path("/proc/self/task").iterdir():
        with suppress(FileNotFoundError):  # a thread that has just ended
            found.update((task / "children").read_text().split())
    return found


ENDLESS = ["-f", "lavfi", "-i", "testsrc=size=640x360:rate=25", "-c:v", "libx264", "-f", "null", "-"]


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


# Renditions


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
@pytest.mark.parametrize(("start", "end"), [(0, 12), (0.3, 3), (2.5, 9.3), (6.9, 12)])
def test_second_zero_of_a_rendition_is_the_start_of_the_clip(tmp_path, clock, suffix, start, end):
    """Each picture is the one shown then, and the beep stays at 7 s, wherever the key frames lie."""
    source = clock
    if suffix != "mp4":
        source = make(tmp_path / f"clock.{suffix}", "-i", file_url(clock), "-c:v", "copy")
    asset = look(source)
    film, sound = tmp_path / "film.mp4", tmp_path / "sound.mp3"
    encode_video(source, film, excerpt=Excerpt.of(start, end), asset=asset, limit_bytes=LIMIT)
    encode_audio(source, sound, excerpt=Excerpt.of(start, end), asset=asset, limit_bytes=LIMIT)
    shown = shown_times(film)
    assert [time for time, _ in shown] == [float(second) for second in range(len(shown))]
    assert len(shown) == -(-(end - start) // 1)
    for second, told in shown:
        assert told == pytest.approx(start + second, abs=0.13)
    if end > 7:
        assert onset(film) == pytest.approx(7 - start, abs=0.03)
        assert onset(sound) == pytest.approx(7 - start, abs=0.03)


def test_a_picture_held_for_a_minute_is_the_one_that_is_seen(tmp_path):
    """A screen recording with a picture a minute: at 90 s it shows the picture of 60 s, not the next one."""
    bright = "color=black:size=64x64:rate=1/60:duration=240,geq=lum='16+T/2':cb=128:cr=128"
    source = make(tmp_path / "slides.mkv", "-f", "lavfi", "-i", bright, "-c:v", "libx264", "-qp", "4")
    target = tmp_path / "out.mp4"
    encode_video(source, target, excerpt=Excerpt.of(90, 93), asset=look(source), limit_bytes=LIMIT)
    assert [round(told * 15 * 2 / 60) for _, told in shown_times(target)] == [1, 1, 1]


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
def test_sound_that_begins_late_stays_late(tmp_path, suffix):
    source = make(tmp_path / f"late.{suffix}", *LATE_SOUND, *H264)
    asset = look(source)
    film, sound = tmp_path / "film.mp4", tmp_path / "sound.mp3"
    for start in (0, 2.5):
        encode_video(source, film, excerpt=Excerpt.of(start, 8), asset=asset, limit_bytes=LIMIT)
        encode_audio(source, sound, excerpt=Excerpt.of(start, 8), asset=asset, limit_bytes=LIMIT)
        assert onset(film) == pytest.approx(5 - start, abs=0.05)
        assert onset(sound) == pytest.approx(5 - start, abs=0.05)


def test_a_clip_before_the_sound_begins_is_silent_and_whole(tmp_path):
    source = make(tmp_path / "late.mp4", *LATE_SOUND, *H264)
    target = tmp_path / "out.mp4"
    encode_video(source, target, excerpt=Excerpt.of(0, 3), asset=look(source), limit_bytes=LIMIT)
    assert abs(samples(target)[0]).max() < 0.01
    assert len(pictures(target)) == 3


@pytest.mark.parametrize(("picture_seconds", "sound_seconds"), [(3, 9), (9, 3)])
def test_a_clip_after_one_stream_has_ended_still_has_both(tmp_path, picture_seconds, sound_seconds):
    """The last picture is held, as players do; the sound is silence."""
    streams = (f"testsrc=size=160x90:rate=25:duration={picture_seconds}", f"sine=duration={sound_seconds}")
    source = make(tmp_path / "uneven.mp4", "-f", "lavfi", "-i", streams[0], "-f", "lavfi", "-i", streams[1], *H264)
    target = tmp_path / "out.mp4"
    encode_video(source, target, excerpt=Excerpt.of(5, 8), asset=look(source), limit_bytes=LIMIT)
    assert len(pictures(target)) == 3
    assert len(samples(target)[0]) > 0
    encode_audio(source, target, excerpt=Excerpt.of(5, 8), asset=look(source), limit_bytes=LIMIT)
    assert len(samples(target)[0]) > 0


def test_a_broadcast_that_changes_size_and_sound_keeps_its_clock(tmp_path):
    """From 160x120 and mono to 320x240 and stereo in the middle."""
    beep = "if(between(t,2,2.2),0.8*sin(2*PI*1000*t),0)"
    halves = []
    for size, layout, rate, offset in (("160x120", "mono", 44100, 0), ("320x240", "stereo", 48000, 3)):
        sound = f"aevalsrc='{beep if offset else 0}':s={rate}:d=3,aformat=channel_layouts={layout}"
        inputs = ("-f", "lavfi", "-i", f"testsrc=size={size}:rate=25:duration=3", "-f", "lavfi", "-i", sound)
        made = make(tmp_path / f"{offset}.ts", *inputs, "-c:a", "ac3", "-output_ts_offset", str(offset))
        halves.append(made.read_bytes())
    source = tmp_path / "broadcast.ts"
    source.write_bytes(b"".join(halves))
    target = tmp_path / "out.mp4"
    encode_video(source, target, excerpt=Excerpt.of(0, 6), asset=look(source), limit_bytes=LIMIT)
    assert len(pictures(target)) == 6
    assert onset(target) == pytest.approx(5, abs=0.1)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ("321x241", (320, 240)),
        ("1x1", (2, 2)),
        ("3x500", (2, 500)),
        ("1920x2", (640, 2)),
        ("1920x1080", (640, 360)),
        ("1080x1920", (360, 640)),
        ("64x48", (64, 48)),
    ],
)
def test_pictures_of_any_size_are_even_and_never_enlarged(tmp_path, size, expected):
    """At most 640 pixels on the longer side."""
    source = make(tmp_path / "x.mkv", "-f", "lavfi", "-i", f"testsrc=size={size}:rate=5:duration=2", "-c:v", "ffv1")
    target = tmp_path / "out.mp4"
    encode_video(source, target, excerpt=Excerpt.of(0, 2), asset=look(source), limit_bytes=LIMIT)
    with av.open(str(target)) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height, stream.pix_fmt) == (*expected, "yuv420p")
    assert len(pictures(target)) == 2


def test_a_rendition_is_what_models_take(tmp_path):
    """H.264 in mp4, a picture a second, mono AAC, the index in front; subtitles and a second sound are left out."""
    caption = tmp_path / "x.srt"
    subtitles(caption)
    inputs = (*PICTURE, *SOUND, "-f", "lavfi", "-i", "anoisesrc=duration=4", "-i", file_url(caption))
    source = make(tmp_path / "x.mkv", *inputs, *(word for n in "0123" for word in ("-map", n)), *H264)
    target = tmp_path / "out.mp4"
    encode_video(source, target, excerpt=Excerpt.of(0, 4), asset=look(source), limit_bytes=LIMIT)
    asset = look(target)
    assert (asset.container, asset.video.codec, asset.video.frame_rate) == ("mp4", "h264", 1.0)
    assert [(stream.codec, stream.channels) for stream in asset.audio] == [("aac", 1)]
    assert is_whole_mp4(target)
    with av.open(str(target)) as container:
        assert len(container.streams) == 2
        assert container.streams.video[0].start_time == 0


def test_a_turned_video_stands_upright_in_its_rendition(tmp_path, video):
    source = make(tmp_path / "turned.mp4", "-display_rotation", "90", "-i", file_url(video), "-c", "copy")
    target = tmp_path / "out.mp4"
    encode_video(source, target, excerpt=Excerpt.of(0, 4), asset=look(source), limit_bytes=LIMIT)
    asset = look(target)
    assert (asset.video.width, asset.video.height, asset.video.rotation) == (180, 320, 0)


def test_variable_frame_rates_keep_their_times(tmp_path):
    """A picture every 40 ms first and every 2 s later, as screen recorders write them."""
    picked = CLOCK[3] + ",select='lt(t,3)+not(mod(n,50))'"
    source = make(tmp_path / "vfr.mp4", "-f", "lavfi", "-i", picked, "-fps_mode", "vfr", "-c:v", "libx264", "-qp", "4")
    target = tmp_path / "out.mp4"
    encode_video(source, target, excerpt=Excerpt.of(1, 10), asset=look(source), limit_bytes=LIMIT)
    told = [time for _, time in shown_times(target)]
    assert told == pytest.approx([1, 2, 2.96, 4, 4, 6, 6, 8, 8], abs=0.13)


def test_a_blink_still_gives_a_picture(tmp_path):
    source = make(tmp_path / "blink.mp4", "-f", "lavfi", "-i", "testsrc=size=64x64:rate=25:duration=0.2", *H264)
    asset = look(source)
    target = tmp_path / "out.mp4"
    encode_video(source, target, excerpt=Excerpt.of(0, asset.duration), asset=asset, limit_bytes=LIMIT)
    assert len(pictures(target)) == 1


def test_what_has_no_sound_is_not_listened_to(tmp_path):
    source = footage("bikes.mp4")
    asset = look(source)
    with pytest.raises(NoSound):
        encode_audio(source, tmp_path / "out.mp3", excerpt=Excerpt.of(0, 10), asset=asset, limit_bytes=LIMIT)
    encode_video(source, tmp_path / "out.mp4", excerpt=Excerpt.of(0, 10), asset=asset, limit_bytes=LIMIT)
    assert not look(tmp_path / "out.mp4").has_sound


@pytest.mark.parametrize("limit_bytes", [300_000, 100_000, 75_000])
def test_a_rendition_fits_the_limit(tmp_path, limit_bytes):
    """Ten seconds that nothing can compress well, down to the floor."""
    inputs = ("-f", "lavfi", "-i", "nullsrc=size=640x360:rate=5:duration=10,geq=lum='random(1)*255':cb=128:cr=128")
    source = make(tmp_path / "noise.mkv", *inputs, "-f", "lavfi", "-i", "anoisesrc=duration=10", "-c:v", "ffv1")
    target = tmp_path / "out.mp4"
    size_bytes = encode_video(source, target, excerpt=Excerpt.of(0, 10), asset=look(source), limit_bytes=limit_bytes)
    assert size_bytes == target.stat().st_size <= limit_bytes
    assert len(pictures(target)) == 10


def test_what_cannot_fit_is_refused_before_any_work(tmp_path, ten_hours):
    begun = time.monotonic()
    with pytest.raises(MediaTooLong, match="600 minutes"):
        encode_video(
            ten_hours, tmp_path / "x.mp4", excerpt=Excerpt.of(0, 36000), asset=look(ten_hours), limit_bytes=LIMIT
        )
    assert time.monotonic() - begun < 2
    source = speech("beckett.wav")
    with pytest.raises(MediaTooLong):
        encode_audio(source, tmp_path / "x.mp3", excerpt=Excerpt.of(0, 9.9), asset=look(source), limit_bytes=20_000)


def test_a_stretch_from_the_end_of_ten_hours_takes_a_moment(tmp_path, ten_hours):
    begun = time.monotonic()
    encode_video(
        ten_hours, tmp_path / "x.mp4", excerpt=Excerpt.of(35000, 35060), asset=look(ten_hours), limit_bytes=LIMIT
    )
    assert len(pictures(tmp_path / "x.mp4")) == 60
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize(("limit_bytes", "bit_rate"), [(LIMIT, 48_000), (50_000, 32_000), (35_000, 24_000)])
def test_sound_takes_the_best_bit_rate_that_fits(tmp_path, limit_bytes, bit_rate):
    """The estimate is right to three kilobytes."""
    source = speech("beckett.wav")
    asset = look(source)
    target = tmp_path / "out.mp3"
    size_bytes = encode_audio(source, target, excerpt=Excerpt.of(0, 9.9), asset=asset, limit_bytes=limit_bytes)
    assert size_bytes <= limit_bytes
    assert size_bytes == pytest.approx(9.9 * bit_rate / 8, rel=0.05)
    assert size_bytes == pytest.approx(estimate_audio_bytes(9.9, limit_bytes), abs=3000)
    assert look(target).audio[0].channels == 1


def test_a_cancelled_rendition_ends_at_once(tmp_path, clock):
    def cancel(share: float) -> None:
        raise Cancelled("The run was cancelled.")

    before = children()
    with pytest.raises(Cancelled):
        encode_video(
            *(clock, tmp_path / "out.mp4"),
            excerpt=Excerpt.of(0, 12),
            asset=look(clock),
            limit_bytes=LIMIT,
            on_progress=cancel,
        )
    assert children() == before


# Estimates


def test_an_estimate_tells_what_a_rendition_takes():
    """Two minutes with speech: 1.9 MB, as measured; without sound less."""
    assert estimate_video_bytes(120, True, LIMIT) == pytest.approx(1_900_000, rel=0.05)
    assert estimate_video_bytes(120, False, LIMIT) < estimate_video_bytes(120, True, LIMIT)
    assert estimate_audio_bytes(600, LIMIT) == pytest.approx(600 * 6000, rel=0.01)


@pytest.mark.parametrize("limit_bytes", [1_000_000, LIMIT, 50_000_000])
@pytest.mark.parametrize("has_sound", [False, True])
def test_an_estimate_never_exceeds_the_limit_and_ends_where_nothing_fits(limit_bytes, has_sound):
    estimates = [estimate_video_bytes(seconds, has_sound, limit_bytes) for seconds in range(1, 40_000, 97)]
    possible = [estimate for estimate in estimates if estimate is not None]
    assert possible == estimates[: len(possible)]
    assert 0 < len(possible) < len(estimates)
    assert all(0 < estimate <= limit_bytes for estimate in possible)


def test_what_is_estimated_to_fit_half_an_hour_fits():
    """14 MB hold some 35 minutes of pictures with sound, and more than an hour of sound alone."""
    assert estimate_video_bytes(35 * 60, True, LIMIT) is not None
    assert estimate_video_bytes(45 * 60, True, LIMIT) is None
    assert estimate_audio_bytes(75 * 60, LIMIT) is not None
    assert estimate_audio_bytes(90 * 60, LIMIT) is None
