"""A run from beginning to end, as steps that can each be done again: what is finished is found, not redone.

``lib.jobs`` makes each step durable. All state is in the store, so a step needs only the run's id and attempt.
"""

from __future__ import annotations

import logging
import secrets
from decimal import Decimal

from lib.domain.model import Model
from lib.domain.plan import Part, Plan, Route
from lib.domain.run import Failure, Generation, PartState, Run, RunRequest, Stage, Usage
from lib.errors import Cancelled, CuewiseError, NothingThere, PlanRefused
from lib.formats.timecode import format_clock
from lib.openrouter import unknown_model
from lib.pipeline.generate import Asked, ask, listen
from lib.pipeline.ingest import held_asset, ingest
from lib.pipeline.plan import facts_of_asset, facts_of_link, make_plan, needs_download
from lib.pipeline.prepare import prepare
from lib.pipeline.reporter import Reporter
from lib.pipeline.stitch import make_transcript
from lib.pipeline.tools import Tools
from lib.speech import local_models

log = logging.getLogger(__name__)


def find_model(model_id: str, tools: Tools) -> Model:
    """The living model of that id, local or of the catalogue. Raises UnknownModel with the nearest ones."""
    for model in local_models(tools.weights_dir):
        if model.id == model_id:
            return model
    living = tools.catalogue.get().models
    for model in living:
        if model.id == model_id:
            return model
    if not living and not model_id.startswith("local/"):
        # No catalogue could be read: the model may well live, and the server will say if it does not.
        return Model(model_id, model_id, frozenset({"video", "audio"}))
    raise unknown_model(model_id, living)


def begin_run(run_id: str, attempt: int, tools: Tools) -> int:
    """Fetch what must be here, plan with what was measured, lay out the parts; gives how many there are."""
    reporter = Reporter(tools.store, run_id, attempt)
    tools.store.runs.begin(run_id, attempt)
    request = _run(run_id, tools).request
    model = find_model(request.model_id, tools)
    plan = _plan_before(request, model, tools)
    if needs_download(plan):
        asset = ingest(request, tools, reporter, hears_only=not model.sees)
        tools.store.runs.set_asset(run_id, attempt, asset.id)
        plan = make_plan(
            request, model, facts_of_asset(asset, request.source), tools.store.generations.measured(model.id)
        )
    if plan.refusal:
        raise PlanRefused(plan.refusal)
    tools.store.runs.set_plan(run_id, attempt, plan)
    return len(plan.parts)


def work_on_part(run_id: str, attempt: int, number: int, tools: Tools) -> None:
    """Prepare a part and get its answer. A failure is written to the part, not raised; Cancelled is raised."""
    reporter = Reporter(tools.store, run_id, attempt)
    try:
        asked = _work(run_id, number, tools, reporter)
    except Cancelled:
        raise
    except Exception as exc:
        failure = as_failure(exc, run_id)
        billed = getattr(exc, "generation", None)
        reporter.part(
            number,
            PartState.FAILED,
            error_code=failure.code,
            error=failure.message,
            hint=failure.hint,
            cost_usd=_text(billed.cost_usd if billed else None),
        )
        return
    generation = asked.generation
    reporter.part(
        number,
        PartState.OK,
        digest=asked.digest,
        generation_id=generation.id,
        partial_text=_shown(generation),
        cost_usd=_text(Decimal(0) if asked.is_remembered else generation.cost_usd),
        is_remembered=asked.is_remembered,
        error_code=None,
        error=None,
        hint=None,
    )


def end_run(run_id: str, attempt: int, tools: Tools) -> None:
    """Stitch what the parts gave into the transcript and close the books. Fails the run if no part succeeded."""
    reporter = Reporter(tools.store, run_id, attempt)
    reporter.stage(Stage.STITCHING)
    run = _run(run_id, tools)
    answered = _answered_parts(run, tools)
    if not answered:
        fail_run(run_id, attempt, _first_failure(run), tools)
        return
    transcript = make_transcript(run.request.task, [(part, generation) for part, generation, _ in answered])
    tools.store.transcripts.keep(run_id, transcript, version=1)
    generations = [generation for _, generation, _ in answered]
    is_remembered = all(remembered for _, _, remembered in answered)
    tools.store.runs.finish(
        run_id,
        attempt,
        provider=next((each.provider for each in generations if each.provider), None),
        usage=_total_usage(generations),
        cost_usd=_total_cost(run),
        seconds_to_first_text=generations[0].seconds_to_first_text,
        from_cache=is_remembered,
    )
    tools.vault.forget_unused()


def fail_run(run_id: str, attempt: int, failure: Failure, tools: Tools) -> None:
    """Write down why a run failed and what it cost all the same, and let go of its key."""
    tools.store.runs.fail(run_id, attempt, failure, _total_cost(_run(run_id, tools)))
    tools.vault.forget_unused()


def as_failure(exc: BaseException, run_id: str) -> Failure:
    """The failure in words. What we did not foresee is logged whole, under a reference that the user sees."""
    if isinstance(exc, CuewiseError):
        return Failure(exc.code, str(exc), exc.hint)
    reference = secrets.token_hex(4)
    log.error("run %s failed, reference %s", run_id, reference, exc_info=exc)
    return Failure(
        "Unforeseen",
        f"Something went wrong inside Cuewise (reference {reference}).",
        "Press Retry. If it happens again, report the reference together with the log file.",
    )


def _plan_before(request: RunRequest, model: Model, tools: Tools) -> Plan:
    source = request.source
    facts = facts_of_asset(held_asset(source.asset_id, tools), source) if source.asset_id else facts_of_link(source)
    return make_plan(request, model, facts, tools.store.generations.measured(model.id))


def _work(run_id: str, number: int, tools: Tools, reporter: Reporter) -> Asked:
    run = _run(run_id, tools)
    request, plan = run.request, run.plan
    model = find_model(request.model_id, tools)
    part = plan.parts[number]
    asset = held_asset(run.asset_id, tools) if run.asset_id and plan.route is not Route.LINK else None
    if model.is_local:
        reporter.part(number, PartState.ASKING)
        reporter.stage(Stage.LISTENING)
        return listen(request, model, asset, part, tools, reporter)
    rendition = None
    if asset is not None:
        reporter.part(number, PartState.PREPARING)
        rendition = prepare(
            asset,
            plan,
            part,
            request.media_limit_bytes,
            tools,
            lambda fraction: reporter.stage(Stage.PREPARING, fraction),
        )
        reporter.part(number, PartState.ASKING, size_bytes=rendition.size_bytes)
    else:
        reporter.part(number, PartState.ASKING)
    reporter.stage(Stage.ASKING)
    return ask(request, model, plan, part, rendition, tools, reporter)


def _run(run_id: str, tools: Tools) -> Run:
    run = tools.store.runs.get(run_id)
    if run is None:
        raise NothingThere("This run is no longer kept.")
    return run


def _answered_parts(run: Run, tools: Tools) -> list[tuple[Part, Generation, bool]]:
    found = []
    digests = tools.store.runs.part_digests(run.id)
    for part, record, name in zip(run.plan.parts, run.parts, digests, strict=True):
        kept = tools.store.generations.get(name) if record.state is PartState.OK and name else None
        if kept:
            found.append((part, kept.generation, record.is_remembered))
    return found


def _first_failure(run: Run) -> Failure:
    for part in run.parts:
        if part.state is PartState.FAILED and part.error:
            return Failure(part.error_code or "", part.error, part.hint or "")
    return Failure("NothingAnswered", "No part of this run was answered.", "Press Retry.")


def _total_usage(generations: list[Generation]) -> Usage:
    def total(name: str) -> int | None:
        known = [value for each in generations if (value := getattr(each.usage, name)) is not None]
        return sum(known) if known else None

    return Usage(total("prompt_tokens"), total("completion_tokens"), total("video_tokens"))


def _total_cost(run: Run) -> Decimal | None:
    # A failed part that was not billed has no cost; an answer without one means that the server does not tell.
    if any(part.cost_usd is None for part in run.parts if part.state is PartState.OK):
        return None
    known = [part.cost_usd for part in run.parts if part.cost_usd is not None]
    return sum(known, Decimal(0)) if known else None


def _text(cost_usd: Decimal | None) -> str | None:
    return None if cost_usd is None else str(cost_usd)


def _shown(generation: Generation) -> str:
    if not generation.segments:
        return generation.text
    return "\n".join(f"[{format_clock(segment.start)}] {segment.text.strip()}" for segment in generation.segments)
