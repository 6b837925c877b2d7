"""How far a download is, and its limit."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lib.errors import LinkTooLarge
from lib.ytdlp.wording import megabytes

PROGRESS_SPACING = 0.2  # seconds between two reports
PIECE_BYTES = 300_000_000
"""What a piece of a stream may have: yt-dlp takes each into memory as a whole. Honest ones have a few megabytes."""


@dataclass(frozen=True, slots=True)
class DownloadProgress:
    """How far a download is. ``fraction`` runs from 0 to 1 and is None where the whole size is not known."""

    fraction: float | None
    downloaded_bytes: int
    total_bytes: int | None
    bytes_per_second: float | None
    seconds_left: float | None


OnProgress = Callable[[DownloadProgress], None]


class Meter:
    """yt-dlp's progress hook: adds up the files of one download, reports a few times a second, holds the limit."""

    def __init__(self, on_progress: OnProgress | None, max_bytes: int) -> None:
        self._on_progress = on_progress
        self._max_bytes = max_bytes
        self._expected: int | None = None
        self._sizes: dict[str, int] = {}
        self._reported = 0.0
        self._piece: tuple[object, int] = (None, 0)

    def expect(self, size_bytes: int | None) -> None:
        self._expected = size_bytes

    def __call__(self, status: dict[str, Any]) -> None:
        info = status.get("info_dict") or {}
        part = str(info.get("format_id"))
        self._sizes[part] = int(status.get("downloaded_bytes") or status.get("total_bytes") or 0)
        done = sum(self._sizes.values())
        total = status.get("total_bytes")
        if done > self._max_bytes or (total and total > self._max_bytes):
            raise LinkTooLarge(f"The download is larger than the limit of {megabytes(self._max_bytes)}.")
        self._weigh_piece(status.get("fragment_index"), done)
        now = time.monotonic()
        if now - self._reported < PROGRESS_SPACING:
            return
        self._reported = now
        whole = self._expected or (len(self._sizes) == 1 and (total or status.get("total_bytes_estimate"))) or None
        speed = status.get("speed")
        whole_bytes = int(whole) if whole else None
        self._report(done, whole_bytes, speed)

    def _weigh_piece(self, number: object, done: int) -> None:
        if number != self._piece[0]:
            self._piece = (number, done)
        if number is not None and done - self._piece[1] > PIECE_BYTES:
            raise LinkTooLarge(f"A piece of this stream is larger than {megabytes(PIECE_BYTES)}.")

    def finish(self, size_bytes: int) -> None:
        self._report(size_bytes, size_bytes, None)

    def _report(self, done: int, whole: int | None, speed: float | None) -> None:
        if self._on_progress is None:
            return
        left = (whole - done) / speed if whole and speed and whole >= done else None
        fraction = min(1.0, done / whole) if whole else None
        self._on_progress(DownloadProgress(fraction, done, whole, speed, left))
