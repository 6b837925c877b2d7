"""Choosing what to run over: a file dropped here, or a link that is looked up first."""

from __future__ import annotations

from dataclasses import dataclass, replace

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

from lib.domain.media import AudioStream, MediaAsset, Source, SourceKind
from lib.domain.run import Run, RunState
from lib.errors import CuewiseError
from lib.services import LinkPlaylist, LinkVideo, Services
from lib.ui.clip import forget_clip
from lib.ui.question import TRANSCRIPT
from lib.ui.words import bytes_words, count_words, duration_words, plain, render_failure

FILE_TYPES = "Video: mp4, webm, mov, avi, mkv, mpeg, m4v. Sound: mp3, m4a, wav, ogg, flac."
FIRST_STEPS = (
    "Next you choose a task and one or several models, see what would be sent and what it costs, and press Run. "
    "Without a key, the speech model on this machine writes the transcript: free and private."
)
PICTURE_WIDTH = 120
EARLIER_SHOWN = 6
CHOSEN, PLAYLIST, UPLOAD_TURN = "chosen", "playlist", "upload_turn"
FILE_PROBLEM, LINK_PROBLEM = "file_problem", "link_problem"


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the user wants to run over: one source, or several videos of a playlist.

    ``duration`` is in seconds, of the longest; None while a length is not known. ``facts`` is a line for the reader;
    ``picture`` the small one that a link's site shows. ``track`` is which of its ``tracks`` of sound is heard, from 0.
    """

    sources: tuple[Source, ...]
    facts: str
    duration: float | None
    has_picture: bool = True
    has_sound: bool = True
    picture: bytes | None = None
    tracks: tuple[AudioStream, ...] = ()
    track: int = 0

    @property
    def title(self) -> str:
        return self.sources[0].title if len(self.sources) == 1 else count_words(len(self.sources), "video")


def choose_source(services: Services) -> Chosen | None:
    """Draw the one place for the source, and give what stands in it; None while nothing is chosen."""
    chosen: Chosen | None = st.session_state.get(CHOSEN)
    if chosen is not None:
        _render_chosen(chosen)
        _render_earlier(services, chosen)
        return chosen
    file_side, link_side = st.columns(2, gap="medium")
    with file_side.container(border=True, height="stretch"):
        _take_file(services)
    with link_side.container(border=True, height="stretch"):
        _take_link(services)
    if (playlist := st.session_state.get(PLAYLIST)) is not None:
        _tick_videos(playlist)
    return None


def _render_chosen(chosen: Chosen) -> None:
    """The title, its facts, and the way back."""
    with st.container(border=True), st.container(horizontal=True, vertical_alignment="center"):
        if chosen.picture is not None:
            st.image(chosen.picture, width=PICTURE_WIDTH)
        with st.container(gap=None, width="stretch"):
            st.markdown(f"{_icon(chosen)} **{plain(chosen.title)}**")
            st.caption(plain(chosen.facts))
        st.button("Choose another", key="choose_another", icon=":material/swap_horiz:", on_click=_forget_chosen)


def _render_earlier(services: Services, chosen: Chosen) -> None:
    """Which models wrote this video down before, with their transcripts: it may be all that is wanted."""
    if len(chosen.sources) > 1:
        return
    newest: dict[str, Run] = {}
    for run in services.library.runs_of(chosen.sources[0]):
        if run.state is RunState.DONE and run.request.task == TRANSCRIPT:
            newest.setdefault(run.request.model_id, run)
    if not newest:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="earlier"):
        st.markdown(":small[Already transcribed with]", width="content")
        for model_id, run in list(newest.items())[:EARLIER_SHOWN]:
            st.page_link(
                "pages/transcript.py",
                label=f":small[{plain(model_id)}]",
                icon=":material/article:",
                query_params={"run": run.id},
            )


def _icon(chosen: Chosen) -> str:
    if len(chosen.sources) > 1:
        return ":material/playlist_play:"
    return ":material/movie:" if chosen.has_picture else ":material/graphic_eq:"


def _forget_chosen() -> None:
    """Back to the two ways in. The rest of the draft stays, but a clip belongs to its video."""
    for name in (CHOSEN, PLAYLIST):
        st.session_state.pop(name, None)
    _forget_problems()
    forget_clip()


def _forget_problems() -> None:
    for name in (FILE_PROBLEM, LINK_PROBLEM):
        st.session_state.pop(name, None)


def _take_file(services: Services) -> None:
    """Spool an upload to the store as soon as it is there, and let its memory go."""
    st.markdown("**Drop a file**")
    turn = st.session_state.setdefault(UPLOAD_TURN, 0)
    upload = st.file_uploader("A video or a sound file", key=f"upload_{turn}", label_visibility="collapsed")
    st.caption(FILE_TYPES)
    if upload is not None:
        _forget_problems()
        with st.spinner("Keeping and checking the file…"):
            # A click elsewhere meanwhile ends this run of the page where the spinner does: by then all is noted.
            try:
                source = services.keep_upload(upload, sent_name(upload.name))
                st.session_state[CHOSEN] = _chosen_file(source, services.asset(source.asset_id or ""))
            except CuewiseError as error:
                st.session_state[FILE_PROBLEM] = error
            finally:
                _let_go(upload)
                st.session_state[UPLOAD_TURN] = turn + 1
        st.rerun()
    if (problem := st.session_state.get(FILE_PROBLEM)) is not None:
        render_failure(problem)


def sent_name(name: str) -> str:
    """The name of a file as its owner knows it: browsers send quotes and line ends in names as per cent."""
    return " ".join(name.replace("%22", '"').replace("%0D", " ").replace("%0A", " ").split())


def _let_go(upload: UploadedFile) -> None:
    """Free the upload's bytes now: Streamlit would hold them until the browser session ends."""
    context = get_script_run_ctx()
    if context is not None and hasattr(context.uploaded_file_mgr, "remove_file"):
        context.uploaded_file_mgr.remove_file(session_id=context.session_id, file_id=upload.file_id)


def _chosen_file(source: Source, asset: MediaAsset | None) -> Chosen:
    if asset is None:
        return Chosen((source,), duration_words(source.duration), source.duration)
    facts = [duration_words(asset.duration), bytes_words(asset.size_bytes), asset.container]
    if asset.video is not None:
        facts.append(f"{asset.video.width} × {asset.video.height}")
        facts.append("with sound" if asset.has_sound else "no sound")
    else:
        facts.append("sound only")
    if len(asset.audio) > 1:
        facts[-1] = count_words(len(asset.audio), "track of sound", "tracks of sound")
    return Chosen((source,), " · ".join(facts), asset.duration, asset.has_picture, asset.has_sound, tracks=asset.audio)


def _take_link(services: Services) -> None:
    """Look a link up before anything is downloaded."""
    st.markdown("**Paste a link**")
    with st.form("link_form", border=False):
        url = st.text_input(
            "Link to a video, a playlist or a media file",
            key="link",
            placeholder="https://www.youtube.com/watch?v=…",
            label_visibility="collapsed",
            persist_state="session",
        )
        pressed = st.form_submit_button("Look up", icon=":material/search:")
    st.caption("YouTube and some 1,800 other sites, or a media file. Nothing is downloaded before you press Run.")
    if pressed:
        _forget_problems()
        st.session_state.pop(PLAYLIST, None)
        with st.spinner("Looking the link up…"):
            try:
                found = services.look_up(url.strip())
            except CuewiseError as error:
                st.session_state[LINK_PROBLEM] = error
            else:
                if isinstance(found, LinkPlaylist):
                    st.session_state[PLAYLIST] = found
                else:
                    chosen = chosen_videos((found,))
                    st.session_state[CHOSEN] = replace(chosen, picture=services.picture(chosen.sources[0]))
        st.rerun()
    if (problem := st.session_state.get(LINK_PROBLEM)) is not None:
        render_failure(problem)


def _tick_videos(playlist: LinkPlaylist) -> None:
    """The videos of a playlist, to tick; each ticked one becomes a run per model."""
    st.markdown(f":material/playlist_play: **{plain(playlist.title)}** · {count_words(len(playlist.videos), 'video')}")
    if not playlist.videos:
        st.caption("No video in this playlist can be watched. Paste the link of a single video.")
        return
    table = st.dataframe(
        [
            {"Title": video.title, "Length": duration_words(video.duration), "Size": bytes_words(video.size_bytes)}
            for video in playlist.videos
        ],
        key="playlist_rows",
        on_select="rerun",
        selection_mode="multi-row",
        hide_index=True,
        column_config={"Title": st.column_config.TextColumn(width="large")},
    )
    ticked = [playlist.videos[row] for row in table.selection.rows if row < len(playlist.videos)]
    label = f"Use {count_words(len(ticked), 'video')}" if ticked else "Tick the videos to use"
    if st.button(label, key="use_videos", type="primary", disabled=not ticked):
        st.session_state[CHOSEN] = chosen_videos(tuple(ticked))
        st.rerun()


def chosen_videos(videos: tuple[LinkVideo, ...]) -> Chosen:
    """What a look-up found, as something to run over."""
    sources = tuple(
        Source(
            kind=SourceKind.LINK,
            title=video.title,
            url=video.url,
            duration=video.duration,
            channel=video.channel,
            picture_url=video.picture_url,
            size_bytes=video.size_bytes,
            captions=video.captions,
        )
        for video in videos
    )
    durations = [video.duration for video in videos]
    sizes = [video.size_bytes for video in videos]
    length = "length unknown" if None in durations else duration_words(sum(durations))
    size = "download size unknown" if None in sizes else f"about {bytes_words(sum(sizes))} to download"
    channel = (videos[0].channel or "") if len(videos) == 1 else ""
    site = videos[0].site or ""
    facts = [fact for fact in (channel, site, length, size) if fact]
    return Chosen(
        sources,
        " · ".join(facts),
        None if None in durations else max(durations),
        has_picture=any(video.has_video for video in videos),
    )
