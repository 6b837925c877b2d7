"""A stretch of a transcript that is run again, to be put in the place of its lines."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class RerunState(StrEnum):
    """``ASKED`` until somebody has looked at the answer and decided."""

    ASKED = "asked"
    PLACED = "placed"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Rerun:
    """The run that does it, and the run whose lines it is for."""

    run_id: str
    of_run: str
    state: RerunState = RerunState.ASKED
