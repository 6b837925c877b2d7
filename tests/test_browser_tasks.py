"""From a transcript to its translation in the reader and a summary whose times seek, in a real Chromium."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.app import PHONE, assert_fits, environment_for
from tests.browsing import lines
from tests.editing_fixtures import cues_of, write_run
from tests.fakes.openrouter_server import DEFAULT_KEY, FakeOpenRouter
from tests.services_fixtures import services_beside
from tests.text_fixtures import translation_or

pytestmark = pytest.mark.browser

TALK = "a" * 32
SUMMARY = "A reading of **two cities**.\n\n- The seasons are named [00:13].\n- Then what lay before us [00:21 - 00:24]."


@pytest.fixture(scope="module")
def openrouter() -> Iterator[FakeOpenRouter]:
    with FakeOpenRouter(answer=translation_or(SUMMARY, say="قال: {}".format)) as server:
        yield server


@pytest.fixture(scope="module")
def app_environment(openrouter) -> Mapping[str, str]:
    return {**environment_for(openrouter.base_url), "OPENROUTER_API_KEY": DEFAULT_KEY}


@pytest.fixture(scope="module")
def said(app, talking_video) -> str:
    app.wait_for_worker()
    with services_beside(app.data) as services:
        return write_run(services._tools.store, TALK, services.keep_file(talking_video), cues_of())


def choose(making: Locator, task: str) -> None:
    making.get_by_test_id("stButtonGroup").get_by_text(task, exact=True).click()


def wait_until_at(page: Page, second: float) -> None:
    """Until the player stands there, or plays on from there."""
    page.wait_for_function(
        """second => {
            const hosts = [...document.querySelectorAll("*")].filter((element) => element.shadowRoot);
            const roots = [document, ...hosts.map((host) => host.shadowRoot)];
            const video = roots.map((root) => root.querySelector(".reader video")).find(Boolean);
            return video && video.currentTime >= second - 0.1 && video.currentTime < second + 5;
        }""",
        arg=second,
    )


def test_a_transcript_becomes_a_translation_and_a_summary(app, visit, said):
    """Chosen on the transcript's page with the price before: the translation stands line by line at the same times,
    read from the right; the summary's times send the player there, by mouse and by keyboard; both fit a phone."""
    page = visit(f"/transcript?run={said}")
    making = page.locator(".st-key-making")
    choose(making, "Translate")
    making.get_by_role("combobox", name="Translate to").click()
    page.keyboard.type("Arabic")
    page.keyboard.press("Enter")
    expect(making.get_by_text("(estimate)")).to_be_visible()
    making.get_by_role("button", name="Run", exact=True).click()
    expect(page.get_by_text("Translation to Arabic", exact=False).first).to_be_visible()
    expect(lines(page)).to_have_count(6)
    expect(lines(page).nth(1)).to_contain_text("قال: It was the age of wisdom")
    expect(lines(page).nth(1).locator(".time")).to_contain_text("0:05")
    assert lines(page).nth(1).locator(".said").evaluate("said => getComputedStyle(said).direction") == "rtl"

    page.get_by_role("link", name="Open the transcript it was made from").click()
    expect(making.get_by_role("link", name=re.compile("to Arabic"))).to_be_visible()
    choose(making, "Summary")
    making.get_by_role("button", name="Run", exact=True).click()
    document = page.locator(".st-key-document")
    expect(document.get_by_text("two cities")).to_be_visible()
    document.get_by_role("link", name="00:13").click()
    wait_until_at(page, 13)
    document.get_by_role("link", name="00:21").press("Enter")
    wait_until_at(page, 21)
    assert "#t=" not in page.url
    summary = page.url.removeprefix(app.url)
    for address in (summary, f"/transcript?run={said}"):
        phone = visit(address, viewport=PHONE)
        expect(phone.locator(".reader")).to_be_visible()
        assert_fits(phone)
