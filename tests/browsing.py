"""What a person does on the app's pages, and what has to be seen there: for browser tests and screenshots."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from tests.app import WAIT_MS
from tests.fakes.openrouter_server import DEFAULT_KEY


def assert_framed(page: Page) -> None:
    """The menu and a heading are there, and no exception."""
    expect(page.get_by_test_id("stHeading").first).to_be_visible()
    expect(page.get_by_test_id("stSidebar").get_by_role("link", name="Activity")).to_be_attached()
    expect(page.get_by_test_id("stException")).to_have_count(0)
    expect(page.get_by_text("Something went wrong")).to_have_count(0)


def assert_inert(page: Page) -> None:
    """Nothing in the page came out of a stranger's text; what asks, loads or fails is noted by the watch."""
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)
    for selector in (
        "img[src='x']",
        "img[src*='elsewhere']",
        "iframe",
        "a[href^='javascript' i]",
        "[onload]",
        "[onerror]",
    ):
        expect(page.locator(selector)).to_have_count(0)
    assert_framed(page)


def settle(page: Page) -> None:
    """Until no script of the page runs, and all that it drew is there with its letters."""
    expect(page.locator("[data-test-script-state=running]")).to_have_count(0)
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)
    page.evaluate("() => document.fonts.ready.then(() => true)")
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def open_by_menu(page: Page, name: str) -> None:
    """Go on within the same session, as a click does; an address typed anew would begin another."""
    page.get_by_test_id("stSidebar").get_by_role("link", name=name).click()
    expect(page.get_by_test_id("stHeading").filter(has_text=name).first).to_be_visible()


def type_key(page: Page, key: str = DEFAULT_KEY) -> None:
    open_by_menu(page, "Settings")
    page.get_by_label("Paste a key").fill(key)
    page.get_by_role("button", name="Use this key").click()
    expect(page.get_by_text(f"sk-…{key[-4:]} · for this browser session")).to_be_visible()


def drop_file(page: Page, file: object) -> None:
    way_in = page.locator("input[type=file]")
    expect(way_in).to_have_count(1)  # the one that took the last file goes when the next one comes
    way_in.set_input_files(file)


def choose_model(page: Page, name: str) -> None:
    """Let this be the only model."""
    page.get_by_role("button", name="Clear all").click()
    # A choice that is made before the page knows that the list is empty is lost.
    expect(page.get_by_text("With a clip and at least one model")).to_be_visible()
    add_model(page, name)


def add_model(page: Page, name: str) -> None:
    """One more model beside those that are chosen."""
    picker = page.get_by_role("combobox", name=re.compile("One or several"))
    expect(picker).to_be_visible()
    settle(page)
    picker.click()  # to fill it as it gets the focus closes its list again
    picker.fill(name)
    page.get_by_role("option", name=re.compile(re.escape(name))).first.click()
    picker.blur()  # closes the list; Escape would empty it when it is closed already
    expect(bill(page, name)).to_be_visible()


def bill(page: Page, name: str) -> Locator:
    """The innermost box about a model: the one under "Before you run"."""
    return page.get_by_test_id("stVerticalBlock").filter(has=page.locator("strong", has_text=name)).last


def press_run(page: Page) -> str:
    """Start the one run, and give its id."""
    settle(page)  # the bill stands before the last of the page is drawn
    page.get_by_role("button", name="Run", exact=True).click()
    page.wait_for_url(re.compile(r"/transcript\?run="))
    return page.url.rpartition("run=")[2]


def press_compare(page: Page, count: int) -> str:
    """Start the comparison of so many models, and give its id."""
    settle(page)
    page.get_by_role("button", name=f"Compare {count} models").click()
    page.wait_for_url(re.compile(r"/compare\?comparison="))
    return page.url.rpartition("comparison=")[2]


def badges(page: Page, state: str | re.Pattern[str]) -> Locator:
    """The words for a state, wherever they stand as such."""
    return page.locator(".stMarkdownBadge", has_text=state)


def wait_until(page: Page, state: str) -> None:
    expect(badges(page, state)).to_be_visible()


def wait_until_over(page: Page, count: int) -> None:
    """Every column is at its end, however it came there."""
    expect(page.get_by_role("button", name="Stop")).to_have_count(0, timeout=3 * WAIT_MS)
    expect(badges(page, re.compile("Done|Failed|Cancelled"))).to_have_count(count)


def switch_to(page: Page, view: str) -> None:
    """Another view of the same page."""
    page.get_by_test_id("stButtonGroup").get_by_text(view, exact=True).click()


def lines(page: Page) -> Locator:
    """The lines of the transcript."""
    return page.locator(".reader .line")


def seconds_of(line: Locator) -> int:
    minutes, seconds = line.locator(".time").inner_text().split(":")
    return int(minutes) * 60 + int(seconds)
