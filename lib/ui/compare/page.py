"""One comparison, or the list of those there are with the scoreboard over all of them."""

from __future__ import annotations

from enum import StrEnum

import streamlit as st

from lib.domain.comparison import Comparison, ComparisonTable
from lib.domain.run import Run
from lib.errors import CuewiseError
from lib.services import Services
from lib.ui.compare.adding import add_model
from lib.ui.compare.columns import render_columns
from lib.ui.compare.figures import render_figures
from lib.ui.compare.judging import render_judging, render_scoreboard
from lib.ui.compare.side_by_side import render_side_by_side
from lib.ui.empty import render_empty
from lib.ui.more import render_with_more
from lib.ui.words import ago_words, clip_words, count_words, plain, render_failure

REFRESH_SECONDS = 1.0
SHOWN = 30
EXPORTS = {"html": "HTML page", "md": "Markdown", "csv": "Figures, CSV", "rows": "Grid, CSV", "json": "JSON"}


class View(StrEnum):
    """What of a comparison is looked at."""

    TEXT = "Side by side"
    FIGURES = "Figures"
    JUDGE = "Judge blind"


def render_compare(services: Services, comparison_id: str | None) -> None:
    """The comparison named in the address, kept up to date while its runs go on; without one, all there are."""
    comparison = services.comparisons.get(comparison_id) if comparison_id else None
    if comparison is None:
        _render_list(services, is_missing=bool(comparison_id))
        return
    is_over = all(run.state.is_over for run in services.comparisons.runs(comparison.id))
    every = None if is_over else REFRESH_SECONDS
    st.fragment(_render_comparison, run_every=every)(services, comparison.id, is_over)


def _render_list(services: Services, *, is_missing: bool) -> None:
    st.header(":material/compare_arrows: Compare", anchor=False)
    if is_missing:
        st.info("There is no such comparison here. It may have been deleted.", icon=":material/search_off:")
    shown = render_with_more(
        lambda limit: services.comparisons.newest(limit=limit),
        lambda comparison: _render_line(services, comparison),
        at_first=SHOWN,
        key="comparisons",
    )
    if not shown:
        render_empty(
            "Nothing has been compared yet.",
            "Choose two models or more on New run: their answers are laid side by side, with what each one cost. "
            "Two local models need no key.",
        )
        return
    render_scoreboard(services)


def _render_line(services: Services, comparison: Comparison) -> None:
    """A comparison in the list: its video, its models, and the way to it."""
    runs = services.comparisons.runs(comparison.id)
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        with st.container(gap="xxsmall", width="stretch"):
            st.markdown(f"**{plain(comparison.title)}**", wrap=False)
            facts = [", ".join(run.request.model_id for run in runs), ago_words(comparison.created)]
            st.caption(plain(" · ".join(fact for fact in facts if fact)))
        st.page_link(
            "pages/compare.py",
            label="Open",
            icon=":material/compare_arrows:",
            query_params={"comparison": comparison.id},
        )
        st.button(
            "Forget",
            key=f"forget_{comparison.id}",
            type="tertiary",
            icon=":material/delete:",
            help="Its runs stay in Activity, and its votes on the scoreboard.",
            on_click=services.comparisons.remove,
            args=(comparison.id,),
        )


def _render_comparison(services: Services, comparison_id: str, was_over: bool) -> None:
    try:
        table = services.comparisons.table(comparison_id)
    except CuewiseError as error:
        render_failure(error)
        return
    if table.is_over != was_over:
        st.rerun()
    _render_heading(services, table)
    if not table.runs:
        st.info("Every run of this comparison was deleted.", icon=":material/search_off:")
        return
    view = _choose_view(table)
    if view is View.JUDGE:
        render_judging(services, table)
        return
    if view is View.FIGURES:
        render_figures(services, table)
        return
    render_columns(services, table)
    render_side_by_side(services, table)


def _render_heading(services: Services, table: ComparisonTable) -> None:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.header(plain(table.comparison.title), anchor=False, width="stretch")
        with st.container(horizontal=True, width="content", gap="small"):
            add_model(services, table)
            _download(services, table)
    st.caption(plain(" · ".join(_facts(services, table.runs))))


def _facts(services: Services, runs: tuple[Run, ...]) -> list[str]:
    if not runs:
        return ["No runs are left"]
    request = runs[0].request
    task = next((task.title for task in services.tasks() if task.name == request.task), request.task)
    return [words for words in (task, clip_words(request), count_words(len(runs), "model")) if words]


def _choose_view(table: ComparisonTable) -> View:
    can_judge = len({run.request.model_id for run in table.runs}) > 1
    views = [view for view in View if can_judge or view is not View.JUDGE]
    chosen = st.segmented_control(
        "View", views, default=View.TEXT, key=f"view_{table.comparison.id}", label_visibility="collapsed", required=True
    )
    return View(chosen or View.TEXT)


def _download(services: Services, table: ComparisonTable) -> None:
    with st.popover("Download", icon=":material/download:"):
        for name, words in EXPORTS.items():
            if name == "rows" and table.grid is None:
                continue
            st.download_button(
                words,
                data=lambda name=name: services.comparisons.export(table.comparison.id, name).content,
                file_name=f"comparison.{'rows.csv' if name == 'rows' else name}",
                on_click="ignore",
                key=f"export_{name}",
                icon=":material/download:",
                width="stretch",
            )
