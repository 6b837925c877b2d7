"""The words heard: put in their place by where speech begins and ends, and cut into tokens with times."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from lib.domain.media import Clip
from lib.domain.tokens import tokens
from lib.domain.transcript import Word

Stretch = tuple[float, float]

PAUSE = 0.25  # seconds between two words from which on a new sentence may be expected
_EARLY = 2.0  # a word before the first of a stretch belongs to it if stamped no more seconds before its onset
_LATE = 0.35  # seconds after the onset up to which a word is the first of its stretch
_LATE_END = 0.5


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
    return before > 0.25 if onset - earlier[1] >= PAUSE else before > word.end - onset


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


@dataclass(frozen=True, slots=True)
class Heard:
    """The tokens heard, each with its time."""

    text: list[str]
    start: list[float]
    end: list[float]
    after_pause: list[int]


def hear(words: Sequence[Word], speech: Sequence[Stretch], clip: Clip) -> Heard:
    """The tokens of the words inside the clip, in order of time, snapped to the speech."""
    inside = sorted(
        (word for word in words if word.end > clip.start and word.start < clip.end), key=lambda word: word.start
    )
    heard = Heard([], [], [], [])
    previous_end = float("-inf")
    for word in snap_words(inside, speech):
        start, end = max(word.start, clip.start), min(max(word.end, word.start), clip.end)
        pieces = tokens(word.text)
        if pieces and start - previous_end >= PAUSE:
            heard.after_pause.append(len(heard.text))
        for k, piece in enumerate(pieces):
            heard.text.append(piece.text)
            heard.start.append(start + (end - start) * k / len(pieces))
            heard.end.append(start + (end - start) * (k + 1) / len(pieces))
        if pieces:
            previous_end = end
    return heard
