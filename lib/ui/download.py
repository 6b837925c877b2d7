"""Taking a transcript along: two formats one click away, the others in a menu with what can be left out."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from lib.domain.run import Run
from lib.domain.transcript import Transcript
from lib.formats import FORMATS, file_name
from lib.services import EVERY_FORMAT, ExportOptions, Services

AT_HAND = ("srt", "md")
"""The formats asked for most: captions for a player, and text for notes."""
BUTTON_WIDTH, FIELD_WIDTH = 120, 150
AS_NEEDED = "As needed"
LINES = {AS_NEEDED: None, "1": 1, "2": 2, "3": 3}
NARROWEST, WIDEST = 16, 100


@dataclass(frozen=True, slots=True)
class Choice:
    """One line of the menu: what is asked for by which name, and what it is good for."""

    name: str
    title: str
    suffix: str
    purpose: str


def render_downloads(services: Services, run: Run, transcript: Transcript) -> ExportOptions:
    """The menu of all formats, and beside it the two at hand; gives what the user wants of them."""
    choices = [
        Choice(fmt.name, fmt.title, fmt.suffix, fmt.purpose)
        for fmt in FORMATS.values()
        if fmt.takes(run.request.task, has_times=bool(transcript.cues))
    ]
    with st.popover("Download", icon=":material/download:", key="downloads"):
        options = _choose_options(transcript)
        with st.container(gap=None):
            for choice in (*choices, Choice(EVERY_FORMAT, "All", ".zip", "every format, in one zip")):
                with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                    with st.container(width=BUTTON_WIDTH):
                        _download(services, run, choice, options, key=f"export_{choice.name}", is_quiet=True)
                    st.caption(choice.purpose, width="content")
    for choice in choices:
        if choice.name in AT_HAND:
            _download(services, run, choice, options, key=f"quick_{choice.name}")
    return options


def _choose_options(transcript: Transcript) -> ExportOptions:
    """The user's toggles, kept for the session; only those that make a difference to this transcript."""
    usual = ExportOptions()
    if not transcript.cues:
        return usual
    with st.container(horizontal=True, gap="medium"):
        times = st.toggle("Times", value=True, key="export_times", persist_state="session")
        has_speakers = any(cue.speaker for cue in transcript.cues)
        speakers = not has_speakers or st.toggle("Speakers", value=True, key="export_speakers", persist_state="session")
    with st.container(horizontal=True, gap="small"):
        columns = st.number_input(
            "Line width",
            NARROWEST,
            WIDEST,
            usual.line_width,
            key="export_line_width",
            persist_state="session",
            width=FIELD_WIDTH,
            help="Letters in a caption's line. Those of Chinese, Japanese and Korean count twice.",
        )
        lines = st.selectbox(
            "Lines per caption",
            list(LINES),
            key="export_lines",
            persist_state="session",
            width=FIELD_WIDTH,
            help="A caption that has more is shown as several, one after the other.",
        )
    return ExportOptions(times, speakers, int(columns or usual.line_width), LINES.get(lines or AS_NEEDED))


def _download(
    services: Services, run: Run, choice: Choice, options: ExportOptions, *, key: str, is_quiet: bool = False
) -> None:
    st.download_button(
        choice.title,
        data=lambda: services.export(run.id, choice.name, options).content,  # made when it is asked for
        file_name=file_name(run.request.source.stem, run.request.model_id, choice.suffix),
        on_click="ignore",
        key=key,
        type="tertiary" if is_quiet else "secondary",
        icon=":material/download:" if is_quiet else None,
        help=None if is_quiet else f"Download as {choice.title}",
    )
