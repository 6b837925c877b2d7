"""Whatever is offered on a page for money is held to the caps there: made, run again, repaired, added, each alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from lib.domain.health import Finding, Health
from lib.services import Services
from lib.ui.session import KEY_NAME
from tests.editing_fixtures import cues_of, write_run
from tests.fakes.openrouter_server import DEFAULT_KEY, FakeOpenRouter
from tests.page_fixtures import openrouter, services_of_pages, words_on

__all__ = ["openrouter"]
ROOT = Path(__file__).parents[1]
GEMINI, UNPRICED = "google/gemini-3.8-flash", "meta/muse-spark-1.3"
PLACES = ("make", "again", "repair_0", "add")


@pytest.fixture
def services(tmp_path, monkeypatch, openrouter: FakeOpenRouter) -> Iterator[Services]:
    """The services that the page of this test uses, on a data folder of its own."""
    with services_of_pages(monkeypatch, tmp_path / "data", openrouter.base_url) as services:
        yield services


@pytest.fixture
def run_id(services, talking_video) -> str:
    """44 s of talking video with its transcript, in which something is missing."""
    source = services.keep_file(talking_video)
    ill = Health(0.5, timed_by_audio=1.0, findings=(Finding("gap", "Speech without text", 25.0, 40.0),))
    return write_run(services._tools.store, "a" * 32, source, cues_of(), health=ill)


def open_offer(
    services: Services, run_id: str, place: str, model_id: str = GEMINI, *, key: str | None = DEFAULT_KEY
) -> tuple[AppTest, str]:
    """The page on which this is offered, with the model chosen; gives it with how the names of the offer begin."""
    page = AppTest.from_file(ROOT / "app.py", default_timeout=60)
    page.session_state[KEY_NAME] = key
    if place == "add":
        comparison = services.comparisons.of_runs([run_id])
        page.switch_page("pages/compare.py").query_params["comparison"] = comparison.id
        page.run().selectbox(key=f"add_model_{comparison.id}").set_value(model_id).run()
        return page, f"add_{comparison.id}"
    page.switch_page("pages/transcript.py").query_params["run"] = run_id
    if place == "again":
        page.session_state[f"stretch_{run_id}"] = (5.0, 9.0)
    page.run()
    if place == "make":
        page.button_group(key="make_task").set_value("summary").run()
    field = {"make": "make_model", "again": "again_model", "repair_0": "repair_model_0"}[place]
    return page.selectbox(key=field).set_value(model_id).run(), place


def cap(services: Services, **caps: Decimal) -> None:
    services.save_preferences(replace(services.preferences(), default_models=(GEMINI, UNPRICED), **caps))


@pytest.mark.parametrize("place", PLACES)
def test_an_offer_over_a_cap_needs_a_yes(services, run_id, place):
    """Its price and the cap that it passes are told; once it is ticked, the button can be pressed."""
    cap(services, spending_cap_usd=Decimal("0.000001"))
    page, name = open_offer(services, run_id, place)
    assert not page.exception
    assert "(estimate)" in words_on(page)
    assert "is over your cap of under $0.0001 a run. Choose a cheaper model, or raise the cap" in words_on(page)
    assert page.button(key=f"{name}_now").disabled
    next(box for box in page.checkbox if (box.key or "").startswith(f"{name}_over_cap")).check().run()
    assert not page.exception
    assert not page.button(key=f"{name}_now").disabled


@pytest.mark.parametrize("place", PLACES)
def test_where_a_cap_reaches_nothing_there_is_nothing_to_say_yes_to(services, run_id, place):
    """With the month's cap spent, the page says so and what is left to do; no tick would send anything."""
    cap(services, monthly_cap_usd=Decimal(0))
    page, name = open_offer(services, run_id, place)
    assert not page.exception
    assert "Your cap for this month is reached" in words_on(page)
    assert "Choose what is free, or raise the cap in Settings." in words_on(page)
    assert page.button(key=f"{name}_now").disabled
    assert not [box for box in page.checkbox if (box.key or "").startswith(f"{name}_over_cap")]


@pytest.mark.parametrize("place", ["make", "again", "add"])
def test_an_offer_says_what_to_do_without_a_key_and_without_a_price(services, run_id, place):
    """Nobody's price needs a yes; without a key it says where one goes, and names local models only where there are."""
    cap(services)
    page, name = open_offer(services, run_id, place, UNPRICED, key=None)
    assert page.button(key=f"{name}_now").disabled
    next(box for box in page.checkbox if (box.key or "").startswith(f"{name}_price")).check().run()
    page.button(key=f"{name}_now").click().run()
    assert not page.exception
    assert "This model needs your OpenRouter key." in words_on(page)
    assert ("Paste it above, or choose a local model." in words_on(page)) == (place != "make")
    assert [run.id for run in services.runs()] == [run_id]
