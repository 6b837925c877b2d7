"""What is said, and when: words, segments, cues, transcripts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class TimedBy(StrEnum):
    """Where a time came from: heard in the audio, claimed by the model, known only to lie in its part, written in
    captions that were read in the place of a model, or set by hand."""

    AUDIO = "audio"
    MODEL = "model"
    PART = "part"
    CAPTIONS = "captions"
    EDITED = "edited"


@dataclass(frozen=True, slots=True)
class Word:
    """One word heard in the audio. ``probability`` is the speech model's own, from 0 to 1."""

    start: float
    end: float
    text: str
    probability: float = 1.0


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of text as its model gave it. ``start`` None means that the model gave no time for it;
    ``end`` None that it gave only a start. ``words`` are there when a speech model heard them."""

    text: str
    start: float | None = None
    end: float | None = None
    speaker: str | None = None
    words: tuple[Word, ...] = ()

    @property
    def is_timed(self) -> bool:
        return self.start is not None


@dataclass(frozen=True, slots=True)
class Cue:
    """A line of the transcript on the asset's clock, in seconds. ``is_edited``: a person wrote or changed its text."""

    start: float
    end: float
    text: str
    speaker: str | None = None
    timed_by: TimedBy = TimedBy.MODEL
    is_edited: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.end:
            raise ValueError(f"a cue runs forward from zero, not {self.start}-{self.end}")


@dataclass(frozen=True, slots=True)
class Transcript:
    """The cues of one run in order of time, and the text as a whole.

    For tasks without times (a summary) there are no cues and ``text`` is Markdown.
    """

    cues: tuple[Cue, ...]
    text: str
    language: str | None = None
