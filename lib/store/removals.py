"""Deleting: a run or a video with all that is kept of it, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, Engine, delete, exists, func, or_, select, update

from lib.domain.run import UNFINISHED
from lib.store.conversations import remove_conversations
from lib.store.records import from_json
from lib.store.rows import transaction
from lib.store.runs import Answers
from lib.store.spending import keep_costs
from lib.store.tables import (
    asset,
    batch,
    batch_item,
    captioned_copy,
    comparison,
    comparison_run,
    conversation_run,
    exchange,
    generation,
    part,
    rendition,
    run,
    tag,
    transcript,
)


class Removals:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def attempts(self, run_ids: Sequence[str]) -> dict[str, int]:
        """The number of the attempt that counts, for each of these runs that there is."""
        with transaction(self._engine) as connection:
            rows = connection.execute(select(run.c.id, run.c.attempt).where(run.c.id.in_(run_ids)))
            return {row.id: row.attempt for row in rows}

    def copies_of(self, run_ids: Sequence[str]) -> dict[str, int]:
        """The captioned copies of these runs, each with the number of its attempt."""
        with transaction(self._engine) as connection:
            rows = connection.execute(
                select(captioned_copy.c.id, captioned_copy.c.attempt).where(captioned_copy.c.run_id.in_(run_ids))
            )
            return {row.id: row.attempt for row in rows}

    def exchanges_of(self, run_ids: Sequence[str]) -> dict[str, int]:
        """The questions of all conversations that these runs have a part in, each with the number of its attempt."""
        with transaction(self._engine) as connection:
            mine = exchange.c.conversation_id.in_(_conversations_of(connection, run_ids))
            rows = connection.execute(select(exchange.c.id, exchange.c.attempt).where(mine))
            return {row.id: row.attempt for row in rows}

    def conversations(self, run_ids: Sequence[str]) -> int:
        """How many conversations these runs have a part in."""
        with transaction(self._engine) as connection:
            return len(_conversations_of(connection, run_ids))

    def transcripts(self, run_ids: Sequence[str]) -> int:
        """How many of these runs have a transcript."""
        wanted = select(func.count(transcript.c.run_id.distinct())).where(transcript.c.run_id.in_(run_ids))
        with transaction(self._engine) as connection:
            return connection.scalar(wanted) or 0

    def run(self, run_id: str) -> bool:
        """Delete a run with its parts, transcripts, passages, copies, the answers that no other run needs, the
        conversations that it has a part in, for they say what is said in it, and the comparisons and batches that it
        was the last of.

        False, and nothing is deleted, while it is not over. Its media stays.
        """
        try:
            with transaction(self._engine) as connection:
                _remove_runs(connection, [run_id])
        except _StillGoingOn:
            return False
        return True

    def video(self, video_id: str, asset_ids: Sequence[str]) -> bool:
        """Delete all runs of a video as above, its tags, and these assets with all that is known of them.

        False, and nothing is deleted, while one of the runs is not over.
        """
        try:
            with transaction(self._engine) as connection:
                _remove_runs(connection, connection.scalars(select(run.c.id).where(run.c.video_id == video_id)).all())
                connection.execute(delete(batch_item).where(batch_item.c.video_id == video_id))
                _clear_batches(connection)
                connection.execute(delete(asset).where(asset.c.id.in_(asset_ids)))
        except _StillGoingOn:
            return False
        return True

    def forget_assets(self, asset_ids: Sequence[str]) -> None:
        """Delete what is known of these assets."""
        with transaction(self._engine) as connection:
            connection.execute(delete(asset).where(asset.c.id.in_(asset_ids)))

    def assets_of_video(self, video_id: str) -> list[str]:
        """The assets that nobody needs once the video is gone."""
        mine = select(run.c.asset_id).where(run.c.video_id == video_id, run.c.asset_id.is_not(None))
        others = exists().where(run.c.video_id != video_id, run.c.asset_id == asset.c.id)
        with transaction(self._engine) as connection:
            return list(connection.scalars(select(asset.c.id).where(asset.c.id.in_(mine), ~others)))

    def unneeded_assets(self, before: str) -> list[str]:
        """The assets kept before that moment which no run is about."""
        needed = exists().where(run.c.asset_id == asset.c.id)
        with transaction(self._engine) as connection:
            return list(connection.scalars(select(asset.c.id).where(~needed, asset.c.created < before)))

    def renditions_of(self, asset_ids: Sequence[str]) -> list[str]:
        with transaction(self._engine) as connection:
            return list(connection.scalars(select(rendition.c.id).where(rendition.c.asset_id.in_(asset_ids))))

    def forget_renditions(self) -> None:
        """Delete what is known of every rendition: they are made again when they are wanted."""
        with transaction(self._engine) as connection:
            connection.execute(delete(rendition))


class _StillGoingOn(Exception):
    """Leads out of a transaction, which is then as if it had never been."""


def _remove_runs(connection: Connection, run_ids: Sequence[str]) -> None:
    leaving = run.c.id.in_(run_ids)
    about = connection.execute(select(run.c.video_id, run.c.asset_id).where(leaving)).all()
    video_ids = {row.video_id for row in about}
    keep_costs(connection, run_ids)
    _part_with_answers(connection, run_ids, video_ids, {row.asset_id for row in about} - {None})
    remove_conversations(connection, _conversations_of(connection, run_ids))
    columns = select(comparison_run.c.comparison_id).where(comparison_run.c.run_id.in_(run_ids))
    comparison_ids = connection.scalars(columns).all()
    gone = connection.execute(delete(run).where(leaving, run.c.state.not_in(UNFINISHED))).rowcount
    if gone != len(about):
        raise _StillGoingOn
    is_there = exists().where(run.c.video_id == tag.c.video_id)
    connection.execute(delete(tag).where(tag.c.video_id.in_(video_ids), ~is_there))
    _clear_comparisons(connection, run_ids, comparison_ids)
    _clear_batches(connection)


def _conversations_of(connection: Connection, run_ids: Sequence[str]) -> list[str]:
    mine = conversation_run.c.run_id.in_(run_ids)
    return list(connection.scalars(select(conversation_run.c.conversation_id).where(mine).distinct()))


def _clear_comparisons(connection: Connection, run_ids: Sequence[str], comparison_ids: Sequence[str]) -> None:
    """Without any column a comparison is nothing but its title and its reference: it goes. Votes say nothing of what
    was said, and stay."""
    has_column = exists().where(comparison_run.c.comparison_id == comparison.c.id)
    connection.execute(delete(comparison).where(comparison.c.id.in_(comparison_ids), ~has_column))
    made = comparison.c.merged_run_id.in_(run_ids)
    connection.execute(update(comparison).where(made).values(merged_run_id=None))


def _clear_batches(connection: Connection) -> None:
    """A batch without any of its videos is nothing but a title."""
    has_item = exists().where(batch_item.c.batch_id == batch.c.id)
    connection.execute(delete(batch).where(~has_item))


def _part_with_answers(
    connection: Connection, run_ids: Sequence[str], video_ids: Iterable[str], asset_ids: Iterable[str]
) -> None:
    """Delete the answers that only these runs use; one that another run uses is its own from now on.

    What this machine heard serves every run of the same media, for its times: it goes with the last of them.
    """
    of_the_same = or_(run.c.video_id.in_(video_ids), run.c.asset_id.in_(asset_ids))
    others = list(connection.scalars(select(run.c.id).where(of_the_same, run.c.id.not_in(run_ids))))
    used_by: dict[str, str] = {}
    rows = select(part.c.run_id, part.c.answers).where(part.c.run_id.in_(others), part.c.answers.is_not(None))
    for row in connection.execute(rows):
        used_by |= {answer.digest: row.run_id for answer in from_json(Answers, row.answers)}
    paid = select(generation.c.digest, generation.c.model_id).where(generation.c.paid_by.in_(run_ids))
    for digest, model_id in connection.execute(paid).all():
        heir = used_by.get(digest) or (others[0] if others and model_id.startswith("local/") else None)
        mine = generation.c.digest == digest
        if heir is None:
            connection.execute(delete(generation).where(mine))
        else:
            connection.execute(update(generation).where(mine).values(paid_by=heir))
