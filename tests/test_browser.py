"""What a person does, in a real Chromium: upload, paste, choose, pay, read, seek, cancel, come back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pysubs2
import pytest
from playwright.sync_api import Page, expect

from tests.app import PHONE, assert_fits
from tests.browsing import (
    assert_framed,
    assert_inert,
    badges,
    bill,
    choose_model,
    drop_file,
    lines,
    open_by_menu,
    press_run,
    seconds_of,
    type_key,
    wait_until,
)
from tests.fakes.media_server import Answer, MediaServer, video_page
from tests.fakes.openrouter_server import DEFAULT_KEY, FakeOpenRouter, Reply

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)<script>[l](javascript:alert(3)) :red[x] $a$"
HOSTILE_DOCUMENT = f"""\
# {HOSTILE}

![seen](http://elsewhere.example/seen.png) [go](javascript:alert(4)) <javascript:alert(5)> [r][1]

<iframe src="http://elsewhere.example/"></iframe><svg onload=alert(6)>

[1]: javascript:alert(7)
"""
PAGES = {
    "/": "Paste a link",
    "/activity": re.compile("Nothing has run yet|Running|Done|Failed|Cancelled"),
    "/batch": "Nothing has been started together yet.",
    "/compare": "Nothing has been compared yet.",
    "/ask": re.compile("About|there is no transcript here"),
    "/library": re.compile("this month"),
    "/models": re.compile("online models"),
    "/settings": "Tools",
    "/transcript": "Nothing is open yet.",
    f"/transcript?run={'0' * 32}": "There is no such run here.",
}
SRT = re.compile(r"(\d+\n\d\d:\d\d:\d\d,\d{3} --> \d\d:\d\d:\d\d,\d{3}\n(.+\n)+(\n|\Z))+")
OpenPage = Callable[..., Page]


@pytest.fixture(scope="module")
def openrouter() -> Iterator[FakeOpenRouter]:
    with FakeOpenRouter(answer="[00:01] Ever tried, ever failed.\n[00:05] Fail better.") as server:
        row = server.catalogue["data"][0]
        server.catalogue["data"].append(row | {"id": "vendor/hostile", "name": HOSTILE})
        yield server


@pytest.fixture(scope="module")
def media() -> Iterator[MediaServer]:
    with MediaServer() as server:
        yield server


@pytest.fixture
def visit(visit) -> OpenPage:
    """Opens an address of the app as a new visitor, with its frame."""

    def visit_framed(address: str = "/", **options: object) -> Page:
        page = visit(address, **options)
        assert_framed(page)
        return page

    return visit_framed


def test_a_video_is_transcribed_without_a_key(visit, talking_video):
    """Drop a video, press Run: text appears while it is written, a click moves the player, the SRT is whole."""
    page = visit(accept_downloads=True)
    drop_file(page, talking_video)
    expect(page.get_by_text("Whisper base").first).to_be_visible()
    expect(page.get_by_text("Total: free.")).to_be_visible()
    press_run(page)
    expect(page.locator(".reader:has(.line):has(.growing:not([hidden]))")).to_be_visible()
    wait_until(page, "Done")
    expect(lines(page).first).to_contain_text("it was the worst of times")

    line = lines(page).filter(has_text="incredulity")
    expect(line).to_have_count(1)
    line.click()
    expect(line).to_have_attribute("aria-current", "true")
    video = page.locator(".reader video")
    assert 5 < seconds_of(line) <= video.evaluate("video => video.currentTime") < seconds_of(line) + 5

    search = page.get_by_role("searchbox", name="Search the lines")
    search.fill("foolishness")
    expect(page.locator(".reader [role=search] .count")).to_have_text("1 of 1")
    expect(page.locator(".reader mark")).to_have_text("foolishness")
    search.fill("nowhere")
    expect(page.locator(".reader [role=search] .count")).to_have_text("No match")

    with page.expect_download() as download:
        page.get_by_role("button", name="SRT").click()
    assert download.value.suggested_filename == "two cities - whisper-base.srt"
    text = Path(download.value.path()).read_text(encoding="utf-8")
    assert SRT.fullmatch(text)
    captions = pysubs2.SSAFile.from_string(text, format_="srt")
    assert "the worst of times" in captions[0].text.replace("\\N", " ")
    assert all(one.start < one.end <= two.start for one, two in pairwise(captions))
    assert captions[-1].start < captions[-1].end <= 46_000

    page.set_viewport_size(PHONE)
    expect(lines(page).first).to_be_visible()
    assert_fits(page)


def test_a_link_is_looked_up_and_run(visit, media, short_talking_video):
    """Paste a link: its title is shown before anything is downloaded, and the small model writes it down."""
    page = visit()
    link = media.put("/talks/beckett.mp4", Answer.of(short_talking_video))
    page.get_by_label("Link to a video, a playlist or a media file").fill(link)
    page.get_by_role("button", name="Look up").click()
    expect(page.get_by_text("beckett", exact=False).first).to_be_visible()
    choose_model(page, "Whisper tiny.en")
    press_run(page)
    wait_until(page, "Done")
    expect(page.locator(".reader .lines")).to_contain_text(re.compile("fail better", re.IGNORECASE))
    expect(page.locator(".reader video")).to_have_attribute("src", re.compile("^/api/media/[0-9a-f]{64}$"))


def test_the_bill_comes_before_the_run_and_nothing_is_paid_twice(visit, app, openrouter, short_talking_video):
    """A priced model shows route, size and dollars, asks for the key, streams; a second run costs nothing."""
    page = visit()
    drop_file(page, short_talking_video)
    choose_model(page, "Google: Gemini 3.8 Flash")
    box = bill(page, "Google: Gemini 3.8 Flash")
    expect(box).to_contain_text("sees and hears")
    expect(box).to_contain_text(re.compile(r"Fits.*MB to send · 1 part · [\d,]+ tokens in"))
    expect(page.get_by_text(re.compile(r"^Total: \$0\.\d{4} \(estimate\)"))).to_be_visible()

    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("A chosen model needs your OpenRouter key.")
    page.get_by_label("Your OpenRouter key").fill(DEFAULT_KEY)
    openrouter.enqueue(Reply.drip("[00:01] Ever tried, ever failed.\n[00:05] Fail better.", delay=0.15, pieces=24))
    press_run(page)
    expect(page.locator(".reader:has(.line):has(.growing:not([hidden]))")).to_be_visible()
    wait_until(page, "Done")
    expect(lines(page).last).to_contain_text("Fail better.")
    expect(page.get_by_text("$0.0012").first).to_be_visible()
    page.get_by_text("Facts", exact=True).click()
    facts = page.locator(".st-key-facts").get_by_test_id("stExpanderDetails")
    for words in ("Google AI Studio", "Google: Gemini 3.8 Flash", "750 tokens", "gen-1", "The file as it is"):
        expect(facts).to_contain_text(words)

    asked = len(openrouter.history)
    open_by_menu(page, "New run")
    press_run(page)
    wait_until(page, "Done")
    expect(page.get_by_text("$0 (answered before)").first).to_be_visible()
    expect(lines(page).last).to_contain_text("Fail better.")
    assert not [request for request in openrouter.history[asked:] if request.method == "POST"]
    kept = [path for path in app.data.rglob("*") if path.is_file()]
    assert kept
    assert not [path for path in kept if DEFAULT_KEY.encode() in path.read_bytes()]


def test_a_failure_says_what_to_do_and_retry_goes_on(visit, openrouter, short_talking_video):
    """No credit: the sentence and its hint stand on the page; Retry finishes the same run."""
    page = visit()
    type_key(page)
    open_by_menu(page, "New run")
    drop_file(page, short_talking_video)
    choose_model(page, "Google: Gemini 3.5 Flash Lite")
    openrouter.enqueue(Reply.refusal(402, "Insufficient credits"))
    run = press_run(page)
    wait_until(page, "Failed")
    expect(page.get_by_role("alert")).to_contain_text(re.compile("credit", re.IGNORECASE))
    page.get_by_role("button", name="Retry").click()
    wait_until(page, "Done")
    expect(lines(page).last).to_contain_text("Fail better.")
    assert page.url.endswith(run)


def test_files_that_are_no_video_say_so_and_the_page_goes_on(visit, short_talking_video):
    """An empty file and a text under a video's name get a sentence; the next file is taken."""
    page = visit()
    for content, sentence in ((b"", "The file is empty."), (b"only text\n" * 50, "neither a video nor sound")):
        drop_file(page, {"name": "talk.mp4", "mimeType": "video/mp4", "buffer": content})
        expect(page.get_by_role("alert")).to_contain_text(sentence)
        assert_framed(page)
    drop_file(page, short_talking_video)
    expect(page.get_by_text("Total: free.")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)


def test_a_reload_shows_the_same_run_and_activity_cancels_it(visit, app, openrouter, short_talking_video):
    """A run goes on without its page: a reload and a second visitor see it; Cancel in Activity ends it."""
    page = visit()
    type_key(page)
    open_by_menu(page, "New run")
    drop_file(page, short_talking_video)
    choose_model(page, "Qwen: Qwen3.8 Omni Flash")
    openrouter.enqueue(Reply.drip("[00:00] Still going on. " * 200, delay=0.2, pieces=2000))
    run = press_run(page)
    expect(lines(page).first).to_contain_text("Still going on")
    page.reload()
    expect(lines(page).first).to_contain_text("Still going on")
    wait_until(page, "Running")
    assert page.url.endswith(run)
    other = visit("/activity")
    wait_until(other, "Running")
    other.get_by_role("button", name="Cancel").click()
    expect(other.get_by_role("button", name="Cancel")).to_have_count(0)
    expect(badges(other, "Cancelled")).to_have_count(1)
    wait_until(page, "Cancelled")
    expect(lines(page).first).to_contain_text("Still going on")


@pytest.mark.parametrize(
    "options", [{}, {"viewport": PHONE, "color_scheme": "dark"}], ids=["desk", "phone in the dark"]
)
def test_every_page_opens_by_its_address(visit, app, options):
    """A deep link into a fresh session shows frame and content, wide or narrow, and never scrolls sideways."""
    page = visit("/", **options)
    for address, words in PAGES.items():
        page.goto(app.url + address)
        expect(page.get_by_test_id("stMain").get_by_text(words).first).to_be_visible()
        assert_framed(page)
        assert_fits(page)


def test_a_strangers_text_is_shown_and_never_obeyed(visit, media, openrouter, short_talking_video):
    """Titles, answers, providers, errors and model names are text: nothing of them runs, loads or leads away."""
    page = visit()
    type_key(page)
    open_by_menu(page, "New run")
    link = media.put("/hostile.mp4", Answer.of(short_talking_video))
    page.get_by_label("Link to a video, a playlist or a media file").fill(
        media.put("/hostile", video_page(HOSTILE, link))
    )
    page.get_by_role("button", name="Look up").click()
    expect(page.get_by_text("Choose another")).to_be_visible()
    assert_inert(page)
    page.get_by_role("button", name="Choose another").click()
    drop_file(page, {"name": f"{HOSTILE}.mp4", "mimeType": "video/mp4", "buffer": short_talking_video.read_bytes()})
    expect(page.get_by_text("with sound")).to_be_visible()
    choose_model(page, "<img src=x onerror")
    assert_inert(page)
    answer = f"[00:01] {HOSTILE}: {HOSTILE}\n[00:05] {HOSTILE}"
    openrouter.enqueue(Reply.refusal(402, HOSTILE), Reply.answer(answer, provider=HOSTILE))
    press_run(page)
    wait_until(page, "Failed")
    assert_inert(page)
    page.get_by_role("button", name="Retry").click()
    wait_until(page, "Done")
    expect(lines(page).last).to_contain_text(HOSTILE[-20:])
    shown = " ".join(lines(page).locator(".said").all_inner_texts())
    assert HOSTILE in " ".join(shown.split()), "a long line is broken, and nothing of it is lost"
    page.get_by_text("Facts", exact=True).click()
    expect(page.locator(".st-key-facts").get_by_test_id("stExpanderDetails")).to_contain_text("onerror")
    assert_inert(page)

    open_by_menu(page, "New run")
    page.get_by_role("combobox", name="What to make of it").click()
    page.get_by_role("option", name="Summary").click()
    openrouter.enqueue(Reply.answer(HOSTILE_DOCUMENT, provider=HOSTILE))
    press_run(page)
    wait_until(page, "Done")
    expect(page.get_by_text("onload=alert(6)", exact=False).first).to_be_attached()
    assert_inert(page)
    for name in ("Activity", "Library", "Models", "Settings"):
        open_by_menu(page, name)
        assert_inert(page)


def test_nothing_of_it_reached_the_terminal_or_the_log_as_a_traceback(app):
    """After all of the above, cancels and failures included, the logs hold no traceback and no error of ours."""
    assert "Traceback" not in app.log
    assert " ERROR " not in app.log
