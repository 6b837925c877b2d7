"""The tables. A change here needs a migration in ``migrations/versions``; a test compares the two."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, ForeignKey, Index, Integer, MetaData, String, Table, Text

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
    Column("record", Text, nullable=False),
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
    Column("from_cache", Boolean, nullable=False),
    Column("health", Text),
    Index("run_created", "created"),
    Index("run_state", "state"),
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
    Column("generation_id", String(200)),
    Column("cost_usd", String(40)),
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
)

transcript = Table(
    "transcript",
    metadata,
    Column("run_id", String(32), ForeignKey("run.id", ondelete="CASCADE"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("record", Text, nullable=False),
    Column("created", String(32), nullable=False),
)

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
