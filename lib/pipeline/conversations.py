"""Conversations: asking about one video or several, in the order in which one thing leads to another."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Protocol

from lib.domain.conversation import LONGEST_QUESTION, Asking, Conversation, Exchange, Look, Quote
from lib.domain.model import Model
from lib.domain.run import Run
from lib.errors import CuewiseError, InputError, NothingThere, PlanRefused, StillAnswering
from lib.pipeline.asking import duration_of, lines_of, quote
from lib.pipeline.paying import check_price
from lib.pipeline.queue import Queue
from lib.pipeline.run import find_model, known_run
from lib.pipeline.tools import Tools
from lib.store import forget_backups


class AnswerJobs(Protocol):
    """What makes answers durable: lib.jobs."""

    def answer(self, exchange_id: str, attempt: int, model: Model) -> None: ...

    def cancel(self, subject_id: str, attempt: int) -> None: ...

    def forget(self, subject_id: str, attempts: int) -> None: ...


class Conversations:
    """The verbs of conversations; a worker answers. ``key_for`` gives the key that a model needs."""

    def __init__(
        self,
        tools: Tools,
        jobs: Callable[[], AnswerJobs],
        queue: Queue,
        key_for: Callable[[str, str | None], str | None],
    ) -> None:
        self._tools = tools
        self._jobs = jobs
        self._queue = queue
        self._key_for = key_for

    def get(self, conversation_id: str) -> Conversation | None:
        return self._shelf.get(conversation_id)

    def all(self, *, limit: int = 100) -> list[Conversation]:
        """The newest first."""
        return self._shelf.all(limit=limit)

    def about(self, run_id: str) -> list[Conversation]:
        """Those that a run has a part in, the newest first."""
        return self._shelf.about(run_id)

    def models(self) -> tuple[Model, ...]:
        """Who can be asked: every model of the catalogue, those that see or hear first."""
        return self._tools.catalogue.get().every

    def quote(
        self,
        run_ids: Sequence[str],
        model_id: str,
        *,
        question: str = "",
        look: Look | None = None,
        conversation_id: str | None = None,
    ) -> Quote:
        """What a question would take and cost; sends nothing.

        Raises UnknownModel, NothingThere for a run without lines, and MediaError when the file to look at is gone.
        """
        runs = [known_run(run_id, self._tools) for run_id in run_ids]
        conversation = self.get(conversation_id) if conversation_id else None
        before = conversation.exchanges if conversation else ()
        quoted, _ = quote(runs, question, before, find_model(model_id, self._tools), look, self._tools)
        return quoted

    def start(self, run_ids: Sequence[str]) -> Conversation:
        """A new conversation about the transcripts of these runs. Raises NothingThere for one without lines, and
        InputError for none."""
        run_ids = tuple(dict.fromkeys(run_ids))
        if not run_ids:
            raise InputError("There is nothing to ask about.", "Choose a video.")
        for run_id in run_ids:
            lines_of(known_run(run_id, self._tools), self._tools)
        conversation_id = uuid.uuid4().hex
        self._shelf.add(conversation_id, run_ids)
        return self._known(conversation_id)

    def begin(
        self,
        run_ids: Sequence[str],
        question: str,
        model_id: str,
        *,
        look: Look | None = None,
        key: str | None = None,
        cap_usd: Decimal | None = None,
        accepts_unknown_price: bool = False,
    ) -> Exchange:
        """A new conversation with its first question. Raises what ``start`` and ``ask`` raise; then nothing is kept."""
        conversation = self.start(run_ids)
        try:
            how = {"look": look, "key": key, "cap_usd": cap_usd, "accepts_unknown_price": accepts_unknown_price}
            return self.ask(conversation.id, question, model_id, **how)
        except CuewiseError:
            self._shelf.remove(conversation.id)
            raise

    def ask(
        self,
        conversation_id: str,
        question: str,
        model_id: str,
        *,
        look: Look | None = None,
        key: str | None = None,
        cap_usd: Decimal | None = None,
        accepts_unknown_price: bool = False,
    ) -> Exchange:
        """Queue a question. All attempts at it together may cost ``cap_usd``; without it that of Settings holds.

        Raises UnknownModel, PlanRefused, PriceUnknown, KeyMissing, StillAnswering while an answer is on its way, and
        InputError for an empty question; then nothing is queued.
        """
        question = question.strip()[:LONGEST_QUESTION]
        if not question:
            raise InputError("The question is empty.", "Write what you want to know.")
        conversation = self._known(conversation_id)
        quoted = self.quote(
            conversation.run_ids, model_id, question=question, look=look, conversation_id=conversation_id
        )
        if quoted.refusal:
            raise PlanRefused(quoted.refusal, "Choose another model, or ask without looking at the video.")
        exchange_id, key = uuid.uuid4().hex, self._key_for(model_id, key)
        asking = self._asking(model_id, look, key, cap_usd, accepts_unknown_price)
        if not self._shelf.add_exchange(exchange_id, conversation_id, question, asking):
            raise StillAnswering("The question before is still being answered.")
        return self._put(exchange_id, 1, model_id, key)

    def try_again(self, exchange_id: str, *, key: str | None = None) -> Exchange:
        """Queue a question that has no answer once more. Raises UnknownModel, PriceUnknown, KeyMissing, StillAnswering
        and NothingThere; then nothing is queued."""
        exchange = self._known_exchange(exchange_id)
        if exchange.is_answered:
            return exchange
        asked = exchange.asking
        key = self._key_for(asked.model_id, key)
        asking = self._asking(asked.model_id, asked.look, key, asked.own_cap_usd, asked.accepts_unknown_price)
        attempt = self._shelf.again(exchange_id, asking)
        if attempt is None:
            raise StillAnswering("A question of this conversation is still being answered.")
        return self._put(exchange_id, attempt, asked.model_id, key)

    def stop(self, exchange_id: str) -> None:
        """Stop an answer; what had come of it is kept. Does nothing when it is over."""
        attempt = self._shelf.cancel(exchange_id)
        if attempt is not None:
            self._jobs().cancel(exchange_id, attempt)
            self._tools.vault.forget_unused()

    def delete(self, conversation_id: str) -> None:
        """Delete a conversation for good: its questions, its answers, and its jobs. What it cost stays in the sum."""
        conversation = self._known(conversation_id)
        attempts = self._shelf.attempts(conversation_id)
        for exchange in conversation.exchanges:
            self.stop(exchange.id)
        self._shelf.remove(conversation_id)
        for exchange_id, number in attempts.items():
            self._jobs().forget(exchange_id, number)
        forget_backups(self._tools.settings.database_url, self._tools.settings.backups_dir)

    def runs(self, conversation: Conversation) -> tuple[Run, ...]:
        """The runs that it is about, in their order."""
        found = self._tools.store.runs.some(conversation.run_ids)
        return tuple(found[run_id] for run_id in conversation.run_ids if run_id in found)

    def durations(self, conversation: Conversation) -> tuple[float | None, ...]:
        """How long its videos are, in their order; None where nobody knows."""
        return tuple(duration_of(run, self._tools) for run in self.runs(conversation))

    def starts(self, conversation: Conversation) -> tuple[tuple[float, ...], ...]:
        """Where the lines of each of its videos begin, in their order."""
        found = (self._tools.store.transcripts.get(run.id) for run in self.runs(conversation))
        return tuple(tuple(cue.start for cue in each.cues) if each else () for each in found)

    def exchange(self, exchange_id: str) -> Exchange | None:
        return self._shelf.exchange(exchange_id)

    @property
    def _shelf(self):
        return self._tools.store.conversations

    def _asking(
        self, model_id: str, look: Look | None, key: str | None, cap_usd: Decimal | None, accepts_unknown_price: bool
    ) -> Asking:
        """With the settings of today: today's key must never go to the server of another day."""
        settings, preferences = self._tools.settings, self._tools.store.preferences.get()
        check_price(find_model(model_id, self._tools), accepts_unknown_price)
        return Asking(
            model_id=model_id,
            base_url=settings.openrouter_base_url,
            look=look,
            part_form=preferences.part_form,
            media_limit_bytes=settings.media_limit_bytes,
            key_ref=None if key is None else self._tools.vault.reference(key),
            own_cap_usd=cap_usd,
            accepts_unknown_price=accepts_unknown_price,
        )

    def _put(self, exchange_id: str, attempt: int, model_id: str, key: str | None) -> Exchange:
        model = find_model(model_id, self._tools)
        self._queue.put(
            lambda: self._jobs().answer(exchange_id, attempt, model), lambda: self._shelf.cancel(exchange_id), key
        )
        return self._known_exchange(exchange_id)

    def _known(self, conversation_id: str) -> Conversation:
        conversation = self.get(conversation_id)
        if conversation is None:
            raise NothingThere("There is no such conversation.", "It may have been deleted.")
        return conversation

    def _known_exchange(self, exchange_id: str) -> Exchange:
        exchange = self.exchange(exchange_id)
        if exchange is None:
            raise NothingThere("There is no such question.", "Its conversation may have been deleted.")
        return exchange
