"""The library: passages to search, tags, what was spent."""

import hashlib
import json

import sqlalchemy as sa
from alembic import op

from lib.domain.youtube import canonical

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "passage",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.String(length=32), nullable=False),
        sa.Column("starts", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("passage", schema=None) as batch_op:
        batch_op.create_index("passage_run", ["run_id"], unique=False)
    op.create_table(
        "transcript_index",
        sa.Column("run_id", sa.String(length=32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("form", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id"),
    )
    op.create_table(
        "tag",
        sa.Column("video_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("video_id", "name"),
    )
    op.create_table(
        "spent",
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("model_id", sa.String(length=200), nullable=False),
        sa.Column("cost_usd", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("month", "model_id"),
    )
    # Of which asset a rendition was made is not written down in the old rows: it is made again when it is wanted.
    op.drop_table("rendition")
    op.create_table(
        "rendition",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("asset_id", sa.String(length=64), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("rendition", schema=None) as batch_op:
        batch_op.create_index("rendition_asset", ["asset_id"], unique=False)
    _say_of_each_run_what_it_is_about()
    _make_full_text_index()


def _say_of_each_run_what_it_is_about() -> None:
    """Task, title and video of a run, until now only within its request."""
    # On SQLite before the request, in a table made anew: what lies behind a long text takes long to read.
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    after = "model_id"
    with op.batch_alter_table("run", schema=None, recreate="always" if is_sqlite else "never") as batch_op:
        for name, kind in (("task", sa.String(length=64)), ("title", sa.Text()), ("video_id", sa.String(length=64))):
            place = {"insert_after": after} if is_sqlite else {}
            batch_op.add_column(sa.Column(name, kind, nullable=True), **place)
            after = name
    run = sa.table("run", *map(sa.column, ("id", "request", "task", "title", "video_id")))
    connection = op.get_bind()
    for run_id, text in connection.execute(sa.select(run.c.id, run.c.request)).all():
        request = json.loads(text)
        source = request["source"]
        about = {"task": request.get("task", "transcript"), "title": source["title"], "video_id": _video_id(source)}
        connection.execute(sa.update(run).where(run.c.id == run_id).values(**about))
    with op.batch_alter_table("run", schema=None) as batch_op:
        batch_op.alter_column("task", existing_type=sa.String(length=64), nullable=False)
        batch_op.alter_column("title", existing_type=sa.Text(), nullable=False)
        batch_op.alter_column("video_id", existing_type=sa.String(length=64), nullable=False)
        batch_op.create_index("run_video", ["video_id", "created", "model_id", "task", "state", "cost_usd"])
        batch_op.create_index("run_asset", ["asset_id"])
    with op.batch_alter_table("generation", schema=None) as batch_op:
        batch_op.create_index("generation_paid_by", ["paid_by"])


def _video_id(source: dict) -> str:
    if source["kind"] != "link":
        return source["asset_id"]
    return hashlib.sha256((canonical(source["url"]) or source["url"]).encode()).hexdigest()


def _make_full_text_index() -> None:
    """What was kept before is put into it when the store is opened (``Search.catch_up``)."""
    if op.get_bind().dialect.name == "sqlite":
        # Marks belong to their letters; two to four letters of a word find it without a look at every word.
        op.execute(
            "CREATE VIRTUAL TABLE passage_words USING fts5(text, content='passage', content_rowid='id', "
            "tokenize=\"unicode61 remove_diacritics 2 categories 'L* N* M* Co'\", prefix='2 3 4')"
        )
        # Triggers, so that nothing can be in the one and not in the other, whoever deletes a run.
        op.execute(
            "CREATE TRIGGER passage_words_come AFTER INSERT ON passage BEGIN "
            "INSERT INTO passage_words (rowid, text) VALUES (new.id, new.text); END"
        )
        op.execute(
            "CREATE TRIGGER passage_words_go AFTER DELETE ON passage BEGIN "
            "INSERT INTO passage_words (passage_words, rowid, text) VALUES ('delete', old.id, old.text); END"
        )
    else:
        op.execute("ALTER TABLE passage ADD COLUMN passage_words tsvector")
        op.execute("CREATE INDEX passage_words_found ON passage USING gin (passage_words)")


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER passage_words_go")
        op.execute("DROP TRIGGER passage_words_come")
        op.execute("DROP TABLE passage_words")
    op.drop_table("transcript_index")
    op.drop_table("passage")
    op.drop_table("tag")
    op.drop_table("spent")
    with op.batch_alter_table("run", schema=None) as batch_op:
        batch_op.drop_index("run_video")
        batch_op.drop_index("run_asset")
        batch_op.drop_column("video_id")
        batch_op.drop_column("title")
        batch_op.drop_column("task")
    with op.batch_alter_table("generation", schema=None) as batch_op:
        batch_op.drop_index("generation_paid_by")
    op.drop_table("rendition")
    op.create_table(
        "rendition",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
