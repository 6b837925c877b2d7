"""Videos: the runs there are, gathered by what they are about, with their tags."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, Engine, Float, and_, cast, delete, func, select

from lib.domain.library import Choices, Filters
from lib.domain.search import fold
from lib.store.rows import put, transaction
from lib.store.tables import run, tag


class Videos:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def page(self, filters: Filters, title: str, *, limit: int, offset: int) -> tuple[list[str], int]:
        """The ids of the videos with a run that the filters let through and whose title has all these words, newest
        run first: those of one page, and how many there are in all."""
        where = runs_where(filters)
        if title.strip():
            among = run.c.video_id.in_(self._titled(title))
            where = among if where is None else and_(where, among)
        found = select(run.c.video_id, func.max(run.c.created).label("newest")).group_by(run.c.video_id)
        if where is not None:
            found = found.where(where)
        one_page = found.order_by(func.max(run.c.created).desc(), run.c.video_id).limit(limit).offset(offset)
        with transaction(self._engine) as connection:
            count = connection.scalar(select(func.count()).select_from(found.subquery()))
            return [row.video_id for row in connection.execute(one_page)], count or 0

    def choices(self) -> Choices:
        """The models, tasks and tags that there are."""
        with transaction(self._engine) as connection:
            models = connection.scalars(select(run.c.model_id).distinct().order_by(run.c.model_id)).all()
            tasks = connection.scalars(select(run.c.task).distinct().order_by(run.c.task)).all()
        return Choices(tuple(models), tuple(tasks), tuple(name for name, _ in self.tags()))

    def tags(self) -> list[tuple[str, int]]:
        """Every tag, in the order of the alphabet, with the number of its videos."""
        rows = select(tag.c.name, func.count()).group_by(tag.c.name)
        with transaction(self._engine) as connection:
            found = [(name, count) for name, count in connection.execute(rows)]
        return sorted(found, key=lambda each: fold(each[0]))

    def tags_of(self, video_ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
        rows = select(tag).where(tag.c.video_id.in_(video_ids))
        found: dict[str, list[str]] = defaultdict(list)
        with transaction(self._engine) as connection:
            for row in connection.execute(rows):
                found[row.video_id].append(row.name)
        return {video_id: tuple(sorted(names, key=fold)) for video_id, names in found.items()}

    def tag(self, video_id: str, name: str) -> None:
        put(self._engine, tag, video_id=video_id, name=name)

    def untag(self, video_id: str, name: str) -> None:
        with transaction(self._engine) as connection:
            connection.execute(delete(tag).where(tag.c.video_id == video_id, tag.c.name == name))

    def _titled(self, title: str) -> list[str]:
        # Read and compared here: databases fold the letters of English only. Five thousand titles take 10 ms.
        wanted = fold(title).split()
        with transaction(self._engine) as connection:
            rows = connection.execute(select(run.c.video_id, run.c.title).distinct()).all()
        return [row.video_id for row in rows if all(word in fold(row.title) for word in wanted)]


def runs_where(filters: Filters) -> ColumnElement[bool] | None:
    """The filters as a condition on the table of runs; None where they let every run through."""
    conditions: list[ColumnElement[bool]] = []
    equal = ((run.c.model_id, filters.model_id), (run.c.task, filters.task), (run.c.state, filters.state))
    conditions += [column == wanted for column, wanted in equal if wanted is not None]
    if filters.tag is not None:
        conditions.append(run.c.video_id.in_(select(tag.c.video_id).where(tag.c.name == filters.tag)))
    if filters.since is not None:
        conditions.append(run.c.created >= filters.since.isoformat())
    if filters.until is not None:
        conditions.append(run.c.created < (filters.until + timedelta(days=1)).isoformat())
    cost = cast(run.c.cost_usd, Float)
    if filters.least_usd is not None:
        conditions.append(cost >= float(filters.least_usd))
    if filters.most_usd is not None:
        conditions.append(cost <= float(filters.most_usd))
    return and_(*conditions) if conditions else None
