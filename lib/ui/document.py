"""An answer that is read as a document: safe to show, each of its paragraphs running the way its letters do."""

from __future__ import annotations

import streamlit as st

from lib.ui.markdown import safe_markdown
from lib.ui.times import linked_times


def render_document(text: str, *, name: str = "", end: float | None = None, links_times: bool = False) -> None:
    """Draw a model's Markdown. Of several on one page each has a ``name``.

    ``links_times``: times send the player of the page there, as far as the ``end`` in seconds.
    """
    markdown = safe_markdown(text)
    with st.container(key=f"document_{name}" if name else "document"):
        st.markdown(linked_times(markdown, end) if links_times else markdown)
