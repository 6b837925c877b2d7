"""Answered: whether a question was asked before, so that its answer is kept and costs nothing again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lib.domain.media import MediaAsset
from lib.domain.model import Model
from lib.domain.plan import Plan, Route
from lib.domain.run import PartState, Run, RunRequest, RunState
from lib.errors import MediaError
from lib.pipeline.generate import asking_digest, listening_digest, longest_first
from lib.pipeline.ingest import held_asset, held_link
from lib.pipeline.plan import facts_of_asset, make_plan
from lib.pipeline.prepare import Recipe, prepared_before
from lib.pipeline.tools import Tools


def answered_before(request: RunRequest, model: Model, plan: Plan, runs: Sequence[Run], tools: Tools) -> Run | None:
    """The first of the runs over this video that asked the same of the same media and was answered; None where that
    is not sure.

    Asks nobody and makes nothing. Prompts and recipes of today count: what an older version of them answered is
    another question.
    """
    done = [run for run in runs if run.state is RunState.DONE]
    try:
        asset = _asset(request, model, tools) if done and plan.route is not Route.LINK else None
    except MediaError:
        return None
    if asset is not None and request.source.asset_id is None:
        # Of a link only what it announces was planned with; what it gave is here.
        facts = facts_of_asset(asset, request.source)
        plan = make_plan(request, model, facts, tools.store.generations.measured(model.id))
    for run in done:
        if _is_the_same(run, request, plan, asset) and _is_kept(run, request, model, asset, tools):
            return run
    return None


def _asset(request: RunRequest, model: Model, tools: Tools) -> MediaAsset | None:
    """The media that a run would be about now, where they are here."""
    source = request.source
    if source.asset_id:
        return held_asset(source.asset_id, tools)
    return held_link(source, tools, hears_only=not model.sees)


def _is_the_same(run: Run, request: RunRequest, plan: Plan, asset: MediaAsset | None) -> bool:
    asked = run.request
    # These shape the lines of a transcript, or say where it comes from and who pays, and not the answer.
    beside = ("source", "key_ref", "cue_shape", "times", "own_cap_usd", "order_id", "accepts_unknown_price")
    alike = {name: getattr(asked, name) for name in beside}
    if plan.route is Route.LOCAL:
        alike |= {name: getattr(asked, name) for name in ("base_url", "part_form", "part_seconds", "media_limit_bytes")}
    if asked != replace(request, **alike) or run.plan is None or run.asset_id != (asset and asset.id):
        return False
    is_plain = all(part.state is PartState.OK and part.model_id is None for part in run.parts)
    return is_plain and run.plan.route is plan.route and len(run.parts) == len(plan.parts) > 0


def _is_kept(run: Run, request: RunRequest, model: Model, asset: MediaAsset | None, tools: Tools) -> bool:
    """Whether every answer is there, and the first of them is the answer to what would be asked today."""
    answers = [answer for each in tools.store.runs.answers(run.id) for answer in each]
    if len(answers) < len(run.parts) or any(tools.store.generations.get(each.digest) is None for each in answers):
        return False
    return _first_digest(run, request, model, asset, tools) in {each.digest for each in answers}


def _first_digest(run: Run, request: RunRequest, model: Model, asset: MediaAsset | None, tools: Tools) -> str | None:
    excerpt = run.plan.parts[0].excerpt
    if asset is None:
        return asking_digest(request, model, excerpt, None, tools)
    heard = asset.hearing(request.track)
    if run.plan.route is Route.LOCAL:
        return listening_digest(request, model.id, heard, longest_first(excerpt)[0])
    recipe = Recipe(run.plan.route, request.quality, request.media_limit_bytes)
    rendition = prepared_before(heard, excerpt, recipe, tools)
    return asking_digest(request, model, excerpt, rendition, tools) if rendition else None
