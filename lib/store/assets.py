"""Media assets: what a probe found, kept so that a file is probed once."""

from __future__ import annotations

from sqlalchemy import Engine, select

from lib.domain.media import MediaAsset
from lib.store.records import from_json, to_json
from lib.store.rows import now, put, transaction
from lib.store.tables import asset


class Assets:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def keep(self, record: MediaAsset) -> None:
        put(self._engine, asset, id=record.id, record=to_json(record), created=now())

    def get(self, asset_id: str) -> MediaAsset | None:
        with transaction(self._engine) as connection:
            text = connection.scalar(select(asset.c.record).where(asset.c.id == asset_id))
        return from_json(MediaAsset, text) if text else None
