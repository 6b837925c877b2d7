"""Choosing what to run over: a file dropped here, or a link that is looked up first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

from lib.domain.batch import Given, read_links
from lib.domain.media import AudioStream, MediaAsset, Source, SourceKind
from lib.domain.run import Failure, Run, best_first
from lib.errors import CuewiseError
from lib.pipeline.batches import given_or_why
from lib.pipeline.ingest import link_source
from lib.services import LinkPlaylist, LinkVideo, Services
from lib.ui.clip import forget_clip
from lib.ui.question import TRANSCRIPT
from lib.ui.words import bytes_words, cell, count_words, duration_words, error_words, plain, render_failure

FILE_TYPES = "Video: mp4, webm, mov, avi, mkv, mpeg, m4v. Sound: mp3, m4a, wav, ogg, flac."
FIRST_STEPS = (
    "Next you choose a task and one or several models, see what would be sent and what it costs, and press Run. "
    "Without a key, the speech model on this machine writes the transcript: free and private."
)
PICTURE_WIDTH = 120
EARLIER_SHOWN = 6
PROBLEMS_SHOWN = 5
CHOSEN, PLAYLIST, UPLOAD_TURN = "chosen", "playlist", "upload_turn"
PLAYLIST_ROWS = "playlist_rows"
FILE_PROBLEMS, LINK_PROBLEMS = "file_problems", "link_problems"
MANY_LINKS, LOOKING_UP = "many_links", "looking_up"
DRAFT = (CHOSEN, PLAYLIST, LOOKING_UP, FILE_PROBLEMS, LINK_PROBLEMS)
"""What a choice consists of that is under way or made."""
ADDED_TO, ASIDE = "added_to", "chosen_aside"
NO_LINK = Failure("BadLink", "This line is no link.", "Paste a whole link that starts with https://.")


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the user wants to run over: one source, or several; then ``given`` has them all, and what of it is no good.

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
    given: tuple[Given, ...] = ()

    @property
    def is_several(self) -> bool:
        return bool(self.given)

    @property
    def all_given(self) -> tuple[Given, ...]:
        """One or several, as what a batch is made of."""
        return self.given or tuple(Given(source.title, source) for source in self.sources)

    @property
    def title(self) -> str:
        if not self.is_several:
            return self.sources[0].title
        videos = count_words(len(self.given), "video")
        return videos if len(self.sources) == len(self.given) else f"{len(self.sources)} of {videos}"


def choose_source(services: Services, *, added_to: str | None = None) -> Chosen | None:
    """Draw the one place for the source, and give what stands in it; None while nothing is chosen.

    ``added_to`` is the batch that more videos are chosen for: they are not those of a new run.
    """
    _turn_to(added_to)
    chosen: Chosen | None = st.session_state.get(CHOSEN)
    if chosen is not None:
        _render_chosen(chosen)
        _render_earlier(services, chosen)
        return chosen
    if (looking_up := st.session_state.get(LOOKING_UP)) is not None:
        _look_up_next(services, looking_up)
        return None
    file_side, link_side = st.columns(2, gap="medium")
    with file_side.container(border=True, height="stretch"):
        _take_file(services)
    with link_side.container(border=True, height="stretch"):
        _take_link(services)
    if (playlist := st.session_state.get(PLAYLIST)) is not None:
        _tick_videos(playlist)
    return None


def _turn_to(batch_id: str | None) -> None:
    """A batch is added to from nothing; meanwhile the draft of a new run is put aside, and it is there again after."""
    was = st.session_state.get(ADDED_TO)
    if batch_id == was:
        return
    draft = {name: st.session_state.pop(name) for name in DRAFT if name in st.session_state}
    if was is None:
        st.session_state[ASIDE] = draft
    elif batch_id is None:
        st.session_state.update(st.session_state.pop(ASIDE, {}))
    st.session_state[ADDED_TO] = batch_id


def forget_added() -> None:
    """What was added to a batch is in it: whoever adds more begins from nothing again."""
    for name in DRAFT:
        st.session_state.pop(name, None)


def _render_chosen(chosen: Chosen) -> None:
    """The title, its facts, and the way back."""
    with st.container(border=True), st.container(horizontal=True, vertical_alignment="center"):
        if chosen.picture is not None:
            st.image(chosen.picture, width=PICTURE_WIDTH)
        with st.container(gap=None, width="stretch"):
            st.markdown(f"{_icon(chosen)} **{plain(chosen.title)}**")
            st.caption(plain(chosen.facts))
        st.button("Choose another", key="choose_another", icon=":material/swap_horiz:", on_click=_forget_chosen)
    render_problems([each for each in chosen.given if not each.can_run])


def render_problems(given: Sequence[Given]) -> None:
    """What was given and is no good, each with why; of many the first few."""
    lines = [
        f"**{plain(each.name)}** {plain(f'{each.failure.message} {each.failure.hint}')}"
        for each in given[:PROBLEMS_SHOWN]
        if each.failure is not None
    ]
    if len(given) > PROBLEMS_SHOWN:
        lines.append(f"and {len(given) - PROBLEMS_SHOWN} more")
    if lines:
        st.error("\n\n".join(lines), icon=":material/error:")


def _render_earlier(services: Services, chosen: Chosen) -> None:
    """Which models wrote this video down before, with their transcripts: it may be all that is wanted."""
    if chosen.is_several:
        return
    best: dict[str, Run] = {}
    for run in best_first(services.library.runs_of(chosen.sources[0]), TRANSCRIPT):
        best.setdefault(run.request.model_id, run)
    if not best:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="earlier"):
        st.markdown(":small[Already transcribed with]", width="content")
        for model_id, run in list(best.items())[:EARLIER_SHOWN]:
            st.page_link(
                "pages/transcript.py",
                label=f":small[{plain(model_id)}]",
                icon=":material/article:",
                query_params={"run": run.id},
            )
        if len(best) > EARLIER_SHOWN:
            others = count_words(len(best) - EARLIER_SHOWN, "other")
            st.page_link("pages/library.py", label=f":small[and {others} in the Library]")


def _icon(chosen: Chosen) -> str:
    if chosen.is_several:
        return ":material/playlist_play:"
    return ":material/movie:" if chosen.has_picture else ":material/graphic_eq:"


def _forget_chosen() -> None:
    """Back to the two ways in. The rest of the draft stays, but a clip belongs to its video."""
    for name in (CHOSEN, PLAYLIST, LOOKING_UP):
        st.session_state.pop(name, None)
    _forget_problems()
    forget_clip()


def _forget_problems() -> None:
    for name in (FILE_PROBLEMS, LINK_PROBLEMS):
        st.session_state.pop(name, None)


def _take_file(services: Services) -> None:
    """Spool uploads to the store as soon as they are there, and let their memory go."""
    st.markdown("**Drop a file, or several**")
    turn = st.session_state.setdefault(UPLOAD_TURN, 0)
    uploads = st.file_uploader(
        "Videos or sound files", accept_multiple_files=True, key=f"upload_{turn}", label_visibility="collapsed"
    )
    st.caption(FILE_TYPES)
    if uploads:
        _forget_problems()
        st.session_state[UPLOAD_TURN] = turn + 1
        given: list[Given] = []
        for number, upload in enumerate(uploads, 1):
            which = "the file" if len(uploads) == 1 else f"file {number} of {len(uploads)}"
            with st.spinner(f"Keeping and checking {which}…"):
                given.append(_keep(services, upload))
                # A click elsewhere meanwhile ends this run of the page where a spinner does: what is kept is noted.
                _note(given, FILE_PROBLEMS, services)
        st.rerun()
    _render_why_none(FILE_PROBLEMS)


def _keep(services: Services, upload: UploadedFile) -> Given:
    name = sent_name(upload.name)
    try:
        return given_or_why(name, lambda: services.keep_upload(upload, name))
    finally:
        _let_go(upload)


def _note(given: Sequence[Given], problems: str, services: Services) -> None:
    """Choose what was given, or keep why none of it is any good."""
    chosen = chosen_of(services, given)
    if chosen is not None:
        st.session_state[CHOSEN] = chosen
    else:
        st.session_state[problems] = tuple(given)


def _render_why_none(problems: str) -> None:
    """Why nothing of what was given just here could be taken."""
    given: tuple[Given, ...] = st.session_state.get(problems, ())
    if len(given) == 1 and given[0].failure is not None:
        render_failure(given[0].failure)
    else:
        render_problems(given)


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
    """Look a link up before anything is downloaded; or a list of them, one a line."""
    several = bool(st.session_state.get(MANY_LINKS))
    st.markdown("**Paste links, one a line**" if several else "**Paste a link**")
    with st.form("links_form" if several else "link_form", border=False):
        if several:
            text = st.text_area(
                "Links, one a line",
                key="links",
                height=120,
                placeholder="https://www.youtube.com/watch?v=…\nhttps://vimeo.com/…",
                label_visibility="collapsed",
                persist_state="session",
            )
        else:
            text = st.text_input(
                "Link to a video, a playlist or a media file",
                key="link",
                placeholder="https://www.youtube.com/watch?v=…",
                label_visibility="collapsed",
                persist_state="session",
            )
        pressed = st.form_submit_button("Look up", icon=":material/search:")
    st.caption("YouTube and some 1,800 other sites, or a media file. Nothing is downloaded before you press Run.")
    label, icon = ("One link", ":material/link:") if several else ("Several links", ":material/playlist_add:")
    st.button(label, key="turn_links", type="tertiary", icon=icon, on_click=_turn_links, args=(not several,))
    if pressed:
        _forget_problems()
        st.session_state.pop(PLAYLIST, None)
        if several:
            _begin_looking_up(text or "")
        else:
            _look_up_one(services, (text or "").strip())
        st.rerun()
    _render_why_none(LINK_PROBLEMS)


def _turn_links(several: bool) -> None:
    st.session_state[MANY_LINKS] = several
    _forget_problems()


def _look_up_one(services: Services, url: str) -> None:
    with st.spinner("Looking the link up…"):
        try:
            found = services.look_up(url)
        except CuewiseError as error:
            st.session_state[LINK_PROBLEMS] = (Given(url, failure=error_words(error)),)
            return
        if isinstance(found, LinkPlaylist):
            st.session_state[PLAYLIST] = found
            st.session_state.pop(PLAYLIST_ROWS, None)
        else:
            chosen = chosen_videos((found,))
            st.session_state[CHOSEN] = replace(chosen, picture=services.picture(chosen.sources[0]))


@dataclass
class LookingUp:
    """A list of links that is being looked up, one link at a time, so that it can be stopped between two."""

    links: list[str]
    given: list[Given]
    done: int = 0

    @property
    def is_over(self) -> bool:
        return self.done == len(self.links)

    def stop(self) -> None:
        """Look up no more than what has been."""
        self.links = self.links[: self.done]


def _begin_looking_up(text: str) -> None:
    links, others = read_links(text)
    bad = [Given(line, failure=NO_LINK) for line in others]
    if links:
        st.session_state[LOOKING_UP] = LookingUp(links, bad)
    else:
        st.session_state[LINK_PROBLEMS] = tuple(bad) or (Given("", failure=NO_LINK),)


def _look_up_next(services: Services, now: LookingUp) -> None:
    """Look up the next link of a list, and draw the page anew: what was found is noted before anything is drawn."""
    if not now.is_over:
        link = now.links[now.done]
        with st.container(border=True):
            words = f"Looking up {now.done + 1} of {len(now.links)}: {plain(link)}"
            st.progress(now.done / len(now.links), text=words)
            st.button("Stop", key="stop_looking_up", icon=":material/stop_circle:", on_click=_stop_looking_up)
        found = services.batches.look_up(link)
        now.given += found
        now.done += 1
    if now.is_over:
        st.session_state.pop(LOOKING_UP, None)
        _note(now.given, LINK_PROBLEMS, services)
    st.rerun()


def _stop_looking_up() -> None:
    """Go on with what was found so far."""
    now: LookingUp | None = st.session_state.get(LOOKING_UP)
    if now is not None:
        now.stop()
        if not now.given:
            st.session_state.pop(LOOKING_UP)


def _tick_videos(playlist: LinkPlaylist) -> None:
    """The videos of a playlist, to tick; the ticked ones are run together."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        count = count_words(len(playlist.videos), "video")
        st.markdown(f":material/playlist_play: **{plain(playlist.title)}** · {count}", width="stretch")
        with st.container(horizontal=True, width="content"):
            st.button("All", key="tick_all", type="tertiary", on_click=_tick, args=(len(playlist.videos),))
            st.button("None", key="tick_none", type="tertiary", on_click=_tick, args=(0,))
    if not playlist.videos:
        st.caption("No video in this playlist can be watched. Paste the link of a single video.")
        return
    table = st.dataframe(
        [
            {
                "Title": cell(video.title),
                "Length": duration_words(video.duration),
                "Size": bytes_words(video.size_bytes),
            }
            for video in playlist.videos
        ],
        key=PLAYLIST_ROWS,
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


def _tick(rows: int) -> None:
    st.session_state[PLAYLIST_ROWS] = {"selection": {"rows": list(range(rows)), "columns": [], "cells": []}}


def chosen_of(services: Services, given: Sequence[Given]) -> Chosen | None:
    """What was given, as something to run over; None when none of it is any good."""
    good = [each for each in given if each.can_run and each.source is not None]
    if not good:
        return None
    sources = tuple(each.source for each in good)
    assets = [services.asset(source.asset_id or "") for source in sources]
    if len(given) == 1 and sources[0].kind is not SourceKind.LINK:
        return _chosen_file(sources[0], assets[0])
    known = list(zip(good, assets, strict=True))
    chosen = replace(
        _chosen_links(sources),
        has_picture=any(asset.has_picture if asset else each.has_picture for each, asset in known),
        has_sound=any(asset is None or asset.has_sound for asset in assets),
    )
    if len(given) == 1:
        return replace(chosen, picture=services.picture(sources[0]))
    return replace(chosen, given=tuple(given))


def chosen_videos(videos: tuple[LinkVideo, ...]) -> Chosen:
    """What a look-up found, as something to run over."""
    sources = tuple(link_source(video) for video in videos)
    given = tuple(Given(source.title, source) for source in sources) if len(sources) > 1 else ()
    has_picture = any(video.has_video for video in videos)
    return replace(_chosen_links(sources, videos[0].site or ""), given=given, has_picture=has_picture)


def _chosen_links(sources: tuple[Source, ...], site: str = "") -> Chosen:
    durations = [source.duration for source in sources]
    sizes = [source.size_bytes for source in sources if source.kind is SourceKind.LINK]
    length = "length unknown" if None in durations else duration_words(sum(durations))
    size = "download size unknown" if None in sizes else f"about {bytes_words(sum(sizes))} to download"
    channel = (sources[0].channel or "") if len(sources) == 1 else ""
    facts = [fact for fact in (channel, site, length, size if sizes else "") if fact]
    return Chosen(sources, " · ".join(facts), None if None in durations else max(durations))
