"""Copies of a video with captions in them, made on demand; the original stays as it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from lib.domain.run import Failure, RunState


class CaptionForm(StrEnum):
    """How captions are put into a copy: as a track that can be switched off, or drawn into the pictures for good."""

    ATTACHED = "attached"
    BURNED = "burned"


@dataclass(frozen=True, slots=True)
class CopyOrder:
    """What a copy is made of: the video, the captions as the file that goes into it, and what their track is called."""

    asset_id: str
    form: CaptionForm
    captions: str
    suffix: str
    media_type: str
    language: str | None = None
    title: str = ""


@dataclass(frozen=True, slots=True)
class CaptionedCopy:
    """One copy as it stands now. ``id`` is the digest of all that shapes it: the same copy is made once.

    ``progress`` runs from 0 to 1; ``size_bytes`` is there when it is done.
    """

    id: str
    run_id: str
    form: CaptionForm
    state: RunState
    created: datetime
    media_type: str
    suffix: str
    progress: float | None = None
    size_bytes: int | None = None
    failure: Failure | None = None
