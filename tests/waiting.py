"""Waiting for what other processes do, by looking again and again."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Seen = TypeVar("Seen")


def look_until(look: Callable[[], Seen], condition: Callable[[Seen], object], seconds: float = 60) -> Seen:
    """What is seen as soon as it fulfils the condition; fails the test when it does not in time."""
    until = time.monotonic() + seconds
    while not condition(seen := look()):
        assert time.monotonic() < until, f"still {seen}"
        time.sleep(0.05)
    return seen


def is_over(work) -> bool:
    """Whether a run, an answer or a copy is at its end, however it came there."""
    return work.state.is_over
