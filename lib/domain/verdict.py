"""What can be said of a comparison in a few sentences, and what cannot."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

SECONDS_SHARE = 0.1
"""Times within a tenth of the shortest count as equal: each was measured once, and servers vary by more."""
COVERAGE_POINTS = 0.01
"""Coverage is measured to about a point (``bench/times.py``): what lies closer together cannot be told apart."""
SURE = 1.96
"""Standard errors by which two shares of words must differ, for 95 % confidence."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured of one model. None is what is not known; shares run from 0 to 1.

    ``is_done`` is False for a model that failed, was cancelled or still runs: it is left out.
    """

    name: str
    cost_usd: Decimal | None = None
    seconds: float | None = None
    seconds_to_first_text: float | None = None
    words: int | None = None
    coverage: float | None = None
    agreement: float | None = None
    wer: float | None = None
    is_done: bool = True


class FindingKind(StrEnum):
    FASTEST = "fastest"
    CHEAPEST = "cheapest"
    MOST_COMPLETE = "most complete"
    CLOSEST = "closest to the others"
    FEWEST_ERRORS = "fewest errors"


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence of the verdict. ``names`` share the place; there are none where nobody can be said to have it."""

    kind: FindingKind
    names: tuple[str, ...]
    words: str

    @property
    def is_decided(self) -> bool:
        return bool(self.names)


def verdict(figures: Sequence[Figures]) -> tuple[Finding, ...]:
    """Who is fastest, cheapest, most complete, and closest to the others, or has fewest errors if there is a reference.

    Nothing is said of fewer than two models that are done, nor of what was measured of none of them. Where the best
    differ by less than can be trusted, they share the place; where that is all of them, or too little is known, the
    finding has no names and its words say why. The thresholds and their reasons are the constants of this module, and
    for shares of words the standard error of their difference, as if the words were drawn independently.
    """
    done = [each for each in figures if each.is_done]
    if len(done) < 2:
        return ()
    last = _fewest_errors(done) if any(each.wer is not None for each in done) else _closest(done)
    found = (_fastest(done), _cheapest(done), _most_complete(done), last)
    return tuple(finding for finding in found if finding)


def _fastest(done: Sequence[Figures]) -> Finding | None:
    return _judged(
        FindingKind.FASTEST,
        done,
        lambda each: each.seconds,
        is_level=lambda best, other: other.seconds <= best.seconds * (1 + SECONDS_SHARE),
        words=lambda names, best: f"{_were(names)} the fastest, with {_seconds(best.seconds)}.",
        level="All took about as long: their times differ by less than a tenth.",
    )


def _seconds(seconds: float) -> str:
    return f"{seconds:,.0f} s" if seconds >= 10 else f"{seconds:.1f} s"


def _cheapest(done: Sequence[Figures]) -> Finding | None:
    """Prices are exact, so any difference counts. One that is not known may be anything but less than nothing."""
    known = [each for each in done if each.cost_usd is not None]
    finding = _judged(
        FindingKind.CHEAPEST,
        done,
        lambda each: each.cost_usd,
        is_level=lambda best, other: other.cost_usd == best.cost_usd,
        words=lambda names, best: f"{_were(names)} the cheapest, {_price(best.cost_usd)}.",
        level=f"All cost the same, {_price(known[0].cost_usd)}." if known else "",
    )
    unknown = [each.name for each in done if each.cost_usd is None]
    if finding is None or not unknown or not (finding.is_decided or known[0].cost_usd == 0):
        return finding
    names = finding.names or (known[0].name,)
    words = f"{_were(names)} the cheapest, {_price(min(each.cost_usd for each in known))}."
    return Finding(finding.kind, names, f"{words} What {_listed(unknown, 'or')} cost is not known.")


def _price(cost: Decimal) -> str:
    if not cost:
        return "for nothing"
    return f"at ${cost:,.2f}" if cost >= 1 else f"at ${cost.quantize(Decimal('0.0001')).normalize():f}"


def _most_complete(done: Sequence[Figures]) -> Finding | None:
    return _judged(
        FindingKind.MOST_COMPLETE,
        done,
        lambda each: None if each.coverage is None else -each.coverage,
        is_level=lambda best, other: best.coverage - other.coverage < COVERAGE_POINTS,
        words=lambda names, best: f"{_were(names)} the most complete, with {best.coverage:.0%} of the speech.",
        level="All are equally complete: they cover the same share of the speech, to a point.",
    )


def _closest(done: Sequence[Figures]) -> Finding | None:
    known = [each for each in done if each.agreement is not None]
    if len(known) == 2:  # each agrees with the other as the other with it
        return Finding(
            FindingKind.CLOSEST, (), "Which of two is closer to what was said, their agreement alone cannot tell."
        )
    return _judged(
        FindingKind.CLOSEST,
        done,
        lambda each: None if each.agreement is None else -each.agreement,
        is_level=lambda best, other: not _differ(best.agreement, other.agreement, best, other),
        words=lambda names, best: (
            f"{_were(names)} closest to the others, agreeing on {best.agreement:.0%} of the words."
        ),
        level="None is clearly closer to the others: so few words could differ by chance.",
    )


def _fewest_errors(done: Sequence[Figures]) -> Finding | None:
    return _judged(
        FindingKind.FEWEST_ERRORS,
        done,
        lambda each: each.wer,
        is_level=lambda best, other: not _differ(best.wer, other.wer, best, other),
        words=lambda names, best: f"{_listed(names)} made the fewest errors, {best.wer:.1%} of the words.",
        level="None made clearly fewer errors: so few words could differ by chance.",
    )


def _differ(one: float, other: float, *both: Figures) -> bool:
    """Whether two shares of the words differ by more than chance would have it."""
    words = min(each.words or 0 for each in both)
    if not words:
        return False
    variance = sum(share * (1 - share) for share in (min(one, 1.0), min(other, 1.0))) / words
    # A share of all or of nothing has no variance of its own: one word more or less is always possible.
    return abs(one - other) > max(SURE * math.sqrt(variance), 1 / words)


def _judged(
    kind: FindingKind,
    done: Sequence[Figures],
    value: Callable[[Figures], float | Decimal | None],
    *,
    is_level: Callable[[Figures, Figures], bool],
    words: Callable[[Sequence[str], Figures], str],
    level: str,
) -> Finding | None:
    """The finding for those of the least value; None where nothing was measured."""
    known = sorted((each for each in done if value(each) is not None), key=value)
    if not known:
        return None
    if len(known) == 1:
        return Finding(kind, (), f"It is known of {known[0].name} only, so nobody can be called {kind}.")
    best = known[0]
    names = tuple(each.name for each in done if each in known and (each is best or is_level(best, each)))
    if len(names) == len(done):
        return Finding(kind, (), level)
    return Finding(kind, names, words(names, best))


def _were(names: Sequence[str]) -> str:
    return f"{_listed(names)} {'was' if len(names) == 1 else 'were'}"


def _listed(names: Sequence[str], last: str = "and") -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {last} {names[-1]}"
