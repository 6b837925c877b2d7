"""Many at once on the pages: several files, a list of links, one bill, and the page of a batch."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest

from lib.domain.batch import Given, Item
from lib.domain.media import Source, SourceKind
from lib.domain.run import Failure, RunState
from lib.ui import batch as batch_page
from lib.ui.source import LOOKING_UP, LookingUp
from tests.batch_fixtures import broken_file, make_video
from tests.fakes.media_server import Answer, MediaServer, feed
from tests.fakes.openrouter_server import DEFAULT_KEY
from tests.page_fixtures import GEMINI, NASTY, button, open_page, openrouter, services, wait_until, words_on

__all__ = ["broken_file", "make_video", "open_page", "openrouter", "services"]
TINY = "local/whisper-tiny.en"
WHY = Failure("BadLink", "This line is no link.")


@pytest.fixture
def drop(open_page):
    """Drops several files at once on New run."""

    def drop_(*paths, names=None):
        page = open_page("app.py")
        for path, name in zip(paths, names or [path.name for path in paths], strict=True):
            page.file_uploader[0].upload(name, path.read_bytes(), "video/mp4")
        return page.run()

    return drop_


def paste(page, *lines: str):
    """A list of links on New run, looked up to its end."""
    button(page, "Several links").click().run()
    page.text_area(key="links").set_value("\n".join(lines))
    return button(page, "Look up").click().run()


def table(page):
    return page.dataframe[0].value


def test_several_files_have_one_bill(drop, make_video, broken_file):
    """Three files of which one is broken: it is named with why, the others are planned, and one button runs both."""
    page = drop(make_video("one.mp4"), broken_file, make_video("two.mp4"))
    assert not page.exception
    words = words_on(page)
    assert "**2 of 3 videos**" in words
    assert "**broken.mp4** The file is neither a video nor sound." in words
    assert list(table(page)["Video"]) == ["one.mp4", "broken.mp4", "two.mp4"]
    assert list(table(page)["Sent"]) == ["On this machine", "cannot run", "On this machine"]
    assert list(table(page)["Price (estimate)"]) == ["free", "—", "free"]
    assert "Total: free" in words
    assert not button(page, "Run 2 videos").disabled


def test_the_button_starts_the_batch_and_opens_it(drop, services, make_video, broken_file):
    """A row for each, the broken one with its reason; when all is over, a zip of what is done and no Cancel."""
    page = drop(make_video("one.mp4"), broken_file)
    page.multiselect(key="models").set_value([TINY]).run()
    page = button(page, "Run 1 video").click().run()
    assert not page.exception
    (standing,) = services.batches.newest()
    assert page.query_params["batch"] == standing.batch.id
    wait_until(lambda: services.batches.get(standing.batch.id).progress.is_over)
    page.run()
    assert not page.exception
    words = words_on(page)
    assert "one.mp4 and 1 more" in page.header[0].value.replace("\\", "")
    assert "broken.mp4" in words
    assert "free" in words
    assert any(found.label == "Download" for found in page.get("download_button"))
    assert not [found for found in page.button if found.label in ("Cancel all", "Retry failed")]
    activity = words_on(open_activity(page))
    assert "Started together" in activity
    assert "1 of 2 done · 1 failed" in activity


def open_activity(page):
    return page.switch_page("pages/activity.py").run()


def test_a_key_and_the_cap_are_asked_for_once_for_all(drop, services, make_video):
    """The total is of all videos and over the cap needs a tick; one key serves every run."""
    services.save_preferences(type(services.preferences())(spending_cap_usd=Decimal("0.000001")))
    page = drop(make_video("one.mp4"), make_video("two.mp4"))
    page.multiselect(key="models").set_value([GEMINI, TINY]).run()
    run = button(page, "Run 2 videos, 4 runs")
    assert run.disabled
    assert "Model" in table(page)
    page.checkbox[0].check().run()
    page = button(page, "Run 2 videos, 4 runs").click().run()
    assert "needs your OpenRouter key" in words_on(page)
    page.text_input(key="run_key").set_value(DEFAULT_KEY)
    page = button(page, "Run 2 videos, 4 runs").click().run()
    assert not page.exception
    assert len(services.runs()) == 4
    assert len(services.comparisons.newest()) == 2
    (standing,) = services.batches.newest()
    links = [link.proto.query_string for link in page.get("page_link") if link.proto.query_string.startswith("comp")]
    assert links == [f"comparison={row.comparison_id}" for row in standing.rows]
    assert DEFAULT_KEY not in repr(services.batches.newest())
    services.batches.cancel(services.batches.newest()[0].batch.id)


def test_what_cannot_run_says_why_for_which_videos(drop, make_video):
    """A silent video is refused by a model that only listens, by name, and the others run."""
    page = drop(make_video("one.mp4"), make_video("silent.mp4", is_silent=True), names=["one.mp4", f"{NASTY}.mp4"])
    assert not page.exception
    assert any("\\[l\\]" in error.value for error in page.error)
    assert button(page, "Run 1 video")
    page.text_input(key="clip_from").set_value("0:09").run()
    page.text_input(key="clip_to").set_value("0:09.5").run()
    assert not page.exception


def test_the_same_file_twice_is_run_once(drop, make_video):
    """It is named, and the bill has it once."""
    path = make_video("one.mp4")
    page = drop(path, path, make_video("two.mp4"), names=["one.mp4", "copy of one.mp4", "two.mp4"])
    assert "Given twice and run once: copy of one.mp4." in words_on(page)
    assert list(table(page)["Video"]) == ["one.mp4", "two.mp4"]


def test_none_that_is_any_good_stays_where_it_was_dropped(drop, broken_file):
    """Each is named with why, and others can be dropped."""
    page = drop(broken_file, broken_file, names=["a.mp4", "b.mp4"])
    assert len(page.error) == 1
    assert "**a.mp4** The file is neither" in words_on(page)
    assert not page.file_uploader[0].value


def test_a_list_of_links_is_looked_up_one_by_one(open_page, services, make_video):
    """Two good links, one dead, one line that is none: all are in the bill, each with what is wrong with it."""
    with MediaServer() as server:
        links = [server.put(f"/{name}", Answer.of(make_video(name))) for name in ("one.mp4", "two.mp4")]
        page = paste(open_page("app.py"), links[0], "not a link", server.url("/gone.mp4"), links[1], links[0])
        assert not page.exception
        assert LOOKING_UP not in page.session_state
        assert list(table(page)["Video"]) == ["not a link", "one", server.url("/gone.mp4"), "two"]
        assert "not a link" in page.error[0].value
        page = button(page, "Run 2 videos").click().run()
        (standing,) = services.batches.newest()
        assert [row.state for row in standing.rows if row.run is None] == [RunState.FAILED] * 2
        assert button(page, "Retry")  # of the dead link
        services.batches.cancel(standing.batch.id)


def test_a_list_with_one_link_is_one_video(open_page, make_video):
    """Then everything is as with a link pasted alone."""
    with MediaServer() as server:
        page = paste(open_page("app.py"), server.put("/one.mp4", Answer.of(make_video("one.mp4"))))
    assert button(page, "Run")
    assert not page.dataframe


def test_a_link_to_sound_alone_says_so_in_a_list_too(open_page, beckett):
    """Only models that hear are offered for it, as for the same link pasted alone."""
    with MediaServer() as server:
        page = paste(open_page("app.py"), server.put("/beckett.wav", Answer.of(beckett)))
    assert "only models that hear are listed" in words_on(page)


def test_looking_up_is_stopped_between_two_links(open_page, make_video):
    """What was found so far is used, and the links behind it are never asked for."""
    now = LookingUp(["https://one.example/a", "https://one.example/b"], [])
    now.done = 1
    now.stop()
    assert now.is_over
    with MediaServer() as server:
        page = open_page("app.py")
        url = server.put("/one.mp4", Answer.of(make_video("one.mp4")))
        source = Source(SourceKind.LINK, "one", url=url)
        page.session_state[LOOKING_UP] = LookingUp([url], [Given("one", source), Given("none", failure=WHY)], 1)
        page.run()
        assert not page.exception
        assert LOOKING_UP not in page.session_state
        assert list(table(page)["Video"]) == ["one", "none"]
        assert not server.requests


@pytest.mark.parametrize("lines", [(), ("none", "of these")])
def test_a_list_without_a_link_says_so(open_page, lines):
    """Each line is named, and the list stays."""
    page = paste(open_page("app.py"), *lines)
    assert len(page.error) == 1
    assert page.text_area(key="links").value == ("\n".join(lines))


def test_all_or_none_of_a_playlist_are_ticked(open_page, make_video):
    """Two buttons beside its title; what is ticked is what is used."""
    with MediaServer() as server:
        links = [server.put(f"/{name}", Answer.of(make_video(name))) for name in ("one.mp4", "two.mp4")]
        playlist = server.put("/feed.rss", feed("Talks", [(f"Talk {link[-7]}", link, "0:10") for link in links]))
        page = open_page("app.py")
        page.text_input(key="link").set_value(playlist)
        page = button(page, "Look up").click().run()
        page = button(page, "All").click().run()
        assert button(page, "Use 2 videos")
        page = button(page, "None").click().run()
        assert button(page, "Tick the videos to use").disabled


def test_a_batch_goes_on_after_a_reload_and_can_be_forgotten(drop, services, make_video, open_page):
    """The address has it in any tab; Forget leaves the runs; an unknown address says so above the list."""
    page = drop(make_video("one.mp4"), make_video("two.mp4"))
    button(page, "Run 2 videos").click().run()
    (standing,) = services.batches.newest()
    again = open_page("app.py")
    again.query_params["batch"] = standing.batch.id
    again.switch_page("pages/batch.py").run()
    assert not again.exception
    services.batches.cancel(standing.batch.id)
    wait_until(lambda: services.batches.get(standing.batch.id).progress.is_over)
    assert button(again.run(), "Retry failed")
    again = button(again, "Forget").click().run()
    assert "Nothing has been started together yet." in words_on(again)
    assert len(services.runs()) == 2
    assert "no such batch" in words_on(again)


def test_videos_are_added_to_a_batch(drop, services, make_video):
    """From its page to New run and back: they are asked what the others were, and one that is there is left out."""
    page = drop(make_video("one.mp4"), make_video("two.mp4"))
    page.multiselect(key="models").set_value([TINY]).run()
    button(page, "Run 2 videos").click().run()
    (standing,) = services.batches.newest()
    services.batches.cancel(standing.batch.id)
    turn_to_new_run(page, add_to=standing.batch.id)
    assert "Added to **one.mp4 and 1 more**" in words_on(page)
    assert not page.dataframe  # those that are in it already are not chosen for it once more
    for name in ("two.mp4", "three.mp4"):
        page.file_uploader[0].upload(name, make_video(name).read_bytes(), "video/mp4")
    page.run()
    assert list(table(page)["Video"]) == ["three.mp4"]
    assert "Given twice and run once: two.mp4." in words_on(page)
    page = button(page, "Run 1 video").click().run()
    assert not page.exception
    assert page.query_params["batch"] == standing.batch.id
    rows = services.batches.get(standing.batch.id).rows
    assert [(row.item.name, row.run.request.model_id) for row in rows][2:] == [("three.mp4", TINY)]
    services.batches.cancel(standing.batch.id)
    assert "2 videos" in words_on(turn_to_new_run(page))  # its own draft, as it was left
    assert not turn_to_new_run(page, add_to=standing.batch.id).dataframe


def turn_to_new_run(page, **address: str):
    """Follows a link to New run, in the same browser."""
    page.query_params.clear()
    page.query_params.update(address)
    return page.switch_page("app.py").run()


def test_a_batch_of_many_draws_fast(open_page, services, make_video):
    """A hundred videos are drawn a page at a time, in under two seconds."""
    source = services.keep_file(make_video("one.mp4"))
    request = services.new_request(source, TINY)
    store = services._tools.store
    for number in range(100):
        store.runs.add(f"run{number}", request, None)
        store.runs.cancel(f"run{number}")
    items = [Item(number, 0, f"{NASTY} {number}", request, Decimal(0), f"run{number}") for number in range(100)]
    store.batches.add("many", NASTY, items)
    page = open_page("app.py")
    page.query_params["batch"] = "many"
    page.switch_page("pages/batch.py").run()
    began = time.perf_counter()
    page.run()
    assert time.perf_counter() - began < 2
    assert not page.exception
    assert len([found for found in page.button if found.label == "Retry"]) == batch_page.VIDEOS_A_PAGE
