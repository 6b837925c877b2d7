"""Several people at once, each in a tab that speaks Streamlit's protocol: what is one's own stays one's own."""

from __future__ import annotations

import asyncio

import pytest

from bench.load import answer, asked_with_anothers_key, wait_for_runs
from bench.people import Clock, Person, Story
from tests.app import environment_for, running_app
from tests.fakes.openrouter_server import FakeOpenRouter


@pytest.fixture(autouse=True)
def brisk(monkeypatch):
    """Nobody thinks for long here."""
    monkeypatch.setattr("bench.people.THINKING", (0.0, 0.2))
    monkeypatch.setattr("bench.people.READING", 1.0)
    monkeypatch.setattr("bench.people.ARRIVING", 0.5)


def test_nobody_is_sent_what_is_anothers(tmp_path, short_talking_video):
    """Three people type keys and drafts of their own, choose, run, compare and look everywhere, all at once: no message
    to any of them has another's key or draft, a new page proposes what it always does, and what each one runs is asked
    with their own key."""
    people = [Person(number, short_talking_video.read_bytes() + bytes(number)) for number in (1, 2, 3)]

    async def visit(url: str) -> None:
        async with asyncio.TaskGroup() as group:
            for person in people:
                group.create_task(Story(person, url, Clock(), seed=1).tell())

    with (
        FakeOpenRouter(key=None, answer=answer, delay=0.1) as openrouter,
        running_app(tmp_path / "app", **environment_for(openrouter.base_url)) as app,
    ):
        asyncio.run(visit(app.url))
        runs = wait_for_runs(app)
        asked = [request for request in openrouter.history if request.path == "/chat/completions"]
    assert [person.leaks for person in people] == [set(), set(), set()]
    assert len(runs) == 3 * len(people)
    assert not asked_with_anothers_key(runs)
    assert sorted({request.bearer for request in asked}) == [person.key for person in people]
