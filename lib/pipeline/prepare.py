"""Prepare: the bytes of one part, as they will be sent. The same recipe is made once, for any number of models."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from lib.domain.excerpt import Excerpt
from lib.domain.media import MediaAsset, Rendition
from lib.domain.plan import Quality, Route
from lib.domain.run import digest
from lib.errors import MediaError
from lib.media.cut import cut
from lib.media.encode import SPEECH, VISUAL, encode_audio, encode_key_frames, encode_video
from lib.pipeline.tools import Tools

log = logging.getLogger(__name__)

RECIPE_VERSION = 2
"""Raise it when an encoder's output changes: what was made by an older recipe is then not used again."""
RECIPES = {Quality.SPEECH: SPEECH, Quality.VISUAL: VISUAL}
_CORES = os.cpu_count() or 2
_ENCODERS = threading.Semaphore(_CORES)
"""Parts are encoded side by side, a core each: one after the other, the cores wait for each other."""
_SUFFIXES = {"audio/mpeg": ".mp3", "video/mp4": ".mp4", "video/webm": ".webm", "video/quicktime": ".mov"}


@dataclass(frozen=True, slots=True)
class Recipe:
    """How an excerpt is made ready: everything that shapes the bytes but the excerpt itself.

    ``is_alone`` gives the encoder every core; parts that are made side by side take one each.
    """

    route: Route
    quality: Quality
    limit_bytes: int
    is_alone: bool = True


def prepare(
    asset: MediaAsset, excerpt: Excerpt, recipe: Recipe, tools: Tools, on_progress: Callable[[float], None]
) -> Rendition:
    """The rendition of an excerpt, made now or found. ``on_progress`` gets 0 to 1 and may raise to stop at once.

    Its ``start`` is where its clock stands at zero: a cut without re-encoding begins at a key frame before the clip.
    """
    if recipe.route is Route.AS_IS:
        return _untouched(asset)
    if recipe.route is Route.CUT:
        try:
            cut_out = _made(asset, excerpt, recipe, tools, on_progress)
        except MediaError as exc:
            log.info("asset %s cannot be cut as it is: %s", asset.id[:12], exc)
        else:
            if cut_out.size_bytes <= recipe.limit_bytes:
                return cut_out
        # Bit rates vary: the average was under the limit, this stretch is not.
        recipe = replace(recipe, route=Route.VIDEO)
    return _made(asset, excerpt, recipe, tools, on_progress)


def prepared_before(asset: MediaAsset, excerpt: Excerpt, recipe: Recipe, tools: Tools) -> Rendition | None:
    """What ``prepare`` gives for this, if that was made once; nothing is made now."""
    if recipe.route is Route.AS_IS:
        return _untouched(asset)
    return tools.store.assets.rendition(_rendition_id(asset, excerpt, recipe))


def _untouched(asset: MediaAsset) -> Rendition:
    return Rendition(asset.id, asset.media_type, asset.size_bytes, 0.0, asset.duration, asset.id)


def _made(
    asset: MediaAsset, excerpt: Excerpt, recipe: Recipe, tools: Tools, on_progress: Callable[[float], None]
) -> Rendition:
    name = _rendition_id(asset, excerpt, recipe)
    with tools.locks.hold(name, lambda: on_progress(0.0)):
        found = tools.store.assets.rendition(name)
        if found is None or not rendition_file(found, tools).exists():
            found = _make(name, asset, excerpt, recipe, tools, on_progress)
            tools.store.assets.keep_rendition(found, asset.id)
    return found


def _rendition_id(asset: MediaAsset, excerpt: Excerpt, recipe: Recipe) -> str:
    return digest(
        asset=asset.id,
        start=excerpt.start,
        end=excerpt.end,
        route=recipe.route,
        quality=recipe.quality,
        limit=recipe.limit_bytes,
        version=RECIPE_VERSION,
        **track_of(asset),
        **({"stretches": [(each.start, each.end) for each in excerpt.stretches]} if excerpt.is_joined else {}),
    )


def track_of(asset: MediaAsset) -> dict[str, int]:
    """What a digest says of the track that is heard: nothing of the first, so that what was kept before is found."""
    return {"track": asset.sound_index} if asset.sound_index else {}


def rendition_file(rendition: Rendition, tools: Tools) -> Path:
    """Where a rendition's bytes are."""
    if rendition.asset_id is not None:
        return tools.files.path(rendition.asset_id)
    return tools.files.rendition_path(rendition.id, _SUFFIXES[rendition.media_type])


def _make(
    name: str, asset: MediaAsset, excerpt: Excerpt, recipe: Recipe, tools: Tools, on_progress: Callable[[float], None]
) -> Rendition:
    media_type = {Route.AUDIO: "audio/mpeg", Route.CUT: asset.media_type}.get(recipe.route, "video/mp4")
    while not _ENCODERS.acquire(timeout=0.5):
        on_progress(0.0)
    try:
        with tools.files.temporary(_SUFFIXES[media_type]) as fresh:
            start, size_bytes = _encode(tools.files.path(asset.id), fresh, asset, excerpt, recipe, on_progress)
            tools.files.keep_rendition(fresh, name, fresh.suffix)
    finally:
        _ENCODERS.release()
    return Rendition(name, media_type, size_bytes, start, excerpt.end)


def _encode(
    source: Path,
    target: Path,
    asset: MediaAsset,
    excerpt: Excerpt,
    recipe: Recipe,
    on_progress: Callable[[float], None],
) -> tuple[float, int]:
    if recipe.route is Route.CUT:
        stretch = excerpt.span
        result = cut(source, target, start=stretch.start, end=stretch.end, asset=asset, on_progress=on_progress)
        return result.start, result.size_bytes
    common = {"excerpt": excerpt, "asset": asset, "limit_bytes": recipe.limit_bytes, "on_progress": on_progress}
    if recipe.route is Route.AUDIO:
        return excerpt.start, encode_audio(source, target, **common)
    encode = encode_key_frames if recipe.route is Route.KEY_FRAMES else encode_video
    threads = None if recipe.is_alone else 1
    return excerpt.start, encode(source, target, **common, recipe=RECIPES[recipe.quality], threads=threads)
