"""Comparisons, their columns, votes, and how long the answers of a run took."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    with op.batch_alter_table("run", schema=None) as batch_op:
        batch_op.add_column(sa.Column("answer_seconds", sa.Float(), nullable=True))
    op.create_table(
        "comparison",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("created", sa.String(length=32), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("picks", sa.Text(), nullable=False),
        sa.Column("merged_run_id", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("comparison_created", "comparison", ["created"])
    op.create_table(
        "comparison_run",
        sa.Column("comparison_id", sa.String(length=32), nullable=False),
        sa.Column("run_id", sa.String(length=32), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["comparison_id"], ["comparison.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("comparison_id", "run_id"),
    )
    op.create_table(
        "vote",
        sa.Column("comparison_id", sa.String(length=32), nullable=False),
        sa.Column("one", sa.String(length=200), nullable=False),
        sa.Column("other", sa.String(length=200), nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("task", sa.String(length=32), nullable=False),
        sa.Column("created", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("comparison_id", "one", "other"),
    )


def downgrade() -> None:
    op.drop_table("vote")
    op.drop_table("comparison_run")
    op.drop_index("comparison_created", "comparison")
    op.drop_table("comparison")
    with op.batch_alter_table("run", schema=None) as batch_op:
        batch_op.drop_column("answer_seconds")
