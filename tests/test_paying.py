"""Paying, request by request, without a worker: what is reserved, granted and written down about each."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, nullcontext
from dataclasses import replace
from decimal import Decimal

import pytest

from lib.domain.budget import Spent
from lib.errors import CapReached
from lib.openrouter import MediaPart, OpenRouter, Question
from lib.pipeline import paying
from lib.pipeline.estimate import most_prompt_tokens
from lib.pipeline.paying import Payer
from lib.pipeline.run import find_model
from lib.pipeline.tools import Tools
from lib.services import open_tools
from lib.settings import Settings
from tests.fakes.openrouter_server import DEFAULT_KEY, FakeOpenRouter, Reply

GEMINI = "google/gemini-3.8-flash"
ANSWER = "It was the best of times."


@pytest.fixture
def server() -> Iterator[FakeOpenRouter]:
    with FakeOpenRouter(answer=ANSWER) as server:
        yield server


@pytest.fixture
def tools(tmp_path, server) -> Iterator[Tools]:
    given = {"CUEWISE_DATA": str(tmp_path / "data"), "OPENROUTER_BASE_URL": server.base_url}
    tools = open_tools(Settings.from_environment(given))
    yield replace(tools, holder="this test")
    tools.store.close()


@pytest.fixture
def client(server) -> Iterator[OpenRouter]:
    client = OpenRouter(server.base_url, DEFAULT_KEY)
    yield client
    client.close()


def question_of(tools: Tools, **changes: object) -> Question:
    return replace(Question(find_model(GEMINI, tools), "What was it?", None, max_tokens=1000), **changes)


def payer_of(tools: Tools, task: str = "transcript", own_cap_usd: Decimal | None = None) -> Payer:
    return Payer("order", task, own_cap_usd, False, tools, print)


def test_books_that_cannot_be_written_cost_no_answer(tools, client, server, monkeypatch, caplog):
    """The database fails while an answer streams and when it is over: it is given all the same, the log says so, and
    what was reserved for it counts."""
    monkeypatch.setattr(paying, "RENEW_EVERY", 0.0)
    server.enqueue(Reply.drip(ANSWER, delay=0.02, pieces=10))

    def rename(one: str, other: str) -> None:
        with closing(sqlite3.connect(tools.settings.data_dir / "cuewise.db")) as database, database:
            if database.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (one,)).fetchone():
                database.execute(f"ALTER TABLE {one} RENAME TO {other}")

    def lose_the_books(text: str) -> None:
        if text:
            rename("payment", "lost")

    answered = client.generate(question_of(tools), on_text=lose_the_books, paying=payer_of(tools).pay)
    rename("lost", "payment")
    assert answered.text == ANSWER
    spent = tools.store.payments.of_month()
    assert spent == Spent(reserved_usd=spent.reserved_usd)
    assert spent.reserved_usd > 0
    said = [record.message for record in caplog.records if record.name == paying.__name__]
    assert len(said) > 1  # renewed, more than once perhaps, and settled
    assert all("could not be written down" in each for each in said)


@pytest.mark.parametrize(("task", "is_sent"), [("transcript", False), ("summary", True), ("custom", True)])
def test_a_cap_leaves_room_for_the_answer_that_the_task_takes(tools, task, is_sent):
    """Of an hour, what is left would cut off a transcript in the middle, and is plenty for a summary."""
    hour = MediaPart("video", None, "https://www.youtube.com/watch?v=dQw4w9WgXcQ", "video/mp4", seconds=3600.0)
    asked = question_of(tools, media=hour, max_tokens=65_536)
    price = asked.model.price
    cap_usd = price.cost(most_prompt_tokens(asked), 20_000)
    end = nullcontext() if is_sent else pytest.raises(CapReached)
    with end, payer_of(tools, task, cap_usd).pay(asked) as call:
        assert call.question.max_tokens == 20_000


def test_a_translation_gets_room_for_as_much_as_it_translates(tools):
    """Its answer grows with its text: a cap that leaves half of that refuses it before anything is sent."""
    asked = question_of(tools, prompt="It was the best of times. " * 500, max_tokens=16_384)
    half, twice = (asked.model.price.cost(13_000, tokens) for tokens in (3100, 12_500))
    with pytest.raises(CapReached), payer_of(tools, "translation", half).pay(asked):
        pass
    with payer_of(tools, "translation", twice).pay(asked) as call:
        assert call.question.max_tokens == 12_500
