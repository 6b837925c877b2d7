"""What a model is, in a few words: what it takes, what an hour of video costs, when it retires."""

from __future__ import annotations

from decimal import Decimal

from lib.domain.model import Model
from lib.domain.plan import Route
from lib.pipeline.estimate import PROMPT_TOKENS, completion_tokens, dollars, usual_token_rate
from lib.ui.words import price_words

HOUR = 3600
PARTS_PER_HOUR = 12
"""Of five minutes, as long as parts are cut where nothing makes them shorter."""


def senses_words(model: Model) -> str:
    """What of a video reaches the model."""
    if model.sees and model.hears:
        return "sees and hears"
    if model.sees:
        return "sees only: hears nothing"
    return "hears only" if model.hears else "takes text only"


def tokens_per_hour(model: Model) -> int:
    """Prompt tokens that an hour of video is expected to make for this model; of its sound, if it only hears."""
    return round(HOUR * usual_token_rate(model, Route.VIDEO if model.sees else Route.AUDIO))


def hour_price(model: Model) -> Decimal | None:
    """Dollars that the transcript of an hour of video is expected to cost, asked for in parts, with the answers."""
    prompt = tokens_per_hour(model) + PARTS_PER_HOUR * PROMPT_TOKENS
    return dollars(model, prompt, completion_tokens("transcript", HOUR), PARTS_PER_HOUR)


def context_hours(model: Model) -> float | None:
    """Hours of video that are expected to fit the model's context."""
    return None if model.context_tokens is None else model.context_tokens / tokens_per_hour(model)


def hour_price_words(model: Model) -> str:
    """``free and private``, ``free``, ``~$0.33/h`` (an estimate), ``price unknown``."""
    if model.is_local:
        return "free and private"
    if model.is_free:
        return "free"
    price = hour_price(model)
    if price is None:
        return "price unknown"
    return "under $0.01/h" if price < Decimal("0.01") else f"~${price:,.2f}/h"


def retires_words(model: Model) -> str:
    """``retires 1 Dec 2026``, or nothing when no date is announced."""
    return f"retires {model.expires:%-d %b %Y}" if model.expires else ""


def model_line(model: Model) -> str:
    """A model as one line of a list: its name first, so that it can be found by typing."""
    senses = "" if model.is_local else senses_words(model)
    facts = (model.name, senses, hour_price_words(model), retires_words(model))
    return " · ".join(fact for fact in facts if fact)


def reader_line(model: Model) -> str:
    """The same of a model that is to read a text."""
    facts = (model.name, price_words(model), retires_words(model))
    return " · ".join(fact for fact in facts if fact)
