"""Prepare: the bytes of one part, as they will be sent. The same recipe is made once, for any number of models."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

from lib.domain.media import MediaAsset, Rendition
from lib.domain.plan import Part, Plan, Route
from lib.domain.run import digest
from lib.media.encode import encode_audio, encode_video
from lib.pipeline.tools import Tools

RECIPE_VERSION = 1
"""Raise it when an encoder's output changes: what was made by an older recipe is then not used again."""
_ENCODERS = threading.Semaphore(max(1, (os.cpu_count() or 2) // 2))
"""x264 uses every core by itself: more encoders at once only take memory."""


def prepare(
    asset: MediaAsset, plan: Plan, part: Part, limit_bytes: int, tools: Tools, on_progress: Callable[[float], None]
) -> Rendition:
    """The rendition of a part, made now or found. ``on_progress`` gets 0 to 1 and may raise to stop at once."""
    if plan.route is Route.AS_IS:
        return Rendition(asset.id, asset.media_type, asset.size_bytes, part.start, part.end, asset.id)
    is_audio = plan.route is Route.AUDIO
    name = digest(
        asset=asset.id, start=part.start, end=part.end, route=plan.route, limit=limit_bytes, recipe=RECIPE_VERSION
    )
    media_type, suffix = ("audio/mpeg", ".mp3") if is_audio else ("video/mp4", ".mp4")
    target = tools.files.rendition_path(name, suffix)
    with tools.locks.hold(name, lambda: on_progress(0.0)):
        if not target.exists():
            _encode(asset, part, name, target, limit_bytes, tools, on_progress, is_audio=is_audio)
    return Rendition(name, media_type, target.stat().st_size, part.start, part.end)


def rendition_file(rendition: Rendition, tools: Tools) -> Path:
    """Where a rendition's bytes are."""
    if rendition.asset_id is not None:
        return tools.files.path(rendition.asset_id)
    return tools.files.rendition_path(rendition.id, ".mp3" if rendition.media_type == "audio/mpeg" else ".mp4")


def _encode(
    asset: MediaAsset,
    part: Part,
    name: str,
    target: Path,
    limit_bytes: int,
    tools: Tools,
    on_progress: Callable[[float], None],
    *,
    is_audio: bool,
) -> None:
    encode = encode_audio if is_audio else encode_video
    source = tools.files.path(asset.id)
    while not _ENCODERS.acquire(timeout=0.5):
        on_progress(0.0)
    try:
        with tools.files.temporary(target.suffix) as fresh:
            encode(
                source,
                fresh,
                start=part.start,
                end=part.end,
                asset=asset,
                limit_bytes=limit_bytes,
                on_progress=on_progress,
            )
            tools.files.keep_rendition(fresh, name, target.suffix)
    finally:
        _ENCODERS.release()
