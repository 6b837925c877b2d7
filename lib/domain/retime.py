"""Times from the audio: a model's text laid over the words that were heard.

Models are good at what was said and bad at when. A local speech model is the other way round, so each cue takes its
time from the words heard where its text was said. The text is never changed, and nothing of it is lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from lib.domain.clock import Clock, fit_clock
from lib.domain.heard import Stretch, hear, merged, snap_words
from lib.domain.matching import match_tokens
from lib.domain.media import Clip
from lib.domain.rises import longest_rise
from lib.domain.said import Said, said_in, speaking_seconds
from lib.domain.spreading import spread_untimed, token_spans
from lib.domain.tokens import display_width, tokens, written_words
from lib.domain.transcript import Cue, Segment, TimedBy, Word

__all__ = [
    "ENOUGH",
    "Stretch",
    "TimedToken",
    "merged",
    "order_and_clamp",
    "retime",
    "snap_words",
    "speaking_seconds",
    "timed_words",
]

ENOUGH = 0.5
"""The share of a segment's tokens that must have been heard for its times to come from the audio."""
_MANY, _ENOUGH_OF_MANY = 10, 0.3  # so many words in order are no chance, though much of a long paragraph is missing
_LEEWAY = 2.0  # seconds by which a model's time may run against what was heard and still be believed


@dataclass(frozen=True, slots=True)
class TimedToken:
    """One written word with its time. ``"".join`` of a segment's texts is the segment's text, spaces included.

    ``segment`` is the index of the segment it belongs to.
    """

    text: str
    start: float
    end: float
    segment: int
    speaker: str | None = None
    timed_by: TimedBy = TimedBy.AUDIO


def retime(
    segments: Sequence[Segment],
    words: Sequence[Word],
    *,
    clip: Clip,
    onsets: Sequence[Stretch] = (),
) -> tuple[Cue, ...]:
    """One cue for each segment that holds text, in the order given, timed by the words heard.

    ``onsets`` are the stretches of speech, ``(start, end)`` in seconds, that voice activity detection found, without
    padding. Starts never decrease and all lies inside the clip. A cue says where its time came from: AUDIO when
    enough of its words were heard; else MODEL, the model's own time set right by the clock that fits its other
    segments; else PART, spread between its neighbours. Without words this is ``order_and_clamp``.
    """
    timed = timed_words(segments, words, clip=clip, onsets=onsets)
    return tuple(_cue(list(group)) for _, group in groupby(timed, key=lambda token: token.segment))


def order_and_clamp(segments: Sequence[Segment], *, clip: Clip) -> tuple[Cue, ...]:
    """One cue for each segment that holds text, by the model's own times, put in order and inside the clip.

    A time that runs against the order of the others is not believed: that segment is spread between its neighbours
    like one without a time, in proportion to the text, and marked PART.
    """
    return retime(segments, (), clip=clip)


def timed_words(
    segments: Sequence[Segment],
    words: Sequence[Word],
    *,
    clip: Clip,
    onsets: Sequence[Stretch] = (),
) -> tuple[TimedToken, ...]:
    """Every written word of the segments with a time of its own; the times are those that ``retime`` gives.

    Blank segments have no words. An hour against an hour takes about a second.
    """
    speech = merged(onsets, inside=clip)
    heard = hear(words, speech, clip)
    said = said_in(segments)
    matches = match_tokens(segments, said, heard, clip)
    clock = fit_clock(segments, said, heard, matches)
    spans, grounded = token_spans(said, heard, matches, speech, clip)
    return _placed(segments, said, spans, matches, grounded, clock, clip)


def _placed(
    segments: Sequence[Segment],
    said: Said,
    spans: Sequence[Stretch],
    matches: dict[int, int],
    grounded: set[int],
    clock: Clock | None,
    clip: Clip,
) -> tuple[TimedToken, ...]:
    """The written words of all segments, each with its time and where that came from."""
    written = [written_words(segment.text) if segment.text.strip() else () for segment in segments]
    holding = [s for s in range(len(segments)) if written[s]]
    marks = {s: _mark(s, said, matches, clock) for s in holding}
    _distrust_disorder(holding, marks, said, spans, clock)
    by_token = _timed_by_token(holding, marks, said, grounded)
    bounds = _bounds(holding, by_token, marks, segments, said, spans, clock, clip)
    out: list[TimedToken] = []
    floor = clip.start
    for s in holding:
        low, high = bounds[s]
        for text, (start, end) in zip(
            written[s], _word_spans(s, segments, written[s], said, spans, by_token, low, high), strict=True
        ):
            start = min(max(start, floor), clip.end)
            end = min(max(end, start), clip.end)
            out.append(TimedToken(text, start, end, s, segments[s].speaker, marks[s]))
            floor = start
    # A word ends where the next begins.
    return tuple(
        token if token.end <= following.start else replace(token, end=max(token.start, following.start))
        for token, following in zip(out, [*out[1:], replace(out[-1], start=clip.end)] if out else [], strict=True)
    )


def _mark(s: int, said: Said, matches: dict[int, int], clock: Clock | None) -> TimedBy:
    mine = said.of(s)
    matched = sum(i in matches for i in mine)
    if mine and (matched >= ENOUGH * len(mine) or (matched >= _MANY and matched >= _ENOUGH_OF_MANY * len(mine))):
        return TimedBy.AUDIO
    if clock is not None and clock.at[s] is not None:
        return TimedBy.MODEL
    return TimedBy.PART


def _timed_by_token(holding: Sequence[int], marks: dict[int, TimedBy], said: Said, grounded: set[int]) -> set[int]:
    """The segments that take their times from their tokens: those timed by the audio, and those without any time
    that stand between them where something was heard. Next to a time of the model's, its time weighs more."""
    found: set[int] = set()
    for is_audio, group in groupby(holding, key=lambda s: marks[s] is TimedBy.AUDIO):
        run = list(group)
        if is_audio:
            found.update(run)
        elif all(marks[s] is TimedBy.PART for s in run):
            found.update(s for s in run if said.of(s) and grounded.issuperset(said.of(s)))
    return found


def _distrust_disorder(
    holding: Sequence[int], marks: dict[int, TimedBy], said: Said, spans: Sequence[Stretch], clock: Clock | None
) -> None:
    """Marks PART the segments whose model time runs against the order of the text.

    What was heard is never doubted; of the model's times the longest row in order is believed.
    """
    if clock is None:
        return
    ceilings: dict[int, float] = {}
    high = float("inf")
    for s in reversed(holding):
        ceilings[s] = high
        if marks[s] is TimedBy.AUDIO:
            high = spans[said.first[s]][0]
    row: list[int] = []
    low = float("-inf")
    for s in holding:
        if marks[s] is TimedBy.AUDIO:
            low = spans[said.first[s]][0]
        elif marks[s] is TimedBy.MODEL:
            # Between its heard neighbours with some leeway, since the model's seconds are rough.
            if low - _LEEWAY <= clock.at[s] <= ceilings[s] + _LEEWAY:
                row.append(s)
            else:
                marks[s] = TimedBy.PART
    believed = set(longest_rise([clock.at[s] for s in row], strictly=False))
    for k, s in enumerate(row):
        if k not in believed:
            marks[s] = TimedBy.PART


def _bounds(
    holding: Sequence[int],
    by_token: set[int],
    marks: dict[int, TimedBy],
    segments: Sequence[Segment],
    said: Said,
    spans: Sequence[Stretch],
    clock: Clock | None,
    clip: Clip,
) -> dict[int, Stretch]:
    """Start and end of each segment, in order and inside the clip."""
    bounds: dict[int, Stretch] = {}
    for s in holding:
        if s in by_token:
            mine = said.of(s)
            bounds[s] = (spans[mine[0]][0], spans[mine[-1]][1])
        elif marks[s] is TimedBy.MODEL and clock is not None:
            bounds[s] = (clock.at[s], clock.until[s])
    # The model's times are held between those heard before and after them, which stay.
    floor = clip.start
    for s in [s for s in holding if s in bounds]:
        start, end = bounds[s]
        if s in by_token:
            floor = end
        else:
            floor = start = min(max(start, floor), clip.end)
            bounds[s] = (start, min(max(start, end), clip.end))
    ceiling = clip.end
    for s in reversed([s for s in holding if s in bounds]):
        start, end = bounds[s]
        if s not in by_token:
            start = min(start, ceiling)
            bounds[s] = (start, max(start, min(end, ceiling)))
        ceiling = start
    spread_untimed(holding, bounds, segments, clip)
    return bounds


def _word_spans(
    s: int,
    segments: Sequence[Segment],
    written: Sequence[str],
    said: Said,
    spans: Sequence[Stretch],
    by_token: set[int],
    low: float,
    high: float,
) -> list[Stretch]:
    """A stretch for each written word of a segment: from its tokens if heard, else its share of the segment's."""
    if s not in by_token:
        sizes = [display_width(text) or 1 for text in written]
        total, at = sum(sizes), 0
        out = []
        for size in sizes:
            out.append((low + (high - low) * at / total, low + (high - low) * (at + size) / total))
            at += size
        return out
    mine = list(said.of(s))
    places = tokens(segments[s].text)
    out = []
    at, k = 0, 0
    for text in written:
        until = at + len(text)
        inside = []
        while k < len(mine) and places[k].start < until:
            inside.append(spans[mine[k]])
            k += 1
        if inside:
            out.append((inside[0][0], inside[-1][1]))
        else:  # a dash or a note sign: no time of its own
            moment = out[-1][1] if out else low
            out.append((moment, moment))
        at = until
    return out


def _cue(group: Sequence[TimedToken]) -> Cue:
    return Cue(
        start=group[0].start,
        end=max(group[-1].end, group[0].start),
        text="".join(token.text for token in group).strip(),
        speaker=group[0].speaker,
        timed_by=group[0].timed_by,
    )
