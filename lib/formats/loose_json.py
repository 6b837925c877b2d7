"""JSON as models write it: whole, cut off in the middle, with stray commas, single or unescaped quotes.

Objects are read as lists of pairs, so that order and repeated keys survive.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Iterator


class Pairs(list):
    """A JSON object: (key, value) in the order written."""


_BEGIN = re.compile(r"""(?:\[\s*+){0,3}+\{\s*+(?:"[^"\n]{0,60}"|'[^'\n]{0,60}')\s*+:""")
_BEGIN_LIST = re.compile(r"""^[ \t]*+\[\s*+(?:"|\[\s*+["\d-])""", re.MULTILINE)
_FENCE = re.compile(r"\n[ \t>]{0,8}(?:```|~~~)")
_BLANK = re.compile(r"\s*+")
_SPACE = re.compile(r"[\s,:]*+")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?=[\s,}\]])")
_LITERAL = re.compile(r"(?:true|false|null|None|True|False|NaN)(?=[\s,}\]])")
_CUT = re.compile(r"(?:-?\d[\d.eE+-]*+|-|t|tr|tru|true|f|fa|fal|fals|false|n|nu|nul|null)\Z")
_LOOSE = re.compile(r"""[^"'{}\[\],]+|["']""")
_CLOSING = re.compile(r"""\s*+(?:[:}\]]|,\s*+(?:["'{}\[\]\d-]|true|false|null|None|\Z)|\Z)""")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": " ", "f": " "}
_TAIL = re.compile(r"[\s,;\]}]*+")

_STRICT = json.JSONDecoder(object_pairs_hook=Pairs, strict=False, parse_int=float, parse_constant=lambda name: None)
_STRICT_FAILURES = 20
"""After so many the text is known to be broken; each failure costs a count of the lines before it."""


def json_and_text(text: str) -> Iterator[str | list]:
    """The stretches of a text in order: ``str`` for plain ones, ``Pairs`` or ``list`` for JSON. Linear in time."""
    place = done = failures = 0
    fences = [found.start() for found in _FENCE.finditer(text)]
    lists = _strict_lists(text)
    while found := _BEGIN.search(text, place):
        begin = found.start()
        if lists and lists[0][0] <= begin:
            begin, end, value = lists.pop(0)
        else:
            value, end = None, begin
            if failures < _STRICT_FAILURES:
                try:
                    value, end = _STRICT.raw_decode(text, begin)
                except (ValueError, RecursionError):
                    failures += 1
            if value is None:
                index = bisect_left(fences, begin)
                value, end = _loose(text, begin, fences[index] if index < len(fences) else len(text))
        if begin < done:  # inside a list that was read already
            continue
        yield text[done:begin]
        yield value
        done = place = _TAIL.match(text, end).end()
    for begin, end, value in lists:
        if begin >= done:
            yield text[done:begin]
            yield value
            done = _TAIL.match(text, end).end()
    yield text[done:]


def _strict_lists(text: str) -> list[tuple[int, int, list]]:
    """Lists of strings or of rows: only whole ones, because a transcript may well begin with ``["``."""
    found = _BEGIN_LIST.search(text)
    if not found:
        return []
    begin = text.index("[", found.start())
    try:
        value, end = _STRICT.raw_decode(text, begin)
    except (ValueError, RecursionError):
        return []
    rows = all(isinstance(item, list) and not isinstance(item, Pairs) for item in value)
    whole = all(isinstance(item, str) for item in value) or (rows and all(_has_text(row) for row in value))
    return [(begin, end, value)] if whole else []


def _has_text(row: list) -> bool:
    return any(isinstance(item, str) for item in row) and not any(isinstance(item, list) for item in row)


def _loose(text: str, place: int, limit: int) -> tuple[list, int]:
    """Read what can be read from ``place`` on; everything still open at ``limit`` is closed there."""
    root: list = []
    stack: list[list] = [root]
    keys: list[str | None] = [None]

    def add(value: object) -> None:
        if isinstance(stack[-1], Pairs):
            stack[-1].append((keys[-1] or "", value))
            keys[-1] = None
        else:
            stack[-1].append(value)

    while True:
        place = _SPACE.match(text, place, limit).end()
        if place >= limit:
            break
        character = text[place]
        if character in "{[":
            child = Pairs() if character == "{" else []
            add(child)
            stack.append(child)
            keys.append(None)
            place += 1
        elif character in "}]":
            if keys[-1]:
                add(None)
            if len(stack) > 1:
                stack.pop()
                keys.pop()
            place += 1
            if len(stack) == 1:
                break
        elif character in "\"'" and (string := _string(text, place, limit)):
            value, place, closed = string
            is_key = isinstance(stack[-1], Pairs) and keys[-1] is None
            if is_key and closed and text.startswith(":", _BLANK.match(text, place, limit).end()):
                keys[-1] = value
            elif not is_key or not value.isidentifier() or _BLANK.match(text, place, limit).end() < limit:
                add(value)
            # else: the answer was cut inside a key, which is structure
        elif found := _NUMBER.match(text, place, limit):
            add(float(found.group()))
            place = found.end()
        elif found := _LITERAL.match(text, place, limit) or _CUT.match(text, place, limit):
            add(None)  # a number at the very end may have lost digits: 1 of 12.5
            place = found.end()
        else:
            found = _LOOSE.match(text, place, limit)
            add(found.group().strip())
            place = found.end()
    return root, place


def _string(text: str, place: int, limit: int) -> tuple[str, int, bool] | None:
    """The string that begins here, where it ends, and whether it was closed. A quote closes it only when
    structure follows, because models forget to escape the quotes of what was said."""
    quote = text[place]
    search = begin = place + 1
    while True:
        end = text.find(quote, search, limit)
        if end < 0:
            return unescape(text[begin:limit]), limit, False
        backslashes = 0
        while text[end - 1 - backslashes] == "\\" and end - 1 - backslashes >= begin:
            backslashes += 1
        if backslashes % 2 == 0 and _CLOSING.match(text, end + 1, limit):
            return unescape(text[begin:end]), end + 1, True
        search = end + 1


def unescape(text: str) -> str:
    """What a JSON string stands for; an escape that is none keeps its letter."""
    if "\\" not in text:
        return text
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)) if found[1] else _ESCAPED.get(found[2], found[2]), text)
