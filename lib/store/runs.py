"""Runs and their parts, as they stand now. The worker writes, pages read.

Every write of a worker names its ``attempt``: what a cancelled or superseded attempt still has to say is ignored.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Row,
    and_,
    delete,
    exists,
    insert,
    literal,
    select,
    update,
)

from lib.domain.batch import Seat
from lib.domain.health import Health
from lib.domain.plan import Plan
from lib.domain.run import (
    UNFINISHED,
    Failure,
    PartAnswer,
    PartRecord,
    PartState,
    Run,
    RunRequest,
    RunState,
    Stage,
    Usage,
)
from lib.domain.transcript import Transcript
from lib.domain.versions import Author, Version
from lib.store.batches import take_seat
from lib.store.comparisons import add_column, set_merged
from lib.store.records import from_json, to_json
from lib.store.reruns import add_rerun
from lib.store.rows import as_text, now, transaction
from lib.store.tables import part, rerun, run
from lib.store.transcripts import Transcripts

Answers = tuple[PartAnswer, ...]
_RUNS = select(run, exists().where(rerun.c.run_id == run.c.id).label("is_rerun"))


class Runs:
    def __init__(self, engine: Engine, transcripts: Transcripts) -> None:
        self._engine = engine
        self._transcripts = transcripts

    def add(
        self,
        run_id: str,
        request: RunRequest,
        plan: Plan | None,
        *,
        again_of: str | None = None,
        seat: Seat | None = None,
        comparison_id: str | None = None,
    ) -> None:
        """Write down a new run, queued, at its first attempt, and with it where it belongs: ``again_of`` is the run of
        which it runs a stretch again, ``seat`` the item of a batch that it is started for, ``comparison_id`` the
        comparison that it is a column of."""
        with transaction(self._engine) as connection:
            connection.execute(insert(run).values(**_fresh(run_id, request, plan)))
            if again_of is not None:
                add_rerun(connection, run_id, again_of)
            if seat is not None:
                take_seat(connection, seat, run_id)
            if comparison_id is not None:
                add_column(connection, comparison_id, run_id)

    def add_done(
        self,
        run_id: str,
        request: RunRequest,
        said: Transcript,
        *,
        started: datetime | None,
        asset_id: str | None = None,
        provider: str | None = None,
        author: Author = Author.MODEL,
        merged_of: str | None = None,
    ) -> None:
        """Write down a run that was over before it could be queued, with what it said: both, or neither. ``started``
        is None where the time that it took means nothing; ``merged_of`` is the comparison whose best of all it is."""
        finished = now()
        values = _fresh(run_id, request, None) | {
            "state": RunState.DONE,
            "asset_id": asset_id,
            "provider": provider,
            "started": started.isoformat(timespec="milliseconds") if started else None,
            "finished": finished,
            "seconds": _seconds_between(started.isoformat(), finished) if started else None,
            "progress": 1.0,
            "cost_usd": "0",
        }
        with transaction(self._engine) as connection:
            connection.execute(insert(run).values(**values))
            self._transcripts.put(connection, run_id, said, author=author)
            if merged_of is not None:
                set_merged(connection, merged_of, run_id)

    def get(self, run_id: str) -> Run | None:
        with transaction(self._engine) as connection:
            row = connection.execute(_RUNS.where(run.c.id == run_id)).first()
            return _read(row, _parts_of(connection, [run_id])[run_id]) if row else None

    def newest(self, limit: int) -> list[Run]:
        with transaction(self._engine) as connection:
            rows = connection.execute(_RUNS.order_by(run.c.created.desc(), run.c.id).limit(limit)).all()
            parts = _parts_of(connection, [row.id for row in rows])
        return [_read(row, parts[row.id]) for row in rows]

    def some(self, run_ids: Sequence[str]) -> dict[str, Run]:
        """The runs of these ids that there are, by id, without their text so far."""
        return {each.id: each for each in self._without_text(run.c.id.in_(run_ids))}

    def of_videos(self, video_ids: Sequence[str]) -> list[Run]:
        """Every run about one of these videos, newest first, without their text so far."""
        return self._without_text(run.c.video_id.in_(video_ids))

    def of_asset(self, asset_id: str) -> list[Run]:
        """Every run about this media, newest first, without their text so far."""
        return self._without_text(run.c.asset_id == asset_id)

    def attempt(self, run_id: str) -> int:
        """The number of the attempt that counts now."""
        with transaction(self._engine) as connection:
            return connection.scalar(select(run.c.attempt).where(run.c.id == run_id)) or 0

    def is_wanted(self, run_id: str, attempt: int) -> bool:
        """Whether this attempt is still to be worked on: not cancelled, not superseded, not over."""
        wanted = select(run.c.id).where(_current(run_id, attempt))
        with transaction(self._engine) as connection:
            return connection.scalar(wanted) is not None

    def again(self, run_id: str, request: RunRequest) -> int | None:
        """Queue a run that is over once more; gives the new attempt's number, None if it is not over."""
        over = and_(run.c.id == run_id, run.c.state.not_in(UNFINISHED))
        fresh = {
            "attempt": run.c.attempt + 1,
            "state": RunState.QUEUED,
            "stage": Stage.WAITING,
            "progress": None,
            "note": "",
            "failure": None,
            "finished": None,
            "started": None,
            "answer_seconds": None,
            "cost_usd": None,  # until it is over again, its parts say what it has cost
            "key_ref": request.key_ref,
            "request": to_json(request),
        }
        with transaction(self._engine) as connection:
            if not connection.execute(update(run).where(over).values(**fresh)).rowcount:
                return None
            return connection.scalar(select(run.c.attempt).where(run.c.id == run_id))

    def cancel(self, run_id: str) -> bool:
        """Mark as cancelled; False if it was over already."""
        unfinished = and_(run.c.id == run_id, run.c.state.in_(UNFINISHED))
        with transaction(self._engine) as connection:
            values = {"state": RunState.CANCELLED, "finished": now(), "progress": None}
            values["cost_usd"] = _paid_for(connection, run_id)["cost_usd"]
            return bool(connection.execute(update(run).where(unfinished).values(**values)).rowcount)

    def begin(self, run_id: str, attempt: int) -> None:
        self._update(run_id, attempt, state=RunState.RUNNING, started=now())

    def report(self, run_id: str, attempt: int, stage: Stage, progress: float | None = None, note: str = "") -> bool:
        """Say what the run is doing. False when the attempt is no longer wanted."""
        return self._update(run_id, attempt, stage=stage, progress=progress, note=note)

    def set_asset(self, run_id: str, attempt: int, asset_id: str) -> None:
        self._update(run_id, attempt, asset_id=asset_id)

    def set_plan(self, run_id: str, attempt: int, plan: Plan) -> None:
        """Keep the plan and lay out its parts; what an earlier attempt had of the same parts stays."""
        rows = [
            {
                "run_id": run_id,
                "number": each.index,
                "start": each.start,
                "end": each.end,
                "state": PartState.WAITING,
                "size_bytes": each.size_bytes,
                "is_remembered": False,
                "partial_text": "",
            }
            for each in plan.parts
        ]
        with transaction(self._engine) as connection:
            wanted = update(run).where(_current(run_id, attempt)).values(plan=to_json(plan))
            if not connection.execute(wanted).rowcount:
                return
            there = connection.execute(select(part.c.number, part.c.start, part.c.end).where(part.c.run_id == run_id))
            if sorted(tuple(each) for each in there) == [(row["number"], row["start"], row["end"]) for row in rows]:
                waiting = {"state": PartState.WAITING, "error": None, "error_code": None, "hint": None}
                failed = and_(part.c.run_id == run_id, part.c.state.not_in((PartState.OK, PartState.REPAIRED)))
                connection.execute(update(part).where(failed).values(**waiting))
                return
            paid = _paid_for(connection, run_id)
            connection.execute(delete(part).where(part.c.run_id == run_id))
            if rows:
                # What was paid for the parts that go stays paid: the first of the new ones goes on from there.
                carried = [paid, *({"cost_usd": None, "billed": None} for _ in rows[1:])]
                connection.execute(insert(part), [row | more for row, more in zip(rows, carried, strict=True)])

    def report_part(self, run_id: str, attempt: int, number: int, **values: object) -> bool:
        """Change columns of a part: its state, size, digest, generation_id, error or partial_text.

        False when the attempt is no longer wanted: then nothing is changed.
        """
        is_wanted = exists(select(run.c.id).where(_current(run_id, attempt)))
        where = and_(part.c.run_id == run_id, part.c.number == number, is_wanted)
        with transaction(self._engine) as connection:
            return bool(connection.execute(update(part).where(where).values(**values)).rowcount)

    def answers(self, run_id: str) -> list[tuple[PartAnswer, ...]]:
        """For each part in order, the answers that it is made of; empty where there is none yet."""
        rows = select(part.c.answers).where(part.c.run_id == run_id).order_by(part.c.number)
        with transaction(self._engine) as connection:
            return [from_json(Answers, text) if text else () for text in connection.scalars(rows)]

    def billed(self, run_id: str, number: int) -> set[str]:
        """The digests of the answers that a part's cost has counted, also where the part failed after them."""
        wanted = select(part.c.billed, part.c.answers).where(part.c.run_id == run_id, part.c.number == number)
        with transaction(self._engine) as connection:
            row = connection.execute(wanted).first()
        return _billed(row) if row else set()

    def keep_answers(self, run_id: str, attempt: int, number: int, answers: tuple[PartAnswer, ...]) -> bool:
        """Write down what a part's answer is made of, and in which attempt it came."""
        return self.report_part(run_id, attempt, number, answers=to_json(answers, Answers), answered_in=attempt)

    def answered_since(self, run_id: str, attempt: int) -> list[int]:
        """The numbers of the parts that were answered in a later attempt than this one."""
        rows = (
            select(part.c.number).where(part.c.run_id == run_id, part.c.answered_in > attempt).order_by(part.c.number)
        )
        with transaction(self._engine) as connection:
            return list(connection.scalars(rows))

    def settle_parts(self, run_id: str, attempt: int, *, but: int) -> None:
        """Before a repair: what an earlier attempt left in the middle counts as answered, or as failed."""
        left = and_(
            part.c.run_id == run_id,
            part.c.number != but,
            part.c.state.not_in((PartState.OK, PartState.REPAIRED, PartState.FAILED)),
            exists(select(run.c.id).where(_current(run_id, attempt))),
        )
        failed = {"state": PartState.FAILED, "error_code": "Cancelled", "error": "It was not finished."}
        with transaction(self._engine) as connection:
            connection.execute(update(part).where(left, part.c.answers.is_not(None)).values(state=PartState.OK))
            connection.execute(update(part).where(left, part.c.answers.is_(None)).values(**failed))

    def note_answered(self, run_id: str, attempt: int, seconds: float | None = None) -> None:
        """Write down how long the answers took: until now, or what they took when they were given."""
        with transaction(self._engine) as connection:
            started = connection.scalar(select(run.c.started).where(run.c.id == run_id))
            taken = _seconds_between(started, now()) if seconds is None else seconds
            connection.execute(update(run).where(_current(run_id, attempt)).values(answer_seconds=taken))

    def finish(
        self,
        run_id: str,
        attempt: int,
        *,
        provider: str | None,
        usage: Usage,
        cost_usd: Decimal | None,
        seconds_to_first_text: float | None,
        from_cache: bool,
        health: Health | None,
        measured: Version | None = None,
    ) -> None:
        """Done. ``measured`` is the version of the transcript whose health it is."""
        self._end(
            run_id,
            attempt,
            state=RunState.DONE,
            provider=provider,
            prompt_tokens=usage.prompt_tokens,
            completion_tokens=usage.completion_tokens,
            video_tokens=usage.video_tokens,
            cost_usd=None if cost_usd is None else str(cost_usd),
            seconds_to_first_text=seconds_to_first_text,
            from_cache=from_cache,
            health=to_json(health) if health else None,
            **_measured(measured),
            progress=1.0,
            note="",
        )

    def set_health(self, run_id: str, health: Health, measured: Version) -> None:
        """Another health for a run that is over, and the version of its transcript that it was measured on."""
        over = and_(run.c.id == run_id, run.c.state.not_in(UNFINISHED))
        with transaction(self._engine) as connection:
            connection.execute(update(run).where(over).values(health=to_json(health), **_measured(measured)))

    def fail(self, run_id: str, attempt: int, failure: Failure, cost_usd: Decimal | None = None) -> None:
        cost = None if cost_usd is None else str(cost_usd)
        self._end(run_id, attempt, state=RunState.FAILED, failure=to_json(failure), cost_usd=cost, progress=None)

    def amend(self, run_id: str, request: RunRequest) -> bool:
        """Write down what was changed about a run that is over without asking anew. False, and nothing done, if it
        is not over."""
        over = and_(run.c.id == run_id, run.c.state.not_in(UNFINISHED))
        with transaction(self._engine) as connection:
            return bool(connection.execute(update(run).where(over).values(request=to_json(request))).rowcount)

    def unfinished(self) -> list[tuple[str, int]]:
        """Every run that is queued or running, with its attempt, oldest first."""
        rows = select(run.c.id, run.c.attempt).where(run.c.state.in_(UNFINISHED)).order_by(run.c.created)
        with transaction(self._engine) as connection:
            return [(row.id, row.attempt) for row in connection.execute(rows)]

    def ended_before(self, moment: datetime) -> list[str]:
        """The ids of the runs that were over before a moment, oldest first."""
        ended = and_(run.c.state.not_in(UNFINISHED), run.c.finished < as_text(moment))
        with transaction(self._engine) as connection:
            return list(connection.scalars(select(run.c.id).where(ended).order_by(run.c.finished)))

    def _without_text(self, which: ColumnElement[bool]) -> list[Run]:
        with transaction(self._engine) as connection:
            rows = connection.execute(_RUNS.where(which).order_by(run.c.created.desc(), run.c.id)).all()
            parts = _parts_of(connection, [row.id for row in rows], with_text=False)
        return [_read(row, parts[row.id]) for row in rows]

    def _end(self, run_id: str, attempt: int, **values: object) -> None:
        with transaction(self._engine) as connection:
            started = connection.scalar(select(run.c.started).where(run.c.id == run_id))
            finished = now()
            seconds = _seconds_between(started, finished)
            values |= {"finished": finished, "seconds": seconds}
            connection.execute(update(run).where(_current(run_id, attempt)).values(**values))

    def _update(self, run_id: str, attempt: int, **values: object) -> bool:
        with transaction(self._engine) as connection:
            return bool(connection.execute(update(run).where(_current(run_id, attempt)).values(**values)).rowcount)


def _fresh(run_id: str, request: RunRequest, plan: Plan | None) -> dict[str, object]:
    """The row of a run that begins."""
    return {
        "id": run_id,
        "attempt": 1,
        "created": now(),
        "state": RunState.QUEUED,
        "stage": Stage.WAITING,
        "note": "",
        "model_id": request.model_id,
        "task": request.task,
        "title": request.source.title,
        "video_id": request.source.video_id,
        "asset_id": request.source.asset_id,
        "key_ref": request.key_ref,
        "request": to_json(request),
        "plan": to_json(plan) if plan else None,
        "from_cache": False,
    }


def _paid_for(connection: Connection, run_id: str) -> dict[str, str | None]:
    """What the parts of a run have cost together, and the digests of the answers that this has counted."""
    rows = connection.execute(
        select(part.c.cost_usd, part.c.billed, part.c.answers).where(part.c.run_id == run_id)
    ).all()
    costs = [Decimal(row.cost_usd) for row in rows if row.cost_usd is not None]
    billed = set().union(*(_billed(row) for row in rows))
    return {"cost_usd": str(sum(costs)) if costs else None, "billed": " ".join(sorted(billed)) or None}


def _billed(row: Row) -> set[str]:
    # What an older version worked on has its answers alone.
    answers = from_json(Answers, row.answers) if row.answers else ()
    return {*(row.billed or "").split(), *(answer.digest for answer in answers)}


def _current(run_id: str, attempt: int):
    return and_(run.c.id == run_id, run.c.attempt == attempt, run.c.state.in_(UNFINISHED))


def _measured(version: Version | None) -> dict[str, int | None]:
    return {
        "health_version": version.number if version else None,
        "health_revision": version.revision if version else None,
    }


def _seconds_between(started: str | None, finished: str) -> float | None:
    if started is None:
        return None
    # The clock may have been set back meanwhile.
    return max(0.0, (datetime.fromisoformat(finished) - datetime.fromisoformat(started)).total_seconds())


def _parts_of(connection: Connection, run_ids: Sequence[str], *, with_text: bool = True) -> dict[str, list[Row]]:
    columns = [each for each in part.c if with_text or each is not part.c.partial_text]
    if not with_text:
        columns.append(literal("").label("partial_text"))
    rows: Iterable[Row] = connection.execute(
        select(*columns).where(part.c.run_id.in_(run_ids)).order_by(part.c.run_id, part.c.number)
    )
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row.run_id].append(row)
    return found


def _read(row: Row, parts: Sequence[Row]) -> Run:
    return Run(
        id=row.id,
        request=from_json(RunRequest, row.request),
        state=RunState(row.state),
        created=datetime.fromisoformat(row.created),
        stage=Stage(row.stage),
        progress=row.progress,
        note=row.note,
        partial_text="\n".join(each.partial_text for each in parts if each.partial_text),
        plan=from_json(Plan, row.plan) if row.plan else None,
        parts=tuple(_read_part(each) for each in parts),
        asset_id=row.asset_id,
        started=_moment(row.started),
        finished=_moment(row.finished),
        failure=from_json(Failure, row.failure) if row.failure else None,
        provider=row.provider,
        usage=Usage(row.prompt_tokens, row.completion_tokens, row.video_tokens),
        cost_usd=None if row.cost_usd is None else Decimal(row.cost_usd),
        seconds=row.seconds,
        seconds_to_first_text=row.seconds_to_first_text,
        answer_seconds=row.answer_seconds,
        from_cache=bool(row.from_cache),
        health=from_json(Health, row.health) if row.health else None,
        health_version=row.health_version,
        health_revision=row.health_revision,
        is_rerun=bool(row.is_rerun),
    )


def _read_part(row: Row) -> PartRecord:
    return PartRecord(
        index=row.number,
        start=row.start,
        end=row.end,
        state=PartState(row.state),
        size_bytes=row.size_bytes,
        generation_id=row.generation_id,
        cost_usd=None if row.cost_usd is None else Decimal(row.cost_usd),
        is_remembered=bool(row.is_remembered),
        model_id=row.model_id,
        error_code=row.error_code,
        error=row.error,
        hint=row.hint,
        partial_text=row.partial_text,
    )


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
