"""The library's question, and its videos: what is looked for, which runs are meant, and a page of cards."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import streamlit as st

from lib.domain.library import Filters
from lib.domain.run import RunState
from lib.pipeline.library import VIDEOS_A_PAGE
from lib.services import Services
from lib.ui.empty import render_empty
from lib.ui.exports_of_many import render_zip
from lib.ui.video_card import STYLE, render_card, tick_key
from lib.ui.words import STATE_WORDS, count_words

COSTS: dict[str, tuple[Decimal | None, Decimal | None]] = {
    "Free": (None, Decimal(0)),
    "Paid": (Decimal("0.000000001"), None),
    "Over $0.10": (Decimal("0.10"), None),
    "Over $1": (Decimal("1"), None),
}
FILTERS = ("model", "task", "state", "tag", "cost", "since", "until")
TURN, PAGE = "filters_turn", "library_page"


def ask_library(services: Services) -> tuple[str, Filters]:
    """Draw the search and the filters; gives the words that are looked for, and which runs are meant.

    The words stand in the address, so that a search can be kept as a bookmark.
    """
    with st.container(horizontal=True, vertical_alignment="bottom"):
        words = st.text_input(
            "Search what was said",
            key="said",
            type="search",
            icon=":material/search:",
            placeholder='Search what was said, or a "phrase"',
            label_visibility="collapsed",
            live="200ms",
            bind="query-params",
            on_change=_first_page,
        )
        filters = _ask_filters(services)
        if filters.count:
            st.button("Clear filters", icon=":material/filter_alt_off:", type="tertiary", on_click=clear_filters)
    return (words or "").strip(), filters


def _ask_filters(services: Services) -> Filters:
    choices = services.library.choices()
    titles = {task.name: task.title for task in services.tasks()}
    with st.popover(_filters_label(), icon=":material/filter_alt:", key="filters"):
        model_id = _choose("Model", choices.model_ids, "model")
        task = _choose("Task", choices.tasks, "task", titles)
        state = _choose("State", tuple(RunState), "state", STATE_WORDS)
        tag = _choose("Tag", choices.tags, "tag")
        cost = _choose("Cost", tuple(COSTS), "cost")
        since_side, until_side = st.columns(2)
        with since_side:
            since = _choose_day("From", "since")
        with until_side:
            until = _choose_day("To", "until")
    least_usd, most_usd = COSTS.get(cost or "", (None, None))
    return Filters(model_id, task, state, tag, since, until, least_usd, most_usd)


def _filters_label() -> str:
    # Read before the choices are drawn: the label stands above them.
    chosen = sum(st.session_state.get(filter_key(name)) is not None for name in FILTERS)
    return f"Filters · {chosen}" if chosen else "Filters"


def filter_key(name: str) -> str:
    """Under which key a filter stands now. Cleared filters get new keys: what a closed popover holds is not mounted
    in the browser, which would send the old choices again."""
    return f"filter_{name}_{st.session_state.get(TURN, 0)}"


def _choose(label: str, options: tuple, name: str, words: dict | None = None):
    return st.selectbox(
        label,
        options,
        index=None,
        format_func=lambda option: (words or {}).get(option, str(option)),
        placeholder="All",
        key=filter_key(name),
        persist_state="session",
        on_change=_first_page,
    )


def _choose_day(label: str, name: str) -> date | None:
    return st.date_input(label, None, key=filter_key(name), persist_state="session", on_change=_first_page)


def _first_page() -> None:
    st.session_state[PAGE] = 1


def clear_filters() -> None:
    """Let every run through again."""
    st.session_state[TURN] = st.session_state.get(TURN, 0) + 1
    _first_page()


def render_videos(services: Services, filters: Filters) -> None:
    """One page of cards, the video that was worked on last first."""
    page = st.session_state.get(PAGE) or 1
    shelf = services.library.videos(filters, page=page)
    if not shelf.count:
        _render_empty(filters)
        return
    if not shelf.videos:  # what stood on the last page was deleted
        _first_page()
        shelf = services.library.videos(filters)
    st.html(STYLE)
    ticked = [video for video in shelf.videos if st.session_state.get(tick_key(video))]
    chosen = [video.to_open.id for video in ticked]
    asked = [video.to_ask_about.id for video in ticked if video.to_ask_about]
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.caption(count_words(shelf.count, "video"), width="content")
        if asked:
            st.page_link(
                "pages/ask.py",
                label=f"Ask about {count_words(len(asked), 'video')}",
                icon=":material/forum:",
                query_params=[("run", run_id) for run_id in asked],
            )
        if chosen:
            render_zip(services, chosen, key="library", label=f"Download {len(chosen)} (zip)")
    tags = [name for name, _ in services.library.tags()]
    with st.container(key="videos"):
        for video in shelf.videos:
            render_card(services, video, tags)
    render_pages(shelf.count, VIDEOS_A_PAGE)


def render_pages(count: int, a_page: int) -> None:
    """Where to turn the page, if there are several."""
    num_pages = -(-count // a_page)
    if num_pages > 1:
        with st.container(horizontal_alignment="center"):
            st.pagination(num_pages, key=PAGE)


def _render_empty(filters: Filters) -> None:
    if filters.count:
        render_empty("No video fits these filters.", next_step=offer_to_clear)
        return
    render_empty(
        "Nothing here yet.",
        "Drop a video or paste a link; once it has run it is kept here, and what was said can be searched.",
    )


def offer_to_clear() -> None:
    """The way out where the filters let nothing through."""
    st.button("Clear filters", key="clear_all", icon=":material/filter_alt_off:", on_click=clear_filters)
