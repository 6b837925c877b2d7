"""Taking many transcripts along: one zip, in the formats that are wanted."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from lib.formats import FORMATS
from lib.services import Services
from lib.ui.words import count_words

USUAL = ("srt", "txt")
CHOSEN = "zip_formats"


def render_zip(services: Services, run_ids: Sequence[str], *, key: str, label: str = "Download all (zip)") -> None:
    """A menu that asks for the formats, and gives a zip of these runs. It is made when it is asked for."""
    with st.popover(label, icon=":material/download:", key=f"zip_{key}"):
        st.caption(f"{count_words(len(run_ids), 'transcript')}, each in every format that is chosen.")
        formats = st.pills(
            "Formats",
            list(FORMATS),
            selection_mode="multi",
            default=list(USUAL),
            format_func=lambda name: FORMATS[name].title,
            key=CHOSEN,
            persist_state="session",
        )
        st.download_button(
            "Download",
            data=lambda: services.export_zip(run_ids, tuple(formats)).content,
            file_name=f"{count_words(len(run_ids), 'transcript')}.zip",
            mime="application/zip",
            on_click="ignore",
            key=f"download_{key}",
            icon=":material/download:",
            disabled=not formats,
            type="primary",
        )
