"""The time grid in a real Chromium: what is marked, walked, searched, played and taken, and how much of it it bears."""

from __future__ import annotations

import pickle
import re
import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from lib.ui.grid import GridColumn, GridRow
from tests.app import PHONE, RunningApp, assert_fits, running_script

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>[l](javascript:alert(3)) :red[x] $a$"
RULE = "Case, punctuation and number style do not count: Whisper normaliser."
OpenSheet = Callable[..., Page]

PAGE = """
import pickle
from pathlib import Path

import streamlit as st

from lib.ui.grid import render_grid
from lib.ui.player import Playable

st.set_page_config(layout="wide")
sheets = pickle.loads(Path(__file__).with_name("sheets.pickle").read_bytes())
columns, rows, rule = sheets[st.query_params["sheet"]]
media = Playable("app/static/talk.mp4") if "mute" not in st.query_params else Playable(notice="Nothing was downloaded.")
taken, presses = st.session_state.setdefault("taken", {}), st.session_state.setdefault("presses", [])
if "growing" in st.query_params:
    st.button("More", on_click=lambda: st.session_state.update(more=st.session_state.get("more", 0) + 1))
    rows = rows[: 6 + 2 * st.session_state.get("more", 0)]
press = render_grid("grid", media, columns, rows, title="Talk", taken=taken, normalisation=rule)
if press is not None:
    presses.append((press.row, press.column))
    taken.pop(press.row, None)
    if press.column is not None:
        taken[press.row] = press.column
    st.rerun()
st.text(f"Pressed: {presses}")
"""


def same(text: str) -> tuple[tuple[str, str], ...]:
    return ((text, "same"),)


def row(number: int, *cells: tuple[tuple[str, str], ...], seconds: float = 3.0) -> GridRow:
    is_different = any(mark != "same" for cell in cells for _, mark in cell)
    return GridRow(number * seconds, (number + 1) * seconds, cells, is_different)


def talk() -> tuple[list[GridColumn], list[GridRow], str]:
    """Three models over 45 s: they differ in the third, the sixth and the tenth of fifteen rows."""
    columns = [GridColumn("Gemini", "Done"), GridColumn("Whisper", "Done"), GridColumn("Qwen", "Done")]
    rows = [row(number, *[same(f"it was line {number} of the best of times")] * 3) for number in range(15)]
    rows[2] = row(
        2, same("the age of wisdom"), same("the age of wisdom"), (("the age of", "same"), ("whiskey", "differs"))
    )
    rows[5] = row(5, same("the epoch of belief"), (("the", "same"), ("epoch of", "missing"), ("belief", "same")), ())
    rows[9] = row(9, same("hope"), (("hope", "same"), (", you know", "extra")), same("hope"))
    return columns, rows, RULE


def states() -> tuple[list[GridColumn], list[GridRow], str]:
    """Three models of which one has failed and one still writes; the last row is empty for both."""
    columns = [
        GridColumn("A", "Done", True),
        GridColumn("B", "Failed: no credit", True),
        GridColumn("C", "asking 2 of 3", True),
    ]
    return columns, [row(0, *[same("hello")] * 3), row(1, same("world"), (), ())], ""


def hostile() -> tuple[list[GridColumn], list[GridRow], str]:
    """Everything a stranger can name or say, as markup; a word of 300 letters, and two scripts from the right."""
    marks = ("differs", "extra", "missing")
    rows = [row(0, same(HOSTILE), *(((HOSTILE, mark),) for mark in marks)), row(1, *[same("n" * 300)] * 4)]
    rows.append(row(2, same("مرحبا بالعالم"), same("שלום עולם"), same("こんにちは"), ()))
    return [GridColumn(HOSTILE, HOSTILE) for _ in range(4)], rows, HOSTILE


def hour() -> tuple[list[GridColumn], list[GridRow], str]:
    """Three thousand rows of six models: an hour of quick talk."""
    columns = [GridColumn(f"Model {number}", "Done") for number in range(6)]
    cells = [same(f"they said this and that and more of it in model {number}") for number in range(5)]
    different = (("they said", "same"), ("hat", "differs"), ("and more of it", "same"), ("um", "extra"))
    return columns, [row(number, *cells, different, seconds=1.2) for number in range(3000)], ""


@pytest.fixture(scope="module")
def app(tmp_path_factory, talking_video) -> Iterator[RunningApp]:
    """A page with nothing on it but the grid, and 44 s of video for it to play."""
    folder = tmp_path_factory.mktemp("grid")
    (folder / "static").mkdir()
    shutil.copy(talking_video, folder / "static" / "talk.mp4")
    sheets = {sheet.__name__: sheet() for sheet in (talk, states, hostile, hour)}
    (folder / "sheets.pickle").write_bytes(pickle.dumps(sheets))
    with running_script(folder, PAGE) as app:
        yield app


@pytest.fixture
def open_sheet(visit) -> OpenSheet:
    def open_(sheet: str, more: str = "", **options: object) -> Page:
        page = visit(f"/?sheet={sheet}{more}", **options)
        expect(rows_of(page).first).to_be_visible()
        return page

    return open_


def rows_of(page: Page) -> Locator:
    return page.locator(".compare .row[data-index]")


def row_of(page: Page, number: int) -> Locator:
    return page.locator(f".compare .row[data-index='{number}']")


def cell_of(page: Page, number: int, column: int) -> Locator:
    return row_of(page, number).get_by_role("cell").nth(column)


def take_of(page: Page, number: int, model: str) -> Locator:
    return row_of(page, number).get_by_role("button", name=f"Take this row from {model}")


def lit(page: Page) -> Locator:
    return page.locator(".compare .row[aria-current]")


def player_time(page: Page) -> float:
    return page.locator(".compare video").evaluate("video => video.currentTime")


def test_what_differs_is_marked_for_eyes_and_ears(open_sheet):
    """A word that differs, one too many and one left out each look their own way, and are named to who listens."""
    page = open_sheet("talk")
    expect(cell_of(page, 2, 2).locator(".differs")).to_have_text("differs: whiskey")
    expect(cell_of(page, 2, 0).locator(".differs")).to_have_count(0)
    expect(cell_of(page, 5, 1).locator(".missing")).to_have_text("left out: epoch of")
    expect(cell_of(page, 5, 1).locator(".said")).to_have_text("the left out: epoch of belief")
    expect(cell_of(page, 9, 1).locator(".extra")).to_have_text("only here: , you know")
    expect(cell_of(page, 5, 2).locator(".said")).to_have_text(re.compile("nothing here"))
    lines = {
        name: page.locator(f".row .{name}").first.evaluate(
            "mark => getComputedStyle(mark).textDecorationLine + getComputedStyle(mark).textDecorationStyle"
        )
        for name in ("differs", "extra", "missing")
    }
    assert lines == {"differs": "underlinesolid", "extra": "underlinedotted", "missing": "line-throughsolid"}
    for words in ("differs from most", "only here", "left out here", RULE):
        expect(page.locator(".legend")).to_contain_text(words)


def test_the_states_of_the_models_stand_over_their_columns(open_sheet):
    """A failed model says why in words; what has not come yet looks other than what will not come."""
    page = open_sheet("states")
    heads = page.get_by_role("columnheader")
    expect(heads).to_have_text(["Time", "Model ADone", "Model BFailed: no credit", "Model Casking 2 of 3"])
    expect(cell_of(page, 1, 1).locator(".said")).to_have_text("nothing here—")
    expect(cell_of(page, 1, 2).locator(".said")).to_have_text("not there yet…")
    expect(page.get_by_text("More is coming")).to_be_visible()


def test_only_differences_leaves_the_others_out(open_sheet):
    """The switch hides the rows in which all say the same, and brings them back."""
    page = open_sheet("talk")
    expect(rows_of(page)).to_have_count(15)
    switch = page.get_by_role("switch", name="Only differences")
    switch.click()
    expect(rows_of(page)).to_have_count(3)
    expect(switch).to_have_attribute("aria-checked", "true")
    assert [row.get_attribute("data-index") for row in rows_of(page).all()] == ["2", "5", "9"]
    switch.click()
    expect(rows_of(page)).to_have_count(15)


def test_search_counts_what_is_said_in_every_model(open_sheet):
    """Matches are counted over all columns and through marks; a word that a model left out is not found there."""
    page = open_sheet("talk")
    search = page.get_by_role("searchbox", name="Search the rows")
    count = page.locator(".compare .count")
    search.fill("the age of whiskey")
    expect(count).to_have_text("1 of 1")
    expect(cell_of(page, 2, 2).locator("mark.here")).to_have_text(["the age of ", "whiskey"])
    search.fill("belief")
    expect(count).to_have_text("1 of 2")
    search.press("Enter")
    expect(count).to_have_text("2 of 2")
    expect(cell_of(page, 5, 1).locator("mark.here")).to_have_text("belief")
    search.fill("epoch of")
    expect(count).to_have_text("1 of 1")
    search.fill("LINE 12")
    expect(count).to_have_text("1 of 3")
    page.get_by_role("switch", name="Only differences").click()
    expect(count).to_have_text("No match")
    search.press("Escape")
    expect(page.locator(".compare mark")).to_have_count(0)


def test_keys_walk_through_the_differences(open_sheet):
    """N and P go from difference to difference, around the end; J and K by rows; the player goes along."""
    page = open_sheet("talk")
    where = page.locator(".compare .where")
    expect(where).to_have_text("3 differences")
    expect(page.locator(".compare video")).to_have_js_property("readyState", 4)
    for number, index in ((1, 2), (2, 5), (3, 9), (1, 2)):
        page.keyboard.press("n")
        expect(where).to_have_text(f"Difference {number} of 3")
        expect(lit(page)).to_have_attribute("data-index", str(index))
        assert player_time(page) == pytest.approx(index * 3.0, abs=0.1)
    page.keyboard.press("p")
    expect(where).to_have_text("Difference 3 of 3")
    page.keyboard.press("j")
    expect(lit(page)).to_have_attribute("data-index", "10")
    expect(where).to_have_text("3 differences")
    page.keyboard.press("k")
    expect(lit(page)).to_have_attribute("data-index", "9")
    page.get_by_role("button", name="Previous difference").click()
    expect(where).to_have_text("Difference 2 of 3")


def test_without_media_the_rows_can_still_be_walked(open_sheet):
    """A link that was never downloaded says so in the player's place; keys go on working."""
    page = open_sheet("talk", "&mute=1")
    expect(page.get_by_text("Nothing was downloaded.")).to_be_visible()
    expect(page.locator(".compare video")).to_have_count(0)
    page.keyboard.press("n")
    page.keyboard.press("n")
    expect(page.locator(".compare .where")).to_have_text("Difference 2 of 3")
    expect(page.locator(".compare .row.at")).to_have_attribute("data-index", "5")


def test_a_row_is_taken_and_given_back(open_sheet):
    """A press shows at once, reaches Python once, stays over renders, moves to another column, and can be undone."""
    page = open_sheet("talk")
    expect(page.get_by_text("Pressed: []")).to_be_visible()
    take_of(page, 2, "Whisper").click()
    expect(take_of(page, 2, "Whisper")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_text("Pressed: [(2, 1)]")).to_be_visible()
    take_of(page, 2, "Qwen").click()
    expect(page.get_by_text("Pressed: [(2, 1), (2, 2)]")).to_be_visible()
    expect(take_of(page, 2, "Whisper")).to_have_attribute("aria-pressed", "false")
    expect(page.locator(".cell.taken")).to_have_count(1)
    take_of(page, 2, "Qwen").click()
    expect(page.get_by_text("Pressed: [(2, 1), (2, 2), (2, None)]")).to_be_visible()
    expect(page.locator(".cell.taken")).to_have_count(0)
    assert player_time(page) == 0, "to take is not to play"


def test_presses_in_quick_succession_all_arrive(open_sheet):
    """Whoever presses faster than the page is drawn anew loses nothing."""
    page = open_sheet("talk")
    expect(page.get_by_text("Pressed: []")).to_be_visible()
    page.locator(".compare").evaluate(
        "grid => [1, 3, 4, 6].forEach((row) => grid.querySelector(`.row[data-index='${row}'] .take`).click())"
    )
    expect(page.get_by_text("Pressed: [(1, 0), (3, 0), (4, 0), (6, 0)]")).to_be_visible()
    expect(page.locator(".cell.taken")).to_have_count(4)


def test_a_click_plays_from_there_and_the_row_said_now_is_lit(open_sheet):
    """A click on a cell plays its row; scrolling away stops following, and "Back to now" returns."""
    page = open_sheet("talk", viewport={"width": 1280, "height": 620})
    cell_of(page, 4, 1).click()
    expect(lit(page)).to_have_attribute("data-index", "4")
    assert 12 <= player_time(page) < 16
    row_of(page, 13).get_by_role("button", name="Play from 0:39").click()
    expect(lit(page)).to_have_attribute("data-index", "13")
    expect(lit(page)).to_be_in_viewport()
    back = page.get_by_role("button", name="Back to now")
    expect(back).to_be_hidden()
    page.locator(".compare .scroller").hover()
    page.mouse.wheel(0, -3000)
    expect(back).to_be_visible()
    back.click()
    expect(lit(page)).to_be_in_viewport()
    page.keyboard.press("ArrowLeft")
    expect(lit(page)).to_have_attribute("data-index", re.compile("^1[12]$"))


def test_columns_grow_while_they_are_read(open_sheet):
    """New rows come in at the end; what was there keeps its element, its focus and its place."""
    page = open_sheet("talk", "&growing=1")
    expect(rows_of(page)).to_have_count(6)
    take_of(page, 3, "Whisper").focus()
    row_of(page, 3).evaluate("row => (row.isTheSame = true)")
    page.get_by_role("button", name="More").evaluate("button => button.click()")
    expect(rows_of(page)).to_have_count(8)
    expect(take_of(page, 3, "Whisper")).to_be_focused()
    assert row_of(page, 3).evaluate("row => row.isTheSame") is True


def test_hostile_names_and_texts_stay_text(open_sheet):
    """Markup in a name, a state, a cell or the rule is shown as typed, and runs nowhere; nothing grows too wide."""
    page = open_sheet("hostile")
    for column, aside in enumerate(("", "differs: ", "only here: ", "left out: ")):
        expect(cell_of(page, 0, column).locator(".said")).to_have_text(aside + HOSTILE)
    expect(page.locator(".heading .name").first).to_have_text(HOSTILE)
    expect(page.locator(".heading .state").first).to_have_text(HOSTILE)
    expect(page.locator(".rule")).to_have_text(HOSTILE)
    expect(page.locator(".compare :is(img, script, a)")).to_have_count(0)
    assert cell_of(page, 2, 0).locator(".said").evaluate("said => getComputedStyle(said).direction") == "rtl"
    for each in page.locator(".compare .cell").all():
        assert each.evaluate("cell => cell.scrollWidth <= cell.clientWidth"), each.inner_text()
    assert_fits(page)


def test_an_hour_of_six_models_is_drawn_as_far_as_it_is_seen(open_sheet):
    """Of three thousand rows those near the eye are drawn; the last, and one that is searched, come when asked for."""
    page = open_sheet("hour")
    expect(page.get_by_role("table")).to_have_attribute("aria-rowcount", "3001")
    assert rows_of(page).count() < 300
    page.locator(".compare .scroller").evaluate("scroller => (scroller.scrollTop = scroller.scrollHeight)")
    expect(row_of(page, 2999)).to_be_in_viewport()
    expect(row_of(page, 2999).get_by_role("button", name="Play from 59:58, the models differ")).to_be_visible()
    assert rows_of(page).count() < 600
    search = page.get_by_role("searchbox", name="Search the rows")
    search.fill("said hat")
    expect(page.locator(".compare .count")).to_have_text(re.compile(r"of 3000$"))
    search.press("Enter")
    expect(page.locator(".compare mark.here").first).to_be_in_viewport()
    expect(page.locator(".compare .heading").last).to_be_in_viewport()  # the sheet went sideways to the match


def test_on_a_phone_the_cells_stand_below_each_other(open_sheet):
    """Nothing scrolls sideways; each cell names its model, what all say stands once, and a chip hides a model."""
    page = open_sheet("talk", viewport=PHONE, has_touch=True)
    assert_fits(page)
    scroller = page.locator(".compare .scroller")
    assert scroller.evaluate("scroller => scroller.scrollWidth <= scroller.clientWidth")
    expect(row_of(page, 0).locator(".cell:visible")).to_have_count(1)
    expect(row_of(page, 0)).to_contain_text("All alike")
    expect(row_of(page, 2).locator(".who:visible")).to_have_text(["Gemini", "Whisper", "Qwen"])
    expect(take_of(page, 2, "Qwen")).to_have_css("opacity", "0.75")
    page.get_by_role("searchbox", name="Search the rows").fill("line 12")
    expect(page.locator(".compare .count")).to_have_text("1 of 1")
    expect(page.locator(".compare mark.here")).to_be_in_viewport()
    page.get_by_role("group", name="Models shown").get_by_role("button", name="Whisper").click()
    expect(row_of(page, 2).locator(".who:visible")).to_have_text(["Gemini", "Qwen"])
    expect(page.locator(".legend")).to_be_hidden()
    page.get_by_role("button", name="What the marks mean").click()
    expect(page.locator(".legend")).to_be_visible()
    assert_fits(page)
