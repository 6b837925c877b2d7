"""How often workers look for work: often while there is some, seldom while there is none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from dbos import DBOSClient

from lib.domain.run import RunState
from lib.jobs import Jobs
from lib.jobs.database import prepare_database
from lib.jobs.names import APPLICATION
from lib.jobs.pace import AT_REST, AT_WORK, RESTS_AFTER, Pace, quicken
from lib.jobs.queues import LOOKED_INTO
from tests.fakes.openrouter_server import FakeOpenRouter
from tests.services_fixtures import services_beside_server
from tests.waiting import is_over, look_until


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'jobs.db'}"
    prepare_database(url)
    return url


@pytest.fixture
def client(url: str) -> Iterator[DBOSClient]:
    client = DBOSClient(system_database_url=url, application_name=APPLICATION)
    for name in LOOKED_INTO:
        client.register_queue(name, polling_interval_sec=AT_WORK)
    yield client
    client.destroy()


def paces(client: DBOSClient) -> set[float]:
    return {client.retrieve_queue(name).polling_interval_sec for name in LOOKED_INTO}


def test_without_work_the_pace_falls_after_a_while_and_not_before(client):
    clock = Clock()
    pace = Pace(client, clock)
    clock.now = RESTS_AFTER - 1
    pace.check()
    assert paces(client) == {AT_WORK}
    clock.now = RESTS_AFTER + 1
    pace.check()
    assert paces(client) == {AT_REST}


def test_what_is_queued_quickens_it_at_once_and_keeps_it_quick(client, url):
    clock = Clock()
    pace = Pace(client, clock)
    clock.now = RESTS_AFTER + 1
    pace.check()
    with closing(Jobs(url)) as jobs:
        jobs.submit("r1", 1)
        assert paces(client) == {AT_WORK}
        clock.now += 10 * RESTS_AFTER
        pace.check()
        assert paces(client) == {AT_WORK}
        jobs.cancel("r1", 1)
    clock.now += RESTS_AFTER + 1
    pace.check()
    assert paces(client) == {AT_REST}


def test_work_that_another_worker_let_rest_is_seen(client, url):
    """Whoever checks while there is work sets the pace right, whatever it was set to meanwhile."""
    with closing(Jobs(url)) as jobs:
        jobs.submit("r1", 1)
    for name in LOOKED_INTO:
        client.retrieve_queue(name).set_polling_interval_sec(AT_REST)
    Pace(client).check()
    assert paces(client) == {AT_WORK}


def test_a_database_without_queues_is_left_alone(url):
    """As it is before the first worker has begun."""
    client = DBOSClient(system_database_url=url, application_name=APPLICATION)
    clock = Clock()
    pace = Pace(client, clock)
    clock.now = RESTS_AFTER + 1
    pace.check()
    quicken(client)
    assert client.list_queues() == []
    client.destroy()


def test_a_worker_at_rest_takes_up_a_run_and_works_at_full_pace(tmp_path, short_talking_video):
    with (
        FakeOpenRouter(answer="[00:01] Ever tried, ever failed.") as server,
        services_beside_server(tmp_path / "data", server) as services,
    ):
        services.ensure_worker()
        prepare_database(services.settings.jobs_database_url)
        client = DBOSClient(system_database_url=services.settings.jobs_database_url, application_name=APPLICATION)
        look_until(lambda: len(client.list_queues()), lambda number: number >= len(LOOKED_INTO))
        for name in LOOKED_INTO:
            client.retrieve_queue(name).set_polling_interval_sec(AT_REST)
        source = services.keep_file(short_talking_video)
        run = services.submit(services.new_request(source, "google/gemini-3.8-flash"))
        assert paces(client) == {AT_WORK}
        assert look_until(lambda: services.run(run.id), is_over).state is RunState.DONE
        client.destroy()
