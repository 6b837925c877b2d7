"""Several stretches cut and joined in one run of ffmpeg, with files whose pictures and sound tell the time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lib.domain.excerpt import Excerpt
from lib.domain.media import Clip
from lib.errors import Cancelled
from lib.media.encode import encode_audio, encode_key_frames, encode_video
from lib.media.ffmpeg import file_url
from tests.media_fixtures import (
    CLOCK,
    H264,
    LATE_SOUND,
    LIMIT,
    PICTURE,
    SOUND,
    beeping,
    broadcast,
    is_whole_mp4,
    look,
    make,
    onset,
    pattern,
    pictures,
    samples,
    shown_times,
)

FINE = ("-c:v", "libx264", "-qp", "4", "-g", "25", "-sc_threshold", "0")
WAYS = [encode_video, encode_key_frames]
THREE = Excerpt((Clip(1.1, 3.5), Clip(6.5, 8), Clip(10.1, 11.3)))
"""Joined, they begin at second 0, 3 and 5, and last 6.2 s."""


@pytest.fixture(scope="module")
def clocks(tmp_path_factory) -> dict[str, Path]:
    """Twelve seconds in which picture and sound tell the time, a key frame every second, by container."""
    folder = tmp_path_factory.mktemp("clocks")
    made = {"mp4": make(folder / "clock.mp4", *CLOCK, *FINE)}
    for name in ("mkv", "ts", "mov"):
        made[name] = make(folder / f"clock.{name}", "-i", file_url(made["mp4"]), "-c", "copy")
    return made


def told(path: Path) -> list[float]:
    """The time that each picture tells, and that they come one a second."""
    shown = shown_times(path)
    assert [time for time, _ in shown] == pytest.approx(list(range(len(shown))), abs=0.001)
    return [time for _, time in shown]


def loudness(path: Path, start: float, end: float) -> float:
    sound, rate = samples(path)
    return float(np.abs(sound[int(start * rate) : int(end * rate)]).max())


@pytest.mark.parametrize("encode", WAYS)
@pytest.mark.parametrize("container", ["mp4", "mkv", "ts", "mov"])
def test_what_is_joined_holds_the_stretches_one_after_the_other(tmp_path, clocks, container, encode):
    """The picture at second n of a stretch is the one n seconds after its start, or the key frame before it, and the
    sound is in time."""
    source, target = clocks[container], tmp_path / "out.mp4"
    size = encode(source, target, excerpt=THREE, asset=look(source), limit_bytes=LIMIT)
    assert size == target.stat().st_size
    expected = [1.1, 2.1, 3.1, 6.5, 7.5, 10.1, 11.1]
    if encode is encode_key_frames:
        expected = [int(time) for time in expected]
    assert told(target) == pytest.approx(expected, abs=0.1)
    assert onset(target) == pytest.approx(3 + 7 - 6.5, abs=0.05)
    assert look(target).duration == pytest.approx(6.2, abs=0.1)
    assert is_whole_mp4(target)


@pytest.mark.parametrize("container", ["mp4", "ts"])
def test_sound_alone_is_joined_the_same(tmp_path, clocks, container):
    """The beep at 7 s is heard half a second into the second stretch."""
    target = tmp_path / "out.mp3"
    encode_audio(clocks[container], target, excerpt=THREE, asset=look(clocks[container]), limit_bytes=LIMIT)
    assert look(target).duration == pytest.approx(6.2, abs=0.15)
    assert onset(target) == pytest.approx(3 + 7 - 6.5, abs=0.05)


def test_between_two_stretches_there_is_silence(tmp_path):
    """So that no word runs into the next; the tone sounds up to the end of its stretch and from the next one on."""
    source = make(tmp_path / "tone.mp4", *PICTURE, *SOUND, *H264)
    target = tmp_path / "out.mp4"
    excerpt = Excerpt((Clip(0.5, 1.8), Clip(3, 3.9)))
    encode_video(source, target, excerpt=excerpt, asset=look(source), limit_bytes=LIMIT)
    assert excerpt.begins == (0.5, 2.5)
    assert loudness(target, 0.2, 1.2) > 0.05
    assert loudness(target, 1.45, 1.9) < 0.005
    assert loudness(target, 2.1, 2.8) > 0.05


def test_many_short_stretches_lose_no_time(tmp_path, clocks):
    """Twenty of 0.3 s, a second each with their pause: every picture and every beginning in its place."""
    source, target = clocks["mp4"], tmp_path / "out.mp4"
    excerpt = Excerpt(tuple(Clip(0.5 * at + 0.1, 0.5 * at + 0.4) for at in range(20)))
    encode_video(source, target, excerpt=excerpt, asset=look(source), limit_bytes=LIMIT)
    assert told(target) == pytest.approx([each.start for each in excerpt.stretches], abs=0.06)
    assert onset(target) == pytest.approx(excerpt.to_joined(7.1) - excerpt.start, abs=0.05)


def test_a_stretch_after_the_pictures_have_ended_shows_the_last_one(tmp_path):
    """As players do; the sound goes on."""
    streams = ("testsrc=size=160x90:rate=25:duration=3", "sine=duration=9")
    source = make(tmp_path / "uneven.mp4", "-f", "lavfi", "-i", streams[0], "-f", "lavfi", "-i", streams[1], *H264)
    target = tmp_path / "out.mp4"
    excerpt = Excerpt((Clip(0, 1.5), Clip(5, 7)))
    encode_video(source, target, excerpt=excerpt, asset=look(source), limit_bytes=LIMIT)
    assert len(pictures(target)) == 4
    assert loudness(target, 2.2, 3.8) > 0.05


def test_sound_that_begins_late_is_late_in_its_stretch(tmp_path):
    """It sets in 5 s after the pictures: the first stretch is silent, the second from its second second on."""
    source = make(tmp_path / "late.mp4", *LATE_SOUND, *H264)
    target = tmp_path / "out.mp4"
    excerpt = Excerpt((Clip(0, 1.5), Clip(4, 7)))
    encode_video(source, target, excerpt=excerpt, asset=look(source), limit_bytes=LIMIT)
    assert loudness(target, 0, 2.8) < 0.005
    assert onset(target) == pytest.approx(2 + 5 - 4, abs=0.06)


def test_what_has_no_sound_is_joined_without(tmp_path):
    """Pictures alone."""
    source = make(tmp_path / "mute.mp4", *PICTURE, *H264)
    target = tmp_path / "out.mp4"
    excerpt = Excerpt((Clip(0, 1.5), Clip(2.5, 4)))
    encode_video(source, target, excerpt=excerpt, asset=look(source), limit_bytes=LIMIT)
    assert not look(target).has_sound
    assert len(pictures(target)) == 4


@pytest.mark.parametrize("encode", WAYS)
def test_a_call_that_changes_its_size_is_joined_in_one(tmp_path, encode):
    """Each stretch is scaled to the size of the first, and none is lost."""
    pieces = [(*pattern(size), *SOUND[:3], "sine=duration=3", *H264) for size in ("160x120", "320x180")]
    source = broadcast(tmp_path / "call.ts", *pieces)
    target = tmp_path / "out.mp4"
    excerpt = Excerpt((Clip(0.5, 2), Clip(4, 5.5)))
    encode(source, target, excerpt=excerpt, asset=look(source), limit_bytes=LIMIT)
    assert len(pictures(target)) == 4
    assert {plane.shape for _, plane in pictures(target)} == {pictures(target)[0][1].shape}


@pytest.fixture(scope="module")
def broadcasts(tmp_path_factory) -> dict[str, Path]:
    """Six seconds that go from mono to stereo at 3 s; a beep sounds at 4.5 s. By container."""
    folder = tmp_path_factory.mktemp("broadcasts")
    mono = (*pattern("160x120"), *beeping(None, 44100, "mono"), "-c:a", "ac3")
    stereo = (*pattern("160x120"), *beeping(1.5, 48000, "stereo"), "-c:a", "ac3")
    received = broadcast(folder / "broadcast.ts", mono, stereo)
    recorded = make(folder / "broadcast.mkv", "-i", file_url(received), "-c", "copy")
    return {"ts": received, "mkv": recorded}


@pytest.mark.parametrize("container", ["ts", "mkv"])
def test_a_broadcast_that_changes_its_sound_within_a_stretch_keeps_its_clock(tmp_path, broadcasts, container):
    """Filters that join cannot be started anew: the sound is taken out first, and nothing hangs or is lost."""
    source, film, sound = broadcasts[container], tmp_path / "out.mp4", tmp_path / "out.mp3"
    excerpt = Excerpt((Clip(2, 3.5), Clip(4, 5.5)))
    encode_video(source, film, excerpt=excerpt, asset=look(source), limit_bytes=LIMIT)
    encode_audio(source, sound, excerpt=excerpt, asset=look(source), limit_bytes=LIMIT)
    assert len(pictures(film)) == 4
    assert [onset(film), onset(sound)] == pytest.approx([2.5, 2.5], abs=0.1)
    assert set(tmp_path.iterdir()) == {film, sound}


def test_what_is_joined_stays_below_its_limit(tmp_path):
    """The limit is for all stretches together."""
    noise = ("-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25:duration=12,noise=alls=60:allf=t")
    source = make(tmp_path / "noise.mp4", *noise, *H264)
    target = tmp_path / "out.mp4"
    excerpt = Excerpt((Clip(0, 4), Clip(6, 11)))
    assert encode_video(source, target, excerpt=excerpt, asset=look(source), limit_bytes=150_000) <= 150_000
    assert len(pictures(target)) == 10


def test_progress_runs_over_the_whole_and_a_cancel_ends_it(tmp_path, clocks):
    """The share done is that of the joined length."""
    source, target, shares = clocks["mp4"], tmp_path / "out.mp4", []
    asset = look(source)
    encode_video(source, target, excerpt=THREE, asset=asset, limit_bytes=LIMIT, on_progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1

    def cancel(share: float) -> None:
        raise Cancelled("The run was cancelled.")

    with pytest.raises(Cancelled):
        encode_video(source, target, excerpt=THREE, asset=asset, limit_bytes=LIMIT, on_progress=cancel)
