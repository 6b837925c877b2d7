"""A scoreboard out of votes."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.domain.ranking import SCALE, Standing, Verdict, Vote, bradley_terry

TEAMS = ("Milwaukee", "Detroit", "Toronto", "New York", "Boston", "Cleveland", "Baltimore")
WINS = (
    (0, 7, 9, 7, 7, 9, 11),
    (6, 0, 7, 5, 11, 9, 9),
    (4, 6, 0, 7, 7, 8, 12),
    (6, 8, 6, 0, 6, 7, 10),
    (6, 2, 6, 7, 0, 7, 12),
    (4, 4, 5, 6, 6, 0, 6),
    (2, 4, 1, 3, 1, 7, 0),
)
"""Baseball in the American League, 1987: how often the row won over the column (Agresti, Categorical Data Analysis)."""

votes_between = st.lists(
    st.builds(
        lambda pair, verdict: Vote(*pair, verdict),
        st.permutations("abcde").map(lambda names: names[:2]),
        st.sampled_from(Verdict),
    ),
    max_size=25,
)


def season() -> list[Vote]:
    votes = []
    for i, row in enumerate(WINS):
        for j, count in enumerate(row):
            for k in range(count):  # who stands left is of no matter
                left_won = Vote(TEAMS[i], TEAMS[j], Verdict.LEFT)
                votes.append(left_won if k % 2 else Vote(TEAMS[j], TEAMS[i], Verdict.RIGHT))
    return votes


def test_a_known_season_is_rated_as_published():
    """Without a prior the strengths are Agresti's maximum likelihood estimates, relative to Baltimore."""
    standings = {standing.name: standing for standing in bradley_terry(season(), prior=0)}
    lowest = standings["Baltimore"].rating
    published = (1.5814, 1.4364, 1.2945, 1.2476, 1.1077, 0.6839, 0.0)
    for team, strength in zip(TEAMS, published, strict=True):
        assert (standings[team].rating - lowest) / SCALE == pytest.approx(strength, abs=0.0001)
    assert [standing.name for standing in bradley_terry(season())] == list(TEAMS)
    assert standings["Detroit"].wins == 47
    assert {standing.votes for standing in standings.values()} == {78}


def test_the_intervals_are_those_of_the_information():
    """Two models, 30 votes to 10: the interval of their distance is that of a logit, 1.96 * sqrt(1/30 + 1/10)."""
    votes = [Vote("a", "b", Verdict.LEFT)] * 30 + [Vote("a", "b", Verdict.RIGHT)] * 10
    first, second = bradley_terry(votes, prior=0)
    assert first.rating - second.rating == pytest.approx(SCALE * math.log(3))
    # Either lies half of the distance from the mean, and so does its error.
    assert first.high - first.rating == pytest.approx(SCALE * 1.96 * math.sqrt(1 / 30 + 1 / 10) / 2, rel=1e-4)


def test_one_vote_is_no_certainty():
    """After one vote the winner leads, by little, with wide intervals that overlap."""
    winner, loser = bradley_terry([Vote("a", "b", Verdict.RIGHT)])
    assert (winner.name, winner.wins, winner.losses) == ("b", 1, 0)
    assert (loser.name, loser.wins, loser.losses) == ("a", 0, 1)
    assert 0 < winner.rating - loser.rating < 400
    assert winner.low < loser.rating
    assert winner.high - winner.low > 400


def test_more_votes_make_it_narrower():
    """The same share of wins in a hundred times the votes is far more certain."""
    few = [Vote("a", "b", Verdict.LEFT)] * 3 + [Vote("a", "b", Verdict.RIGHT)]
    (first, _), (sure, other) = bradley_terry(few), bradley_terry(few * 100)
    assert sure.high - sure.low < (first.high - first.low) / 5
    assert sure.low > other.high


def test_ties_and_both_bad_are_half_a_win_for_each():
    """Neither says who is better; both are counted."""
    for verdict in (Verdict.TIE, Verdict.BOTH_BAD):
        one, other = bradley_terry([Vote("b", "a", verdict)])
        assert (one.name, other.name) == ("a", "b")
        assert one.rating == other.rating == pytest.approx(1000)
        assert (one.ties, one.votes) == (1, 1)
    level = [Vote("a", "b", Verdict.LEFT), Vote("a", "b", Verdict.RIGHT)]
    tied = [Vote("a", "b", Verdict.TIE), Vote("a", "b", Verdict.TIE)]
    assert [s.rating for s in bradley_terry(level)] == [s.rating for s in bradley_terry(tied)]


def test_groups_that_never_met_are_placed_by_the_prior():
    """Two pairs without a common opponent are rated alike, with wider intervals than pairs that have met."""
    verdicts = [Verdict.LEFT] * 6 + [Verdict.RIGHT] * 4
    apart = bradley_terry([Vote(x, y, verdict) for x, y in ("ab", "cd") for verdict in verdicts * 2])
    assert [standing.name for standing in apart] == ["a", "c", "b", "d"]
    assert apart[0].rating == pytest.approx(apart[1].rating)
    together = bradley_terry([Vote(x, y, verdict) for x in "ac" for y in "bd" for verdict in verdicts])
    assert apart[0].high - apart[0].low > 1.5 * (together[0].high - together[0].low)


@settings(deadline=None)
@given(votes_between)
def test_every_vote_is_counted_and_the_mean_is_1000(votes):
    """Whatever is voted, all have a finite place, the mean rating is 1000, and sides and order are of no matter."""
    standings = bradley_terry(votes)
    assert {standing.name for standing in standings} == {name for vote in votes for name in (vote.left, vote.right)}
    assert sum(standing.votes for standing in standings) == 2 * len(votes)
    assert sum(standing.wins for standing in standings) == sum(standing.losses for standing in standings)
    if standings:
        assert sum(standing.rating for standing in standings) / len(standings) == pytest.approx(1000)
    assert all(math.isfinite(standing.high - standing.low) for standing in standings)
    assert [s.rating for s in standings] == sorted((s.rating for s in standings), reverse=True)
    turned = {Verdict.LEFT: Verdict.RIGHT, Verdict.RIGHT: Verdict.LEFT}
    mirrored = [Vote(v.right, v.left, turned.get(v.verdict, v.verdict)) for v in reversed(votes)]
    again = {standing.name: standing.rating for standing in bradley_terry(mirrored)}
    assert all(again[standing.name] == pytest.approx(standing.rating, abs=1e-6) for standing in standings)


def test_records_refuse_a_wrong_shape():
    """Nobody is voted on against itself, and each vote is one of three."""
    with pytest.raises(ValueError, match="between two models"):
        Vote("a", "a", Verdict.TIE)
    with pytest.raises(ValueError, match="a win, a loss or a tie"):
        Standing("a", 1000, 900, 1100, 1, 1, 1, 2)
    with pytest.raises(ValueError, match="within its interval"):
        Standing("a", 1000, 1001, 1100, 1, 0, 0, 1)
