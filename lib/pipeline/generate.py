"""Generate: one part's question to one model, asked once for each digest and never paid for twice."""

from __future__ import annotations

import time
from dataclasses import dataclass
from decimal import Decimal

from lib import prompts
from lib.domain.media import MediaAsset, Rendition
from lib.domain.model import Model
from lib.domain.plan import Part, Plan, Route
from lib.domain.run import Generation, RunRequest, Stage, digest
from lib.domain.transcript import Segment
from lib.domain.youtube import canonical
from lib.errors import KeyMissing
from lib.formats.timecode import format_clock
from lib.openrouter import MediaPart, Question, lowest_effort
from lib.pipeline.plan import TRANSCRIPT_TOKENS, UNKNOWN_LENGTH
from lib.pipeline.prepare import rendition_file
from lib.pipeline.reporter import Reporter
from lib.pipeline.tools import Tools

LISTENING_VERSION = 1
"""Raise it when the local engine hears differently: older answers are then not used again."""


@dataclass(frozen=True, slots=True)
class Asked:
    """An answer, the digest of its question, and whether another run had paid for it before."""

    digest: str
    generation: Generation
    is_remembered: bool


def listen(request: RunRequest, model: Model, asset: MediaAsset, part: Part, tools: Tools, reporter: Reporter) -> Asked:
    """The local model's answer for a part; its text grows on the run's page as it is heard."""
    question = digest(
        asset=asset.id,
        start=part.start,
        end=part.end,
        model=model.id,
        language=request.language,
        terms=request.terms,
        version=LISTENING_VERSION,
    )
    with tools.locks.hold(question, reporter.check):
        kept = tools.store.generations.get(question)
        if kept:
            return Asked(question, kept.generation, kept.paid_by != reporter.run_id)
        generation = _heard(request, model, asset, part, tools, reporter)
        tools.store.generations.keep(question, generation, clip_seconds=part.duration, paid_by=reporter.run_id)
        return Asked(question, generation, False)


def ask(
    request: RunRequest,
    model: Model,
    plan: Plan,
    part: Part,
    rendition: Rendition | None,
    tools: Tools,
    reporter: Reporter,
) -> Asked:
    """The remote model's answer for a part. ``rendition`` None means that the link itself is sent."""
    question = _question(request, model, plan, part, rendition, tools)
    name = digest(
        media=rendition.id if rendition else canonical(request.source.url or ""),
        server=request.base_url,
        model=model.id,
        prompt=question.prompt,
        part_form=question.part_form,
        temperature=question.temperature,
        max_tokens=question.max_tokens,
        reasoning=question.reasoning_effort,
    )
    with tools.locks.hold(name, reporter.check):
        kept = tools.store.generations.get(name)
        if kept:
            return Asked(name, kept.generation, kept.paid_by != reporter.run_id)
        generation = _answered(request, question, part, tools, reporter)
        tools.store.generations.keep(name, generation, clip_seconds=part.duration, paid_by=reporter.run_id)
        return Asked(name, generation, False)


def _heard(
    request: RunRequest, model: Model, asset: MediaAsset, part: Part, tools: Tools, reporter: Reporter
) -> Generation:
    lines: list[str] = []

    def on_segment(segment: Segment, fraction: float) -> None:
        lines.append(f"[{format_clock(segment.start or 0.0)}] {segment.text.strip()}")
        reporter.part_text(part.index, "\n".join(lines))
        reporter.stage(Stage.LISTENING, fraction)

    began = time.monotonic()
    heard = tools.listener.transcribe(
        model.id,
        tools.files.path(asset.id),
        start=part.start,
        end=part.end,
        language=request.language,
        terms=request.terms,
        on_segment=on_segment,
        on_note=lambda note: reporter.stage(Stage.LISTENING, None, note),
    )
    return Generation(
        model_id=model.id,
        text="\n".join(segment.text.strip() for segment in heard.segments),
        provider="this machine",
        cost_usd=Decimal(0),
        finish_reason="stop",
        seconds=time.monotonic() - began,
        segments=heard.segments,
        language=heard.language,
    )


def _question(
    request: RunRequest, model: Model, plan: Plan, part: Part, rendition: Rendition | None, tools: Tools
) -> Question:
    known_length = part.duration if part.duration < UNKNOWN_LENGTH else None
    if rendition is None:
        media = MediaPart(kind="video", path=None, link=canonical(request.source.url or ""), media_type="video/mp4")
    else:
        kind = "audio" if plan.route is Route.AUDIO else "video"
        media = MediaPart(kind=kind, path=rendition_file(rendition, tools), link=None, media_type=rendition.media_type)
    return Question(
        model=model,
        prompt=prompts.prompt_text(
            request.task,
            prompt=request.prompt,
            duration=known_length,
            language=request.language,
            terms=request.terms,
        ),
        media=media,
        part_form=request.part_form,
        max_tokens=_room(model, part),
        reasoning_effort=lowest_effort(model),
    )


def _room(model: Model, part: Part) -> int | None:
    # Not the model's whole limit: OpenRouter refuses what the credit left could not pay in full. Four times what
    # a transcript takes leaves room to think.
    if model.max_output_tokens is None:
        return None
    seconds = part.duration if part.duration < UNKNOWN_LENGTH else 3600.0
    return min(model.max_output_tokens, max(16_384, round(4 * TRANSCRIPT_TOKENS * seconds)))


def _answered(request: RunRequest, question: Question, part: Part, tools: Tools, reporter: Reporter) -> Generation:
    if request.key_ref is None:
        raise KeyMissing("This model needs an OpenRouter key.")
    client = tools.openrouter(request.base_url, tools.vault.open(request.key_ref))
    try:
        return client.generate(
            question,
            # Called without text too, while nothing is said yet: then only to hear whether to go on.
            on_text=lambda text: reporter.part_text(part.index, text) if text else reporter.check(),
            on_retry=lambda note: reporter.stage(Stage.ASKING, None, note),
        )
    finally:
        client.close()
