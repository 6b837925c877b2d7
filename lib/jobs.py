"""Durable jobs: the only module that knows the job engine (DBOS).

A worker process runs the workflows; everyone else holds a ``Jobs`` and only submits and cancels. All a run has to
show is in the store; the engine remembers which step is next, so that a crash at any moment loses at most the step
in flight. Arguments are a run's id and attempt: never a key, never a path. Whose library the run is in stands in the
job's name, which what it starts in turn begins with.
"""

from __future__ import annotations

import logging
import os
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace

from dbos import DBOS, DBOSClient, DBOSConfig, SetEnqueueOptions
from dbos import error as engine_errors
from sqlalchemy import make_url

from lib.domain.model import Model
from lib.domain.run import Failure
from lib.errors import Cancelled, DiskFull, StorageError
from lib.logs import about_run
from lib.pipeline.answer import answer_question, fail_answer
from lib.pipeline.copies import make_copy
from lib.pipeline.part import repair_part, work_on_part
from lib.pipeline.run import (
    as_failure,
    begin_run,
    end_run,
    fail_run,
    find_model,
    hear,
    hears_too,
    known_run,
    note_answered,
)
from lib.pipeline.tools import Tools
from lib.settings import Settings
from lib.store import database_file, is_damaged, is_disk_full, put_aside

log = logging.getLogger(__name__)

APPLICATION = "cuewise"
APPLICATION_VERSION = "1"
"""Pinned: the engine's own default is a hash of the source, and an edited comment would strand waiting work."""

RUNS, ASKED, ASKED_FREE, LOCAL, COPIES = "runs", "asked", "asked free", "local", "copies"
QUESTIONS, USERS_RUNS = "questions", "users' runs"
"""The queues: whole runs, those of users in a row for each, so that nobody's many keep another's waiting; parts asked
of a server, and of a free model, each model in a row of its own, so that a slow one holds up nobody else; parts heard
on this machine, one at a time; copies of videos with captions in them, one at a time as well, beside what is heard;
questions of conversations, which nobody wants to see wait behind a long video's parts. Those to a free model stand in
its row, for they count like its parts."""
REMOTE, FREE = "remote", "free"
"""What the two rows of models were before: work that an older version left there still goes on."""
FREE_LIMIT = {"limit": 20, "period": 60}
"""OpenRouter takes 20 requests a minute for free models, all of them together."""
RUNS_AT_ONCE = 24
QUESTIONS_AT_ONCE = 16
THREADS = 128
"""Of the worker, for runs and parts: both wait nearly all of the time."""
MODELS_AT_ONCE = 6
"""So many models are asked as fast as one alone: those of one comparison."""
AFTER_TIMES = 2
"""Whole transcriptions on this machine wait for the listening that answers already paid for need for their times."""
POLL = 0.2
ENGINES_CANCELS = (
    *("DBOSAwaitedWorkflowCancelledError", "DBOSWorkflowCancelledError"),
    "DBOSNonExistentWorkflowError",  # cancelled, and deleted since
)
"""By name: the engine does not export them."""
FULL = "The disk is full: what the work came to could not be written down."

_tools: Tools | None = None


def _at_work() -> Tools:
    """The tools of the library that this work is for."""
    if _tools is None:
        raise RuntimeError("workflows run in a worker only")
    return _tools.of_user(_user_of(DBOS.workflow_id))


@DBOS.step()
@about_run
def _begin(run_id: str, attempt: int) -> int:
    return begin_run(run_id, attempt, _at_work())


@DBOS.step()
@about_run
def _begin_repair(run_id: str, attempt: int, number: int) -> int:
    """Gives the take: a part that has an answer is asked anew, and the attempt's number makes that a question of its
    own, also when a crash makes us ask again."""
    store = _at_work().store
    store.runs.begin(run_id, attempt)
    store.runs.settle_parts(run_id, attempt, but=number)
    return attempt if store.runs.answers(run_id)[number] else 0


@DBOS.step()
@about_run
def _queue_for(run_id: str, model_id: str | None) -> str:
    """The queue, and behind a colon the row in it: a name alone is what older versions wrote down."""
    tools = _at_work()
    model = find_model(model_id or known_run(run_id, tools).request.model_id, tools)
    if model.is_local:
        return LOCAL
    return f"{ASKED_FREE if model.is_free else ASKED}:{model.id}"


@DBOS.step()
@about_run
def _hears_too(run_id: str) -> bool:
    return hears_too(run_id, _at_work())


@DBOS.step()
@about_run
def _note_answered(run_id: str, attempt: int) -> bool:
    return note_answered(run_id, attempt, _at_work())


@DBOS.step()
@about_run
def _hear(run_id: str, attempt: int) -> None:
    hear(run_id, attempt, _at_work())


@DBOS.step()
@about_run
def _part(run_id: str, attempt: int, number: int) -> None:
    work_on_part(run_id, attempt, number, _at_work())


@DBOS.step()
@about_run
def _repair(run_id: str, attempt: int, number: int, model_id: str | None, take: int) -> None:
    repair_part(run_id, attempt, number, model_id, take, _at_work())


@DBOS.step()
@about_run
def _end(run_id: str, attempt: int) -> None:
    end_run(run_id, attempt, _at_work())


@DBOS.step()
@about_run
def _fail(run_id: str, attempt: int, failure: dict[str, str]) -> None:
    fail_run(run_id, attempt, Failure(**failure), _at_work())


@DBOS.step()
@about_run
def _copy(copy_id: str, attempt: int) -> None:
    make_copy(copy_id, attempt, _at_work())


@DBOS.step()
@about_run
def _answer(exchange_id: str, attempt: int) -> None:
    answer_question(exchange_id, attempt, _at_work())


@DBOS.workflow(name="part")
def part_workflow(run_id: str, attempt: int, number: int) -> None:
    _part(run_id, attempt, number)


@DBOS.workflow(name="repair part")
def repair_part_workflow(run_id: str, attempt: int, number: int, model_id: str | None, take: int) -> None:
    _repair(run_id, attempt, number, model_id, take)


@DBOS.workflow(name="hear")
def hear_workflow(run_id: str, attempt: int) -> None:
    _hear(run_id, attempt)


@DBOS.workflow(name="run")
def run_workflow(run_id: str, attempt: int) -> None:
    """A run: its parts side by side, and beside them the listening that their times need."""
    with _failing(run_id, attempt):
        parts = _begin(run_id, attempt)
        queue = _queue_for(run_id, None)
        handles = []
        for number in range(parts):
            with _waiting_in(queue, number) as name:
                handles.append(DBOS.enqueue_workflow(name, part_workflow, run_id, attempt, number))
        heard = [DBOS.enqueue_workflow(LOCAL, hear_workflow, run_id, attempt)] if _hears_too(run_id) else []
        for handle in handles:
            handle.get_result(polling_interval_sec=POLL)
        # Without an answer there is nothing to time: who waits in line to listen need not be waited for.
        is_answered = _note_answered(run_id, attempt) if DBOS.patch("nothing to time") else True
        if heard and is_answered:
            heard[0].get_result(polling_interval_sec=POLL)
        _end(run_id, attempt)


@DBOS.workflow(name="repair")
def repair_workflow(run_id: str, attempt: int, number: int, model_id: str | None) -> None:
    """One part of a finished run asked again, perhaps of another model; the others stay as they are."""
    with _failing(run_id, attempt):
        take = _begin_repair(run_id, attempt, number)
        queue = _queue_for(run_id, model_id)
        with _waiting_in(queue, number) as name:
            handle = DBOS.enqueue_workflow(name, repair_part_workflow, run_id, attempt, number, model_id, take)
        handle.get_result(polling_interval_sec=POLL)
        _end(run_id, attempt)


@DBOS.workflow(name="copy")
def copy_workflow(copy_id: str, attempt: int) -> None:
    """A copy of a video with captions in it. Its one step writes down itself how it ended."""
    _copy(copy_id, attempt)


@DBOS.workflow(name="answer")
def answer_workflow(exchange_id: str, attempt: int) -> None:
    """The answer to a question. Its one step writes down itself how it ended."""
    _answer(exchange_id, attempt)


@contextmanager
def _waiting_in(queue: str, number: int) -> Iterator[str]:
    """The name of the queue, while part ``number`` is put into it: into its row, and behind those before it.

    Without a place of its own it may overtake them, for the engine tells moments apart by whole seconds only; and a
    part that has overtaken those whose names it waits for holds their room.
    """
    name, _, row = queue.partition(":")
    options = {"priority": AFTER_TIMES if name == LOCAL else number + 1} | ({"queue_partition_key": row} if row else {})
    with SetEnqueueOptions(**options):
        yield name


@contextmanager
def _failing(run_id: str, attempt: int) -> Iterator[None]:
    try:
        yield
    except Cancelled:
        return
    except Exception as exc:
        failure = as_failure(DiskFull(FULL) if is_disk_full(exc) else exc, run_id)
        _fail(run_id, attempt, {"code": failure.code, "message": failure.message, "hint": failure.hint})


class Jobs:
    """Submit and cancel, from any process. Raises StorageError when the engine's database cannot be opened.

    ``parent`` are those whose connection these use: see ``of_user``.
    """

    def __init__(self, database_url: str, user_id: str | None = None, parent: Jobs | None = None) -> None:
        self._url = database_url
        self._user_id = user_id
        self._parent = parent
        self._lock = threading.Lock()
        self._client: DBOSClient | None = None
        self._file: tuple[int, int] | None = None

    def of_user(self, user_id: str | None) -> Jobs:
        """The jobs of one user's library, over the same connection; these themselves for None."""
        return self if user_id is None else Jobs(self._url, user_id, self)

    def submit(self, run_id: str, attempt: int) -> None:
        """Raises DiskFull, like ``repair``, ``copy`` and ``answer``."""
        self._enqueue_run("run", run_id, attempt)

    def repair(self, run_id: str, attempt: int, number: int, model_id: str | None) -> None:
        self._enqueue_run("repair", run_id, attempt, number, model_id)

    def copy(self, copy_id: str, attempt: int) -> None:
        self._enqueue("copy", COPIES, copy_id, attempt)

    def answer(self, exchange_id: str, attempt: int, model: Model) -> None:
        queue, row = (ASKED_FREE, {"queue_partition_key": model.id}) if model.is_free else (QUESTIONS, {})
        self._enqueue("answer", queue, exchange_id, attempt, **row)

    def is_over(self, subject_id: str, attempt: int) -> bool:
        """Whether the engine has ended this attempt at a run or a copy, however; False for one it never heard of."""
        found = self._open().list_workflows(workflow_ids=[self._name(subject_id, attempt)], load_input=False)
        return bool(found) and found[0].status not in ("PENDING", "ENQUEUED", "DELAYED")

    def cancel(self, subject_id: str, attempt: int) -> None:
        """Stop what is queued and what comes next; a step in flight hears it from the store."""
        # A workflow that is over, or never began, has nothing to cancel: the store has the last word.
        with suppress(Exception):
            self._open().cancel_workflow(self._name(subject_id, attempt), cancel_children=True)

    def forget(self, subject_id: str, attempts: int) -> None:
        """Delete what the engine remembers of a run or a copy: of all attempts at it, and of their parts."""
        ids = [self._name(subject_id, attempt) for attempt in range(1, attempts + 1)]
        self._open().delete_workflows(ids, delete_children=True)

    def close(self) -> None:
        if self._client is not None:
            self._client.destroy()

    def _enqueue_run(self, workflow: str, run_id: str, attempt: int, *more: object) -> None:
        queue, row = (RUNS, {}) if self._user_id is None else (USERS_RUNS, {"queue_partition_key": self._user_id})
        self._enqueue(workflow, queue, run_id, attempt, *more, **row)

    def _enqueue(
        self, workflow: str, queue: str, subject_id: str, attempt: int, *more: object, **options: object
    ) -> None:
        options |= {"workflow_name": workflow, "queue_name": queue, "workflow_id": self._name(subject_id, attempt)}
        options["app_version"] = APPLICATION_VERSION
        try:
            self._open().enqueue(options, subject_id, attempt, *more)
        except Exception as exc:
            if is_disk_full(exc):
                raise DiskFull("The disk is full: it could not be queued.") from exc
            raise

    def _name(self, subject_id: str, attempt: int) -> str:
        """What the engine knows an attempt by."""
        whose = "" if self._user_id is None else f"{self._user_id}/"
        return f"{whose}{subject_id}.{attempt}"

    def _open(self) -> DBOSClient:
        if self._parent is not None:
            return self._parent._open()
        with self._lock:
            if self._client is not None and self._file != _identity_of(self._url):
                self._client.destroy()  # a worker has put the file aside, see ``work``
                self._client = None
            if self._client is None:
                try:
                    _prepare_database(self._url)
                    self._client = DBOSClient(system_database_url=self._url, application_name=APPLICATION)
                    self._file = _identity_of(self._url)
                except Exception as exc:
                    raise StorageError(
                        "The database of jobs cannot be opened.", "Check the data folder and CUEWISE_DATABASE_URL."
                    ) from exc
            return self._client


def work(tools: Tools, executor_id: str) -> None:
    """Take up unfinished work and wait for more, in this process. One process per ``executor_id`` at a time.

    Raises DiskFull. A disk that fills later ends the process, see ``_Standstill``. Raises StorageError when the
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
    global _tools
    _tools = tools = replace(tools, holder=executor_id)
    for each in tools.everybodys():
        # Nobody else reserves in this name: what is reserved in it belongs to a worker that died.
        if dead := each.store.payments.bury(executor_id):
            log.info("%d requests were under way when the worker ended; they count as paid", dead)
        each.store.claims.release_all(executor_id)
        each.vault.forget_unused()
    url = tools.settings.jobs_database_url
    _prepare_database(url)
    _log_as_we_do(tools)
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
    _register_queues(tools.settings)
    jobs = Jobs(url)
    for each in tools.everybodys():
        _submit_what_was_not(each, jobs.of_user(each.settings.user_id))
    jobs.close()


def _register_queues(settings: Settings) -> None:
    """What counts requests counts those of all workers together; what takes a machine's own cores, each its own.

    A worker counts what it works on itself as well: a job that was cancelled holds its thread until it hears of it.
    """

    at_once, is_shared = settings.parts_at_once, settings.is_shared

    def limited(limit: int) -> dict[str, int]:
        return {"worker_concurrency": limit} | ({"global_concurrency": limit} if is_shared else {})

    by_model = {
        "worker_concurrency": max(at_once, min(MODELS_AT_ONCE * at_once, THREADS - RUNS_AT_ONCE)),
        "partition_worker_concurrency": at_once,
    } | ({"partition_concurrency": at_once} if is_shared else {})
    DBOS.register_queue(RUNS, **limited(RUNS_AT_ONCE), polling_interval_sec=POLL)
    each_users = settings.user_limits.runs_at_once
    DBOS.register_queue(
        USERS_RUNS, **limited(RUNS_AT_ONCE), partition_concurrency=each_users, polling_interval_sec=POLL
    )
    DBOS.register_queue(ASKED, **by_model, polling_interval_sec=POLL)
    DBOS.register_queue(ASKED_FREE, **by_model, limiter=FREE_LIMIT, polling_interval_sec=POLL)
    DBOS.register_queue(REMOTE, **limited(at_once), polling_interval_sec=POLL)
    DBOS.register_queue(FREE, **limited(at_once), limiter=FREE_LIMIT, polling_interval_sec=POLL)
    DBOS.register_queue(QUESTIONS, **limited(QUESTIONS_AT_ONCE), polling_interval_sec=POLL)
    for alone in (LOCAL, COPIES):
        DBOS.register_queue(alone, worker_concurrency=1, polling_interval_sec=POLL)


def executors_with_work() -> set[str]:
    """The ids of all workers, dead or alive, that have begun work which is not over."""
    found = DBOS.list_workflows(status="PENDING", load_input=False, load_output=False)
    return {each.executor_id for each in found if each.executor_id}


def take_over(executor_id: str, tools: Tools) -> int:
    """In a worker: put what a dead one was at work on back into its queues, for whoever has room; gives how many.

    What had its answer is not asked again, and what was on its way counts as paid. Done twice it does no harm.
    """
    for each in tools.everybodys():
        if dead := each.store.payments.bury(executor_id):
            log.info("%d requests were under way when a worker ended; they count as paid", dead)
        each.store.claims.release_all(executor_id)
    # The engine's own recovery, for another's id: it offers that to its paid console only. Resuming each workflow,
    # which it offers to all, would go around the queues and their limits.
    return len(DBOS._recover_pending_workflows([executor_id]))


def _log_as_we_do(tools: Tools) -> None:
    """Let the engine's words go to our log, which keeps keys out, and not to the terminal in its own form."""
    engine = logging.getLogger("dbos")
    engine.addHandler(logging.NullHandler())  # with any handler there, the engine adds none of its own
    engine.addFilter(_is_news)
    engine.addFilter(_Standstill(tools))


class _Standstill(logging.Filter):
    """Hears, where alone the engine says it, that a workflow's end could not be written down: the disk is full.

    To the engine such a workflow works on for ever, and those that wait for it wait for ever. So its run, copy or
    question fails with the reason as soon as there is room to write that down, and then the process ends: the worker
    that is started in its place takes up all other work where the databases say that it is.
    """

    def __init__(self, tools: Tools) -> None:
        super().__init__()
        self._tools = tools
        self._stopped: set[tuple[str | None, str, int]] = set()
        self._has_begun = threading.Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        """False for what needs no traceback: the full disk is told in a line of our own."""
        if not record.exc_info or not is_disk_full(record.exc_info[1]):
            return True
        if DBOS.workflow_id:
            self._stopped.add((_user_of(DBOS.workflow_id), *_subject_of(DBOS.workflow_id)))
        if self._has_begun.acquire(blocking=False):
            threading.Thread(target=self._wait_for_room, name="standstill", daemon=True).start()
        return False

    def _wait_for_room(self) -> None:
        log.error("the disk is full; waiting for room")
        while not self._is_written_down():
            time.sleep(1)
        log.info("there is room again")
        os._exit(1)

    def _is_written_down(self) -> bool:
        try:
            for user_id, subject_id, attempt in tuple(self._stopped):
                self._fail(self._tools.of_user(user_id), subject_id, attempt)
            _check_room(self._tools.settings.jobs_database_url)
        except (StorageError, sqlite3.OperationalError):
            return False
        return True

    def _fail(self, tools: Tools, subject_id: str, attempt: int) -> None:
        failure = as_failure(DiskFull(FULL), subject_id)
        if tools.store.runs.get(subject_id) is not None:
            fail_run(subject_id, attempt, failure, tools)
        elif tools.store.conversations.exchange(subject_id) is not None:
            fail_answer(subject_id, attempt, failure, tools)
        else:
            tools.store.copies.fail(subject_id, attempt, failure)


def _is_news(record: logging.LogRecord) -> bool:
    """Not so a cancelled workflow: its run says that it was cancelled, and the engine would show a traceback. Nor one
    that was deleted after that, before its last step had ended.

    Whichever hears of it first ends the work: the engine, or our own step by what stands in the store.
    """
    kind = record.exc_info[0] if record.exc_info else None
    is_meant = kind is not None and (issubclass(kind, Cancelled) or kind.__name__ in ENGINES_CANCELS)
    return not is_meant and "no longer owned by this execution" not in record.getMessage()


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


def _check_room(url: str) -> None:
    """Write to the engine's database what is there already. Raises sqlite3.OperationalError when the disk is full."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        with closing(sqlite3.connect(parsed.database)) as connection, connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            connection.execute(f"PRAGMA user_version = {version}")


def _prepare_database(url: str) -> None:
    DBOS.migrate(url)
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        with sqlite3.connect(parsed.database) as connection:
            connection.execute("PRAGMA journal_mode = WAL")


def _identity_of(url: str) -> tuple[int, int] | None:
    """Which file an SQLite database lies in now."""
    file = database_file(url)
    if file is None or not file.exists():
        return None
    found = file.stat()
    return found.st_dev, found.st_ino


def _user_of(workflow_id: str) -> str | None:
    """Whose library a workflow works on; None for that of who sits at the machine."""
    user_id, slash, _ = workflow_id.rpartition("/")
    return user_id if slash else None


def _subject_of(workflow_id: str) -> tuple[str, int]:
    """The run, copy or question that a workflow works for, and the attempt; what a run's has started is called
    ``run.attempt-n``."""
    subject_id, _, attempt = workflow_id.rpartition("/")[2].partition(".")
    return subject_id, int(attempt.partition("-")[0])
