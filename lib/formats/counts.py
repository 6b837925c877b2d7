"""A number with what it counts."""

from __future__ import annotations


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """``1 part``, ``7 parts``, ``12,400 tokens``, ``2 stretches``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
