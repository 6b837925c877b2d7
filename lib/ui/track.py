"""Choosing which of several tracks of sound is heard, and saying which one a transcript is of."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from lib.domain.media import MediaAsset
from lib.domain.run import Run
from lib.ui.source import Chosen
from lib.ui.words import plain, track_words


def choose_track(chosen: Chosen) -> Chosen:
    """The same source with the track that the user wants heard. Nothing is drawn where there is no choice."""
    if len(chosen.tracks) < 2:
        return chosen
    words = [track_words(number, stream) for number, stream in enumerate(chosen.tracks, 1)]
    track = st.selectbox(
        "Track of sound",
        range(len(words)),
        format_func=lambda number: words[number],
        key=f"track_{chosen.sources[0].asset_id}",  # another file has other tracks
        persist_state="session",
        help="The one that is listened to and sent. Only the first can be sent with the file as it is.",
    )
    return replace(chosen, track=track or 0)


def heard_track(run: Run, asset: MediaAsset | None) -> str:
    """Which track a run is of, as words; nothing where there is only one."""
    if asset is None or not run.request.track < len(asset.audio) or len(asset.audio) < 2:
        return ""
    return track_words(run.request.track + 1, asset.audio[run.request.track])


def render_played_track(run: Run, asset: MediaAsset | None) -> None:
    """Say that the player plays another track than the text is of: browsers play the first."""
    if run.request.track and (words := heard_track(run, asset)):
        st.caption(plain(f"The text is of track {words}. The player plays what your browser chooses, mostly track 1."))
