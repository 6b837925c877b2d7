"""Captions in a copy of a video: a track that is read back, or letters in the pictures, on real files."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from lib.domain.transcript import Cue, Transcript
from lib.errors import Cancelled, NoFont, NoPicture
from lib.formats import FORMATS, ExportFacts, ExportOptions
from lib.media.captioning import attach, burn, carrier_of, undrawable
from lib.media.probe import probe
from tests.media_fixtures import H264, PICTURE, SOUND, look, make, pictures, speech

CUES = (
    Cue(0.5, 1.505, "5 < 6 & so on."),
    Cue(2.0, 3.0, "שלום, עולם!"),
    Cue(3.2, 3.9, "Both\nlines"),
)
SAID = ["5 < 6 & so on.", "שלום, עולם!", "Both lines"]
TIMES = [(0.5, 1.505), (2.0, 3.0), (3.2, 3.9)]


@pytest.fixture
def captions(tmp_path):
    """Writes the cues as a file of a format, in a folder whose name is hard on filters."""

    def write(name: str, cues: tuple[Cue, ...] = CUES, size: tuple[int, int] = (320, 180)) -> Path:
        folder = tmp_path / "it's, [a]; b:c \\ d %20 =x"
        folder.mkdir(exist_ok=True)
        path = folder / f"captions.{name}"
        facts = ExportFacts("A talk", "m", picture_size=size)
        path.write_bytes(FORMATS[name].write(Transcript(cues, ""), facts, ExportOptions()))
        return path

    return write


def tracks(path: Path) -> list[tuple[str, dict[str, str], list[tuple[float, float, str]]]]:
    """Of every track of captions: its codec, what is said of it, and its captions with their times."""
    found = []
    with av.open(str(path)) as container:
        for stream in container.streams.subtitles:
            shown = []
            for packet in container.demux(stream):
                if packet.pts is None:
                    continue
                start, length = float(packet.pts * packet.time_base), float(packet.duration * packet.time_base)
                text = " ".join(said.decode().strip() for said in map(_dialogue, packet.decode()) if said)
                if text:
                    shown.append((round(start, 3), round(start + length, 3), " ".join(text.split())))
            found.append((stream.codec_context.name, dict(stream.metadata), shown))
            container.seek(0)
    return found


def _dialogue(subtitle: object) -> bytes:
    return subtitle.dialogue


def streams(path: Path) -> list[tuple[str, bytes]]:
    """The first packets of pictures and sound, to tell whether they were touched."""
    with av.open(str(path)) as container:
        wanted = [stream for stream in container.streams if stream.type in ("video", "audio")]
        firsts: dict[int, tuple[str, bytes]] = {}
        for packet in container.demux(wanted):
            if packet.size and len(firsts) < len(wanted):
                firsts.setdefault(packet.stream.index, (packet.stream.type, bytes(packet)))
        return sorted(firsts.values())


@pytest.mark.parametrize(
    ("name", "coded", "codec"),
    [
        ("talk.mp4", (*H264, "-c:a", "aac"), "mov_text"),
        ("talk.mov", (*H264, "-c:a", "aac"), "mov_text"),
        ("talk.mkv", (*H264, "-c:a", "flac"), "srt"),
        ("talk.webm", ("-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libopus"), "webvtt"),
        ("talk.avi", ("-c:v", "mpeg4", "-c:a", "mp3"), "srt"),
        ("talk.ts", (*H264, "-c:a", "aac"), "srt"),
    ],
)
def test_captions_are_attached_as_a_track(tmp_path, captions, name, coded, codec):
    """In whatever the video is packed: every caption at its time, to the millisecond, in its language, shown at first;
    pictures and sound are those of the original, byte by byte."""
    source = make(tmp_path / name, *PICTURE, *SOUND, *coded)
    asset, carrier = look(source), carrier_of(look(source))
    target = tmp_path / f"copy{carrier.suffix}"
    file = captions(carrier.captions_format)
    seen: list[float] = []
    size = attach(source, target, file, asset=asset, language="he", title="a/b", on_progress=seen.append)
    ((found, about, shown),) = tracks(target)
    assert (found, size, seen[-1]) == (codec, target.stat().st_size, 1.0)
    assert about.get("language") == "heb"
    assert "a/b" in about.values()
    assert [text for *_, text in shown] == SAID
    for (start, end, _), (meant_start, meant_end) in zip(shown, TIMES, strict=True):
        assert abs(start - meant_start) <= 0.001
        assert abs(end - meant_end) <= 0.001
    with av.open(str(target)) as container:
        assert container.streams.subtitles[0].disposition & av.stream.Disposition.default
    copied = probe(target, asset.id, size)
    assert abs(copied.duration - asset.duration) < 0.1
    if asset.container != "mpegts":  # whose packets are wrapped in a way of their own
        assert streams(target) == streams(source)


def test_captions_that_were_there_stay_behind_the_new_ones(tmp_path, captions):
    """A second copy with another model's captions: both are there to choose from, the new one first."""
    source = make(tmp_path / "talk.mp4", *PICTURE, *H264)
    once, twice = tmp_path / "once.mp4", tmp_path / "twice.mp4"
    attach(source, once, captions("vtt", (Cue(0, 1, "old"),)), asset=look(source), language="de", title="old")
    attach(once, twice, captions("vtt"), asset=look(once), language="en", title="new")
    assert [(about["language"], len(shown)) for _, about, shown in tracks(twice)] == [("eng", 3), ("deu", 1)]


def test_sound_that_begins_late_stays_late(tmp_path, captions):
    """Second 0 of the copy is second 0 of the original, for captions and streams alike."""
    late = (*PICTURE, "-itsoffset", "2", *SOUND)
    source = make(tmp_path / "late.mkv", *late, *H264, "-c:a", "flac")
    target = tmp_path / "copy.mkv"
    attach(source, target, captions("srt"), asset=look(source))
    assert abs(look(target).audio[0].start - look(source).audio[0].start) < 0.05
    assert tracks(target)[0][2][0][0] == 0.5


@pytest.mark.parametrize(
    ("name", "coded", "sound"),
    [
        ("talk.mp4", (*H264, "-c:a", "aac"), "aac"),
        ("talk.webm", ("-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libopus"), "aac"),
        ("odd.mkv", ("-vf", "scale=321:181:flags=neighbor", "-c:v", "ffv1", "-c:a", "flac"), "aac"),
    ],
)
def test_burned_captions_are_seen_while_they_are_said(tmp_path, captions, name, coded, sound):
    """The lower third differs from the original while a caption is shown, and nothing differs elsewhere or else."""
    source = make(tmp_path / name, *PICTURE, *SOUND, *coded)
    asset, target = look(source), tmp_path / "copy.mp4"
    size = burn(source, target, captions("ass"), asset=asset)
    copy = probe(target, asset.id, size)
    assert (copy.container, copy.video.codec, copy.audio[0].codec) == ("mp4", "h264", sound)
    assert (copy.video.width, copy.video.height) == (320, 180)
    assert abs(copy.duration - asset.duration) < 0.1
    plain = tmp_path / "plain.mp4"
    burn(source, plain, captions("ass", (Cue(100, 101, "never"),)), asset=asset)
    letters, shows = 0, [any(start + 0.05 < time < end - 0.05 for start, end in TIMES) for time, _ in pictures(plain)]
    pairs = list(zip(pictures(target), pictures(plain), shows, strict=True))
    for (time, picture), (_, without), is_said in pairs:
        edge = any(abs(time - moment) <= 0.05 for stretch in TIMES for moment in stretch)
        changed = np.abs(picture.astype(int) - without.astype(int)) > 60
        third = picture.shape[0] // 3
        assert changed[: -2 * third].mean() < 0.005, f"something differs above at {time}"
        if edge:
            continue
        assert (changed[-third:].sum() > 100) == is_said, f"at {time}: {changed[-third:].sum()} pixels differ"
        letters += is_said
    assert letters > 20


def test_a_video_that_is_watched_upright_has_its_captions_below(tmp_path, captions):
    """Rotation is done before the letters are drawn, and the copy needs none any more."""
    wide = make(tmp_path / "wide.mp4", *PICTURE, *H264)
    upright = make(tmp_path / "upright.mp4", "-display_rotation", "90", "-i", f"file:{wide}", "-c", "copy")
    asset = look(upright)
    assert asset.video.watched_size == (180, 320)
    target = tmp_path / "copy.mp4"
    burn(upright, target, captions("ass", size=asset.video.watched_size), asset=asset)
    copy = look(target)
    assert ((copy.video.width, copy.video.height), copy.video.rotation) == ((180, 320), 0)


def test_sound_alone_has_nothing_to_put_captions_on(tmp_path, captions):
    """The user is told to take the captions as a file."""
    path = speech("beckett.wav")
    asset = look(path)
    for act, name in ((attach, "srt"), (burn, "ass")):
        with pytest.raises(NoPicture) as caught:
            act(path, tmp_path / "copy.mp4", captions(name), asset=asset)
        assert "SRT" in caught.value.hint


def test_burning_stops_at_once(tmp_path, captions):
    """What the progress raises comes through, and ffmpeg has ended."""
    source = make(tmp_path / "talk.mp4", *PICTURE, *H264)

    def stop(share: float) -> None:
        raise Cancelled("stop")

    with pytest.raises(Cancelled):
        burn(source, tmp_path / "copy.mp4", captions("ass"), asset=look(source), on_progress=stop)


def test_letters_that_no_font_has_are_known_before(captions):
    """Latin, Hebrew and Japanese can be drawn on a machine with fonts for them; a script that nobody has is told."""
    assert undrawable(captions("ass", (Cue(0, 1, "Hello, world."),))) == ""
    assert set(undrawable(captions("ass", (Cue(0, 1, "Hello \U00012000\U00012001"),)))) == {"\U00012000", "\U00012001"}


def test_without_any_font_that_is_told(tmp_path, captions, monkeypatch):
    """On a bare system nothing is drawn in silence, and the hint names both ways on."""
    (tmp_path / "none.conf").write_text(
        '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd"><fontconfig></fontconfig>'
    )
    monkeypatch.setenv("FONTCONFIG_FILE", str(tmp_path / "none.conf"))
    with pytest.raises(NoFont, match="no font") as caught:
        undrawable(captions("ass", (Cue(0, 1, "Hello"),)))
    assert "Install a font" in caught.value.hint
    assert "attach" in caught.value.hint
