"""Activity, run by Streamlit's own test runner: what runs, why it failed, and how to go on."""

from __future__ import annotations

import time

from lib.domain.plan import Part, Plan, Route
from lib.domain.run import Failure, PartState, RunState, Usage
from tests.page_fixtures import GEMINI, NASTY, add_run, button, open_page, openrouter, services, words_on

__all__ = ["open_page", "openrouter", "services"]


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
