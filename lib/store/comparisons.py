"""Comparisons with their columns, and the votes of blind judging."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, Row, delete, func, insert, select, update

from lib.domain.comparison import Comparison, Pick, Reference
from lib.domain.ranking import Verdict, Vote
from lib.store.records import from_json, to_json
from lib.store.rows import now, put, transaction
from lib.store.tables import comparison, comparison_run, vote

Picks = tuple[Pick, ...]
_MIRRORED = {Verdict.LEFT: Verdict.RIGHT, Verdict.RIGHT: Verdict.LEFT}
"""A pair is kept in one order, so that a second vote on it replaces the first."""


@dataclass(frozen=True, slots=True)
class KeptVote:
    """A vote, with the comparison and the task that it was cast on."""

    vote: Vote
    comparison_id: str
    task: str
    created: datetime


class Comparisons:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, comparison_id: str, title: str) -> None:
        """Write down a comparison that has no columns yet."""
        values = {"id": comparison_id, "created": now(), "title": title, "picks": to_json((), Picks)}
        with transaction(self._engine) as connection:
            connection.execute(insert(comparison).values(**values))

    def add_run(self, comparison_id: str, run_id: str) -> None:
        """Put a run into a column of its own, behind the others; a run that is there already stays where it is."""
        with transaction(self._engine) as connection:
            add_column(connection, comparison_id, run_id)

    def remove_run(self, comparison_id: str, run_id: str) -> None:
        """Take a column away; the run itself stays."""
        where = (comparison_run.c.comparison_id == comparison_id, comparison_run.c.run_id == run_id)
        with transaction(self._engine) as connection:
            connection.execute(delete(comparison_run).where(*where))

    def remove(self, comparison_id: str) -> None:
        """Forget a comparison; its runs and the votes that it brought stay."""
        with transaction(self._engine) as connection:
            connection.execute(delete(comparison_run).where(comparison_run.c.comparison_id == comparison_id))
            connection.execute(delete(comparison).where(comparison.c.id == comparison_id))

    def get(self, comparison_id: str) -> Comparison | None:
        with transaction(self._engine) as connection:
            row = connection.execute(select(comparison).where(comparison.c.id == comparison_id)).first()
            return _read(row, _runs_of(connection, [row.id])[row.id]) if row else None

    def newest(self, limit: int) -> list[Comparison]:
        rows = select(comparison).order_by(comparison.c.created.desc(), comparison.c.id).limit(limit)
        with transaction(self._engine) as connection:
            found = connection.execute(rows).all()
            runs = _runs_of(connection, [row.id for row in found])
        return [_read(row, runs[row.id]) for row in found]

    def first_of(self, run_ids: Sequence[str]) -> dict[str, str]:
        """For each of these runs that is a column, the first comparison that it was put into."""
        rows = (
            select(comparison_run.c.run_id, comparison.c.id)
            .join(comparison, comparison.c.id == comparison_run.c.comparison_id)
            .where(comparison_run.c.run_id.in_(run_ids))
            .order_by(comparison.c.created.desc())
        )
        with transaction(self._engine) as connection:
            return {row.run_id: row.id for row in connection.execute(rows)}

    def set_reference(self, comparison_id: str, reference: Reference | None) -> None:
        self._set(comparison_id, reference=None if reference is None else to_json(reference))

    def set_picks(self, comparison_id: str, picks: Picks) -> None:
        self._set(comparison_id, picks=to_json(picks, Picks))

    def cast(self, comparison_id: str, task: str, record: Vote) -> None:
        """Keep a vote; a later one on the same two models in the same comparison takes its place."""
        if record.left > record.right:
            record = Vote(record.right, record.left, _MIRRORED.get(record.verdict, record.verdict))
        put(
            self._engine,
            vote,
            comparison_id=comparison_id,
            one=record.left,
            other=record.right,
            verdict=record.verdict,
            task=task,
            created=now(),
        )

    def votes(self) -> list[KeptVote]:
        """Every vote ever cast, oldest first."""
        with transaction(self._engine) as connection:
            rows = connection.execute(select(vote).order_by(vote.c.created, vote.c.one, vote.c.other)).all()
        return [
            KeptVote(
                Vote(row.one, row.other, Verdict(row.verdict)),
                row.comparison_id,
                row.task,
                datetime.fromisoformat(row.created),
            )
            for row in rows
        ]

    def _set(self, comparison_id: str, **values: object) -> None:
        with transaction(self._engine) as connection:
            connection.execute(update(comparison).where(comparison.c.id == comparison_id).values(**values))


def add_column(connection: Connection, comparison_id: str, run_id: str) -> None:
    """Put a run behind the other columns, unless it is there already, as a part of a transaction that is going on."""
    of_this = comparison_run.c.comparison_id == comparison_id
    last = connection.scalar(select(func.max(comparison_run.c.position)).where(of_this))
    is_there = connection.scalar(select(comparison_run.c.run_id).where(of_this, comparison_run.c.run_id == run_id))
    if is_there is None:
        values = {"comparison_id": comparison_id, "run_id": run_id, "position": 0 if last is None else last + 1}
        connection.execute(insert(comparison_run).values(**values))


def set_merged(connection: Connection, comparison_id: str, run_id: str) -> None:
    """Let a run be the best of all of a comparison, as a part of a transaction that is going on."""
    connection.execute(update(comparison).where(comparison.c.id == comparison_id).values(merged_run_id=run_id))


def _runs_of(connection: Connection, comparison_ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    rows = connection.execute(
        select(comparison_run)
        .where(comparison_run.c.comparison_id.in_(comparison_ids))
        .order_by(comparison_run.c.comparison_id, comparison_run.c.position)
    ).all()
    return {each: tuple(row.run_id for row in rows if row.comparison_id == each) for each in comparison_ids}


def _read(row: Row, run_ids: tuple[str, ...]) -> Comparison:
    return Comparison(
        id=row.id,
        title=row.title,
        created=datetime.fromisoformat(row.created),
        run_ids=run_ids,
        reference=from_json(Reference, row.reference) if row.reference else None,
        picks=from_json(Picks, row.picks),
        merged_run_id=row.merged_run_id,
    )
