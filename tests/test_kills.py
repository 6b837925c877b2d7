"""Kills at random moments: every run ends with its whole text all the same, and what was kept is not paid for again."""

from __future__ import annotations

from tests.kills import PARTS_AT_ONCE, kill_and_count

KILLS, SEED = 40, 6
"""The first 40 of those that ``make faults`` deals out."""


def test_kills_at_random_moments_lose_nothing_and_pay_for_nothing_twice(tmp_path, talking_video):
    """The worker, ffmpeg, the page or page and worker together, again and again: the runs resume by themselves and are
    done with every word; no answer that was kept is asked for again, one that was not only after a kill; and no
    process, reservation, job or file outlives its work."""
    toll = kill_and_count(tmp_path, talking_video, kills=KILLS, seed=SEED)
    assert toll.kills.total() == KILLS
    assert toll.asked_again <= PARTS_AT_ONCE * toll.workers_lost
    assert (toll.lost, toll.paid_twice, toll.unexplained, toll.left_behind) == ([], [], [], [])
