"""A client of OpenRouter, a server for it to ask, and questions, for the tests of what passes between them."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
import stamina

from lib.domain.model import Model, Price
from lib.openrouter import MediaPart, OpenRouter, Question
from tests.fakes.openrouter_server import DEFAULT_KEY, FakeOpenRouter

PAID = Price(Decimal("0.0000005"), Decimal("0.000003"))
GEMINI = Model("google/gemini-3.8-flash", "Gemini", frozenset({"text", "audio", "video"}), price=PAID)
GLM = Model("z-ai/glm-5.3-flash", "GLM", frozenset({"text", "video"}), price=PAID)
VOXTRAL = Model("mistralai/voxtral-small", "Voxtral", frozenset({"text", "audio"}), price=PAID)


@pytest.fixture(autouse=True)
def no_waits():
    """Retries happen at once: the waits are read from what the user is told."""
    with stamina.set_testing(True, attempts=10, cap=True):
        yield


@pytest.fixture(name="server")
def fake_server():
    with FakeOpenRouter() as server:
        yield server


@pytest.fixture(name="client")
def keyed_client(server):
    client = OpenRouter(server.base_url, DEFAULT_KEY, timeout=5)
    yield client
    client.close()


@pytest.fixture(name="video")
def some_video(tmp_path) -> Path:
    """200,001 bytes of no video at all: a length that base64 has to pad, and that needs several pieces."""
    path = tmp_path / "clip “é”.mp4"
    path.write_bytes(bytes(i * i % 251 for i in range(200_001)))
    return path


def ask(video: Path | None = None, *, model: Model = GEMINI, **changes) -> Question:
    media = MediaPart("video", video, None, "video/mp4") if video else None
    return replace(Question(model, "Transcribe “this”.\nWith times: ünï 你好", media), **changes)


def the_error(client, question, kind, **callbacks):
    with pytest.raises(kind) as caught:
        client.generate(question, **callbacks)
    return caught.value
