"""The workflows, and the steps that they are made of: what is worked on in a worker, one step after the other.

The engine finds both again by their names: a workflow by the one that is given, a step by its function's. Under
another name a job that an older version left in the middle would not go on.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dbos import DBOS

from lib.domain.run import Failure
from lib.errors import Cancelled, DiskFull
from lib.jobs.names import user_of
from lib.jobs.queues import ASKED, ASKED_FREE, AT_WORK, LOCAL, waiting_in
from lib.jobs.standstill import FULL
from lib.logs import about_run
from lib.pipeline.answer import answer_question
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
from lib.store import is_disk_full

_tools: Tools | None = None


def equip(tools: Tools) -> None:
    """Let the workflows of this process work with these tools."""
    global _tools
    _tools = tools


def _at_work() -> Tools:
    """The tools of the library that this work is for."""
    if _tools is None:
        raise RuntimeError("workflows run in a worker only")
    return _tools.of_user(user_of(DBOS.workflow_id))


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
            with waiting_in(queue, number) as name:
                handles.append(DBOS.enqueue_workflow(name, part_workflow, run_id, attempt, number))
        heard = [DBOS.enqueue_workflow(LOCAL, hear_workflow, run_id, attempt)] if _hears_too(run_id) else []
        for handle in handles:
            handle.get_result(polling_interval_sec=AT_WORK)
        # Without an answer there is nothing to time: who waits in line to listen need not be waited for.
        is_answered = _note_answered(run_id, attempt) if DBOS.patch("nothing to time") else True
        if heard and is_answered:
            heard[0].get_result(polling_interval_sec=AT_WORK)
        _end(run_id, attempt)


@DBOS.workflow(name="repair")
def repair_workflow(run_id: str, attempt: int, number: int, model_id: str | None) -> None:
    """One part of a finished run asked again, perhaps of another model; the others stay as they are."""
    with _failing(run_id, attempt):
        take = _begin_repair(run_id, attempt, number)
        queue = _queue_for(run_id, model_id)
        with waiting_in(queue, number) as name:
            handle = DBOS.enqueue_workflow(name, repair_part_workflow, run_id, attempt, number, model_id, take)
        handle.get_result(polling_interval_sec=AT_WORK)
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
def _failing(run_id: str, attempt: int) -> Iterator[None]:
    try:
        yield
    except Cancelled:
        return
    except Exception as exc:
        failure = as_failure(DiskFull(FULL) if is_disk_full(exc) else exc, run_id)
        _fail(run_id, attempt, {"code": failure.code, "message": failure.message, "hint": failure.hint})
