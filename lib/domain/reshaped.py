"""Lines that are there, divided anew: of edited ones no answer tells any more, only the lines themselves."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from lib.domain.cues import CueShape, shape_cues
from lib.domain.excerpt import Excerpt
from lib.domain.retime import Stretch, TimedToken, timed_words
from lib.domain.transcript import Cue, Segment, TimedBy, Word


def reshaped(
    cues: Sequence[Cue],
    shape: CueShape,
    excerpt: Excerpt,
    *,
    words: Sequence[Word] = (),
    speech: Sequence[Stretch] = (),
) -> tuple[Cue, ...]:
    """The lines in that shape, on the asset's clock; every word comes out once, in order.

    Within a line that the sound has timed, its words stand where they were heard; those of any other share its time.
    A line that holds a word of an edited one is an edited one.
    """
    timed = list(_timed(cues, excerpt, words, speech))
    starts = [stretch.start for stretch in excerpt.stretches]
    out: list[Cue] = []
    for at, group in groupby(timed, key=lambda each: bisect_right(starts, each.start)):
        inside = list(group)
        end = max(excerpt.stretches[max(0, at - 1)].end, *(each.end for each in inside))
        out += shape_cues(inside, shape, end=end)
    return _marked(out, cues)


def _timed(
    cues: Sequence[Cue], excerpt: Excerpt, words: Sequence[Word], speech: Sequence[Stretch]
) -> Iterator[TimedToken | Cue]:
    segments = [Segment(cue.text, cue.start, cue.end, cue.speaker) for cue in cues]
    heard = timed_words(segments, words, clip=excerpt.span, onsets=speech) if words else ()
    of_line = {at: list(group) for at, group in groupby(heard, key=lambda token: token.segment)}
    for at, cue in enumerate(cues):
        mine = of_line.get(at, [])
        if cue.timed_by is not TimedBy.AUDIO or any(token.timed_by is not TimedBy.AUDIO for token in mine) or not mine:
            yield cue
            continue
        for token in mine:
            yield replace(token, start=_held(token.start, cue), end=_held(token.end, cue))


def _held(time: float, cue: Cue) -> float:
    return min(max(time, cue.start), cue.end)


def _marked(fresh: Iterable[Cue], cues: Sequence[Cue]) -> tuple[Cue, ...]:
    """The fresh lines, those that hold a letter of an edited line marked as such."""
    is_edited = [cue.is_edited for cue in cues for letter in cue.text if not letter.isspace()]
    out, at = [], 0
    for cue in fresh:
        until = at + sum(not letter.isspace() for letter in cue.text)
        out.append(replace(cue, is_edited=any(is_edited[at:until])))
        at = until
    return tuple(out)
