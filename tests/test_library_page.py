"""The Library page on the real services: what it shows, and what each press does."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from lib.domain.library import Farewell, Found, Month
from lib.domain.media import Source, SourceKind
from lib.domain.run import Failure, RunRequest
from lib.domain.search import Spot
from lib.domain.transcript import Cue, Transcript
from lib.services import Services
from lib.ui.farewell import farewell_words
from lib.ui.hits import found_words, marked
from lib.ui.ledger import latest_months
from tests.page_fixtures import services_of_pages
from tests.run_fixtures import finish

ROOT = Path(__file__).parents[1]
MODEL = "google/gemini-3.8-flash"
NASTY = "**x** $a$ [l](javascript:1) :red[x] <b>b</b>"


@pytest.fixture
def services(tmp_path, monkeypatch) -> Iterator[Services]:
    """The services that the page of this test uses, on a data folder of its own, without a network."""
    with services_of_pages(monkeypatch, tmp_path / "data", "http://127.0.0.1:9/api/v1") as services:
        yield services


@pytest.fixture
def open_library(services) -> Callable[..., AppTest]:
    def open_(**address: str) -> AppTest:
        page = AppTest.from_file(ROOT / "app.py", default_timeout=60).switch_page("pages/library.py")
        for name, value in address.items():
            page.query_params[name] = value
        return page.run()

    return open_


def add(services: Services, number: int, *lines: str, title: str = "", cost: str | None = "0.25") -> str:
    """A run that is done over a video of its own, with these lines; gives the video's id."""
    store, run_id = services._tools.store, f"r{number:03}"
    source = Source(SourceKind.LINK, title or f"Talk {number}", url=f"https://video.example/{number}", duration=600.0)
    store.runs.add(run_id, RunRequest(source, MODEL), None)
    store.runs.begin(run_id, 1)
    cues = tuple(Cue(each * 60 + 5, each * 60 + 9, line) for each, line in enumerate(lines))
    store.transcripts.keep(run_id, Transcript(cues, ""))
    finish(store, run_id, cost=cost)
    return source.video_id


def words_on(page: AppTest) -> str:
    kinds = (page.header, page.markdown, page.caption, page.error, page.warning, page.success, page.info)
    return "\n".join(str(element.value) for kind in kinds for element in kind).replace("\\", "").replace("\u2060", "")


def links_on(page: AppTest) -> list[tuple[str, str]]:
    """Label and query of every link to a page, the menu's left out."""
    links = [element.proto for element in page.main if element.type == "page_link"] or [
        element.proto for element in page.get("page_link")
    ]
    return [(link.label.replace("\\", ""), link.query_string) for link in links if link.query_string]


def button(page: AppTest, label: str):
    return next(found for found in page.button if found.label == label)


def test_an_empty_library_says_the_next_step(open_library):
    """Nothing is there yet: what will be, and the way to it."""
    page = open_library()
    assert not page.exception
    assert "Nothing here yet." in words_on(page)
    assert "can be searched" in words_on(page)


def test_a_card_shows_what_was_done_with_a_video(open_library, services):
    """Title, runs, dollars and tags; a title and a tag are shown as they are, not obeyed."""
    video_id = add(services, 1, "Said.", title=NASTY)
    services.library.tag(video_id, NASTY[:36])
    page = open_library()
    assert not page.exception
    words = words_on(page)
    assert "1 video" in words
    assert "1 run · $0.2500" in words
    title = next(
        element.value for element in page.markdown if element.value.startswith("**") and "javascript" in element.value
    )
    assert "\\[l\\]\\(javascript" in title
    assert "\\$a\\$" in title
    assert ("Open", "run=r001") in links_on(page)
    assert any("gemini-3.8-flash" in label for label, _ in links_on(page))


def test_a_search_shows_places_with_links_to_their_second(open_library, services):
    """Hits stand under their video, each a link to its run and second, the words marked; and titles are found too."""
    add(services, 1, "Nothing of it.", "The budget for next year.", title="Town hall")
    add(services, 2, "Another budget.", title="The budget talk")
    page = open_library(said="budget")
    assert not page.exception
    words = words_on(page)
    assert "2 places" in words
    assert "**budget**" in words
    assert ("1:05", "run=r001&t=65") in links_on(page)
    assert ("0:05", "run=r002&t=5") in links_on(page)
    assert ("The budget talk", "run=r002") in links_on(page)
    page.text_input(key="said").set_value("xylophone").run()
    assert "Nobody says “xylophone”" in words_on(page)


def test_filters_narrow_both_the_list_and_the_search(open_library, services):
    """A tag lets one video through; Clear filters lets all through again."""
    services.library.tag(add(services, 1, "A budget."), "Work")
    add(services, 2, "A budget.")
    page = open_library()
    page.selectbox(key="filter_tag_0").set_value("Work").run()
    assert "1 video" in words_on(page)
    page.text_input(key="said").set_value("budget").run()
    assert "1 place" in words_on(page)
    page.selectbox(key="filter_cost_0").set_value("Free").run()
    assert "filters let through" in words_on(page)
    button(page, "Clear filters").click().run()
    assert "2 places" in words_on(page)
    page.text_input(key="said").set_value("").run()
    assert "2 videos" in words_on(page)


def test_tags_are_added_and_removed_on_the_card(open_library, services):
    """What is chosen or typed becomes a tag at once; what is taken out is no tag any more."""
    video_id = add(services, 1, "Said.")
    page = open_library()
    tags = page.multiselect(key=f"tags_{video_id}")
    tags.set_value(["Work", "Town hall"]).run()
    assert services.library.tags() == [("Town hall", 1), ("Work", 1)]
    page.multiselect(key=f"tags_{video_id}").set_value(["Work"]).run()
    assert not page.exception
    assert services.library.tags() == [("Work", 1)]
    assert ":gray-badge[:material/label: Work]" in words_on(page)


def test_five_hundred_videos_draw_fast(open_library, services):
    """A page of cards is drawn in under three seconds however many there are, and the pages are turned."""
    for number in range(500):
        add(services, number, "Said.", title=f"{NASTY} {number}")
    page = open_library()
    began = time.perf_counter()
    page.run()
    assert time.perf_counter() - began < 3
    assert not page.exception
    assert "500 videos" in words_on(page)
    assert sum(found.label == "Delete…" for found in page.button) == 12


def test_a_page_that_is_gone_gives_way_to_the_first(open_library, services):
    """After the only video of the last page was deleted the first page is shown."""
    for number in range(13):
        add(services, number, "Said.")
    page = open_library()
    page.session_state["library_page"] = 2
    page.run()
    assert "Talk 0" in words_on(page)
    services.library.delete_video(services.library.videos(page=2).videos[0].id)
    page.run()
    assert not page.exception
    assert "Talk 12" in words_on(page)


def test_deleting_says_what_goes_and_asks(open_library, services):
    """Delete… tells in words; Keep leaves everything; the second press deletes."""
    add(services, 1, "Said.", title="Town hall")
    page = open_library()
    button(page, "Delete…").click().run()
    words = words_on(page)
    assert "This deletes for good 1 run, 1 transcript with every version" in words
    assert services.library.videos().count == 1
    button(page, "Delete").click().run()
    assert not page.exception
    assert services.library.videos().count == 0
    assert "Nothing here yet." in words_on(page)


def test_a_run_that_goes_on_is_cancelled_first(open_library, services):
    """The dialog offers Cancel, and only then Delete."""
    source = Source(SourceKind.LINK, "Town hall", url="https://video.example/1")
    services._tools.store.runs.add("r001", RunRequest(source, MODEL), None)
    page = open_library()
    button(page, "Delete…").click().run()
    assert "Cancel it first" in words_on(page)
    assert not any(found.label == "Delete" for found in page.button)
    button(page, "Cancel it").click().run()
    assert services.run("r001").state == "cancelled"


def test_the_months_and_the_room_are_told(open_library, services, short_talking_video):
    """This month's dollars and the bytes used stand in one line; the cache is freed with a press."""
    add(services, 1, "Said.", cost="0.25")
    source = services.keep_file(short_talking_video)
    services._tools.store.runs.add("r002", RunRequest(source, MODEL), None)
    services._tools.store.runs.fail("r002", 1, Failure("OutOfCredit", "There is no credit left."))
    services.library.poster(source.asset_id)
    page = open_library()
    assert not page.exception
    assert page.expander[0].label.replace("\\", "").startswith("$0.2500 this month · ")
    assert "Renditions and copies" in words_on(page)
    button(page, "Free").click().run()
    assert not page.exception
    assert "freed" in words_on(page)
    assert services.library.space().renditions == 0


def test_new_run_names_the_transcripts_that_are_there(services, short_talking_video):
    """A file seen before says which models wrote it down, each a link to its best transcript: a stretch that was run
    again is none."""
    source = services.keep_file(short_talking_video)
    found = (("r1", MODEL, None), ("r2", "local/whisper-base", None), ("r3", MODEL, None), ("r4", MODEL, "r1"))
    for run_id, model_id, again_of in found:
        store = services._tools.store
        store.runs.add(run_id, RunRequest(source, model_id), None, again_of=again_of)
        store.runs.begin(run_id, 1)
        finish(store, run_id, cost=None)
    page = AppTest.from_file(ROOT / "app.py", default_timeout=60).run()
    page.file_uploader[0].upload("again.mp4", short_talking_video.read_bytes(), "video/mp4")
    page.run()
    assert not page.exception
    assert "Already transcribed with" in words_on(page)
    assert links_on(page) == [(f":small[{MODEL}]", "run=r3"), (":small[local/whisper-base]", "run=r2")]


def test_marks_show_exactly_what_was_said():
    """Spaces stay, what was found is marked, and a stranger's text stays text."""
    spot = Spot(1.0, (("It was ", False), ("[the](x)", True), (" best", False)))
    assert marked(spot) == "It was **\\[the\\]\\(x\\)** best"
    assert marked(Spot(1.0, (("… ", False), ("a", True)))).startswith("… **a**")


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (Found(count=1), "1 place"),
        (Found(count=37, is_ranked=True), "37 places, best first"),
        (Found(count=37), "37 places, newest first"),
        (Found(count=1000, is_more=True), "More than 1,000 places, newest first"),
    ],
)
def test_what_was_found_is_told_in_words(found, words):
    """How many, and in which order."""
    assert found_words(found) == words


def test_a_deletion_is_told_in_whole_sentences():
    """What goes with its bytes, and what stays."""
    whole = Farewell("Talk", 3, 2, file_bytes=12_300_000, rendition_bytes=400_000)
    assert farewell_words(whole, is_video=True) == (
        "This deletes for good 3 runs, 2 transcripts with every version, the answers that only these runs paid for, "
        "the file (12.3 MB) and what was made of it (0.4 MB). What it cost stays in the sum of its month."
    )
    assert "The file stays." in farewell_words(Farewell("Talk", 1, 0), is_video=False)
    assert "runs over another link or upload need it" in farewell_words(
        Farewell("Talk", 1, 0, is_shared=True), is_video=True
    )


def test_the_last_twelve_months_are_shown_with_those_of_nothing():
    """Up to this month, over the turn of a year."""
    months = latest_months([Month("2026-01", Decimal("2"))], datetime(2026, 2, 3, tzinfo=UTC))
    assert (months[0].name, months[-2].name, months[-1].name, len(months)) == ("2025-03", "2026-01", "2026-02", 12)
    assert (months[-2].usd, months[-1].usd) == (Decimal("2"), Decimal("0"))


def test_several_videos_are_taken_along_in_one_zip(open_library, services):
    """Those that are chosen and done give their newest transcript; one that failed cannot be chosen."""
    video_ids = [add(services, number, f"Said {number}.") for number in (1, 2)]
    source = Source(SourceKind.LINK, "Failed", url="https://video.example/failed")
    services._tools.store.runs.add("failed", RunRequest(source, MODEL), None)
    services._tools.store.runs.fail("failed", 1, Failure("OutOfCredit", "No credit."))
    page = open_library()
    assert not page.get("download_button")
    assert len(page.checkbox) == 2
    for video_id in video_ids:
        page.checkbox(key=f"tick_{video_id}").check()
    page.run()
    assert not page.exception
    assert [found.label for found in page.get("download_button")] == ["Download"]
    assert "2 transcripts" in words_on(page)
