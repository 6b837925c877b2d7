"""The Ask page: which videos to ask about, and the conversation about them."""

from __future__ import annotations

import streamlit as st

from lib.domain.conversation import Conversation
from lib.domain.run import Run
from lib.services import Services
from lib.ui.conversation.panel import open_conversation, render_ask
from lib.ui.conversation.words import conversation_words, listed_words
from lib.ui.empty import start_a_run
from lib.ui.more import render_with_more
from lib.ui.words import count_words, plain

NEWEST = 500
TITLE = "ask_title"
MOST_VIDEOS = 12
EARLIER_SHOWN = 20


def render_ask_page(services: Services) -> None:
    """The conversation of the address (``?conversation=``), or one about the videos that are chosen (``?run=``)."""
    named = list(dict.fromkeys(st.query_params.get_all("run")))
    opened = services.conversations.get(st.query_params.get("conversation", ""))
    meant = opened.run_ids if opened else named
    key = f"about_{opened.id if opened else '_'.join(named)}"
    title = st.session_state.get(TITLE) or ""
    offered, count = _offered(services, title, [*meant, *st.session_state.get(key, ())])
    if not offered and not title:
        st.info("Nothing can be asked about yet: there is no transcript here.", icon=":material/forum:")
        start_a_run()
        return
    if title or count > NEWEST:
        _render_search(title, count)
    wanted = [run_id for run_id in meant if run_id in offered]
    most = max(MOST_VIDEOS, len(wanted)) if opened else MOST_VIDEOS  # one that was begun elsewhere stays what it is
    run_ids = st.multiselect(
        "About",
        list(offered),
        default=wanted[:most],
        format_func=lambda run_id: _label(offered[run_id]) if run_id in offered else run_id,
        max_selections=most,
        select_all=False,
        placeholder="Choose one video or several",
        key=key,
        help="Answers cite a video by its number here.",
    )
    if len(wanted) > most:
        st.caption(f"Up to {most} videos can be asked about at once: of {len(wanted)}, the first are chosen.")
    if not run_ids:
        _render_earlier(services)
        return
    for number, run_id in enumerate(run_ids, 1):
        st.page_link(
            "pages/transcript.py",
            label=plain(f"{number} · {offered[run_id].request.source.title}"),
            icon=":material/article:",
            query_params={"run": run_id},
        )
    render_ask(services, run_ids, known=opened.id if opened else None)


def _offered(services: Services, title: str, chosen: list[str]) -> tuple[dict[str, Run], int]:
    """The newest that are called so, and how many there are; with what is chosen already, whatever it is called."""
    found, count = services.from_transcript.best_of_each(title, limit=NEWEST)
    offered = {run.id: run for run in found}
    for run_id in chosen:
        if run_id not in offered and (run := services.run(run_id)) and run.is_transcribed:
            offered[run_id] = run
    return offered, count


def _render_search(title: str, count: int) -> None:
    """The way to the videos that a list of the newest leaves out."""
    st.text_input(
        "Find a video by its title",
        key=TITLE,
        type="search",
        icon=":material/search:",
        placeholder="Find a video by its title",
        label_visibility="collapsed",
        live="200ms",
    )
    st.caption(listed_words(title, count, NEWEST))


def _label(run: Run) -> str:
    return f"{run.request.source.title} · {run.request.model_id}"


def _render_earlier(services: Services) -> None:
    if not services.conversations.all(limit=1):
        st.caption("Choose a video above, or press Ask on one in the Library.")
        return
    st.subheader("Earlier conversations", anchor=False)
    render_with_more(
        lambda limit: services.conversations.all(limit=limit),
        lambda conversation: _render_line(services, conversation),
        at_first=EARLIER_SHOWN,
        key="conversations",
    )


def _render_line(services: Services, conversation: Conversation) -> None:
    """A conversation in the list, with what it is about; one in which nothing was asked yet is none to read."""
    if not conversation.exchanges:
        return
    if len(conversation.run_ids) > 1:
        about = count_words(len(conversation.run_ids), "video")
    else:
        run = services.run(conversation.run_ids[0])
        about = run.request.source.title if run else ""
    words = plain(conversation_words(conversation) + (f" · {about}" if about else ""))
    if st.button(words, key=f"open_{conversation.id}", icon=":material/chat_bubble:", type="tertiary"):
        open_conversation(conversation)
        st.query_params["conversation"] = conversation.id
        st.rerun()
