"""What runs and conversations really cost, month by month, deleted ones included."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from decimal import Decimal

from sqlalchemy import ColumnElement, Connection, Engine, func, select

from lib.domain.library import Month
from lib.store.rows import put_with, transaction
from lib.store.tables import exchange, part, run, spent


class Spending:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def by_month(self) -> list[Month]:
        """The months in which something was spent, the earliest first, by the day on which it was asked for."""
        total: dict[str, Decimal] = defaultdict(Decimal)
        with transaction(self._engine) as connection:
            for month, _, usd in (*_costs(connection), *_exchange_costs(connection)):
                total[month] += usd
            for row in connection.execute(select(spent)):
                total[row.month] += Decimal(row.cost_usd)
        return [Month(name, usd) for name, usd in sorted(total.items()) if usd]


def keep_costs(connection: Connection, run_ids: Collection[str]) -> None:
    """Write down what runs cost that are about to be deleted, without what they were about."""
    _keep(connection, _costs(connection, run.c.id.in_(run_ids)))


def keep_exchange_costs(connection: Connection, exchange_ids: Collection[str]) -> None:
    """The same for questions whose conversations are about to be deleted."""
    _keep(connection, _exchange_costs(connection, exchange.c.id.in_(exchange_ids)))


def _keep(connection: Connection, costs: Iterable[tuple[str, str, Decimal]]) -> None:
    total: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for month, model_id, usd in costs:
        total[month, model_id] += usd
    for (month, model_id), usd in total.items():
        if usd:
            of_month = select(spent.c.cost_usd).where(spent.c.month == month, spent.c.model_id == model_id)
            before = Decimal(connection.scalar(of_month) or 0)
            put_with(connection, spent, month=month, model_id=model_id, cost_usd=str(before + usd))


def _costs(connection: Connection, which: ColumnElement[bool] | None = None) -> list[tuple[str, str, Decimal]]:
    """Month, model and dollars. Of a run that was never closed, its parts say what they cost."""
    month = func.substr(run.c.created, 1, 7).label("month")
    whole = (
        select(month, run.c.model_id, run.c.cost_usd, func.count())
        .where(run.c.cost_usd.is_not(None))
        .group_by(month, run.c.model_id, run.c.cost_usd)
    )
    parts = (
        select(month, run.c.model_id, part.c.cost_usd, func.count())
        .join_from(part, run, part.c.run_id == run.c.id)
        .where(run.c.cost_usd.is_(None), part.c.cost_usd.is_not(None))
        .group_by(month, run.c.model_id, part.c.cost_usd)
    )
    rows = []
    for each in (whole, parts):
        rows += connection.execute(each if which is None else each.where(which)).all()
    return [(name, model_id, Decimal(usd) * count) for name, model_id, usd, count in rows]


def _exchange_costs(connection: Connection, which: ColumnElement[bool] | None = None) -> list[tuple[str, str, Decimal]]:
    month = func.substr(exchange.c.created, 1, 7).label("month")
    wanted = select(month, exchange.c.model_id, exchange.c.cost_usd).where(exchange.c.cost_usd.is_not(None))
    rows = connection.execute(wanted if which is None else wanted.where(which)).all()
    return [(name, model_id, Decimal(usd)) for name, model_id, usd in rows]
