"""Where a grid of transcripts is cut into rows: at ends of sentences and in pauses, a few readable seconds each."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lib.domain.cues import PHRASE_ENDS, SENTENCE_ENDS, Ending, ending
from lib.domain.network import NOTHING, Network

if TYPE_CHECKING:
    import numpy as np

SHORTEST, LONGEST = 3.0, 12.0
"""Seconds that a row should take."""

_LENGTH = 6.0  # what is best read at a glance
_FASTEST = 25.0  # characters spoken in a second: where times are wrong, so much text is a second at least
_SILENCE = 2.0  # seconds of pause that no row reaches over
_PAUSE = 0.3  # seconds of silence that end a phrase as well as a comma does
_BETWEEN_WORDS, _AT_PHRASE = 6.0, 1.5  # what it costs to end a row there; nothing at the end of a sentence


def row_starts(network: Network) -> np.ndarray:
    """The positions at which a row begins, the first of them 0. Each row goes to the next."""
    import numpy as np

    count = len(network.start)
    if not count:
        return np.zeros(0, dtype=np.int64)
    costs = _costs(network)
    widths = np.array([len(word) + 1 for word in network.vocabulary])
    shown = np.where(network.majority == NOTHING, network.number.max(axis=1), network.majority)
    characters = np.concatenate([[0], np.cumsum(widths[shown])])
    # Only good places are looked at, and any where there is none for too long.
    is_place = ~_is_within_piece(network)
    is_good = is_place & (costs < _BETWEEN_WORDS)
    is_good[-1] = True
    places: list[int] = [0]
    for good in (np.flatnonzero(is_good) + 1).tolist():
        if _length(network, characters, places[-1], good) > LONGEST:
            places.extend(place for place in range(places[-1] + 1, good) if is_place[place - 1])
        places.append(good)
    return np.array(_cheapest(network, characters, places, costs), dtype=np.int64)


def _cheapest(network: Network, characters: np.ndarray, places: list[int], costs: np.ndarray) -> list[int]:
    """Of the places those that cut the whole into rows at the least sum of costs: for each cut, for each length."""
    starts = network.start[places[:-1]].tolist()
    ends = [0.0, *network.end[[place - 1 for place in places[1:]]].tolist()]
    before = characters[places].tolist()
    cuts = [0.0, *costs[[place - 1 for place in places[1:]]].tolist()]
    is_wall = [cut < 0 for cut in cuts]
    best = [0.0] + [float("inf")] * (len(places) - 1)
    came_from = [0] * len(places)
    for k in range(1, len(places)):
        for j in range(k - 1, -1, -1):
            length = max(ends[k] - starts[j], (before[k] - before[j]) / _FASTEST)
            if length > LONGEST and j < k - 1:
                break
            cost = best[j] + cuts[k] + _cost_of_length(length)
            if cost < best[k]:
                best[k], came_from[k] = cost, j
            if is_wall[j]:
                break
    rows = []
    k = len(places) - 1
    while k:
        k = came_from[k]
        rows.append(places[k])
    return rows[::-1]


def _is_within_piece(network: Network) -> np.ndarray:
    """Whether some column goes on, after each position, with what it wrote as one ("don't" for "do not")."""
    import numpy as np

    steps = np.zeros(len(network.start) + 1, dtype=np.int64)
    for column in network.voters.tolist():
        piece = network.spoken[column].piece
        position = np.flatnonzero(network.word[:, column] != NOTHING)
        goes_on = np.flatnonzero(piece[:-1] == piece[1:])
        np.add.at(steps, position[goes_on], 1)
        np.add.at(steps, position[goes_on + 1], -1)
    return np.cumsum(steps)[:-1] > 0


def _length(network: Network, characters: np.ndarray, first: int, end: int) -> float:
    return max(network.end[end - 1] - network.start[first], (characters[end] - characters[first]) / _FASTEST)


def _cost_of_length(seconds: float) -> float:
    """What is wrong with a row of this length: a short one reads better than a long one, and two worse than one."""
    if seconds < SHORTEST:
        return 0.5 + 3.0 * (1 - seconds / SHORTEST)
    return 0.5 + (max(_LENGTH - seconds, 0.0) / 6 + max(seconds - _LENGTH, 0.0) / 4)


def _costs(network: Network) -> np.ndarray:
    """What it costs to end a row after each position, by its pause and by the signs that most columns have there."""
    import numpy as np

    voices = np.maximum((network.number != NOTHING).sum(axis=1), 1)
    sentences, phrases = _endings(network)
    pauses = np.append(network.start[1:], np.inf) - network.end
    costs = np.full(len(network.start), _BETWEEN_WORDS)
    costs[(2 * phrases >= voices) | (pauses >= _PAUSE)] = _AT_PHRASE
    costs[2 * sentences >= voices] = 0.0
    costs[pauses >= _SILENCE] = -1.0
    return costs


_ENDINGS = re.compile(f"[{re.escape(SENTENCE_ENDS + PHRASE_ENDS)}]")


def _endings(network: Network) -> tuple[np.ndarray, np.ndarray]:
    """How many columns end a sentence, and how many a sentence or phrase, with each position."""
    import numpy as np

    sentences = np.zeros(len(network.start), dtype=np.int64)
    phrases = np.zeros(len(network.start), dtype=np.int64)
    for column, spoken in enumerate(network.spoken):
        if not spoken.words:
            continue
        places = np.array([piece.start for piece in spoken.pieces])
        position = np.flatnonzero(network.word[:, column] != NOTHING)
        # The last word of a piece is the last before the next piece's first.
        last_word = np.searchsorted(spoken.piece, np.arange(len(places)), side="right") - 1
        signs = np.array([found.start() for found in _ENDINGS.finditer(spoken.text)], dtype=np.int64)
        ended = np.unique(np.searchsorted(places, signs, side="right") - 1)
        edges = [*places.tolist(), len(spoken.text), len(spoken.text)]
        for piece in ended[ended >= 0].tolist():
            first, end, after = edges[piece : piece + 3]
            found = ending(spoken.text[first:end], spoken.text[end:after])
            if found and last_word[piece] >= 0:
                sentences[position[last_word[piece]]] += found is Ending.SENTENCE
                phrases[position[last_word[piece]]] += 1
    return sentences, phrases
