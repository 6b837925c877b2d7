"""Where a clip is cut into parts: in silence, so that no word is cut in two. And which stretches go into one part."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lib.domain.excerpt import Excerpt
from lib.domain.media import Clip

SILENCE = 0.3
"""A pause that parts two phrases rather than two sounds of a word (stops last up to 0.2 s), in seconds."""
BREATHING_SPACE = 1.0
"""In a long silence a cut keeps this far from speech and is otherwise free to lie where it is wanted."""
OVERLAP = 5.0
"""Seconds that two parts share where there is no silence: some twelve words to find the seam by."""
SHORTEST = 0.6
"""The least that a part lasts, as a share of what is aimed at."""
MOST_STRETCHES = 16
"""So many stretches are joined in one part. Each is decoded by itself, all open at once: measured with 1080p, 17 MB of
memory each."""

_GOOD_SILENCE = 2.0
_WORTH = 30.0
"""A silence longer by a second, up to two, is worth going half a minute farther."""


SENTENCE_PAUSE = 0.6
"""A pause as long as those between sentences: worth a cut, and no longer one is looked for farther away."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a clip. ``overlap``: its first seconds are also the last of the piece before; 0 in silence."""

    start: float
    end: float
    overlap: float = 0.0

    def __post_init__(self) -> None:
        if not (0 <= self.start < self.end and 0 <= self.overlap < self.end - self.start):
            raise ValueError(f"a piece is longer than its overlap, not {self.start}-{self.end} with {self.overlap}")

    @property
    def duration(self) -> float:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Portion:
    """What goes into one part. ``overlap``: its first seconds are also the last of the portion before."""

    excerpt: Excerpt
    overlap: float = 0.0


def portions(
    excerpt: Excerpt, cut: Callable[[Clip], Sequence[Piece]], *, target: float, longest: float
) -> tuple[Portion, ...]:
    """Divide an excerpt into portions: whole stretches gathered up to ``target`` seconds, with their pauses.

    A stretch longer than ``longest`` is divided by ``cut``, each piece a portion of its own; what is no longer than
    that altogether stays one. A portion holds whole stretches or a piece of one, never both, so that its clock is the
    whole's, moved.
    """
    if excerpt.length <= longest and len(excerpt.stretches) <= MOST_STRETCHES:
        return (Portion(excerpt),)
    found: list[Portion] = []
    gathered: tuple[Clip, ...] = ()
    for stretch in excerpt.stretches:
        if stretch.duration > longest:
            found += [Portion(Excerpt(gathered))] if gathered else []
            found += [Portion(Excerpt.of(piece.start, piece.end), piece.overlap) for piece in cut(stretch)]
            gathered = ()
            continue
        if gathered and (len(gathered) == MOST_STRETCHES or Excerpt((*gathered, stretch)).length > target):
            found.append(Portion(Excerpt(gathered)))
            gathered = ()
        gathered = (*gathered, stretch)
    return (*found, Portion(Excerpt(gathered))) if gathered else tuple(found)


def cut_points(
    start: float,
    end: float,
    stretches: Sequence[tuple[float, float]] | None,
    *,
    target: float = 300.0,
    longest: float = 420.0,
) -> tuple[Piece, ...]:
    """Cut a clip into pieces of about ``target`` seconds and at most ``longest``, in silences where there are any.

    ``stretches`` are those of speech, on the same clock as ``start`` and ``end``, in any order; None when it is not
    known where speech is, and then every cut is a hard one. Together the pieces cover the clip, without gaps. A clip
    of at most ``longest`` stays whole, and no piece of a longer one is shorter than 0.6 of ``target``.
    Raises ValueError unless ``longest`` is at least 1.2 times ``target``.
    """
    if not 0 <= start < end:
        raise ValueError(f"a clip runs forward from zero, not {start}-{end}")
    if not (target > 0 and longest >= 1.2 * target):
        raise ValueError("the longest piece is at least 1.2 times what is aimed at, or some clips cannot be cut")
    silences = _silences(start, end, stretches)
    pieces: list[Piece] = []
    overlap = 0.0
    while end - start > longest:
        aim, earliest, latest = _reach(start, end, target, longest)
        cut = _best_cut(silences, aim, earliest, latest)
        pieces.append(Piece(start, aim if cut is None else cut, overlap))
        overlap = min(OVERLAP, target / 10) if cut is None else 0.0
        start = pieces[-1].end - overlap
    pieces.append(Piece(start, end, overlap))
    return tuple(pieces)


def longest_silence(start: float, end: float, stretches: Sequence[tuple[float, float]]) -> float:
    """How long nobody speaks at most between two times, in seconds; 0 where no pause could hold a cut."""
    return max((finish - begin for begin, finish in _silences(start, end, stretches)), default=0.0)


def _reach(start: float, end: float, target: float, longest: float) -> tuple[float, float, float]:
    """Where the next cut is wanted, and the earliest and latest it may lie; what remains must not be too short."""
    rest = end - start
    # Equal pieces: one of 430 s becomes two of 215, not 300 and a crumb.
    count = max(2, round(rest / target))
    if rest / count > longest:
        count += 1
    shortest = SHORTEST * target
    return start + rest / count, start + shortest, min(start + longest, end - shortest)


def _best_cut(silences: list[tuple[float, float]], aim: float, earliest: float, latest: float) -> float | None:
    """The middle of the silence that is long and near; None when none is within reach."""
    best, best_score = None, float("-inf")
    for begin, finish in silences:
        begin, finish = max(begin, earliest), min(finish, latest)
        length = finish - begin
        if length < SILENCE:
            continue
        space = min(length / 2, BREATHING_SPACE)
        cut = min(max(aim, begin + space), finish - space)
        score = min(length, _GOOD_SILENCE) - abs(cut - aim) / _WORTH
        if score > best_score:
            best, best_score = cut, score
    return best


def _silences(start: float, end: float, stretches: Sequence[tuple[float, float]] | None) -> list[tuple[float, float]]:
    if stretches is None:
        return []
    found = []
    quiet_since = start
    for begin, finish in sorted(stretches):
        if begin - quiet_since >= SILENCE:
            found.append((quiet_since, min(begin, end)))
        quiet_since = max(quiet_since, finish)
    if end - quiet_since >= SILENCE:
        found.append((quiet_since, end))
    return found
