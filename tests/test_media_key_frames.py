"""Renditions from key frames alone, at two qualities, and encoders in hardware."""

from __future__ import annotations

import pytest

from lib.domain.excerpt import Excerpt
from lib.domain.renditions import estimate_video_bytes
from lib.errors import MediaTooLong, NoPicture
from lib.media import encode as encode_module
from lib.media.encode import SPEECH, VISUAL, encode_key_frames, encode_video
from lib.media.ffmpeg import file_url
from lib.media.hardware import HardwareEncoder, hardware_encoders
from lib.media.key_frames import stand_alone
from tests.media_fixtures import (  # noqa: F401 (fixtures are asked for by their names)
    CLOCK,
    H264,
    LATE_SOUND,
    LIMIT,
    PICTURE,
    SOUND,
    broadcast,
    clock_of_twelve_seconds,
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
)

WAYS = [encode_video, encode_key_frames]


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
@pytest.mark.parametrize(
    ("start", "end", "told"),
    [
        (0, 12, [0, 0, 0, 0, 4, 4, 4, 4, 8, 8, 8, 8]),
        (2.5, 9.3, [0, 0, 4, 4, 4, 4, 8]),
        (4, 7, [4, 4, 4]),
        (9.7, 12, [8, 8, 8]),
    ],
)
def test_each_second_shows_the_last_key_frame(tmp_path, clock, suffix, start, end, told):
    """The sound is that of the whole film, and in time."""
    source = repacked(clock, tmp_path / f"clock.{suffix}")
    target = tmp_path / "out.mp4"
    size = encode_key_frames(source, target, excerpt=Excerpt.of(start, end), asset=look(source), limit_bytes=LIMIT)
    assert size == target.stat().st_size
    shown = shown_times(target)
    assert [time for time, _ in shown] == [float(second) for second in range(len(told))]
    assert [time for _, time in shown] == pytest.approx(told, abs=0.13)
    if end > 7.2 and start < 7:
        assert onset(target) == pytest.approx(7 - start, abs=0.03)


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
@pytest.mark.parametrize("codec", ["264", "265"])
def test_open_groups_of_pictures_are_decoded_whole(tmp_path, clock, suffix, codec):
    """Decoded alone, their key frames would come in a wrong order, and some would be lost."""
    options = ("-g", "50", f"-x{codec}-params", "open-gop=1:scenecut=0:keyint=50:min-keyint=50:bframes=3")
    coding = ("-c:v", f"libx{codec}", "-preset", "ultrafast", "-crf", "4", *options)
    source = make(tmp_path / f"open.{suffix}", "-i", file_url(clock), *coding)
    assert not stand_alone(source, 1)
    target = tmp_path / "out.mp4"
    encode_key_frames(source, target, excerpt=Excerpt.of(1, 11), asset=look(source), limit_bytes=LIMIT)
    assert [told for _, told in shown_times(target)] == pytest.approx(range(1, 11), abs=0.2)


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
@pytest.mark.parametrize("codec", ["264", "265"])
def test_closed_groups_of_pictures_are_known(tmp_path, clock, suffix, codec):
    options = ("-g", "50", f"-x{codec}-params", "open-gop=0:scenecut=0:keyint=50:min-keyint=50:bframes=3")
    coding = ("-c:v", f"libx{codec}", "-preset", "ultrafast", "-crf", "4", *options)
    source = make(tmp_path / f"closed.{suffix}", "-i", file_url(clock), *coding)
    assert stand_alone(source, 1)
    target = tmp_path / "out.mp4"
    encode_key_frames(source, target, excerpt=Excerpt.of(1, 11), asset=look(source), limit_bytes=LIMIT)
    assert [told for _, told in shown_times(target)] == pytest.approx([0, 2, 2, 4, 4, 6, 6, 8, 8, 10], abs=0.2)


@pytest.mark.parametrize(("suffix", "codec"), [("webm", "libvpx"), ("webm", "libvpx-vp9"), ("mpg", "mpeg2video"),
                                               ("avi", "mpeg4"), ("avi", "mjpeg"), ("mp4", "libaom-av1")])  # fmt: skip
def test_key_frames_of_other_codecs_are_shown_in_time(tmp_path, clock, suffix, codec):
    """Never later than their second, and never earlier than key frames lie apart."""
    fast = {"libvpx": ("-cpu-used", "8"), "libvpx-vp9": ("-cpu-used", "8"), "libaom-av1": ("-cpu-used", "8")}
    coding = ("-c:v", codec, *fast.get(codec, ()), "-g", "50", "-q:v", "2", "-b:v", "1M")
    source = make(tmp_path / f"x.{suffix}", "-i", file_url(clock), *coding)
    target = tmp_path / "out.mp4"
    encode_key_frames(source, target, excerpt=Excerpt.of(2.5, 9.3), asset=look(source), limit_bytes=LIMIT)
    shown = shown_times(target)
    assert len(shown) == 7
    for second, told in shown:
        assert second + 2.5 - 2.3 <= told <= second + 2.5 + 0.3
    assert onset(target) == pytest.approx(4.5, abs=0.05)


@pytest.mark.parametrize("encode", WAYS)
@pytest.mark.parametrize(("start", "end"), [(0, 4), (0, 3.3), (1.25, 3.5), (0.5, 1), (3.9, 4)])
def test_a_rendition_lasts_as_long_as_its_clip(tmp_path, encode, start, end):
    """Its last picture is not held to a full second, and there is one at second 0."""
    source = make(tmp_path / "x.mp4", *PICTURE, *SOUND, *H264)
    target = tmp_path / "out.mp4"
    encode(source, target, excerpt=Excerpt.of(start, end), asset=look(source), limit_bytes=LIMIT)
    assert look(target).duration == pytest.approx(end - start, abs=0.1)
    assert look(target).video.frame_rate is not None
    shown = pictures(target)
    assert shown[0][0] == 0
    assert len(shown) == -(-(end - start) // 1)


@pytest.mark.parametrize("encode", WAYS)
def test_key_frames_half_a_minute_apart_are_held(tmp_path, encode):
    """Whoever asks for key frames all the same gets a picture for each second."""
    dark = "color=black:size=64x64:rate=5:duration=70,geq=lum='16+T*2':cb=128:cr=128"
    source = make(tmp_path / "far.mp4", "-f", "lavfi", "-i", dark, *H264, "-g", "150", "-sc_threshold", "0")
    target = tmp_path / "out.mp4"
    encode(source, target, excerpt=Excerpt.of(40, 65), asset=look(source), limit_bytes=LIMIT)
    told = [brightness * 15 / 2 for _, brightness in shown_times(target)]
    expected = [30 if second < 20 else 60 for second in range(25)]
    if encode is encode_video:
        expected = [40 + second for second in range(25)]
    assert told == pytest.approx(expected, abs=1)


@pytest.mark.parametrize("encode", WAYS)
@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
def test_a_last_picture_is_held_however_short_it_says_it_is(tmp_path, encode, suffix):
    """A recording of slides: the last comes at 4.4 s, claims to last 40 ms, and the speaker goes on to 8 s."""
    picked = CLOCK[3] + ",select='eq(n,0)+eq(n,110)'"
    inputs = ("-f", "lavfi", "-i", picked, "-f", "lavfi", "-i", "sine=duration=8", "-fps_mode", "vfr")
    source = make(tmp_path / f"slides.{suffix}", *inputs, "-c:v", "libx264", "-qp", "4", "-g", "1")
    target = tmp_path / "out.mp4"
    encode(source, target, excerpt=Excerpt.of(1, 8), asset=look(source), limit_bytes=LIMIT)
    told = [time for _, time in shown_times(target)]
    assert told == pytest.approx([0, 0, 0, 0, 4.4, 4.4, 4.4], abs=0.13)


@pytest.mark.parametrize("encode", WAYS)
def test_a_clip_between_the_last_key_frame_and_the_end_is_whole(tmp_path, encode, clock):
    target = tmp_path / "out.mp4"
    encode(clock, target, excerpt=Excerpt.of(11.2, 12), asset=look(clock), limit_bytes=LIMIT)
    assert len(pictures(target)) == 1
    assert len(samples(target)[0]) / samples(target)[1] == pytest.approx(0.8, abs=0.1)


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
def test_late_sound_stays_late_beside_key_frames(tmp_path, suffix):
    source = make(tmp_path / f"late.{suffix}", *LATE_SOUND, *H264)
    target = tmp_path / "out.mp4"
    for start in (0, 2.5):
        encode_key_frames(source, target, excerpt=Excerpt.of(start, 8), asset=look(source), limit_bytes=LIMIT)
        assert onset(target) == pytest.approx(5 - start, abs=0.05)


def test_variable_frame_rates_keep_their_key_frames_in_time(tmp_path):
    picked = CLOCK[3] + ",select='lt(t,3)+not(mod(n,50))'"
    inputs = ("-f", "lavfi", "-i", picked, "-fps_mode", "vfr")
    source = make(tmp_path / "vfr.mp4", *inputs, "-c:v", "libx264", "-qp", "4", "-g", "1")
    target = tmp_path / "out.mp4"
    encode_key_frames(source, target, excerpt=Excerpt.of(1, 10), asset=look(source), limit_bytes=LIMIT)
    told = [time for _, time in shown_times(target)]
    assert told == pytest.approx([1, 2, 2.96, 4, 4, 6, 6, 8, 8], abs=0.13)


@pytest.mark.parametrize(("size", "expected"), [("321x241", (320, 240)), ("1080x1920", (360, 640)), ("1x1", (2, 2))])
def test_key_frames_of_any_size_are_even_and_never_enlarged(tmp_path, size, expected):
    source = make(tmp_path / "x.mkv", "-f", "lavfi", "-i", f"testsrc=size={size}:rate=5:duration=2", "-c:v", "ffv1")
    target = tmp_path / "out.mp4"
    encode_key_frames(source, target, excerpt=Excerpt.of(0, 2), asset=look(source), limit_bytes=LIMIT)
    assert (look(target).video.width, look(target).video.height) == expected
    assert is_whole_mp4(target)


def test_turned_key_frames_stand_upright(tmp_path):
    video = make(tmp_path / "x.mp4", *PICTURE, *H264)
    source = make(tmp_path / "turned.mp4", "-display_rotation", "90", "-i", file_url(video), "-c", "copy")
    encode_key_frames(source, tmp_path / "out.mp4", excerpt=Excerpt.of(0, 4), asset=look(source), limit_bytes=LIMIT)
    asset = look(tmp_path / "out.mp4")
    assert (asset.video.width, asset.video.height, asset.video.rotation) == (180, 320, 0)
    assert not asset.has_sound


def test_a_broadcast_whose_size_changes_keeps_its_clock_in_key_frames(tmp_path):
    pieces = [(*pattern(size), *SOUND[:3], "sine=duration=3", *H264) for size in ("160x120", "320x240")]
    source = broadcast(tmp_path / "broadcast.ts", *pieces)
    target = tmp_path / "out.mp4"
    encode_key_frames(source, target, excerpt=Excerpt.of(0, 6), asset=look(source), limit_bytes=LIMIT)
    assert [time for time, _ in pictures(target)] == [0, 1, 2, 3, 4, 5]


def test_sound_alone_has_no_key_frames(tmp_path):
    source = speech("beckett.wav")
    with pytest.raises(NoPicture):
        encode_key_frames(source, tmp_path / "out.mp4", excerpt=Excerpt.of(0, 5), asset=look(source), limit_bytes=LIMIT)


# Qualities


@pytest.mark.parametrize("encode", WAYS)
def test_visual_detail_is_larger_and_finer(tmp_path, encode):
    """960 pixels on the longer side where there are as many, and more bytes for each of them."""
    arguments = ("-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=10:duration=4")
    source = make(tmp_path / "x.mp4", *arguments, *H264, "-g", "10")
    asset = look(source)
    sizes = {}
    for recipe in (SPEECH, VISUAL):
        target = tmp_path / f"{recipe.width}.mp4"
        sizes[recipe] = encode(source, target, excerpt=Excerpt.of(0, 4), asset=asset, limit_bytes=LIMIT, recipe=recipe)
        made = look(target).video
        assert (made.width, made.height) == (recipe.width, recipe.width * 9 // 16)
    assert sizes[VISUAL] > 1.5 * sizes[SPEECH]


def test_visual_detail_is_refused_where_print_could_not_be_read(tmp_path, clock):
    """Where pictures for speech would still fit, pictures for the screen are not made: a shorter part is."""
    asset = look(clock)
    arguments = {"excerpt": Excerpt.of(0, 12), "asset": asset, "limit_bytes": 110_000}
    assert encode_video(clock, tmp_path / "out.mp4", **arguments) <= 110_000
    with pytest.raises(MediaTooLong):
        encode_video(clock, tmp_path / "out.mp4", **arguments, recipe=VISUAL)


@pytest.mark.parametrize("encode", WAYS)
def test_what_nothing_can_compress_still_fits(tmp_path, encode):
    noise = "nullsrc=size=640x360:rate=5:duration=10,geq=lum='random(1)*255':cb=128:cr=128"
    source = make(tmp_path / "noise.mkv", "-f", "lavfi", "-i", noise, *SOUND, "-c:v", "ffv1")
    target = tmp_path / "out.mp4"
    size = encode(source, target, excerpt=Excerpt.of(0, 10), asset=look(source), limit_bytes=300_000, recipe=VISUAL)
    assert size == target.stat().st_size <= 300_000


# Estimates


def test_estimates_follow_what_was_measured():
    """Kilobits a second of pictures at 1 frame a second, and from key frames 1, 3 and 5 s apart."""

    def rate(**chosen: object) -> float:
        return estimate_video_bytes(100, False, LIMIT, **chosen) * 8 / 100 / 1000

    assert rate(is_visual=True) == pytest.approx(304, rel=0.05)
    assert rate(key_frame_spacing=0.04) == rate(key_frame_spacing=1) == rate()
    assert rate(key_frame_spacing=3) == pytest.approx(83, rel=0.15)
    assert rate(key_frame_spacing=5) == pytest.approx(64, rel=0.15)
    assert rate(is_visual=True, key_frame_spacing=3) == pytest.approx(215, rel=0.1)
    assert rate(is_visual=True, key_frame_spacing=5) == pytest.approx(168, rel=0.15)


def test_estimates_of_visual_detail_end_sooner():
    assert estimate_video_bytes(25 * 60, True, LIMIT, is_visual=True) is None
    assert estimate_video_bytes(20 * 60, True, LIMIT, is_visual=True) <= LIMIT
    assert estimate_video_bytes(25 * 60, True, LIMIT) is not None


# Hardware


def test_the_hardware_is_asked_once_and_only_what_works_is_named():
    found = hardware_encoders()
    assert hardware_encoders() is found
    assert {encoder.name for encoder in found} <= {"h264_videotoolbox", "h264_nvenc", "h264_qsv", "h264_vaapi"}


@pytest.mark.parametrize("encode", WAYS)
def test_an_encoder_that_refuses_is_replaced_without_a_word(tmp_path, monkeypatch, caplog, clock, encode):
    """Hardware is busy, or does not like the size: the rendition is made all the same."""
    monkeypatch.setattr(encode_module, "hardware_encoders", lambda: (HardwareEncoder("h264_no_such"),))
    target = tmp_path / "out.mp4"
    encode(clock, target, excerpt=Excerpt.of(0, 3), asset=look(clock), limit_bytes=LIMIT)
    assert len(pictures(target)) == 3
    assert not caplog.records


@pytest.mark.parametrize("encode", WAYS)
def test_another_encoder_keeps_the_clock_and_the_limit(tmp_path, monkeypatch, encode):
    """Tried with one in software that is told what hardware would be: a bit rate."""
    monkeypatch.setattr(encode_module, "hardware_encoders", lambda: (HardwareEncoder("libopenh264"),))
    source = make(tmp_path / "x.mp4", *LATE_SOUND, *H264)
    target = tmp_path / "out.mp4"
    size = encode(source, target, excerpt=Excerpt.of(0, 8), asset=look(source), limit_bytes=200_000)
    assert size <= 200_000
    assert [time for time, _ in pictures(target)] == [0, 1, 2, 3, 4, 5, 6, 7]
    assert onset(target) == pytest.approx(5, abs=0.05)
    assert b"x264" not in target.read_bytes()
