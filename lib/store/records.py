"""Frozen dataclasses to JSON text and back, checked on the way in (pydantic)."""

from __future__ import annotations

from functools import cache
from typing import TypeVar

from pydantic import TypeAdapter

Record = TypeVar("Record")


@cache
def _adapter(kind: type) -> TypeAdapter:
    return TypeAdapter(kind)


def to_json(record: object, kind: type | None = None) -> str:
    """The record as JSON text; ``kind`` for what is no dataclass. Decimals become strings, so no cent is lost."""
    return _adapter(kind or type(record)).dump_json(record).decode()


def from_json(kind: type[Record], text: str) -> Record:
    """The record back. Raises pydantic's ValidationError for text that is not such a record."""
    return _adapter(kind).validate_json(text)
