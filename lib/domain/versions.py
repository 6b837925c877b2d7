"""Versions of a transcript: what the models wrote, what was repaired, edited, put in place and restored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from lib.domain.transcript import Transcript

SITTING_SECONDS = 600.0
"""Edits that follow each other within ten minutes are one sitting, and one version."""


class Author(StrEnum):
    """Whose work a version is: the model's, several models' merged by row, a repair's, that of lines laid out anew, a
    person's, a stretch's that was run again, or an older version's that was restored."""

    MODEL = "model"
    MERGED = "merged"
    REPAIR = "repair"
    RESHAPED = "reshaped"
    EDIT = "edit"
    AGAIN = "again"
    RESTORED = "restored"

    @property
    def is_made_of_answers(self) -> bool:
        """Whether it is just what models answered, with nothing of a person in it."""
        return self in (Author.MODEL, Author.REPAIR, Author.RESHAPED)


@dataclass(frozen=True, slots=True)
class Version:
    """One version. ``number`` counts from 1; ``revision`` counts how often it was written, ``changed`` is when that was
    last; ``lines_changed`` counts the lines that differ from the version before. ``note`` says what it is in words,
    where its author does not say it all."""

    number: int
    author: Author
    created: datetime
    changed: datetime
    revision: int = 0
    lines_changed: int = 0
    note: str = ""

    def is_what_was_measured(self, version: int | None, revision: int | None) -> bool:
        """Whether a health that was measured on that version and revision is the health of this."""
        return version is None or (version, revision) == (self.number, self.revision)

    def takes_edits(self, now: datetime) -> bool:
        """Whether an edit made now belongs to it still."""
        return self.author is Author.EDIT and (now - self.changed).total_seconds() < SITTING_SECONDS


@dataclass(frozen=True, slots=True)
class VersionedTranscript:
    """A transcript and the version it is."""

    version: Version
    transcript: Transcript
