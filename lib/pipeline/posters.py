"""Posters: a small picture of each video, made when it is first wanted and kept with what was made for sending."""

from __future__ import annotations

import logging
from pathlib import Path

from lib.domain.media import MediaAsset, Rendition
from lib.domain.run import digest
from lib.errors import CuewiseError
from lib.media.poster import make_poster
from lib.pipeline.tools import Tools

log = logging.getLogger(__name__)

POSTER_VERSION = 1
"""Raise it when posters are to look otherwise."""


class Posters:
    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._impossible: set[str] = set()

    def get(self, asset_id: str) -> Path | None:
        """The file of an asset's poster; None for sound alone, and for what cannot be shown or is not here."""
        asset = self._tools.store.assets.get(asset_id)
        if asset is None or not asset.has_picture or asset_id in self._impossible:
            return None
        name = digest(poster_of=asset_id, version=POSTER_VERSION)
        with self._tools.locks.hold(name):
            if path := self._tools.files.rendition(name, ".jpg"):
                return path
            source = self._tools.files.path(asset_id)
            if source is None:
                return None
            try:
                return self._make(name, source, asset)
            except CuewiseError as exc:
                log.info("asset %s has no poster: %s", asset_id[:12], exc)
                self._impossible.add(asset_id)
                return None

    def _make(self, name: str, source: Path, asset: MediaAsset) -> Path:
        with self._tools.files.temporary(".jpg") as fresh:
            size_bytes = make_poster(source, fresh, asset)
            path = self._tools.files.keep_rendition(fresh, name, ".jpg", share=True)
        self._tools.store.assets.keep_rendition(Rendition(name, "image/jpeg", size_bytes, 0.0, 0.0), asset.id)
        return path
