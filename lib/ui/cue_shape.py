"""The shape of a transcript's lines: chosen in Settings, and given anew to a transcript that is there."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from lib.domain.cues import CueShape
from lib.domain.run import Run
from lib.services import Services
from lib.ui.question import TRANSCRIPT
from lib.ui.repair import do_or_tell
from lib.ui.words import plain

LINES, WIDTHS, SECONDS, SPEEDS = (1, 4), (10, 100), (0.5, 15.0), (5, 60)
KEYS = ("cue_lines", "cue_width", "cue_seconds", "cue_speed")


def render_cue_shape(services: Services) -> None:
    """What every later transcript looks like; the words below say what the figures above come to."""
    st.subheader("Lines of the transcript", anchor=False)
    saved = services.preferences().cue_shape
    for key, value in zip(KEYS, _fields_of(saved), strict=True):
        st.session_state.setdefault(key, value)
    with st.container(border=True):
        amount, pace = st.columns(2, gap="medium")
        lines = amount.number_input("Lines shown at once", *LINES, key="cue_lines")
        width = amount.number_input("Characters a line", *WIDTHS, key="cue_width", help="Chinese and such take two.")
        shortest, longest = pace.slider("Seconds on the screen", *SECONDS, step=0.5, format="%.1f s", key="cue_seconds")
        speed = pace.number_input(
            "Characters a second at most",
            *SPEEDS,
            key="cue_speed",
            help="Lines that are said faster stay longer, where the next one leaves room.",
        )
        shape = CueShape(lines, width, shortest, longest, float(speed))
        st.markdown(f":material/subtitles: {plain(str(shape))}")
        with st.container(horizontal=True, vertical_alignment="center"):
            is_saved = st.button("Save lines", type="primary", on_click=_save, args=(services, shape))
            if not shape == saved == CueShape():
                st.button("Reset", type="tertiary", icon=":material/restart_alt:", on_click=_reset, args=(services,))
            st.caption("For later runs. A transcript that is there is shaped anew under its Facts.")
        if is_saved:
            st.success("Saved.", icon=":material/check_circle:")


def _fields_of(shape: CueShape) -> tuple[int, int, tuple[float, float], int]:
    """The shape as the fields hold it."""

    def within(value: float, bounds: tuple[float, float]) -> float:
        return min(max(value, bounds[0]), bounds[1])

    seconds = (within(shape.min_seconds, SECONDS), within(shape.max_seconds, SECONDS))
    lines, width = within(shape.max_lines, LINES), within(shape.line_width, WIDTHS)
    return lines, width, seconds, round(within(shape.max_chars_per_second, SPEEDS))


def _save(services: Services, shape: CueShape) -> None:
    services.save_preferences(replace(services.preferences(), cue_shape=shape))


def _reset(services: Services) -> None:
    """Back to what reads well for most."""
    _save(services, CueShape())
    for key, value in zip(KEYS, _fields_of(CueShape()), strict=True):
        st.session_state[key] = value


def render_reshape(services: Services, run: Run) -> None:
    """What the lines of a finished transcript look like, and a quiet way to the shape of today's settings."""
    if run.request.task != TRANSCRIPT:
        return
    own, wanted = run.request.cue_shape, services.preferences().cue_shape
    with st.container(gap=None):
        st.caption("Lines")
        words = st.container(horizontal=True, vertical_alignment="center", gap="small")
    with words:
        st.markdown(plain(str(own)), width="content")
        if own != wanted and st.button(
            "Shape as in Settings",
            type="tertiary",
            icon=":material/wrap_text:",
            key="reshape",
            help=f"{wanted}. From what is kept: no model is asked again.",
        ):
            do_or_tell(lambda: services.reshape(run.id))
