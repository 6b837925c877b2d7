"""What may be spent, beside what it is expected to cost: caps that an estimate passes, and prices that nobody knows."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal

import streamlit as st

from lib.domain.model import Model
from lib.services import Services
from lib.ui.words import money, plain

CHEAPER_CLIP = "Choose a shorter clip or fewer models, or raise the cap in Settings."
CHEAPER_MODEL = "Choose a cheaper model, or raise the cap in Settings."
FREE_ONLY = "Choose what is free, or raise the cap in Settings."


def may_ask(services: Services, models: Collection[Model], total_usd: Decimal, *, key: str, advice: str) -> bool:
    """Whether these models may be asked for so much: say what stands against it, and ask for a yes where one is enough.

    ``key`` begins the names of what is drawn, ``advice`` is what would be cheaper here.
    """
    cap_usd, left_usd = services.preferences().spending_cap_usd, services.budget.left_this_month()
    accepts = accept_price(models, key=f"{key}_price")
    return _may_spend(total_usd, cap_usd, left_usd, key=key, advice=advice) and accepts


def _may_spend(total_usd: Decimal, cap_usd: Decimal | None, left_usd: Decimal | None, *, key: str, advice: str) -> bool:
    """Say it when an estimate is more than a cap leaves, and ask whether to go as far as that reaches.

    ``left_usd`` is what this month's cap leaves. The caps hold whatever is answered here.
    """
    over = over_words(total_usd, cap_usd, left_usd)
    if not over:
        return True
    reaches_nothing = 0 in (cap_usd, left_usd)
    st.warning(plain(f"{over} {FREE_ONLY if reaches_nothing else advice}"))
    if reaches_nothing:
        return False
    # A tick is for one sum: another asks again.
    return st.checkbox("Run as far as the cap reaches, and keep what is finished", key=f"{key}_over_cap_{total_usd}")


def over_words(total_usd: Decimal, cap_usd: Decimal | None, left_usd: Decimal | None) -> str:
    """``$2.00 (estimate) is over your cap of $1.00 a run.``, or nothing where it fits; of two caps the tighter one."""
    estimate = money(total_usd, estimate=True)
    if not total_usd:
        return ""
    if left_usd is not None and not left_usd:
        return "Your cap for this month is reached: nothing that costs money is sent until it is raised."
    if left_usd is not None and total_usd > left_usd and (cap_usd is None or left_usd < cap_usd):
        return f"{estimate} is more than the {money(left_usd)} that your cap for this month leaves."
    if cap_usd is not None and total_usd > cap_usd:
        return f"{estimate} is over your cap of {money(cap_usd)} a run."
    return ""


def cap_words(cap_usd: Decimal | None, left_usd: Decimal | None) -> str:
    """The caps beside a total: `` · cap $1.00 a run · $3.20 left this month``."""
    words = [f"cap {money(cap_usd)} a run"] if cap_usd is not None else []
    words += [f"{money(left_usd)} left this month"] if left_usd is not None else []
    return "".join(f" · {each}" for each in words)


def accept_price(models: Collection[Model], *, key: str) -> bool:
    """Whether each of these models has a price, or the user says that it may run without one."""
    unknown = sorted({model.name for model in models if model.price is None and not model.is_local})
    if not unknown:
        return True
    return st.checkbox(
        "Price unknown: run anyway",
        key=f"{key}_{'_'.join(unknown)}",
        help=plain(f"Nobody says what {', '.join(unknown)} costs. A cap can count it only once it has answered."),
    )


def render_spent(services: Services) -> None:
    """What this month has cost so far, below its cap."""
    spent = services.budget.this_month()
    words = f"Spent this month: {money(spent.paid_usd)}"
    if spent.reserved_usd:
        words += f" · up to {money(spent.reserved_usd)} under way"
    if spent.unsure_usd:
        words += f" · up to {money(spent.unsure_usd)} of it by requests that broke off, which may have been billed"
    st.caption(plain(f"{words}. Months are of UTC."))
