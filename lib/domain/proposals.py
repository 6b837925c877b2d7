"""Which stretches of a video are worth sending: where somebody speaks, where scenes change, around a word.

Each proposal keeps to a budget of seconds, in order and apart. Pure: facts in, stretches out.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate

from lib.domain.heard import Stretch, merged
from lib.domain.media import Clip
from lib.domain.tokens import tokens
from lib.domain.transcript import Cue

NEAR = 1.0
"""Stretches this close are one: what lies between is not worth a break."""
SHORTEST = 2.0
"""Seconds below which a stretch tells nothing."""

_BREATH = 0.3  # seconds around speech, so that no first or last sound is cut off
_PAUSE = 2.0  # seconds of silence that stay inside a stretch of speech
_SPEECH = 30.0  # seconds of a stretch of speech where not all of it can be sent
_SCENE = (6.0, 30.0)  # seconds of a stretch around a change of scene, at least and at most
_BEFORE_SCENE = 1.0
_AROUND_WORD = ((4.0, 8.0), (1.5, 3.0))  # seconds before and after it, if there is room, and if there is little


class Proposal(StrEnum):
    """What stretches are proposed by."""

    SPEECH = "speech"
    SCENES = "scenes"
    WORD = "word"


@dataclass(frozen=True, slots=True)
class SceneChange:
    """A moment at which other things are seen. ``strength`` is from 0 to 1: 1 where nothing stays the same."""

    time: float
    strength: float


def around_speech(speech: Sequence[Stretch], clip: Clip, budget: float) -> tuple[Clip, ...]:
    """Where somebody speaks: all of it if the budget holds it, else what is richest in speech, evenly through the clip.

    ``speech`` is what voice activity detection found. A stretch begins with a phrase and ends with one where it can.
    """
    padded = ((start - _BREATH, end + _BREATH) for start, end in speech)
    spoken = merged(padded, inside=clip, join=_PAUSE)
    if sum(end - start for start, end in spoken) <= budget:
        return _clips(spoken)
    count = max(1, round(budget / _SPEECH))
    length, slot = budget / count, clip.duration / count
    phrases = merged(speech, inside=clip)
    slots = (Clip(clip.start + at * slot, clip.start + (at + 1) * slot) for at in range(count))
    best = (_richest(phrases, each, min(length, slot)) for each in slots)
    return _within([each for each in best if each is not None], budget)


def around_changes(changes: Sequence[SceneChange], clip: Clip, budget: float) -> tuple[Clip, ...]:
    """A stretch around each change of scene, the strongest first where the budget does not hold all of them.

    Strong ones close together give way to others first, so that the whole of the clip is shown.
    """
    inside = [change for change in changes if clip.start <= change.time < clip.end - SHORTEST]
    if not inside:
        return ()
    shortest, longest = _SCENE
    length = min(max(budget / len(inside), shortest), longest, budget)
    strongest = sorted(inside, key=lambda change: -change.strength)
    room = clip.duration / (3 * max(1.0, budget / length))
    apart: list[SceneChange] = []
    crowded: list[SceneChange] = []
    for change in strongest:
        is_near = any(abs(change.time - other.time) < room for other in apart)
        (crowded if is_near else apart).append(change)
    return _within([_around(change.time, _BEFORE_SCENE, length, clip) for change in (*apart, *crowded)], budget)


def around_word(said: Sequence[Stretch], clip: Clip, budget: float) -> tuple[Clip, ...]:
    """A stretch around each place where something is said, spread over all of them where they are too many.

    ``said`` is what ``places_of`` found.
    """
    spread = [said[at] for at in _spread(len(said))]
    found: tuple[Clip, ...] = ()
    for before, after in _AROUND_WORD:
        around = [(max(clip.start, start - before), min(clip.end, end + after)) for start, end in spread]
        ranked = [Clip(start, end) for start, end in around if end - start >= SHORTEST]
        wanted = _within(ranked, budget)
        if sum(_holds(wanted, place) for place in said) > sum(_holds(found, place) for place in said):
            found = wanted
    if found or not spread or budget < SHORTEST:
        return found
    return _within([_around(spread[0][0], budget / 4, budget, clip)], budget)


def places_of(text: str, cues: Sequence[Cue]) -> tuple[Stretch, ...]:
    """Where a word or a phrase is said, however it is written: from the start of a cue to the end of one."""
    sought = [token.text for token in tokens(text)]
    row = [(token.text, cue) for cue in cues for token in tokens(cue.text)]
    if not sought:
        return ()
    found = []
    for at in range(len(row) - len(sought) + 1):
        if all(row[at + k][0] == word for k, word in enumerate(sought)):
            found.append((row[at][1].start, max(row[at][1].end, row[at + len(sought) - 1][1].end)))
    return tuple(dict.fromkeys(found))


def _richest(phrases: Sequence[Stretch], slot: Clip, length: float) -> Clip | None:
    """The stretch of the slot in which most is said, from the start of a phrase on; None where nobody speaks."""
    mine = merged(phrases, inside=slot)
    if not mine:
        return None
    starts = [start for start, _ in mine]
    spoken = list(accumulate((end - start for start, end in mine), initial=0.0))

    def said_until(time: float) -> float:
        at = bisect_left(starts, time)
        return spoken[at] - max(0.0, mine[at - 1][1] - time if at else 0.0)

    begin = max(starts, key=lambda start: (said_until(min(start + length, slot.end)) - said_until(start), -start))
    begin = max(slot.start, begin - _BREATH)
    end = min(begin + length, slot.end)
    # The last phrase that is whole, unless that leaves too little.
    whole = [stop + _BREATH for _, stop in mine if begin + length / 2 <= stop + _BREATH <= end]
    return Clip(begin, max(whole, default=end))


def _around(time: float, before: float, length: float, clip: Clip) -> Clip:
    start = max(clip.start, min(time - before, clip.end - length))
    return Clip(start, min(start + length, clip.end))


def _within(ranked: Iterable[Clip], budget: float) -> tuple[Clip, ...]:
    """The first of them that fit the budget together, in order of time, those that are near made one."""
    chosen: list[Stretch] = []
    for each in ranked:
        more = merged([*chosen, (each.start, each.end)], join=NEAR)
        if sum(end - start for start, end in more) <= budget + 1e-6:
            chosen = more
    return _clips(chosen)


def _clips(stretches: Iterable[Stretch]) -> tuple[Clip, ...]:
    return tuple(Clip(start, end) for start, end in stretches)


def _holds(stretches: Sequence[Clip], place: Stretch) -> bool:
    return any(each.start <= place[0] < each.end for each in stretches)


def _spread(count: int) -> list[int]:
    """All indices in an order whose every beginning is spread evenly: first, middle, quarters (van der Corput)."""
    bits = max(1, math.ceil(math.log2(count))) if count > 1 else 1
    turned = (int(f"{at:0{bits}b}"[::-1], 2) for at in range(2**bits))
    return [at for at in turned if at < count]
