"""Estimates before a run: tokens, dollars and seconds, from published figures until a model's own are known. Pure."""

from __future__ import annotations

import math
from decimal import Decimal

from lib import prompts
from lib.domain.model import Model
from lib.domain.plan import Route
from lib.domain.reading import text_tokens
from lib.openrouter import Question
from lib.store.generations import Measured

VIDEO_TOKENS = (("google/gemini-2.5", 295.0), ("google/gemini", 91.0), ("google/gemma", 91.0))
"""Prompt tokens a second of video with sound, by family. Measured live by a third party, November 2026."""
AUDIO_TOKENS = (("google/gemini", 32.0),)
"""The same for sound alone: 25 to 32; the dearer is taken."""
GUESS = {Route.AUDIO: 32.0}
USUAL_GUESS = 91.0
"""For families that nobody measured, what Gemini 3 takes: a guess, and called one, until their first run."""
PROMPT_TOKENS = 400
"""What the prompt's own text takes, with its notes."""
TRANSCRIPT_TOKENS = 30_000 / 3600
"""Completion tokens a second of clip: 20,000 to 30,000 for an hour of transcript; the dearer is taken."""
OTHER_TASK_TOKENS = 1500
GROWTH = 1.6
"""A translation takes so many times the tokens of what it was made from, on the dear side."""
MARGIN, GUESSED_MARGIN = 1.25, 4.0
"""How much more than the figures say a prompt may take at most: a measured family, and one that nobody measured."""
MOST_COMPLETION_TOKENS = 65_536
"""What an answer may take of a model that does not say, as the largest that do."""
LOCAL_SECONDS = {"local/whisper-base": 1 / 6.5, "local/whisper-tiny.en": 1 / 12}
"""Waiting a second of clip, on two cores, until this machine's own speed is known."""


def prompt_token_rate(model: Model, route: Route, measured: Measured) -> float:
    """Prompt tokens a second of clip: this model's own where it was asked before, else its usual ones."""
    return _own_rate(route, measured) or usual_token_rate(model, route)


def usual_token_rate(model: Model, route: Route) -> float:
    """Prompt tokens a second of clip before this model was ever asked: its family's, else a guess."""
    return _family_rate(model, route) or GUESS.get(route, USUAL_GUESS)


def is_guess(model: Model, route: Route, measured: Measured) -> bool:
    """Whether the rate is only a guess: nobody measured the family, and we have not asked this model yet."""
    return _own_rate(route, measured) is None and _family_rate(model, route) is None


def _own_rate(route: Route, measured: Measured) -> float | None:
    return measured.audio_tokens_per_second if route is Route.AUDIO else measured.video_tokens_per_second


def _family_rate(model: Model, route: Route) -> float | None:
    table = AUDIO_TOKENS if route is Route.AUDIO else VIDEO_TOKENS
    return next((figure for prefix, figure in table if model.id.startswith(prefix)), None)


def completion_tokens(task: str, seconds: float) -> int:
    """What an answer about so many seconds takes."""
    return round(seconds * TRANSCRIPT_TOKENS) + 50 if task == "transcript" else OTHER_TASK_TOKENS


def answer_tokens(task: str, question: Question) -> int:
    """What the answer to a question of a task takes, as the plan of its run counts."""
    if task == prompts.TRANSLATION:
        return round(GROWTH * text_tokens(question.prompt))
    return completion_tokens(task, (question.media.seconds or 0.0) if question.media else 0.0)


def most_prompt_tokens(question: Question) -> int:
    """Above what a request's prompt will take: for reserving, not for telling."""
    model, media = question.model, question.media
    said = (question.prompt, *(turn.text for turn in question.turns))
    text = sum(len(each.encode()) for each in said)  # a token is a byte at least
    if media is None:
        return text
    if media.seconds is None:
        return text + (model.context_tokens or 1_000_000)
    route = Route.AUDIO if media.kind == "audio" else Route.VIDEO
    family = _family_rate(model, route)
    rate = MARGIN * family if family else GUESSED_MARGIN * usual_token_rate(model, route)
    most = text + math.ceil(rate * media.seconds)
    return min(most, model.context_tokens) if model.context_tokens else most


def most_completion_tokens(model: Model) -> int:
    """Above what an answer takes that was not limited."""
    return model.max_output_tokens or MOST_COMPLETION_TOKENS


def dollars(model: Model, prompt: int | None, completion: int | None, calls: int) -> Decimal | None:
    """The price of so many calls that share the tokens evenly; None when it cannot be known."""
    if model.is_local or model.is_free:
        return Decimal(0)
    if model.price is None or prompt is None or completion is None or calls < 1:
        return None
    return calls * model.price.cost(prompt // calls, completion // calls)


def waiting_seconds(model: Model, longest_part: float, rounds: int, measured: Measured) -> float | None:
    """How long the answer takes when parts are asked side by side, in so many rounds; None where nothing is known."""
    rate = measured.wall_seconds_per_second or LOCAL_SECONDS.get(model.id)
    return None if rate is None else round(rate * longest_part * rounds, 1)
