"""Where somebody speaks, by track of the sound."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    _made_anew(sa.Column("track", sa.Integer(), autoincrement=False, nullable=False), track="0")


def downgrade() -> None:
    op.execute("DELETE FROM speech WHERE track <> 0")
    _made_anew()


def _made_anew(*more: sa.Column, **values: str) -> None:
    """The table with other columns in its primary key, which no database changes in place. The first track's rows stay:
    it was the one that was heard."""
    op.rename_table("speech", "speech_before")
    op.create_table(
        "speech",
        sa.Column("asset_id", sa.String(length=64), nullable=False),
        *more,
        sa.Column("start", sa.Float(), nullable=False),
        sa.Column("end", sa.Float(), nullable=False),
        sa.Column("stretches", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("asset_id", *values, "start", "end"),
    )
    kept = ("asset_id", '"start"', '"end"', "stretches")
    named, given = ", ".join([*values, *kept]), ", ".join([*values.values(), *kept])
    op.execute(f"INSERT INTO speech ({named}) SELECT {given} FROM speech_before")
    op.drop_table("speech_before")
