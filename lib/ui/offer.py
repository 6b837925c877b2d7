"""The last step before something is asked: what it would send and cost, what stands against it, and the button."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal

import streamlit as st

from lib.domain.model import Model
from lib.domain.plan import Plan, Route
from lib.errors import KeyMissing
from lib.services import Services
from lib.ui.caps import CHEAPER_MODEL, may_ask
from lib.ui.key import ask_key, remember_typed
from lib.ui.press import pressed
from lib.ui.words import (
    bytes_words,
    count_words,
    duration_words,
    estimate_words,
    parts_words,
    plain,
    render_failure,
)

RUN = ":material/play_arrow:"


@dataclass(frozen=True, slots=True)
class Confirmed:
    """That all is wanted as it stands, with the key that it may use."""

    key: str | None = None


def offer(
    services: Services, model: Model, plan: Plan | None, *, label: str, key: str, icon: str = RUN, or_local: bool
) -> Confirmed | None:
    """One model for one thing: draw what it would be sent and for how much, and the last step.

    ``plan`` None: nothing is known of its price. ``or_local``: a local model can be chosen in its place.
    """
    if plan is not None and plan.refusal:
        st.error(plain(plan.refusal), icon=":material/block:")
        return None
    _render_price(model, plan)
    return confirm(
        services,
        [model],
        (plan.estimate_usd if plan is not None else None) or Decimal(0),
        label=label,
        key=key,
        icon=icon,
        advice=CHEAPER_MODEL,
        without_key=KeyMissing(
            "This model needs your OpenRouter key.",
            "Paste it above, or choose a local model." if or_local else "Paste it above.",
        ),
    )


def confirm(
    services: Services,
    models: Collection[Model],
    total_usd: Decimal,
    *,
    label: str,
    key: str,
    icon: str = RUN,
    advice: str,
    without_key: KeyMissing,
) -> Confirmed | None:
    """Draw the last step: the key if one is needed and none is known, the caps, the button. Gives that it was pressed
    and may be obeyed. ``key`` begins the names of all that is drawn; ``without_key`` is told when none was given."""
    needs_key = any(not model.is_local for model in models)
    typed = ask_key(services, field=f"{key}_key") if needs_key else None
    is_allowed = may_ask(services, models, total_usd, key=key, advice=advice)
    if not pressed(label, key=f"{key}_now", disabled=not (models and is_allowed), type="primary", icon=icon):
        return None
    if needs_key and not typed:
        render_failure(without_key)
        return None
    if typed:
        remember_typed(services, typed)
    return Confirmed(typed)


def _render_price(model: Model, plan: Plan | None) -> None:
    if plan is None:
        st.markdown(f"**{plain(_capitalised(estimate_words(model, None)))}**")
        return
    figures = f" :small[{plain(words)}]" if (words := plan_figures(plan)) else ""
    st.markdown(f"**{plain(_capitalised(estimate_words(model, plan.estimate_usd)))}**{figures}")
    st.caption(plain(plan.reason))
    render_warnings(plan)


def _capitalised(words: str) -> str:
    return words[:1].upper() + words[1:]


def render_warnings(plan: Plan) -> None:
    """What is worth knowing before it is sent."""
    for warning in plan.warnings:
        st.markdown(f":small[:orange[:material/warning: {plain(warning)}]]")


def plan_figures(plan: Plan) -> str:
    """Bytes, parts, tokens and time of a plan, leaving out what is not known."""
    figures = [
        *(_questions(plan) if plan.route is Route.TEXT else _media_figures(plan)),
        f"{plan.prompt_tokens:,} tokens in" if plan.prompt_tokens else "",
        f"{plan.completion_tokens:,} out" if plan.completion_tokens else "",
        f"about {duration_words(max(1, round(plan.seconds)))}" if plan.seconds is not None else "",
    ]
    return " · ".join(figure for figure in figures if figure)


def _questions(plan: Plan) -> list[str]:
    return [count_words(len(plan.parts), "question")] if len(plan.parts) > 1 else []


def _media_figures(plan: Plan) -> list[str]:
    if not plan.size_bytes:
        return []
    sent, held = bytes_words(plan.size_bytes), bytes_words(plan.source_bytes or plan.size_bytes)
    made_of = f"{held} → " if held != sent else ""
    return [f"{made_of}{sent} to send", parts_words([part.duration for part in plan.parts])]
