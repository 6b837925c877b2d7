"""Deleting, after saying what goes: in words, and in bytes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import streamlit as st

from lib.domain.library import Farewell
from lib.domain.run import Run
from lib.errors import CuewiseError
from lib.services import Services
from lib.ui.words import STATE_WORDS, ago_words, bytes_words, count_words, error_words, plain, render_failure

DELETED, PROBLEM = "deleted", "delete_problem"
EVERYTHING = "everything"


@st.dialog("Delete", icon=":material/delete:")
def ask_to_delete(services: Services, video_id: str) -> None:
    """Say what would go, and delete it once that is pressed."""
    if DELETED in st.session_state:
        st.rerun()  # the dialog closes, and the page behind it is drawn anew
    if (problem := st.session_state.pop(PROBLEM, None)) is not None:
        render_failure(problem)
    runs = services.library.runs_of_video(video_id)
    if not runs:
        st.info("It has been deleted already.", icon=":material/info:")
        return
    st.markdown(f"**{plain(runs[0].request.source.title)}**")
    by_id = {run.id: run for run in runs}
    choice = st.radio(
        "What is to go",
        [EVERYTHING, *by_id],
        format_func=lambda each: _choice_words(each, by_id),
        key=f"what_goes_{video_id}",
        label_visibility="collapsed",
    )
    try:
        if choice == EVERYTHING:
            farewell = services.library.farewell_to_video(video_id)
        else:
            farewell = services.library.farewell_to_run(choice)
    except CuewiseError as error:
        render_failure(error)
        return
    st.markdown(plain(farewell_words(farewell, is_video=choice == EVERYTHING)))
    if farewell.going_on:
        _render_going_on(services, farewell.going_on)
        return
    with st.container(horizontal=True):
        st.button(
            _button_words(farewell),
            type="primary",
            icon=":material/delete_forever:",
            key="delete_now",
            on_click=_delete,
            args=(services, video_id, choice, farewell),
        )
        if st.button("Keep", key="keep"):
            st.rerun()


def _choice_words(choice: str, runs: dict[str, Run]) -> str:
    if choice == EVERYTHING:
        return f"The video with all its {len(runs)} runs" if len(runs) > 1 else "The video with its run"
    run = runs[choice]
    facts = (run.request.model_id, run.request.task, STATE_WORDS[run.state].lower(), _ago(run))
    return plain(f"Only {' · '.join(facts)}")


def _ago(run: Run) -> str:
    return ago_words(run.created, datetime.now(UTC))


def farewell_words(farewell: Farewell, *, is_video: bool) -> str:
    """What goes and what stays, in whole sentences."""
    goes = [count_words(farewell.runs, "run")]
    if farewell.transcripts:
        goes.append(f"{count_words(farewell.transcripts, 'transcript')} with every version")
    if farewell.conversations:
        goes.append(f"{count_words(farewell.conversations, 'conversation')} about it")
    goes.append(
        "the answers that only these runs paid for" if farewell.runs > 1 else "the answers that only it paid for"
    )
    if farewell.file_bytes:
        goes.append(f"the file ({bytes_words(farewell.file_bytes)})")
    if farewell.rendition_bytes:
        goes.append(f"what was made of it ({bytes_words(farewell.rendition_bytes)})")
    words = f"This deletes for good {', '.join(goes[:-1])} and {goes[-1]}."
    if farewell.is_shared:
        words += " The file stays: runs over another link or upload need it."
    elif not is_video:
        words += " The file stays."
    return f"{words} What it cost stays in the sum of its month."


def _button_words(farewell: Farewell) -> str:
    return f"Delete {bytes_words(farewell.size_bytes)}" if farewell.size_bytes else "Delete"


def _render_going_on(services: Services, going_on: Sequence[Run]) -> None:
    st.warning("It is still going on. Cancel it first, then it can be deleted.", icon=":material/warning:")
    st.button(
        "Cancel it" if len(going_on) == 1 else f"Cancel {len(going_on)} runs",
        icon=":material/stop_circle:",
        key="cancel_first",
        on_click=_cancel,
        args=(services, [run.id for run in going_on]),
    )


def _cancel(services: Services, run_ids: Sequence[str]) -> None:
    for run_id in run_ids:
        services.cancel(run_id)


def _delete(services: Services, video_id: str, choice: str, farewell: Farewell) -> None:
    try:
        if choice == EVERYTHING:
            services.library.delete_video(video_id)
        else:
            services.library.delete_run(choice)
    except CuewiseError as error:
        st.session_state[PROBLEM] = error_words(error)
        return
    freed = f" {bytes_words(farewell.size_bytes)} freed." if farewell.size_bytes else ""
    st.session_state[DELETED] = f"Deleted.{freed}"


def tell_of_deletion() -> None:
    """Say once that it is done: the list that is drawn anew does not show what is no longer there."""
    if words := st.session_state.pop(DELETED, None):
        st.toast(plain(words), icon=":material/check_circle:")
