"""Choosing several stretches in a real Chromium: with the mouse, with a finger, with the keyboard, by typing."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.app import PHONE, assert_fits
from tests.browsing import assert_framed, choose_model, drop_file, lines, press_run, seconds_of, wait_until

pytestmark = pytest.mark.browser


def open_editor(page: Page, file: object) -> Locator:
    assert_framed(page)
    drop_file(page, file)
    expect(page.get_by_text("Total: free.")).to_be_visible()
    page.locator("label").filter(has_text="Several stretches").click()
    lane = page.locator(".editor .lane")
    expect(lane).to_be_visible()
    expect(page.locator(".editor .total")).to_have_text("No stretch is chosen yet")
    lane.scroll_into_view_if_needed()
    return lane


def drag(page: Page, lane: Locator, start: float, end: float) -> None:
    """Across the timeline, from one share of it to another."""
    box = lane.bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + start * box["width"], y)
    page.mouse.down()
    page.mouse.move(box["x"] + (start + end) / 2 * box["width"], y, steps=4)
    page.mouse.move(box["x"] + end * box["width"], y, steps=4)
    page.mouse.up()


def times(page: Page) -> list[str]:
    return page.locator(".editor .row input").evaluate_all("fields => fields.map(field => field.value)")


def test_two_stretches_chosen_by_hand_are_heard_alone(visit, talking_video):
    """Draw one, mark one with the keyboard, run the small model: its lines lie in the two, with the video's times."""
    page = visit()
    lane = open_editor(page, talking_video)
    drag(page, lane, 0.02, 0.19)
    expect(page.locator(".editor .row")).to_have_count(1)
    page.get_by_label("Start of stretch 1").and_(page.locator("input")).fill("0.8")
    page.keyboard.press("Enter")
    page.get_by_label("End of stretch 1").and_(page.locator("input")).fill("0:08.2")
    page.keyboard.press("Enter")
    expect(page.locator(".editor .total")).to_have_text(re.compile("^1 stretch, 7.4 s of 4. s$"))

    page.get_by_role("slider", name="Position").focus()
    for key in ("Home", *["PageUp"] * 2, *["ArrowRight"] * 4, "i"):
        page.keyboard.press(key)
    expect(page.locator(".editor .hint")).to_contain_text("It starts at 0:24.")
    for key in (*["ArrowRight"] * 4, *["Shift+ArrowRight"] * 6, "o"):
        page.keyboard.press(key)
    assert times(page) == ["0:00.8", "0:08.2", "0:24", "0:28.6"]
    expect(page.get_by_text(re.compile(r"2 stretches, 12 s of 4. s\."))).to_be_visible()

    choose_model(page, "Whisper tiny.en")
    press_run(page)
    wait_until(page, "Done")
    expect(page.get_by_text("2 stretches, 12 s", exact=False).first).to_be_visible()
    said = " ".join(lines(page).locator(".said").all_inner_texts())
    assert "best of times" in said
    assert "direct to heaven" in said
    assert "season" not in said
    for line in lines(page).all():
        assert seconds_of(line) <= 8 or 24 <= seconds_of(line) <= 28


def test_stretches_are_moved_resized_deleted_and_brought_back(visit, talking_video):
    """By mouse on the timeline and by key; Undo takes back one change at a time, a proposal included."""
    page = visit()
    lane = open_editor(page, talking_video)
    drag(page, lane, 0.2, 0.4)
    drag(page, lane, 0.6, 0.7)
    expect(page.locator(".editor .row")).to_have_count(2)
    first, second = page.get_by_role("slider", name="Stretch 1", exact=True), page.locator(".editor .stretch").nth(1)
    before = times(page)

    drag(page, lane, 0.3, 0.25)
    moved = times(page)
    assert moved[2:] == before[2:]
    assert float(moved[0].split(":")[1]) < float(before[0].split(":")[1])

    grip = second.locator(".grip.end").bounding_box()
    page.mouse.move(grip["x"] + grip["width"] / 2, grip["y"] + 10)
    page.mouse.down()
    page.mouse.move(grip["x"] + 60, grip["y"] + 10, steps=5)
    page.mouse.up()
    assert times(page)[3] > before[3]

    # An edge stops at its neighbour.
    page.get_by_role("slider", name="End of stretch 1").focus()
    page.keyboard.press("End")
    expect(first).to_have_attribute("aria-valuetext", re.compile(" to "))
    end, start = times(page)[1], times(page)[2]
    assert float(start.split(":")[1]) - float(end.split(":")[1]) == pytest.approx(0.1, abs=0.05)

    first.focus()
    page.keyboard.press("Delete")
    expect(page.locator(".editor .row")).to_have_count(1)
    for count in (2, 2, 2, 2):
        page.get_by_role("button", name="Undo").click()
        expect(page.locator(".editor .row")).to_have_count(count)
    assert times(page) == before

    page.get_by_role("button", name="Where scenes change").click()
    expect(page.locator(".editor .row").first).to_be_visible()
    page.wait_for_function(
        "before => JSON.stringify([...document.querySelectorAll('*')].map(node => node.shadowRoot)"
        ".filter(Boolean).flatMap(root => [...root.querySelectorAll('.row input')]).map(field => field.value))"
        " !== JSON.stringify(before)",
        arg=before,
    )
    page.get_by_role("button", name="Undo").click()
    assert times(page) == before
    page.get_by_role("button", name="Delete all").click()
    expect(page.locator(".editor .total")).to_have_text("No stretch is chosen yet")


def test_a_finger_draws_on_a_phone(visit, talking_video):
    """A swipe along the timeline is a stretch, a swipe across it scrolls; nothing is wider than the phone."""
    page = visit(viewport=PHONE, has_touch=True, is_mobile=True)
    lane = open_editor(page, talking_video)
    box = lane.bounding_box()
    touch = page.context.new_cdp_session(page)
    y = box["y"] + box["height"] / 2

    def at(share: float) -> list[dict[str, float]]:
        return [{"x": box["x"] + share * box["width"], "y": y}]

    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": at(0.3)})
    for share in (0.32, 0.36, 0.42, 0.5):
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": at(share)})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(page.locator(".editor .row")).to_have_count(1)
    expect(page.locator(".editor .total")).to_have_text(re.compile("^1 stretch, (8|9).* s of 4. s$"))
    assert_fits(page)
    page.wait_for_timeout(1_500)  # two touches at once are a double tap
    page.get_by_role("button", name="Delete stretch 1").tap()
    expect(page.locator(".editor .row")).to_have_count(0)


def test_sound_alone_has_a_timeline_too(visit, two_cities):
    """A recording without pictures is played and marked the same."""
    page = visit()
    open_editor(page, two_cities)
    audio = page.locator(".editor audio")
    expect(audio).to_be_visible()
    audio.evaluate("audio => { audio.currentTime = 5; }")
    page.get_by_role("button", name="Mark start").click()
    audio.evaluate("audio => { audio.currentTime = 9; }")
    page.get_by_role("button", name="Mark end").click()
    expect(page.locator(".editor .row")).to_have_count(1)
    assert times(page) == ["0:05", "0:09"]
    page.get_by_role("button", name="Play stretch 1").click()
    page.wait_for_function(
        "() => [...document.querySelectorAll('*')].map(node => node.shadowRoot).filter(Boolean)"
        ".flatMap(root => [...root.querySelectorAll('.editor audio')])"
        ".some(audio => audio.paused && audio.currentTime >= 9 && audio.currentTime < 10)"
    )
