"""The tables. A change here needs a migration in ``migrations/versions``; a test compares the two."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

metadata = MetaData()

asset = Table(
    "asset",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("record", Text, nullable=False),
    Column("created", String(32), nullable=False),
)

link = Table(
    "link",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("asset_id", String(64), ForeignKey("asset.id", ondelete="CASCADE"), nullable=False),
    Column("fetched", String(32), nullable=False),
)

rendition = Table(
    "rendition",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("asset_id", String(64), ForeignKey("asset.id", ondelete="CASCADE"), nullable=False),
    Column("record", Text, nullable=False),
    Index("rendition_asset", "asset_id"),
)

speech = Table(
    "speech",
    metadata,
    Column("asset_id", String(64), ForeignKey("asset.id", ondelete="CASCADE"), primary_key=True),
    Column("track", Integer, primary_key=True, autoincrement=False),
    Column("start", Float, primary_key=True),
    Column("end", Float, primary_key=True),
    Column("stretches", Text, nullable=False),
)

scene = Table(
    "scene",
    metadata,
    Column("asset_id", String(64), ForeignKey("asset.id", ondelete="CASCADE"), primary_key=True),
    Column("changes", Text, nullable=False),
)

run = Table(
    "run",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("attempt", Integer, nullable=False),
    Column("created", String(32), nullable=False),
    Column("started", String(32)),
    Column("finished", String(32)),
    Column("state", String(16), nullable=False),
    Column("stage", String(16), nullable=False),
    Column("progress", Float),
    Column("note", Text, nullable=False),
    Column("model_id", String(200), nullable=False),
    Column("task", String(64), nullable=False),
    Column("title", Text, nullable=False),
    Column("video_id", String(64), nullable=False),
    Column("asset_id", String(64)),
    Column("key_ref", String(64)),
    Column("request", Text, nullable=False),
    Column("plan", Text),
    Column("failure", Text),
    Column("provider", String(200)),
    Column("prompt_tokens", Integer),
    Column("completion_tokens", Integer),
    Column("video_tokens", Integer),
    Column("cost_usd", String(40)),
    Column("seconds", Float),
    Column("seconds_to_first_text", Float),
    Column("answer_seconds", Float),
    Column("from_cache", Boolean, nullable=False),
    Column("health", Text),
    Column("health_version", Integer),
    Column("health_revision", Integer),
    Index("run_created", "created"),
    Index("run_state", "state"),
    # Holds whatever the library gathers and filters by, so that it need not read the requests and plans beside it.
    Index("run_video", "video_id", "created", "model_id", "task", "state", "cost_usd", "id"),
    Index("run_asset", "asset_id"),
)

part = Table(
    "part",
    metadata,
    Column("run_id", String(32), ForeignKey("run.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("start", Float, nullable=False),
    Column("end", Float, nullable=False),
    Column("state", String(16), nullable=False),
    Column("size_bytes", Integer),
    Column("model_id", String(200)),
    Column("answers", Text),
    Column("answered_in", Integer),
    Column("generation_id", String(200)),
    Column("cost_usd", String(40)),
    # The digests of the answers that this has counted, between blanks.
    Column("billed", Text),
    Column("is_remembered", Boolean, nullable=False),
    Column("error_code", String(64)),
    Column("error", Text),
    Column("hint", Text),
    Column("partial_text", Text, nullable=False),
)

generation = Table(
    "generation",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("model_id", String(200), nullable=False),
    Column("record", Text, nullable=False),
    Column("clip_seconds", Float, nullable=False),
    Column("paid_by", String(32), nullable=False),
    Column("created", String(32), nullable=False),
    Index("generation_model", "model_id"),
    Index("generation_paid_by", "paid_by"),
)

transcript = Table(
    "transcript",
    metadata,
    Column("run_id", String(32), ForeignKey("run.id", ondelete="CASCADE"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("record", Text, nullable=False),
    Column("created", String(32), nullable=False),
    Column("changed", String(32), nullable=False, server_default=""),
    Column("author", String(16), nullable=False, server_default="model"),
    Column("note", Text, nullable=False, server_default=""),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("revision", Integer, nullable=False, server_default="0"),
    Column("lines_changed", Integer, nullable=False, server_default="0"),
)

edit = Table(
    "edit",
    metadata,
    Column("run_id", String(32), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("reader", String(40), nullable=False),
    Column("change", Integer, nullable=False),
    Column("gesture", String(60), nullable=False),
    Column("record", Text, nullable=False),
    Column("created", String(32), nullable=False),
    ForeignKeyConstraint(
        ("run_id", "version"), ("transcript.run_id", "transcript.version"), ondelete="CASCADE", name="edit_transcript"
    ),
)

rerun = Table(
    "rerun",
    metadata,
    Column("run_id", String(32), ForeignKey("run.id", ondelete="CASCADE"), primary_key=True),
    Column("of_run", String(32), ForeignKey("run.id", ondelete="CASCADE"), nullable=False),
    Column("state", String(16), nullable=False),
    Index("rerun_of_run", "of_run"),
)

comparison = Table(
    "comparison",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("created", String(32), nullable=False),
    Column("title", Text, nullable=False),
    Column("reference", Text),
    Column("picks", Text, nullable=False),
    Column("merged_run_id", String(32)),
    Index("comparison_created", "created"),
)

comparison_run = Table(
    "comparison_run",
    metadata,
    Column("comparison_id", String(32), ForeignKey("comparison.id", ondelete="CASCADE"), primary_key=True),
    Column("run_id", String(32), ForeignKey("run.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, nullable=False),
)

batch = Table(
    "batch",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("created", String(32), nullable=False),
    Column("title", Text, nullable=False),
    Index("batch_created", "created"),
)

batch_item = Table(
    "batch_item",
    metadata,
    Column("batch_id", String(32), ForeignKey("batch.id", ondelete="CASCADE"), primary_key=True),
    Column("video", Integer, primary_key=True, autoincrement=False),
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("video_id", String(64)),
    Column("request", Text),
    Column("estimate_usd", String(40)),
    Column("run_id", String(32), ForeignKey("run.id", ondelete="CASCADE")),
    Column("failure", Text),
    Index("batch_item_run", "run_id"),
    Index("batch_item_video", "video_id"),
)

# Votes outlive their comparison: the scoreboard is over all that were ever made.
vote = Table(
    "vote",
    metadata,
    Column("comparison_id", String(32), primary_key=True),
    Column("one", String(200), primary_key=True),
    Column("other", String(200), primary_key=True),
    Column("verdict", String(16), nullable=False),
    Column("task", String(32), nullable=False),
    Column("created", String(32), nullable=False),
)

captioned_copy = Table(
    "captioned_copy",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("run_id", String(32), ForeignKey("run.id", ondelete="CASCADE"), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("created", String(32), nullable=False),
    Column("state", String(16), nullable=False),
    Column("progress", Float),
    Column("form", String(16), nullable=False),
    Column("media_type", String(64), nullable=False),
    Column("suffix", String(8), nullable=False),
    Column("size_bytes", BigInteger),
    Column("failure", Text),
    Column("record", Text, nullable=False),
    Index("captioned_copy_run", "run_id"),
    Index("captioned_copy_state", "state"),
)

conversation = Table(
    "conversation",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("created", String(32), nullable=False),
)

conversation_run = Table(
    "conversation_run",
    metadata,
    Column("conversation_id", String(32), ForeignKey("conversation.id", ondelete="CASCADE"), primary_key=True),
    Column("run_id", String(32), ForeignKey("run.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, nullable=False),
    Index("conversation_run_run", "run_id"),
)

exchange = Table(
    "exchange",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("conversation_id", String(32), ForeignKey("conversation.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("asked_in", Integer, nullable=False),
    Column("created", String(32), nullable=False),
    Column("finished", String(32)),
    Column("state", String(16), nullable=False),
    Column("model_id", String(200), nullable=False),
    Column("question", Text, nullable=False),
    Column("asking", Text, nullable=False),
    Column("key_ref", String(64)),
    Column("answer", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("reading", Text),
    Column("generation_id", String(200)),
    Column("provider", String(200)),
    Column("prompt_tokens", Integer),
    Column("completion_tokens", Integer),
    Column("video_tokens", Integer),
    Column("cost_usd", String(40)),
    Column("seconds", Float),
    Column("is_remembered", Boolean, nullable=False),
    Column("failure", Text),
    Index("exchange_conversation", "conversation_id", "number", unique=True),
    Index("exchange_state", "state"),
)
"""``asked_in`` is the last attempt in which the question was sent, 0 while none was: one that was sent, and has no
answer after a crash, may have been paid for."""

passage = Table(
    "passage",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run_id", String(32), ForeignKey("run.id", ondelete="CASCADE"), nullable=False),
    Column("starts", Text, nullable=False),
    Column("text", Text, nullable=False),
    Index("passage_run", "run_id"),
)
"""What is searched: the newest version of each transcript in passages of some twenty seconds, one line for each start.

What finds them is made by the migration, for each database its own: see ``lib.store.search``.
"""

transcript_index = Table(
    "transcript_index",
    metadata,
    Column("run_id", String(32), ForeignKey("run.id", ondelete="CASCADE"), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("form", Integer, nullable=False),
)
"""Which version of a transcript its passages were made of, and in which form."""

tag = Table(
    "tag",
    metadata,
    Column("video_id", String(64), primary_key=True),
    Column("name", String(64), primary_key=True),
)

spent = Table(
    "spent",
    metadata,
    Column("month", String(7), primary_key=True),
    Column("model_id", String(200), primary_key=True),
    Column("cost_usd", String(40), nullable=False),
)
"""What deleted runs and conversations cost: the money is gone all the same."""

asked_lines = Table(
    "asked_lines",
    metadata,
    Column("run_id", String(32), ForeignKey("run.id", ondelete="CASCADE"), primary_key=True),
    Column("record", Text, nullable=False),
)
"""The lines that a run about a transcript is asked about."""

saved_prompt = Table(
    "saved_prompt",
    metadata,
    Column("name", String(80), primary_key=True),
    Column("text", Text, nullable=False),
    Column("changed", String(32), nullable=False),
)

payment = Table(
    "payment",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("order_id", String(32), nullable=False),
    Column("month", String(7), nullable=False),
    Column("holder", String(100), nullable=False),
    Column("state", String(16), nullable=False),
    Column("pico_usd", BigInteger, nullable=False),
    Column("renewed", String(32), nullable=False),
    # Each holds what its sum needs.
    Index("payment_month", "month", "state", "pico_usd"),
    Index("payment_order", "order_id", "state", "pico_usd"),
)
"""One row for each paid call, from before it is sent. It outlives its run: the money is gone all the same.

In millionths of a millionth of a dollar, in which sums are exact and fast: a token costs some hundred thousand of them.
"""

till = Table("till", metadata, Column("id", Integer, primary_key=True, autoincrement=False))
"""A single row: who reserves holds it, so that two who look at what is left never both take it."""

worker = Table(
    "worker",
    metadata,
    Column("id", String(100), primary_key=True),
    Column("token", String(32), nullable=False),
    Column("vault", String(16), nullable=False),
    Column("started", Float, nullable=False),
    Column("seen", Float, nullable=False),
)
"""The workers of a database that several machines work on. ``started`` and ``seen`` are seconds on the database's own
clock, which is the same for all of them; ``token`` tells a worker from one that has the same id after it."""

claim = Table(
    "claim",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("holder", String(100), nullable=False),
    Column("taken", Float, nullable=False),
)
"""What a worker is about to do that others must not do as well: a question that it asks, by its digest."""

preference = Table(
    "preference",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

sealed = Table(
    "sealed",
    metadata,
    Column("ref", String(64), primary_key=True),
    Column("ciphertext", Text, nullable=False),
    Column("created", String(32), nullable=False),
)


account = Table(
    "account",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("seen", String(32), nullable=False),
)
"""Who has a library of their own: in the database of the installation. Those of the users have the table, and nobody in
it."""


def is_compared(name: str | None, kind: str, _parents: object) -> bool:
    """Whether a thing in the database is one of the tables above: not so what the full-text index consists of."""
    return not (name or "").startswith("passage_words")
