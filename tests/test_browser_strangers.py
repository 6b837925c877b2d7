"""Hostile models, names, captions and catalogues in a real Chromium: all is shown, nothing of it runs or loads."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.app import PHONE, Watch, assert_fits
from tests.browsing import (
    add_model,
    assert_inert,
    badges,
    choose_model,
    drop_file,
    lines,
    open_by_menu,
    press_compare,
    settle,
    switch_to,
    type_key,
    wait_until,
    wait_until_over,
)
from tests.fakes.media_server import MediaServer
from tests.fakes.openrouter_server import Reply
from tests.test_comparisons import GEMINI, LITE, Each

pytestmark = pytest.mark.browser

TURNED = "\u202etxt.exe\u2066"
LONG = "unbreakable" * 40


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[MediaServer]:
    """A server that a stranger's text would like to have asked."""
    with MediaServer() as server:
        yield server


@pytest.fixture(scope="module")
def hostile(elsewhere) -> str:
    """What a stranger writes in one line."""
    url = elsewhere.url("/hostile")
    return (
        f"=1+1 <img src={url}/img onerror=alert(1)><script src={url}/js></script><style>@import '{url}/css';"
        f"*{{background:url({url}/bg)}}</style><svg onload=alert(2)> ![i]({url}/md.png) [l](javascript:alert(3)) "
        f"[d](data:text/html,x) <javascript:alert(4)> :red[x] $a$ \x1b]0;title\x07 {TURNED} {LONG}"
    )


@pytest.fixture(scope="module")
def openrouter(hostile) -> Iterator[Each]:
    with Each() as server:
        rows = {row["id"]: row for row in server.catalogue["data"]}
        rows[LITE]["name"] = rows[LITE]["description"] = hostile
        yield server


def assert_untouched(page: Page) -> None:
    """Nothing in the page came out of a stranger's text, and it still has its own look."""
    assert_inert(page)
    for selector in ("[src*='/hostile/']", "[style*='/hostile/']", "style:text('/hostile/')", "a[href^='data' i]"):
        expect(page.locator(selector)).to_have_count(0)


def test_strangers_texts_compared_exported_and_listed_are_only_shown(
    visit, app, browser, openrouter, elsewhere, hostile, short_talking_video, tmp_path
):
    """Two hostile models side by side under a hostile file name, the page exported from it, hostile captions, and every
    list that names them, on a desk and on a phone: no script, no request to anybody else, nothing cut off."""
    page = visit(accept_downloads=True)
    type_key(page)
    open_by_menu(page, "New run")
    name = f"{hostile[:120].replace('/', '-')} {TURNED}.mp4"
    drop_file(page, {"name": name, "mimeType": "video/mp4", "buffer": short_talking_video.read_bytes()})
    expect(page.get_by_text("with sound")).to_be_visible()
    choose_model(page, "Google: Gemini 3.8 Flash")
    add_model(page, "=1+1 <img")
    assert_untouched(page)
    answer = f"[00:01] {hostile}: {hostile}\n[00:05] {hostile}\n"
    openrouter.own = {
        GEMINI: [Reply.answer(answer, provider=hostile)],
        LITE: [Reply.answer(answer.replace("alert", "confirm"), provider=hostile)],
    }
    comparison = press_compare(page, 2)
    wait_until_over(page, 2)
    expect(badges(page, "Done")).to_have_count(2)
    expect(page.locator(".cell", has_text="onerror").first).to_be_visible()
    assert_untouched(page)
    page.get_by_role("button", name="Download").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="HTML page").click()
    exported = tmp_path / "comparison.html"
    download.value.save_as(exported)
    page.keyboard.press("Escape")
    for view in ("Figures", "Judge blind"):
        switch_to(page, view)
        assert_untouched(page)

    reader = browser.new_page()
    watch = Watch(reader)
    reader.goto(exported.as_uri())  # from the disk, as whoever was sent it opens it
    expect(reader.get_by_text("onerror").first).to_be_visible()
    assert "<script" not in exported.read_text(encoding="utf-8")
    assert reader.locator("script, img, iframe, svg, link, [onerror], [onload]").count() == 0
    assert all(
        link.get_attribute("href").startswith(("http://", "https://")) for link in reader.locator("a[href]").all()
    )
    reader.close()
    watch.assert_clean()

    open_by_menu(page, "New run")
    page.get_by_role("button", name="Use a caption file").click()
    captions = f"WEBVTT\n\nSTYLE\n::cue {{ background: url({elsewhere.url('/vtt')}) }}\n\n00:01.000 --> 00:04.000\n"
    content = f"{captions}<v {hostile}>{hostile}\n"
    dropped = page.get_by_test_id("stPopoverBody").locator("input[type=file]")
    dropped.set_input_files({"name": "talk.vtt", "mimeType": "text/vtt", "buffer": content.encode()})
    settle(page)
    page.get_by_role("button", name="Read it", exact=True).click()
    page.wait_for_url(re.compile(r"/transcript\?run="))
    wait_until(page, "Done")
    expect(lines(page).first).to_be_visible()
    assert_untouched(page)
    transcript = page.url.removeprefix(app.url)
    for heading in ("Activity", "Library", "Models"):
        open_by_menu(page, heading)
        assert_untouched(page)

    phone = visit("/", viewport=PHONE)
    for address in (transcript, f"/compare?comparison={comparison}", "/activity", "/library", "/models"):
        phone.goto(app.url + address)
        assert_untouched(phone)
        assert_fits(phone)
    assert elsewhere.requests == []
