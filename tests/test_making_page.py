"""Making things from a transcript, on the Transcript page and on New run, and prompts that are saved by name."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from lib.domain.health import Finding, Health
from lib.domain.run import Run, RunState
from lib.services import Services
from lib.ui.health import health_sentence, marks, places, verdict_of
from lib.ui.making import made_label
from lib.ui.times import linked_times
from tests.editing_fixtures import cues_of, write_run
from tests.fakes.openrouter_server import DEFAULT_KEY
from tests.test_transcript_page import ROOT, ended, names_of, open_run, openrouter, services, texts  # noqa: F401  (fixtures)
from tests.text_fixtures import numbered_of, prompt_of, translation_of

READER = "deepseek/deepseek-v4"
TALK = "a" * 32


@pytest.fixture
def said(services: Services, short_talking_video) -> str:  # noqa: F811
    """A finished transcript over ten seconds of talking video."""
    source = services.keep_file(short_talking_video)
    return write_run(services._tools.store, TALK, source, cues_of(), end=44.4)


def task_pills(page: AppTest):
    return page.button_group(key="make_task")


def test_a_transcript_offers_what_can_be_made_of_it(open_run, said):  # noqa: F811
    """Six things by name, nothing asked before one is chosen; a model that only reads can be chosen, and its price
    stands there before Run does."""
    page = open_run(said)
    assert not page.exception
    shown = "\n".join(task_pills(page).options)
    for name in ("Summary", "Chapters", "Key moments", "Action items", "Translate", "Your own prompt"):
        assert name in shown
    assert "make_now" not in [button.key for button in page.button]
    task_pills(page).set_value("summary").run()
    page.selectbox(key="make_model").set_value(READER).run()
    assert "(estimate)" in texts(page)
    assert "Only its text is sent" in texts(page)
    assert page.button(key="make_now").label == "Run"
    assert not page.exception


def test_a_translation_is_made_from_the_page(open_run, openrouter, services, said):  # noqa: F811
    """Without a language there is nothing to run; with one, the key is asked for once and the page goes to the new run,
    which is listed on the transcript's own page."""
    openrouter.answer = translation_of
    page = open_run(said)
    task_pills(page).set_value("translation").run()
    assert "make_now" not in [button.key for button in page.button]
    page.selectbox(key="make_language_True").set_value("ar").run()
    page.text_input(key="make_key").set_value(DEFAULT_KEY).run()
    page.button(key="make_now").click().run()
    assert not page.exception
    (run,) = services.from_transcript.made_from(services.run(said))
    assert (run.request.task, run.request.language) == ("translation", "ar")
    assert ended(services, run).state is RunState.DONE
    page = open_run(run.id)
    assert "Translation to Arabic" in texts(page)
    assert "Open the transcript it was made from" in names_of(page, "page_link")
    assert any("to Arabic" in name for name in names_of(open_run(said), "page_link"))


def test_other_runs_offer_nothing_to_make(open_run, services, short_talking_video):  # noqa: F811
    """A summary, or a run that failed, is no transcript to make something from."""
    run = write_run(services._tools.store, TALK, services.keep_file(short_talking_video), cues_of(), task="chapters")
    assert not open_run(run).get("button_group")


def test_chapters_can_be_copied_for_youtube(open_run, services, short_talking_video):  # noqa: F811
    """Ready for a description, with what YouTube wants and does not get told."""
    run = write_run(services._tools.store, TALK, services.keep_file(short_talking_video), cues_of(), task="chapters")
    page = open_run(run)
    assert page.code[0].value.startswith("0:00 It was the best of times")
    assert "youtube" in names_of(page, "download_button")[-1].lower() or any(
        "YouTube" in name for name in names_of(page, "download_button")
    )


def test_new_run_says_when_there_is_no_transcript_yet(services, said, short_talking_video):  # noqa: F811
    """From the transcript where there is one; the video where the user says so; with neither, what would be cheaper."""
    page = AppTest.from_file(ROOT / "app.py", default_timeout=60).run()
    page.file_uploader[0].upload("beckett.mp4", short_talking_video.read_bytes(), "video/mp4")
    page.run()
    page.selectbox(key="task").set_value("summary").run()
    assert page.radio(key="made_from").value == "text"
    page.multiselect(key="reading_models").set_value([READER]).run()
    assert "The transcript's text is sent" in texts(page)
    page.radio(key="made_from").set_value("video").run()
    assert "The transcript's text is sent" not in texts(page)
    assert not page.exception
    services.library.delete_run(said)
    page.run()
    assert "no transcript yet" in texts(page)


def test_prompts_are_saved_chosen_renamed_and_deleted(open_run, openrouter, services, said):  # noqa: F811
    """All of it beside the prompt; one that is chosen fills the text, and what is run is that text."""
    page = open_run(said)
    task_pills(page).set_value("custom").run()
    page.text_area(key="make_prompt").set_value("List the adjectives.").run()
    page.text_input(key="make_prompt_save_name_").set_value("Adjectives").run()
    page.button(key="make_prompt_save_now").click().run()
    assert [(each.name, each.text) for each in services.saved_prompts.all()] == [("Adjectives", "List the adjectives.")]
    page = open_run(said)
    task_pills(page).set_value("custom").run()
    page.selectbox(key="make_prompt_saved").set_value("Adjectives").run()
    assert page.text_area(key="make_prompt").value == "List the adjectives."
    page.text_input(key="make_prompt_new_name_Adjectives").set_value("  Words  like these ").run()
    page.button(key="make_prompt_rename_now").click().run()
    assert [each.name for each in services.saved_prompts.all()] == ["Words like these"]
    page.button(key="make_prompt_delete_now").click().run()
    assert services.saved_prompts.all() == []
    assert not page.exception


def test_a_prompt_is_saved_under_the_name_that_is_chosen_now(open_run, openrouter, services, said):  # noqa: F811
    """Choosing one, then another, and pressing Save leaves the first as it was."""
    services.saved_prompts.save("Adjectives", "List the adjectives.")
    services.saved_prompts.save("Verbs", "List the verbs.")
    page = open_run(said)
    task_pills(page).set_value("custom").run()
    page.selectbox(key="make_prompt_saved").set_value("Adjectives").run()
    page.selectbox(key="make_prompt_saved").set_value("Verbs").run()
    page.text_area(key="make_prompt").set_value("List the verbs, each once.").run()
    page.button(key="make_prompt_save_now").click().run()
    assert not page.exception
    assert {each.name: each.text for each in services.saved_prompts.all()} == {
        "Adjectives": "List the adjectives.",
        "Verbs": "List the verbs, each once.",
    }


def test_lines_that_stayed_as_they_were_are_told(services, said):  # noqa: F811
    """A badge, a sentence, a mark on the timeline and a place to repair: nothing pretends to be translated."""
    finding = Finding("untranslated", "Not translated: Hello", 5.1, 8.5)
    run: Run = services.run(
        write_run(
            services._tools.store,
            "b" * 32,
            services.run(said).request.source,
            cues_of(),
            task="translation",
            health=Health(findings=(finding,)),
        )
    )
    assert verdict_of(run) == "incomplete"
    assert health_sentence(run) == "1 line not translated"
    assert marks(run) == [(5.1, 8.5, "Not translated: Hello")]
    (place,) = places(run)
    assert place.repairs
    assert "translation" in made_label(run)


@pytest.mark.parametrize(
    ("text", "linked"),
    [
        ("It begins [00:05].", "It begins [00:05](#t=5)."),
        ("- At [1:02:05] and [01:05 - 02:00]", "- At [1:02:05](#t=3725) and [01:05](#t=65) - [02:00](#t=120)"),
        ("`[00:05]` and [00:05](https://x.example)", "`[00:05]` and [00:05](https://x.example)"),
        ("Beyond: [09:59:00]", "Beyond: 09:59:00"),
        ("John 3:16 and a score of 2:1", "John 3:16 and a score of 2:1"),
    ],
)
def test_times_of_a_document_lead_to_the_player(text, linked):
    """Those in square brackets and inside the video; code, links and other numbers stay as they are."""
    assert linked_times(text, 4000.0) == linked


def test_the_prompt_of_a_task_says_what_was_wished(open_run, openrouter, services, said):  # noqa: F811
    """What the page submits has the lines, the language and the user's own words."""
    request = services.from_transcript.request(said, READER, task="custom", prompt="Count the seasons.", language="fr")
    run = ended(services, services.submit(request, key=DEFAULT_KEY))
    assert run.state is RunState.DONE
    (asked,) = [request for request in openrouter.history if request.method == "POST"]
    assert "Count the seasons." in prompt_of(asked)
    assert "French" in prompt_of(asked)
    assert not numbered_of(asked)
