"""Runs by all that they are filtered by, their ids as well: a search within some of them reads no other row."""

from alembic import op

revision = "0009"
down_revision = "0008"

FILTERED_BY = ["video_id", "created", "model_id", "task", "state", "cost_usd"]


def upgrade() -> None:
    with op.batch_alter_table("run", schema=None) as batch_op:
        batch_op.drop_index("run_video")
        batch_op.create_index("run_video", [*FILTERED_BY, "id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("run", schema=None) as batch_op:
        batch_op.drop_index("run_video")
        batch_op.create_index("run_video", FILTERED_BY, unique=False)
