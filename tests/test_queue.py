"""Handing work to a worker: what cannot be handed over is not left waiting."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lib.domain.run import RunState
from lib.errors import StorageError
from lib.services import Services
from tests.editing_fixtures import cues_of, write_run
from tests.fakes.openrouter_server import DEFAULT_KEY, FakeOpenRouter

GEMINI = "google/gemini-3.8-flash"


@pytest.fixture
def server(openrouter) -> FakeOpenRouter:
    return openrouter


def run_it(services: Services, run_id: str) -> None:
    services.submit(services.new_request(services.run(run_id).request.source, GEMINI))


def ask(services: Services, run_id: str) -> None:
    services.conversations.ask(services.conversations.start([run_id]).id, "What was it?", GEMINI)


def copy(services: Services, run_id: str) -> None:
    services.copies.order(run_id)


@pytest.mark.parametrize("press", [run_it, ask, copy])
def test_what_cannot_be_queued_is_taken_back(services, short_talking_video, press: Callable[[Services, str], None]):
    """A run, a question and a copy: the press says why, nothing is left waiting, no key is kept, no worker starts; and
    the next press is written down anew."""
    run_id = write_run(services._tools.store, "a" * 32, services.keep_file(short_talking_video), cues_of(), end=9.0)
    in_the_way = services.settings.data_dir / "jobs.db"
    in_the_way.mkdir()
    for _ in range(2):
        with pytest.raises(StorageError, match="database of jobs"):
            press(services, run_id)
    questions = [each for talk in services.conversations.about(run_id) for each in talk.exchanges]
    works = [*services.runs(), *questions, *services.copies.of_run(run_id)]
    assert {work.state for work in works} == {RunState.DONE, RunState.CANCELLED}
    assert services._tools.store.sealed_keys.get(services._tools.vault.reference(DEFAULT_KEY)) is None
    assert services._worker._process is None
