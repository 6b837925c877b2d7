"""The library in a real Chromium: search, open at the second, tag, filter, delete, gone."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.app import PHONE, WAIT_MS, RunningApp, assert_fits
from tests.browsing import assert_framed, badges, choose_model, drop_file, lines, open_by_menu, press_run, settle

pytestmark = pytest.mark.browser


@pytest.fixture
def page(visit) -> Page:
    """A new visitor."""
    return visit()


def drop_anew(page: Page, app: RunningApp, video: Path) -> None:
    """Drop a file as a new visitor."""
    page.goto(app.url)
    assert_framed(page)
    drop_file(page, video)
    expect(page.get_by_text("with sound")).to_be_visible()


def transcribe(page: Page, app: RunningApp, video: Path) -> None:
    """Run the small model on this machine over a file, to its end."""
    drop_anew(page, app, video)
    choose_model(page, "Whisper tiny.en")
    press_run(page)
    expect(badges(page, "Done")).to_be_visible(timeout=5 * WAIT_MS)


def card(page: Page, title: str) -> Locator:
    return page.locator("[class*='st-key-card_']").filter(has_text=title)


def search(page: Page, words: str) -> None:
    field = page.get_by_role("searchbox", name="Search what was said").or_(page.get_by_label("Search what was said"))
    field.first.fill(words)
    field.first.press("Enter")


def test_from_a_word_to_its_second_and_to_the_last_byte(page, app, talking_video, short_talking_video):
    """Two videos are transcribed; a word opens the player at its second; a tag and a filter part them; one is deleted
    and nothing of it is left; a file seen before says so."""
    transcribe(page, app, talking_video)
    transcribe(page, app, short_talking_video)

    open_by_menu(page, "Library")
    expect(card(page, "two cities.mp4")).to_be_visible()
    expect(card(page, "beckett.mp4")).to_be_visible()
    picture = card(page, "beckett.mp4").locator(".poster img")
    expect(picture).to_have_js_property("complete", True)
    assert picture.evaluate("image => image.naturalWidth") > 100

    search(page, "incredulity")
    hit = page.locator("[class*='st-key-hits_']")
    expect(hit).to_have_count(1)
    expect(hit.locator("strong")).to_have_text("incredulity")
    link = hit.get_by_role("link")
    minutes, seconds = link.inner_text().split("\n")[-1].split(":")
    said_at = int(minutes) * 60 + int(seconds)
    assert 5 < said_at < 20
    link.click()
    page.wait_for_url(re.compile(r"/transcript\?.*run=.*t="))
    expect(lines(page).filter(has_text="incredulity")).to_be_visible()
    stands_at = page.locator(".reader video").evaluate(
        """(video, second) => new Promise(done => {
            const look = () => (video.currentTime >= second ? done(video.currentTime) : setTimeout(look, 100));
            look();
        })""",
        said_at,
    )
    assert said_at <= stands_at < said_at + 1.1

    open_by_menu(page, "Library")
    expect(page.locator("[class*='st-key-hits_'] strong")).to_have_text("incredulity")  # the search is still there
    search(page, "")
    card(page, "beckett.mp4").get_by_role("button", name="Tags").click()
    page.get_by_role("combobox", name="Tags of this video").fill("Theatre")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(card(page, "beckett.mp4").locator(".stMarkdownBadge", has_text="Theatre")).to_be_visible()
    # A choice made while the page is still being drawn can be lost: its list has just got the new tag.
    settle(page)
    page.get_by_role("button", name=re.compile("^Filters")).click()
    page.get_by_role("combobox", name="Tag", exact=True).click()
    page.get_by_role("option", name="Theatre").click()
    # And Escape, before the list is closed, empties the choice instead of closing the popover.
    expect(page.get_by_role("button", name="Filters · 1")).to_be_visible()
    page.keyboard.press("Escape")
    expect(card(page, "two cities.mp4")).to_have_count(0)
    expect(card(page, "beckett.mp4")).to_be_visible()
    page.get_by_role("button", name="Clear filters").click()
    expect(card(page, "two cities.mp4")).to_be_visible()

    card(page, "two cities.mp4").get_by_role("button", name="Delete…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(re.compile(r"This deletes for good 1 run, 1 transcript .* the file \(\d\.\d MB\)"))
    dialog.get_by_role("button", name="Keep").click()
    expect(dialog).to_have_count(0)
    expect(card(page, "two cities.mp4")).to_be_visible()
    card(page, "two cities.mp4").get_by_role("button", name="Delete…").click()
    dialog.get_by_role("button", name=re.compile("^Delete .* MB")).click()
    expect(page.get_by_text(re.compile(r"Deleted\. .* freed\."))).to_be_visible()
    expect(card(page, "two cities.mp4")).to_have_count(0)
    expect(card(page, "beckett.mp4")).to_be_visible()

    held = [path for path in (app.data / "media").rglob("*") if path.is_file()]
    assert [path.stat().st_size for path in held] == [short_talking_video.stat().st_size]
    kept = [path for path in app.data.rglob("*") if path.is_file()]
    assert not [path for path in kept if b"incredulity" in path.read_bytes()]
    with sqlite3.connect(app.data / "cuewise.db") as connection:
        assert connection.execute("SELECT count(*) FROM run").fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM transcript").fetchone() == (1,)
    search(page, "incredulity")
    expect(page.get_by_text("Nobody says “incredulity”")).to_be_visible()

    drop_anew(page, app, short_talking_video)
    expect(page.get_by_text("Already transcribed with")).to_be_visible()
    page.get_by_role("link", name="local/whisper-tiny.en").click()
    expect(page.locator(".reader .lines")).to_contain_text(re.compile("fail better", re.IGNORECASE))

    page.set_viewport_size(PHONE)
    page.goto(f"{app.url}/library?said=fail")
    expect(page.locator("[class*='st-key-hits_'] strong").first).to_be_visible()
    assert_framed(page)
    assert_fits(page)
    page.goto(f"{app.url}/library")
    expect(card(page, "beckett.mp4")).to_be_visible()
    assert_fits(page)


def test_nothing_of_it_reached_the_log_as_an_error(app):
    """Deleting what a worker had made leaves neither a traceback nor an error in the logs."""
    assert "Traceback" not in app.log
    assert " ERROR " not in app.log
