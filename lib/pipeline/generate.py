"""Generate: one part's question to one model, asked once for each digest and never paid for twice."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

from lib import prompts
from lib.domain.excerpt import Excerpt
from lib.domain.media import Clip, MediaAsset, Rendition
from lib.domain.model import Model
from lib.domain.run import Generation, RunRequest, Stage, digest
from lib.domain.transcript import Segment
from lib.errors import KeyMissing
from lib.openrouter import Question, lowest_effort
from lib.pipeline.estimate import TRANSCRIPT_TOKENS
from lib.pipeline.paying import Payer
from lib.pipeline.plan import UNKNOWN_LENGTH
from lib.pipeline.prepare import track_of
from lib.pipeline.questions import media_part, question_digest
from lib.pipeline.reporter import Reporter
from lib.pipeline.tools import Tools

LISTENING_VERSION = 3
"""Raise it when the local engine hears differently: older answers are then not used again."""

OnSegment = Callable[[Segment, float], None]


@dataclass(frozen=True, slots=True)
class Asked:
    """An answer, the digest of its question, and whether another run had paid for it before."""

    digest: str
    generation: Generation
    is_remembered: bool


def listen(
    request: RunRequest,
    model_id: str,
    asset: MediaAsset,
    clip: Clip,
    tools: Tools,
    reporter: Reporter,
    on_segment: OnSegment,
) -> Asked:
    """What a local model hears in a clip. ``on_segment`` gets each line, on the file's clock, as it is heard."""
    question = listening_digest(request, model_id, asset, clip)
    with tools.locks.hold(question, reporter.check):
        kept = tools.store.generations.get(question)
        if kept:
            return Asked(question, kept.generation, kept.paid_by != reporter.run_id)
        generation = _heard(request, model_id, asset, clip, tools, reporter, on_segment)
        tools.store.generations.keep(question, generation, clip_seconds=clip.duration, paid_by=reporter.run_id)
        return Asked(question, generation, False)


def listen_through(
    request: RunRequest,
    model_id: str,
    asset: MediaAsset,
    excerpt: Excerpt,
    tools: Tools,
    reporter: Reporter,
    on_segment: OnSegment,
) -> tuple[Asked, ...]:
    """What a local model hears in each stretch of an excerpt, in their order; see ``listen``.

    The longest is heard first: its language is taken for that of the others, which may be too short to tell.
    """
    found: dict[Clip, Asked] = {}
    for stretch in longest_first(excerpt):
        before = sum(each.duration for each in found)

        def on_heard(segment: Segment, fraction: float, stretch=stretch, before=before) -> None:
            on_segment(segment, (before + fraction * stretch.duration) / excerpt.duration)

        found[stretch] = listen(request, model_id, asset, stretch, tools, reporter, on_heard)
        request = in_language_of(request, found[stretch].generation)
    return tuple(found[stretch] for stretch in excerpt.stretches)


def longest_first(excerpt: Excerpt) -> list[Clip]:
    """The stretches in the order in which they are heard."""
    longest = max(excerpt.stretches, key=lambda stretch: stretch.duration)
    return [longest, *(stretch for stretch in excerpt.stretches if stretch is not longest)]


def in_language_of(request: RunRequest, generation: Generation) -> RunRequest:
    """The request for the next stretch, once it is known in which language is spoken."""
    return replace(request, language=request.language or generation.language)


def listening_digest(request: RunRequest, model_id: str, asset: MediaAsset, clip: Clip) -> str:
    """Under which digest what a local model hears in a clip is kept."""
    return digest(
        asset=asset.id,
        start=clip.start,
        end=clip.end,
        model=model_id,
        language=request.language,
        terms=request.terms,
        version=LISTENING_VERSION,
        **track_of(asset),
    )


def ask(
    request: RunRequest,
    model: Model,
    excerpt: Excerpt,
    rendition: Rendition | None,
    tools: Tools,
    reporter: Reporter,
    on_text: Callable[[str], None],
    speakers: tuple[str, ...] = (),
    take: int = 0,
) -> Asked:
    """The remote model's answer about an excerpt. ``rendition`` None means that the link itself is sent; ``speakers``
    were named in earlier parts. Another ``take`` asks the same question anew rather than remember its answer.

    ``on_text`` gets the text so far as it grows. Raises what the client raises, AnswerTruncated and
    RequestTooLarge among it: both mean that it was too much for one question.
    """
    question = _question(request, model, excerpt, rendition, speakers, tools)
    # A length that nobody knows teaches nothing about tokens a second.
    seconds = excerpt.length if excerpt.length < UNKNOWN_LENGTH else 0.0
    return _asked_once(request, question, rendition, seconds, take, tools, reporter, on_text)


def ask_text(
    request: RunRequest,
    model: Model,
    prompt: str,
    tools: Tools,
    reporter: Reporter,
    on_text: Callable[[str], None],
    take: int = 0,
) -> Asked:
    """The remote model's answer to a prompt that has all it is about in it; see ``ask``."""
    question = Question(
        model=model, prompt=prompt, media=None, max_tokens=_room(model, 0.0), reasoning_effort=lowest_effort(model)
    )
    return _asked_once(request, question, None, 0.0, take, tools, reporter, on_text)


def _asked_once(
    request: RunRequest,
    question: Question,
    rendition: Rendition | None,
    clip_seconds: float,
    take: int,
    tools: Tools,
    reporter: Reporter,
    on_text: Callable[[str], None],
) -> Asked:
    anew = {"take": take} if take else {}
    if request.is_anew:
        anew["asked_by"] = reporter.run_id
    name = question_digest(question, rendition, request.base_url, **anew)
    with tools.alone(name, reporter.check):
        kept = tools.store.generations.get(name)
        if kept:
            return Asked(name, kept.generation, kept.paid_by != reporter.run_id)
        sent = question.media.kind if question.media else "text"
        generation = replace(_answered(request, question, tools, reporter, on_text), sent=sent)
        tools.store.generations.keep(name, generation, clip_seconds=clip_seconds, paid_by=reporter.run_id)
        return Asked(name, generation, False)


def asking_digest(
    request: RunRequest, model: Model, excerpt: Excerpt, rendition: Rendition | None, tools: Tools
) -> str:
    """Under which digest a remote model's first answer about an excerpt is kept, where no part comes before it."""
    return question_digest(_question(request, model, excerpt, rendition, (), tools), rendition, request.base_url)


def _heard(
    request: RunRequest,
    model_id: str,
    asset: MediaAsset,
    clip: Clip,
    tools: Tools,
    reporter: Reporter,
    on_segment: OnSegment,
) -> Generation:
    began = time.monotonic()
    first: list[float] = []

    def on_heard(segment: Segment, fraction: float) -> None:
        first.append(time.monotonic() - began)
        on_segment(segment, fraction)

    heard = tools.listener.transcribe(
        model_id,
        tools.files.path(asset.id),
        start=clip.start,
        end=clip.end,
        language=request.language,
        terms=request.terms,
        track=asset.sound_index,
        on_segment=on_heard,
        on_note=lambda note: reporter.stage(Stage.LISTENING, None, note),
    )
    return Generation(
        model_id=model_id,
        text="\n".join(segment.text.strip() for segment in heard.segments),
        provider="this machine",
        cost_usd=Decimal(0),
        finish_reason="stop",
        seconds=time.monotonic() - began,
        seconds_to_first_text=first[0] if first else None,
        segments=heard.segments,
        language=heard.language,
    )


def _question(
    request: RunRequest,
    model: Model,
    excerpt: Excerpt,
    rendition: Rendition | None,
    speakers: tuple[str, ...],
    tools: Tools,
) -> Question:
    if rendition is None:
        length = excerpt.length if excerpt.length < UNKNOWN_LENGTH else None
    else:
        # A cut begins a little before what it was made for.
        length = excerpt.length if excerpt.is_joined else rendition.end - rendition.start
    return Question(
        model=model,
        prompt=prompts.prompt_text(
            request.task,
            prompt=request.prompt,
            duration=length,
            language=request.language,
            terms=request.terms,
            speakers=speakers,
            begins=tuple(begin - excerpt.start for begin in excerpt.begins) if excerpt.is_joined else (),
        ),
        media=media_part(request.source, rendition, length, tools),
        part_form=request.part_form,
        max_tokens=_room(model, length),
        reasoning_effort=lowest_effort(model),
    )


def _room(model: Model, seconds: float | None) -> int | None:
    # Not the model's whole limit: OpenRouter refuses what the credit left could not pay in full. Four times what
    # a transcript takes leaves room to think.
    if model.max_output_tokens is None:
        return None
    return min(model.max_output_tokens, max(16_384, round(4 * TRANSCRIPT_TOKENS * (seconds or 3600.0))))


def _answered(
    request: RunRequest, question: Question, tools: Tools, reporter: Reporter, on_text: Callable[[str], None]
) -> Generation:
    if request.key_ref is None:
        raise KeyMissing("This model needs an OpenRouter key.")
    client = tools.openrouter(request.base_url, tools.vault.open(request.key_ref))
    try:
        return client.generate(
            question,
            # Called without text too, while nothing is said yet: then only to hear whether to go on.
            on_text=lambda text: on_text(text) if text else reporter.check(),
            on_retry=lambda note: reporter.stage(Stage.ASKING, None, note),
            paying=Payer.of_run(request, tools, reporter).pay,
        )
    finally:
        client.close()
