"""Every paid call, from before it is sent; what was spent before is taken over."""

import uuid
from decimal import Decimal

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

COSTS = """
SELECT id, substr(created, 1, 7), cost_usd FROM run WHERE cost_usd IS NOT NULL
UNION ALL
SELECT run.id, substr(run.created, 1, 7), part.cost_usd FROM part JOIN run ON run.id = part.run_id
WHERE run.cost_usd IS NULL AND part.cost_usd IS NOT NULL
UNION ALL
SELECT id, substr(created, 1, 7), cost_usd FROM exchange WHERE cost_usd IS NOT NULL
UNION ALL
SELECT '', month, cost_usd FROM spent
"""


def upgrade() -> None:
    payment = op.create_table(
        "payment",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("order_id", sa.String(length=32), nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("holder", sa.String(length=100), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("pico_usd", sa.BigInteger(), nullable=False),
        sa.Column("renewed", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("payment", schema=None) as batch_op:
        batch_op.create_index("payment_month", ["month", "state", "pico_usd"], unique=False)
        batch_op.create_index("payment_order", ["order_id", "state", "pico_usd"], unique=False)
    till = op.create_table(
        "till", sa.Column("id", sa.Integer(), autoincrement=False, nullable=False), sa.PrimaryKeyConstraint("id")
    )
    op.bulk_insert(till, [{"id": 1}])
    rows = [
        {
            "id": uuid.uuid4().hex,
            "order_id": run_id,
            "month": month,
            "holder": "",
            "state": "settled",
            "pico_usd": int(Decimal(cost_usd) * 10**12),
            "renewed": "",
        }
        for run_id, month, cost_usd in op.get_bind().execute(sa.text(COSTS)).all()
        if Decimal(cost_usd)
    ]
    if rows:
        op.bulk_insert(payment, rows)


def downgrade() -> None:
    op.drop_table("till")
    op.drop_table("payment")
