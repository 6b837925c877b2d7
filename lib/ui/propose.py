"""Having stretches proposed: by speech, by scenes, around a word, within a length that the user wishes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

from lib.domain.media import Clip, MediaAsset
from lib.errors import CuewiseError, InputError
from lib.formats.timecode import parse_time
from lib.services import Services
from lib.ui.words import clock, percent_words, render_failure

USUAL_SECONDS, LEAST_SECONDS, USUAL_SHARE = 120.0, 5.0, 0.25
"""What is proposed by itself: two minutes, of a short video a quarter."""
NOT_HERE = (
    ":material/info: Speech and scenes can be looked for once the video is on this machine. A link is downloaded by "
    "its first run; until then, draw the stretches yourself."
)
NO_TRANSCRIPT = "Words are looked for in a transcript: run a local model over it once, which is free."


def render_proposals(services: Services, asset: MediaAsset | None, track: int = 0) -> tuple[Clip, ...] | None:
    """Draw the ways to have stretches proposed, and give those of the one that was just pressed. Speech is that on a
    ``track`` of the sound."""
    if asset is None:
        st.caption(NOT_HERE)
        return None
    proposals, pressed = services.proposals, None
    has_transcript = proposals.has_transcript(asset)
    with st.container(border=True, gap="small"):
        st.markdown("**Propose stretches**")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            length = st.text_input(
                "Length altogether",
                value=clock(min(USUAL_SECONDS, max(LEAST_SECONDS, USUAL_SHARE * asset.duration))),
                key=f"propose_length_{asset.id[:16]}",
                width=140,
                persist_state="session",
                help="As much as is sent at most: 90, 1:30 or 0:01:30.5",
            )
            if st.button("Where somebody speaks", icon=":material/graphic_eq:", disabled=not asset.has_sound):
                pressed = "Looking for speech", partial(proposals.by_speech, track=track)
            if st.button("Where scenes change", icon=":material/movie:", disabled=not asset.has_picture):
                pressed = "Looking for scene changes", proposals.by_scenes
        with st.container(horizontal=True, vertical_alignment="bottom"):
            word = st.text_input(
                "Word or phrase",
                key="propose_word",
                width=220,
                persist_state="session",
                placeholder="budget" if has_transcript else "no transcript yet",
                disabled=not has_transcript,
                help=None if has_transcript else NO_TRANSCRIPT,
            )
            if st.button("Around this word", icon=":material/search:", disabled=not has_transcript):
                return _tried(lambda: proposals.by_word(asset, word, _read_length(length)))
        if not has_transcript:
            st.caption(NO_TRANSCRIPT)
        if pressed is None:
            return None
        words, find = pressed
        return _tried(lambda: _found(words, lambda tell: find(asset, _read_length(length), on_progress=tell)))


def _found(words: str, find: Callable[[Callable[[float], None]], tuple[Clip, ...]]) -> tuple[Clip, ...]:
    """What is found, with how far it is meanwhile. A press on Stop, as any press, ends this run of the page."""
    place = st.empty()
    with place.container(horizontal=True, vertical_alignment="center"):
        bar = st.progress(0.0, text=words)
        st.button("Stop", icon=":material/stop_circle:", key="propose_stop")
    try:
        return find(lambda share: bar.progress(min(share, 1.0), text=f"{words}, {percent_words(share)}"))
    finally:
        place.empty()


def _tried(find: Callable[[], tuple[Clip, ...]]) -> tuple[Clip, ...] | None:
    try:
        return find()
    except CuewiseError as error:
        render_failure(error)
        return None


def _read_length(text: str) -> float:
    try:
        return parse_time(text)
    except ValueError as error:
        raise InputError(str(error)) from error
