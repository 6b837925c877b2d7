"""Plan of a task about a transcript: its text is sent, in one question or in stretches of lines. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from lib import prompts
from lib.domain.media import Clip
from lib.domain.model import Model
from lib.domain.plan import Part, Plan, Route
from lib.domain.reading import line_tokens, stretches_of_lines, summary_words, text_tokens
from lib.domain.run import RunRequest
from lib.domain.transcript import Cue
from lib.formats.asked_lines import timed_lines
from lib.pipeline.estimate import GROWTH, OTHER_TASK_TOKENS, PROMPT_TOKENS, dollars

USUAL_CONTEXT = 100_000
"""Tokens that a model is trusted with whose context nobody tells."""
CONTEXT_SHARE = 0.8
"""Of a context that a question may fill: our counting of tokens is rough, and the answer needs room."""
LINES_A_QUESTION = 80
"""Lines that are translated in one question: models lose count of more."""
TRANSLATION_TOKENS = 6000
"""What one answer of a translation may take where the model tells no limit, or a higher one."""
LEAST_ROOM = 1000
JOINED = ("summary", "actions", prompts.CUSTOM)
"""Tasks whose answers about stretches are made one by a further question; lines with times are only put together."""


def plan_from_text(request: RunRequest, model: Model, cues: Sequence[Cue]) -> Plan:
    """What will be sent of a transcript to one model. Never raises: a plan that cannot be run carries its refusal.

    ``cues`` are those that are asked about: all, or those of the clip.
    """
    refusal = _refusal(request, model, cues)
    if refusal:
        return Plan(model.id, Route.TEXT, "", refusal=refusal)
    stretches = _stretches(request, model, cues)
    joins = request.task in JOINED and len(stretches) > 1
    clip = _clip(request, cues)
    parts = [_part(index, lines, stretches, cues, clip) for index, lines in enumerate(stretches)]
    if joins:
        parts.append(Part(len(parts), clip.start, clip.end, 0))
    prompt = sum(map(line_tokens, cues)) + PROMPT_TOKENS * len(parts)
    completion = _completion_tokens(request, cues, clip, len(parts))
    if joins:
        prompt += OTHER_TASK_TOKENS * len(stretches)
    expires = f"This model retires on {model.expires.isoformat()}." if model.expires else ""
    return Plan(
        model_id=model.id,
        route=Route.TEXT,
        reason=_reason(len(cues), len(stretches), joins),
        clip=clip,
        parts=tuple(parts),
        prompt_tokens=prompt,
        completion_tokens=completion,
        estimate_usd=dollars(model, prompt, completion, len(parts)),
        warnings=(expires,) if expires else (),
    )


def within(cues: Sequence[Cue], request: RunRequest) -> tuple[Cue, ...]:
    """The lines with words that begin in the clip of a request, or in one of its stretches."""
    end = float("inf") if request.end is None else request.end
    spans = [(each.start, each.end) for each in request.stretches] or [(request.start, end)]
    return tuple(cue for cue in cues if cue.text.strip() and any(start <= cue.start < until for start, until in spans))


def recording_seconds(request: RunRequest, cues: Sequence[Cue]) -> float:
    """How long what the lines were said in is: a summary grows with it."""
    clip = _clip(request, cues)
    whole = request.source.duration
    is_whole = request.start <= 0 and request.end is None and whole is not None
    return whole if is_whole else clip.duration


def _refusal(request: RunRequest, model: Model, cues: Sequence[Cue]) -> str | None:
    if model.is_local:
        return "Local models only write transcripts: choose a model of the catalogue for this."
    if request.task not in prompts.FROM_TRANSCRIPT:
        return "This task needs the video itself: a transcript does not tell it."
    if request.task == prompts.TRANSLATION and not request.language:
        return "Choose the language to translate into."
    if not cues:
        return "There are no lines to ask about."
    if _room_for_lines(request, model) < LEAST_ROOM:
        return f"The model's context of {model.context_tokens:,} tokens is too small for this."
    return None


def _stretches(request: RunRequest, model: Model, cues: Sequence[Cue]) -> tuple[tuple[int, int], ...]:
    room = _room_for_lines(request, model)
    if request.task != prompts.TRANSLATION:
        return stretches_of_lines(cues, most_tokens=room)
    answer = min(TRANSLATION_TOKENS, (model.max_output_tokens or 2 * TRANSLATION_TOKENS) // 2)
    most = max(1, min(room // 2, round(answer / GROWTH)))
    return stretches_of_lines(cues, most_tokens=most, most_lines=LINES_A_QUESTION)


def _room_for_lines(request: RunRequest, model: Model) -> int:
    context = model.context_tokens or USUAL_CONTEXT
    own = text_tokens(request.prompt or "") + text_tokens(" ".join(request.terms)) + PROMPT_TOKENS
    return round(CONTEXT_SHARE * context) - own - 2 * OTHER_TASK_TOKENS


def _completion_tokens(request: RunRequest, cues: Sequence[Cue], clip: Clip, calls: int) -> int:
    if request.task == prompts.TRANSLATION:
        return round(GROWTH * sum(map(line_tokens, cues)))
    if request.task == "summary":
        return calls * (2 * summary_words(clip.duration) + 100)
    return calls * OTHER_TASK_TOKENS


def _clip(request: RunRequest, cues: Sequence[Cue]) -> Clip:
    start = request.start or min(cue.start for cue in cues)
    end = max(cue.end for cue in cues) if request.end is None else request.end
    return Clip(start, max(end, start + 0.001))


def _part(
    index: int, lines: tuple[int, int], stretches: Sequence[tuple[int, int]], cues: Sequence[Cue], clip: Clip
) -> Part:
    start = clip.start if index == 0 else cues[lines[0]].start
    end = clip.end if index == len(stretches) - 1 else cues[lines[1]].start
    size = len(timed_lines(cues[slice(*lines)]).encode())
    return Part(index, start, max(end, start + 0.001), size, lines=lines)


def _reason(lines: int, stretches: int, joins: bool) -> str:
    number = "1 line" if lines == 1 else f"{lines:,} lines"
    questions = (
        "" if stretches == 1 else f", in {stretches} questions{' and one that joins the answers' if joins else ''}"
    )
    return f"The transcript's text is sent, {number}{questions}: no picture and no sound leave this machine."
