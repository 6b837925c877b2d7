"""Making renditions of real files of every kind: on the clip's clock, and small enough."""

from __future__ import annotations

import time

import av
import pytest

from lib.domain.excerpt import Excerpt
from lib.domain.renditions import estimate_audio_bytes, estimate_video_bytes
from lib.errors import Cancelled, MediaTooLong, NoSound
from lib.media.encode import encode_audio, encode_video
from lib.media.ffmpeg import file_url
from tests.media_fixtures import (  # noqa: F401 (fixtures are asked for by their names)
    CLOCK,
    H264,
    LATE_SOUND,
    LIMIT,
    PICTURE,
    SOUND,
    beeping,
    broadcast,
    children,
    clock_of_twelve_seconds,
    footage,
    four_seconds,
    hours_of_nothing,
    is_whole_mp4,
    look,
    make,
    onset,
    pattern,
    pictures,
    repacked,
    samples,
    shown_times,
    speech,
    subtitles,
)


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
@pytest.mark.parametrize(("start", "end"), [(0, 12), (0.3, 3), (2.5, 9.3), (6.9, 12)])
def test_second_zero_of_a_rendition_is_the_start_of_the_clip(tmp_path, clock, suffix, start, end):
    """Each picture is the one shown then, and the beep stays at 7 s, wherever the key frames lie."""
    source = repacked(clock, tmp_path / f"clock.{suffix}")
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
    first = (*pattern("160x120"), *beeping(None, 44100, "mono"), "-c:a", "ac3")
    second = (*pattern("320x240"), *beeping(2.0, 48000, "stereo"), "-c:a", "ac3")
    source = broadcast(tmp_path / "broadcast.ts", first, second)
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
    inputs = (*PICTURE, *SOUND, "-f", "lavfi", "-i", "anoisesrc=duration=4")
    inputs += ("-f", "srt", "-i", file_url(caption))
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
