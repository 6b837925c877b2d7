"""The list of runs, which draws itself anew while something runs."""

from __future__ import annotations

import streamlit as st

from lib.services import Services
from lib.ui.batch import render_newest
from lib.ui.empty import render_empty
from lib.ui.run_card import render_run

RUNS_SHOWN, RUNS_A_PAGE = 200, 20


def render_activity(services: Services) -> None:
    """Every run, newest first, read afresh each second while something runs."""
    is_busy = any(not run.state.is_over for run in services.runs(limit=RUNS_SHOWN))
    st.fragment(_render_runs, run_every=1.0 if is_busy else None)(services, is_busy)


def _render_runs(services: Services, was_busy: bool) -> None:
    runs = services.runs(limit=RUNS_SHOWN)
    if any(not run.state.is_over for run in runs) != was_busy:
        # The clock of a fragment is set when the page draws it: start or stop it.
        st.rerun()
    if not runs:
        _render_empty()
        return
    render_newest(services)
    num_pages = -(-len(runs) // RUNS_A_PAGE)
    page = st.session_state.get("activity_page") or 1
    first = (min(page, num_pages) - 1) * RUNS_A_PAGE
    for run in runs[first : first + RUNS_A_PAGE]:
        render_run(services, run)
    if num_pages > 1:
        st.pagination(num_pages, key="activity_page")
    if page >= num_pages and len(runs) == RUNS_SHOWN:
        st.page_link("pages/library.py", label="Find older runs in the Library", icon=":material/video_library:")


def _render_empty() -> None:
    render_empty(
        "Nothing has run yet.", "Drop a video or paste a link; its run appears here and survives closing the browser."
    )
