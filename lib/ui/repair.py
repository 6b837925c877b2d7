"""The health of a transcript as it is shown: a badge, opened to what is wrong, each part with its repair."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import replace

import streamlit as st

from lib.domain.media import MediaAsset
from lib.domain.model import Model, is_local_id
from lib.domain.plan import Plan
from lib.domain.run import PartRecord, PartState, Run, RunState
from lib.errors import CuewiseError
from lib.services import Services
from lib.ui.editing import PAGE
from lib.ui.health import (
    VERDICT_COLOURS,
    VERDICT_ICONS,
    VERDICT_WORDS,
    Place,
    figures,
    health_sentence,
    num_failed,
    places,
    verdict_of,
)
from lib.ui.model_picker import can_take
from lib.ui.offer import offer
from lib.ui.parts import part_chips, part_name, was_stopped_by_cap
from lib.ui.question import TRANSCRIPT
from lib.ui.session import known_key
from lib.ui.words import clock, plain, render_failure, stretch_words

PLACES_SHOWN = 20
FINDINGS_SHOWN = 8
FIGURE_WIDTH = 124
MEASURED_AT_ONCE = 300
"""Up to so many lines, a quarter of an hour or so, health is measured anew as soon as they are edited: in 0.2 s."""
AT_HAND = "local/whisper-base"
SEEK = "seek"
REPAIR = ":material/build:"


def health_badge(run: Run) -> str:
    """The verdict as a coloured mark, or nothing where there is none."""
    verdict = verdict_of(run) if run.state.is_over else None
    if verdict is None:
        return ""
    return f":{VERDICT_COLOURS[verdict]}-badge[{VERDICT_ICONS[verdict]} {VERDICT_WORDS[verdict]}]"


def render_health(services: Services, run: Run) -> None:
    """The badge of a run that is over; opened, what was measured and what is wrong, where it can be repaired."""
    badge = health_badge(run)
    if not badge:
        return
    run = _measured(services, run)
    badge = health_badge(run)
    found = places(run)
    label = f"{badge} {plain(health_sentence(run))}"
    with st.expander(label, key="health", expanded=run.state is not RunState.DONE):
        if len(run.parts) > 1:
            st.markdown(part_chips(run))
        if run.health is not None and run.request.about is None:
            _render_figures(run)
            _render_stale(services, run)
        if run.health is not None and not found:
            st.caption("Nothing was found that needs a repair.")
        for place in found[:PLACES_SHOWN]:
            _render_place(services, run, place)
        if len(found) > PLACES_SHOWN:
            st.caption(f"And {len(found) - PLACES_SHOWN:,} more places: repair these first.")
        if run.state is RunState.DONE and (num_failed(run.parts) > 1 or was_stopped_by_cap(run)):
            _render_retry(services, run)


def _measured(services: Services, run: Run) -> Run:
    """The run with the health of its lines as they are now, where that takes no time worth waiting for."""
    if (
        run.request.about is not None
        or _is_measured(services, run)
        or len(services.transcript(run.id).cues) > MEASURED_AT_ONCE
    ):
        return run
    services.editing.measure(run.id)
    return services.run(run.id) or run


def _is_measured(services: Services, run: Run) -> bool:
    newest = next(iter(services.versions.all(run.id)), None)
    return newest is None or newest.is_what_was_measured(run.health_version, run.health_revision)


def _render_stale(services: Services, run: Run) -> None:
    """Where measuring takes a while, it is for the user to say when: until then it is told what was measured."""
    if _is_measured(services, run):
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"Measured on version {run.health_version}. The lines have changed since.")
        if st.button("Measure again", icon=":material/speed:", type="tertiary", key="measure"):
            do_or_tell(lambda: services.editing.measure(run.id))


def _render_figures(run: Run) -> None:
    with st.container(horizontal=True, gap="small"):
        for name, words in figures(run.health):
            with st.container(width=FIGURE_WIDTH, gap=None):
                st.caption(name)
                st.markdown(words)


def _render_place(services: Services, run: Run, place: Place) -> None:
    part = place.part
    with st.container(border=True, gap="xsmall"):
        if part is not None:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(f"**{plain(part_name(part))}**{_repaired_by(part)}", width="stretch")
                if place.repairs:
                    _render_repair(services, run, part)
        if part is not None and part.state is PartState.FAILED and not _is_said(run, part):
            reason = f"{part.error or 'It failed.'} {part.hint or ''}"
            st.markdown(f":red[:material/error:] {plain(reason)}")
        for number, finding in enumerate(place.findings[:FINDINGS_SHOWN]):
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                if finding.start is not None:
                    key = f"seek_{'all' if part is None else part.index}_{number}"
                    _seek_button(run, finding.start, finding.end, key)
                st.markdown(plain(finding.words), width="stretch")
        if len(place.findings) > FINDINGS_SHOWN:
            st.caption(f"And {len(place.findings) - FINDINGS_SHOWN:,} more like these.")


def _is_said(run: Run, part: PartRecord) -> bool:
    return run.failure is not None and part.error == run.failure.message


def _repaired_by(part: PartRecord) -> str:
    return f" :small[repaired by {plain(part.model_id)}]" if part.model_id else ""


def _seek_button(run: Run, start: float, end: float | None, key: str) -> None:
    words = clock(start) if end is None or end - start < 1 else stretch_words(start, end)
    st.button(
        words,
        key=key,
        type="tertiary",
        icon=":material/play_arrow:",
        help="Go there in the player",
        on_click=_go_to,
        args=(run.id, start),
    )


def _go_to(run_id: str, seconds: float) -> None:
    # The moment tells two presses of the same button apart.
    st.session_state[SEEK] = (run_id, seconds, time.time_ns() // 1_000_000)
    st.rerun(PAGE)  # the player is in another fragment than the button


def sought(run_id: str) -> tuple[float, int] | None:
    """Where a finding sent the player last, in seconds, and when it did."""
    found = st.session_state.get(SEEK)
    return found[1:] if found is not None and found[0] == run_id else None


def _render_retry(services: Services, run: Run) -> None:
    key = None if is_local_id(run.request.model_id) else known_key(services)
    if st.button("Retry failed parts", key="retry", icon=":material/refresh:"):
        do_or_tell(lambda: services.retry(run.id, key=key))


def _render_repair(services: Services, run: Run, part: PartRecord) -> None:
    with st.popover("Repair this part", icon=REPAIR, key=f"repair_{part.index}"):
        own = run.request.model_id
        wanted = (*(st.session_state.get("models") or ()), *services.preferences().default_models)
        offered = {own: _known(services, own)} | {name: _known(services, name) for name in (*wanted, AT_HAND)}
        asset = services.asset(run.asset_id) if run.asset_id else None
        if run.request.about is not None:
            offered |= {model.id: model for model in services.from_transcript.models()}
        choices = repair_choices(run, part, [model for model in offered.values() if model is not None], asset)
        if not choices:
            st.caption("No other model is at hand: choose default models in Settings.")
            return
        names = {model.id: model.name for model in choices}
        chosen = st.selectbox(
            "Ask about it again",
            list(names),
            format_func=lambda name: names.get(name, name),
            key=f"repair_model_{part.index}",
            help="The other parts stay as they are.",
        )
        if chosen == own:
            st.caption("The same model, asked anew.")
        plan = _repair_plan(services, run, part, chosen)
        or_local = any(model.is_local for model in choices)
        key = f"repair_{part.index}"
        confirmed = offer(services, offered[chosen], plan, label="Repair", key=key, icon=REPAIR, or_local=or_local)
        if confirmed is not None:
            do_or_tell(lambda: _repair(services, run, part, chosen, confirmed.key))


def repair_choices(run: Run, part: PartRecord, models: Iterable[Model], asset: MediaAsset | None) -> list[Model]:
    """The models, of those that are at hand, that can do a part again. ``asset`` None: only the link was sent.

    A remote model may answer better when it is asked anew; a local one hears the same again.
    """
    answered = None if part.state is PartState.FAILED else part.model_id or run.request.model_id
    if run.request.about is not None:
        return [model for model in models if not model.is_local]  # a text is read by every other
    able = [model for model in models if _can_repair(model, run.request.task, asset)]
    return [model for model in able if not (model.is_local and model.id == answered)]


def _can_repair(model: Model, task: str, asset: MediaAsset | None) -> bool:
    if asset is None:
        return model.takes_youtube_links
    is_able = task == TRANSCRIPT or not model.is_local
    return is_able and can_take(model, has_picture=asset.has_picture, has_sound=asset.has_sound)


def _known(services: Services, model_id: str) -> Model | None:
    try:
        return services.model(model_id)
    except CuewiseError:
        return None


def _repair_plan(services: Services, run: Run, part: PartRecord, model_id: str) -> Plan | None:
    """What the repair is expected to send and cost; None where that cannot be said, as a repair has its part at hand
    and needs no way to it."""
    excerpt = run.excerpt_of(part)
    stretches = excerpt.stretches if excerpt.is_joined else ()
    request = replace(run.request, model_id=model_id, start=part.start, end=part.end, stretches=stretches)
    try:
        plan = services.plan(request)
    except CuewiseError:
        return None
    return plan if plan.can_run else None


def _repair(services: Services, run: Run, part: PartRecord, model_id: str, key: str | None) -> None:
    other = None if model_id == run.request.model_id else model_id
    services.repair(run.id, part.index, model_id=other, key=key, accepts_unknown_price=True)


def do_or_tell(act: Callable[[], object]) -> None:
    """Do it and draw the page anew, or say beside the button why it could not be done."""
    try:
        act()
    except CuewiseError as error:
        render_failure(error)
    else:
        st.rerun()
