"""The queues that work waits in, and how much of each is done at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dbos import DBOS, SetEnqueueOptions

from lib.settings import Settings

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
LOOKED_INTO = (RUNS, USERS_RUNS, ASKED, ASKED_FREE, LOCAL, COPIES, QUESTIONS)
AT_WORK = 0.2
"""Seconds between two looks into each of these; see lib.jobs.pace."""
SELDOM = 5.0
"""Between two looks into a row that only an older version could have put something into."""


def register_queues(settings: Settings) -> None:
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
    DBOS.register_queue(RUNS, **limited(RUNS_AT_ONCE), polling_interval_sec=AT_WORK)
    each_users = settings.user_limits.runs_at_once
    DBOS.register_queue(
        USERS_RUNS, **limited(RUNS_AT_ONCE), partition_concurrency=each_users, polling_interval_sec=AT_WORK
    )
    DBOS.register_queue(ASKED, **by_model, polling_interval_sec=AT_WORK)
    DBOS.register_queue(ASKED_FREE, **by_model, limiter=FREE_LIMIT, polling_interval_sec=AT_WORK)
    DBOS.register_queue(REMOTE, **limited(at_once), polling_interval_sec=SELDOM)
    DBOS.register_queue(FREE, **limited(at_once), limiter=FREE_LIMIT, polling_interval_sec=SELDOM)
    DBOS.register_queue(QUESTIONS, **limited(QUESTIONS_AT_ONCE), polling_interval_sec=AT_WORK)
    for alone in (LOCAL, COPIES):
        DBOS.register_queue(alone, worker_concurrency=1, polling_interval_sec=AT_WORK)


@contextmanager
def waiting_in(queue: str, number: int) -> Iterator[str]:
    """The name of the queue, while part ``number`` is put into it: into its row, and behind those before it.

    Without a place of its own it may overtake them, for the engine tells moments apart by whole seconds only; and a
    part that has overtaken those whose names it waits for holds their room.
    """
    name, _, row = queue.partition(":")
    options = {"priority": AFTER_TIMES if name == LOCAL else number + 1} | ({"queue_partition_key": row} if row else {})
    with SetEnqueueOptions(**options):
        yield name
