"""The answers laid side by side: transcripts on one time grid with one player, anything else as documents."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from lib.domain.comparison import CONSENSUS, ComparisonTable
from lib.domain.grid import Grid, Row
from lib.domain.run import Run, RunState
from lib.services import Services
from lib.ui.document import render_document
from lib.ui.grid import GridColumn, GridRow, render_grid
from lib.ui.player import playable
from lib.ui.repair import do_or_tell
from lib.ui.words import STATE_WORDS, count_words, plain, run_sentence

BEGIN_WITH = "What most of them said"


def render_side_by_side(services: Services, table: ComparisonTable) -> None:
    """The grid as soon as a column is finished; documents for every task but the transcript."""
    if table.grid is None and not table.texts:
        return
    if table.grid is None:
        _render_documents(table)
        return
    taken = services.comparisons.picks(table.comparison.id)
    if any(run.state is RunState.DONE for run in table.runs):
        _render_best_of_all(services, table, len(taken))
    pressed = render_grid(
        f"grid_{table.comparison.id}",
        media_of(services, table.runs),
        [GridColumn(name, state_words(run)) for name, run in zip(table.names, table.runs, strict=True)],
        grid_rows(table.grid),
        title=table.comparison.title,
        taken=taken,
        normalisation=table.normalisation,
    )
    if pressed is not None:
        services.comparisons.take(table.comparison.id, pressed.row, pressed.column)
        st.rerun(scope="fragment")


def _render_documents(table: ComparisonTable) -> None:
    places = st.columns(len(table.texts), gap="medium")
    for place, run, name, text in zip(places, table.runs, table.names, table.texts, strict=True):
        with place:
            st.markdown(f"**{plain(name)}**")
            if text:
                render_document(text, name=run.id)
            else:
                st.caption("Its answer appears here when it is finished.")


def _render_best_of_all(services: Services, table: ComparisonTable, num_taken: int) -> None:
    """From the rows taken, and one column or the consensus for the rest, a transcript of its own."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="best_of_all"):
        done = {run.id: name for run, name in zip(table.runs, table.names, strict=True) if run.state is RunState.DONE}
        choices = [*([CONSENSUS] if len(done) > 2 else []), *done]
        base = st.selectbox(
            "Best of all: begin with",
            choices,
            format_func=lambda choice: BEGIN_WITH if choice == CONSENSUS else done.get(choice, choice),
            key=f"base_{table.comparison.id}_{len(done)}",  # made anew as they finish, or it would stay with the first
            help="Take a row from any column below; everything else comes from here.",
            width=320,
        )
        label = "Write it again" if table.comparison.merged_run_id else "Write it"
        label += f", with {count_words(num_taken, 'row')} taken" if num_taken else ""
        if st.button(label, icon=":material/merge:", key=f"merge_{table.comparison.id}"):
            do_or_tell(lambda: _write(services, table.comparison.id, base))
        if table.comparison.merged_run_id:
            st.page_link(
                "pages/transcript.py",
                label="Open the merged transcript",
                icon=":material/article:",
                query_params={"run": table.comparison.merged_run_id},
            )


def _write(services: Services, comparison_id: str, base: str) -> None:
    """Write the best of all, and say what became of the one before, which somebody may have worked on."""
    run = services.comparisons.take_all(comparison_id, base)
    number = services.versions.all(run.id)[0].number
    before = f" as version {number}; what was there before is kept as version {number - 1}" if number > 1 else ""
    st.toast(f"Written{before}.", icon=":material/check_circle:")


def media_of(services: Services, runs: Sequence[Run]):
    """What the one player plays: the media of whichever run has it."""
    asset_id = next((run.asset_id or run.request.source.asset_id for run in runs if run.asset_id), None)
    asset_id = asset_id or next((run.request.source.asset_id for run in runs), None)
    return playable(services.asset(asset_id) if asset_id else None)


def state_words(run: Run) -> str:
    """A run's state for the head of its column; a failure with its reason."""
    if run.state is RunState.FAILED and run.failure is not None:
        return f"{STATE_WORDS[run.state]}: {run.failure.message}"
    return STATE_WORDS[run.state] if run.state.is_over else run_sentence(run)


def grid_rows(grid: Grid) -> list[GridRow]:
    """The rows as the component draws them."""
    return [_grid_row(row) for row in grid.rows]


def _grid_row(row: Row) -> GridRow:
    cells = tuple(tuple((span.text, span.mark.value) for span in cell.spans) for cell in row.cells)
    return GridRow(row.start, row.end, cells, row.is_different)
