"""Says how a run fares, at most three times a second, and hears when it is no longer wanted."""

from __future__ import annotations

import time
from collections.abc import Callable

from lib.domain.run import PartState, Stage
from lib.errors import Cancelled, DiskFull
from lib.store import Store

INTERVAL = 0.34


class Reporter:
    """The voice of one attempt at a run. Every method raises Cancelled once the attempt is not wanted."""

    def __init__(self, store: Store, run_id: str, attempt: int) -> None:
        self._store = store
        self.run_id = run_id
        self.attempt = attempt
        self._last: dict[object, float] = {}

    def stage(self, stage: Stage, progress: float | None = None, note: str = "") -> None:
        """The run as a whole; a new stage is always written down, progress within it at most 3 times a second."""
        if self._is_due(stage):
            self._progress(lambda: self._store.runs.report(self.run_id, self.attempt, stage, progress, note))

    def part_text(self, number: int, text: str) -> None:
        """The text of a part so far."""
        if self._is_due(number):
            self._progress(lambda: self._store.runs.report_part(self.run_id, self.attempt, number, partial_text=text))

    def part(self, number: int, state: PartState, **values: object) -> None:
        """A change of a part's state: always written down."""
        self._heed(self._store.runs.report_part(self.run_id, self.attempt, number, state=state, **values))

    def check(self) -> None:
        """Only hear whether the attempt is still wanted."""
        if self._is_due("check"):
            self._heed(self._store.runs.is_wanted(self.run_id, self.attempt))

    def _is_due(self, subject: object) -> bool:
        now = time.monotonic()
        if now - self._last.get(subject, -INTERVAL) < INTERVAL:
            return False
        self._last[subject] = now
        return True

    def _progress(self, report: Callable[[], bool]) -> None:
        try:
            is_wanted = report()
        except DiskFull:
            # Progress is the first to find the disk full, and what matters least: the work itself may find room again.
            return
        self._heed(is_wanted)

    def _heed(self, is_wanted: bool) -> None:
        if not is_wanted:
            raise Cancelled("The run was cancelled.")


class Pointless(Cancelled):
    """Raised to work beside the parts once none of them can succeed."""


class ReporterBeside(Reporter):
    """The voice of work that goes on beside the parts: it is heard only once they are over.

    Raises Pointless when every one of them has failed.
    """

    def stage(self, stage: Stage, progress: float | None = None, note: str = "") -> None:
        if not self._is_due(stage):
            return
        run = self._store.runs.get(self.run_id)
        if run is not None and all(part.state is PartState.FAILED for part in run.parts):
            raise Pointless("No part was answered.")
        if run is not None and all(part.state.is_over for part in run.parts):
            self._progress(lambda: self._store.runs.report(self.run_id, self.attempt, stage, progress, note))
        else:
            self._heed(self._store.runs.is_wanted(self.run_id, self.attempt))


class Saying:
    """Takes the place of a reporter where there is no run: nobody can cancel, and each new stage is said once."""

    run_id = ""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._last = ""

    def stage(self, stage: Stage, progress: float | None = None, note: str = "") -> None:
        words = f"{stage} {note}".strip()
        if words != self._last:
            self._last = words
            self._say(words)

    def check(self) -> None:
        return
