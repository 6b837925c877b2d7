"""Speech on this machine: the only door to faster-whisper. Words with times, silences, and the weights it takes.

Importing this loads neither the engine nor a model.
"""

from lib.domain.languages import LANGUAGES, language_code
from lib.speech.recognition import Heard, Listener
from lib.speech.weights import (
    LOCAL_MODELS,
    LocalModel,
    assemble,
    has_weights,
    local_model,
    local_models,
    look_up_hub,
)

__all__ = [
    "LANGUAGES",
    "LOCAL_MODELS",
    "Heard",
    "Listener",
    "LocalModel",
    "assemble",
    "has_weights",
    "language_code",
    "local_model",
    "local_models",
    "look_up_hub",
]
