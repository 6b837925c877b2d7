"""Ahead: while a server thinks about one part of a run, what a later part will send is made."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from lib.domain.run import PartState, Run
from lib.errors import Cancelled
from lib.pipeline.ingest import media_of
from lib.pipeline.prepare import Recipe, prepare
from lib.pipeline.reporter import Reporter
from lib.pipeline.run import known_run
from lib.pipeline.tools import Tools

log = logging.getLogger(__name__)

WAIT = 0.3
UNREADY = (PartState.WAITING, PartState.PREPARING)


@contextmanager
def preparing_ahead(run_id: str, attempt: int, number: int, recipe: Recipe, tools: Tools) -> Iterator[None]:
    """While the block runs, make the file of the part that takes this one's place when it is over.

    Begun only when every part whose turn it is has its own file, so that none waits longer for it. Nothing fails here:
    what cannot be made is met again where it is needed.
    """
    coming = number + tools.settings.parts_at_once
    if coming >= len(known_run(run_id, tools).parts):
        yield
        return
    is_over = threading.Event()
    arguments = (run_id, attempt, coming, recipe, tools, is_over)
    threading.Thread(target=_make, args=arguments, name="ahead", daemon=True).start()
    try:
        yield
    finally:
        is_over.set()


def _make(run_id: str, attempt: int, number: int, recipe: Recipe, tools: Tools, is_over: threading.Event) -> None:
    reporter = Reporter(tools.store, run_id, attempt)
    try:
        while _are_others_unready(run := known_run(run_id, tools), tools.settings.parts_at_once):
            if is_over.wait(WAIT):
                return
        excerpt = run.plan.parts[number].excerpt
        if run.parts[number].state is PartState.WAITING:
            prepare(media_of(run, tools), excerpt, recipe, tools, lambda _fraction: reporter.check())
    except Cancelled:
        return
    except Exception as exc:
        log.info("run %s: part %d could not be prepared ahead: %s", run_id, number, exc)


def _are_others_unready(run: Run, at_once: int) -> bool:
    """Whether a part whose turn it is still waits for its file."""
    num_over = sum(part.state.is_over for part in run.parts)
    return any(part.state in UNREADY for part in run.parts[: num_over + at_once])
