"""Choosing what to run over: the whole, one stretch by its times, or several on a timeline."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import streamlit as st

from lib.domain.media import Clip, MediaAsset, Source
from lib.errors import InputError
from lib.formats.timecode import parse_time
from lib.services import Services
from lib.ui.player import Playable, playable
from lib.ui.propose import render_proposals
from lib.ui.stretches import changed_stretches, render_stretches
from lib.ui.words import clock, plain

TRIAL_SECONDS = 120
EXAMPLES = "90, 1:30 or 0:01:30.5"
UNPLAYABLE = "Your browser can't play this format, so there is no player: choose on the timeline all the same."
NO_PLAYER = "The video is not on this machine yet, so there is no player: its timeline is that of the announced length."
CHOICE, STRETCHES, REVISION = "clip_choice", "clip_stretches", "clip_revision"


class Share(StrEnum):
    """How much of the media is run over."""

    WHOLE = "whole"
    ONE = "one"
    SEVERAL = "several"


SHARE_WORDS = {Share.WHOLE: "The whole", Share.ONE: "One stretch", Share.SEVERAL: "Several stretches"}


@dataclass(frozen=True, slots=True)
class ChosenClip:
    """What of the media is run over, in seconds; ``end`` None: to the end. ``stretches`` where it is several."""

    start: float = 0.0
    end: float | None = None
    stretches: tuple[Clip, ...] = ()


def choose_clip(
    services: Services, sources: Sequence[Source], duration: float | None, track: int = 0
) -> ChosenClip | None:
    """Draw the clip, and give what is chosen; None while a time is wrong, or no stretch is there yet. Speech is looked
    for on that ``track`` of the sound."""
    st.subheader("Clip", anchor=False)
    asset = services.proposals.held(sources[0]) if len(sources) == 1 else None
    duration = asset.duration if asset is not None else duration
    # A timeline is one video's, and as long as that.
    shares = [share for share in Share if share is not Share.SEVERAL or (len(sources) == 1 and duration is not None)]
    if st.session_state.get(CHOICE) not in shares:
        st.session_state[CHOICE] = Share.WHOLE
    share = st.radio(
        "How much of it",
        shares,
        format_func=SHARE_WORDS.get,
        horizontal=True,
        key=CHOICE,
        on_change=_follow_choice,
        label_visibility="collapsed",
        persist_state="session",
    )
    if share is Share.SEVERAL and duration is not None:
        return _choose_several(services, sources[0], asset, duration, track)
    return _choose_one(duration)


def _choose_one(duration: float | None) -> ChosenClip | None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        start_text = st.text_input(
            "From",
            key="clip_from",
            placeholder="0:00",
            width=140,
            persist_state="session",
            help=EXAMPLES,
            on_change=_follow_times,
        )
        end_text = st.text_input(
            "To",
            key="clip_to",
            placeholder="the end" if duration is None else clock(duration),
            width=140,
            persist_state="session",
            help=EXAMPLES,
            on_change=_follow_times,
        )
        if duration is None or duration > TRIAL_SECONDS:
            st.button("First 2 minutes", on_click=_set_clip, args=("0:00", "2:00"), help="Try a model cheaply")
    try:
        return ChosenClip(*read_clip(start_text, end_text, duration))
    except InputError as error:
        st.error(plain(f"{error} {error.hint}"), icon=":material/error:")
        return None


def _choose_several(
    services: Services, source: Source, asset: MediaAsset | None, duration: float, track: int
) -> ChosenClip | None:
    key = _editor_key(source)
    chosen: tuple[Clip, ...] = st.session_state.setdefault(STRETCHES, ())

    def keep() -> None:
        if (changed := changed_stretches(key, duration)) is not None:
            st.session_state[STRETCHES] = changed

    render_stretches(
        key,
        _media(asset),
        title=source.title,
        duration=duration,
        stretches=chosen,
        revision=st.session_state.setdefault(REVISION, 0),
        on_change=keep,
    )
    if (proposed := render_proposals(services, asset, track)) is not None:
        st.session_state[STRETCHES] = proposed
        st.session_state[REVISION] += 1
        st.rerun()
    if not chosen:
        return None
    return ChosenClip(chosen[0].start, chosen[-1].end, chosen if len(chosen) > 1 else ())


def _media(asset: MediaAsset | None) -> Playable:
    if asset is None:
        return Playable(notice=NO_PLAYER)
    media = playable(asset)
    return media if media.url else Playable(notice=UNPLAYABLE)


def _editor_key(source: Source) -> str:
    """Each video has an editor of its own, whatever stands in its address."""
    return f"stretches_{hashlib.sha256((source.asset_id or source.url or '').encode()).hexdigest()[:16]}"


def forget_clip() -> None:
    """A clip belongs to its video: with another one, all of it is run over again."""
    _set_clip("", "")
    st.session_state[STRETCHES] = ()
    st.session_state[REVISION] = st.session_state.get(REVISION, 0) + 1


def _set_clip(start: str, end: str) -> None:
    st.session_state["clip_from"], st.session_state["clip_to"] = start, end
    _follow_times()


def _follow_times() -> None:
    """Who writes a time wants one stretch; who wipes both out wants the whole."""
    has_time = any((st.session_state.get(name) or "").strip() for name in ("clip_from", "clip_to"))
    st.session_state[CHOICE] = Share.ONE if has_time else Share.WHOLE


def _follow_choice() -> None:
    if st.session_state[CHOICE] is Share.WHOLE:
        st.session_state["clip_from"] = st.session_state["clip_to"] = ""


def read_clip(start_text: str, end_text: str, duration: float | None) -> tuple[float, float | None]:
    """Start and end in seconds from what was typed; blanks mean the whole.

    Raises InputError for what is no time, for a clip that runs backwards, and for one that lies past the end.
    """
    try:
        start = parse_time(start_text) if start_text.strip() else 0.0
        end = parse_time(end_text) if end_text.strip() else None
    except ValueError as error:
        raise InputError(str(error)) from error
    if end is not None and end <= start:
        raise InputError("The clip ends before it starts.", "Make “to” later than “from”.")
    if duration is not None and start >= duration:
        raise InputError("The clip starts after the end.", f"This lasts {clock(duration)}.")
    if duration is not None and end is not None and end >= duration:
        end = None
    return start, end
