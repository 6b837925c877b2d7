"""Searching what was said: a question as people type it, the passages that are looked through, and where it stands.

The database finds passages, this module says what it was asked and at which second the answer is. Both see the same
words: letters, digits and the marks on them; case and the accents of Latin letters are set aside. Scripts that put no
spaces between words are looked through character by character.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from lib.domain.tokens import is_unspaced
from lib.domain.transcript import Cue

PASSAGE_SECONDS, LONGEST_SECONDS = 20.0, 40.0
LONGEST_CHARACTERS = 1200
PAUSE_SECONDS = 1.0
MOST_TERMS = 12
"""More words than this find nothing that the first did not, and each costs a look into the index."""
LONGEST_WORD = 100
SHORTEST_OPEN = 2
"""A single letter is a word, not the beginning of half the dictionary."""
SEAM = "\u200b"
"""An invisible space (zero width) between characters that are words of their own; full-text indexes see it as one."""
SNIPPET_BEFORE, SNIPPET_AFTER = 70, 150
LONGEST_STEP = 30

_SENTENCE_END = re.compile(r"[.!?…。．！？｡؟।॥][\"'”’»)\]」』]*\s*\Z")
_WIDE_FORMS = re.compile(r"[０-９Ａ-Ｚａ-ｚｦ-ﾟ]+")
_ASCII_WORD = re.compile(r"[a-zA-Z0-9]+")
_QUOTES = str.maketrans(dict.fromkeys("“”„‟«»＂", '"'))


@dataclass(frozen=True, slots=True)
class Term:
    """Words that stand one after the other. ``is_open``: the last may go on, as ``vide`` does in ``video``."""

    words: tuple[str, ...]
    is_open: bool = False

    def __post_init__(self) -> None:
        if not self.words or not all(self.words):
            raise ValueError("a term has words")


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for: every term, in any order, within one passage."""

    terms: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Passage:
    """Some twenty seconds of a transcript, the unit that is found: lines, and the second at which each begins."""

    starts: tuple[float, ...]
    lines: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.lines or len(self.starts) != len(self.lines):
            raise ValueError("a passage has lines, each with its time")


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a query stands in a passage: the second to open at, and the words around it, those found marked."""

    start: float
    pieces: tuple[tuple[str, bool], ...]

    @property
    def text(self) -> str:
        return "".join(text for text, _ in self.pieces)


def read_query(text: str) -> Query:
    """A query from what was typed, whatever that is: words that must all be there, "phrases" in quotes, and the last
    word as far as it is written. Signs that are no words mean nothing; without any word there are no terms.

    >>> [term.words for term in read_query('budget "next year" meet').terms]
    [('budget',), ('next', 'year'), ('meet',)]
    """
    terms: dict[Term, None] = {}
    for number, piece in enumerate(composed(text).translate(_QUOTES).split('"')):
        if number % 2:  # between two quotes, or after one that was not closed yet
            terms |= dict.fromkeys(_terms([_words(piece)]))
        else:
            terms |= dict.fromkeys(_terms(map(_words, piece.split())))
    found = list(terms)
    if found and not text.rstrip().endswith(tuple('"“”„‟«»＂')):
        found[-1] = _opened(found[-1])
    return Query(tuple(found[:MOST_TERMS]))


def _words(piece: str) -> tuple[str, ...]:
    return tuple(piece[start:end][:LONGEST_WORD] for _, start, end in spoken_words(piece))


def _terms(groups: Iterable[tuple[str, ...]]) -> list[Term]:
    return [Term(words) for words in groups if words]


def _opened(term: Term) -> Term:
    last = term.words[-1]
    return term if len(last) < SHORTEST_OPEN or is_unspaced(last) else Term(term.words, True)


def passages(cues: Sequence[Cue]) -> list[Passage]:
    """The cues in passages of some twenty seconds, cut where a sentence ends or nobody speaks, if there is such a
    place within forty."""
    found: list[Passage] = []
    held: list[Cue] = []
    for number, cue in enumerate(cues):
        if not cue.text.strip():
            continue
        held.append(cue)
        following = cues[number + 1] if number + 1 < len(cues) else None
        if following is None or _ends_here(held, following):
            found.append(_passage(held))
            held = []
    if held:
        found.append(_passage(held))
    return found


def _ends_here(held: Sequence[Cue], following: Cue) -> bool:
    length = following.start - held[0].start
    if length >= LONGEST_SECONDS or sum(len(cue.text) for cue in held) >= LONGEST_CHARACTERS:
        return True
    is_break = _SENTENCE_END.search(held[-1].text) or following.start - held[-1].end >= PAUSE_SECONDS
    return length >= PASSAGE_SECONDS and bool(is_break)


def _passage(cues: Sequence[Cue]) -> Passage:
    return Passage(
        tuple(round(cue.start, 2) for cue in cues), tuple(" ".join(composed(cue.text).split()) for cue in cues)
    )


def find(query: Query, passage: Passage) -> Spot:
    """Where in a passage the query is answered best: the first of the lines in which most of its terms begin."""
    text = "\n".join(passage.lines)
    places = _places(query, text)
    edges = _line_edges(passage.lines)
    if not places:  # the index folds a letter in a way that we do not: the passage is right all the same
        return Spot(passage.starts[0], ((_shortened(text, 0, SNIPPET_AFTER), False),))
    terms_of: dict[int, set[int]] = {}
    for term, start, _ in places:
        terms_of.setdefault(_line_at(edges, start), set()).add(term)
    line = max(sorted(terms_of), key=lambda each: len(terms_of[each]))
    first = next(start for _, start, _ in places if _line_at(edges, start) == line)
    return Spot(passage.starts[line], _pieces(text, first, [(start, end) for _, start, end in places]))


def _places(query: Query, text: str) -> list[tuple[int, int, int]]:
    """Every place where a term stands, as its number and the characters it takes, in the order of the text."""
    words = spoken_words(text)
    folded = [word for word, _, _ in words]
    found = []
    for number, term in enumerate(query.terms):
        wanted = [fold(word) for word in term.words]
        for at in _begins(folded, wanted, term.is_open):
            found.append((number, words[at][1], words[at + len(wanted) - 1][2]))
    return sorted(found, key=lambda place: place[1])


def _begins(words: Sequence[str], wanted: Sequence[str], is_open: bool) -> list[int]:
    """At which of the words the wanted ones begin, one after the other."""
    *before, last = wanted
    stands = str.startswith if is_open else str.__eq__
    lasts = [at for at in range(len(before), len(words)) if stands(words[at], last)]
    return [at - len(before) for at in lasts if words[at - len(before) : at] == before]


def _line_edges(lines: Sequence[str]) -> list[int]:
    edges = [0]
    for line in lines[:-1]:
        edges.append(edges[-1] + len(line) + 1)
    return edges


def _line_at(edges: Sequence[int], at: int) -> int:
    return max(number for number, edge in enumerate(edges) if edge <= at)


def _pieces(text: str, first: int, marks: Sequence[tuple[int, int]]) -> tuple[tuple[str, bool], ...]:
    begin, end = _word_edge(text, first - SNIPPET_BEFORE), _word_edge(text, first + SNIPPET_AFTER)
    text = text.replace("\n", " ")
    pieces: list[tuple[str, bool]] = [("… ", False)] if begin else []
    at = begin
    for start, stop in _joined(text, marks):
        if start >= end or stop <= at:
            continue
        start = max(start, at)
        pieces += [(text[at:start], False), (text[start:stop], True)]
        at = stop
    rest = text[at:end] if at < end else ""
    pieces.append((f"{rest.rstrip()} …" if max(at, end) < len(text) else rest, False))
    return tuple(piece for piece in pieces if piece[0])


def _joined(text: str, marks: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Marks between which there is nothing but space are one."""
    joined: list[tuple[int, int]] = []
    for start, stop in marks:
        if joined and not text[joined[-1][1] : start].strip():
            joined[-1] = (joined[-1][0], max(joined[-1][1], stop))
        else:
            joined.append((start, stop))
    return joined


def _shortened(text: str, begin: int, end: int) -> str:
    end = _word_edge(text, end)
    return text[begin:end].replace("\n", " ").rstrip() + (" …" if end < len(text) else "")


def _word_edge(text: str, at: int) -> int:
    """The edge of a word near a place: after the next space, or the place itself in a script without spaces."""
    if at <= 0:
        return 0
    if at + LONGEST_STEP >= len(text):
        return len(text)
    return next((edge for edge in range(at, at + LONGEST_STEP) if text[edge - 1].isspace()), at)


def composed(text: str) -> str:
    """The text with one code for each accented letter, and letters, digits and kana at their usual width."""
    text = unicodedata.normalize("NFC", text.replace(SEAM, ""))
    return text if text.isascii() else _WIDE_FORMS.sub(lambda found: unicodedata.normalize("NFKC", found[0]), text)


def seamed(text: str) -> str:
    """The text as an index takes it that parts words at spaces: a ``SEAM`` between characters that are words."""
    if text.isascii() or not any(is_unspaced(character) for character in text):
        return text
    pieces, at = [], 0
    for _, start, end in spoken_words(text):
        if start == at and at:
            pieces.append(SEAM)
        pieces.append(text[at:end])
        at = end
    return "".join([*pieces, text[at:]])


def spoken_words(text: str) -> list[tuple[str, int, int]]:
    """The words of a text as they are looked for: runs of letters and digits with their marks, and single characters
    of the scripts that put no spaces between words. Each is folded, and has the characters ``[start:end]`` it takes.

    >>> [word for word, _, _ in spoken_words("Don't, Café_5 你好!")]
    ['don', 't', 'cafe', '5', '你', '好']
    """
    if text.isascii():
        return [(word[0].lower(), *word.span()) for word in _ASCII_WORD.finditer(text)]
    found: list[tuple[str, int, int]] = []
    start = None
    is_alone = False
    for at, character in enumerate(text):
        kind = _kind(character)
        if kind == "mark" and start is not None:
            continue
        if start is not None and (kind != "word" or is_alone):
            found.append((fold(text[start:at]), start, at))
            start = None
        if kind in ("word", "alone"):
            is_alone = kind == "alone"
            start = at if start is None else start
    if start is not None:
        found.append((fold(text[start:]), start, len(text)))
    return found


@lru_cache(maxsize=65536)
def fold(word: str) -> str:
    """A word without case, and without the accents of Latin letters: they are left out by many who type.

    Those of other scripts are letters of their own, or change the word.
    """
    kept: list[str] = []
    for character in unicodedata.normalize("NFKD", word.casefold()):
        is_accent = "\u0300" <= character <= "\u036f"
        if not (is_accent and kept and kept[-1].isascii()):
            kept.append(character)
    return unicodedata.normalize("NFC", "".join(kept))


@lru_cache(maxsize=8192)
def _kind(character: str) -> str:
    category = unicodedata.category(character)[0]
    if category == "M":
        return "mark"
    if category not in "LN":
        return "other"
    return "alone" if is_unspaced(character) else "word"
