"""Choosing the stretch to run over: from and to, as people write times."""

from __future__ import annotations

import streamlit as st

from lib.errors import InputError
from lib.formats.timecode import parse_time
from lib.ui.words import clock, plain

TRIAL_SECONDS = 120
EXAMPLES = "90, 1:30 or 0:01:30.5"


def choose_clip(duration: float | None) -> tuple[float, float | None] | None:
    """Draw the clip, and give its start and end in seconds (end None: to the end); None while a time is wrong."""
    st.subheader("Clip", anchor=False)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        start_text = st.text_input(
            "From", key="clip_from", placeholder="0:00", width=140, persist_state="session", help=EXAMPLES
        )
        end_text = st.text_input(
            "To",
            key="clip_to",
            placeholder="the end" if duration is None else clock(duration),
            width=140,
            persist_state="session",
            help=EXAMPLES,
        )
        if duration is None or duration > TRIAL_SECONDS:
            st.button("First 2 minutes", on_click=_set_clip, args=("0:00", "2:00"), help="Try a model cheaply")
        if start_text or end_text:
            st.button("The whole", on_click=_set_clip, args=("", ""))
    try:
        return read_clip(start_text, end_text, duration)
    except InputError as error:
        st.error(plain(f"{error} {error.hint}"), icon=":material/error:")
        return None


def _set_clip(start: str, end: str) -> None:
    st.session_state["clip_from"], st.session_state["clip_to"] = start, end


def read_clip(start_text: str, end_text: str, duration: float | None) -> tuple[float, float | None]:
    """Start and end in seconds from what was typed; blanks mean the whole.

    Raises InputError for what is no time, for a clip that runs backwards, and for one that lies past the end.
    """
    try:
        start = parse_time(start_text) if start_text.strip() else 0.0
        end = parse_time(end_text) if end_text.strip() else None
    except ValueError as error:
        raise InputError(str(error)) from error
    if end is not None and end <= start:
        raise InputError("The clip ends before it starts.", "Make “to” later than “from”.")
    if duration is not None and start >= duration:
        raise InputError("The clip starts after the end.", f"This lasts {clock(duration)}.")
    if duration is not None and end is not None and end >= duration:
        end = None
    return start, end
