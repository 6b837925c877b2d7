"""What the model wrote, as one row of tokens, and how long it takes to say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lib.domain.tokens import display_width, tokens
from lib.domain.transcript import Segment

WIDTH_PER_SECOND = 15.0  # columns of text spoken in a second, where nothing better is known


@dataclass(frozen=True, slots=True)
class Said:
    """The tokens of all segments in one row. ``first[s]`` is where segment ``s`` begins in it."""

    text: list[str]
    segment: list[int]
    first: list[int]
    share: list[float]  # how far into its segment a token lies, from 0 to 1

    def of(self, segment: int) -> range:
        return range(self.first[segment], self.first[segment + 1])


def said_in(segments: Sequence[Segment]) -> Said:
    """The tokens of these segments; a blank one has none."""
    said = Said([], [], [0], [])
    for index, segment in enumerate(segments):
        length = max(1, len(segment.text))
        for token in tokens(segment.text):
            said.text.append(token.text)
            said.segment.append(index)
            said.share.append(token.start / length)
        said.first.append(len(said.text))
    return said


def speaking_seconds(text: str) -> float:
    """About how long it takes to say the text."""
    return max(1.0, display_width(text.strip()) / WIDTH_PER_SECOND)
