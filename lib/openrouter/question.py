"""What we ask a model: a prompt, and at most one video or one sound."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from lib.domain.model import Model
from lib.domain.run import PartForm

AUDIO_FORMATS = {
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/wave": "wav",
    "audio/vnd.wave": "wav",
    "audio/aiff": "aiff",
    "audio/x-aiff": "aiff",
    "audio/aac": "aac",
    "audio/x-aac": "aac",
    "audio/ogg": "ogg",
    "audio/opus": "ogg",
    "audio/flac": "flac",
    "audio/x-flac": "flac",
    "audio/mp4": "m4a",
    "audio/m4a": "m4a",
    "audio/x-m4a": "m4a",
}
"""The name that ``input_audio`` has for each MIME type."""

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
"""Reasoning efforts, least first."""


@dataclass(frozen=True, slots=True)
class MediaPart:
    """The media of one question: a file, sent as base64 straight from disk, or a link, sent as it is.

    A link goes only to models that fetch it themselves, and only for video. ``audio_format`` is worked out from
    ``media_type`` when it is None. ``seconds`` is how long it lasts, None where nobody knows. Raises ValueError for a
    wrong shape.
    """

    kind: Literal["video", "audio"]
    path: Path | None
    link: str | None
    media_type: str
    audio_format: str | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        if self.kind not in ("video", "audio"):
            raise ValueError(f"a media part is video or audio, not {self.kind!r}")
        if (self.path is None) == (self.link is None):
            raise ValueError("a media part has a path or a link, and not both")
        if self.kind == "audio":
            if self.link is not None:
                raise ValueError("sound is sent as bytes: input_audio takes no links")
            if self.format is None:
                raise ValueError(f"input_audio has no format for {self.media_type!r}")

    @property
    def format(self) -> str | None:
        """``mp3``, ``wav``, ...: what ``input_audio`` calls this sound; None for a type it does not take."""
        return self.audio_format or AUDIO_FORMATS.get(self.media_type.partition(";")[0].strip().lower())


@dataclass(frozen=True, slots=True)
class Turn:
    """What stands before the prompt: our instructions (``system``), or an earlier question and its answer."""

    role: Literal["system", "user", "assistant"]
    text: str


@dataclass(frozen=True, slots=True)
class Question:
    """One call to one model. ``max_tokens`` and ``reasoning_effort`` None leave the choice to the provider.

    ``turns`` come before the prompt, in their order.
    """

    model: Model
    prompt: str
    media: MediaPart | None
    part_form: PartForm = PartForm.VIDEO_URL
    temperature: float = 0.0
    max_tokens: int | None = None
    reasoning_effort: str | None = None
    turns: tuple[Turn, ...] = ()


def lowest_effort(model: Model) -> str | None:
    """The least reasoning the model supports, None when its row names none that we know.

    More thinking made transcripts and speakers worse in published tests.
    """
    known = [effort for effort in EFFORTS if effort in model.reasoning_efforts]
    return known[0] if known else None


def with_more_room(question: Question) -> Question:
    """The same question with less reasoning and twice the room: for a model whose thinking ate its answer."""
    model = question.model
    effort = lowest_effort(model)
    if effort is None and "reasoning" in model.parameters:
        effort = "low" if model.reasoning_mandatory else "none"
    room = model.max_output_tokens
    if question.max_tokens is not None:
        doubled = 2 * question.max_tokens
        room = doubled if room is None else max(question.max_tokens, min(doubled, room))
    return replace(question, reasoning_effort=effort or question.reasoning_effort, max_tokens=room)
