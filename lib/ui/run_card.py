"""A run in a list: what it is, how far it is, and what can be done about it now."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from lib.domain.model import is_local_id
from lib.domain.run import Run, RunState
from lib.errors import CuewiseError
from lib.services import Services
from lib.ui.health import Verdict, verdict_of
from lib.ui.parts import part_chips, render_failures, retry_words, was_stopped_by_cap
from lib.ui.repair import health_badge
from lib.ui.session import known_key
from lib.ui.words import (
    ago_words,
    cost_words,
    duration_words,
    elapsed_seconds,
    error_words,
    plain,
    render_failure,
    run_sentence,
    state_badge,
)

PROBLEMS = "run_problems"
CANCEL_NOTE = "Leaving a stream does not stop billing on some providers."


def render_run(services: Services, run: Run, comparison_id: str | None = None) -> None:
    """One run as a card of few elements, so that a hundred draw fast; with the way to its comparison, if one is
    named."""
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center"):
            with st.container(gap="xxsmall", width="stretch"):
                st.markdown(f"**{plain(run.request.source.title)}**", wrap=False)
                st.markdown(f"{state_badge(run.state)} {_concern(run)}:small[{plain(run_facts(run))}]")
            if run.state is RunState.DONE:
                _render_actions(services, run, comparison_id)
        if not run.state.is_over:
            _render_progress(run)
        if len(run.parts) > 1:
            st.markdown(part_chips(run))
        render_failures(run)
        if run.failure is not None and run.state is RunState.FAILED:
            render_failure(run.failure)
        if (problem := st.session_state.get(PROBLEMS, {}).get(run.id)) is not None:
            render_failure(problem)
        if run.state is not RunState.DONE:
            _render_actions(services, run, comparison_id)


def _render_progress(run: Run) -> None:
    sentence = plain(run_sentence(run))
    if run.progress is None:
        st.caption(sentence)
    else:
        st.progress(min(max(run.progress, 0.0), 1.0), text=sentence)


def _render_actions(services: Services, run: Run, comparison_id: str | None) -> None:
    is_beside = run.state is RunState.DONE
    # Beside the words of the run, two links stand one above the other: a phone has no room for both and the words.
    is_stacked = is_beside and comparison_id is not None
    with st.container(
        horizontal=not is_stacked,
        vertical_alignment="center",
        width="content" if is_beside else "stretch",
        gap="xxsmall" if is_stacked else "small",
    ):
        st.page_link(
            "pages/transcript.py",
            label="Open" if run.state.is_over else "Watch",
            icon=":material/article:",
            query_params={"run": run.id},
        )
        if comparison_id is not None:
            st.page_link(
                "pages/compare.py",
                label="Compare",
                icon=":material/compare_arrows:",
                query_params={"comparison": comparison_id},
            )
        if not run.state.is_over:
            st.button(
                "Cancel",
                key=f"cancel_{run.id}",
                icon=":material/stop_circle:",
                on_click=_cancel,
                args=(services, run.id),
            )
            if not is_local_id(run.request.model_id):
                st.caption(CANCEL_NOTE)
        elif run.state in (RunState.FAILED, RunState.CANCELLED) or was_stopped_by_cap(run):
            retry = {"on_click": _retry, "args": (services, run.id)}
            st.button(retry_words(run), key=f"retry_{run.id}", icon=":material/refresh:", **retry)


def _cancel(services: Services, run_id: str) -> None:
    _try(run_id, lambda: services.cancel(run_id))


def _retry(services: Services, run_id: str) -> None:
    _try(run_id, lambda: services.retry(run_id, key=known_key(services)))


def _try(run_id: str, act: object) -> None:
    """Do it, and keep what went wrong beside its run until the next attempt: a list that draws itself anew each
    second would wipe it away."""
    problems = st.session_state.setdefault(PROBLEMS, {})
    problems.pop(run_id, None)
    try:
        act()
    except CuewiseError as error:
        problems[run_id] = error_words(error)


def _concern(run: Run) -> str:
    """The badge of a transcript that is not whole: what is well needs no mark in a list."""
    is_of_concern = run.state is RunState.DONE and verdict_of(run) in (Verdict.LOOK, Verdict.INCOMPLETE)
    return f"{health_badge(run)} " if is_of_concern else ""


def run_facts(run: Run, now: datetime | None = None) -> str:
    """Model, task, when, how long, how much."""
    now = now or datetime.now(UTC)
    elapsed = elapsed_seconds(run, now)
    facts = [
        run.request.model_id,
        run.request.task,
        ago_words(run.created, now),
        duration_words(elapsed) if elapsed is not None else "",
        cost_words(run) if run.cost_usd is not None or run.state is RunState.DONE else "",
    ]
    return " · ".join(fact for fact in facts if fact)
