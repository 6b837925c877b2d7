"""A scoreboard out of votes between two models at a time."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

MEAN = 1000.0
"""The mean of all ratings."""
SCALE = 400 / math.log(10)
"""Elo points for a factor of e in strength: 400 points are odds of ten to one."""
PRIOR = 1.0
"""Drawn games that everybody has played, before any vote, against one opponent of the mean strength."""

_NORMAL_95 = 1.959964


class Verdict(StrEnum):
    """What a reader found who saw two answers without their names."""

    LEFT = "left"
    RIGHT = "right"
    TIE = "tie"
    BOTH_BAD = "both_bad"


@dataclass(frozen=True, slots=True)
class Vote:
    """One verdict over two models, by name."""

    left: str
    right: str
    verdict: Verdict

    def __post_init__(self) -> None:
        if self.left == self.right:
            raise ValueError("a vote is between two models")


@dataclass(frozen=True, slots=True)
class Standing:
    """One model's place. ``low`` and ``high`` bound its rating with 95 % confidence; ties hold the "both bad" too."""

    name: str
    rating: float
    low: float
    high: float
    wins: int
    losses: int
    ties: int
    votes: int

    def __post_init__(self) -> None:
        if self.wins + self.losses + self.ties != self.votes:
            raise ValueError("each vote is a win, a loss or a tie")
        if not self.low <= self.rating <= self.high:
            raise ValueError("a rating lies within its interval")


def bradley_terry(votes: Iterable[Vote], *, prior: float = PRIOR) -> tuple[Standing, ...]:
    """Everybody who was voted on, the strongest first, on the Elo scale.

    Strengths are the maximum of the Bradley-Terry likelihood, found by the MM algorithm (Hunter, MM algorithms for
    generalized Bradley-Terry models, Annals of Statistics 32, 2004). A tie is half a win for both, and so is "both
    bad": it says nothing about which is the better. The prior keeps one vote from being a certainty, and places
    models that were never compared, not even through others: only by it, which their wide intervals show.

    Without a prior (0) everybody must have won and lost a game against somebody of every other group.

    The intervals are those of a normal distribution with the inverse of the Fisher information for its covariance.
    They need no chance, and are wide after one vote, where drawing votes anew would always draw the same one.
    """
    votes = list(votes)
    names = sorted({name for vote in votes for name in (vote.left, vote.right)})
    if not names:
        return ()
    wins = _wins(votes, names)
    strengths = _strengths(wins, prior)
    ratings = MEAN + SCALE * strengths
    errors = SCALE * _standard_errors(wins + wins.T, strengths, prior)
    won, lost, tied = _counts(votes)
    standings = [
        Standing(
            name=name,
            rating=float(rating),
            low=float(rating - _NORMAL_95 * error),
            high=float(rating + _NORMAL_95 * error),
            wins=won[name],
            losses=lost[name],
            ties=tied[name],
            votes=won[name] + lost[name] + tied[name],
        )
        for name, rating, error in zip(names, ratings, errors, strict=True)
    ]
    return tuple(sorted(standings, key=lambda standing: (-standing.rating, standing.name)))


def _counts(votes: Iterable[Vote]) -> tuple[Counter[str], Counter[str], Counter[str]]:
    won, lost, tied = Counter(), Counter(), Counter()
    for vote in votes:
        if vote.verdict in (Verdict.TIE, Verdict.BOTH_BAD):
            tied.update((vote.left, vote.right))
        else:
            is_left = vote.verdict is Verdict.LEFT
            won[vote.left if is_left else vote.right] += 1
            lost[vote.right if is_left else vote.left] += 1
    return won, lost, tied


def _wins(votes: Iterable[Vote], names: Sequence[str]) -> np.ndarray:
    """How often the row won over the column, a tie being half a time for both."""
    import numpy as np

    at = {name: k for k, name in enumerate(names)}
    wins = np.zeros((len(names), len(names)))
    shares = {Verdict.LEFT: 1.0, Verdict.RIGHT: 0.0, Verdict.TIE: 0.5, Verdict.BOTH_BAD: 0.5}
    for vote in votes:
        left, right, share = at[vote.left], at[vote.right], shares[vote.verdict]
        wins[left, right] += share
        wins[right, left] += 1 - share
    return wins


def _strengths(wins: np.ndarray, prior: float) -> np.ndarray:
    """The logarithms of the strengths, their mean zero."""
    import numpy as np

    games = wins + wins.T
    won = wins.sum(axis=1) + prior / 2
    strength = np.ones(len(wins))
    for _ in range(10_000):
        before = strength
        pairs = games / (strength[:, None] + strength[None, :])
        strength = won / (pairs.sum(axis=1) + prior / (strength + 1))
        # The votes say nothing about the strength of all together; the prior does, and would take long to be heard.
        strength = strength * _common_factor(strength) if prior else strength / np.exp(np.log(strength).mean())
        if np.abs(np.log(strength / before)).max() < 1e-9:
            break
    logs = np.log(strength)
    return logs - logs.mean()


def _common_factor(strength: np.ndarray) -> float:
    """What to multiply all by so that together they win half of their games against strength one (Newton's method)."""
    import numpy as np

    shift = 0.0
    for _ in range(50):
        chances = strength / (strength + math.exp(-shift))
        step = (len(strength) / 2 - chances.sum()) / max((chances * (1 - chances)).sum(), 1e-12)
        shift += float(np.clip(step, -2.0, 2.0))
        if abs(step) < 1e-12:
            break
    return math.exp(shift)


def _standard_errors(games: np.ndarray, strengths: np.ndarray, prior: float) -> np.ndarray:
    """Of each log strength beside the mean of all."""
    import numpy as np

    chances = 1 / (1 + np.exp(strengths[None, :] - strengths[:, None]))
    information = -games * chances * (1 - chances)
    alone = 1 / (1 + np.exp(-strengths))
    np.fill_diagonal(information, 0.0)
    np.fill_diagonal(information, -information.sum(axis=1) + prior * alone * (1 - alone))
    covariance = np.linalg.pinv(information, hermitian=True)
    centring = np.eye(len(games)) - 1 / len(games)
    return np.sqrt(np.maximum(np.diag(centring @ covariance @ centring), 0.0))
