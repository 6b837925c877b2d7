"""Text as word error rates are counted by: Whisper's normaliser, and where in the text each of its words stands.

English is normalised by Whisper's rules for English (contractions, numbers, titles, British spelling, fillers), any
other language by its basic ones (case, punctuation). Both drop what stands in brackets. Two things are done otherwise
than the package does them by default: marks that are vowels in many scripts are kept (the basic rules would cut such
words to pieces), and signs that its rules leave standing alone are no words. Scripts that put no spaces between words
give one word a character, as the field counts them.

The rules rewrite across words ("twenty five" is 25), but only few words can do so. The text is therefore cut wherever
two neighbours are indifferent to each other, and each piece is normalised by itself: that tells which words of the
text a normalised word stands for, and lets the same pieces be remembered.

Radford et al., Robust Speech Recognition via Large-Scale Weak Supervision (2022), appendix C.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise
from typing import NamedTuple

from lib.domain.tokens import is_unspaced, tokens, written_words


@dataclass(frozen=True, slots=True)
class NormalisedWord:
    """One normalised word and the stretch ``text[start:end]`` it stands for. Words may share a stretch ("don't")."""

    text: str
    start: int
    end: int


class Piece(NamedTuple):
    """A stretch ``text[start:end]`` that begins and ends with written words, and the normalised words it stands for.

    It has no words where the normaliser drops it: a filler, a dash, what stands in brackets.
    """

    start: int
    end: int
    words: tuple[str, ...]


def normalised_words(text: str, language: str | None) -> tuple[str, ...]:
    """The words that count, in order. ``language`` is a code; only English has rules of its own."""
    return tuple(word for piece in _pieces(text, is_english(language)) for word in piece.words)


def normalised_with_places(text: str, language: str | None) -> tuple[NormalisedWord, ...]:
    """The same words, each with the stretch of the text that it stands for.

    >>> [(word.text, word.start, word.end) for word in normalised_with_places("Don't, Mr. Twenty five!", "en")]
    [('do', 0, 6), ('not', 0, 6), ('mister', 7, 10), ('25', 11, 23)]
    """
    return tuple(
        NormalisedWord(word, piece.start, piece.end)
        for piece in _pieces(text, is_english(language))
        for word in piece.words
    )


def normalised_pieces(text: str, language: str | None) -> tuple[Piece, ...]:
    """The text in the smallest pieces that stand for whole normalised words. All but space lies in some piece."""
    return _pieces(text, is_english(language))


def normaliser_name(language: str | None) -> str:
    """What the words of this language are normalised by, for the reader of the figures."""
    return "Whisper's normaliser for English" if is_english(language) else "Whisper's basic normaliser"


def is_english(language: str | None) -> bool:
    return re.split(r"[-_]", (language or "").strip().lower())[0] in ("en", "english")


@lru_cache(maxsize=16)
def _pieces(text: str, english: bool) -> tuple[Piece, ...]:
    lowered = text.lower()
    if len(lowered) == len(text):  # else the places would not be those of the text
        text = lowered
    kept, places = _without_brackets(text)
    found = list(_of_english(kept) if english else _of_any(kept))
    if places is not None:
        found = [Piece(places[piece.start], places[piece.end - 1] + 1, piece.words) for piece in found]
        found = list(_with_what_was_dropped(text, found))
    return tuple(found)


def _of_any(text: str) -> Iterator[Piece]:
    for at, word in _written(text):
        yield from _alone(word, at, english=False)


def _of_english(text: str) -> Iterator[Piece]:
    for group in _groups(text):
        at, word = group[0]
        if len(group) == 1:
            yield from _alone(word, at, english=True)
        else:
            last_at, last_word = group[-1]
            for start, end, words in _together(text[at : last_at + len(last_word)]):
                yield Piece(at + start, at + end, words)


def _written(text: str) -> Iterator[tuple[int, str]]:
    """The words between spaces, each with where it begins."""
    return zip((found.start() for found in _WRITTEN.finditer(text)), text.split(), strict=True)


def _alone(word: str, at: int, *, english: bool) -> Iterator[Piece]:
    """The pieces of one word between spaces: several where its script knows no spaces."""
    if not _is_unspaced(word):
        yield Piece(at, at + len(word), _normalised(word, english))
        return
    for part in written_words(word):
        yield Piece(at, at + len(part), _normalised(part, False))
        at += len(part)


def _is_unspaced(word: str) -> bool:
    return not word.isascii() and any(map(is_unspaced, word))


_WRITTEN = re.compile(r"\S+")


# What stands in brackets -------------------------------------------------------------------------------------

_BRACKETS = (re.compile(r"[<\[][^>\]]*[>\]]"), re.compile(r"\(([^)]+?)\)"))  # the normaliser's own, in its order


def _without_brackets(text: str) -> tuple[str, Sequence[int] | None]:
    """The text without what stands in brackets, and where each character of that stood; None where nothing changed."""
    places: Sequence[int] | None = None
    for pattern in _BRACKETS:
        spans = [found.span() for found in pattern.finditer(text)]
        if spans:
            edges = [0, *(edge for span in spans for edge in span), len(text)]
            outside = [k for a, b in zip(edges[::2], edges[1::2], strict=True) for k in range(a, b)]
            text = "".join(text[k] for k in outside)
            places = outside if places is None else [places[k] for k in outside]
    return text, places


def _with_what_was_dropped(text: str, pieces: Sequence[Piece]) -> Iterator[Piece]:
    """The pieces, and one without words for whatever stands between them."""
    for before, after in pairwise((Piece(0, 0, ()), *pieces, Piece(len(text), len(text), ()))):
        for found in _WRITTEN.finditer(text, before.end, after.start):
            yield Piece(found.start(), found.end(), ())
        if after.start < len(text):
            yield after


# Words that cannot be normalised alone -----------------------------------------------------------------------


class _Manner(NamedTuple):
    """How a word of English gets on with its neighbours.

    ``clings``: it is part of the word before it whatever that is. ``holds``: the same to the word after it. ``opens``:
    it may go with a word before it that ``closes``. ``is_empty``: signs or a filler, on both sides of which words meet.
    """

    is_empty: bool
    clings: bool
    holds: bool
    opens: bool
    closes: bool


# Beside numbers: "five th", "and a half", "she's been". What begins such a row, and what goes on with it.
_ROW_BEGINS = frozenset({"a", "half", "s", "d"})
_ROW_GOES_ON = frozenset({"a", "half", "been", "gone", "done", "got", "st", "nd", "rd", "th", "s"})
_FILLERS = re.compile(r"\b(hmm|mm|mhm|mmm|uh|um)\b")
_HALVES = re.compile(r"\band\W+a\W+half\b")
_SIGNS = ".%$¢€£"


def _groups(text: str) -> list[list[tuple[int, str]]]:
    """The words between spaces, those together that may rewrite each other."""
    groups: list[list[tuple[int, str]]] = []
    holds = False
    closes = True
    for at, word in _written(text):
        is_empty, clings, is_held, opens, is_open = _manner(word)
        if groups and (clings or holds or (closes and opens)):
            groups[-1].append((at, word))
        else:
            groups.append([(at, word)])
        if not is_empty:
            holds, closes = is_held, is_open
    if _HALVES.search(text.lower()):  # what halves are added to is looked at, and dropped where there is nothing
        return _with_what_is_halved(groups)
    return groups


def _with_what_is_halved(groups: Sequence[list[tuple[int, str]]]) -> list[list[tuple[int, str]]]:
    joined: list[list[tuple[int, str]]] = []
    for group in groups:
        if joined and any("half" in word.lower() for _, word in group):
            joined[-1].extend(group)
        else:
            joined.append(group)
    return joined


@lru_cache(maxsize=16384)
def _manner(word: str) -> _Manner:
    lowered = word.lower()
    bare = _FILLERS.sub("", lowered)
    clings = bare != lowered or bare.startswith("'")
    parts = _spaced_out(re.sub(r"\.([^0-9]|$)", r" \1", bare)).split()
    if not parts:
        return _Manner(is_empty=True, clings=True, holds=False, opens=True, closes=True)
    return _Manner(
        is_empty=False,
        clings=clings or parts[0].startswith("%"),
        holds=parts[-1][-1] in _SIGNS,
        opens=re.match(r"\w*", parts[0]).group() in _ROW_GOES_ON or _is_numeric(parts[0]),
        closes=parts[-1] in _ROW_BEGINS or _is_numeric(parts[-1]),
    )


def _spaced_out(text: str) -> str:
    """The text with a space for each sign but those that numbers are written with."""
    return "".join(
        c if c in _SIGNS or unicodedata.category(c)[0] not in "MSP" else " " if unicodedata.category(c) != "Mn" else ""
        for c in unicodedata.normalize("NFKD", text)
    )


def _is_numeric(part: str) -> bool:
    return part in _number_words() or any(c.isdecimal() or c in _SIGNS for c in part)


@lru_cache(maxsize=16384)
def _together(text: str) -> tuple[Piece, ...]:
    """The pieces of a row of words that may rewrite each other: those that do are one piece."""
    from rapidfuzz.distance import Levenshtein

    spans = [found.span() for found in _WRITTEN.finditer(text)]
    alone = [(word, k) for k, (a, b) in enumerate(spans) for word in _normalised(text[a:b], True)]
    whole = _normalised(text, True)
    owners: list[int] = []  # of each word of the whole the written word that it comes from, the first of several
    joined: list[tuple[int, int]] = []  # written words that are one piece, from and to
    for is_equal, (a, b), (c, d) in _blocks(Levenshtein.opcodes([word for word, _ in alone], whole)):
        if is_equal:
            owners += [alone[k][1] for k in range(a, b)]
        elif a == b:
            owners += [alone[min(max(a - 1, 0), len(alone) - 1)][1] if alone else 0] * (d - c)
        else:
            owners += [alone[a][1]] * (d - c)
            if d > c:
                joined.append((alone[a][1], alone[b - 1][1]))
    leader = list(range(len(spans)))
    for first, last in joined:
        leader[first : last + 1] = [leader[first]] * (last + 1 - first)
    words: dict[int, list[str]] = {}
    for owner, word in zip(owners, whole, strict=True):
        words.setdefault(leader[owner], []).append(word)
    return tuple(
        Piece(spans[k][0], spans[max(j for j in range(len(spans)) if leader[j] == k)][1], tuple(words.get(k, ())))
        for k in sorted(set(leader))
    )


def _blocks(opcodes: Iterable) -> Iterator[tuple[bool, tuple[int, int], tuple[int, int]]]:
    """The edits with those that follow each other made one: whether equal, and the stretch on either side."""
    edit: tuple[tuple[int, int], tuple[int, int]] | None = None
    for code in opcodes:
        left, right = (code.src_start, code.src_end), (code.dest_start, code.dest_end)
        if code.tag == "equal":
            if edit:
                yield False, *edit
            edit = None
            yield True, left, right
        else:
            edit = ((edit[0][0], left[1]), (edit[1][0], right[1])) if edit else (left, right)
    if edit:
        yield False, *edit


# The package -------------------------------------------------------------------------------------------------


@lru_cache(maxsize=16384)
def _normalised(text: str, english: bool) -> tuple[str, ...]:
    normalise = _english() if english else _basic()
    try:
        words = normalise(text).split()
    except (AssertionError, ValueError):  # a number of thousands of digits
        words = _basic()(text).split()
    return tuple(part for word in words for part in _parts(word) if any(c.isalnum() for c in part))


def _parts(word: str) -> Iterable[str]:
    """The word, or its characters where it is written in a script without spaces."""
    if not _is_unspaced(word):
        return (word,)
    return (word[token.start : token.end] for token in tokens(word))


@cache
def _english() -> Callable[[str], str]:
    from whisper_normalizer.english import EnglishTextNormalizer

    return EnglishTextNormalizer()


@cache
def _basic() -> Callable[[str], str]:
    from whisper_normalizer.basic import BasicTextNormalizer

    return BasicTextNormalizer(preserve_marks=True)


@cache
def _number_words() -> frozenset[str]:
    """The words that the rules for numbers look at."""
    return frozenset(_english().standardize_numbers.words)
