"""Where there is nothing to show: why, and the next step."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st


def start_a_run() -> None:
    st.page_link("app.py", label="Start a new run", icon=":material/add_circle:")


def render_empty(words: str, advice: str = "", *, next_step: Callable[[], object] | None = start_a_run) -> None:
    """``words`` say what is missing, ``advice`` how it comes here, both in Markdown; ``next_step`` draws the way."""
    with st.container(border=True, horizontal_alignment="center"):
        st.markdown(words, text_alignment="center")
        if advice:
            st.caption(advice, text_alignment="center")
        if next_step is not None:
            next_step()
