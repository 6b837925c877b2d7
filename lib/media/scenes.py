"""Scene changes: the moments at which other things are seen, found by looking at key frames alone where that serves.

Most encoders put a key frame where the picture changes, so little is missed by it. Of 29 s of street, car and cartoon,
joined, with the thirteen cuts that ffmpeg's scdet finds in all of their pictures, all are found here and nothing else
(two of them, a third of a second apart, as one).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from lib.domain.proposals import SceneChange
from lib.media.key_frames import pictures_of
from lib.media.probe import opened

if TYPE_CHECKING:
    import numpy as np

_SMALL = (64, 36)
"""Pixels in which a picture is compared with the next."""
_GRID = 4
_SHADES = 8
_STRONG, _WEAK = 0.28, 0.08
"""A difference that is a change in any film, and one that is none in the stillest."""
_UNUSUAL = 4.0
"""So many times the usual difference is a change: a slide among slides, where little moves."""
_CLOSEST = 1.0
"""Seconds within which two changes are one: a flash, a fade."""
_STEP = 0.5
"""Seconds between two pictures that are compared where every one is decoded."""


def scene_changes(
    path: Path, *, every_picture: bool = False, on_progress: Callable[[float], None] | None = None
) -> tuple[SceneChange, ...]:
    """Where other things are seen than just before, on the file's clock, to the next key frame; none without pictures.

    ``every_picture`` looks at all of them, half a second apart, as slowly as they are decoded: for files whose key
    frames stand far apart, and not where the picture changes. ``on_progress`` is given the share done; what it raises
    ends the work and comes through. A damaged file is looked at as far as it goes. Raises what ``opened`` raises.
    """
    differences: list[SceneChange] = []
    before = None
    for time, share, picture in _pictures(path, every_picture):
        if on_progress is not None:
            on_progress(share)
        shades = _shades(picture)
        if before is not None:
            differences.append(SceneChange(time, _difference(before, shades)))
        before = shades
    if not differences:
        return ()
    usual = median(each.strength for each in differences)
    floor = min(max(_UNUSUAL * usual, _WEAK), _STRONG)
    return _parted(each for each in differences if each.strength >= floor)


def _pictures(path: Path, every_picture: bool) -> Iterator[tuple[float, float, np.ndarray]]:
    """Each key frame's time, how far the reading is, and a small picture of it; or those of half seconds."""
    import av

    with opened(path) as container:
        stream = pictures_of(container)
        if stream is None:
            return
        if every_picture:
            stream.thread_type = "AUTO"
        else:
            stream.codec_context.skip_frame = "NONKEY"
        zero = (container.start_time or 0) / 1_000_000
        length = (container.duration or 0) / 1_000_000
        due = 0.0
        with suppress(av.error.FFmpegError):
            for frame in container.decode(stream):
                time = None if frame.time is None else max(0.0, frame.time - zero)
                if time is None or (every_picture and time < due):
                    continue
                due = time + _STEP
                small = frame.reformat(*_SMALL, format="rgb24").to_ndarray()
                yield time, min(1.0, time / length) if length else 0.0, small


def _shades(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How much of each colour is in the picture, and of each shade in each of its fields."""
    import numpy as np

    coarse = (picture >> 5).astype(np.int64)
    colours = coarse[..., 0] * _SHADES * _SHADES + coarse[..., 1] * _SHADES + coarse[..., 2]
    whole = np.bincount(colours.ravel(), minlength=_SHADES**3) / colours.size
    height, width = picture.shape[0] // _GRID, picture.shape[1] // _GRID
    rows = np.arange(picture.shape[0])[:, None, None] // height
    columns = np.arange(picture.shape[1])[None, :, None] // width
    field = ((rows * _GRID + columns) * 3 + np.arange(3)) * _SHADES + coarse
    fields = np.bincount(field.ravel(), minlength=_GRID * _GRID * 3 * _SHADES) / (3 * colours.size)
    return whole, fields


def _difference(one: tuple[np.ndarray, np.ndarray], other: tuple[np.ndarray, np.ndarray]) -> float:
    """From 0 to 1. Colours alone miss a turned camera, and fields alone take each step of a passer-by for a scene."""
    return float(sum(abs(a - b).sum() / 2 for a, b in zip(one, other, strict=True)) / 2)


def _parted(changes: Iterator[SceneChange]) -> tuple[SceneChange, ...]:
    """Of changes close together the strongest."""
    found: list[SceneChange] = []
    for each in changes:
        if found and each.time - found[-1].time < _CLOSEST:
            found[-1] = max(found[-1], each, key=lambda change: change.strength)
        else:
            found.append(each)
    return tuple(found)
