"""Asking about a transcript's text: how many tokens it takes, and the stretches of lines that one question can hold."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from lib.domain.transcript import Cue

WORD_TOKENS, LETTER_TOKENS, OTHER_TOKENS = 0.3, 1.1, 0.6
"""Tokens a character, on the dear side: Latin ones, those that are words or syllables by themselves, and others."""
LINE_TOKENS = 8
"""What a line's time or number, and its end, take."""
SHORTEST_SUMMARY, LONGEST_SUMMARY = 60, 1200


def text_tokens(text: str) -> int:
    """About how many tokens a text takes: no tokeniser is shared by all models, so an estimate on the dear side."""
    return round(sum(map(_tokens, text))) + 1


def _tokens(character: str) -> float:
    point = ord(character)
    if point < 0x250:
        return WORD_TOKENS
    return LETTER_TOKENS if point >= 0x0E00 else OTHER_TOKENS


def line_tokens(cue: Cue) -> int:
    """What a cue takes in a question, with its speaker and its time."""
    return text_tokens(f"{cue.speaker or ''}{cue.text}") + LINE_TOKENS


def stretches_of_lines(
    cues: Sequence[Cue], *, most_tokens: int, most_lines: int | None = None
) -> tuple[tuple[int, int], ...]:
    """The lines in stretches that hold at most so much, about even: first place included, last not.

    A line that is too long by itself is a stretch of its own. Together they are all lines, each once.
    """
    weights = [line_tokens(cue) for cue in cues]
    most_lines = most_lines or max(1, len(cues))
    count = max(-(-sum(weights) // most_tokens), -(-len(cues) // most_lines), 1)
    aim = sum(weights) / count
    edges, taken, lines = [0], 0, 0
    for place, weight in enumerate(weights):
        is_full = taken + weight > most_tokens or lines >= most_lines or taken >= aim
        if lines and is_full:
            edges.append(place)
            taken = lines = 0
        taken, lines = taken + weight, lines + 1
    return tuple(pairwise([*edges, len(cues)])) if cues else ()


def summary_words(seconds: float) -> int:
    """How many words a summary should have: about 150 for five minutes and 400 for an hour, growing ever slower."""
    words = 150 * (max(seconds, 1.0) / 300) ** 0.395
    return round(min(max(words, SHORTEST_SUMMARY), LONGEST_SUMMARY) / 10) * 10
