"""Judging blind: two answers without their names, four buttons, and the scoreboard over all that was judged."""

from __future__ import annotations

import streamlit as st

from lib.domain.comparison import ComparisonTable
from lib.domain.ranking import Verdict
from lib.domain.run import RunState
from lib.formats.comparison.as_csv import csv_text
from lib.services import Services
from lib.ui.compare.side_by_side import grid_rows, media_of
from lib.ui.document import render_document
from lib.ui.grid import GridColumn, render_grid
from lib.ui.words import cell, count_words, plain

VOTED = "voted"
BUTTONS = (
    (Verdict.LEFT, "A is better", ":material/west:"),
    (Verdict.RIGHT, "B is better", ":material/east:"),
    (Verdict.TIE, "A tie", ":material/drag_handle:"),
    (Verdict.BOTH_BAD, "Both are bad", ":material/thumb_down:"),
)
VERDICT_WORDS = {
    Verdict.LEFT: "You found A better.",
    Verdict.RIGHT: "You found B better.",
    Verdict.TIE: "You found them equally good.",
    Verdict.BOTH_BAD: "You found both bad.",
}


def render_judging(services: Services, table: ComparisonTable) -> None:
    """The next pair, or what was just voted with the names behind A and B."""
    if (voted := st.session_state.get(VOTED)) is not None and voted[0] == table.comparison.id:
        _render_revealed(services, table, *voted[1:])
    elif (pair := services.comparisons.next_pair(table.comparison.id)) is not None:
        _render_pair(services, table, *pair)
    elif sum(run.state is RunState.DONE for run in table.runs) < 2:
        st.info("Two finished answers are needed to judge.", icon=":material/hourglass_top:")
    else:
        st.success("Every pair of this comparison is judged.", icon=":material/check_circle:")
    render_scoreboard(services)


def _render_pair(services: Services, table: ComparisonTable, left: str, right: str) -> None:
    st.markdown("Which one is better? Names and prices are shown after your vote.")
    with st.container(horizontal=True, gap="small"):
        for verdict, words, icon in BUTTONS:
            st.button(
                words,
                key=f"vote_{verdict}",
                icon=icon,
                on_click=_vote,
                args=(services, table.comparison.id, left, right, verdict),
            )
    grid, texts = services.comparisons.blind(table.comparison.id, left, right)
    if grid is not None:
        render_grid(
            f"blind_{table.comparison.id}_{left[:8]}_{right[:8]}",
            media_of(services, table.runs),
            [GridColumn("A", is_blind_label=True), GridColumn("B", is_blind_label=True)],
            grid_rows(grid),
            title=table.comparison.title,
            can_take=False,
            normalisation=table.normalisation,
        )
        return
    for place, name, text in zip(st.columns(2, gap="large"), "AB", texts, strict=True):
        with place:
            st.markdown(f"**{name}**")
            render_document(text, name=name)


def _vote(services: Services, comparison_id: str, left: str, right: str, verdict: Verdict) -> None:
    services.comparisons.vote(comparison_id, left, right, verdict)
    st.session_state[VOTED] = (comparison_id, left, right, verdict)


def _render_revealed(services: Services, table: ComparisonTable, left: str, right: str, verdict: Verdict) -> None:
    names = {run.id: name for run, name in zip(table.runs, table.names, strict=True)}
    with st.container(border=True, gap="small"):
        st.markdown(f"**{VERDICT_WORDS[verdict]}**")
        for label, run_id in (("A", left), ("B", right)):
            st.markdown(f"{label} was **{plain(names.get(run_id, 'a run that is gone'))}**")
        is_last = services.comparisons.next_pair(table.comparison.id) is None
        st.button(
            "Done" if is_last else "Judge the next pair",
            type="primary",
            icon=":material/check:" if is_last else ":material/arrow_forward:",
            on_click=lambda: st.session_state.pop(VOTED, None),
            key="vote_next",
        )


def render_scoreboard(services: Services) -> None:
    """How the models fared in every vote so far; nothing while there is none."""
    votes = services.comparisons.votes()
    if not votes:
        return
    st.subheader("Scoreboard", anchor=False)
    standings = services.comparisons.scoreboard()
    st.dataframe(
        [
            {
                "Model": cell(standing.name),
                "Rating": round(standing.rating),
                "From": round(standing.low),
                "To": round(standing.high),
                "Won": standing.wins,
                "Lost": standing.losses,
                "Tied": standing.ties,
            }
            for standing in standings
        ],
        hide_index=True,
        height="content",
        column_config={"Model": st.column_config.TextColumn(width="medium", pinned=True)},
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            f"{count_words(len(votes), 'blind vote')} over all comparisons; Bradley-Terry ratings on the Elo scale, "
            "with the range in which they lie in 95 of 100 resamplings.",
            width="stretch",
        )
        st.download_button(
            "Votes, CSV",
            data=lambda: votes_csv(services),
            file_name="votes.csv",
            on_click="ignore",
            icon=":material/download:",
            key="votes_csv",
        )


def votes_csv(services: Services) -> str:
    """Every vote, a line each, for one's own statistics."""
    lines = [
        (kept.created.isoformat(), kept.task, kept.vote.left, kept.vote.right, kept.vote.verdict, kept.comparison_id)
        for kept in services.comparisons.votes()
    ]
    return csv_text([("created", "task", "left", "right", "verdict", "comparison"), *lines])
