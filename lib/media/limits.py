"""How much a file may ask of this machine: a few kilobytes can unpack to days of sound, or to walls of pictures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MediaLimits:
    """``seconds`` is how long a file may play, ``pixels`` how large one picture may be, ``streams`` how many tracks it
    may have. ``memory_bytes`` is what one ffmpeg may take, ``probe_memory_bytes`` what looking into a file may, within
    ``probe_seconds``; ``output_bytes`` is the largest file that ffmpeg may write.

    Honest media stay far below: a film in 8K has pictures of 35 million pixels, and 4K takes ffmpeg some 600 MB.
    """

    seconds: float = 24 * 3600.0
    pixels: int = 36_000_000
    streams: int = 128
    memory_bytes: int = 4_000_000_000
    output_bytes: int = 20_000_000_000
    probe_memory_bytes: int = 1_000_000_000
    probe_seconds: float = 60.0

    def __post_init__(self) -> None:
        if min(self.seconds, self.pixels, self.streams, self.memory_bytes, self.output_bytes, self.probe_seconds) <= 0:
            raise ValueError("a limit is more than nothing")

    @property
    def hours_words(self) -> str:
        return f"{self.seconds / 3600:g} hours"

    @property
    def pixels_words(self) -> str:
        return f"{self.pixels / 1_000_000:g} million pixels"


_held = [MediaLimits()]


def limits() -> MediaLimits:
    """The limits of this process."""
    return _held[0]


def hold_to(chosen: MediaLimits) -> None:
    """Let these be the limits of this process from now on: the wiring says so once, with the operator's settings."""
    _held[0] = chosen
