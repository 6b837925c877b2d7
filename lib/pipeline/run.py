"""A run from beginning to end, as steps that can each be done again: what is finished is found, not redone.

``lib.jobs`` makes each step durable. All state is in the store, so a step needs only the run's id and attempt.
"""

from __future__ import annotations

import logging
import secrets
from contextlib import suppress
from decimal import Decimal

from lib.domain.excerpt import Excerpt
from lib.domain.health import Health
from lib.domain.media import Clip, MediaAsset
from lib.domain.model import Model, is_local_id
from lib.domain.plan import Plan, Route, Times
from lib.domain.run import Failure, Generation, PartAnswer, PartState, Run, RunRequest, Stage, Usage
from lib.domain.transcript import Transcript
from lib.errors import CuewiseError, NothingThere, PlanRefused
from lib.openrouter import unknown_model
from lib.pipeline.asked_text import lines_asked
from lib.pipeline.hear import kept_speech, kept_words, silences_near, speech_of, words_of
from lib.pipeline.ingest import facts_of, ingest, media_of
from lib.pipeline.plan import facts_of_asset, make_plan, needs_download
from lib.pipeline.reporter import Pointless, Reporter, ReporterBeside
from lib.pipeline.stitch import Heard, health_of, make_transcript
from lib.pipeline.text_answers import made_of_text
from lib.pipeline.text_plan import plan_from_text
from lib.pipeline.tools import Tools
from lib.pipeline.versions import keep_version
from lib.speech import local_models

log = logging.getLogger(__name__)


def find_model(model_id: str, tools: Tools) -> Model:
    """The living model of that id, local or of the catalogue. Raises UnknownModel with the nearest ones."""
    for model in local_models(tools.weights_dir):
        if model.id == model_id:
            return model
    catalogue = tools.catalogue.get()
    living = catalogue.models
    for model in catalogue.every:
        if model.id == model_id:
            return model
    if not living and not is_local_id(model_id):
        # No catalogue could be read: the model may well live, and the server will say if it does not.
        return Model(model_id, model_id, frozenset({"video", "audio"}))
    raise unknown_model(model_id, living)


def begin_run(run_id: str, attempt: int, tools: Tools) -> int:
    """Fetch what must be here, plan with what was measured, lay out the parts; gives how many there are."""
    reporter = Reporter(tools.store, run_id, attempt)
    tools.store.runs.begin(run_id, attempt)
    run = known_run(run_id, tools)
    request = run.request
    model = find_model(request.model_id, tools)
    plan = _plan_before(run, model, tools)
    if request.about is None and needs_download(plan):
        asset = ingest(request, tools, reporter, hears_only=not model.sees)
        tools.store.runs.set_asset(run_id, attempt, asset.id)
        plan = plan_with(request, model, asset, tools, reporter)
    if plan.refusal:
        raise PlanRefused(plan.refusal)
    if _still_serves(run, plan):
        plan = run.plan
    tools.store.runs.set_plan(run_id, attempt, plan)
    return len(plan.parts)


def hears_too(run_id: str, tools: Tools) -> bool:
    """Whether the sound is to be listened to beside the remote model, for the times."""
    run = known_run(run_id, tools)
    is_wanted = run.request.times is Times.AUDIO and run.request.task == "transcript"
    return is_wanted and run.asset_id is not None and run.plan.route not in (Route.LOCAL, Route.LINK)


def note_answered(run_id: str, attempt: int, tools: Tools) -> bool:
    """Once every part is over: write down how long that took. Gives whether there is an answer at all."""
    tools.store.runs.note_answered(run_id, attempt)
    return any(part.state.is_answered for part in known_run(run_id, tools).parts)


def hear(run_id: str, attempt: int, tools: Tools) -> None:
    """Find where the words of the run's clip are in the sound. Never fails the run: without it, models' times count."""
    run = known_run(run_id, tools)
    asset = media_of(run, tools)
    reporter = ReporterBeside(tools.store, run_id, attempt)
    if not tools.store.runs.is_wanted(run_id, attempt):
        return
    with suppress(Pointless):
        words_of(run.request, asset, run.plan.excerpt, tools, reporter)
        speech_of(asset, run.plan.excerpt, tools, reporter)


def end_run(run_id: str, attempt: int, tools: Tools) -> None:
    """Stitch what the parts gave into the transcript and close the books. Fails the run if no part succeeded."""
    reporter = Reporter(tools.store, run_id, attempt)
    run = known_run(run_id, tools)
    answered = answers_of(run, tools)
    if not answered:
        fail_run(run_id, attempt, _first_failure(run), tools)
        return
    if _is_heard(run, tools):
        speech_of(media_of(run, tools), run.plan.excerpt, tools, reporter)
    reporter.stage(Stage.STITCHING)
    transcript, health = stitched(run, answered, tools)
    if not tools.store.runs.is_wanted(run_id, attempt):
        return
    kept = keep_version(run, attempt, transcript, tools)
    if health is not None and kept.transcript is not transcript and run.request.about is None:
        health = reassessed(run, kept.transcript, answered, tools)
    generations = [generation for _, generation in answered]
    is_remembered = all(part.is_remembered for part in run.parts if part.state.is_answered)
    if is_remembered:
        side_by_side = min(len(generations), tools.settings.parts_at_once)
        took = sum(each.seconds or 0.0 for each in generations) / side_by_side
        tools.store.runs.note_answered(run_id, attempt, took)
    tools.store.runs.finish(
        run_id,
        attempt,
        provider=next((each.provider for each in generations if each.provider), None),
        usage=_total_usage(generations),
        cost_usd=_total_cost(run),
        seconds_to_first_text=generations[0].seconds_to_first_text,
        from_cache=is_remembered,
        health=health,
        measured=kept.version,
    )
    tools.vault.forget_unused()


def answers_of(run: Run, tools: Tools) -> list[tuple[PartAnswer, Generation]]:
    """The answers that are kept of a run, in the order of its parts."""
    # A part that is being repaired, or whose repair was cancelled, keeps the answers it had.
    found = []
    for answers in tools.store.runs.answers(run.id):
        kept = [(answer, tools.store.generations.get(answer.digest)) for answer in answers]
        found += [(answer, each.generation) for answer, each in kept if each]
    return found


def stitched(run: Run, answered: list[tuple[PartAnswer, Generation]], tools: Tools) -> tuple[Transcript, Health | None]:
    """The transcript of a run and its health, from its answers and what is kept of the sound: nobody listens for it."""
    if run.request.about is not None:
        return made_of_text(run, answered, tools)
    excerpt, shape = excerpt_of(run), run.request.cue_shape
    return make_transcript(run.request.task, excerpt, _spans_of(run), answered, heard_of(run, tools), shape)


def reassessed(run: Run, transcript: Transcript, answered: list[tuple[PartAnswer, Generation]], tools: Tools) -> Health:
    """The health of lines that somebody has edited since the answers came, from what is kept of the sound."""
    return health_of(transcript.cues, excerpt_of(run), _spans_of(run), answered, heard_of(run, tools))


def excerpt_of(run: Run) -> Excerpt:
    """What was sent of the media."""
    return run.plan.excerpt or Excerpt.of(run.plan.parts[0].start, run.plan.parts[-1].end)


def _spans_of(run: Run) -> list[Clip]:
    return [Clip(part.start, part.end) for part in run.plan.parts]


def fail_run(run_id: str, attempt: int, failure: Failure, tools: Tools) -> None:
    """Write down why a run failed and what it cost all the same, and let go of its key."""
    tools.store.runs.fail(run_id, attempt, failure, _total_cost(known_run(run_id, tools)))
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


def known_run(run_id: str, tools: Tools) -> Run:
    """Raises NothingThere for a run that is no longer kept."""
    run = tools.store.runs.get(run_id)
    if run is None:
        raise NothingThere("This run is no longer kept.")
    return run


def _plan_before(run: Run, model: Model, tools: Tools) -> Plan:
    request = run.request
    if request.about is not None:
        return plan_from_text(request, model, lines_asked(run, tools))
    return make_plan(request, model, facts_of(request.source, tools), tools.store.generations.measured(model.id))


def _still_serves(run: Run, plan: Plan) -> bool:
    """Whether the parts of an earlier attempt can stay: then only what failed is asked again."""
    is_begun = run.plan is not None and any(part.state.is_answered for part in run.parts)
    if not is_begun or (run.plan.route, run.plan.excerpt) != (plan.route, plan.excerpt):
        return False
    return all((part.size_bytes or 0) <= run.request.media_limit_bytes for part in run.parts)


def plan_with(request: RunRequest, model: Model, asset: MediaAsset, tools: Tools, reporter: Reporter) -> Plan:
    """The plan for media that are here, with its parts cut in silence where there are several."""
    facts = facts_of_asset(asset, request.source)
    measured = tools.store.generations.measured(model.id)
    plan = make_plan(request, model, facts, measured)
    if len(plan.parts) < 2:
        return plan
    heard = asset.hearing(request.track)
    # Only what is cut needs to know where the silences are, and only near its cuts.
    begins = {stretch.start for stretch in plan.excerpt.stretches}
    cuts = [part.start for part in plan.parts if part.start not in begins]
    if not cuts:
        return plan
    return make_plan(request, model, facts, measured, silences_near(heard, plan.clip, cuts, tools, reporter))


def _is_heard(run: Run, tools: Tools) -> bool:
    """Whether the sound has its say in the run's transcript: a local model's own, or that of the listening beside."""
    is_local = run.request.task == "transcript" and run.asset_id is not None and run.plan.route is Route.LOCAL
    return is_local or hears_too(run.id, tools)


def heard_of(run: Run, tools: Tools) -> Heard:
    """What is kept of the sound of a run; nobody listens for it."""
    asset = tools.store.assets.get(run.asset_id) if _is_heard(run, tools) else None
    if asset is None:
        return Heard()
    asset, excerpt = asset.hearing(run.request.track), run.plan.excerpt
    words = () if run.plan.route is Route.LOCAL else kept_words(run.request, asset, excerpt, tools)
    return Heard(words, kept_speech(asset, excerpt, tools))


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
    if any(part.cost_usd is None for part in run.parts if part.state.is_answered):
        return None
    known = [part.cost_usd for part in run.parts if part.cost_usd is not None]
    return sum(known, Decimal(0)) if known else None
