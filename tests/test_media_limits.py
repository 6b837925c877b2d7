"""Media of strangers: what asks for too much is refused with a sentence; what names other places is not followed."""

from __future__ import annotations

import io
import os
import resource
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from lib.domain.excerpt import Excerpt
from lib.domain.media import SourceKind
from lib.errors import DiskFull, InputError, MediaError, MediaTooHeavy
from lib.media.apart import probe_apart
from lib.media.captioning import attach
from lib.media.encode import encode_audio, encode_video
from lib.media.ffmpeg import file_url, run_ffmpeg
from lib.media.limits import MediaLimits, hold_to, limits
from lib.media.poster import made_anew, make_poster
from lib.pipeline.ingest import keep_stream
from lib.services import open_tools
from lib.settings import Settings
from lib.speech.sound import Sound
from tests import media_bombs
from tests.fakes.media_server import MediaServer
from tests.media_fixtures import (  # noqa: F401 (a fixture is asked for by its name)
    ASSET_ID,
    LIMIT,
    children,
    four_seconds,
    look,
)

PROMPT = 30
"""Seconds within which even a busy machine refuses: an honest file takes a third of one."""


@pytest.fixture(autouse=True)
def _usual_limits():
    yield
    hold_to(MediaLimits())


def refusal(path: Path) -> str:
    """What is said of a file, at once and in a process that never grew; and that the file is small."""
    assert path.stat().st_size < 300_000
    begun, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(MediaError) as caught:
        probe_apart(path, ASSET_ID, path.stat().st_size)
    assert time.monotonic() - begun < PROMPT
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000, "kilobytes, in this process"
    assert caught.value.hint
    return str(caught.value)


@pytest.mark.parametrize(
    ("bomb", "sentence"),
    [
        (media_bombs.hundred_hours, "The file plays for 100 hours; the limit is 24 hours."),
        (media_bombs.huge_pictures, "Its pictures are 30000 × 2000; the limit is 36 million pixels."),
        (media_bombs.many_tracks, "The file has more than 128 tracks."),
        (media_bombs.slow_sound, "Its sound has 1 samples a second on 1 channels, as none has."),
        (media_bombs.endless_index, "The file plays for no time at all."),
    ],
)
def test_a_small_file_that_unpacks_to_much_is_refused(tmp_path, bomb, sentence):
    """In a sentence that names what is too much, within seconds, and without a megabyte of ours."""
    assert sentence in refusal(bomb(tmp_path / "talk.mp4"))


def test_an_upload_that_is_refused_is_not_kept(tmp_path, settings):
    """Nothing of it stays on the disk, and the next file is taken."""
    tools = open_tools(settings)
    content = media_bombs.endless_index(tmp_path / "bomb.mp4").read_bytes()
    with pytest.raises(MediaError):
        keep_stream(io.BytesIO(content), "talk.mp4", SourceKind.UPLOAD, tools)
    assert not [path for path in (settings.data_dir / "media").rglob("*") if path.is_file()]
    tools.store.close()


def test_an_honest_file_is_looked_into_as_before(video):
    """The process of its own says the same as one that is not bounded."""
    assert probe_apart(video, ASSET_ID, video.stat().st_size) == look(video)


def test_a_file_that_makes_its_reader_hang_is_given_up(tmp_path):
    """A pipe that nobody writes to stands for it."""
    hold_to(replace(limits(), probe_seconds=1.0))
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(MediaTooHeavy, match="longer"):
        probe_apart(tmp_path / "pipe", ASSET_ID, 1)


def test_pictures_that_grow_later_are_not_decoded(tmp_path):
    """Only the first were looked at; the larger ones are refused by the decoder, and the run ends."""
    path = media_bombs.growing_pictures(tmp_path / "growing.ts")
    asset = probe_apart(path, ASSET_ID, path.stat().st_size)
    assert (asset.video.width, asset.video.height) == (320, 180)
    hold_to(replace(limits(), memory_bytes=600_000_000))
    excerpt = Excerpt.of(0, asset.duration)
    assert encode_video(path, tmp_path / "out.mp4", excerpt=excerpt, asset=asset, limit_bytes=LIMIT) < 100_000


def test_ffmpeg_gets_no_more_memory_than_it_may_take(tmp_path):
    """A filter that wants 2 GB ends in a sentence."""
    hold_to(replace(limits(), memory_bytes=300_000_000))
    with pytest.raises(MediaTooHeavy):
        run_ffmpeg(["-f", "lavfi", "-i", "color=size=16384x16384:rate=1:duration=9", "-f", "null", "-"], duration=9)


def test_ffmpeg_writes_no_more_than_it_may(tmp_path):
    """The output is cut off at the limit, and said to have no room."""
    hold_to(replace(limits(), output_bytes=100_000))
    with pytest.raises(DiskFull):
        run_ffmpeg(["-f", "lavfi", "-i", "sine=duration=60", file_url(tmp_path / "out.wav")], duration=60)
    assert (tmp_path / "out.wav").stat().st_size <= 100_000


def test_a_small_picture_that_finds_no_room_is_none(tmp_path, monkeypatch):
    """Neither a full disk nor a folder that cannot be written keeps a link from being looked up."""
    picture = tmp_path / "poster.png"
    run_ffmpeg(["-f", "lavfi", "-i", "testsrc=size=640x360", "-frames:v", "1", file_url(picture)], duration=1)
    assert made_anew(picture.read_bytes()).startswith(b"\xff\xd8\xff")
    hold_to(replace(limits(), output_bytes=1_000))
    assert made_anew(picture.read_bytes()) is None
    hold_to(MediaLimits())
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    assert made_anew(picture.read_bytes()) is None


def test_ffmpeg_is_ended_when_it_takes_too_long(monkeypatch):
    """However much it says that it goes on."""
    monkeypatch.setattr("lib.media.ffmpeg.PATIENCE_SECONDS", 1)
    endless = ["-f", "lavfi", "-i", "testsrc=size=64x64:rate=25", "-f", "null", "-"]
    with pytest.raises(MediaTooHeavy, match="longer"):
        run_ffmpeg(endless, duration=0.01)


def test_sound_that_unpacks_to_hours_is_not_listened_to(tmp_path):
    """Past the probe too: one frame of it would fill the memory when it is brought to 16,000 samples a second."""
    path = media_bombs.slow_sound(tmp_path / "slow.flac")
    with pytest.raises(MediaTooHeavy):
        list(Sound(path).blocks())


@pytest.mark.parametrize("write", media_bombs.LEADING_ELSEWHERE)
def test_a_file_that_names_other_places_is_not_followed(tmp_path, video, write):
    """A playlist, a list, a session, a manifest and a movie of references, as an upload: no address is asked and no
    other file opened, by the probe, by the speech model's ear, and by every run of ffmpeg."""
    secret = tmp_path / "secret.mp4"
    secret.write_bytes(video.read_bytes())
    asset = look(video)
    with MediaServer() as server:
        path = write(tmp_path / "talk.mp4", server.url("").rstrip("/"), secret)
        whole = {"excerpt": Excerpt.of(0, 4), "asset": asset, "limit_bytes": LIMIT}
        captions = tmp_path / "captions.srt"
        captions.write_text("1\n00:00:00,000 --> 00:00:01,000\nHello.\n")
        for follow in (
            lambda: probe_apart(path, ASSET_ID, path.stat().st_size),
            lambda: list(Sound(path).blocks()),
            lambda: make_poster(path, tmp_path / "poster.jpg", asset),
            lambda: encode_video(path, tmp_path / "out.mp4", **whole),
            lambda: encode_audio(path, tmp_path / "out.mp3", **whole),
            lambda: attach(path, tmp_path / "copy.mp4", captions, asset=asset),
            lambda: run_ffmpeg(["-i", file_url(path), "-f", "null", "-"], duration=4),
        ):
            with pytest.raises(MediaError):
                follow()
        assert server.requests == []


def test_the_limits_are_the_operators():
    """Each has its variable; what cannot be meant is told."""
    environment = {"CUEWISE_MEDIA_HOURS": "2", "CUEWISE_MEDIA_MEGAPIXELS": "9", "CUEWISE_FFMPEG_MEMORY_MB": "500"}
    chosen = Settings.from_environment({"CUEWISE_DATA": "/nowhere", **environment}).media_limits
    assert (chosen.seconds, chosen.pixels, chosen.memory_bytes) == (7200, 9_000_000, 500_000_000)
    with pytest.raises(InputError, match="CUEWISE_MEDIA_HOURS"):
        Settings.from_environment({"CUEWISE_MEDIA_HOURS": "many"})


def test_a_tool_that_opens_a_strangers_file_knows_no_secret(monkeypatch):
    """The key and the database's password are in our environment, and not in that of ffmpeg."""
    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-or-v1-k3ptquiet")
    monkeypatch.setenv("CUEWISE_DATABASE_URL", "postgresql://ann:k3ptquiet@db/x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "k3ptquiet")
    told: list[bytes] = []
    others = children()

    def look_at_it(_: float) -> None:
        for pid in children() - others:
            with suppress(OSError):  # one that has just ended
                told.append(Path(f"/proc/{pid}/environ").read_bytes())

    endless = ["-f", "lavfi", "-i", "testsrc=size=640x360:rate=25:duration=10", "-f", "null", "-"]
    run_ffmpeg(endless, duration=10, on_progress=look_at_it)
    assert any(told)
    assert not [each for each in told if b"k3ptquiet" in each]
