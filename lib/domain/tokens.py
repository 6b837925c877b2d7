"""Text as the tokens that two transcripts are compared by.

Case, punctuation and the ways of writing one character are set aside; accents and numbers stay. Scripts that put
no spaces between words give one token per character with its marks.
"""

from __future__ import annotations

import itertools
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

_UNSPACED = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x2E80, 0x2FDF),  # CJK radicals
    (0x3005, 0x3007),
    (0x3040, 0x312F),  # Hiragana, Katakana, Bopomofo
    (0x31A0, 0x31FF),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xA9E0, 0xA9FF),
    (0xAA60, 0xAA7F),
    (0xF900, 0xFAFF),
    (0xFF66, 0xFF9F),  # half-width Katakana
    (0x1B000, 0x1B16F),
    (0x20000, 0x3FFFF),
)
_APOSTROPHES = "'’ʼ＇"
_JOINERS = "\u200c\u200d"
_HALFWIDTH_MARKS = "\uff9e\uff9f"


@dataclass(frozen=True, slots=True)
class Token:
    """One normalised token and the characters of the text it stands for: ``source[start:end]``."""

    text: str
    start: int
    end: int


def tokens(text: str) -> tuple[Token, ...]:
    """The tokens of a text in order. Stretches never overlap; what lies between them is space and punctuation.

    >>> [token.text for token in tokens("Don’t — 1,000 CAFÉS, 你好!")]
    ['dont', '1000', 'cafés', '你', '好']
    """
    found: list[Token] = []
    start: int | None = None
    for at, character in enumerate(text):
        kind = _kind(character)
        if kind == "mark" and (start is not None or (found and found[-1].end == at)):
            if start is None:  # a mark belongs to the character before it
                start = found.pop().start
            continue
        if start is not None and (kind == "unspaced" or _is_unspaced(text[start])):
            _add(found, text, start, at)
            start = None
        if kind in ("word", "unspaced"):
            start = at if start is None else start
        elif start is not None and not _joins(text, at):
            _add(found, text, start, at)
            start = None
    if start is not None:
        _add(found, text, start, len(text))
    return tuple(found)


def is_unspaced(text: str) -> bool:
    """Whether the text begins in a script that puts no spaces between words."""
    return bool(text) and _is_unspaced(text[0])


def written_words(text: str) -> tuple[str, ...]:
    """The text cut where a line may break: ``"".join`` of the pieces is the text, character by character.

    A piece is a word with the space before it and the punctuation around it; in scripts without spaces, one
    character with the punctuation that may not begin a line. Space at the very end goes with the last piece.
    """
    cuts: list[int] = []
    previous = ""
    for at, character in enumerate(text):
        if previous.strip() and _may_break(previous, character):
            cuts.append(at)
        previous = character
    if cuts and not text[cuts[-1] :].strip():
        cuts.pop()
    edges = [0, *cuts, len(text)]
    return tuple(text[a:b] for a, b in itertools.pairwise(edges) if a < b)


def display_width(text: str) -> int:
    """Columns that the text takes: East Asian wide characters take two, combining marks none."""
    return sum(_width(character) for character in text)


_WIDE_STOPS = "、。，．！？：；）」』】〉》…・ー～％"
"""Wide signs that may not begin a line."""


def _may_break(before: str, after: str) -> bool:
    """Whether a piece may end between these two neighbours, ``before`` being no space."""
    if after.isspace():
        return True
    if _kind(after) == "mark" or after in _WIDE_STOPS or unicodedata.category(before) in ("Ps", "Pi"):
        return False
    if _is_unspaced(before) or before in _WIDE_STOPS:
        return after.isalnum() or unicodedata.category(after) in ("Ps", "Pi")
    return _is_unspaced(after) and before.isalnum()


def _add(found: list[Token], text: str, start: int, end: int) -> None:
    while end > start and _kind(text[end - 1]) == "other":
        end -= 1
    normalised = _normalised(text[start:end])
    if normalised:
        found.append(Token(normalised, start, end))


@lru_cache(maxsize=65536)
def _normalised(piece: str) -> str:
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", piece).casefold())
    return "".join(c for c in folded if c == "." or _kind(c) != "other")


def _joins(text: str, at: int) -> bool:
    """Whether this sign stands inside a word: an apostrophe between letters, a sign between digits."""
    if not 0 < at < len(text) - 1:
        return False
    character, before, after = text[at], text[at - 1], text[at + 1]
    if character in _APOSTROPHES:
        return before.isalnum() and after.isalnum()
    if character == ".":
        return before.isdecimal() and after.isdecimal()
    if character == ",":  # 1,000 but not 1,2,3
        group, beyond = text[at + 1 : at + 4], text[at + 4 : at + 5]
        return before.isdecimal() and len(group) == 3 and group.isdecimal() and not beyond.isdecimal()
    return False


@lru_cache(maxsize=8192)
def _kind(character: str) -> str:
    if character in _HALFWIDTH_MARKS or character in _JOINERS:
        return "mark"
    category = unicodedata.category(character)
    if category[0] == "M":
        return "mark"
    if category[0] in "LN":
        return "unspaced" if _is_unspaced(character) else "word"
    return "other"


@lru_cache(maxsize=8192)
def _is_unspaced(character: str) -> bool:
    point = ord(character)
    return point >= 0x0E00 and any(low <= point <= high for low, high in _UNSPACED)


@lru_cache(maxsize=8192)
def _width(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf", "Cc"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
