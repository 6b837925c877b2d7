"""Asking: what is sent with a question about transcripts, and what that would cost. Sends nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from lib import prompts
from lib.domain.conversation import Exchange, Look, Quote, Reading
from lib.domain.model import Model
from lib.domain.plan import Plan, Quality
from lib.domain.reading import line_tokens, text_tokens
from lib.domain.relevance import lines_that_matter
from lib.domain.run import Run, RunRequest
from lib.domain.transcript import Cue
from lib.errors import InputError, NothingThere
from lib.formats.asked_lines import timed_line
from lib.formats.text import one_line
from lib.formats.timecode import format_clock
from lib.openrouter import Turn
from lib.pipeline.estimate import OTHER_TASK_TOKENS, PROMPT_TOKENS, dollars
from lib.pipeline.ingest import facts_of
from lib.pipeline.plan import make_plan, needs_download
from lib.pipeline.tools import Tools
from lib.pipeline.versions import newest_of
from lib.prompts.asking import asking_prompt

USUAL_CONTEXT = 100_000
"""Tokens that a model is trusted with whose context nobody tells."""
CONTEXT_SHARE = 0.8
"""Of a context that a question may fill: our counting of tokens is rough, and the answer needs room."""
HISTORY_SHARE = 0.25
"""Of what a question may fill, for what was asked and answered before it."""
LEFT_OUT = "[…]"
QUESTION_TOKENS = 60
"""Of a question that is not written yet."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a model is told before and with a question, how much of the transcripts that is, and about how many tokens
    it takes, the video not counted."""

    turns: tuple[Turn, ...]
    prompt: str
    reading: Reading
    tokens: int


def quote(
    runs: Sequence[Run], question: str, before: Sequence[Exchange], model: Model, look: Look | None, tools: Tools
) -> tuple[Quote, Told | None]:
    """What a question would take and cost, and what is sent with it; None where it is refused.

    ``before`` are the exchanges before it in its conversation. Raises NothingThere for a run without lines, and
    MediaError where the file to look at is gone.
    """
    if model.is_local:
        return Quote(model.id, refusal="Local models only write transcripts: choose a model of the catalogue."), None
    plan = plan_of_look(look, runs, model, tools) if look else None
    refusal = _look_refusal(plan, _looked_at(look, runs), model) if plan else None
    if refusal:
        return Quote(model.id, plan=plan, refusal=refusal), None
    told = _tell(runs, question, before, model, look, plan, tools)
    if not told.reading.lines:
        what = "the transcript and the video" if plan else "this"
        return Quote(model.id, plan=plan, refusal=f"The model's context is too small for {what}."), None
    prompt = told.tokens + ((plan.prompt_tokens or 0) if plan else 0)
    quoted = Quote(
        model_id=model.id,
        prompt_tokens=prompt,
        completion_tokens=OTHER_TASK_TOKENS,
        estimate_usd=dollars(model, prompt, OTHER_TASK_TOKENS, 1),
        reading=told.reading,
        plan=plan,
    )
    return quoted, told


def lines_of(run: Run, tools: Tools) -> tuple[Cue, ...]:
    """The lines of a run's transcript as they are now. Raises NothingThere where there are none."""
    found = tuple(cue for cue in newest_of(run.id, tools).transcript.cues if cue.text.strip())
    if not found:
        raise NothingThere("There are no lines to ask about.", "Run a transcript over this video, and ask about that.")
    return found


def duration_of(run: Run, tools: Tools) -> float | None:
    """How long the video of a run is: later than that nothing can be cited. None where nobody knows."""
    asset = tools.store.assets.get(run.asset_id) if run.asset_id else None
    return asset.duration if asset else run.request.source.duration


def plan_of_look(look: Look, runs: Sequence[Run], model: Model, tools: Tools) -> Plan:
    """How the stretch to be looked at would be sent: as a run of one's own prompt would send it. Raises MediaError when
    the file is gone."""
    run = _looked_at(look, runs)
    source = run.request.source
    request = RunRequest(
        source=source,
        model_id=model.id,
        task=prompts.CUSTOM,
        start=look.start,
        end=look.end,
        track=run.request.track,
        quality=Quality.VISUAL,
        media_limit_bytes=tools.settings.media_limit_bytes,
    )
    facts = facts_of(source, tools, run.asset_id)
    return make_plan(request, model, facts, tools.store.generations.measured(model.id))


def _tell(
    runs: Sequence[Run],
    question: str,
    before: Sequence[Exchange],
    model: Model,
    look: Look | None,
    plan: Plan | None,
    tools: Tools,
) -> Told:
    """What is sent with a question. Where the transcripts do not fit into the model, the passages that matter to it are
    chosen. ``plan`` is how the ``look`` is sent."""
    cues = [lines_of(run, tools) for run in runs]
    room = round(CONTEXT_SHARE * (model.context_tokens or USUAL_CONTEXT)) - OTHER_TASK_TOKENS
    room -= (plan.prompt_tokens or 0) if plan else 0
    history, taken = _history(before, round(HISTORY_SHARE * room))
    own = PROMPT_TOKENS + QUESTION_TOKENS + text_tokens(question) + taken
    asked = " ".join([question, *(exchange.question for exchange in before[-1:])])
    chosen = lines_that_matter(cues, asked, max(0, room - own))
    reading = Reading(sum(map(len, chosen)), sum(map(len, cues)))
    titled = [
        (one_line(run.request.source.title), _with_gaps(lines, whole))
        for run, lines, whole in zip(runs, chosen, cues, strict=True)
    ]
    instructions = Turn("system", asking_prompt(titled, is_whole=reading.is_whole))
    words = [_look_words(look, plan, runs)] if look and plan else []
    tokens = own + sum(line_tokens(cue) for lines in chosen for cue in lines)
    return Told((instructions, *history), "\n\n".join([*words, question]), reading, tokens)


def _looked_at(look: Look, runs: Sequence[Run]) -> Run:
    """Raises InputError for a run that the conversation is not about."""
    for run in runs:
        if run.id == look.run_id:
            return run
    raise InputError("This video is not one of those that are asked about.")


def _look_refusal(plan: Plan, run: Run, model: Model) -> str | None:
    if not (model.sees or model.hears):
        return "This model only reads: choose one that sees or hears."
    if plan.refusal:
        return plan.refusal
    if run.asset_id is None and needs_download(plan):
        return "The video is not on this machine: run a local model over its link to bring it here."
    if len(plan.parts) > 1:
        return "The stretch is too long for one question: choose a shorter one."
    return None


def _history(before: Sequence[Exchange], most_tokens: int) -> tuple[tuple[Turn, ...], int]:
    """The last questions with their answers, as many as fit; those without an answer are left out."""
    turns: list[Turn] = []
    taken = 0
    for exchange in reversed([each for each in before if each.is_answered]):
        tokens = text_tokens(exchange.question) + text_tokens(exchange.answer)
        if taken + tokens > most_tokens:
            break
        taken += tokens
        turns[:0] = [Turn("user", exchange.question), Turn("assistant", exchange.answer)]
    return tuple(turns), taken


def _with_gaps(lines: Sequence[Cue], whole: Sequence[Cue]) -> str:
    """The lines as text, with a sign where some were left out."""
    if len(lines) == len(whole):
        return "\n".join(map(timed_line, lines))
    place = {id(cue): at for at, cue in enumerate(whole)}
    places = [-1, *(place[id(cue)] for cue in lines), len(whole)]
    written: list[str] = []
    for at, (before, here) in enumerate(pairwise(places)):
        written += [LEFT_OUT] if here > before + 1 else []
        written += [timed_line(lines[at])] if at < len(lines) else []
    return "\n".join(written)


def _look_words(look: Look, plan: Plan, runs: Sequence[Run]) -> str:
    """What the model has to know of the video that goes with the question."""
    which = f"recording {runs.index(_looked_at(look, runs)) + 1}" if len(runs) > 1 else "the recording"
    if plan.clip is None or (look.start < 1 and look.end is None):
        return f"You are given {which} itself as well, to see and hear."
    start, end = format_clock(look.start), format_clock(plan.clip.end)
    words = f"You are given a stretch of {which} itself as well, from {start} to {end}."
    if look.start < 1:
        return words
    return (
        f"{words} Its own clock begins at zero: add {start} to every time that you read off it, so that what you cite "
        "counts from the beginning of the whole."
    )
