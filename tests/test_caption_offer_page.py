"""Captions first: what New run offers where a video has them, run by Streamlit's own test runner."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from lib.domain.run import RunState
from tests.fakes.media_server import Answer, MediaServer, captioned_page
from tests.page_fixtures import button, open_page, openrouter, services, upload, words_on

__all__ = ["open_page", "openrouter", "services", "upload"]


@pytest.fixture
def captioned(open_page) -> Iterator[Callable[..., AppTest]]:
    """New run with a link looked up whose page has these captions, by language."""
    with MediaServer() as server:
        server.put("/talk.mp4", Answer(b"0" * 1000, "video/mp4"))
        server.put("/it.vtt", Answer(b"WEBVTT\n\n00:01.000 --> 00:02.000\nHello there.\n", "text/vtt"))

        def captioned_(*languages: str) -> AppTest:
            url = server.put("/talk", captioned_page("A talk", "/talk.mp4", dict.fromkeys(languages, "/it.vtt")))
            page = open_page("app.py")
            page.text_input(key="link").set_value(url)
            button(page, "Look up").click().run()
            return page

        yield captioned_


def test_captions_by_people_are_an_instant_transcript(captioned, services):
    """The look-up says that there are some; one press opens them on the transcript page, and nothing was paid."""
    page = captioned("de", "en")
    assert not page.exception
    assert "People wrote captions for this video" in words_on(page)
    choice = page.selectbox(key="caption_track")
    assert choice.options == ["Captions by people, German", "Captions by people, English"]
    choice.set_value("captions/human:en").run()
    button(page, "Read them").click().run()
    assert not page.exception
    (run,) = services.runs()
    assert (run.request.model_id, run.state) == ("captions/human:en", RunState.DONE)
    assert "captions/human:en" in words_on(page)
    assert "free" in words_on(page)
    assert "Captions by people, English" in words_on(page)


def test_automatic_captions_say_that_they_are(captioned):
    """Nobody takes a machine's work for that of people."""
    page = captioned("en-x-autogen")
    assert "automatic captions" in words_on(page)
    assert "People wrote" not in words_on(page)
    assert page.selectbox(key="caption_track").options == ["Automatic captions, English"]


def test_a_video_without_captions_offers_none(captioned):
    """Only the way to give a file of them is there."""
    page = captioned()
    assert not [each for each in page.button if each.label == "Read them"]
    assert button(page, "Read it").disabled


def test_a_caption_file_of_ones_own_is_read_beside_its_video(upload, services):
    """An SRT with the video it belongs to: a transcript at once; a file that is none says so and starts nothing."""
    page = upload()
    page.file_uploader(key="caption_upload").upload("talk.srt", b"no captions", "application/x-subrip").run()
    button(page, "Read it").click().run()
    assert "no captions in this file" in words_on(page)
    assert services.runs() == []
    content = b"1\n00:00:01,000 --> 00:00:02,000\nEver tried.\n"
    page.file_uploader(key="caption_upload").upload("talk.srt", content, "application/x-subrip").run()
    button(page, "Read it").click().run()
    assert not page.exception
    (run,) = services.runs()
    assert (run.request.model_id, run.asset_id is not None) == ("captions/file", True)
    assert "Captions from a file" in words_on(page)


def test_captions_that_are_gone_are_told_beside_the_offer(captioned, services):
    """The page stays as it is, and another way can be taken."""
    page = captioned("en")
    page.session_state["chosen"] = replace(
        page.session_state["chosen"],
        sources=(replace(page.session_state["chosen"].sources[0], url="http://127.0.0.1:9/talk"),),
    )
    button(page, "Read them").click().run()
    assert not page.exception
    assert page.error
    assert services.runs() == []
