"""One transcript out of the answers to its parts: nothing lost at a border, nothing said twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lib.domain.alignment import token_weight
from lib.domain.media import Clip
from lib.domain.retime import speaking_seconds
from lib.domain.tokens import Token, is_unspaced, tokens
from lib.domain.transcript import Segment

_WORDS_PER_SECOND = 5.0  # faster than people speak
_CHARACTERS_PER_SECOND = 12.0  # the same, for scripts that give one token per character
_SURE = 1.5  # weight of matched tokens from which on an overlap is believed by its words alone


@dataclass(frozen=True, slots=True)
class _Place:
    """One token of a row of segments: which segment, and which of its tokens."""

    segment: int
    token: Token
    number: int
    time: float | None


def stitch(parts: Sequence[tuple[Clip, float, Sequence[Segment]]]) -> tuple[Segment, ...]:
    """The segments of all parts, in the order of the parts, as one transcript.

    Each part is its stretch, the seconds by which it overlaps the part before it, and its segments with times on the
    asset's clock. Where parts were cut in silence (overlap 0) they are simply joined. Where they overlap, the words
    that both heard are found, by the words and by their times, and one answer goes on where the other stops: in the
    middle of those words, where neither is cut short. When no words agree, the times decide, and where there are
    none both are kept: words are rather doubled than lost.
    """
    whole: list[Segment] = []
    previous: Clip | None = None
    for clip, overlap, segments in parts:
        new = [segment for segment in segments if segment.text.strip()]
        if previous is not None and overlap > 0 and whole and new:
            _join(whole, new, (clip.start, min(clip.start + overlap, max(previous.end, clip.start))))
        else:
            whole.extend(new)
        previous = clip
    return tuple(whole)


def _join(whole: list[Segment], new: list[Segment], border: tuple[float, float]) -> None:
    """Adds the new segments to the whole, which end and begin in the same stretch of time."""
    length = border[1] - border[0]
    old_row = _tail(whole, length)
    new_row = _head(new, length)
    pairs = _overlapping(old_row, new_row, length)
    if pairs:
        old_at, new_at = pairs[_best_cut(pairs, old_row, new_row)]
        _cut_before(whole, old_row[old_at])
        whole.extend(_from(new, new_row[new_at]))
        return
    if old_row and new_row and _are_comparable(old_row, new_row):
        middle = sum(border) / 2
        beyond = next((place for place in old_row if place.time is not None and place.time >= middle), None)
        if beyond is not None:
            _cut_before(whole, beyond)
        opening = next((place for place in new_row if place.time is not None and place.time >= middle), None)
        new = _from(new, opening) if opening is not None else new[new_row[-1].segment + 1 :]
    whole.extend(new)


# The words near the border -----------------------------------------------------------------------------------


def _row(segments: Sequence[Segment], first: int) -> list[_Place]:
    row = []
    for index, segment in enumerate(segments):
        found = tokens(segment.text)
        for number, token in enumerate(found):
            time = None
            if segment.start is not None:
                time = segment.start + (_end(segment) - segment.start) * token.start / max(1, len(segment.text))
            row.append(_Place(first + index, token, number, time))
    return row


def _tail(segments: Sequence[Segment], length: float) -> list[_Place]:
    """The last words: as many as can be said in the overlap, and some more for a clock that is off."""
    first = len(segments)
    count = 0
    while first > 0 and count < 3 * _limit(segments[first - 1].text, length):
        first -= 1
        count += len(tokens(segments[first].text))
    row = _row(segments[first:], first)
    return row[-_limit("".join(p.token.text for p in row[-5:]), length) :]


def _head(segments: Sequence[Segment], length: float) -> list[_Place]:
    last = 0
    count = 0
    while last < len(segments) and count < 3 * _limit(segments[last].text, length):
        count += len(tokens(segments[last].text))
        last += 1
    row = _row(segments[:last], 0)
    return row[: _limit("".join(p.token.text for p in row[:5]), length)]


def _limit(text: str, length: float) -> int:
    rate = _CHARACTERS_PER_SECOND if is_unspaced(text.strip()[:1]) else _WORDS_PER_SECOND
    return int(1.5 * rate * length) + 8


def _end(segment: Segment) -> float:
    start = segment.start or 0.0
    if segment.end is not None and segment.end > start:
        return segment.end
    return start + speaking_seconds(segment.text)


# Words both heard --------------------------------------------------------------------------------------------


def _overlapping(old: Sequence[_Place], new: Sequence[_Place], length: float) -> list[tuple[int, int]]:
    """The pairs of equal tokens in the best overlap of the end of one row with the beginning of the other.

    What stands before the overlap in the old row and after it in the new one costs nothing; words inside it that
    only one has cost, so that a phrase said twice is not taken for an overlap.
    """
    if not old or not new:
        return []
    is_timed = _are_comparable(old, new)
    n, m = len(old), len(new)
    # score[i][j]: best overlap in which the first i old and j new tokens are used up; free start in the old row.
    score = [[0.0] * (m + 1) for _ in range(n + 1)]
    step = [[0] * (m + 1) for _ in range(n + 1)]
    for j in range(1, m + 1):
        score[0][j], step[0][j] = score[0][j - 1] - 0.5, 2
    for i in range(1, n + 1):
        a = old[i - 1]
        for j in range(1, m + 1):
            b = new[j - 1]
            if a.token.text == b.token.text:
                both = score[i - 1][j - 1] + token_weight(a.token.text)
                both -= _untimely(a, b, length) if is_timed else 0.0
            else:
                both = score[i - 1][j - 1] - 0.6
            best, way = both, 3
            if score[i - 1][j] - 0.5 > best:
                best, way = score[i - 1][j] - 0.5, 1
            if score[i][j - 1] - 0.5 > best:
                best, way = score[i][j - 1] - 0.5, 2
            score[i][j], step[i][j] = best, way
    j = max(range(m + 1), key=lambda j: (score[n][j], -j))
    # The last words of the old part may be garbled where the sound was cut: a few of them may be left over.
    i = n
    for k in range(max(0, n - 2), n):
        for candidate in range(m + 1):
            if score[k][candidate] - 0.3 * (n - k) > score[i][j] - 0.3 * (n - i):
                i, j = k, candidate
    pairs: list[tuple[int, int]] = []
    while i > 0 and j > 0:
        way = step[i][j]
        if way == 3:
            if old[i - 1].token.text == new[j - 1].token.text:
                pairs.append((i - 1, j - 1))
            i, j = i - 1, j - 1
        elif way == 1:
            i -= 1
        else:
            j -= 1
    pairs.reverse()
    weight = sum(token_weight(old[i].token.text) for i, _ in pairs)
    in_time = is_timed and all(_untimely(old[i], new[j], length) < 0.2 for i, j in pairs)
    return pairs if weight >= _SURE or (pairs and in_time and weight >= 0.5) else []


def _are_comparable(old: Sequence[_Place], new: Sequence[_Place]) -> bool:
    """Whether the two parts have times that can be set against each other: not one without, not one far off."""
    last = [place.time for place in old if place.time is not None][-1:]
    first = [place.time for place in new if place.time is not None][:1]
    return bool(last and first) and -2.0 <= last[0] - first[0] <= 15.0


def _untimely(a: _Place, b: _Place, length: float) -> float:
    """What a match costs whose two times differ; at most half of what it is worth, for the times are rough."""
    if a.time is None or b.time is None:
        return 0.0
    return 0.5 * min(1.0, max(0.0, abs(a.time - b.time) - 1.0) / max(1.0, length))


def _best_cut(pairs: Sequence[tuple[int, int]], old: Sequence[_Place], new: Sequence[_Place]) -> int:
    """The pair from which on the new answer speaks: near the middle, best where a segment begins in both."""

    def cost(k: int) -> float:
        old_at, new_at = pairs[k]
        away = abs(k - len(pairs) / 2) / max(1, len(pairs))
        begins = (old[old_at].number == 0) + (new[new_at].number == 0)
        is_loose = k > 0 and pairs[k - 1] != (old_at - 1, new_at - 1)
        return away - 0.2 * begins + 0.3 * is_loose

    return min(range(len(pairs)), key=cost)


# Cutting -----------------------------------------------------------------------------------------------------


def _cut_before(segments: list[Segment], place: _Place) -> None:
    """Takes away this token and all that comes after it."""
    segment = segments[place.segment]
    del segments[place.segment :]
    text = segment.text[: _opening(segment.text, place.token.start)].rstrip()
    if not tokens(text):
        return
    end = None if segment.end is None else max(segment.start or 0.0, min(segment.end, place.time or segment.end))
    words = _first_words(segment, place.number)
    if words:
        end = words[-1].end
    segments.append(replace(segment, text=text, end=end, words=words))


def _from(segments: Sequence[Segment], place: _Place) -> list[Segment]:
    """The segments from this token on."""
    segment = segments[place.segment]
    rest = list(segments[place.segment + 1 :])
    if place.number == 0:
        return [segment, *rest]
    text = segment.text[_opening(segment.text, place.token.start) :].lstrip()
    words = segment.words[len(_first_words(segment, place.number)) :]
    start = words[0].start if words else place.time
    if segment.end is not None and start is not None:
        start = min(start, segment.end)
    return [replace(segment, text=text, start=start, words=words), *rest]


def _opening(text: str, at: int) -> int:
    """Where the word at ``at`` begins with the signs that open it: a quotation mark, a bracket."""
    while at > 0 and not text[at - 1].isspace() and text[at - 1] in "\"'“‘«(¿¡「『（【":
        at -= 1
    return at


def _first_words(segment: Segment, count: int) -> tuple:
    """The words of the segment that hold its first tokens."""
    held = 0
    for k, word in enumerate(segment.words):
        if held >= count:
            return segment.words[:k]
        held += len(tokens(word.text))
    return segment.words
