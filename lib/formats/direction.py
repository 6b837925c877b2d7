"""Which way text is read, after the Unicode bidirectional algorithm (UAX #9) as far as a document needs to be told."""

from __future__ import annotations

import unicodedata

_RIGHT_TO_LEFT = frozenset({"R", "AL"})
_NUMBERS = frozenset({"EN", "AN"})


def is_right_to_left(text: str) -> bool:
    """Whether the text as a whole is read from the right: its first letter that has a direction tells."""
    return next((right for right in map(_direction, text) if right is not None), False)


def directional_runs(text: str) -> list[tuple[str, bool]]:
    """The text in stretches, each with whether it is read from the right. Together they are the text.

    Signs and spaces between two stretches of one direction belong to both, between two directions to the whole's;
    numbers belong to what stands before them.
    """
    whole = is_right_to_left(text)
    runs: list[tuple[str, bool]] = []
    waiting, current = "", whole
    for character in text:
        right = current if unicodedata.bidirectional(character) in _NUMBERS else _direction(character)
        if right is None:
            waiting += character
            continue
        _add(runs, waiting, current if right == current else whole)
        _add(runs, character, right)
        waiting, current = "", right
    _add(runs, waiting, whole)
    return runs


def _direction(character: str) -> bool | None:
    """True for a letter read from the right, False for one from the left, None for signs, numbers and spaces."""
    kind = unicodedata.bidirectional(character)
    return True if kind in _RIGHT_TO_LEFT else False if kind == "L" else None


def _add(runs: list[tuple[str, bool]], text: str, right: bool) -> None:
    if not text:
        return
    if runs and runs[-1][1] == right:
        runs[-1] = (runs[-1][0] + text, right)
    else:
        runs.append((text, right))
