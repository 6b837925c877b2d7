"""Encoders for H.264 in this machine's graphics hardware, known to work because each was tried."""

from __future__ import annotations

import functools
import logging
import sys
from dataclasses import dataclass
from pathlib import Path

from lib.errors import CuewiseError
from lib.media.ffmpeg import run_ffmpeg

log = logging.getLogger(__name__)

_RENDERER = Path("/dev/dri/renderD128")
_NVIDIA = Path("/dev/nvidiactl")


@dataclass(frozen=True, slots=True)
class HardwareEncoder:
    """``before`` goes in front of the input; ``upload`` ends the chain of filters."""

    name: str
    before: tuple[str, ...] = ()
    upload: str = ""


@functools.cache
def hardware_encoders() -> tuple[HardwareEncoder, ...]:
    """The encoders that can be used here, best first; none on a machine without. The first call tries them, within
    a second or two, by encoding two pictures; later calls remember."""
    return tuple(encoder for encoder in _candidates() if _works(encoder))


def encoder_arguments(encoder: HardwareEncoder, bit_rate: int) -> list[str]:
    """How pictures are encoded: to a bit rate on average, for no scale of quality is common to all."""
    return ["-c:v", encoder.name, "-b:v", str(bit_rate)]


def _candidates() -> list[HardwareEncoder]:
    """Only what has a device: asking for the others takes time and fills the log."""
    if sys.platform == "darwin":
        return [HardwareEncoder("h264_videotoolbox")]
    is_windows = sys.platform == "win32"
    found = []
    if is_windows or _NVIDIA.exists():
        found.append(HardwareEncoder("h264_nvenc"))
    if is_windows or _RENDERER.exists():
        found.append(HardwareEncoder("h264_qsv", upload=",format=nv12"))
    if _RENDERER.exists():
        found.append(HardwareEncoder("h264_vaapi", ("-vaapi_device", str(_RENDERER)), ",format=nv12,hwupload"))
    return found


def _works(encoder: HardwareEncoder) -> bool:
    pictures = ["-f", "lavfi", "-i", "color=size=640x360:rate=1:duration=2", "-vf", f"format=yuv420p{encoder.upload}"]
    coding = [*encoder_arguments(encoder, 95_000), "-bf", "0", "-g", "60"]
    try:
        run_ffmpeg([*encoder.before, *pictures, *coding, "-f", "null", "-"], duration=2, is_trial=True)
    except CuewiseError:
        return False
    log.info("pictures are encoded by %s", encoder.name)
    return True
