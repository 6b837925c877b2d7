"""Rehearsal: everything of a run up to the moment of sending, for who wants to see what would be sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lib.domain.model import Model
from lib.domain.plan import Plan, Route
from lib.domain.run import RunRequest, Stage
from lib.errors import PlanRefused
from lib.pipeline.ingest import ingest
from lib.pipeline.plan import facts_of_link, make_plan
from lib.pipeline.prepare import Recipe, prepare, rendition_file
from lib.pipeline.reporter import Saying
from lib.pipeline.run import plan_with
from lib.pipeline.tools import Tools


@dataclass(frozen=True, slots=True)
class PreparedPart:
    """A file as it would be sent. ``start`` and ``end`` are on the asset's clock, in seconds."""

    path: Path
    suffix: str
    size_bytes: int
    start: float
    end: float


def prepare_only(
    request: RunRequest, model: Model, tools: Tools, say: Callable[[str], None]
) -> tuple[Plan, list[PreparedPart]]:
    """The plan and the files of every part, in order; none for the routes that send no file."""
    reporter = Saying(say)
    if not request.source.asset_id:
        plan = make_plan(request, model, facts_of_link(request.source))
        if plan.route is Route.LINK and plan.can_run:
            return plan, []
    asset = ingest(request, tools, reporter, hears_only=not model.sees)
    plan = plan_with(request, model, asset, tools, reporter)
    if plan.refusal:
        raise PlanRefused(plan.refusal)
    if plan.route in (Route.LOCAL, Route.LINK):
        return plan, []
    heard = asset.hearing(request.track)
    recipe = Recipe(plan.route, request.quality, request.media_limit_bytes)
    made = []
    for part in plan.parts:
        rendition = prepare(
            heard,
            part.excerpt,
            recipe,
            tools,
            lambda fraction, part=part: reporter.stage(
                Stage.PREPARING, fraction, f"{part.index + 1} of {len(plan.parts)}"
            ),
        )
        path = rendition_file(rendition, tools)
        suffix = path.suffix or {"video/webm": ".webm", "video/quicktime": ".mov", "video/mpeg": ".mpeg"}.get(
            rendition.media_type, ".mp4"
        )
        made.append(PreparedPart(path, suffix, rendition.size_bytes, rendition.start, rendition.end))
    return plan, made
