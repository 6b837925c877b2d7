"""Buttons that start something and must not be pressed in vain."""

from __future__ import annotations

import time
from dataclasses import dataclass

import streamlit as st

HOLDS = 10.0
"""Seconds for which a press waits to be seen: the run of the page that follows an interrupted one begins at once."""


@dataclass(frozen=True, slots=True)
class _Press:
    """That a button was pressed, with what stood on it, at a moment of the monotonic clock."""

    label: str
    at: float


def pressed(label: str, *, key: str, disabled: bool = False, **look: str) -> bool:
    """Draw a button; whether it was pressed and may be obeyed, once for each press.

    What ``st.button`` gives is lost when the run of the page that would see it ends before it gets there, because
    something else on the page asks for another run. This press is noted first of all, and seen by the next run that
    draws a button of this key which says the same and is not disabled.
    """
    name = f"{key}_pressed"
    st.button(label, key=key, disabled=disabled, on_click=_note, args=(name, label), **look)
    press: _Press | None = st.session_state.pop(name, None)
    if press is None or disabled:
        return False
    return press.label == label and time.monotonic() - press.at < HOLDS


def _note(name: str, label: str) -> None:
    st.session_state[name] = _Press(label, time.monotonic())
