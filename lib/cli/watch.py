"""Waiting for what the worker does, telling each change on stderr."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from lib.cli.batches import label
from lib.cli.words import problem_words, say, state_line, tenths
from lib.domain.batch import Row, Standing
from lib.domain.copies import CaptionedCopy, CaptionForm
from lib.domain.run import Run, RunState
from lib.services import Services

POLL = 0.2
"""Seconds between two looks at what goes on."""


@contextmanager
def stopped_with_us(stop: Callable[[str], None], ids: Sequence[str]) -> Iterator[None]:
    """Stop them all where we are stopped: nothing goes on behind the back of who stopped here."""
    try:
        yield
    except BaseException:
        for each in ids:
            stop(each)
        raise


def watch_runs(services: Services, run_ids: Sequence[str]) -> list[Run]:
    """Wait until every run is over."""
    told: dict[str, str] = {}
    is_full = False
    while True:
        runs = [services.run(run_id) for run_id in run_ids]
        for run in runs:
            line = state_line(run)
            if told.get(run.id) != line:
                told[run.id] = line
                say(f"{run.request.model_id}: {line}")
        if all(run.state.is_over for run in runs):
            return runs
        full = services.disk_problem()
        if full and not is_full:
            say(problem_words(full))
        is_full = full is not None
        if problem := services.worker_problem():
            raise problem
        time.sleep(POLL)


def watch_batch(services: Services, batch_id: str) -> Standing:
    """Wait until all of a batch are over."""
    told: dict[tuple[int, int], str] = {}
    while True:
        standing = services.batches.get(batch_id)
        for row in standing.rows:
            line = _row_line(row)
            if told.get((row.item.video, row.item.place)) != line:
                told[row.item.video, row.item.place] = line
                say(f"[{_over(standing)} of {standing.progress.total}] {label(row)}: {line}")
        if standing.progress.is_over:
            return standing
        if problem := services.worker_problem():
            raise problem
        time.sleep(POLL)


def _over(standing: Standing) -> int:
    return standing.progress.total - standing.progress.running - standing.progress.waiting


def _row_line(row: Row) -> str:
    return state_line(row.run) if row.run is not None else f"failed: {problem_words(row.failure)}"


def watch_copy(services: Services, copy: CaptionedCopy) -> CaptionedCopy:
    """Wait until a copy is over."""
    told = ""
    while not copy.state.is_over:
        line = copy_line(copy)
        if line != told:
            told = line
            say(line)
        if problem := services.worker_problem():
            raise problem
        time.sleep(POLL)
        copy = services.copies.get(copy.id) or copy
    return copy


def copy_line(copy: CaptionedCopy) -> str:
    if copy.failure is not None:
        return f"failed: {problem_words(copy.failure)}"
    if copy.state is RunState.RUNNING and copy.progress:
        doing = "burning in" if copy.form is CaptionForm.BURNED else "attaching"
        return f"{doing} {tenths(copy.progress)}"
    return str(copy.state)
