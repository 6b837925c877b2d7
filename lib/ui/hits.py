"""What a search found: the videos in whose words it stands, each place a link to its second."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import streamlit as st

from lib.domain.library import Filters, Found, Hit
from lib.domain.run import Run
from lib.domain.search import Spot
from lib.pipeline.library import HITS_A_PAGE
from lib.services import Services
from lib.ui.empty import render_empty
from lib.ui.library import PAGE, offer_to_clear, render_pages
from lib.ui.words import clock, count_words, plain

TITLES_SHOWN = 6
TIME_WIDTH = 84

STYLE = """
<style>
[class*="st-key-hits_"] [data-testid="stPageLink-NavLink"] { padding-left: 0; margin: 0; }
[class*="st-key-hits_"] [data-testid="stPageLink-NavLink"] p { font-variant-numeric: tabular-nums; font-weight: 600; }
[class*="st-key-hits_"] strong { background: rgb(234 179 8 / 0.32); border-radius: 0.2rem; }
</style>
"""


def render_hits(services: Services, words: str, filters: Filters) -> None:
    """One page of the places where it was said, video by video, and the videos that are called so."""
    found = services.library.search(words, filters, st.session_state.get(PAGE) or 1)
    _render_titles(services, words, filters)
    if not found.count:
        _render_nothing(words, filters)
        return
    st.html(STYLE)
    st.caption(found_words(found))
    for hits in by_video(found.hits):
        _render_video(hits)
    render_pages(found.count, HITS_A_PAGE)


def found_words(found: Found) -> str:
    """``37 places, best first``; of very many, how many were counted."""
    count = f"More than {count_words(found.count, 'place')}" if found.is_more else count_words(found.count, "place")
    order = "" if found.count < 2 else ", best first" if found.is_ranked else ", newest first"
    return count + order


def by_video(hits: Sequence[Hit]) -> list[list[Hit]]:
    """The hits of each video together, in the order in which the first of each was found."""
    groups: dict[str, list[Hit]] = {}
    for hit in hits:
        groups.setdefault(hit.run.request.source.video_id, []).append(hit)
    return list(groups.values())


def _render_titles(services: Services, words: str, filters: Filters) -> None:
    shelf = services.library.videos(filters, title=words.replace('"', " "))
    if not shelf.count:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(":small[In titles]", width="content")
        for video in shelf.videos[:TITLES_SHOWN]:
            st.page_link(
                "pages/transcript.py",
                label=plain(_shortened(video.title)),
                icon=":material/movie:",
                query_params={"run": video.to_open.id},
            )
        if shelf.count > TITLES_SHOWN:
            st.caption(f"and {count_words(shelf.count - TITLES_SHOWN, 'other')}")


def _shortened(title: str) -> str:
    return title if len(title) <= 48 else f"{title[:46].rstrip()} …"


def _render_video(hits: Sequence[Hit]) -> None:
    with st.container(border=True, gap="small"):
        st.markdown(f"**{plain(hits[0].run.request.source.title)}**")
        for run_id, of_run in groupby(
            sorted(hits, key=lambda hit: _first_of(hits, hit.run.id)), lambda hit: hit.run.id
        ):
            same = list(of_run)
            with st.container(gap="xxsmall", key=f"hits_{run_id}"):
                st.caption(plain(_run_words(same[0].run)))
                for hit in same:
                    _render_hit(hit)


def _first_of(hits: Sequence[Hit], run_id: str) -> int:
    return next(number for number, hit in enumerate(hits) if hit.run.id == run_id)


def _run_words(run: Run) -> str:
    task = "" if run.request.task == "transcript" else f" · {run.request.task}"
    return f"{run.request.model_id}{task} · {run.created:%-d %b %Y}"


def _render_hit(hit: Hit) -> None:
    with st.container(horizontal=True, vertical_alignment="top", gap="small", wrap=False):
        st.page_link(
            "pages/transcript.py",
            label=clock(hit.spot.start),
            icon=":material/play_arrow:",
            query_params={"run": hit.run.id, "t": f"{hit.spot.start:.10g}"},
            width=TIME_WIDTH,
        )
        st.markdown(marked(hit.spot), width="stretch")


def marked(spot: Spot) -> str:
    """What was said as Markdown that shows exactly these characters, the words found in bold."""
    pieces = []
    for text, is_found in spot.pieces:
        before, after = " " * text[:1].isspace(), " " * (text[-1:].isspace() and bool(text.strip()))
        words = plain(text)
        pieces.append(before + (f"**{words}**" if is_found else words) + after)
    return "".join(pieces).strip()


def _render_nothing(words: str, filters: Filters) -> None:
    missing = f"Nobody says {plain(f'“{words}”')} in what is kept here."
    if filters.count:
        advice = "Only the runs that the filters let through were looked into."
        render_empty(missing, advice, next_step=offer_to_clear)
        return
    render_empty(
        missing,
        "Try fewer words, or only the beginning of one: all of them must be said close together. Words in "
        '"quotes" are looked for as they stand.',
        next_step=None,
    )
