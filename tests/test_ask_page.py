"""Asking, on the transcript's page and on its own, on the real services, a worker and a server on loopback."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from lib.domain.run import RunState
from lib.services import Services
from lib.ui.conversation.panel import EXAMPLES, EXAMPLES_OF_SEVERAL
from lib.ui.session import KEY_NAME
from tests.editing_fixtures import cues_of, write_run
from tests.fakes.openrouter_server import DEFAULT_KEY, FakeOpenRouter, Reply
from tests.page_fixtures import services_of_pages
from tests.waiting import look_until

ROOT = Path(__file__).parents[1]
GEMINI, READER = "google/gemini-3.8-flash", "deepseek/deepseek-v4"
ANSWER = "The **best** of times [00:01], and later more [59:00]."
OpenPage = Callable[..., AppTest]


@pytest.fixture
def openrouter() -> Iterator[FakeOpenRouter]:
    with FakeOpenRouter(answer=ANSWER) as server:
        yield server


@pytest.fixture
def services(tmp_path, monkeypatch, openrouter) -> Iterator[Services]:
    """The services that the page of this test uses, on a data folder of its own."""
    with services_of_pages(monkeypatch, tmp_path / "data", openrouter.base_url) as services:
        yield services


@pytest.fixture
def run_id(services, talking_video) -> str:
    """44 s of talking video with its transcript."""
    return write_run(services._tools.store, "a" * 32, services.keep_file(talking_video), cues_of())


@pytest.fixture
def other_id(services, beckett) -> str:
    return write_run(services._tools.store, "b" * 32, services.keep_file(beckett), cues_of()[:1])


@pytest.fixture
def open_page(services) -> OpenPage:
    def open_(script: str, *, key: str | None = DEFAULT_KEY, **address: object) -> AppTest:
        page = AppTest.from_file(ROOT / "app.py", default_timeout=60).switch_page(script)
        page.session_state[KEY_NAME] = key
        for name, value in address.items():
            page.query_params[name] = value
        return page.run()

    return open_


@pytest.fixture
def open_run(open_page, run_id) -> Callable[..., AppTest]:
    return lambda **more: open_page("pages/transcript.py", run=run_id, **more)


def texts(page: AppTest) -> str:
    kinds = (page.markdown, page.caption, page.error, page.info, page.subheader)
    return "\n".join(str(element.value) for kind in kinds for element in kind).replace("\\", "").replace("\u2060", "")


def answered(services: Services, page: AppTest) -> AppTest:
    """The page once no answer is on its way."""
    look_until(lambda: services.conversations.all()[0], lambda conversation: not conversation.is_going_on, 90)
    return page.run()


def test_before_the_first_question_the_page_offers_three_and_says_the_price(open_run):
    """Example questions, the model and what a question would cost: nothing is sent."""
    page = open_run()
    assert not page.exception
    assert [page.button(key=f"example_{number}").label for number in range(3)] == list(EXAMPLES)
    assert page.selectbox(key="ask_model").value == GEMINI
    assert "A question sends about" in texts(page)
    assert "(estimate)" in texts(page)
    assert not page.chat_input(key="question").disabled


def test_without_a_key_the_page_says_what_to_do(open_run):
    """The field for the key is there, and nothing can be asked before it is filled."""
    page = open_run(key=None)
    assert page.chat_input(key="question").disabled
    assert page.button(key="example_0").disabled
    assert "paste a key" in texts(page)
    page.text_input(key="ask_key").set_value(DEFAULT_KEY).run()
    assert not page.chat_input(key="question").disabled


def test_an_answer_is_read_with_citations_that_seek(open_run, services, openrouter):
    """What was asked and answered, its facts, a citation as a link to its second, and one that is outside marked."""
    page = open_run()
    page.chat_input(key="question").set_value("What was *it*?").run()
    assert not page.exception
    page = answered(services, page)
    words = texts(page)
    assert "What was *it*?" in words
    assert "The **best** of times [0:01](#t=1.2), and later more" in words
    assert "59:00: not in the video" in words
    assert f"{GEMINI} · from the transcript" in words
    assert "$0.0022" in words
    assert not [button for button in page.button if button.key == "example_0"]
    assert services.preferences().asking_model == GEMINI


def test_an_example_is_asked_at_a_press_and_a_reload_shows_its_answer(open_run, services):
    """A page that is opened anew, as in a second tab, shows the conversation as it stands."""
    page = open_run()
    page.button(key="example_1").click().run()
    assert EXAMPLES[1] in texts(open_run())
    answered(services, page)
    assert "The **best** of times" in texts(open_run())


def test_a_failed_answer_says_why_and_is_tried_again(open_run, services, openrouter):
    """The reason stands below what had come, with the button; after it the answer is there."""
    openrouter.enqueue(Reply.refusal_mid_stream(402, "Insufficient credits", before="It was"))
    page = open_run()
    page.chat_input(key="question").set_value("What?").run()
    page = answered(services, page)
    assert "credit" in page.error[0].value
    next(button for button in page.button if button.label == "Try again").click().run()
    page = answered(services, page)
    assert not page.error
    assert "The **best** of times" in texts(page)


def test_stop_keeps_what_had_come(open_run, services, openrouter):
    """While an answer comes there is Stop and no field; after it there is both the rest and Try again."""
    openrouter.enqueue(Reply.drip(ANSWER * 40, delay=0.1, pieces=400))
    page = open_run()
    page.chat_input(key="question").set_value("What?").run()
    assert not page.chat_input
    next(button for button in page.button if button.label == "Stop").click().run()
    assert services.conversations.all()[0].exchanges[0].state is RunState.CANCELLED
    assert "Stopped." in texts(page)
    assert page.chat_input(key="question")


def test_looking_again_is_a_choice_with_its_price(open_run, services, run_id):
    """It costs more than reading, says how the video is sent, and is refused for a model that only reads."""
    page = open_run()
    page.toggle(key="ask_look").set_value(True).run()
    assert "Sent as it is" in texts(page)
    page.selectbox(key="ask_model").set_value(READER).run()
    assert "This model only reads" in texts(page)
    assert page.chat_input(key="question").disabled
    page.selectbox(key="ask_model").set_value(GEMINI).run()
    next(field for field in page.text_input if field.label == "To").set_value("0:20").run()
    page.chat_input(key="question").set_value("What is shown?").run()
    page = answered(services, page)
    assert "with the video from 0:00 to 0:20" in texts(page)


def test_a_price_over_the_cap_is_asked_about(open_run, services):
    """Nothing can be asked until the box is ticked."""
    services.save_preferences(replace(services.preferences(), spending_cap_usd=Decimal("0.000001")))
    page = open_run()
    assert page.chat_input(key="question").disabled
    next(box for box in page.checkbox if "as far as the cap" in box.label).check().run()
    assert not page.chat_input(key="question").disabled


def test_conversations_are_begun_anew_opened_again_and_deleted(open_run, services, run_id):
    """The earlier one is in a list; deleting takes it out of the store."""
    page = open_run()
    page.chat_input(key="question").set_value("First?").run()
    page = answered(services, page)
    page.button(key="new_conversation").click().run()
    assert "First?" not in texts(page)
    first = services.conversations.about(run_id)[0]
    page.button(key=f"open_{first.id}").click().run()
    assert "First?" in texts(page)
    page.button(key="delete_conversation").click().run()
    assert not page.exception
    assert services.conversations.all() == []
    assert page.button(key="example_0")


def test_without_transcripts_the_ask_page_leads_to_a_new_run(open_page):
    """An empty library says the next step."""
    page = open_page("pages/ask.py")
    assert not page.exception
    assert "there is no transcript here" in page.info[0].value


def test_more_videos_than_can_be_asked_about_are_no_error(open_page, services, talking_video):
    """The first twelve of an address are chosen, and it is said that these are not all."""
    source = services.keep_file(talking_video)
    ids = [write_run(services._tools.store, f"{number:032d}", source, cues_of()) for number in range(14)]
    page = open_page("pages/ask.py", run=[*ids, ids[0]])
    assert not page.exception
    assert page.multiselect[0].value == ids[:12]
    assert "Up to 12 videos can be asked about at once: of 14, the first are chosen." in texts(page)


def test_several_videos_are_asked_about_together(open_page, services, openrouter, run_id, other_id):
    """Chosen on the page, numbered, answered with links to the page of each; the address opens it again."""
    openrouter.answer = "Here [1, 0:01], there [2, 0:02], and [3, 0:01]."
    page = open_page("pages/ask.py", run=run_id)
    page.multiselect[0].set_value([run_id, other_id]).run()
    assert page.button(key="example_0").label == EXAMPLES_OF_SEVERAL[0]
    page.chat_input(key="question").set_value("Where?").run()
    page = answered(services, page)
    words = texts(page)
    assert f"[1 · 0:01](transcript?run={run_id}&t=1.2)" in words
    assert f"[2 · 0:02](transcript?run={other_id}&t=2)" in words
    assert "3 · 0:01: not in the video" in words
    conversation = services.conversations.all()[0]
    again = open_page("pages/ask.py", conversation=conversation.id)
    assert "Where?" in texts(again)
    assert again.multiselect[0].value == [run_id, other_id]
    home = open_page("pages/ask.py")
    home.button(key=f"open_{conversation.id}").click().run()
    assert "Where?" in texts(home)
    assert home.query_params["conversation"] == conversation.id
