"""A copy of the video with the transcript as captions: ordered, watched while it is made, and taken along."""

from __future__ import annotations

import streamlit as st

from lib.domain.copies import CaptionedCopy, CaptionForm
from lib.domain.run import Run, RunState
from lib.services import ExportOptions, Services
from lib.ui.file_link import render_file_link
from lib.ui.repair import do_or_tell
from lib.ui.words import bytes_words, percent_words, render_failure

REFRESH_SECONDS = 1.0
FORM_WORDS = {CaptionForm.ATTACHED: "Attach", CaptionForm.BURNED: "Burn in"}
FORM_MEANING = {
    CaptionForm.ATTACHED: "A track that players switch on and off. Takes seconds; picture and sound stay untouched.",
    CaptionForm.BURNED: "Drawn into the picture, seen everywhere. The video is re-encoded, which takes a while.",
}
WIDTH = 340


def render_video_copy(services: Services, run: Run, options: ExportOptions) -> None:
    """The menu of a run whose video is here and has pictures. ``options`` are the user's toggles for captions."""
    with st.popover("Video with captions", icon=":material/closed_caption:", key="video_copy"):
        if _is_going(services, run.id):
            st.fragment(_render_while_going, run_every=REFRESH_SECONDS)(services, run.id, options)
        else:
            _render_menu(services, run.id, options)


def _render_while_going(services: Services, run_id: str, options: ExportOptions) -> None:
    if not _is_going(services, run_id):
        st.rerun()
    _render_menu(services, run_id, options)


def _render_menu(services: Services, run_id: str, options: ExportOptions) -> None:
    with st.container(width=WIDTH, gap="small"):
        form = CaptionForm(
            st.radio(
                "How the captions are put in",
                list(CaptionForm),
                format_func=FORM_WORDS.get,
                captions=list(FORM_MEANING.values()),
                key="copy_form",
                label_visibility="collapsed",
                persist_state="session",
            )
            or CaptionForm.ATTACHED
        )
        copy = next((copy for copy in services.copies.of_run(run_id) if copy.form is form), None)
        if copy is not None and not copy.state.is_over:
            _render_progress(services, copy)
        elif copy is not None and copy.state is RunState.DONE:
            _render_done(services, copy, options)
        else:
            if copy is not None and copy.failure is not None:
                render_failure(copy.failure)
            if st.button("Make the copy", key="make_copy", type="primary", icon=":material/movie_edit:"):
                do_or_tell(lambda: services.copies.order(run_id, form, options))
        st.caption("The original stays as it is.")


def _is_going(services: Services, run_id: str) -> bool:
    return any(not copy.state.is_over for copy in services.copies.of_run(run_id))


def _render_progress(services: Services, copy: CaptionedCopy) -> None:
    is_waiting = copy.state is RunState.QUEUED
    doing = "Burning in" if copy.form is CaptionForm.BURNED else "Attaching"
    words = "Waiting for its turn" if is_waiting else f"{doing} {percent_words(copy.progress or 0.0)}"
    st.progress(min(max(copy.progress or 0.0, 0.0), 1.0), text=words)
    if st.button("Cancel", key="cancel_copy", icon=":material/stop_circle:"):
        do_or_tell(lambda: services.copies.cancel(copy.id))


def _render_done(services: Services, copy: CaptionedCopy, options: ExportOptions) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        render_file_link(f"Download · {bytes_words(copy.size_bytes)}", f"/api/copies/{copy.id}", key="download_copy")
        if st.button(
            "Make it anew",
            key="remake_copy",
            type="tertiary",
            help="After a change of the text, or of line width, lines and speakers under Download.",
        ):
            do_or_tell(lambda: services.copies.order(copy.run_id, copy.form, options))
