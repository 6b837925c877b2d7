"""Which lines of long transcripts matter to a question: those whose passages speak of it, with what stands around them.

Words are weighed by how rare they are among the passages. Where room is left, or no word helps ("What is this about?"),
passages are taken evenly from beginning to end.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lib.domain.reading import line_tokens
from lib.domain.search import passages, spoken_words
from lib.domain.transcript import Cue

STEM_LETTERS = 5
"""Words that begin with the same letters are one: ``budget`` and ``budgets``, ``decided`` and ``deciding``."""
NEIGHBOUR_SHARE = 0.4
"""What a passage gains from those before and after it: an answer often stands beside the words of its question."""
ABOUT_IT_SHARE = 0.7
"""Of the room, for what speaks of the question; the rest shows the whole course of things."""


@dataclass(frozen=True, slots=True)
class _Passage:
    transcript: int
    cues: tuple[Cue, ...]
    tokens: int
    words: Counter[str]


def lines_that_matter(
    transcripts: Sequence[Sequence[Cue]], question: str, most_tokens: int
) -> tuple[tuple[Cue, ...], ...]:
    """Of each transcript the lines to send, in their order: all of them where they fit into so many tokens."""
    whole = tuple(tuple(cue for cue in cues if cue.text.strip()) for cues in transcripts)
    if sum(line_tokens(cue) for cues in whole for cue in cues) <= most_tokens:
        return whole
    found = [passage for number, cues in enumerate(whole) for passage in _passages(number, cues)]
    chosen: set[int] = set()
    room = most_tokens
    about_it = _best_first(_scores(found, question))
    for order, limit in ((about_it, (1 - ABOUT_IT_SHARE) * most_tokens), (_evenly(len(found)), 0.0), (about_it, 0.0)):
        for place in order:
            if place not in chosen and room - found[place].tokens >= limit:
                chosen.add(place)
                room -= found[place].tokens
    return tuple(
        tuple(cue for place in sorted(chosen) if found[place].transcript == number for cue in found[place].cues)
        for number in range(len(whole))
    )


def _passages(number: int, cues: Sequence[Cue]) -> Iterator[_Passage]:
    at = 0
    for passage in passages(cues):
        held = tuple(cues[at : at + len(passage.lines)])
        at += len(held)
        words = Counter(_stem(word) for line in passage.lines for word, _, _ in spoken_words(line))
        yield _Passage(number, held, sum(map(line_tokens, held)), words)


def _scores(found: Sequence[_Passage], question: str) -> list[float]:
    wanted = {_stem(word) for word, _, _ in spoken_words(question)}
    spread = {word: sum(word in passage.words for passage in found) for word in wanted}
    own = [
        sum(
            math.log(1 + len(found) / spread[word]) * passage.words[word] / (passage.words[word] + 1)
            for word in wanted
            if word in passage.words
        )
        for passage in found
    ]
    return [score + NEIGHBOUR_SHARE * _beside(own, found, place) for place, score in enumerate(own)]


def _beside(own: Sequence[float], found: Sequence[_Passage], place: int) -> float:
    beside = [each for each in (place - 1, place + 1) if 0 <= each < len(found)]
    return max((own[each] for each in beside if found[each].transcript == found[place].transcript), default=0.0)


def _best_first(scores: Sequence[float]) -> list[int]:
    places = [place for place, score in enumerate(scores) if score > 0]
    return sorted(places, key=lambda place: (-scores[place], place))


def _evenly(count: int) -> list[int]:
    """All places, the ends first and then ever closer halves between them."""
    order = dict.fromkeys([0, max(0, count - 1)]) if count else {}
    step = count
    while step > 1:
        step = -(-step // 2)
        order |= dict.fromkeys(range(0, count, step))
    return list(order)


def _stem(word: str) -> str:
    return word[:STEM_LETTERS]
