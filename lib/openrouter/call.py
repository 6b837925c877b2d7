"""One request that may be billed, and who pays for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from lib.domain.run import Generation
from lib.openrouter.question import Question


@dataclass
class Call:
    """A request from before it is sent until its end. ``question`` is what is really sent.

    Afterwards ``generation`` is what it came to, also where that cannot be used; None without a bill. Then
    ``may_be_billed`` says whether all of it had been sent and nobody refused it: the service may bill it all the same.
    """

    question: Question
    generation: Generation | None = None
    may_be_billed: bool = False
    pulse: Callable[[], None] = lambda: None
    """Called again and again while it is under way."""


Paying = Callable[[Question], AbstractContextManager[Call]]
"""Called before each request, further attempts included; may raise, and then nothing is sent."""


@contextmanager
def unpaid(question: Question) -> Iterator[Call]:
    """For who counts no money, as a test or a benchmark."""
    yield Call(question)
