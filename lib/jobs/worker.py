"""The worker's side: taking up unfinished work, and waiting for more."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from dataclasses import replace

from dbos import DBOS, DBOSConfig
from dbos import error as engine_errors

from lib.domain.model import Model
from lib.domain.run import Failure
from lib.errors import DiskFull, StorageError
from lib.jobs.client import Jobs
from lib.jobs.database import prepare_database
from lib.jobs.engine_log import log_as_we_do
from lib.jobs.names import APPLICATION, APPLICATION_VERSION
from lib.jobs.pace import Pace
from lib.jobs.queues import THREADS, register_queues
from lib.jobs.takeover import bury
from lib.jobs.workflows import equip
from lib.pipeline.answer import fail_answer
from lib.pipeline.run import fail_run
from lib.pipeline.tools import Tools
from lib.store import database_file, is_damaged, is_disk_full, put_aside


def work(tools: Tools, executor_id: str) -> None:
    """Take up unfinished work and wait for more, in this process. One process per ``executor_id`` at a time.

    Raises DiskFull. A disk that fills later ends the process, see ``Standstill``. Raises StorageError when the
    engine's own file is damaged; the next worker begins a new one, for what was under way is in the store.
    """
    try:
        _begin_work(tools, executor_id)
    except Exception as exc:
        if is_disk_full(exc):
            raise DiskFull("The disk is full: nothing can be worked on.") from exc
        file = database_file(tools.settings.jobs_database_url)
        if is_damaged(exc) and file is not None:
            raise StorageError(f"The notes of what is next were damaged. They are kept as {put_aside(file)}.") from exc
        raise


def _begin_work(tools: Tools, executor_id: str) -> None:
    tools = replace(tools, holder=executor_id)
    equip(tools)
    for each in tools.everybodys():
        # Nobody else reserves in this name: what is reserved in it belongs to a worker that died.
        bury(executor_id, each)
        each.vault.forget_unused()
    url = tools.settings.jobs_database_url
    prepare_database(url)
    log_as_we_do(tools)
    DBOS(
        config=DBOSConfig(
            name=APPLICATION,
            system_database_url=url,
            executor_id=executor_id,
            application_version=APPLICATION_VERSION,
            log_level="WARNING",
            max_executor_threads=THREADS,
        )
    )
    DBOS.launch()
    register_queues(tools.settings)
    Pace(DBOS).keep()
    jobs = Jobs(url)
    for each in tools.everybodys():
        _submit_what_was_not(each, jobs.of_user(each.settings.user_id))
    jobs.close()


def _submit_what_was_not(tools: Tools, jobs: Jobs) -> None:
    # A crash between writing a run down and queueing it: the engine ignores those it knows already. One that the
    # engine is done with and that was never ended has lost its last word, on a full disk perhaps.
    for run_id, attempt in tools.store.runs.unfinished():
        if jobs.is_over(run_id, attempt):
            fail_run(run_id, attempt, _lost("run", "Press Retry."), tools)
            continue
        with suppress(engine_errors.DBOSConflictingWorkflowError):  # a repair: the engine has it under the same name
            jobs.submit(run_id, attempt)
    for copy_id, attempt in tools.store.copies.unfinished():
        if jobs.is_over(copy_id, attempt):
            tools.store.copies.fail(copy_id, attempt, _lost("copy", "Make it again."))
        else:
            jobs.copy(copy_id, attempt)
    for exchange_id, attempt, model_id in tools.store.conversations.unfinished():
        if jobs.is_over(exchange_id, attempt):
            fail_answer(exchange_id, attempt, _lost("answer", "Press Try again."), tools)
            continue
        with suppress(engine_errors.DBOSConflictingWorkflowError):
            jobs.answer(exchange_id, attempt, Model(model_id, model_id, frozenset()))


def _lost(what: str, hint: str) -> Failure:
    return Failure("Unforeseen", f"The {what} ended without a word, as on a full disk.", hint)


def stop_on_signals() -> None:
    """SIGTERM and SIGINT end the process at once: recovery at the next start is the way to shut down."""
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda _signal, _frame: os._exit(0))
