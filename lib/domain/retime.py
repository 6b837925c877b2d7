"""Times from the audio: a model's text laid over the words that were heard.

Models are good at what was said and bad at when. A local speech model is the other way round, so each cue takes its
time from the words heard where its text was said. The text is never changed, and nothing of it is lost.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from statistics import median

from lib.domain.alignment import Expectation, align, best_expectation, rough_pairs, token_weight
from lib.domain.media import Clip
from lib.domain.tokens import display_width, tokens, written_words
from lib.domain.transcript import Cue, Segment, TimedBy, Word

Stretch = tuple[float, float]

ENOUGH = 0.5
"""The share of a segment's tokens that must have been heard for its times to come from the audio."""
_MANY, _ENOUGH_OF_MANY = 10, 0.3  # so many words in order are no chance, though much of a long paragraph is missing
_PAUSE = 0.25  # seconds between two words from which on a new sentence may be expected
_EARLY = 2.0  # a word before the first of a stretch belongs to it if stamped no more seconds before its onset
_LATE = 0.35  # seconds after the onset up to which a word is the first of its stretch
_LATE_END = 0.5
_WIDTH_PER_SECOND = 15.0  # columns of text spoken in a second, where nothing better is known
_LONGEST = 7.0  # seconds that a cue lasts at most when its end is not known
_LEEWAY = 2.0  # seconds by which a model's time may run against what was heard and still be believed
_FLOATING_WORDS = 8  # a stray match this many words off its neighbours is no match


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
    heard = _heard(words, speech, clip)
    said = _said(segments)
    matches = _matches(segments, said, heard, clip)
    clock = _clock(segments, said, heard, matches)
    spans, grounded = _token_spans(said, heard, matches, speech, clip)
    return _placed(segments, said, spans, matches, grounded, clock, clip)


def merged(stretches: Iterable[Stretch], *, inside: Clip | None = None, join: float = 0.0) -> list[Stretch]:
    """The stretches in order, cut to the clip, with those that touch or lie within ``join`` seconds made one."""
    low, high = (inside.start, inside.end) if inside else (float("-inf"), float("inf"))
    out: list[Stretch] = []
    for start, end in sorted((max(low, s), min(high, e)) for s, e in stretches):
        if end <= start:
            continue
        if out and start <= out[-1][1] + join:
            out[-1] = (out[-1][0], max(out[-1][1], end))
        else:
            out.append((start, end))
    return out


def snap_words(words: Sequence[Word], speech: Sequence[Stretch]) -> tuple[Word, ...]:
    """The words with the first after each pause moved to the onset of speech, and the last before it to its end.

    Whisper stamps the word that follows a pause, sometimes the first two, up to a second early, in the silence.
    """
    spans = [[word.start, word.end] for word in words]
    earlier: Stretch | None = None
    for onset, offset in speech if words else ():
        first = bisect_right(words, onset, key=lambda word: word.end)
        while first < len(words) and earlier and _ends_in(words[first], earlier, onset):
            first += 1
        lead = _lead(words, first, onset, earlier)
        if first < len(words) and words[first].start < offset and words[first].start - onset <= _LATE:
            _squeeze(spans, words, range(lead, first + 1), onset)
        last = bisect_right(words, offset, key=lambda word: (word.start + word.end) / 2) - 1
        following = words[last + 1].start if 0 <= last < len(words) - 1 else float("inf")
        if last >= 0 and onset < words[last].end < offset <= following and offset - words[last].end <= _LATE_END:
            spans[last][1] = offset
        earlier = (onset, offset)
    return tuple(
        word if (start, end) == (word.start, word.end) else replace(word, start=start, end=end)
        for word, (start, end) in zip(words, spans, strict=True)
    )


def _ends_in(word: Word, earlier: Stretch, onset: float) -> bool:
    """Whether a word that reaches over a pause belongs to the stretch of speech before it."""
    before = earlier[1] - max(word.start, earlier[0])
    if before <= 0 or word.start >= onset:
        return False
    # Starts are stamped early far more often than ends late: a word with a real pause inside is the next one,
    # unless much of it was heard before the pause.
    return before > 0.25 if onset - earlier[1] >= _PAUSE else before > word.end - onset


def _lead(words: Sequence[Word], first: int, onset: float, earlier: Stretch | None) -> int:
    """The first of the words just before ``first`` that are stamped wholly in the silence before this onset."""
    lead = first
    while lead > 0 and first < len(words):
        word = words[lead - 1]
        is_silent = earlier is None or word.start >= earlier[1] - 0.05
        if not is_silent and words[lead].start < onset - 0.3:  # the next one was dragged back, and this with it
            is_silent = word.start >= earlier[1] - 0.25 and word.end > earlier[1] + 0.1
        if not is_silent or onset - word.start > _EARLY or words[lead].start - word.end > 0.1:
            break
        lead -= 1
    return lead


def _squeeze(spans: list[list[float]], words: Sequence[Word], these: range, onset: float) -> None:
    """Makes these words start at the onset and end where the last of them ends, in proportion to their letters."""
    end = max(words[these[-1]].end, onset + 0.02)
    sizes = [len(words[k].text.strip()) + 1 for k in these]
    at = 0
    for k, size in zip(these, sizes, strict=True):
        spans[k] = [onset + (end - onset) * at / sum(sizes), onset + (end - onset) * (at + size) / sum(sizes)]
        at += size
    if these.start and spans[these.start - 1][1] > onset:
        spans[these.start - 1][1] = max(spans[these.start - 1][0], onset)


# What was heard ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Heard:
    """The tokens heard, each with its time."""

    text: list[str]
    start: list[float]
    end: list[float]
    after_pause: list[int]


def _heard(words: Sequence[Word], speech: Sequence[Stretch], clip: Clip) -> _Heard:
    inside = sorted(
        (word for word in words if word.end > clip.start and word.start < clip.end), key=lambda word: word.start
    )
    heard = _Heard([], [], [], [])
    previous_end = float("-inf")
    for word in snap_words(inside, speech):
        start, end = max(word.start, clip.start), min(max(word.end, word.start), clip.end)
        pieces = tokens(word.text)
        if pieces and start - previous_end >= _PAUSE:
            heard.after_pause.append(len(heard.text))
        for k, piece in enumerate(pieces):
            heard.text.append(piece.text)
            heard.start.append(start + (end - start) * k / len(pieces))
            heard.end.append(start + (end - start) * (k + 1) / len(pieces))
        if pieces:
            previous_end = end
    return heard


# What the model wrote ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Said:
    """The tokens of all segments in one row. ``first[s]`` is where segment ``s`` begins in it."""

    text: list[str]
    segment: list[int]
    first: list[int]
    share: list[float]  # how far into its segment a token lies, from 0 to 1

    def of(self, segment: int) -> range:
        return range(self.first[segment], self.first[segment + 1])


def _said(segments: Sequence[Segment]) -> _Said:
    said = _Said([], [], [0], [])
    for index, segment in enumerate(segments):
        length = max(1, len(segment.text))
        for token in tokens(segment.text):
            said.text.append(token.text)
            said.segment.append(index)
            said.share.append(token.start / length)
        said.first.append(len(said.text))
    return said


# Matching ----------------------------------------------------------------------------------------------------


def _matches(segments: Sequence[Segment], said: _Said, heard: _Heard, clip: Clip) -> dict[int, int]:
    """Which heard token each token said is, by index."""
    if not said.text or not heard.text:
        return {}
    rough = dict(rough_pairs(said.text, heard.text, shortest_run=3)) or dict(rough_pairs(said.text, heard.text))
    clock = _likely_clock(segments, said, heard, rough, clip)
    expected = _expectation(clock, said, heard, max(4.0, 4 * clock.error)) if clock is not None else None
    first_tokens = [said.first[s] for s in range(len(segments)) if said.of(s)]
    pairs = align(said.text, heard.text, expected=expected, openings=(first_tokens, heard.after_pause))
    return dict(_without_strays(pairs, said, heard))


def _likely_clock(
    segments: Sequence[Segment], said: _Said, heard: _Heard, rough: dict[int, int], clip: Clip
) -> _Clock | None:
    """The model's clock as far as it can be known before its words are matched; None where it gave no times.

    Words that come once on both sides tell it. The rough path may take one of two identical sentences for the other,
    and a clock fitted to that would confirm it: so where all is repeated, several clocks are tried, and the one under
    which text and sound agree best is taken.
    """
    by_rough = _clock(segments, said, heard, rough)
    if by_rough is None:
        return None
    sure = _unmistakable(said, heard, rough)
    times = [t for i in sure if (t := segments[said.segment[i]].start) is not None]
    whole = [segment.start for segment in segments if segment.start is not None]
    candidates = []
    if len(times) > 1 and max(times) - min(times) >= 0.5 * (max(whole) - min(whole)):
        by_sure = _clock(segments, said, heard, sure)
        if by_sure.error <= 2.0:
            return by_sure
        candidates.append(by_sure)
    slope = _local_slope(_points(segments, said, heard, rough))
    candidates += [_straight(segments, 1.0, 0.0), _straight(segments, slope, clip.start * (1 - slope)), by_rough]
    expectations = [_expectation(clock, said, heard, 8.0) for clock in candidates]
    return candidates[best_expectation(said.text, heard.text, expectations)]


def _straight(segments: Sequence[Segment], slope: float, offset: float) -> _Clock:
    mapped = [None if s.start is None else slope * s.start + offset for s in segments]
    return _Clock(mapped, _untils(segments, mapped, slope), 2.0)


def _local_slope(points: Sequence[tuple[int, float, float]]) -> float:
    """How fast the audio's time runs by the model's, from neighbours alone: right even where whole minutes of the
    rough path are not."""
    slopes = [
        (h2 - h1) / (t2 - t1)
        for k, (_, t1, h1) in enumerate(points)
        for _, t2, h2 in points[k + 1 : k + 9]
        if 10.0 <= t2 - t1 <= 90.0
    ]
    return min(2.0, max(0.5, median(slopes))) if slopes else 1.0


def _expectation(clock: _Clock, said: _Said, heard: _Heard, tolerance: float) -> Expectation:
    left = [
        None if (start := clock.at[s]) is None else start + clock.into(s, share)
        for s, share in zip(said.segment, said.share, strict=True)
    ]
    return Expectation(left, heard.start, tolerance)


def _unmistakable(said: _Said, heard: _Heard, rough: dict[int, int]) -> dict[int, int]:
    """Of the rough matches those of words, or of three words in a row, that both sides hold exactly once."""
    sure: dict[int, int] = {}
    for length in (1, 3):
        once_said, once_heard = _once(said.text, length), _once(heard.text, length)
        for words, i in once_said.items():
            j = once_heard.get(words)
            if j is not None and all(rough.get(i + k) == j + k for k in range(length)):
                sure.update((i + k, j + k) for k in range(length))
    return sure


def _once(texts: Sequence[str], length: int) -> dict[tuple[str, ...], int]:
    """The rows of so many tokens that come exactly once, each with its place."""
    places: dict[tuple[str, ...], int] = {}
    doubled: set[tuple[str, ...]] = set()
    for at in range(len(texts) - length + 1):
        row = tuple(texts[at : at + length])
        if row in places:
            doubled.add(row)
        places[row] = at
    return {row: at for row, at in places.items() if row not in doubled}


def _without_strays(pairs: list[tuple[int, int]], said: _Said, heard: _Heard) -> list[tuple[int, int]]:
    """The pairs without short runs that float far from the matches on both sides of them."""
    runs: list[list[tuple[int, int]]] = []
    for pair in pairs:
        if runs and (pair[0] - runs[-1][-1][0], pair[1] - runs[-1][-1][1]) == (1, 1):
            runs[-1].append(pair)
        else:
            runs.append([pair])
    kept: list[list[tuple[int, int]]] = []
    for at, run in enumerate(runs):
        if sum(token_weight(said.text[i]) for i, _ in run) < 2.0:
            before = kept[-1][-1] if kept else (-1, -1)
            after = runs[at + 1][0] if at + 1 < len(runs) else (len(said.text), len(heard.text))
            if _is_far(before, run[0]) and _is_far(run[-1], after):
                continue
        kept.append(run)
    return [pair for run in kept for pair in run]


def _is_far(one: tuple[int, int], other: tuple[int, int]) -> bool:
    said, heard = other[0] - one[0], other[1] - one[1]
    return abs(said - heard) > _FLOATING_WORDS + min(said, heard) / 2


# The model's clock -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Clock:
    """Where each segment starts by the model's own time, once its clock is set right. ``error`` is its median
    error in seconds."""

    at: list[float | None]
    until: list[float | None]
    error: float

    def into(self, segment: int, share: float) -> float:
        start, end = self.at[segment], self.until[segment]
        return 0.0 if start is None or end is None else (end - start) * share


def _clock(segments: Sequence[Segment], said: _Said, heard: _Heard, matches: dict[int, int]) -> _Clock | None:
    """The model's times mapped to the audio's by a line through the segments that were heard.

    One line for all where that fits; else one for each segment through its neighbours, since a model that is asked
    part by part starts its clock anew with every part. None when the model gave no times.
    """
    times = [segment.start for segment in segments]
    if all(time is None for time in times):
        return None
    points = _points(segments, said, heard, matches)
    if len(points) < 2 or max(t for _, t, _ in points) - min(t for _, t, _ in points) < 20.0:
        offset = median(h - t for _, t, h in points) if points else 0.0
        mapped = [None if t is None else t + offset for t in times]
        return _Clock(mapped, _untils(segments, mapped, 1.0), 5.0 if points else 15.0)

    slope, offset = _line(points)
    errors = [abs(slope * t + offset - h) for _, t, h in points]
    error = median(errors)
    # Outliers alone do not make a line wrong; a quarter of all points far off does.
    if sorted(errors)[len(errors) * 3 // 4] <= 2.0 or len(points) < 8:
        mapped = [None if t is None else slope * t + offset for t in times]
        return _Clock(mapped, _untils(segments, mapped, slope), error)
    mapped = []
    errors = []
    order = [s for s, _, _ in points]
    for s, time in enumerate(times):
        if time is None:
            mapped.append(None)
            continue
        at = bisect_left(order, s)
        near = points[max(0, at - 6) : at + 7]
        near_slope, near_offset = _line(near)
        mapped.append(near_slope * time + near_offset)
        errors.extend(abs(mapped[-1] - h) for p, _, h in points[at : at + 1] if p == s)
    return _Clock(mapped, _untils(segments, mapped, 1.0), median(errors))


def _points(
    segments: Sequence[Segment], said: _Said, heard: _Heard, matches: dict[int, int]
) -> list[tuple[int, float, float]]:
    """Each timed segment of which something was matched: its index, the model's time, and the audio's."""
    points = []
    for s, segment in enumerate(segments):
        mine = [i for i in said.of(s) if i in matches]
        if segment.start is None or not mine:
            continue
        # The first tokens may be among the unmatched: go back by what they take to say.
        back = sum(0.08 * (len(said.text[i]) + 1) for i in range(said.first[s], mine[0]))
        points.append((s, segment.start, heard.start[matches[mine[0]]] - back))
    return points


def _untils(segments: Sequence[Segment], mapped: Sequence[float | None], slope: float) -> list[float | None]:
    """Where each segment ends by the mapped clock."""
    ends: list[float | None] = []
    following = float("inf")
    for segment, start in zip(reversed(segments), reversed(mapped), strict=True):
        if start is None or segment.start is None:
            ends.append(None)
            continue
        if segment.end is not None and segment.end > segment.start:
            ends.append(start + (segment.end - segment.start) * slope)
        else:
            ends.append(max(start, min(following, start + max(2.5, 1.5 * speaking_seconds(segment.text)))))
        following = start
    ends.reverse()
    return ends


def _line(points: Sequence[tuple[int, float, float]]) -> tuple[float, float]:
    """Slope and offset of a line through most of the points, however wrong the others are (Theil-Sen)."""
    sample = points if len(points) <= 120 else [points[k * len(points) // 120] for k in range(120)]
    slopes = [(h2 - h1) / (t2 - t1) for k, (_, t1, h1) in enumerate(sample) for _, t2, h2 in sample[k + 1 :] if t2 > t1]
    slope = min(2.0, max(0.5, median(slopes))) if slopes else 1.0
    return slope, median(h - slope * t for _, t, h in sample)


# Times for every token ---------------------------------------------------------------------------------------


def _token_spans(
    said: _Said, heard: _Heard, matches: dict[int, int], speech: Sequence[Stretch], clip: Clip
) -> tuple[list[Stretch], set[int]]:
    """A stretch of time for each token: that of its heard word, or its share of the hole between two of them.

    With it, the tokens whose stretch rests on something heard.
    """
    spans: list[Stretch] = [(0.0, 0.0)] * len(said.text)
    grounded = set(matches)
    for i, j in matches.items():
        spans[i] = (heard.start[j], heard.end[j])
    edges = [-1, *sorted(matches), len(said.text)]
    for before, after in pairwise(edges):
        if after - before > 1:
            low = matches[before] if before >= 0 else -1
            high = matches[after] if after < len(said.text) else len(heard.text)
            missing = range(before + 1, after)
            if _fill_hole(spans, said, heard, missing, range(low + 1, high), speech, clip):
                grounded.update(missing)
    return spans, grounded


def _fill_hole(
    spans: list[Stretch],
    said: _Said,
    heard: _Heard,
    missing: range,
    unmatched: range,
    speech: Sequence[Stretch],
    clip: Clip,
) -> bool:
    """Gives times to the tokens ``missing`` that stand between two matches (or before the first, after the last).

    The words heard in the hole were most likely these, misheard: the tokens share their time. Where none was heard,
    they share the speech that voice activity detection found there. Where there is none either (then False), they
    are squeezed against the match that belongs to their segment.
    """
    hole_start = heard.end[unmatched.start - 1] if unmatched.start > 0 else clip.start
    hole_end = max(hole_start, heard.start[unmatched.stop] if unmatched.stop < len(heard.text) else clip.end)
    if unmatched:
        pieces = [(heard.start[j], heard.end[j], len(heard.text[j]) + 1.0) for j in unmatched]
    else:
        inside = [(max(s, hole_start), min(e, hole_end)) for s, e in _around(speech, hole_start, hole_end)]
        pieces = [(s, e, (e - s) * _WIDTH_PER_SECOND) for s, e in inside if e - s > 0.15]
    # Tokens of the segment that goes on from the match before, of segments with no match, of the one that goes on
    # to the match after.
    before = said.segment[missing.start - 1] if missing.start > 0 else None
    after = said.segment[missing.stop] if missing.stop < len(said.text) else None
    tail = sum(1 for i in missing if said.segment[i] == before)
    head = sum(1 for i in missing if said.segment[i] == after) if after != before else 0
    groups = [missing[:tail], missing[tail : len(missing) - head], missing[len(missing) - head :]]
    sizes = {i: len(said.text[i]) + 1.0 for i in missing}
    if not pieces:
        needed = sum(sizes.values()) / _WIDTH_PER_SECOND
        length = min(needed, hole_end - hole_start) if not speech else 0.0
        start = hole_end - length if head else hole_start
        _spread(spans, missing, sizes, [(start, start + length, 1.0)])
        return False
    if sum(size for _, _, size in pieces) <= 1.5 * sum(sizes.values()):
        _spread(spans, missing, sizes, pieces)
        return True
    # Far more was heard here than was written: keep to the match that belongs to the segment.
    front = _cut_off(pieces, sum(sizes[i] for i in groups[0]))
    back = [(-e, -s, size) for s, e, size in reversed(pieces[len(front) :])] if groups[2] else []
    back = [(-e, -s, size) for s, e, size in reversed(_cut_off(back, sum(sizes[i] for i in groups[2])))]
    rest = pieces[len(front) : len(pieces) - len(back)] or pieces
    for group, share in zip(groups, (front or pieces[:1], rest, back or pieces[-1:]), strict=True):
        if group:
            _spread(spans, group, sizes, share)
    return True


def _cut_off(pieces: Sequence[tuple[float, float, float]], size: float) -> list[tuple[float, float, float]]:
    """The first pieces that together are of this size; of a last one far too long only as much as it takes."""
    out: list[tuple[float, float, float]] = []
    for start, end, whole in pieces:
        # A word is taken that is mostly needed; over a pause only one that is all needed.
        over_pause = bool(out) and start - out[-1][1] >= _PAUSE
        if size <= (0.8 if over_pause else 0.35) * min(whole, 6.0):
            break
        if whole > 2 * size and whole > 15:
            out.append((start, start + (end - start) * size / whole, size))
            break
        out.append((start, end, whole))
        size -= whole
    return out


def _spread(
    spans: list[Stretch], missing: range, sizes: dict[int, float], pieces: Sequence[tuple[float, float, float]]
) -> None:
    """Lays the tokens over the pieces (start, end, size) in proportion to both their sizes."""
    scale = sum(size for _, _, size in pieces) / sum(sizes[i] for i in missing)
    at, used = 0, 0.0
    for i in missing:
        left = sizes[i] * scale
        start = None
        while True:
            begin, end, whole = pieces[at]
            if start is None and (whole - used > 0.35 * left or at == len(pieces) - 1):
                start = begin + (end - begin) * min(1.0, used / whole if whole else 1.0)
            step = min(left, whole - used)
            used += step
            left -= step
            stop = begin + (end - begin) * (used / whole if whole else 1.0)
            if left <= 1e-9 or at == len(pieces) - 1:
                break
            at, used = at + 1, 0.0
        spans[i] = (start if start is not None else stop, max(stop, start if start is not None else stop))


def _around(speech: Sequence[Stretch], start: float, end: float) -> Sequence[Stretch]:
    """The stretches that touch ``start`` to ``end``."""
    first = bisect_right(speech, start, key=lambda stretch: stretch[1])
    last = bisect_left(speech, end, key=lambda stretch: stretch[0])
    return speech[first:last]


# Putting it together -----------------------------------------------------------------------------------------


def _placed(
    segments: Sequence[Segment],
    said: _Said,
    spans: Sequence[Stretch],
    matches: dict[int, int],
    grounded: set[int],
    clock: _Clock | None,
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


def _mark(s: int, said: _Said, matches: dict[int, int], clock: _Clock | None) -> TimedBy:
    mine = said.of(s)
    matched = sum(i in matches for i in mine)
    if mine and (matched >= ENOUGH * len(mine) or (matched >= _MANY and matched >= _ENOUGH_OF_MANY * len(mine))):
        return TimedBy.AUDIO
    if clock is not None and clock.at[s] is not None:
        return TimedBy.MODEL
    return TimedBy.PART


def _timed_by_token(holding: Sequence[int], marks: dict[int, TimedBy], said: _Said, grounded: set[int]) -> set[int]:
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
    holding: Sequence[int], marks: dict[int, TimedBy], said: _Said, spans: Sequence[Stretch], clock: _Clock | None
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
    believed = _longest_row([clock.at[s] for s in row])
    for k, s in enumerate(row):
        if k not in believed:
            marks[s] = TimedBy.PART


def _longest_row(times: Sequence[float]) -> set[int]:
    """Indices of a longest row of times that never decrease."""
    tails: list[float] = []
    tail_at: list[int] = []
    previous: list[int] = []
    for k, time in enumerate(times):
        at = bisect_right(tails, time)
        previous.append(tail_at[at - 1] if at else -1)
        if at == len(tails):
            tails.append(time)
            tail_at.append(k)
        else:
            tails[at] = time
            tail_at[at] = k
    believed: set[int] = set()
    k = tail_at[-1] if tail_at else -1
    while k >= 0:
        believed.add(k)
        k = previous[k]
    return believed


def _bounds(
    holding: Sequence[int],
    by_token: set[int],
    marks: dict[int, TimedBy],
    segments: Sequence[Segment],
    said: _Said,
    spans: Sequence[Stretch],
    clock: _Clock | None,
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
    _spread_untimed(holding, bounds, segments, clip)
    return bounds


def _spread_untimed(
    holding: Sequence[int],
    bounds: dict[int, Stretch],
    segments: Sequence[Segment],
    clip: Clip,
) -> None:
    """Gives the segments without a time their share of the time between their neighbours, by length of text.

    They take no more of it than it takes to say them at an easy pace, and leave the start of a neighbour alone.
    """
    runs = [(is_timed, list(group)) for is_timed, group in groupby(list(holding), key=lambda s: s in bounds)]
    for k, (is_timed, untimed) in enumerate(runs):
        if is_timed:
            continue
        before = runs[k - 1][1][-1:] if k else []
        low = bounds[before[0]][1] if before else clip.start
        high = max(low, bounds[runs[k + 1][1][0]][0]) if k + 1 < len(runs) else clip.end
        sizes = [max(1, display_width(segments[s].text.strip())) for s in untimed]
        if before and high - low < 0.5 * sum(sizes) / _WIDTH_PER_SECOND:
            # The neighbour's end leaves no room (it is often only a guess): share its stretch with it.
            start, _ = bounds[before[0]]
            mine = max(1, display_width(segments[before[0]].text.strip()))
            if segments[before[0]].end is None:
                low = start + (high - start) * mine / (mine + sum(sizes))
                bounds[before[0]] = (start, low)
        at = low
        for s, size in zip(untimed, sizes, strict=True):
            length = (high - low) * size / sum(sizes)
            bounds[s] = (at, at + min(length, max(_LONGEST, 2 * speaking_seconds(segments[s].text))))
            at += length


def _word_spans(
    s: int,
    segments: Sequence[Segment],
    written: Sequence[str],
    said: _Said,
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


def speaking_seconds(text: str) -> float:
    """About how long it takes to say the text."""
    return max(1.0, display_width(text.strip()) / _WIDTH_PER_SECOND)


def _cue(group: Sequence[TimedToken]) -> Cue:
    return Cue(
        start=group[0].start,
        end=max(group[-1].end, group[0].start),
        text="".join(token.text for token in group).strip(),
        speaker=group[0].speaker,
        timed_by=group[0].timed_by,
    )
