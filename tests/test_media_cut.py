"""Cutting without re-encoding, with real files: where a cut truly begins, and that its sound is in time."""

from __future__ import annotations

from pathlib import Path

import av
import pytest

from lib.errors import Cancelled, MediaError, NoPicture
from lib.media.cut import CutResult, cut
from lib.media.ffmpeg import file_url
from tests.media_fixtures import (
    CLOCK,
    H264,
    LATE_SOUND,
    PICTURE,
    SOUND,
    is_whole_mp4,
    look,
    make,
    onset,
    pictures,
    samples,
    shown_times,
)

B_FRAMES = ("-c:v", "libx264", "-qp", "4", "-bf", "2", "-g", "100", "-sc_threshold", "0")
VP8 = ("-c:v", "libvpx", "-cpu-used", "8", "-b:v", "2M", "-g", "100", "-auto-alt-ref", "0")


@pytest.fixture(scope="module")
def clocks(tmp_path_factory) -> dict[str, Path]:
    """Twelve seconds in which picture and sound tell the time, key frames 4 s apart, by container."""
    folder = tmp_path_factory.mktemp("clocks")
    made = {"mp4": make(folder / "clock.mp4", *CLOCK, *B_FRAMES)}
    made["mov"] = make(folder / "clock.mov", "-i", file_url(made["mp4"]), "-c", "copy")
    made["webm"] = make(folder / "clock.webm", *CLOCK, *VP8)
    return made


def cut_out(source: Path, target: Path, start: float, end: float) -> CutResult:
    return cut(source, target, start=start, end=end, asset=look(source))


@pytest.mark.parametrize("container", ["mp4", "mov", "webm"])
@pytest.mark.parametrize(
    ("start", "end", "begin"), [(0, 12, 0), (2.5, 9.3, 0), (4, 8, 4), (6.9, 11, 4), (8, 12, 8), (11.9, 12, 8)]
)
def test_a_cut_begins_with_the_key_frame_before_its_start(tmp_path, clocks, container, start, end, begin):
    """What it says of its beginning is true of its pictures and of its sound, to a tenth of a second."""
    target = tmp_path / f"out.{container}"
    found = cut_out(clocks[container], target, start, end)
    assert found.start == pytest.approx(begin, abs=0.001)
    assert found.end == pytest.approx(end, abs=0.15)
    assert found.size_bytes == target.stat().st_size
    shown = shown_times(target)
    assert shown[0][0] == pytest.approx(0, abs=0.05)
    assert found.start + shown[-1][0] == pytest.approx(end, abs=0.15)
    for time, told in shown[:: max(1, len(shown) // 12)]:
        assert told == pytest.approx(found.start + time, abs=0.1)
    if end > 7.2 and begin < 7:
        assert onset(target) == pytest.approx(7 - found.start, abs=0.05)
    asset = look(target)
    assert asset.container == container
    assert found.start + asset.duration == pytest.approx(found.end, abs=0.001)


def test_a_cut_is_not_encoded_again(tmp_path, clocks):
    """Its packets are the source's, byte for byte, and its index stands in front."""
    target = tmp_path / "out.mp4"
    cut_out(clocks["mp4"], target, 4, 8)
    with av.open(str(clocks["mp4"])) as container:
        whole = {bytes(packet) for packet in container.demux(video=0) if packet.size}
    with av.open(str(target)) as container:
        copied = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    assert len(copied) >= 100
    assert set(copied) <= whole
    assert is_whole_mp4(target)


def test_no_edit_list_hides_a_part_of_a_cut(tmp_path, clocks):
    """A reader that ignores edit lists sees the same pictures at the same times, but for the encoder's delay."""
    target = tmp_path / "out.mp4"
    cut_out(clocks["mp4"], target, 6.9, 11)
    with av.open(str(target), options={"ignore_editlist": "1"}) as container:
        times = [float(frame.time) for frame in container.decode(video=0)]
    assert len(times) == len(pictures(target))
    assert times[0] == pytest.approx(0, abs=0.1)


def test_sound_that_begins_late_is_as_late_in_a_cut(tmp_path):
    source = make(tmp_path / "late.mp4", *LATE_SOUND, *H264)
    target = tmp_path / "out.mp4"
    found = cut_out(source, target, 2.5, 8)
    assert found.start == pytest.approx(2, abs=0.001)
    assert look(target).audio[0].start == pytest.approx(3, abs=0.05)


def test_pictures_that_begin_a_moment_after_the_sound_are_cut_with_it(tmp_path):
    """As browsers record: the first picture comes 40 ms late. Second 0 is that of the sound."""
    source = make(tmp_path / "x.webm", *SOUND, "-itsoffset", "0.04", *PICTURE, *VP8)
    found = cut_out(source, tmp_path / "out.webm", 0, 3)
    assert found.start == 0
    assert look(tmp_path / "out.webm").audio[0].start == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize("start", [0, 0.5])
def test_what_begins_between_key_frames_is_not_cut(tmp_path, clocks, start):
    """Phones trim by an edit list: the first key frame lies before the beginning, and a cut would show what the
    owner has cut away."""
    source = make(tmp_path / "trimmed.mp4", "-ss", "2", "-i", file_url(clocks["mp4"]), "-c", "copy")
    with pytest.raises(MediaError, match="key frame"):
        cut_out(source, tmp_path / "out.mp4", start, 5)


def test_a_trimmed_file_is_cut_from_its_next_key_frame_on(tmp_path, clocks):
    source = make(tmp_path / "trimmed.mp4", "-ss", "2", "-i", file_url(clocks["mp4"]), "-c", "copy")
    target = tmp_path / "out.mp4"
    found = cut_out(source, target, 3, 8)
    assert found.start == pytest.approx(2, abs=0.05)
    assert next(told for _, told in shown_times(target)) == pytest.approx(4, abs=0.1)
    assert onset(target) == pytest.approx(7 - 2 - found.start, abs=0.06)


def test_key_frames_half_a_minute_apart_are_found(tmp_path):
    inputs = ("-f", "lavfi", "-i", "testsrc=size=64x64:rate=5:duration=70")
    source = make(tmp_path / "far.mp4", *inputs, *H264, "-g", "150", "-sc_threshold", "0")
    assert cut_out(source, tmp_path / "out.mp4", 59.5, 62).start == pytest.approx(30, abs=0.001)


@pytest.mark.parametrize("codec", ["264", "265"])
def test_open_groups_of_pictures_are_cut_in_time(tmp_path, clocks, codec):
    """The pictures before a group's key frame that lean on the group before cannot be shown; no clock is moved."""
    options = ("-g", "50", f"-x{codec}-params", "open-gop=1:scenecut=0:keyint=50:min-keyint=50:bframes=3")
    source = make(tmp_path / "open.mp4", "-i", file_url(clocks["mp4"]), "-c:v", f"libx{codec}", "-crf", "4", *options)
    target = tmp_path / "out.mp4"
    found = cut_out(source, target, 4.5, 9)
    assert found.start == pytest.approx(4, abs=0.05)
    for time, told in shown_times(target):
        assert told == pytest.approx(found.start + time, abs=0.2)
    assert onset(target) == pytest.approx(7 - found.start, abs=0.05)


def test_variable_frame_rates_are_cut_where_they_should_be(tmp_path):
    picked = CLOCK[3] + ",select='lt(t,3)+not(mod(n,50))'"
    inputs = ("-f", "lavfi", "-i", picked, "-fps_mode", "vfr")
    source = make(tmp_path / "vfr.mp4", *inputs, "-c:v", "libx264", "-qp", "4", "-g", "50", "-sc_threshold", "0")
    target = tmp_path / "out.mp4"
    found = cut_out(source, target, 3.5, 9)
    assert found.start <= 3.5
    for time, told in shown_times(target):
        assert told == pytest.approx(found.start + time, abs=0.1)


def test_a_cut_stays_turned_and_leaves_out_what_models_do_not_take(tmp_path):
    """The first pictures and the first sound, nothing else."""
    video = make(tmp_path / "x.mp4", *PICTURE, *SOUND, "-f", "lavfi", "-i", "anoisesrc=duration=4", "-map", "0",
                 "-map", "1", "-map", "2", *H264)  # fmt: skip
    source = make(tmp_path / "turned.mp4", "-display_rotation", "90", "-i", file_url(video), "-map", "0", "-c", "copy")
    cut_out(source, tmp_path / "out.mp4", 1.5, 3)
    asset = look(tmp_path / "out.mp4")
    assert asset.video.rotation == 270
    assert len(asset.audio) == 1
    assert abs(samples(tmp_path / "out.mp4")[0]).max() < 0.5, "the tone, not the noise"


def test_what_has_no_sound_is_cut_without(tmp_path):
    source = make(tmp_path / "mute.mp4", *PICTURE, *H264)
    assert cut_out(source, tmp_path / "out.mp4", 2, 3).start == pytest.approx(2, abs=0.001)
    assert not look(tmp_path / "out.mp4").has_sound


def test_other_containers_are_refused_in_words(tmp_path):
    source = make(tmp_path / "x.mkv", *PICTURE, *H264)
    with pytest.raises(MediaError, match="without re-encoding"):
        cut_out(source, tmp_path / "out.mkv", 0, 3)
    sound = make(tmp_path / "x.m4a", *SOUND)
    with pytest.raises(NoPicture):
        cut_out(sound, tmp_path / "out.m4a", 0, 3)


def test_a_cancel_ends_a_cut(tmp_path, clocks):
    def cancel(share: float) -> None:
        raise Cancelled("The run was cancelled.")

    asset = look(clocks["mp4"])
    with pytest.raises(Cancelled):
        cut(clocks["mp4"], tmp_path / "out.mp4", start=0, end=12, asset=asset, on_progress=cancel)
