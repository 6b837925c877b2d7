"""The reader as a place to work, in a real Chromium: edit, undo, reload, restore, and go on after a crash."""

from __future__ import annotations

import itertools
import json
import re
import sqlite3
import time
from collections.abc import Callable, Mapping
from threading import Timer

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from lib.domain.media import Source, SourceKind
from lib.domain.plan import Route as PlanRoute
from lib.domain.transcript import Cue, TimedBy
from tests.app import PHONE, WAIT_MS, RunningApp, assert_fits, running_app
from tests.browsing import lines
from tests.editing_fixtures import cues_of, write_run
from tests.services_fixtures import services_beside

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror=alert(1)> **b** $a$"
YOUTUBE = "https://www.youtube-nocookie.com"
VIDEO_ID = "dQw4w9WgXcQ"
RUN_IDS = (f"{number:032x}" for number in itertools.count(1))
OpenRun = Callable[..., Page]


@pytest.fixture(scope="module")
def app_environment() -> Mapping[str, str]:
    return {}


@pytest.fixture(scope="module")
def video(app, talking_video) -> Source:
    app.wait_for_worker()
    with services_beside(app.data) as services:
        return services.keep_file(talking_video)


@pytest.fixture
def new_run(app, video) -> Callable[..., str]:
    """Writes a run that is done into the app's own store, and gives its id."""

    def new_run_(cues=None, source: Source | None = None, **more: object) -> str:
        with services_beside(app.data) as services:
            cues = cues_of() if cues is None else cues
            return write_run(services._tools.store, next(RUN_IDS), source or video, cues, **more)

    return new_run_


@pytest.fixture
def open_run(visit) -> OpenRun:
    """Opens a run as a new visitor."""

    def open_(run: str, **options: object) -> Page:
        page = visit(f"/transcript?run={run}", **options)
        expect(lines(page).first).to_be_visible()
        return page

    return open_


def line(page: Page, number: int) -> Locator:
    return lines(page).nth(number)


def box(page: Page) -> Locator:
    return page.locator(".reader textarea")


def edit(page: Page, number: int, key: str = "e") -> Locator:
    """Opens a line with the keyboard, and gives what has the focus then."""
    line(page, number).locator(".time").focus()
    page.keyboard.press(key)
    expect(page.locator(".reader .editor")).to_be_visible()
    return box(page)


def wait_until_saved(page: Page) -> None:
    """Until nothing waits in the page: all that was done is in the database."""
    page.wait_for_function("() => !Object.keys(sessionStorage).some(key => key.startsWith('cuewise.changes'))")


def texts_kept(app: RunningApp, run: str) -> list[str]:
    """What the database holds at this moment."""
    with sqlite3.connect(f"file:{app.data / 'cuewise.db'}?mode=ro", uri=True, timeout=20) as connection:
        query = "SELECT record FROM transcript WHERE run_id = ? ORDER BY version DESC LIMIT 1"
        ((record,),) = connection.execute(query, (run,)).fetchall()
    return [cue["text"] for cue in json.loads(record)["cues"]]


def wait_until_kept(app: RunningApp, run: str, number: int, text: str) -> None:
    until = time.monotonic() + WAIT_MS / 1000
    while texts_kept(app, run)[number] != text:
        assert time.monotonic() < until, f"{texts_kept(app, run)[number]!r} is kept, not {text!r}"
        time.sleep(0.05)


def test_a_line_is_edited_by_keyboard_and_a_reload_loses_nothing(app, open_run, new_run):
    """E opens, Enter keeps, the focus returns to the line; after a reload the text is there, and undone as well."""
    run = new_run()
    page = open_run(run)
    expect(edit(page, 1)).to_be_focused()
    box(page).fill("It was the age of wisdom.")
    box(page).press("Enter")
    expect(line(page, 1).locator(".time")).to_be_focused()
    expect(line(page, 1).locator(".edited")).to_be_visible()
    wait_until_kept(app, run, 1, "It was the age of wisdom.")
    wait_until_saved(page)
    page.reload()
    expect(line(page, 1).locator(".said")).to_contain_text("It was the age of wisdom.")
    line(page, 0).locator(".time").focus()
    page.keyboard.press("Control+z")
    expect(line(page, 1).locator(".said")).to_contain_text("foolishness")
    page.reload()
    expect(line(page, 1).locator(".said")).to_contain_text("foolishness")
    page.get_by_role("button", name=re.compile("^Do again: text at 0:05")).click()
    expect(line(page, 1).locator(".said")).not_to_contain_text("foolishness")


def test_escape_leaves_and_tab_goes_on(app, open_run, new_run):
    """What was typed is taken back by Escape, also what was kept while it was typed; Tab keeps and opens the next."""
    run = new_run()
    page = open_run(run)
    edit(page, 0).press_sequentially(" And more.", delay=60)
    wait_until_kept(app, run, 0, "It was the best of times, it was the worst of times. And more.")
    box(page).press("Escape")
    expect(line(page, 0).locator(".time")).to_be_focused()
    wait_until_kept(app, run, 0, "It was the best of times, it was the worst of times.")
    expect(page.get_by_text(re.compile(r"Versions \("))).to_have_count(0)

    edit(page, 0).fill("One.")
    box(page).press("Tab")
    expect(box(page)).to_have_value("It was the age of wisdom, it was the age of foolishness.")
    box(page).fill("Two.")
    box(page).press("Shift+Tab")
    expect(box(page)).to_have_value("One.")
    box(page).press("Control+Enter")
    wait_until_saved(page)
    assert texts_kept(app, run)[:2] == ["One.", "Two."]


def test_lines_are_split_merged_put_in_and_deleted(app, open_run, new_run):
    """Shift+Enter splits at the cursor, Backspace at the start merges, I puts in, Delete deletes; each is undone."""
    run = new_run()
    before = texts_kept(app, run)
    page = open_run(run)
    edit(page, 2).evaluate("box => box.setSelectionRange(27, 27)")
    box(page).press("Shift+Enter")
    expect(lines(page)).to_have_count(7)
    expect(box(page)).to_have_value("it was the epoch of incredulity.")
    wait_until_saved(page)
    assert texts_kept(app, run)[2:4] == ["It was the epoch of belief,", "it was the epoch of incredulity."]
    box(page).evaluate("box => box.setSelectionRange(0, 0)")
    box(page).press("Backspace")
    expect(lines(page)).to_have_count(6)
    box(page).press("Escape")

    line(page, 3).locator(".time").focus()
    page.keyboard.press("i")
    expect(box(page)).to_have_value("")
    box(page).press_sequentially("A new line.", delay=30)
    box(page).press("Enter")
    expect(lines(page)).to_have_count(7)
    wait_until_saved(page)
    assert texts_kept(app, run)[4] == "A new line."
    line(page, 5).locator(".time").focus()
    page.keyboard.press("Delete")
    expect(lines(page)).to_have_count(6)
    wait_until_saved(page)
    assert texts_kept(app, run) == [*before[:4], "A new line.", before[5]]
    for _ in range(4):
        wait_until_saved(page)
        line(page, 0).locator(".time").focus()
        page.keyboard.press("Control+z")
        wait_until_saved(page)
    expect(lines(page)).to_have_count(6)
    assert texts_kept(app, run) == before


def test_a_line_that_is_put_in_and_left_is_gone(app, open_run, new_run):
    """A new line without a word is never kept, and the line before it is as it was."""
    run = new_run()
    page = open_run(run)
    line(page, 2).locator(".time").focus()
    page.keyboard.press("i")
    expect(lines(page)).to_have_count(7)
    box(page).press("Escape")
    expect(lines(page)).to_have_count(6)
    assert len(texts_kept(app, run)) == 6


def test_times_are_nudged_typed_and_held_by_the_neighbours(app, open_run, new_run):
    """Keys and buttons move by a tenth of a second, typed times as far as there is room; the line says so."""
    run = new_run()
    page = open_run(run)
    line(page, 1).locator(".time").focus()
    for _ in range(3):
        page.keyboard.press("Shift+ArrowRight")
    expect(line(page, 1).locator(".time")).to_have_class(re.compile(r"\bset\b"))
    expect(line(page, 1).locator(".time")).to_have_accessible_name(re.compile("time set by hand"))
    page.keyboard.press("t")
    start = page.get_by_label("Start time")
    expect(start).to_be_focused()
    expect(start).to_have_value("0:05.4")
    page.get_by_role("button", name="End 0.1 seconds later").click()
    expect(page.get_by_label("End time")).to_have_value("0:08.6")
    start.fill("0:01")
    start.press("Enter")
    expect(start).to_have_value("0:04.8")
    start.fill("soon")
    start.press("Enter")
    expect(start).to_have_attribute("aria-invalid", "true")
    start.press("Escape")
    wait_until_saved(page)
    with services_beside(app.data) as services:
        cue = services.transcript(run).cues[1]
        assert (cue.start, cue.end, cue.timed_by) == (4.8, 8.6, TimedBy.EDITED)
        assert services.editing.history(run).done


def test_a_speaker_is_renamed_everywhere_and_here(app, open_run, new_run):
    """Enter in the speaker's field renames every line of that speaker, a button only this one."""
    run = new_run()
    page = open_run(run)
    edit(page, 0, "n")
    field = page.get_by_label("Speaker", exact=True)
    expect(field).to_be_focused()
    field.fill("Ann")
    expect(page.get_by_role("button", name="Rename in 3 lines")).to_be_visible()
    field.press("Enter")
    box(page).press("Escape")
    expect(page.locator(".reader .speaker", has_text="Ann")).to_have_count(3)
    edit(page, 3, "n")
    field.fill(HOSTILE)
    page.get_by_role("button", name="Only here").click()
    box(page).press("Escape")
    wait_until_saved(page)
    page.reload()
    expect(page.locator(".reader .speaker", has_text="Ann")).to_have_count(2)
    expect(page.locator(".reader .speaker", has_text=HOSTILE)).to_have_count(1)
    expect(page.locator("img[src=x]")).to_have_count(0)


def test_find_and_replace_says_how_much_before_and_can_be_undone(app, open_run, new_run):
    """The button counts places and lines, with the case or without; one press replaces all, one undo takes it back."""
    run = new_run()
    before = texts_kept(app, run)
    page = open_run(run)
    page.get_by_role("searchbox", name="Search the lines").fill("it was")
    expect(page.locator(".reader .bar .count")).to_have_text("1 of 10")
    page.get_by_role("button", name="Find and replace").click()
    page.get_by_label("Replace with").fill("it is")
    expect(page.get_by_role("button", name="Replace 10 in 5 lines")).to_be_visible()
    page.get_by_label("Match case").check()
    page.get_by_role("button", name="Replace 5 in 5 lines").click()
    expect(line(page, 0).locator(".said")).to_contain_text("It was the best of times, it is the worst of times.")
    wait_until_saved(page)
    assert sum("it is" in text for text in texts_kept(app, run)) == 5
    page.get_by_role("button", name=re.compile("^Undo: replace")).click()
    expect(line(page, 0).locator(".said")).to_contain_text("it was the worst of times.")
    wait_until_saved(page)
    assert texts_kept(app, run) == before


def test_versions_show_what_changed_and_are_restored(app, open_run, new_run):
    """The list says who made each and how much; the difference marks words; restoring loses nothing."""
    run = new_run()
    page = open_run(run)
    edit(page, 4).fill("It was the summer of hope, it was the winter of despair.")
    box(page).press("Enter")
    page.get_by_text("Versions (2)").click()
    expect(page.get_by_text("Edited by hand · just now · 1 line changed")).to_be_visible()
    page.get_by_role("button", name="Show changes").click()
    expect(page.locator("del", has_text="spring")).to_be_visible()
    page.get_by_role("button", name="Restore").click()
    expect(line(page, 4).locator(".said")).to_contain_text("the spring of hope")
    expect(page.get_by_text("Versions (3)")).to_be_visible()
    page.reload()
    expect(line(page, 4).locator(".said")).to_contain_text("the spring of hope")
    page.get_by_text("Versions (3)").click()
    page.get_by_role("button", name="Restore").first.click()
    expect(line(page, 4).locator(".said")).to_contain_text("the summer of hope")


def test_quick_changes_are_all_kept_in_their_order(app, open_run, new_run):
    """A dozen changes faster than anybody answers: none is lost, none is made twice."""
    run = new_run()
    page = open_run(run)
    for number in range(6):
        edit(page, number).fill(f"Line {number}.")
        box(page).press("Enter")
    line(page, 0).locator(".time").focus()
    for _ in range(5):
        page.keyboard.press("m")
    expect(lines(page)).to_have_count(1)
    wait_until_saved(page)
    assert texts_kept(app, run) == ["Line 0. Line 1. Line 2. Line 3. Line 4. Line 5."]


def test_two_windows_lose_nothing(app, open_run, new_run):
    """A line that another window has changed is told, with what was written; other lines are edited all the same."""
    run = new_run()
    one, other = open_run(run), open_run(run)
    edit(one, 0).fill("Mine.")
    box(one).press("Enter")
    wait_until_saved(one)
    edit(other, 1).fill("Yours.")
    box(other).press("Enter")
    expect(line(other, 0).locator(".said")).to_contain_text("Mine.")
    edit(one, 1).fill("Too late.")
    box(one).press("Enter")
    expect(one.locator(".reader .problem")).to_contain_text("You wrote: “Too late.”")
    expect(line(one, 1).locator(".said")).to_contain_text("Yours.")
    assert texts_kept(app, run)[:2] == ["Mine.", "Yours."]


def test_lines_are_selected_and_a_stretch_is_run_again(app, open_run, new_run):
    """Shift-click selects; the dialog knows the stretch and the price; the new lines are compared and put in place."""
    run = new_run()
    page = open_run(run)
    edit(page, 0).fill("Kept as it is.")
    box(page).press("Enter")
    line(page, 2).hover()
    line(page, 2).get_by_role("button", name="Select this line").click()
    line(page, 3).locator(".said").click(modifiers=["Shift"])
    expect(page.get_by_role("toolbar", name="Selected lines")).to_contain_text("2 lines · 0:08–0:17")
    page.get_by_role("button", name="Run again…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("From")).to_have_value("0:08.8")
    expect(dialog.get_by_text("Free and private")).to_be_visible()
    dialog.get_by_role("button", name="Run again").click()
    expect(page.get_by_role("button", name="Put in place")).to_be_visible(timeout=120_000)
    page.get_by_role("button", name="Put in place").click()
    expect(page.get_by_role("button", name="Put in place")).to_have_count(0)
    expect(line(page, 0).locator(".said")).to_contain_text("Kept as it is.")
    expect(page.locator(".reader .lines")).to_contain_text(re.compile("season of light", re.IGNORECASE))
    with services_beside(app.data) as services:
        author = services.versions.all(run)[0].author
        texts = " ".join(cue.text for cue in services.transcript(run).cues).lower()
    assert author == "again"
    assert texts.count("incredulity") == texts.count("season of light") == 1


def test_chapters_and_captions_stand_with_the_picture(open_run, new_run):
    """Chapters of another run over the same video are ticks and a list that seek; C shows the line over the picture."""
    run = new_run()
    new_run([Cue(0, 8, HOSTILE), Cue(8.8, 17, "Belief and light")], task="chapters")
    page = open_run(run)
    expect(page.get_by_role("button", name=f"Chapter at 0:00: {HOSTILE}")).to_be_visible()
    page.get_by_role("button", name="Chapters (2)").click()
    page.get_by_role("list", name="Chapters").get_by_role("button", name="Belief and light").click()
    video = page.locator(".reader video")
    assert abs(video.evaluate("video => video.currentTime") - 8.8) < 0.5
    expect(line(page, 2)).to_have_attribute("aria-current", "true")
    expect(page.locator(".reader .caption")).to_be_hidden()
    page.keyboard.press("Escape")
    page.keyboard.press("c")
    expect(page.locator(".reader .caption")).to_have_text(
        "It was the epoch of belief, it was the epoch of incredulity."
    )
    page.reload()
    page.get_by_role("button", name="Captions over the picture").wait_for()
    expect(page.get_by_role("button", name="Captions over the picture")).to_have_attribute("aria-pressed", "true")


def test_youtube_is_contacted_only_once_agreed_and_moves_the_lines(app, browser, new_run):
    """Nothing is fetched before the button is pressed; then one frame with exactly that address, driven by messages."""
    source = Source(SourceKind.LINK, "A talk", url=f"https://www.youtube.com/watch?v={VIDEO_ID}", duration=44.0)
    run = new_run(source=source, route=PlanRoute.LINK, model_id="google/gemini-3.8-flash")
    page = browser.new_context().new_page()
    page.set_default_timeout(WAIT_MS)
    asked: list[str] = []
    page.route(re.compile("^https://"), lambda route: answer_as_youtube(route, asked))
    page.goto(f"{app.url}/transcript?run={run}")
    expect(page.get_by_text("Play from YouTube: this contacts youtube-nocookie.com.")).to_be_visible()
    expect(page.locator("iframe")).to_have_count(0)
    assert asked == []

    page.get_by_role("button", name="Play from YouTube").click()
    frame = page.locator(".reader iframe")
    expect(frame).to_have_attribute("src", f"{YOUTUBE}/embed/{VIDEO_ID}?enablejsapi=1")
    player = frame.element_handle().content_frame()
    player.wait_for_url(re.compile("/embed/"))
    player.wait_for_function("() => heard.some(message => message.event === 'listening')")
    expect(line(page, 2)).not_to_have_attribute("aria-current", "true")
    player.evaluate("tell(9.5)")
    expect(line(page, 2)).to_have_attribute("aria-current", "true")
    page.evaluate("""() => postMessage(JSON.stringify({event: "infoDelivery", info: {currentTime: 18}}), "*")""")
    page.wait_for_timeout(500)
    expect(line(page, 2)).to_have_attribute("aria-current", "true")  # it came from elsewhere
    line(page, 3).locator(".time").click()
    player.wait_for_function("() => heard.some(message => message.func === 'seekTo')")
    heard = player.evaluate("heard")
    assert {"event": "command", "func": "seekTo", "args": [13.5, True], "id": 1, "channel": "widget"} in heard
    assert {"event": "command", "func": "playVideo", "args": [], "id": 1, "channel": "widget"} in heard
    expect(line(page, 3)).to_have_attribute("aria-current", "true")
    assert [url for url in asked if "youtube" in url] == [f"{YOUTUBE}/embed/{VIDEO_ID}?enablejsapi=1"]
    page.context.close()


def answer_as_youtube(route: Route, asked: list[str]) -> None:
    """A page that notes what its frame is told, and tells the time as YouTube's player does."""
    asked.append(route.request.url)
    route.fulfill(
        content_type="text/html",
        body="""<script>
            const heard = [];
            addEventListener("message", (event) => heard.push(JSON.parse(event.data)));
            const tell = (currentTime) =>
              parent.postMessage(JSON.stringify({event: "infoDelivery", info: {currentTime, playerState: 2}}), "*");
        </script>""",
    )


def test_it_works_on_a_phone_in_the_dark(app, open_run, new_run):
    """A tap plays and brings the line's tools; the editor fits the width; nothing scrolls sideways."""
    run = new_run()
    page = open_run(run, viewport=PHONE, color_scheme="dark", has_touch=True, is_mobile=True)
    line(page, 1).locator(".said").tap()
    line(page, 1).get_by_role("button", name="Edit this line").tap()
    box(page).fill("Tapped.")
    page.get_by_role("button", name="Keep").tap()
    expect(line(page, 1).locator(".said")).to_contain_text("Tapped.")
    wait_until_saved(page)
    assert texts_kept(app, run)[1] == "Tapped."
    line(page, 2).locator(".said").tap()
    line(page, 2).get_by_role("button", name="Edit this line").tap()
    assert_fits(page)
    editor, pane = page.locator(".reader .editor").bounding_box(), page.locator(".reader .pane").bounding_box()
    assert editor["x"] >= pane["x"]
    assert editor["x"] + editor["width"] <= pane["x"] + pane["width"]


def note_what_is_typed(page: Page) -> None:
    """Lets the page note, from now on, what stands in the editor and since which second of the machine's clock."""
    page.evaluate(
        """() => {
            window.typed = [];
            const note = (event) => typed.push([Date.now() / 1000, event.composedPath()[0].value]);
            addEventListener("input", note, true);
        }"""
    )


def test_a_killed_app_loses_at_most_the_last_second(tmp_path, browser, talking_video):
    """kill -9 while somebody types, without a pause: what had been typed a second before is in the database; the page
    goes on by itself when the app is there again, and what was typed meanwhile arrives too."""
    with running_app(tmp_path / "app") as app:
        app.wait_for_worker()
        with services_beside(app.data) as services:
            run = write_run(services._tools.store, "a" * 32, services.keep_file(talking_video), cues_of())
        page = browser.new_context().new_page()
        page.set_default_timeout(WAIT_MS)
        page.goto(f"{app.url}/transcript?run={run}")
        expect(lines(page).first).to_be_visible()
        expect(page.locator("[data-test-script-state=running]")).to_have_count(0)
        edit(page, 0).fill("")
        box(page).press_sequentially("Before the crash.", delay=25)
        wait_until_kept(app, run, 0, "Before the crash.")

        note_what_is_typed(page)
        killed: list[float] = []
        crash = Timer(2.5, lambda: (killed.append(time.time()), app.kill()))
        crash.start()
        words = itertools.cycle(["It", "was", "the", "age", "of", "typing,"])
        while crash.is_alive():
            box(page).press_sequentially(f" {next(words)}", delay=60)
        old = [text for moment, text in page.evaluate("typed") if moment <= killed[0] - 1]
        assert len(old) > 5, "it was killed before a second had passed"
        assert texts_kept(app, run)[0].startswith(old[-1].strip()), "a second old, and not kept"
        box(page).press_sequentially(", through it", delay=25)
        text = box(page).input_value()
        assert text.endswith(", through it")
        box(page).press("Enter")
        app.start()
        wait_until_kept(app, run, 0, text)
        wait_until_saved(page)
        page.reload()
        expect(line(page, 0).locator(".said")).to_contain_text(text)
        page.context.close()
