"""Chapters ready to be pasted into the description of a video on YouTube."""

from __future__ import annotations

import streamlit as st

from lib.domain.run import Run, RunState
from lib.domain.youtube_chapters import FEWEST
from lib.errors import CuewiseError
from lib.formats.youtube import CHAPTERS
from lib.services import Services


def render_description(services: Services, run: Run) -> None:
    """The lines with a button to copy them, for a finished run that made chapters; nothing for others."""
    if run.request.task != CHAPTERS or run.state is not RunState.DONE:
        return
    try:
        text = services.export(run.id, "youtube").content.decode().strip()
    except CuewiseError:
        return
    with st.expander("YouTube description", icon=":material/content_copy:", key="description", expanded=True):
        st.code(text, language=None, wrap_lines=True)
        if len(text.splitlines()) < FEWEST:
            st.caption(
                f":material/info: YouTube shows chapters from {FEWEST} on, each 10 seconds or longer. "
                "These are fewer: ask another model, or add lines."
            )
        else:
            st.caption("Starts at 0:00, in order, each 10 seconds or longer: as YouTube wants them.")
