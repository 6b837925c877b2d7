"""Budgets: the caps that hold now, and what they leave."""

from __future__ import annotations

from decimal import Decimal

from lib.domain.budget import Cap, Refused, Spent
from lib.errors import CapReached
from lib.pipeline.tools import Tools


class Budget:
    """What may still be spent, for pages and the command line."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def this_month(self) -> Spent:
        """What was spent and is reserved this calendar month (UTC), by runs that were deleted since as well."""
        return self._tools.store.payments.of_month()

    def check(self, total_usd: Decimal, own_cap_usd: Decimal | None) -> None:
        """Raises CapReached where an estimate is more than its cap or this month's leaves, before anything is sent."""
        cap_usd = self.cap(own_cap_usd)
        for limit, whose in ((cap_usd, "for a run"), (self.left_this_month(), "that is left for this month")):
            if limit is not None and total_usd > limit:
                raise CapReached(
                    f"The estimate of {_dollars(total_usd)} is over the {_dollars(limit)} {whose}.",
                    "Choose a shorter clip or fewer models, or raise the cap (--max-usd, or Settings).",
                )

    def cap(self, own_cap_usd: Decimal | None) -> Decimal | None:
        """What a run may cost: the cap of its own, else that of Settings as it is now; None without any."""
        return caps_of(own_cap_usd, self._tools).get(Cap.RUN)

    def left_this_month(self) -> Decimal | None:
        """None without a cap; never below zero."""
        caps = caps_of(None, self._tools)
        cap = min((caps[each] for each in (Cap.MONTH, Cap.USER) if each in caps), default=None)
        return None if cap is None else max(Decimal(0), cap - self.this_month().total_usd)


def caps_of(own_cap_usd: Decimal | None, tools: Tools) -> dict[Cap, Decimal]:
    """The caps that hold now: what was asked for with a run, else what is in Settings; that of the month is there. For
    a user there is the operator's, too."""
    preferences = tools.store.preferences.get()
    cap_usd = preferences.spending_cap_usd if own_cap_usd is None else own_cap_usd
    users_cap_usd = tools.settings.user_limits.month_usd if tools.settings.user_id else None
    caps = {Cap.RUN: cap_usd, Cap.MONTH: preferences.monthly_cap_usd, Cap.USER: users_cap_usd}
    return {cap: usd for cap, usd in caps.items() if usd is not None}


def refusal_words(refused: Refused) -> str:
    """``Your spending cap of $1.00 a run is reached: $0.98 is spent, and the next request needs at least $0.0500.``"""
    what = {Cap.RUN: "Your spending cap of {} a run", Cap.MONTH: "Your spending cap of {} a month"}.get(
        refused.cap, "The operator's limit of {} a month for each user"
    )
    return (
        f"{what.format(_dollars(refused.cap_usd))} is reached: {_dollars(refused.paid_usd)} is spent, "
        f"and the next request needs at least {_dollars(refused.needed_usd)}."
    )


def _dollars(usd: Decimal) -> str:
    return f"${usd:.2f}" if usd >= 1 else f"${usd:.4f}" if usd >= Decimal("0.0001") else f"${usd:.7f}"
