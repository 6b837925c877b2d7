"""How large a rendition gets: one set of figures for those who plan it and those who make it.

Measured on 120 s of 1080p footage with speech: one frame a second at 640 px wide (x264 veryfast, CRF 30) with mono
sound comes to 1.9 MB, some 127 kbit/s. Stiller pictures take far less; an estimate is meant to be kept below.
From key frames alone 1, 3 and 5 s apart the same pictures take 113, 83 and 64 kbit/s.
"""

from __future__ import annotations

from dataclasses import dataclass

AUDIO_BIT_RATE = 32_000
"""Mono AAC beside pictures: speech stays clear."""
AUDIO_FLOOR_BIT_RATE = 24_000
VIDEO_BIT_RATE = 95_000
"""What the pictures take at one frame a second when nothing holds them back."""
VIDEO_FLOOR_BIT_RATE = 24_000
"""3 kB a frame: below, faces and slides turn to mush."""
VISUAL_BIT_RATE = 300_000
"""The same at 960 px and CRF 26, for what is written on a screen."""
VISUAL_FLOOR_BIT_RATE = 64_000
"""8 kB a frame: below, small print cannot be read."""
AUDIO_ALONE_BIT_RATES = (48_000, 32_000, 24_000)
"""Mono mp3, best first."""

MARGIN = 0.97
"""The share of a limit that is aimed at; bit rates are kept on average, not to the byte."""
_MUXING_BIT_RATE = 2_000
"""What mp4 spends on telling where each frame lies."""
_HEAD_BYTES = 8_192


@dataclass(frozen=True, slots=True)
class BitRates:
    """In bits per second. ``video`` is a ceiling."""

    video: int
    audio: int


def video_bit_rates(
    duration: float,
    has_sound: bool,
    limit_bytes: int,
    *,
    audio_bit_rate: int = AUDIO_BIT_RATE,
    floor: int = VIDEO_FLOOR_BIT_RATE,
) -> BitRates | None:
    """The most that pictures and sound may take so that the whole fits; None when even the floor does not."""
    whole = (limit_bytes * MARGIN - _HEAD_BYTES) * 8 / duration - _MUXING_BIT_RATE
    for audio in (audio_bit_rate, min(audio_bit_rate, AUDIO_FLOOR_BIT_RATE)) if has_sound else (0,):
        if whole - audio >= floor:
            return BitRates(video=int(whole - audio), audio=audio)
    return None


def estimate_video_bytes(
    duration: float,
    has_sound: bool,
    limit_bytes: int,
    *,
    is_visual: bool = False,
    key_frame_spacing: float | None = None,
) -> int | None:
    """The likely size of a stretch re-encoded at one frame a second, never above the limit; None: cannot be made to
    fit. With a ``key_frame_spacing``, in seconds, from key frames alone. Belongs to ``lib.media.encode.encode_video``
    and ``encode_key_frames``, ``is_visual`` to its recipe VISUAL."""
    floor = VISUAL_FLOOR_BIT_RATE if is_visual else VIDEO_FLOOR_BIT_RATE
    rates = video_bit_rates(duration, has_sound, limit_bytes, floor=floor)
    if rates is None:
        return None
    pictures = VISUAL_BIT_RATE if is_visual else VIDEO_BIT_RATE
    if key_frame_spacing is not None:
        # A picture that is held costs little, and the next one the more: see the figures above.
        pictures = int(pictures / (1 + max(0.0, key_frame_spacing - 1) / 6))
    bit_rate = min(rates.video, pictures) + rates.audio + _MUXING_BIT_RATE
    return min(limit_bytes, int(bit_rate * duration / 8) + _HEAD_BYTES)


def audio_bit_rate(duration: float, limit_bytes: int) -> int | None:
    """The best bit rate for sound alone that fits; None when none does."""
    return next((rate for rate in AUDIO_ALONE_BIT_RATES if _audio_bytes(duration, rate) <= limit_bytes), None)


def estimate_audio_bytes(duration: float, limit_bytes: int) -> int | None:
    """The size of a stretch as mono mp3 at the best bit rate that fits, to a few kilobytes; None: cannot be made to
    fit. Belongs to ``lib.media.encode.encode_audio``."""
    rate = audio_bit_rate(duration, limit_bytes)
    return None if rate is None else _audio_bytes(duration, rate)


def _audio_bytes(duration: float, bit_rate: int) -> int:
    # Two frames of padding and one that tells the length, 144 ms in all at most, and the tag at the head.
    return int((duration + 0.3) * bit_rate / 8) + 1024
