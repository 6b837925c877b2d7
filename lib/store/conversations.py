"""Conversations with their exchanges, as they stand now. The worker writes answers, pages read them.

Every write of a worker names its ``attempt``, as with runs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection, Engine, Row, and_, delete, exists, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from lib.domain.conversation import Asking, Conversation, Exchange, Reading
from lib.domain.run import UNFINISHED, Failure, Generation, RunState, Usage
from lib.store.records import from_json, to_json
from lib.store.rows import now, transaction
from lib.store.spending import keep_exchange_costs
from lib.store.tables import conversation, conversation_run, exchange, generation

FRESH = {"state": RunState.QUEUED, "answer": "", "note": "", "failure": None, "finished": None, "is_remembered": False}


class Conversations:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, conversation_id: str, run_ids: Sequence[str]) -> None:
        """Write down a new conversation about these runs, in this order."""
        with transaction(self._engine) as connection:
            connection.execute(insert(conversation).values(id=conversation_id, created=now()))
            rows = [
                {"conversation_id": conversation_id, "run_id": run_id, "position": position}
                for position, run_id in enumerate(run_ids)
            ]
            connection.execute(insert(conversation_run), rows)

    def add_exchange(self, exchange_id: str, conversation_id: str, question: str, asking: Asking) -> bool:
        """Queue a question at its first attempt. False, and nothing is written, while another answer is on its way."""
        try:
            return self._add_exchange(exchange_id, conversation_id, question, asking)
        except IntegrityError:
            return False  # another window was quicker by a moment

    def again(self, exchange_id: str, asking: Asking) -> int | None:
        """Queue a question that is over once more; gives the new attempt, None while an answer is on its way."""
        with transaction(self._engine) as connection:
            row = connection.execute(select(exchange).where(exchange.c.id == exchange_id)).first()
            if row is None or _is_going_on(connection, row.conversation_id):
                return None
            mine = and_(exchange.c.id == exchange_id, exchange.c.attempt == row.attempt)
            values = {**_put(asking), **FRESH, "attempt": row.attempt + 1}
            return (
                row.attempt + 1 if connection.execute(update(exchange).where(mine).values(**values)).rowcount else None
            )

    def get(self, conversation_id: str) -> Conversation | None:
        found = self._read(conversation.c.id == conversation_id)
        return found[0] if found else None

    def all(self, *, limit: int = 100) -> list[Conversation]:
        """The newest first."""
        return self._read(limit=limit)

    def about(self, run_id: str) -> list[Conversation]:
        """Those about a run, alone or among others, the newest first."""
        is_about = exists().where(
            conversation_run.c.conversation_id == conversation.c.id, conversation_run.c.run_id == run_id
        )
        return self._read(is_about)

    def exchange(self, exchange_id: str) -> Exchange | None:
        with transaction(self._engine) as connection:
            row = connection.execute(select(exchange).where(exchange.c.id == exchange_id)).first()
        return _exchange(row) if row else None

    def attempts(self, conversation_id: str) -> dict[str, int]:
        """The number of the attempt that counts, for each exchange of a conversation."""
        wanted = select(exchange.c.id, exchange.c.attempt).where(exchange.c.conversation_id == conversation_id)
        with transaction(self._engine) as connection:
            return {row.id: row.attempt for row in connection.execute(wanted)}

    def unfinished(self) -> list[tuple[str, int, str]]:
        """Every exchange without its answer yet, with its attempt and its model, oldest first."""
        columns = (exchange.c.id, exchange.c.attempt, exchange.c.model_id)
        wanted = select(*columns).where(exchange.c.state.in_(UNFINISHED)).order_by(exchange.c.created)
        with transaction(self._engine) as connection:
            return [tuple(row) for row in connection.execute(wanted)]

    def begin(self, exchange_id: str, attempt: int) -> bool:
        """The worker takes it up. False when this attempt is no longer wanted."""
        return self._update(exchange_id, attempt, state=RunState.RUNNING)

    def note_sent(self, exchange_id: str, attempt: int) -> bool:
        """Write down, before it is sent, that it is: False where this attempt has sent it already."""
        with transaction(self._engine) as connection:
            fresh = and_(_current(exchange_id, attempt), exchange.c.asked_in < attempt)
            return bool(connection.execute(update(exchange).where(fresh).values(asked_in=attempt, note="")).rowcount)

    def was_sent(self, exchange_id: str, attempt: int) -> bool:
        """Whether this attempt has sent its question, and has no answer yet."""
        sent = and_(_current(exchange_id, attempt), exchange.c.asked_in == attempt)
        with transaction(self._engine) as connection:
            return bool(connection.scalar(select(exists().where(sent))))

    def report(self, exchange_id: str, attempt: int, **values: str) -> bool:
        """The answer so far, or a note on what is being done. False when the attempt is no longer wanted."""
        return self._update(exchange_id, attempt, **values)

    def is_wanted(self, exchange_id: str, attempt: int) -> bool:
        with transaction(self._engine) as connection:
            return bool(connection.scalar(select(exists().where(_current(exchange_id, attempt)))))

    def finish(
        self,
        exchange_id: str,
        attempt: int,
        answer: Generation,
        reading: Reading,
        cost_usd: Decimal | None,
        *,
        is_remembered: bool,
    ) -> None:
        self._update(
            exchange_id,
            attempt,
            state=RunState.DONE,
            answer=answer.text,
            note="",
            reading=to_json(reading),
            is_remembered=is_remembered,
            finished=now(),
            **_facts(answer, cost_usd),
        )

    def fail(
        self, exchange_id: str, attempt: int, failure: Failure, cost_usd: Decimal | None, answer: str | None = None
    ) -> None:
        """``answer`` is what had come of it; None leaves what is there."""
        kept = {} if answer is None else {"answer": answer}
        cost = None if cost_usd is None else str(cost_usd)
        values = {
            "state": RunState.FAILED,
            "failure": to_json(failure),
            "note": "",
            "finished": now(),
            "cost_usd": cost,
        }
        self._update(exchange_id, attempt, **values, **kept)

    def cancel(self, exchange_id: str) -> int | None:
        """Mark as stopped, with what had come of the answer; gives the attempt that was going on, None if none was."""
        unfinished = and_(exchange.c.id == exchange_id, exchange.c.state.in_(UNFINISHED))
        with transaction(self._engine) as connection:
            attempt = connection.scalar(select(exchange.c.attempt).where(unfinished))
            values = {"state": RunState.CANCELLED, "note": "", "finished": now()}
            connection.execute(update(exchange).where(unfinished).values(**values))
            return attempt

    def remove(self, conversation_id: str) -> None:
        """Delete a conversation with its answers; what it cost is kept."""
        with transaction(self._engine) as connection:
            remove_conversations(connection, [conversation_id])

    def _add_exchange(self, exchange_id: str, conversation_id: str, question: str, asking: Asking) -> bool:
        with transaction(self._engine) as connection:
            if _is_going_on(connection, conversation_id):
                return False
            last = select(func.max(exchange.c.number)).where(exchange.c.conversation_id == conversation_id)
            values = {
                "id": exchange_id,
                "conversation_id": conversation_id,
                "number": (connection.scalar(last) or 0) + 1,
                "attempt": 1,
                "asked_in": 0,
                "created": now(),
                "question": question,
                **_put(asking),
                **FRESH,
            }
            connection.execute(insert(exchange).values(**values))
        return True

    def _read(self, *which, limit: int | None = None) -> list[Conversation]:
        newest = select(conversation).where(*which).order_by(conversation.c.created.desc()).limit(limit)
        with transaction(self._engine) as connection:
            rows = connection.execute(newest).all()
            ids = [row.id for row in rows]
            runs, exchanges = defaultdict(list), defaultdict(list)
            of_these = conversation_run.c.conversation_id.in_(ids)
            for row in connection.execute(
                select(conversation_run).where(of_these).order_by(conversation_run.c.position)
            ):
                runs[row.conversation_id].append(row.run_id)
            mine = exchange.c.conversation_id.in_(ids)
            for row in connection.execute(select(exchange).where(mine).order_by(exchange.c.number)):
                exchanges[row.conversation_id].append(_exchange(row))
        return [
            Conversation(row.id, tuple(runs[row.id]), datetime.fromisoformat(row.created), tuple(exchanges[row.id]))
            for row in rows
            if runs[row.id]
        ]

    def _update(self, exchange_id: str, attempt: int, **values: object) -> bool:
        with transaction(self._engine) as connection:
            current = _current(exchange_id, attempt)
            return bool(connection.execute(update(exchange).where(current).values(**values)).rowcount)


def remove_conversations(connection: Connection, conversation_ids: Sequence[str]) -> None:
    """Delete conversations with the answers that only they hold, as a part of a transaction that is going on."""
    mine = exchange.c.conversation_id.in_(conversation_ids)
    exchange_ids = list(connection.scalars(select(exchange.c.id).where(mine)))
    keep_exchange_costs(connection, exchange_ids)
    connection.execute(delete(generation).where(generation.c.paid_by.in_(exchange_ids)))
    connection.execute(delete(conversation).where(conversation.c.id.in_(conversation_ids)))


def _is_going_on(connection: Connection, conversation_id: str) -> bool:
    mine = and_(exchange.c.conversation_id == conversation_id, exchange.c.state.in_(UNFINISHED))
    return bool(connection.scalar(select(exists().where(mine))))


def _current(exchange_id: str, attempt: int):
    return and_(exchange.c.id == exchange_id, exchange.c.attempt == attempt, exchange.c.state.in_(UNFINISHED))


def _put(asking: Asking) -> dict[str, object]:
    return {"model_id": asking.model_id, "asking": to_json(asking), "key_ref": asking.key_ref}


def _facts(answer: Generation, cost_usd: Decimal | None) -> dict[str, object]:
    return {
        "generation_id": answer.id,
        "provider": answer.provider,
        "prompt_tokens": answer.usage.prompt_tokens,
        "completion_tokens": answer.usage.completion_tokens,
        "video_tokens": answer.usage.video_tokens,
        "cost_usd": None if cost_usd is None else str(cost_usd),
        "seconds": answer.seconds,
    }


def _exchange(row: Row) -> Exchange:
    return Exchange(
        id=row.id,
        conversation_id=row.conversation_id,
        question=row.question,
        asking=from_json(Asking, row.asking),
        state=RunState(row.state),
        created=datetime.fromisoformat(row.created),
        answer=row.answer,
        note=row.note,
        reading=from_json(Reading, row.reading) if row.reading else None,
        generation_id=row.generation_id,
        provider=row.provider,
        usage=Usage(row.prompt_tokens, row.completion_tokens, row.video_tokens),
        cost_usd=None if row.cost_usd is None else Decimal(row.cost_usd),
        seconds=row.seconds,
        is_remembered=bool(row.is_remembered),
        failure=from_json(Failure, row.failure) if row.failure else None,
        finished=datetime.fromisoformat(row.finished) if row.finished else None,
    )
