"""Media assets: what a probe found, kept so that a file is probed once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, or_, select

from lib.domain.media import Clip, MediaAsset, Rendition
from lib.domain.proposals import SceneChange
from lib.domain.run import RunState
from lib.store.records import from_json, to_json
from lib.store.rows import now, put, transaction
from lib.store.tables import asset, conversation_run, exchange, link, rendition, run, scene, speech
from lib.store.tables import captioned_copy as copy


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

    def total_bytes(self) -> int:
        """What all of them take up together."""
        with transaction(self._engine) as connection:
            return sum(
                from_json(MediaAsset, record).size_bytes for record in connection.scalars(select(asset.c.record))
            )

    def ids(self) -> set[str]:
        """The ids of all assets that are known."""
        with transaction(self._engine) as connection:
            return set(connection.scalars(select(asset.c.id)))

    def at_work(self) -> set[str]:
        """The ids of the assets that a run, a captioned copy or an answer in the making is about."""
        going_on = RunState.RUNNING
        copies = select(copy.c.run_id).where(copy.c.state == going_on)
        asked = select(conversation_run.c.run_id).join(
            exchange, exchange.c.conversation_id == conversation_run.c.conversation_id
        )
        in_use = or_(
            run.c.state == going_on, run.c.id.in_(copies), run.c.id.in_(asked.where(exchange.c.state == going_on))
        )
        with transaction(self._engine) as connection:
            return set(connection.scalars(select(run.c.asset_id).where(in_use, run.c.asset_id.is_not(None))))

    def some(self, asset_ids: Sequence[str]) -> dict[str, MediaAsset]:
        """The assets of these ids that there are, by id."""
        wanted = select(asset.c.record).where(asset.c.id.in_(asset_ids))
        with transaction(self._engine) as connection:
            found = [from_json(MediaAsset, text) for text in connection.scalars(wanted)]
        return {each.id: each for each in found}

    def keep_rendition(self, record: Rendition, asset_id: str) -> None:
        """Write down what a rendition of an asset holds: its file alone does not say where it begins."""
        put(self._engine, rendition, id=record.id, asset_id=asset_id, record=to_json(record))

    def rendition(self, rendition_id: str) -> Rendition | None:
        with transaction(self._engine) as connection:
            text = connection.scalar(select(rendition.c.record).where(rendition.c.id == rendition_id))
        return from_json(Rendition, text) if text else None

    def keep_speech(
        self, asset_id: str, clip: Clip, stretches: Sequence[tuple[float, float]], *, track: int = 0
    ) -> None:
        """Keep where somebody speaks in a clip, on one track of its sound, so that it is listened to once."""
        values = {"asset_id": asset_id, "track": track, "start": clip.start, "end": clip.end}
        put(self._engine, speech, **values, stretches=json.dumps([[round(x, 3) for x in each] for each in stretches]))

    def speech(self, asset_id: str, clip: Clip, *, track: int = 0) -> tuple[tuple[float, float], ...] | None:
        """The stretches kept for exactly this clip and track; None when nobody has listened yet."""
        wanted = select(speech.c.stretches).where(
            speech.c.asset_id == asset_id,
            speech.c.track == track,
            speech.c.start == clip.start,
            speech.c.end == clip.end,
        )
        with transaction(self._engine) as connection:
            text = connection.scalar(wanted)
        return tuple((start, end) for start, end in json.loads(text)) if text else None

    def keep_scenes(self, asset_id: str, changes: tuple[SceneChange, ...]) -> None:
        """Keep where scenes change, so that it is looked at once."""
        put(self._engine, scene, asset_id=asset_id, changes=to_json(changes, tuple[SceneChange, ...]))

    def scenes(self, asset_id: str) -> tuple[SceneChange, ...] | None:
        """None when nobody has looked yet."""
        with transaction(self._engine) as connection:
            text = connection.scalar(select(scene.c.changes).where(scene.c.asset_id == asset_id))
        return from_json(tuple[SceneChange, ...], text) if text else None
