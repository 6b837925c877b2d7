"""What the runs of each month really cost, and what takes the room on the disk, with what can be freed of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal

import altair as alt
import streamlit as st

from lib.domain.library import Month, Space
from lib.errors import CuewiseError
from lib.services import Services
from lib.ui.words import bytes_words, error_words, money, plain, render_failure

MONTHS_SHOWN = 12
FREED = "freed"
BYTES_WIDTH = 96

# Rows of a table: a line between them, whether there is a button in them or not.
STYLE = """
<style>
.st-key-space > div { min-height: 2.5rem; display: flex; align-items: center; }
.st-key-space > div + div { border-top: 1px solid color-mix(in srgb, currentColor 14%, transparent); }
</style>
"""


def render_ledger(services: Services) -> None:
    """One quiet line, and on demand the months and the room behind it."""
    months = latest_months(services.library.spending_by_month(), datetime.now(UTC))
    space = services.library.space()
    label = f"{money(months[-1].usd)} this month · {bytes_words(space.total)} used"
    st.html(STYLE)
    with st.expander(plain(label), icon=":material/savings:", key="ledger"):
        money_side, space_side = st.columns([2, 3], gap="large")
        with money_side:
            _render_months(months)
        with space_side:
            _render_space(services, space)


def latest_months(months: Sequence[Month], now: datetime) -> list[Month]:
    """The last twelve months up to this one, with those in which nothing was spent."""
    known = {month.name: month.usd for month in months}
    names = []
    for back in range(MONTHS_SHOWN):
        number = now.year * 12 + now.month - 1 - back
        names.append(f"{number // 12}-{number % 12 + 1:02d}")
    return [Month(name, known.get(name, Decimal(0))) for name in reversed(names)]


def _render_months(months: Sequence[Month]) -> None:
    st.markdown("**Spending**")
    st.caption("US dollars that runs really cost, deleted ones too; months of UTC.")
    if not any(month.usd for month in months):
        st.caption("Nothing was spent in the last twelve months.")
        return
    rows = [
        {"Month": datetime.strptime(month.name, "%Y-%m").strftime("%b %Y"), "US dollars": float(month.usd)}
        for month in months
    ]
    bars = (
        alt.Chart(alt.Data(values=rows))
        .mark_bar(cornerRadiusEnd=3)
        .encode(
            x=alt.X("Month:N", sort=None, title=None, axis=alt.Axis(labelAngle=-60, labelOverlap=False)),
            y=alt.Y("US dollars:Q", title=None, axis=alt.Axis(format="$~g", tickCount=3)),
            tooltip=[alt.Tooltip("Month:N"), alt.Tooltip("US dollars:Q", format="$.4f")],
        )
        .properties(height=200)
    )
    st.altair_chart(bars, alt=f"Dollars by month; this month {money(months[-1].usd)}")


def _render_space(services: Services, space: Space) -> None:
    st.markdown("**Space**")
    library = services.library
    if (freed := st.session_state.pop(FREED, None)) is not None:
        if isinstance(freed, int):
            st.success(f"{bytes_words(freed)} freed.", icon=":material/check_circle:")
        else:
            render_failure(freed)
    with st.container(gap=None, key="space"):
        _render_row("Videos and sound", space.media - space.unneeded)
        _render_row("Files that no run needs", space.unneeded, library.free_unneeded)
        _render_row("Renditions and copies: only a cache", space.renditions, library.free_renditions)
        _render_row("Unfinished downloads", space.leftovers, library.free_leftovers)
        _render_row("Speech models", space.weights)
        _render_row("Database", space.database)
        _render_row("Logs and the rest", space.others)


def _render_row(name: str, size_bytes: int, free: Callable[[], int] | None = None) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", wrap=False):
        st.markdown(f":small[{name}]", width="stretch")
        if free is not None and size_bytes:
            st.button(
                "Free",
                key=free.__name__,
                type="tertiary",
                icon=":material/delete_sweep:",
                on_click=_free,
                args=(free,),
            )
        words = bytes_words(size_bytes) if size_bytes else "nothing"
        st.markdown(f":small[{words}]", width=BYTES_WIDTH, text_alignment="right")


def _free(free: Callable[[], int]) -> None:
    try:
        st.session_state[FREED] = free()
    except CuewiseError as error:
        st.session_state[FREED] = error_words(error)
