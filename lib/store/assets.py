"""Media assets: what a probe found, kept so that a file is probed once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, select

from lib.domain.media import MediaAsset
from lib.store.records import from_json, to_json
from lib.store.rows import now, put, transaction
from lib.store.tables import asset, link


class Assets:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def keep(self, record: MediaAsset) -> None:
        put(self._engine, asset, id=record.id, record=to_json(record), created=now())

    def get(self, asset_id: str) -> MediaAsset | None:
        with transaction(self._engine) as connection:
            text = connection.scalar(select(asset.c.record).where(asset.c.id == asset_id))
        return from_json(MediaAsset, text) if text else None

    def remember_link(self, link_key: str, asset_id: str) -> None:
        """Write down which asset a link gave just now."""
        put(self._engine, link, key=link_key, asset_id=asset_id, fetched=now())

    def of_link(self, link_key: str, *, hours: float) -> str | None:
        """The asset that a link gave within the last ``hours``."""
        oldest = (datetime.now(UTC) - timedelta(hours=hours)).isoformat(timespec="milliseconds")
        wanted = select(link.c.asset_id).where(link.c.key == link_key, link.c.fetched >= oldest)
        with transaction(self._engine) as connection:
            return connection.scalar(wanted)
