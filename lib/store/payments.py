"""Payments: every call that costs money, reserved for before it is sent and settled after."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import ROUND_CEILING, Decimal

from sqlalchemy import ColumnElement, Connection, Engine, case, delete, func, insert, select, update
from sqlalchemy.sql.functions import coalesce

from lib.domain.budget import CallPrice, Cap, Granted, PaymentState, Ruling, Spent, may_be_sent
from lib.store.rows import now, transaction
from lib.store.tables import payment, till

LEASE = 600.0
"""Seconds after which a call that nobody has spoken of is taken for dead: a living one is silent for 180 at most."""
_PICO = Decimal(1_000_000_000_000)


class Payments:
    """Safe among threads, processes and machines: one at a time looks at what is left and takes of it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def reserve(
        self, order_id: str, price: CallPrice, caps: Mapping[Cap, Decimal], holder: str
    ) -> tuple[str | None, Ruling]:
        """Take of what is left under the caps, or say why not; gives the payment's id with what was granted."""
        with transaction(self._engine) as connection:
            # The first write takes the database (SQLite) or the row (PostgreSQL) until the end of the transaction.
            connection.execute(update(till).values(id=till.c.id))
            ruling = may_be_sent(price, {cap: _spent(connection, cap, order_id) for cap in caps}, caps)
            if not isinstance(ruling, Granted):
                return None, ruling
            payment_id = uuid.uuid4().hex
            connection.execute(
                insert(payment).values(
                    id=payment_id,
                    order_id=order_id,
                    month=_this_month(),
                    holder=holder,
                    state=PaymentState.RESERVED,
                    pico_usd=_pico(ruling.usd),
                    renewed=now(),
                )
            )
        return payment_id, ruling

    def settle(self, payment_id: str, cost_usd: Decimal) -> None:
        """The call is over and did cost so much, also when it was taken for dead meanwhile."""
        self._change(payment_id, state=PaymentState.SETTLED, pico_usd=_pico(cost_usd))

    def leave_unsure(self, payment_id: str) -> None:
        """The call broke off and may have been billed: what was reserved for it counts as spent."""
        self._change(payment_id, state=PaymentState.UNSURE)

    def release(self, payment_id: str) -> None:
        """The call was never billed."""
        with transaction(self._engine) as connection:
            connection.execute(delete(payment).where(payment.c.id == payment_id))

    def renew(self, payment_id: str) -> None:
        """The call is still under way."""
        self._change(payment_id, renewed=now())

    def bury(self, holder: str) -> int:
        """At the start of a worker: what it had reserved when it died is unsure from now on. Gives how many."""
        dead = (payment.c.holder == holder) & (payment.c.state == PaymentState.RESERVED)
        with transaction(self._engine) as connection:
            return connection.execute(update(payment).where(dead).values(state=PaymentState.UNSURE)).rowcount

    def of_month(self) -> Spent:
        """What this calendar month (UTC) has cost so far, over all runs, deleted ones included."""
        with transaction(self._engine) as connection:
            return _spent(connection, Cap.MONTH, "")

    def of_order(self, order_id: str) -> Spent:
        """The same for a run, or for all that was started together under this id, whenever it was."""
        with transaction(self._engine) as connection:
            return _spent(connection, Cap.RUN, order_id)

    def _change(self, payment_id: str, **values: object) -> None:
        with transaction(self._engine) as connection:
            connection.execute(update(payment).where(payment.c.id == payment_id).values(**values))


def _spent(connection: Connection, cap: Cap, order_id: str) -> Spent:
    which: ColumnElement[bool] = payment.c.order_id == order_id if cap is Cap.RUN else payment.c.month == _this_month()
    rows = select(payment.c.state, coalesce(func.sum(payment.c.pico_usd), 0)).where(which).group_by(payment.c.state)
    sums = {state: Decimal(int(pico)) / _PICO for state, pico in connection.execute(rows)}
    reserved, unsure = sums.get(PaymentState.RESERVED, Decimal(0)), sums.get(PaymentState.UNSURE, Decimal(0))
    if reserved:
        # Of a machine that never returned: it counts all the same, but nobody waits for it.
        silent = (payment.c.state == PaymentState.RESERVED) & (payment.c.renewed < _lease_began())
        dead = connection.scalar(select(func.sum(case((silent, payment.c.pico_usd), else_=0))).where(which)) or 0
        reserved, unsure = reserved - Decimal(int(dead)) / _PICO, unsure + Decimal(int(dead)) / _PICO
    return Spent(sums.get(PaymentState.SETTLED, Decimal(0)) + unsure, reserved, unsure)


def _lease_began() -> str:
    return (datetime.now(UTC) - timedelta(seconds=LEASE)).isoformat(timespec="milliseconds")


def _this_month() -> str:
    return now()[:7]


def _pico(usd: Decimal) -> int:
    return int((usd * _PICO).to_integral_value(ROUND_CEILING))
