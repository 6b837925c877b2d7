"""Choosing the clip on New run: the whole, one stretch, several; run by Streamlit's own test runner."""

from __future__ import annotations

import pytest

from lib.domain.media import Clip
from lib.ui.clip import CHOICE, STRETCHES, Share
from lib.ui.stretches import changed_stretches
from tests.fakes.media_server import Answer, MediaServer, feed
from tests.page_fixtures import GEMINI, button, look_up, open_page, openrouter, services, upload, wait_until, words_on

__all__ = ["open_page", "openrouter", "services", "upload"]
TWO = (Clip(1.0, 3.0), Clip(5.0, 8.5))


@pytest.fixture
def several(upload):
    """New run with ten seconds of a talking video on it, and the timeline open."""
    page = upload()
    return page.radio(key=CHOICE).set_value(Share.SEVERAL).run()


def choose(page, stretches):
    page.session_state[STRETCHES] = stretches
    return page.run()


def test_a_typed_time_is_one_stretch_and_the_whole_wipes_it_out(upload):
    """The choice follows what is written, and what is written follows the choice."""
    page = upload()
    assert page.radio(key=CHOICE).value is Share.WHOLE
    page.text_input(key="clip_to").set_value("0:05").run()
    assert page.radio(key=CHOICE).value is Share.ONE
    page.radio(key=CHOICE).set_value(Share.WHOLE).run()
    assert page.text_input(key="clip_to").value == ""
    assert not page.exception


def test_without_a_stretch_there_is_nothing_to_run(several):
    """The page says what is missing, and Run is not there."""
    assert not several.exception
    assert "With a clip and at least one model" in words_on(several)
    assert not any(found.label == "Run" for found in several.button)


def test_chosen_stretches_are_billed_and_run(several, services):
    """The bill says how much of how much, and the run asks for those stretches."""
    page = choose(several, TWO)
    assert "2 stretches, 5.5 s of 10 s." in words_on(page)
    button(page, "Run").click().run()
    (run,) = services.runs()
    assert run.request.stretches == TWO
    assert (run.request.start, run.request.end) == (1.0, 8.5)
    services.cancel(run.id)


def test_a_single_stretch_is_a_clip(several, services):
    """One on the timeline is as one typed."""
    button(choose(several, TWO[1:]), "Run").click().run()
    (run,) = services.runs()
    assert (run.request.start, run.request.end, run.request.stretches) == (5.0, 8.5, ())
    services.cancel(run.id)


def test_several_stretches_cannot_go_as_the_file_is(several):
    """The ways offered are those that cut and join; the price is that of what is sent."""
    page = choose(several, TWO)
    page.multiselect(key="models").set_value([GEMINI]).run()
    assert "only the chosen stretches are sent. 2 stretches, 5.5 s of 10 s." in words_on(page)
    assert "The file as it is" not in " ".join(page.radio(key=f"route_{GEMINI}").options)


def test_scenes_are_proposed_within_the_length_wished(several):
    """What is found stands on the timeline, inside the budget."""
    length = next(field for field in several.text_input if field.label == "Length altogether")
    length.set_value("0:04")
    page = button(several, "Where scenes change").click().run()
    assert not page.exception
    proposed = page.session_state[STRETCHES]
    assert proposed
    assert sum(each.duration for each in proposed) <= 4.01
    assert button(page, "Run")


def test_a_length_that_is_none_says_so(several):
    """A sentence beside the button, and nothing is changed."""
    page = choose(several, TWO)
    next(field for field in page.text_input if field.label == "Length altogether").set_value("soon")
    page = button(page, "Where scenes change").click().run()
    assert "soon" in page.error[0].value
    assert page.session_state[STRETCHES] == TWO


def test_a_word_is_looked_for_once_there_is_a_transcript(upload, services):
    """Without one, the way to it is told and the button cannot be pressed; with one, its place is proposed."""
    page = upload()
    page.radio(key=CHOICE).set_value(Share.SEVERAL).run()
    assert "Words are looked for in a transcript" in words_on(page)
    assert button(page, "Around this word").disabled
    page.radio(key=CHOICE).set_value(Share.WHOLE).run()
    button(page, "Run").click().run()
    (run,) = services.runs()
    wait_until(lambda: services.run(run.id).state.is_over, 300)
    page = upload()
    page.radio(key=CHOICE).set_value(Share.SEVERAL).run()
    page.text_input(key="propose_word").set_value("matter")
    page = button(page, "Around this word").click().run()
    assert not page.exception
    assert not page.error
    assert page.session_state[STRETCHES]
    page.text_input(key="propose_word").set_value("xylophone")
    page = button(page, "Around this word").click().run()
    assert "xylophone" in page.error[0].value


def test_another_video_has_stretches_of_its_own(several, upload):
    """What was chosen of one video is not chosen of the next."""
    page = choose(several, TWO)
    page = button(page, "Choose another").click().run()
    assert page.session_state[STRETCHES] == ()
    assert page.session_state[CHOICE] is Share.WHOLE


def test_a_link_has_its_timeline_before_it_is_downloaded(open_page, services, short_talking_video):
    """With an announced length, stretches can be chosen; without one, or for several videos, only one stretch."""
    with MediaServer() as server:
        links = [server.put(f"/talk{number}.mp4", Answer.of(short_talking_video)) for number in (1, 2)]
        playlist = server.put("/feed.rss", feed("Talks", [(f"Talk {link[-5]}", link, "52:00") for link in links]))
        page = look_up(open_page("app.py"), playlist)
        page.session_state["playlist_rows"] = {"selection": {"rows": [0], "columns": [], "cells": []}}
        button(page.run(), "Use 1 video").click().run()
        page.radio(key=CHOICE).set_value(Share.SEVERAL).run()
        assert "once the video is on this machine" in words_on(page)
        page = choose(page, (Clip(60, 120), Clip(600, 700)))
        assert "2 stretches, 2 min 40 s of 52 min." in words_on(page)
        button(page, "Choose another").click().run()
        page.session_state["playlist_rows"] = {"selection": {"rows": [0, 1], "columns": [], "cells": []}}
        page = look_up(page, playlist)
        page.session_state["playlist_rows"] = {"selection": {"rows": [0, 1], "columns": [], "cells": []}}
        button(page.run(), "Use 2 videos").click().run()
        assert page.radio(key=CHOICE).options == ["The whole", "One stretch"]
        assert not page.exception


@pytest.mark.parametrize(
    ("sent", "stretches"),
    [
        ([[5, 8.5], [1, 3]], TWO),
        ([[1, 3], [2.5, 30]], (Clip(1, 10),)),
        ([], ()),
        ([[3, 1]], None),
        ("soon", None),
        ([[1, None]], None),
        (None, None),
    ],
)
def test_what_the_browser_sends_is_read_with_care(monkeypatch, sent, stretches):
    """In order, apart and inside the video; anything else is left aside."""
    monkeypatch.setattr("streamlit.session_state", {"editor": {"stretches": sent}})
    assert changed_stretches("editor", 10.0) == stretches
