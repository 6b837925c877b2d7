"""Long lists: the first of them, and a way to the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import streamlit as st

Each = TypeVar("Each")


def render_with_more(
    find: Callable[[int], Sequence[Each]], render: Callable[[Each], None], *, at_first: int, key: str
) -> int:
    """Draw each of what is found, and below it Show more while there is more. ``find`` gives so many at most, the
    newest first. Gives how many were drawn."""
    shown = st.session_state.get(key, at_first)
    found = find(shown + 1)
    for each in found[:shown]:
        render(each)
    if len(found) > shown:
        more = {"on_click": _show_more, "args": (key, shown + at_first)}
        st.button("Show more", key=f"{key}_more", type="tertiary", icon=":material/expand_more:", **more)
    return len(found[:shown])


def _show_more(key: str, shown: int) -> None:
    st.session_state[key] = shown
