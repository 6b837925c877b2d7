"""Captions first: before any model is asked, what is written already is offered as a transcript at once."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from lib.domain.captions import CaptionKind, CaptionTrack
from lib.domain.media import Source
from lib.domain.run import Run
from lib.errors import CuewiseError
from lib.services import Services
from lib.ui.source import Chosen, sent_name
from lib.ui.words import captions_words, render_failure

BY_PEOPLE = "People wrote captions for this video"
BY_MACHINE = "There are automatic captions, written by the site's machine"
WHAT_THEY_ARE = "A transcript at once: free, without a key, and only the text is fetched."
FILE_TYPES = ["srt", "vtt", "ass", "ssa", "sub", "ttml", "txt"]
CHOICE_WIDTH = 260


def offer_captions(services: Services, chosen: Chosen) -> Run | None:
    """Draw what captions there are, and the way to give a file of them; gives the run that was made of them."""
    if len(chosen.sources) != 1:
        return None
    source = chosen.sources[0]
    tracks = list(source.captions or ())
    if not tracks:
        with st.container(horizontal=True, horizontal_alignment="right"):
            return _take_file(services, source)
    with st.container(border=True):
        by_people = tracks[0].kind is CaptionKind.HUMAN
        with st.container(gap=None):
            st.markdown(f":material/closed_caption: **{BY_PEOPLE if by_people else BY_MACHINE}**")
            st.caption(WHAT_THEY_ARE)
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            track = _choose_track(tracks)
            pressed = st.button("Read them", key="read_captions", icon=":material/bolt:")
            st.space("stretch")
            from_file = _take_file(services, source)
    return _read(lambda: services.captions.transcribe(source, track)) if pressed else from_file


def _choose_track(tracks: list[CaptionTrack]) -> CaptionTrack:
    names = {track.model_id: captions_words(track) for track in tracks}
    chosen = st.selectbox(
        "Which captions",
        list(names),
        format_func=lambda name: names.get(name, name),
        key="caption_track",
        label_visibility="collapsed",
        width=CHOICE_WIDTH,
    )
    return next((track for track in tracks if track.model_id == chosen), tracks[0])


def _take_file(services: Services, source: Source) -> Run | None:
    with st.popover("Use a caption file", type="tertiary", icon=":material/upload_file:", key="caption_file"):
        upload = st.file_uploader("SRT, VTT or another caption file of this video", FILE_TYPES, key="caption_upload")
        pressed = st.button("Read it", key="read_caption_file", icon=":material/bolt:", disabled=upload is None)
    if not pressed or upload is None:
        return None
    return _read(lambda: services.captions.transcribe_file(source, upload.getvalue(), sent_name(upload.name)))


def _read(act: Callable[[], Run]) -> Run | None:
    with st.spinner("Reading the captions…"):
        try:
            return act()
        except CuewiseError as error:
            render_failure(error)
            return None
