"""The door to OpenRouter and to servers that speak its protocol: questions in, generations out, and the catalogue.

The only place that imports the ``openai`` SDK, and only at the first call.
"""

from lib.openrouter.call import Call, Paying
from lib.openrouter.catalogue import (
    PREFERRED,
    Catalogue,
    CatalogueKeeper,
    nearest,
    read_models,
    unknown_model,
)
from lib.openrouter.client import APP_TITLE, APP_URL, KeyStatus, OpenRouter
from lib.openrouter.question import AUDIO_FORMATS, MediaPart, Question, Turn, lowest_effort

__all__ = [
    "APP_TITLE",
    "APP_URL",
    "AUDIO_FORMATS",
    "PREFERRED",
    "Call",
    "Catalogue",
    "CatalogueKeeper",
    "KeyStatus",
    "MediaPart",
    "OpenRouter",
    "Paying",
    "Question",
    "Turn",
    "lowest_effort",
    "nearest",
    "read_models",
    "unknown_model",
]
