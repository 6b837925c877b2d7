"""Answers by the digest of their question: the same question is never paid for twice."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, Engine, select

from lib.domain.run import Generation
from lib.errors import Cancelled
from lib.store.records import from_json, to_json
from lib.store.rows import now, put_with, transaction
from lib.store.tables import exchange, generation, run


@dataclass(frozen=True, slots=True)
class Measured:
    """What a model's own past calls tell, each the median over its last calls; None where nothing is known.

    Prompt tokens are a second of clip, sent as pictures (with their sound) or as sound alone.
    """

    video_tokens_per_second: float | None = None
    audio_tokens_per_second: float | None = None
    wall_seconds_per_second: float | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer we hold, and the run that paid for it."""

    generation: Generation
    paid_by: str


class Generations:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def keep(self, digest: str, record: Generation, *, clip_seconds: float, paid_by: str) -> None:
        """Keep an answer under its question's digest; ``paid_by`` is the run, or the question of a conversation, that
        asked. Raises Cancelled where that was deleted meanwhile: then nothing is kept."""
        with transaction(self._engine) as connection:
            put_with(
                connection,
                generation,
                digest=digest,
                model_id=record.model_id,
                record=to_json(record),
                clip_seconds=clip_seconds,
                paid_by=paid_by,
                created=now(),
            )
            # Written first: from here on nobody else can delete before this is kept whole, or not at all.
            if not _is_there(connection, paid_by):
                raise Cancelled("What asked for this answer was deleted.")

    def get(self, digest: str) -> Kept | None:
        wanted = select(generation.c.record, generation.c.paid_by).where(generation.c.digest == digest)
        with transaction(self._engine) as connection:
            row = connection.execute(wanted).first()
        return Kept(from_json(Generation, row.record), row.paid_by) if row else None

    def measured(self, model_id: str, *, last: int = 20) -> Measured:
        """How many prompt tokens, and how much waiting, a second of clip took with this model so far."""
        rows = (
            select(generation.c.record, generation.c.clip_seconds)
            .where(generation.c.model_id == model_id, generation.c.clip_seconds >= 1)
            .order_by(generation.c.created.desc())
            .limit(last)
        )
        with transaction(self._engine) as connection:
            calls = [(from_json(Generation, text), seconds) for text, seconds in connection.execute(rows)]
        waits = [call.seconds / seconds for call, seconds in calls if call.seconds]
        return Measured(_token_rate(calls, "video"), _token_rate(calls, "audio"), _median(waits))


def _is_there(connection: Connection, owner: str) -> bool:
    owners = (select(table.c.id).where(table.c.id == owner).with_for_update(read=True) for table in (run, exchange))
    return any(connection.scalar(each) is not None for each in owners)


def _token_rate(calls: list[tuple[Generation, float]], sent: str) -> float | None:
    known = [(call.usage.prompt_tokens, seconds) for call, seconds in calls if call.sent == sent]
    return _median([tokens / seconds for tokens, seconds in known if tokens])


def _median(values: list[float]) -> float | None:
    return sorted(values)[len(values) // 2] if values else None
