"""The transcript page: one run as it grows, or as it ended, its player beside its lines, and what it took."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace

import streamlit as st

from lib.domain.captions import is_captions, track_of
from lib.domain.languages import language_name
from lib.domain.media import MediaAsset
from lib.domain.model import is_local_id
from lib.domain.plan import Route
from lib.domain.run import PartState, Run, RunState, Stage
from lib.domain.transcript import Segment, Transcript
from lib.errors import CuewiseError
from lib.formats.parse import parse_answer
from lib.formats.timecode import parse_time
from lib.services import Services
from lib.ui.again import is_rerunning, render_asking, render_reruns
from lib.ui.conversation import render_ask
from lib.ui.cue_shape import render_reshape
from lib.ui.description import render_description
from lib.ui.document import render_document
from lib.ui.download import render_downloads
from lib.ui.editing import (
    HEARD,
    PAGE,
    READING,
    STANDING,
    VERSIONS,
    editable,
    render_what_was_heard,
)
from lib.ui.empty import start_a_run
from lib.ui.health import marks
from lib.ui.making import render_making
from lib.ui.parts import part_chips, render_failures, retry_words
from lib.ui.player import Playable, playable, render_player
from lib.ui.question import TRANSLATION
from lib.ui.repair import do_or_tell, render_health, sought
from lib.ui.session import known_key
from lib.ui.track import heard_track, render_played_track
from lib.ui.versions import render_versions
from lib.ui.video_copy import render_video_copy
from lib.ui.words import (
    ROUTE_WORDS,
    UNKNOWN,
    captions_words,
    clip_words,
    cost_words,
    count_words,
    duration_words,
    elapsed_seconds,
    plain,
    render_failure,
    run_sentence,
    state_badge,
)

REFRESH_SECONDS = 1.0
FACT_WIDTH = 150
"""Pixels: two facts beside each other on a phone."""
HALF_A_STAMP = re.compile(r"\s*\[[\d:.]*$")
"""The time of the next line, of which only the beginning has come."""
NOT_FETCHED = "Only the captions were fetched. Run a model over this link to bring the video here as well."


def render_transcript(services: Services, run_id: str | None, start_text: str | None = None) -> None:
    """The run named in the address, kept up to date while it is going on.

    ``start_text`` is where the player is to stand, as the address says it: ``90``, ``1:30``.
    """
    run = services.run(run_id) if run_id else None
    if run is None:
        _render_nothing(run_id)
        return
    # One fragment whether the run goes on or not, so that the player stays itself, and plays on, when it ends.
    is_over = run.state.is_over and not is_rerunning(services, run.id)
    every = None if is_over else REFRESH_SECONDS
    st.fragment(_render_run, run_every=every, key=PAGE)(services, run.id, is_over, read_start(start_text))


def read_start(text: str | None) -> float | None:
    """Seconds from what an address says; None for nothing, and for what is no time."""
    with suppress(ValueError):
        return parse_time(text) if text and text.strip() else None
    return None


def _render_nothing(run_id: str | None) -> None:
    st.header(":material/article: Transcript", anchor=False)
    if run_id:
        st.info("There is no such run here. It may have been deleted.", icon=":material/search_off:")
    else:
        st.info("Nothing is open yet. Choose a run in Activity, or start a new one.", icon=":material/article:")
    with st.container(horizontal=True):
        st.page_link("pages/activity.py", label="Open Activity", icon=":material/pending_actions:")
        start_a_run()


def _render_run(services: Services, run_id: str, was_over: bool, start_at: float | None) -> None:
    run = services.run(run_id)
    if run is None or (run.state.is_over and not is_rerunning(services, run.id)) != was_over:
        st.rerun()
    # The same places in every state: what stands in the third keeps its identity in the browser.
    heading, standing, reading, asking, making, versions, facts = (
        st.container(gap=gap) for gap in ("xsmall", "small", "small", "small", "small", "small", "small")
    )
    with heading:
        _render_heading(services, run)
    # Fragments of their own: an edit is kept, and what it changes drawn, without the page around it.
    with reading:
        st.fragment(_render_reading, key=READING)(services, run.id, start_at)
    with standing:
        st.fragment(_render_standing, key=STANDING)(services, run.id)
    if _can_be_asked_about(services, run):
        with asking:
            render_ask(services, [run.id], here=run.id)
    with making:
        render_description(services, run)
        st.fragment(render_making, key="making_fragment")(services, run.id)
    with versions:
        st.fragment(render_versions, key=VERSIONS)(services, run)
    with facts:
        _render_facts(services, run)
        st.fragment(render_what_was_heard, key=HEARD)(run.id)
    render_asking(services, run.id)


def _render_heading(services: Services, run: Run) -> None:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.header(plain(run.request.source.title), anchor=False, width="stretch")
        st.markdown(state_badge(run.state), width="content")
    about = [_task_words(services, run), run.request.model_id, clip_words(run.request)]
    if run.request.track:
        about.append(f"track {run.request.track + 1}")
    if run.state is RunState.DONE:
        about += [duration_words(elapsed_seconds(run)), cost_words(run)]
    st.caption(" · ".join(plain(words) for words in about if words))
    if run.request.about is not None and services.run(run.request.about.run_id) is not None:
        with st.container(key="made_of"):
            st.page_link(
                "pages/transcript.py",
                label="Open the transcript it was made from",
                icon=":material/article:",
                query_params={"run": run.request.about.run_id},
            )


def _task_words(services: Services, run: Run) -> str:
    """``Summary``, ``Translation to Spanish``."""
    to = language_name(run.request.language) if run.request.task == TRANSLATION and run.request.language else ""
    return f"{_task_title(services, run)} to {to}" if to else _task_title(services, run)


def _task_title(services: Services, run: Run) -> str:
    return next((task.title for task in services.tasks() if task.name == run.request.task), run.request.task)


def _is_timed(services: Services, run: Run) -> bool:
    return next((task.is_timed for task in services.tasks() if task.name == run.request.task), False)


def _can_be_asked_about(services: Services, run: Run) -> bool:
    transcript = services.transcript(run.id) if run.is_transcribed else None
    return transcript is not None and bool(transcript.cues)


def _render_standing(services: Services, run_id: str) -> None:
    """What the run is doing, or why it stopped, with the one thing to press; downloads when it is done."""
    run = services.run(run_id)
    if run is None:
        return
    if not run.state.is_over:
        _render_progress(services, run)
        return
    if run.state is RunState.DONE:
        _render_actions(services, run)
    elif run.state is RunState.CANCELLED:
        st.info("Cancelled. What was finished is kept; press Retry to go on from there.", icon=":material/block:")
    elif run.failure is not None:
        render_failure(run.failure)
    if run.state is not RunState.DONE and st.button(
        retry_words(run), icon=":material/refresh:", type="primary", key="retry"
    ):
        do_or_tell(lambda: services.retry(run.id, key=known_key(services)))
    render_health(services, run)
    render_reruns(services, run)


def _render_progress(services: Services, run: Run) -> None:
    elapsed = elapsed_seconds(run)
    spent = cost_words(run) if run.cost_usd is not None else ""
    words = [run_sentence(run), duration_words(int(elapsed)) if elapsed is not None else "", spent]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(_fraction(run), text=" · ".join(plain(word) for word in words if word))
        if st.button("Cancel", icon=":material/stop_circle:", key="cancel"):
            do_or_tell(lambda: services.cancel(run.id))
    if len(run.parts) > 1:
        st.markdown(part_chips(run))
        render_failures(run)


def _fraction(run: Run) -> float:
    """How far the run is, from 0 to 1: what it says itself, else the share of its parts that are over."""
    if run.progress is not None:
        return min(max(run.progress, 0.0), 1.0)
    if run.stage is Stage.WAITING:
        return 0.0  # the parts are still those of the attempt before
    over = (PartState.OK, PartState.REPAIRED, PartState.FAILED)
    return sum(part.state in over for part in run.parts) / len(run.parts) if len(run.parts) > 1 else 0.0


def _render_actions(services: Services, run: Run) -> None:
    """What can be taken along from a run that is done."""
    transcript = services.transcript(run.id)
    if transcript is None:
        return
    asset = services.asset(run.asset_id) if run.asset_id else None
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        options = render_downloads(services, run, transcript)
        if transcript.cues and asset is not None and asset.has_picture:
            render_video_copy(services, run, options)


def _render_reading(services: Services, run_id: str, start_at: float | None) -> None:
    run = services.run(run_id)
    if run is None:
        return
    # One that is there already stays while a part of it is repaired.
    transcript = services.transcript(run.id)
    if transcript is None and run.state.is_over and not run.partial_text:
        return
    if transcript is None and run.state.is_over:
        st.caption("What had arrived before it stopped:")
    asset_id = run.asset_id or run.request.source.asset_id
    asset = services.asset(asset_id) if asset_id else None
    media = _media(asset, run)
    title, start_at = run.request.source.title, run.request.start if start_at is None else start_at
    if _is_timed(services, run) or (transcript and transcript.cues):
        key = f"player_{run.id}"
        render_player(
            key,
            media,
            transcript.cues if transcript else growing_lines(run),
            title=title,
            start_at=start_at,
            language=(transcript.language if transcript else None) or run.request.language,
            is_growing=not run.state.is_over and transcript is None,
            marks=marks(run) if run.state.is_over else (),
            chapters=services.chapters.of(run),
            duration=asset.duration if asset else run.request.source.duration,
            seek=sought(run.id),
            editable=editable(services, run, transcript, key) if transcript else None,
        )
        render_played_track(run, asset)
        return
    answer, player = st.columns([3, 2], gap="large")
    with answer:
        _render_document(transcript, run, asset.duration if asset else run.request.source.duration)
    with player:
        render_player(f"player_{run.id}", media, None, title=title, start_at=start_at)
        render_played_track(run, asset)


def _render_document(transcript: Transcript | None, run: Run, end: float | None) -> None:
    text = transcript.text if transcript else run.partial_text or "\n\n".join(part.partial_text for part in run.parts)
    if text.strip():
        render_document(text, end=end, links_times=True)
    else:
        st.caption("The answer appears here as it comes.")


def _media(asset: MediaAsset | None, run: Run) -> Playable:
    """What the player plays: the media that are here, or the link itself, where only that was sent or read."""
    is_of_captions = is_captions(run.request.model_id)
    is_link_alone = is_of_captions or (run.plan is not None and run.plan.route in (Route.LINK, Route.TEXT))
    media = playable(asset, run.request.source.url if is_link_alone else None)
    return Playable(notice=NOT_FETCHED) if is_of_captions and media.notice and asset is None else media


def growing_lines(run: Run) -> list[Segment]:
    """The lines of a run so far, part by part, on the asset's clock.

    A remote model's times count from the start of its part, through the stretches that are joined in it; a local model
    hears on the file's own clock, and answers about a transcript keep to it.
    """
    lines: list[Segment] = []
    for part in run.parts:
        text = HALF_A_STAMP.sub("", part.partial_text)
        if run.request.about is not None or is_local_id(part.model_id or run.request.model_id):
            lines += [replace(segment, end=None) for segment in parse_answer(text)]
            continue
        excerpt = run.excerpt_of(part)
        for segment in parse_answer(text, duration=excerpt.length):
            timed = segment.start is not None
            start = excerpt.to_asset(excerpt.start + segment.start) if timed else None
            lines.append(replace(segment, start=start, end=None) if timed else segment)
    return lines


def _render_facts(services: Services, run: Run) -> None:
    if not run.state.is_over or run.started is None:
        return
    with st.expander("Facts", icon=":material/receipt_long:", key="facts"):
        with st.container(horizontal=True, gap="small"):
            for name, words in _facts(services, run):
                with st.container(width=FACT_WIDTH, gap=None):
                    st.caption(name)
                    st.markdown(words)
        if ids := [part.generation_id for part in run.parts if part.generation_id]:
            st.caption("Generation ids, as OpenRouter knows the calls")
            st.code("\n".join(ids), language=None)
        if run.state is RunState.DONE:
            render_reshape(services, run)


def _facts(services: Services, run: Run) -> list[tuple[str, str]]:
    """Name and value of what is known of a run that is over, as Markdown."""
    usage, plan = run.usage, run.plan
    facts = [
        ("Model", plain(_model_name(services, run))),
        ("Provider", plain(run.provider or UNKNOWN)),
        ("Cost", plain(cost_words(run))),
        ("From the cache", "yes: nothing was paid again" if run.from_cache else "no"),
        ("Time in all", duration_words(run.seconds)),
        # From the cache it would be that of the call which was paid for then.
        *([] if run.from_cache else [("Until the first text", duration_words(run.seconds_to_first_text))]),
        ("Tokens sent", count_words(usage.prompt_tokens, "token")),
        ("Of these, video", count_words(usage.video_tokens, "token")),
        ("Tokens answered", count_words(usage.completion_tokens, "token")),
    ]
    if track := heard_track(run, services.asset(run.asset_id) if run.asset_id else None):
        facts.append(("Track of sound", plain(track)))
    if plan is not None:
        facts.append(("Route", ROUTE_WORDS[plan.route]))
        facts.append(("Parts", f"{len(run.parts) or len(plan.parts):,}"))
    return facts


def _model_name(services: Services, run: Run) -> str:
    if is_captions(run.request.model_id):
        return captions_words(track_of(run.request.model_id))
    try:
        return services.model(run.request.model_id).name
    except CuewiseError:
        return run.request.model_id
