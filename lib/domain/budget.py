"""Budget: what may be spent, what was, and whether one more call fits. Pure.

A call is reserved for before it is sent, at the most that it can cost, and settled after it at what it did cost. Of a
call that nobody heard the end of, because its worker died or its line broke, the reservation stands: it may have been
billed, and a cap that holds counts it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

NOTHING = Decimal(0)


class PaymentState(StrEnum):
    """``RESERVED`` while the call is under way, ``SETTLED`` at its real cost, ``UNSURE`` when nobody heard its end."""

    RESERVED = "reserved"
    SETTLED = "settled"
    UNSURE = "unsure"


class Cap(StrEnum):
    """What a cap is for: all that one press of Run has started, or a calendar month (UTC); the last is the operator's,
    for a user's month."""

    RUN = "run"
    MONTH = "month"
    USER = "user"


@dataclass(frozen=True, slots=True)
class Spent:
    """Dollars, those of unsure calls among ``paid_usd``. ``reserved_usd`` are for calls that are under way."""

    paid_usd: Decimal = NOTHING
    reserved_usd: Decimal = NOTHING
    unsure_usd: Decimal = NOTHING

    @property
    def total_usd(self) -> Decimal:
        return self.paid_usd + self.reserved_usd


@dataclass(frozen=True, slots=True)
class CallPrice:
    """What one call may cost: with as few tokens of answer as make sense, and with all that it wants.

    ``is_known`` False: its model has no price, so a cap can count it only once it has answered.
    """

    least_usd: Decimal
    most_usd: Decimal
    is_known: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.least_usd <= self.most_usd:
            raise ValueError(f"a call costs from least to most, not {self.least_usd}-{self.most_usd}")


@dataclass(frozen=True, slots=True)
class Granted:
    """The call may be sent, and cost so much at most."""

    usd: Decimal


@dataclass(frozen=True, slots=True)
class Waits:
    """It may fit once calls that are under way are settled."""


@dataclass(frozen=True, slots=True)
class Refused:
    """It would break this cap, whatever the calls that are under way come to."""

    cap: Cap
    cap_usd: Decimal
    paid_usd: Decimal
    needed_usd: Decimal


Ruling = Granted | Waits | Refused


def may_be_sent(price: CallPrice, spent: Mapping[Cap, Spent], caps: Mapping[Cap, Decimal]) -> Ruling:
    """Whether a call fits under the caps there are. It gets all that it wants, or what is left if that will do."""
    if price.is_known and price.most_usd == 0:
        return Granted(NOTHING)
    for cap, limit in caps.items():
        left = limit - spent[cap].paid_usd
        if left < price.least_usd or left <= 0:
            return Refused(cap, limit, spent[cap].paid_usd, price.least_usd)
    if not price.is_known:
        return Granted(NOTHING)
    wanted = min([price.most_usd, *(limit - spent[cap].paid_usd for cap, limit in caps.items())])
    fits = all(wanted <= limit - spent[cap].total_usd for cap, limit in caps.items())
    return Granted(wanted) if fits else Waits()
