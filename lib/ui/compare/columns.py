"""The columns of a comparison as they come: each model's state, figures and newest lines, and how to stop it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from lib.domain.comparison import ComparisonTable
from lib.domain.model import is_local_id
from lib.domain.run import Run, RunState
from lib.services import Services
from lib.ui.health import Verdict, verdict_of
from lib.ui.parts import retry_words
from lib.ui.repair import do_or_tell, health_badge
from lib.ui.run_card import CANCEL_NOTE
from lib.ui.session import known_key
from lib.ui.transcript import growing_lines
from lib.ui.words import (
    clock,
    cost_words,
    count_words,
    duration_words,
    elapsed_seconds,
    plain,
    run_sentence,
    state_badge,
)

LINES_SHOWN = 7
A_ROW = 4
"""Boxes beside each other; five and six stand in two rows of three."""
DOT = "\u00a0· "
"""Between facts; the space before it does not break, so that no line begins with a dot."""


def render_columns(services: Services, table: ComparisonTable) -> None:
    """A box for each model. Those that are still at work show their newest lines."""
    boxes = list(zip(table.runs, table.names, strict=True))
    a_row = A_ROW if len(boxes) <= A_ROW else 3
    for first in range(0, len(boxes), a_row):
        places = st.columns(min(a_row, len(boxes)), gap="small")
        for place, (run, name) in zip(places, boxes[first : first + a_row], strict=False):
            with place.container(border=True, gap="xxsmall", height="stretch"):
                _render_column(services, table, run, name)


def _render_column(services: Services, table: ComparisonTable, run: Run, name: str) -> None:
    with st.container(horizontal=True, vertical_alignment="top", gap="xsmall"):
        st.markdown(f"**{plain(name)}**", width="stretch")
        _render_menu(services, table, run)
    st.markdown(f"{state_badge(run.state)} {_concern(run)}")
    if not run.state.is_over:
        st.caption(plain(run_sentence(run)))
    if facts := column_facts(run):
        st.markdown(f":small[{plain(DOT.join(facts))}]")
    if run.state is RunState.FAILED and run.failure is not None:
        st.markdown(f":small[:red[:material/error:] {plain(f'{run.failure.message} {run.failure.hint}')}]")
    if not run.state.is_over:
        _render_newest_lines(run)
        if st.button("Stop", key=f"stop_{run.id}", icon=":material/stop_circle:", help=_stop_help(run)):
            do_or_tell(lambda: services.cancel(run.id))
    elif run.state is not RunState.DONE:
        _render_retry(services, run)


def _render_retry(services: Services, run: Run) -> None:
    if st.button(retry_words(run), key=f"retry_{run.id}", icon=":material/refresh:"):
        do_or_tell(lambda: services.retry(run.id, key=known_key(services)))


def column_facts(run: Run) -> list[str]:
    """What is known of a run in few words: when its first words came, how long it took, tokens, dollars."""
    elapsed, usage = elapsed_seconds(run), run.usage
    first = run.seconds_to_first_text
    answered = elapsed if run.answer_seconds is None else run.answer_seconds
    tokens = (usage.prompt_tokens or 0) + (usage.completion_tokens or 0)
    cost = cost_words(run) if run.cost_usd is not None or run.state is RunState.DONE else ""
    facts = [
        f"first words after {duration_words(first)}" if first is not None else "",
        f"answered after {duration_words(answered)}" if answered is not None and run.state.is_over else "",
        duration_words(int(elapsed)) if elapsed is not None and not run.state.is_over else "",
        count_words(tokens, "token") if tokens else "",
        cost,
    ]
    return [fact for fact in facts if fact]


def _concern(run: Run) -> str:
    is_of_concern = run.state is RunState.DONE and verdict_of(run) in (Verdict.LOOK, Verdict.INCOMPLETE)
    return health_badge(run) if is_of_concern else ""


def _stop_help(run: Run) -> str | None:
    return None if is_local_id(run.request.model_id) else CANCEL_NOTE


def _render_newest_lines(run: Run) -> None:
    lines = newest_lines(run)
    if not lines:
        st.caption("Its first words appear here as they come.")
        return
    st.markdown("\n\n".join(f":small[{line}]" for line in lines))


def newest_lines(run: Run) -> Sequence[str]:
    """The last lines of what has arrived, as Markdown that shows them letter by letter."""
    lines = growing_lines(run)[-LINES_SHOWN:]
    return [
        f":gray[{clock(line.start)}] {plain(line.text)}" if line.start is not None else plain(line.text)
        for line in lines
    ]


def _render_menu(services: Services, table: ComparisonTable, run: Run) -> None:
    with st.popover("", icon=":material/more_vert:", type="tertiary", key=f"menu_{run.id}", help="More"):
        st.page_link(
            "pages/transcript.py",
            label="Open alone" if run.state.is_over else "Watch alone",
            icon=":material/article:",
            query_params={"run": run.id},
        )
        if len(table.runs) > 1 and st.button(
            "Take this column away",
            key=f"remove_{run.id}",
            type="tertiary",
            icon=":material/close:",
            help="The run itself stays in Activity.",
        ):
            do_or_tell(lambda: services.comparisons.remove_run(table.comparison.id, run.id))
