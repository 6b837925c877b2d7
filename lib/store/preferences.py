"""What the user chose in Settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from lib.domain.cues import CueShape
from lib.domain.run import PartForm


@dataclass(frozen=True, slots=True)
class Preferences:
    """Choices that outlive a session. ``spending_cap_usd`` is per run, ``monthly_cap_usd`` for all runs of a calendar
    month, None for no cap; ``part_seconds`` is how long a part of a long transcript is about, ``cue_shape`` what its
    lines look like; ``asking_model`` was asked last. ``remembers_key``: one was put into the system's keyring, which is
    never opened otherwise."""

    part_form: PartForm = PartForm.VIDEO_URL
    default_models: tuple[str, ...] = ("local/whisper-base",)
    spending_cap_usd: Decimal | None = None
    monthly_cap_usd: Decimal | None = None
    part_seconds: float = 300.0
    cue_shape: CueShape = field(default_factory=CueShape)
    cookies_file: str | None = None
    asking_model: str | None = None
    remembers_key: bool = False
