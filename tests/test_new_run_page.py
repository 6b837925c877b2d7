"""New run, run by Streamlit's own test runner: what is dropped or linked, how it is sent, and the bill before it."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal

import pytest

from lib.domain.plan import Quality, RouteChoice, Times
from lib.domain.run import RunState
from tests.fakes.media_server import Answer, MediaServer, feed
from tests.fakes.openrouter_server import DEFAULT_KEY
from tests.page_fixtures import (
    GEMINI,
    NASTY,
    button,
    look_up,
    open_page,
    openrouter,
    services,
    upload,
    wait_until,
    words_on,
)

__all__ = ["open_page", "openrouter", "services", "upload"]


def test_a_file_is_kept_and_planned_with_the_local_model(upload):
    """A dropped video shows its facts; Whisper base is chosen; its plan is free and private."""
    page = upload()
    assert not page.exception
    assert page.multiselect(key="models").value == ["local/whisper-base"]
    words = words_on(page)
    assert "beckett.mp4" in words
    assert "10 s" in words
    assert "free and private" in words
    assert "Total: free" in words


def test_an_upload_leaves_the_memory_of_the_browser_session(upload):
    """Once a file is kept on disk, the page offers it no longer to the uploader and forgets its bytes."""
    page = upload()
    assert not [each for each in page.file_uploader if each.key.startswith("upload_")]
    button(page, "Choose another").click().run()
    assert not page.file_uploader[0].value


@pytest.mark.parametrize("content", [b"", b"only text\n" * 50], ids=["empty", "text"])
def test_a_file_that_is_no_video_says_so_beside_the_uploader(open_page, content):
    """A bad file gets a sentence with a hint, nothing is lost, and another file can be dropped."""
    page = open_page("app.py")
    page.file_uploader[0].upload("renamed.mp4", content, "video/mp4")
    page.run()
    assert not page.exception
    assert len(page.error) == 1
    assert not page.file_uploader[0].value


def test_a_title_is_shown_as_it_is(upload):
    """Markup, formulas, colours and links in a file's name are shown, not obeyed."""
    page = upload(f"{NASTY}.mp4")
    title = next(element.value for element in page.markdown if "javascript" in element.value)
    assert "\\[l\\]\\(javascript" in title
    assert "\\$a\\$" in title
    assert "\\*\\*x\\*\\*" in title


def test_a_file_name_keeps_its_quotes(upload):
    """Browsers send them as per cent; the title is what the owner calls the file."""
    page = upload("The %22big%22 talk.mp4")
    assert any('The "big" talk' in element.value for element in page.markdown)


def test_a_wrong_time_says_so_and_the_draft_stays(upload):
    """A clip that is no time gets an error of its own; nothing is planned, and the task stays as chosen."""
    page = upload()
    page.text_input(key="terms").set_value("Beckett, Nagg").run()
    page.text_input(key="clip_from").set_value("soon").run()
    assert "soon" in page.error[0].value
    assert not any(found.label == "Run" for found in page.button)
    assert page.text_input(key="terms").value == "Beckett, Nagg"
    page.text_input(key="clip_from").set_value("0:02").run()
    assert not page.error
    assert button(page, "Run")


def test_run_starts_the_run_and_opens_its_transcript(upload, services):
    """With no key at all, Run queues the local model over the chosen clip and turns to the transcript."""
    page = upload()
    page.text_input(key="clip_to").set_value("0:08").run()
    page.selectbox(key="language").set_value("en").run()
    page.text_input(key="terms").set_value("Beckett, Nagg; Beckett").run()
    button(page, "Run").click().run()
    assert not page.exception
    (run,) = services.runs()
    assert (run.request.start, run.request.end) == (0.0, 8.0)
    assert run.request.language == "en"
    assert run.request.terms == ("Beckett", "Nagg")
    assert page.query_params["run"] == run.id


def test_the_local_model_runs_to_its_end(upload, services, open_page):
    """The worker takes the run up, and Activity shows it done, free and with a way to open it."""
    button(upload(), "Run").click().run()
    (run,) = services.runs()
    wait_until(lambda: services.run(run.id).state.is_over)
    assert services.run(run.id).state is RunState.DONE, services.run(run.id).failure
    words = words_on(open_page("pages/activity.py"))
    assert "Done" in words
    assert "free and private" in words


def test_a_track_is_chosen_where_there_are_several(open_page, services, two_tracks, upload):
    """A file with one track asks nothing; of two, the second is planned, run, and named under the text."""
    assert not [box for box in upload().selectbox if box.label == "Track of sound"]
    page = open_page("app.py")
    page.file_uploader[0].upload("two tracks.mp4", two_tracks.read_bytes(), "video/mp4")
    page.run()
    assert "2 tracks of sound" in words_on(page)
    box = next(box for box in page.selectbox if box.label == "Track of sound")
    assert box.options == ["1 · English · mono", "2 · German · mono"]
    page.multiselect(key="models").set_value(["local/whisper-tiny.en", GEMINI]).run()
    assert "Sent as it is" in words_on(page)
    box.set_value(1).run()
    assert "only the chosen track of sound is sent" in words_on(page)
    page.multiselect(key="models").set_value(["local/whisper-tiny.en"]).run()
    button(page, "Run").click().run()
    (run,) = services.runs()
    assert run.request.track == 1
    wait_until(lambda: services.run(run.id).state.is_over)
    page.run()
    assert not page.exception
    assert "The text is of track 2 · German" in words_on(page)


def test_the_key_is_asked_for_only_when_a_model_needs_one(upload, services):
    """Local models ask for no key; a catalogue model asks right there, and without one nothing starts."""
    page = upload()
    assert not any(field.label == "Your OpenRouter key" for field in page.text_input)
    page.multiselect(key="models").set_value([GEMINI]).run()
    button(page, "Run").click().run()
    assert "needs your OpenRouter key" in words_on(page)
    assert not services.runs()
    page.text_input(key="run_key").set_value(DEFAULT_KEY)
    button(page, "Run").click().run()
    (run,) = services.runs()
    assert run.request.model_id == GEMINI
    assert DEFAULT_KEY not in repr(run)


def test_several_models_become_the_columns_of_a_comparison(upload, services):
    """One press of Run asks each model and turns to Compare, where each has its box."""
    page = upload()
    page.multiselect(key="models").set_value(["local/whisper-base", "local/whisper-tiny.en"]).run()
    button(page, "Compare 2 models").click().run()
    assert not page.exception
    assert {run.request.model_id for run in services.runs()} == {"local/whisper-base", "local/whisper-tiny.en"}
    (comparison,) = services.comparisons.newest()
    assert len(comparison.run_ids) == 2
    assert "beckett.mp4" in page.header[0].value.replace("\\", "")
    assert [each.label for each in page.button].count("Stop") == 2


def test_a_task_that_local_models_cannot_do_is_refused_in_words(upload):
    """A summary by Whisper is refused beside the model, and Run cannot be pressed."""
    page = upload()
    page.selectbox(key="task").set_value("summary").run()
    assert "Local models only" in page.error[0].value
    assert button(page, "Run").disabled


def test_a_retired_model_names_the_nearest_living_one(upload):
    """An id of an older guide, typed in, is told to be gone, with what to choose instead."""
    page = upload()
    page.multiselect(key="models").set_value(["google/gemini-pro-1.5"]).run()
    assert "Nearest" in words_on(page)
    assert button(page, "Run").disabled


def test_over_the_cap_needs_a_tick(upload, services):
    """An estimate above the spending cap disables Run until it is confirmed, and a higher one asks again."""
    services.save_preferences(type(services.preferences())(spending_cap_usd=Decimal("0.000001")))
    page = upload()
    page.multiselect(key="models").set_value([GEMINI]).run()
    assert button(page, "Run").disabled
    page.checkbox[0].check().run()
    assert not button(page, "Run").disabled
    page.multiselect(key="models").set_value([GEMINI, "google/gemini-3.6-pro"]).run()
    assert button(page, "Compare 2 models").disabled


def test_the_way_it_is_sent_can_be_changed(upload, services):
    """Each way is offered with what it sends and costs; the choice is planned anew and goes into the run."""
    page = upload()
    page.multiselect(key="models").set_value([GEMINI]).run()
    ways = page.radio(key=f"route_{GEMINI}")
    assert ways.options[0] == "The file as it is (automatic)"
    assert "Sound only" in ways.options
    ways.set_value(RouteChoice.AUDIO).run()
    assert not page.exception
    assert "Sound alone, as mp3" in words_on(page)
    page.text_input(key="run_key").set_value(DEFAULT_KEY)
    button(page, "Run").click().run()
    (run,) = services.runs()
    assert run.request.route is RouteChoice.AUDIO


def test_a_way_that_is_gone_falls_back_to_the_automatic_one(upload):
    """A clip cannot be sent as the file is: the choice made for the whole gives way."""
    page = upload()
    page.multiselect(key="models").set_value([GEMINI]).run()
    page.radio(key=f"route_{GEMINI}").set_value(RouteChoice.VIDEO).run()
    page.text_input(key="clip_to").set_value("0:05").run()
    assert not page.exception
    assert not page.error
    assert not button(page, "Run").disabled


def test_nothing_is_offered_where_there_is_no_choice(upload):
    """What is heard on this machine is not sent at all."""
    assert not [radio for radio in upload().radio if radio.key.startswith("route_")]


def test_a_long_clip_says_how_many_parts_it_has(upload, services):
    """The length of a part is a setting; the plan names number and length."""
    services.save_preferences(replace(services.preferences(), part_seconds=3.0))
    page = upload()
    page.multiselect(key="models").set_value([GEMINI]).run()
    assert re.search(r"\d parts of about \d s", words_on(page))


def test_quality_and_times_are_right_for_the_task_and_can_be_changed(upload, services):
    """What is shown needs sharp pictures, a transcript small ones; times are for transcripts only."""
    page = upload()
    page.multiselect(key="models").set_value([GEMINI]).run()
    assert page.radio(key="quality_transcript").value is Quality.SPEECH
    page.radio(key="times").set_value(Times.MODEL).run()
    page.radio(key="quality_transcript").set_value(Quality.VISUAL).run()
    page.text_input(key="run_key").set_value(DEFAULT_KEY)
    button(page, "Run").click().run()
    (run,) = services.runs()
    assert (run.request.quality, run.request.times) == (Quality.VISUAL, Times.MODEL)
    page = upload()
    page.selectbox(key="task").set_value("shown").run()
    assert page.radio(key="quality_shown").value is Quality.VISUAL
    assert not [radio for radio in page.radio if radio.key == "times"]


def test_a_link_that_is_none_says_so(open_page):
    """A bad link gets a sentence beside its field, and what was typed stays."""
    page = open_page("app.py")
    page.text_input(key="link").set_value("not a link")
    button(page, "Look up").click().run()
    assert len(page.error) == 1
    assert page.text_input(key="link").value == "not a link"


def test_a_link_is_looked_up_and_nothing_is_downloaded(open_page, services, short_talking_video):
    """A link to a media file shows its title and size, then the plan; Choose another goes back to the two ways in."""
    with MediaServer() as server:
        link = server.put("/beckett.mp4", Answer.of(short_talking_video))
        page = look_up(open_page("app.py"), link)
        assert not page.exception
        assert "beckett" in words_on(page)
        assert "to download" in words_on(page)
        assert button(page, "Run")
        assert not services.runs()
    button(page, "Choose another").click().run()
    assert page.text_input(key="link").value == link


def test_the_videos_of_a_playlist_are_ticked(open_page, services, short_talking_video):
    """A link to several videos lists them; the ticked ones become the runs of a batch."""
    with MediaServer() as server:
        links = [server.put(f"/talk{number}.mp4", Answer.of(short_talking_video)) for number in (1, 2, 3)]
        playlist = server.put("/feed.rss", feed(NASTY, [(f"Talk {link[-5]}", link, "0:10") for link in links]))
        page = look_up(open_page("app.py"), playlist)
        assert list(page.dataframe[0].value["Title"]) == ["Talk 1", "Talk 2", "Talk 3"]
        assert button(page, "Tick the videos to use").disabled
        page.session_state["playlist_rows"] = {"selection": {"rows": [0, 2], "columns": [], "cells": []}}
        button(page.run(), "Use 2 videos").click().run()
        button(page, "Run 2 videos").click().run()
        assert not page.exception
        (standing,) = services.batches.newest()
        assert page.query_params["batch"] == standing.batch.id
        assert {run.request.source.title for run in services.runs()} == {"Talk 1", "Talk 3"}
        for run in services.runs():
            services.cancel(run.id)


def test_a_price_that_nobody_knows_needs_a_yes(upload, services):
    """A model without a price does not run before it is ticked, and runs after."""
    page = upload()
    page.multiselect(key="models").set_value(["meta/muse-spark-1.3"]).run()
    assert "price unknown" in words_on(page)
    assert button(page, "Run").disabled
    assert page.checkbox[0].label == "Price unknown: run anyway"
    page.checkbox[0].check().run()
    page.text_input(key="run_key").set_value(DEFAULT_KEY)
    button(page, "Run").click().run()
    (run,) = services.runs()
    assert run.request.accepts_unknown_price


def test_the_caps_stand_beside_the_total(upload, services):
    """What a run may cost and what the month leaves are told before Run; an estimate over the latter needs a tick."""
    caps = {"spending_cap_usd": Decimal(1), "monthly_cap_usd": Decimal("0.000001")}
    services.save_preferences(replace(services.preferences(), **caps))
    page = upload()
    page.multiselect(key="models").set_value([GEMINI]).run()
    assert "cap $1.00 a run · under $0.0001 left this month" in words_on(page).replace("\\", "")
    assert "more than the" in words_on(page)
    assert button(page, "Run").disabled
