"""Prompts of the user's own, kept under a name."""

from __future__ import annotations

from dataclasses import dataclass

LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class SavedPrompt:
    """A name on one line, and what it stands for."""

    name: str
    text: str

    def __post_init__(self) -> None:
        if self.name != " ".join(self.name.split()) or not 0 < len(self.name) <= LONGEST_NAME:
            raise ValueError(f"a saved prompt has a name of one line and at most {LONGEST_NAME} letters")
        if not self.text.strip():
            raise ValueError("a saved prompt is not empty")
