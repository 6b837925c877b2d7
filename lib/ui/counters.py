"""The page of counters: for whoever runs Cuewise, at a glance."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import streamlit as st

from lib.domain.counters import Counters
from lib.domain.run import RunState
from lib.services import Services
from lib.ui.words import STATE_WORDS, bytes_words, cell, count_words, money, plain

METRIC_WIDTH = 96
EVER, DAY = "Since the beginning", "Last 24 hours"


def render_counters(services: Services) -> None:
    """Whether all works, then runs by state, by model, and by why they failed."""
    problems = services.problems()
    if problems:
        st.error(plain(" ".join(problems)), icon=":material/error:")
    else:
        st.success("The app, its worker and its database work.", icon=":material/check_circle:")
    if workers := services.workers():
        machines = ", ".join(each.machine for each in workers)
        st.caption(plain(f"{count_words(len(workers), 'worker')} at work: {machines}."))
    since = st.segmented_control("Counted", (DAY, EVER), default=DAY, label_visibility="collapsed", required=True)
    counters = services.counters(datetime.now(UTC) - timedelta(days=1) if since == DAY else None)
    with st.container(horizontal=True, gap="medium"):  # beside each other on a phone as well
        for state in RunState:
            st.metric(STATE_WORDS[state], f"{counters.states[state]:,}", width=METRIC_WIDTH)
    used = services.library.space()
    st.caption(plain(f"{bytes_words(used.total)} in the data folder, {bytes_words(used.database)} of it the database."))
    if not counters.models:
        st.info("Nothing was run in this time. Runs are counted here as they come.", icon=":material/monitoring:")
        return
    _render_models(counters)
    _render_failures(counters)


def _render_models(counters: Counters) -> None:
    st.subheader("Models", anchor=False)
    rows = [
        {
            "Model": cell(each.model_id),
            "Runs": each.runs,
            "Failed": each.failed,
            "Cost": money(each.cost_usd),
            "Tokens in": each.prompt_tokens,
            "Tokens out": each.completion_tokens,
        }
        for each in counters.models
    ]
    tokens = {name: st.column_config.NumberColumn(format="localized") for name in ("Tokens in", "Tokens out")}
    st.dataframe(rows, hide_index=True, height="content", column_config=tokens)


def _render_failures(counters: Counters) -> None:
    if counters.failures:
        st.subheader("Why runs failed", anchor=False)
        rows = [{"Reason": reason_words(code), "Runs": count} for code, count in counters.failures]
        st.dataframe(rows, hide_index=True, height="content")


def reason_words(code: str) -> str:
    """The name of an error for a reader: ``OutOfCredit`` as ``Out of credit``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", code).capitalize()
