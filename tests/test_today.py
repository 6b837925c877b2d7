"""What was asked on another day and is sent today: to the server of today, under the limits of today."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from lib.domain.run import PartForm, Run, RunState
from tests.batch_fixtures import make_video
from tests.fakes.openrouter_server import FakeOpenRouter
from tests.services_fixtures import services_beside, services_beside_server
from tests.test_jobs import wait_for
from tests.waiting import is_over

__all__ = ["make_video"]

GEMINI, TINY = "google/gemini-3.8-flash", "local/whisper-tiny.en"


@pytest.fixture
def servers() -> Iterator[tuple[FakeOpenRouter, FakeOpenRouter]]:
    with FakeOpenRouter() as before, FakeOpenRouter(answer="[00:01] Ever tried. Ever failed.") as today:
        yield before, today


def test_todays_key_goes_to_the_server_of_today_alone(tmp_path, servers, make_video):
    """A model added to a comparison, videos added to a batch, and an item that never started: asked first when another
    server was set, they go today to the one that is set today, as they would if they were asked first today."""
    before, today = servers
    with services_beside(tmp_path, OPENROUTER_BASE_URL=before.base_url) as services:
        source = services.keep_file(make_video("one.mp4"))
        comparison = services.comparisons.start([services.new_request(source, TINY)]).comparison
        plan = services.batches.plan([services.batches.read_file(make_video("two.mp4"))], [GEMINI])
        batch = services.batches.start(plan)  # no key is known yet: it stays in its row
        wait_for(services, services.comparisons.runs(comparison.id)[0], is_over)

    limits = {"CUEWISE_MEDIA_LIMIT_MB": "3", "CUEWISE_ALLOW_PRIVATE_URLS": "1"}
    with services_beside_server(tmp_path, today, **limits) as services:
        services.save_preferences(replace(services.preferences(), part_form=PartForm.IMAGE_URL))
        services.comparisons.add(comparison.id, [GEMINI])
        more = services.batches.plan_more(batch.id, [services.batches.read_file(make_video("three.mp4"))])
        services.batches.add(batch.id, more)
        assert services.batches.retry_failed(batch.id) == ()
        rows = services.batches.get(batch.id).rows
        runs = [services.comparisons.runs(comparison.id)[-1], *(row.run for row in rows)]
        ended = [wait_for(services, run, is_over) for run in runs]
    assert [run.state for run in ended] == [RunState.DONE] * 3, [run.failure for run in ended]
    assert all(request.method == "GET" for request in before.history)
    assert sum(request.method == "POST" for request in today.history) == 3
    assert {of_the_day(run) for run in ended} == {(today.base_url, True, 3_000_000, PartForm.IMAGE_URL)}


def of_the_day(run: Run) -> tuple[object, ...]:
    asked = run.request
    return asked.base_url, asked.allow_private_urls, asked.media_limit_bytes, asked.part_form
