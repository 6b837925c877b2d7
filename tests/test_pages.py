"""The pages, run by Streamlit's own test runner on the real services and a server on loopback."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from lib.domain.cues import CueShape
from lib.domain.media import Source, SourceKind
from lib.domain.plan import Part, Plan, Quality, Route, RouteChoice, Times
from lib.domain.run import Failure, PartForm, PartState, RunRequest, RunState, Usage
from lib.services import Services
from lib.settings import Settings
from lib.ui import frame
from tests.fakes.media_server import Answer, MediaServer, captioned_page, feed
from tests.fakes.openrouter_server import DEFAULT_KEY, FakeOpenRouter

ROOT = Path(__file__).parents[1]
PAGES = (
    *("app.py", "pages/activity.py", "pages/ask.py", "pages/batch.py", "pages/compare.py", "pages/library.py"),
    *("pages/models.py", "pages/settings.py", "pages/status.py"),
)
NASTY = "**x** $a$ [l](javascript:1) :red[x] <b>b</b>"
GEMINI = "google/gemini-3.8-flash"
OpenPage = Callable[[str], AppTest]


@pytest.fixture
def openrouter() -> Iterator[FakeOpenRouter]:
    with FakeOpenRouter() as server:
        yield server


@pytest.fixture
def open_page(tmp_path, monkeypatch, openrouter) -> Iterator[OpenPage]:
    """Opens a page on a data folder of this test's own. The worker runs, and ends with the test."""
    monkeypatch.setenv("CUEWISE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("OPENROUTER_BASE_URL", openrouter.base_url)
    monkeypatch.setenv("CUEWISE_ALLOW_PRIVATE_URLS", "1")

    def open_(script: str) -> AppTest:
        app = AppTest.from_file(ROOT / "app.py", default_timeout=60)
        return (app if script == "app.py" else app.switch_page(script)).run()

    yield open_
    while frame._opened:
        frame._opened.popitem()[1].close()


@pytest.fixture
def services(open_page) -> Services:
    """The services that the pages of this test use."""
    return frame.services_of(Settings.from_environment())


@pytest.fixture
def upload(open_page, short_talking_video) -> Callable[[], AppTest]:
    """New run with ten seconds of a talking video dropped on it."""

    def upload_(name: str = "beckett.mp4") -> AppTest:
        page = open_page("app.py")
        page.file_uploader[0].upload(name, short_talking_video.read_bytes(), "video/mp4")
        return page.run()

    return upload_


def words_on(page: AppTest) -> str:
    """Everything that stands on the page, as its Markdown source."""
    kinds = (
        page.header,
        page.subheader,
        page.markdown,
        page.caption,
        page.error,
        page.warning,
        page.success,
        page.info,
    )
    return "\n".join(str(element.value) for kind in kinds for element in kind).replace("\\", "").replace("\u2060", "")


def button(page: AppTest, label: str):
    return next(found for found in page.button if found.label == label)


@pytest.mark.parametrize("script", PAGES)
def test_every_page_opens_on_an_empty_data_folder(open_page, script):
    """A first visit shows a finished page, without an exception and without an error."""
    page = open_page(script)
    assert not page.exception
    assert not page.error
    assert page.header[0].value


@pytest.mark.parametrize("script", PAGES)
def test_every_page_opens_without_a_network(open_page, monkeypatch, script):
    """When the catalogue cannot be fetched, pages say so quietly and the local models are there."""
    monkeypatch.setenv("OPENROUTER_BASE_URL", "http://127.0.0.1:9/api/v1")
    page = open_page(script)
    assert not page.exception
    assert not page.error


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


def test_activity_shows_why_a_run_failed_and_how_to_go_on(open_page, services):
    """A failed run shows its sentence and its hint; Retry without a key says what is missing, beside the run."""
    add_run(services, "failed", GEMINI)
    services._tools.store.runs.fail("failed", 1, Failure("OutOfCredit", "There is no credit left.", "Add credit."))
    page = open_page("pages/activity.py")
    words = words_on(page)
    assert "There is no credit left." in words
    assert "Add credit." in words
    button(page, "Retry").click().run()
    assert not page.exception
    assert "no key is known" in words_on(page)


def test_activity_shows_each_part_and_why_it_failed(open_page, services):
    """The parts stand with stretch and state, a reason beside those that failed, and the badge of what is missing."""
    add_run(services, "parts", GEMINI)
    runs = services._tools.store.runs
    runs.set_plan("parts", 1, Plan(GEMINI, Route.AUDIO, "", parts=(Part(0, 0, 302, 1), Part(1, 302, 600, 1))))
    runs.report_part("parts", 1, 0, state=PartState.OK)
    runs.report_part("parts", 1, 1, state=PartState.FAILED, error="It was refused.", hint="Try another model.")
    runs.finish(
        "parts",
        1,
        provider=None,
        usage=Usage(),
        cost_usd=None,
        seconds_to_first_text=None,
        from_cache=False,
        health=None,
    )
    words = words_on(open_page("pages/activity.py"))
    assert "1 · 0:00–5:02 · done" in words
    assert "2 · 5:02–10:00 · failed" in words
    assert "Part 2, 5:02–10:00: It was refused. Try another model." in words.replace("*", "")
    assert "Incomplete" in words


def test_a_hundred_runs_draw_fast(open_page, services):
    """Activity pages through its runs: a hundred of them are drawn in under two seconds."""
    for number in range(100):
        add_run(services, f"run{number}", "local/whisper-base", title=f"{NASTY} {number}")
        services._tools.store.runs.cancel(f"run{number}")
    page = open_page("pages/activity.py")
    began = time.perf_counter()
    page.run()
    assert time.perf_counter() - began < 2
    assert not page.exception
    assert len([found for found in page.button if found.label == "Retry"]) == 20


def test_a_waiting_run_can_be_cancelled(open_page, services):
    """Cancel on Activity ends a run that has not begun, and says so."""
    add_run(services, "waiting", GEMINI)
    page = open_page("pages/activity.py")
    assert "does not stop billing" in words_on(page)
    button(page, "Cancel").click().run()
    assert services.run("waiting").state is RunState.CANCELLED
    assert "Cancelled" in words_on(page)


def test_models_are_listed_with_price_and_hours(open_page):
    """The table has local models first, what is known of each, and blanks for what is not."""
    page = open_page("pages/models.py")
    table = page.dataframe[0].value
    assert table["Id"][0] == "local/whisper-base"
    gemini = table[table["Id"] == GEMINI].iloc[0]
    assert gemini["Sees"]
    assert gemini["Hears"]
    assert gemini["Context"] > 1
    page.text_input(key="search").set_value("gemini 3.8").run()
    assert set(page.dataframe[0].value["Id"]) == {GEMINI}


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


def test_settings_are_kept(open_page, services):
    """Save keeps the form of the video part and the default models for every later run."""
    page = open_page("pages/settings.py")
    page.radio[0].set_value(PartForm.IMAGE_URL)
    page.number_input[0].set_value(1.5)
    page.number_input[1].set_value(20.0)
    assert "Spent this month: $0." in words_on(page).replace("\\", "")
    assert page.slider[0].value == 5
    page.slider[0].set_value(8)
    assert "up to 8 parts asked at once" in words_on(page)
    page.multiselect(key="default_models").set_value(["local/whisper-tiny.en"])
    button(page, "Save").click().run()
    assert not page.exception
    kept = services.preferences()
    assert kept.part_form is PartForm.IMAGE_URL
    assert kept.spending_cap_usd == Decimal("1.5")
    assert kept.monthly_cap_usd == Decimal(20)
    assert kept.part_seconds == 480.0
    assert kept.default_models == ("local/whisper-tiny.en",)


def test_the_shape_of_lines_is_told_while_it_is_chosen_and_kept(open_page, services):
    """The words follow the fields; Save keeps them for later runs; Reset goes back to what reads well for most."""
    page = open_page("pages/settings.py")
    assert "2 lines of 42 characters, 1 to 7 s, at most 20 characters a second" in words_on(page)
    assert not [found for found in page.button if found.label == "Reset"]
    page.number_input(key="cue_lines").set_value(1)
    page.number_input(key="cue_width").set_value(32)
    page.slider(key="cue_seconds").set_value((0.5, 5.0))
    page.number_input(key="cue_speed").set_value(17).run()
    assert "1 line of 32 characters, 0.5 to 5 s, at most 17 characters a second" in words_on(page)
    assert services.preferences().cue_shape == CueShape()
    button(page, "Save lines").click().run()
    assert not page.exception
    assert services.preferences().cue_shape == CueShape(1, 32, 0.5, 5.0, 17.0)
    assert "Saved." in words_on(page)
    button(page, "Reset").click().run()
    assert not page.exception
    assert services.preferences().cue_shape == CueShape()
    assert page.number_input(key="cue_width").value == 42


def test_a_cookies_file_that_is_not_there_is_refused(open_page, services):
    """A wrong path is told at once, not at the next download, and nothing is saved."""
    page = open_page("pages/settings.py")
    next(field for field in page.text_input if field.label.startswith("Cookies")).set_value("/no/such/cookies.txt")
    button(page, "Save").click().run()
    assert "There is no file" in words_on(page)
    assert services.preferences().cookies_file is None


def test_a_key_lives_in_the_session_alone(open_page, services, tmp_path):
    """A pasted key is tested, shown masked, found in no file, and forgotten at a press."""
    page = open_page("pages/settings.py")
    next(field for field in page.text_input if field.label == "Paste a key").set_value(DEFAULT_KEY)
    button(page, "Use this key").click().run()
    button(page, "Test key").click().run()
    assert "The key works" in words_on(page)
    assert DEFAULT_KEY not in words_on(page)
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and DEFAULT_KEY.encode() in path.read_bytes()]
    button(page, "Forget").click().run()
    assert not any(found.label == "Test key" for found in page.button)


def test_a_wrong_key_is_told(open_page):
    """Test key on a key that the service does not know says so with a way on."""
    page = open_page("pages/settings.py")
    next(field for field in page.text_input if field.label == "Paste a key").set_value("sk-or-v1-wrong-wrong-wrong")
    button(page, "Use this key").click().run()
    button(page, "Test key").click().run()
    assert not page.exception
    assert len(page.error) == 1


def look_up(page: AppTest, link: str) -> AppTest:
    page.text_input(key="link").set_value(link)
    return button(page, "Look up").click().run()


def add_run(services: Services, run_id: str, model_id: str, *, title: str = "Lecture.mp4") -> None:
    """A queued run that no worker was told of."""
    source = Source(SourceKind.LINK, title, url="https://video.example/lecture.mp4", duration=60.0)
    services._tools.store.runs.add(run_id, RunRequest(source, model_id), None)


def wait_until(happened: Callable[[], bool], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.2)


# ---------------------------------------------------------------------------- captions first


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
