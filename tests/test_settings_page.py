"""Settings, run by Streamlit's own test runner: what is kept, and a key that is not."""

from __future__ import annotations

from decimal import Decimal

from lib.domain.cues import CueShape
from lib.domain.run import PartForm
from tests.fakes.openrouter_server import DEFAULT_KEY
from tests.page_fixtures import button, open_page, openrouter, services, words_on

__all__ = ["open_page", "openrouter", "services"]


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


def test_signing_in_is_not_offered_where_nobody_can_come_back(open_page):
    """Served by Streamlit alone, the app has no address to sign in at: a key is pasted."""
    page = open_page("pages/settings.py")
    assert "sign in" not in words_on(page).lower()
    assert button(page, "Use this key")


def test_a_wrong_key_is_told(open_page):
    """Test key on a key that the service does not know says so with a way on."""
    page = open_page("pages/settings.py")
    next(field for field in page.text_input if field.label == "Paste a key").set_value("sk-or-v1-wrong-wrong-wrong")
    button(page, "Use this key").click().run()
    button(page, "Test key").click().run()
    assert not page.exception
    assert len(page.error) == 1
