"""Asking in a real Chromium: an answer that grows, a reload in the middle, a citation that seeks, a second look."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest
from playwright.sync_api import expect

from tests.app import PHONE, assert_fits, environment_for
from tests.editing_fixtures import cues_of, write_run
from tests.fakes.openrouter_server import DEFAULT_KEY, FakeOpenRouter, Reply
from tests.services_fixtures import services_beside

pytestmark = pytest.mark.browser

ANSWER = "It was the best of times [00:01], the season of light [00:13] and, they say, of more [59:00]. "


@pytest.fixture(scope="module")
def openrouter() -> Iterator[FakeOpenRouter]:
    with FakeOpenRouter(answer=ANSWER) as server:
        yield server


@pytest.fixture(scope="module")
def app_environment(openrouter) -> Mapping[str, str]:
    return {**environment_for(openrouter.base_url), "OPENROUTER_API_KEY": DEFAULT_KEY}


def test_asking_about_a_video(app, visit, openrouter, talking_video):
    """The question is asked, the page reloaded while the answer comes: it goes on, is asked once, and is cited."""
    app.wait_for_worker()
    with services_beside(app.data) as services:
        run_id = write_run(services._tools.store, "a" * 32, services.keep_file(talking_video), cues_of())
    openrouter.enqueue(Reply.drip(ANSWER * 4, delay=0.1, pieces=100))
    page = visit(f"/transcript?run={run_id}")
    page.get_by_placeholder("Ask about this video").fill("What was it?")
    page.get_by_placeholder("Ask about this video").press("Enter")
    answer = page.get_by_test_id("stChatMessage").last
    expect(answer).to_contain_text("It was the best of times")
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    page.reload()
    expect(page.get_by_test_id("stChatMessage").first).to_contain_text("What was it?")
    expect(answer).to_contain_text("from the transcript")  # the facts, which come with the end
    assert sum(request.method == "POST" for request in openrouter.history) == 1
    expect(answer).to_contain_text("59:00: not in the video")
    assert answer.get_by_role("link").count() == 8
    answer.get_by_role("link", name="0:13").first.click()
    assert 13.5 <= page.locator("video").evaluate("video => video.currentTime") < 30
    assert page.url.endswith(f"run={run_id}")  # nothing was loaded anew
    page.get_by_text("Look at the video again").click()
    expect(page.get_by_text("Sent as it is")).to_be_visible()
    page.get_by_placeholder("Ask about this video").fill("What is shown?")
    page.get_by_placeholder("Ask about this video").press("Enter")
    expect(page.get_by_test_id("stChatMessage")).to_have_count(4)
    expect(page.get_by_test_id("stChatMessage").last).to_contain_text("with the video")
    assert openrouter.history[-1].media[0].is_valid
    page.set_viewport_size(PHONE)
    assert_fits(page)
