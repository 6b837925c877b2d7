"""Text as it is laid on lines: cleaned, measured, wrapped and joined, in scripts with and without spaces."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]")
_REORDERING = re.compile("[\u202a-\u202e\u2066-\u2069]")
_MOVING = re.compile(r"[\x0b\x0c\x1c-\x1f\x85]|\r(?!\n)")
_SURROGATE = re.compile(r"[\ud800-\udfff]+")
_UNSPACED = re.compile(
    "[\u2e80-\u2fdf\u3001-\u303f\u3041-\u30ff\u3100-\u312f\u3190-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\uff01-\uff60\uffe0-\uffe6\U00020000-\U0003ffff]"
)
# What may not begin a line, and what may not end one, in Chinese and Japanese.
_NO_BREAK_BEFORE = frozenset(
    "、。，．・：；？！゛゜ヽヾゝゞ々ー’”）〕］｝〉》」』】〗～…ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮ"
)
_NO_BREAK_AFTER = frozenset("‘“（〔［｛〈《「『【〖")


def encodable(text: str) -> str:
    """The text with halves of characters (lone surrogates) made whole or replaced, so that it can be written."""
    if not _SURROGATE.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def without_control(text: str) -> str:
    """The text with control characters other than white space replaced by spaces."""
    return _CONTROL.sub(" ", text)


def in_order(text: str) -> str:
    """The text without the marks that turn the order of letters about, also of those that follow: with them a price
    beside a title is read from its end."""
    return _REORDERING.sub("", text)


def for_terminal(text: str) -> str:
    """The text as a terminal may have it: no escape that moves its cursor, writes its title or its clipboard, and no
    bare carriage return that writes over the line."""
    return _MOVING.sub(" ", without_control(encodable(text)))


def one_line(text: str) -> str:
    """The text on one line: writable, no control characters, no byte order mark, every run of white space one space."""
    return " ".join(without_control(encodable(text)).replace("\ufeff", " ").split())


def is_unspaced(character: str) -> bool:
    """Whether the character belongs to a script written without spaces between words (Chinese, Japanese)."""
    return bool(_UNSPACED.match(character))


def join_lines(lines: Iterable[str]) -> str:
    """Undo ``wrap``: lines joined by a space, or by nothing between two characters of an unspaced script."""
    whole = ""
    for line in lines:
        line = line.strip()
        if whole and line and not (is_unspaced(whole[-1]) and is_unspaced(line[0])):
            whole += " "
        whole += line
    return whole


def width(text: str) -> int:
    """Columns on a screen: wide characters take two, marks that sit on others none."""
    return sum(_columns(character) for character in text)


def wrap(text: str, columns: int) -> list[str]:
    """The text on lines of at most so many columns; a longer word keeps a line to itself.

    ``join_lines(wrap(text, n)) == one_line(text)`` for every text.
    """
    lines: list[str] = []
    line, used = "", 0
    for glue, piece in _pieces(one_line(text)):
        size = width(piece)
        if line and used + len(glue) + size > columns:
            lines.append(line)
            line, used = piece, size
        else:
            line += glue + piece
            used += len(glue) + size
    return [*lines, line] if line else lines


def _pieces(text: str) -> Iterable[tuple[str, str]]:
    """Stretches that stay together, each with the glue that ties it to the one before on the same line."""
    glue, piece = "", ""
    for word in text.split(" ") if text else ():
        if piece:
            if is_unspaced(piece[-1]) and is_unspaced(word[0]):
                piece += " "  # a break here could not be told from one inside a sentence without spaces
            else:
                yield glue, piece
                glue, piece = " ", ""
        for character in word:
            if piece and _may_break(piece[-1], character):
                yield glue, piece
                glue, piece = "", ""
            piece += character
    if piece:
        yield glue, piece


def _may_break(before: str, after: str) -> bool:
    return (
        is_unspaced(before) and is_unspaced(after) and after not in _NO_BREAK_BEFORE and before not in _NO_BREAK_AFTER
    )


def _columns(character: str) -> int:
    if character.isascii():
        return 1
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def words(text: str) -> frozenset[str]:
    """The words of a list written as text."""
    return frozenset(text.split())
