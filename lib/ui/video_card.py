"""A video as a card: its picture, what was done with it, its tags, and what can be done now."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape

import streamlit as st

from lib.domain.library import Video
from lib.domain.run import Run, RunState
from lib.errors import CuewiseError
from lib.services import Services
from lib.ui.farewell import ask_to_delete
from lib.ui.words import STATE_COLOURS, STATE_ICONS, ago_words, bytes_words, clock, count_words, money, plain

RUNS_SHOWN = 4

# A grid that fills the width with cards of like height, whatever is on them; Streamlit's columns would be three
# on a screen of any width.
STYLE = """
<style>
.st-key-videos { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 17.5rem), 1fr)); }
.st-key-videos > div { height: 100%; width: 100%; }
[class*="st-key-card_"] { height: 100%; overflow: hidden; }
[class*="st-key-title_"] p { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2;
  overflow: hidden; overflow-wrap: anywhere; }
[class*="st-key-card_"] > div:has(> [class*="st-key-foot_"]) { margin-top: auto; }
[class*="st-key-card_"] [data-testid="stPageLink-NavLink"] { padding-left: 0; margin-left: 0; }
.poster { position: relative; aspect-ratio: 16 / 9; border-radius: 0.4rem; overflow: hidden;
  display: grid; place-items: center; background: color-mix(in srgb, currentColor 9%, transparent); }
.poster img { width: 100%; height: 100%; object-fit: contain; background: #0c1213; }
.poster i { font: 3rem "Material Symbols Rounded"; opacity: 0.55; }
.poster span { position: absolute; right: 0.4rem; bottom: 0.4rem; padding: 0.05rem 0.35rem; border-radius: 0.25rem;
  background: rgb(0 0 0 / 0.78); color: #fff; font-size: 0.8rem; font-variant-numeric: tabular-nums; }
</style>
"""


def render_card(services: Services, video: Video, tags: list[str]) -> None:
    """One video of few elements, so that a page of them draws fast. ``tags`` are all that there are."""
    with st.container(border=True, gap="xsmall", key=f"card_{video.id}"):
        st.html(poster(video))
        with st.container(key=f"title_{video.id}", gap=None):
            st.markdown(f"**{plain(video.title)}**")
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.caption(plain(video_facts(video)), width="stretch")
            if video.to_open.state is RunState.DONE:
                label = plain(f"Choose {video.title}")
                st.checkbox(label, key=tick_key(video), label_visibility="collapsed", width="content")
        _render_runs(video)
        if video.tags:
            st.markdown(" ".join(f":gray-badge[:material/label: {plain(name)}]" for name in video.tags))
        with st.container(gap="xxsmall", key=f"foot_{video.id}"):
            _render_links(video)
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                _render_tags(services, video, tags)
                if st.button("Delete…", key=f"delete_{video.id}", type="tertiary", icon=":material/delete:"):
                    ask_to_delete(services, video.id)


def _render_links(video: Video) -> None:
    opened, asked = video.to_open, video.to_ask_about
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.page_link("pages/transcript.py", label="Open", icon=":material/article:", query_params={"run": opened.id})
        if asked is not None:
            st.page_link("pages/ask.py", label="Ask", icon=":material/forum:", query_params={"run": asked.id})


def tick_key(video: Video) -> str:
    """Under which key it stands whether a video is chosen, to be taken along with others."""
    return f"tick_{video.id}"


def poster(video: Video) -> str:
    """The picture as HTML of our own: nothing of it is a stranger's text."""
    length = f"<span>{escape(clock(video.duration))}</span>" if video.duration else ""
    if video.asset is not None and video.asset.has_picture:
        return f'<div class="poster"><img src="/api/poster/{video.asset.id}" alt="" loading="lazy">{length}</div>'
    glyph = "graphic_eq" if video.asset is not None else "link"
    return f'<div class="poster"><i aria-hidden="true">{glyph}</i>{length}</div>'


def video_facts(video: Video, now: datetime | None = None) -> str:
    """When, how many runs, how many dollars, how many bytes."""
    facts = [
        ago_words(video.runs[0].created, now or datetime.now(UTC)),
        count_words(len(video.runs), "run"),
        money(video.cost_usd) if video.cost_usd else "",
        bytes_words(video.asset.size_bytes) if video.asset is not None else "",
    ]
    return " · ".join(fact for fact in facts if fact)


def _render_runs(video: Video) -> None:
    """The runs as links, each with its state in colour and, as the icon's words would be too many, in a symbol."""
    with st.container(gap=None):
        for run in video.runs[:RUNS_SHOWN]:
            st.page_link("pages/transcript.py", label=run_label(run), query_params={"run": run.id})
        if older := video.runs[RUNS_SHOWN:]:
            with st.popover(count_words(len(older), "older run"), type="tertiary", key=f"older_{video.id}"):
                for run in older:
                    st.page_link("pages/transcript.py", label=run_label(run), query_params={"run": run.id})


def run_label(run: Run) -> str:
    """``✓ whisper-base · transcript``: state, model and task."""
    model = run.request.model_id.rpartition("/")[2]
    icon = f":{STATE_COLOURS[run.state]}[{STATE_ICONS[run.state]}]"
    task = "" if run.request.task == "transcript" else f" · {run.request.task}"
    return f"{icon} :small[{plain(f'{model}{task}')}]"


def _render_tags(services: Services, video: Video, tags: list[str]) -> None:
    key = f"tags_{video.id}"
    with st.popover("Tags", icon=":material/label:", type="tertiary", key=f"tagging_{video.id}"):
        st.multiselect(
            "Tags of this video",
            sorted({*tags, *video.tags}),
            default=list(video.tags),
            key=key,
            accept_new_options=True,
            select_all=False,
            placeholder="Choose or type a tag",
            on_change=_retag,
            args=(services, video.id, video.tags, key),
        )


def _retag(services: Services, video_id: str, before: tuple[str, ...], key: str) -> None:
    chosen = st.session_state[key]
    try:
        for name in chosen:
            if name not in before:
                services.library.tag(video_id, name)
    except CuewiseError as error:
        st.toast(plain(f"{error} {error.hint}"), icon=":material/error:")
    for name in before:
        if name not in chosen:
            services.library.untag(video_id, name)
