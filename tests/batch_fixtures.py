"""Videos that differ, silent and broken ones among them, for what is done with many at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import run_ffmpeg

MakeVideo = Callable[..., Path]


@pytest.fixture
def make_video(short_talking_video, tmp_path) -> MakeVideo:
    """Makes ten seconds of a talking video whose bytes are those of no other name; without sound where it is asked."""

    def make(name: str, *, is_silent: bool = False) -> Path:
        path = tmp_path / "videos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        kept = ("-an", "-c:v", "copy") if is_silent else ("-c", "copy")
        run_ffmpeg("-i", short_talking_video, *kept, "-metadata", f"title={name}", path)
        return path

    return make


@pytest.fixture
def broken_file(tmp_path) -> Path:
    """A file with a video's ending that holds text."""
    path = tmp_path / "videos" / "broken.mp4"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("this is no video\n" * 50)
    return path
