"""Part: what of a run goes into one question, prepared and asked about, made smaller where it was too much."""

from __future__ import annotations

import bisect
import re
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from decimal import Decimal

from lib.domain.cuts import Portion, cut_points, portions
from lib.domain.excerpt import Excerpt
from lib.domain.media import MediaAsset
from lib.domain.plan import Route, RouteChoice
from lib.domain.run import PartAnswer, PartState, Stage
from lib.domain.transcript import Segment
from lib.errors import (
    AnswerTruncated,
    Cancelled,
    ContextTooLong,
    MediaTooLong,
    ModelError,
    PlanRefused,
    RequestTooLarge,
    StorageError,
)
from lib.formats.parse import parse_answer
from lib.formats.timecode import format_clock
from lib.pipeline.ahead import preparing_ahead
from lib.pipeline.generate import ask, listen_through
from lib.pipeline.hear import speech_of
from lib.pipeline.ingest import facts_of, media_of
from lib.pipeline.plan import make_plan
from lib.pipeline.prepare import Recipe, prepare
from lib.pipeline.reporter import Reporter
from lib.pipeline.run import as_failure, find_model, known_run
from lib.pipeline.text_part import TextWork
from lib.pipeline.tools import Tools
from lib.pipeline.work import Work

MOST_HALVINGS = 3
"""A part that is still too much after so many halvings (40 s of 5 minutes) has another fault."""
MOST_SHRINKINGS = 3
SHORTEST_PIECE = 10.0
MOST_NAMES = 12
NUMBERED = re.compile(r"(?i)(speaker|person|voice|sprecher|locuteur|hablante)\s*\d+$")
"""Names that are only numbers: the next part counts anew."""
WAIT = 0.3


def work_on_part(run_id: str, attempt: int, number: int, tools: Tools) -> None:
    """Get a part's answer from the run's model, unless it has one. A failure is written to the part, not raised.

    Raises Cancelled.
    """
    if not known_run(run_id, tools).parts[number].state.is_answered:
        _work_on(run_id, attempt, number, None, 0, tools)


def repair_part(run_id: str, attempt: int, number: int, model_id: str | None, take: int, tools: Tools) -> None:
    """Get a part's answer anew, from ``model_id`` or the run's own model. When that fails, the old answer stays.

    ``take`` is 0 for a part that has no answer yet. Raises Cancelled.
    """
    _work_on(run_id, attempt, number, model_id, take, tools)


def _work_on(run_id: str, attempt: int, number: int, model_id: str | None, take: int, tools: Tools) -> None:
    reporter = Reporter(tools.store, run_id, attempt)
    run = known_run(run_id, tools)
    earlier = tools.store.runs.answers(run_id)[number]
    model = find_model(model_id or run.request.model_id, tools)
    kind = _Work if run.request.about is None else TextWork
    work = kind(run, run.plan.parts[number], model, tools, reporter, run.parts[number].cost_usd, take=take)
    work.billed = tools.store.runs.billed(run_id, number)
    try:
        answers = work.listen() if model.is_local and kind is _Work else work.ask()
    except (Cancelled, StorageError):
        # A full disk stops the run: the next part would only meet it again.
        raise
    except Exception as exc:
        failure = as_failure(exc, run_id)
        work.bill(getattr(exc, "generation", None))
        reporter.part(
            number,
            PartState.OK if earlier else PartState.FAILED,
            error_code=failure.code,
            error=failure.message,
            hint=failure.hint,
            **_account_of(work),
        )
        return
    tools.store.runs.keep_answers(run_id, attempt, number, answers)
    reporter.part(
        number,
        PartState.REPAIRED if work.was_mended or model_id else PartState.OK,
        model_id=model_id,
        generation_id=work.generation_id,
        partial_text=work.text,
        **_account_of(work),
        is_remembered=work.is_remembered,
        error_code=None,
        error=None,
        hint=None,
    )


@dataclass
class _Work(Work):
    """The work on a part that is cut out of media."""

    route: Route | None = None
    speakers: tuple[str, ...] = ()
    last_size: int | None = None
    limit: int = field(init=False)
    first_route: Route = field(init=False)

    def __post_init__(self) -> None:
        self.limit = self.run.request.media_limit_bytes
        self.first_route = self.run.plan.route

    def listen(self) -> tuple[PartAnswer, ...]:
        """The answer of a model on this machine."""
        number, excerpt = self.part.index, self.part.excerpt
        self.reporter.part(number, PartState.ASKING)
        self.reporter.stage(Stage.LISTENING)
        heard: list[Segment] = []

        def on_segment(segment: Segment, fraction: float) -> None:
            bisect.insort(heard, segment, key=lambda each: each.start)
            self.reporter.part_text(number, "\n".join(map(_line, heard)))
            self.reporter.stage(Stage.LISTENING, fraction)

        model_id = self.model.id
        asked = listen_through(
            self.run.request, model_id, self._asset(), excerpt, self.tools, self.reporter, on_segment
        )
        for each in asked:
            self.note(each)
        self.texts = [_line(segment) for each in asked for segment in each.generation.segments]
        return tuple(
            PartAnswer(each.digest, stretch.start, stretch.end, stretch.start, 0.0 if at else self.part.overlap)
            for at, (each, stretch) in enumerate(zip(asked, excerpt.stretches, strict=True))
        )

    def ask(self) -> tuple[PartAnswer, ...]:
        """The answer of a remote model, in as many pieces as it takes."""
        if self.model.id != self.run.request.model_id:
            self._take_own_route()
        self.speakers = self._named_before()
        return tuple(self._ask(self.part.excerpt, self.part.overlap, MOST_HALVINGS))

    def _take_own_route(self) -> None:
        """Another model than the run's may see or hear what that one does not: the part is planned for it."""
        request, part = self.run.request, self.part
        asked = {"start": part.start, "end": part.end, "stretches": part.stretches}
        wanted = replace(request, model_id=self.model.id, route=RouteChoice.AUTO, **asked)
        facts = facts_of(request.source, self.tools, self.run.asset_id)
        is_whole_link = self.first_route is Route.LINK and self.model.takes_youtube_links
        if not is_whole_link:
            plan = make_plan(wanted, self.model, facts)
            if plan.refusal or not self.run.asset_id:
                raise PlanRefused(plan.refusal or f"{self.model.name} cannot read the link itself.")
            # Cut without re-encoding, it would begin in what was left out before its stretch.
            self.first_route = Route.VIDEO if plan.route is Route.CUT and request.stretches else plan.route

    def _ask(self, excerpt: Excerpt, overlap: float, halvings: int) -> list[PartAnswer]:
        try:
            return [self._ask_once(excerpt, overlap)]
        except (AnswerTruncated, ContextTooLong, RequestTooLarge) as exc:
            if not halvings or self.first_route is Route.LINK or excerpt.length < 2 * SHORTEST_PIECE:
                raise
            self.bill(exc.generation)
            self.was_mended = True
            self.reporter.stage(Stage.ASKING, None, "too much for one question: asking about shorter pieces")
        found = []
        for portion in self._halves(excerpt):
            found += self._ask(portion.excerpt, portion.overlap or overlap, halvings - 1)
            overlap = 0.0
        return found

    def _ask_once(self, excerpt: Excerpt, overlap: float) -> PartAnswer:
        refused: RequestTooLarge | None = None
        for _ in range(MOST_SHRINKINGS):
            try:
                return self._send(excerpt, overlap, self.limit)
            except RequestTooLarge as exc:
                if self.first_route is Route.LINK:
                    raise
                refused = exc
                self._make_smaller(exc)
            except MediaTooLong as exc:
                # It cannot be made as small as the server wants it: the piece has to be shorter.
                raise (refused or exc) from exc
        raise refused

    def _make_smaller(self, exc: ModelError) -> None:
        self.bill(exc.generation)
        self.was_mended = True
        # What went untouched cannot shrink: from here on it is re-encoded, and smaller than what was refused.
        self.route = Route.AUDIO if self.first_route is Route.AUDIO else Route.VIDEO
        self.limit = min(self.limit, self.last_size or self.limit) // 2
        self.reporter.stage(Stage.PREPARING, None, "the server found it too large: making it smaller")

    def _send(self, excerpt: Excerpt, overlap: float, limit: int) -> PartAnswer:
        number = self.part.index
        rendition = None
        if self.first_route is not Route.LINK:
            recipe = self._recipe(self._route_for(excerpt), limit)
            self.reporter.part(number, PartState.PREPARING)
            rendition = prepare(
                self._asset(),
                excerpt,
                recipe,
                self.tools,
                lambda fraction: self.reporter.stage(Stage.PREPARING, fraction),
            )
            self.last_size = rendition.size_bytes
            self.reporter.part(number, PartState.ASKING, size_bytes=rendition.size_bytes)
        else:
            self.reporter.part(number, PartState.ASKING)
        self.reporter.stage(Stage.ASKING)
        before = self.text + "\n" if self.texts else ""
        with self._preparing_ahead():
            asked = ask(
                self.run.request,
                self.model,
                excerpt,
                rendition,
                self.tools,
                self.reporter,
                lambda text: self.reporter.part_text(number, before + text),
                self.speakers,
                self.take,
            )
        self.note(asked)
        self.texts.append(asked.generation.text)
        sent_start = rendition.start if rendition else excerpt.start
        return PartAnswer(asked.digest, excerpt.start, excerpt.end, sent_start, overlap)

    def _preparing_ahead(self) -> AbstractContextManager[None]:
        if self.first_route is Route.LINK or self.model.id != self.run.request.model_id:
            return nullcontext()
        recipe = self._recipe(self.plan.route, self.run.request.media_limit_bytes)
        return preparing_ahead(self.run.id, self.reporter.attempt, self.part.index, recipe, self.tools)

    def _recipe(self, route: Route, limit: int) -> Recipe:
        return Recipe(route, self.run.request.quality, limit, len(self.plan.parts) == 1)

    def _route_for(self, excerpt: Excerpt) -> Route:
        route = self.route or self.first_route
        return Route.VIDEO if route is Route.AS_IS and excerpt != self.part.excerpt else route

    def _halves(self, excerpt: Excerpt) -> tuple[Portion, ...]:
        speech = speech_of(self._asset(), self.plan.excerpt, self.tools, self.reporter)
        half = excerpt.length / 2
        longest = 1.2 * half
        return portions(
            excerpt,
            lambda stretch: cut_points(stretch.start, stretch.end, speech, target=half, longest=longest),
            target=longest,
            longest=longest,
        )

    def _named_before(self) -> tuple[str, ...]:
        """Who was named in the parts that are surely answered when this one's turn comes.

        Always the same parts, so that the same question comes out again: those that lie as many parts back as are
        asked at once. They are over by now, or the next to be.
        """
        last = self.part.index - self.tools.settings.parts_at_once
        if last < 0 or self.run.request.task != "transcript":
            return ()
        while not all(part.state.is_over for part in known_run(self.run.id, self.tools).parts[: last + 1]):
            self.reporter.check()
            time.sleep(WAIT)
        names: dict[str, None] = {}
        for answers in self.tools.store.runs.answers(self.run.id)[: last + 1]:
            for answer in answers:
                kept = self.tools.store.generations.get(answer.digest)
                found = parse_answer(kept.generation.text) if kept and not kept.generation.segments else ()
                names |= {each.speaker: None for each in found if each.speaker and not NUMBERED.match(each.speaker)}
        return tuple(names)[:MOST_NAMES]

    def _asset(self) -> MediaAsset:
        return media_of(self.run, self.tools)


def _line(segment: Segment) -> str:
    return f"[{format_clock(segment.start or 0.0)}] {segment.text.strip()}"


def _account_of(work: Work) -> dict[str, str | None]:
    """What the part has cost, and the answers that this has counted, as they are written down."""
    return {"cost_usd": _text(work.cost_usd), "billed": " ".join(sorted(work.billed))}


def _text(cost_usd: Decimal | None) -> str | None:
    return None if cost_usd is None else str(cost_usd)
