"""Captions that are there before any model is asked: written by people, made by a site's machine, or in a file."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from lib.domain.languages import LANGUAGES

CAPTIONS_PREFIX = "captions/"
UNKNOWN_LANGUAGE = "und"
"""What standards call a language that nobody named."""


class CaptionKind(StrEnum):
    """Who made them. What a machine made is never passed for the work of people."""

    HUMAN = "human"
    AUTOMATIC = "automatic"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class CaptionTrack:
    """One language of a video's captions. ``name`` is the site's own, where it has one."""

    kind: CaptionKind
    language: str = UNKNOWN_LANGUAGE
    name: str | None = None

    @property
    def model_id(self) -> str:
        """What stands in the place of a model when a run reads them: ``captions/human:en``."""
        known = "" if self.language == UNKNOWN_LANGUAGE else f":{self.language}"
        return f"{CAPTIONS_PREFIX}{self.kind}{known}"

    @property
    def language_code(self) -> str | None:
        """The language as models know it (``pt`` of ``pt-BR``); None for one that is not in our table."""
        code = self.language.split("-")[0].lower()
        return code if code in LANGUAGES else None

    @property
    def language_words(self) -> str:
        """``English``, ``Portuguese (BR)``, the site's own name for what we do not know."""
        code, _, region = self.language.partition("-")
        name = LANGUAGES.get(code.lower())
        if name is None:
            return self.name or ("Unknown language" if self.language == UNKNOWN_LANGUAGE else self.language)
        return f"{name} ({region})" if region else name


def is_captions(model_id: str) -> bool:
    """Whether a run read captions in the place of asking a model."""
    return model_id.startswith(CAPTIONS_PREFIX)


def track_of(model_id: str) -> CaptionTrack:
    """The track that a run's ``model_id`` names. Raises ValueError for a model."""
    if not is_captions(model_id):
        raise ValueError(f"{model_id} is a model, not captions")
    kind, _, language = model_id.removeprefix(CAPTIONS_PREFIX).partition(":")
    return CaptionTrack(CaptionKind(kind), language or UNKNOWN_LANGUAGE)
