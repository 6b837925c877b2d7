"""Run this stretch again: with any model, its price before, and its lines shown as a difference before they are put in
place."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from lib.domain.run import Run, RunRequest, RunState
from lib.errors import CuewiseError
from lib.services import Services
from lib.ui.clip import read_clip
from lib.ui.difference import render_differences
from lib.ui.editing import forget_stretch, stretch_asked_for
from lib.ui.model_picker import models_for
from lib.ui.model_words import model_line
from lib.ui.offer import offer
from lib.ui.repair import do_or_tell
from lib.ui.words import (
    clock,
    exact_clock,
    plain,
    render_failure,
    run_sentence,
    stretch_words,
)

AGAIN = ":material/replay:"


def is_rerunning(services: Services, run_id: str) -> bool:
    """Whether a stretch of the run is being run again now."""
    return any(not run.state.is_over for run in services.reruns.of(run_id))


def render_asking(services: Services, run_id: str) -> None:
    """The dialog, as long as it is open: a page that is drawn anew, as while something runs, keeps it so."""
    stretch = stretch_asked_for(run_id)
    if stretch is not None:
        asking = st.dialog("Run this stretch again", icon=AGAIN, on_dismiss=lambda: forget_stretch(run_id))
        asking(_ask)(services, run_id, *stretch)


def _ask(services: Services, run_id: str, start: float, end: float) -> None:
    """Which stretch, with which model, for how much."""
    run = services.run(run_id)
    if run is None:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        start_text = st.text_input("From", exact_clock(start), key=f"again_from_{start}", width=140)
        end_text = st.text_input("To", exact_clock(end), key=f"again_to_{end}", width=140)
    models = models_for(services, run)
    if not models:
        st.info(
            "No model can take this now. Press Refresh on Models to fetch the list of online ones anew.",
            icon=":material/info:",
        )
        return
    names = {model.id: model for model in models}
    chosen = st.selectbox(
        "Model",
        list(names),
        format_func=lambda name: model_line(names[name]) if name in names else name,
        key="again_model",
        help="Its lines are shown beside those that are there before anything is replaced.",
    )
    try:
        clip = read_clip(start_text, end_text, None)
        request = services.reruns.request(run_id, clip[0], end if clip[1] is None else clip[1], chosen)
        plan = services.plan(request)
    except CuewiseError as error:
        render_failure(error)
        return
    or_local = any(model.is_local for model in models)
    confirmed = offer(services, names[chosen], plan, label="Run again", key="again", icon=AGAIN, or_local=or_local)
    if confirmed is not None:
        request = replace(request, accepts_unknown_price=True)
        do_or_tell(lambda: _start(services, run_id, request, confirmed.key))


def render_reruns(services: Services, run: Run) -> None:
    """Each stretch that is being run again, or waits to be looked at."""
    for rerun in services.reruns.of(run.id):
        with st.container(border=True, gap="xsmall"):
            _render_rerun(services, run, rerun)


def _render_rerun(services: Services, run: Run, rerun: Run) -> None:
    clip = rerun.plan.clip if rerun.plan else None
    stretch = stretch_words(clip.start, clip.end) if clip else clock(rerun.request.start)
    title = f":material/replay: **{plain(stretch)} again** :small[with {plain(rerun.request.model_id)}]"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(title, width="stretch")
        if rerun.state is RunState.DONE:
            if st.button("Put in place", type="primary", icon=":material/check:", key=f"place_{rerun.id}"):
                do_or_tell(lambda: services.reruns.put_in_place(run.id, rerun.id))
        elif not rerun.state.is_over and st.button("Cancel", icon=":material/stop_circle:", key=f"stop_{rerun.id}"):
            do_or_tell(lambda: services.cancel(rerun.id))
        label = "Keep the old lines" if rerun.state is RunState.DONE else "Dismiss"
        if rerun.state.is_over and st.button(label, icon=":material/close:", key=f"leave_{rerun.id}"):
            do_or_tell(lambda: services.reruns.leave(rerun.id))
    if rerun.state is RunState.DONE:
        _render_proposal(services, run, rerun)
    elif rerun.failure is not None and rerun.state is RunState.FAILED:
        render_failure(rerun.failure)
    elif rerun.state is RunState.CANCELLED:
        st.caption("Cancelled.")
    else:
        st.caption(plain(run_sentence(rerun)))


def _render_proposal(services: Services, run: Run, rerun: Run) -> None:
    try:
        render_differences(services.reruns.difference(run.id, rerun.id))
    except CuewiseError as error:
        render_failure(error)


def _start(services: Services, run_id: str, request: RunRequest, key: str | None) -> None:
    services.reruns.start(run_id, request, key=key)
    forget_stretch(run_id)
