"""A conversation: what was asked, the answers as they come, and the place to ask the next question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import streamlit as st

from lib.domain.citations import citations_of
from lib.domain.conversation import LONGEST_QUESTION, Conversation, Exchange, Look, Quote
from lib.domain.model import Model
from lib.domain.run import Run, RunState
from lib.errors import CuewiseError
from lib.services import Services
from lib.ui.caps import CHEAPER_MODEL, may_ask
from lib.ui.clip import read_clip
from lib.ui.conversation.words import (
    answer_markdown,
    conversation_words,
    exchange_facts,
    link_in,
    model_words,
    quote_words,
)
from lib.ui.key import ask_key, remember_typed
from lib.ui.repair import do_or_tell
from lib.ui.session import known_key
from lib.ui.words import clock, plain, render_failure

REFRESH_SECONDS = 0.5
NEW = "new"
EXAMPLES = (
    "What is this about, in three sentences?",
    "What was decided or promised, and by whom?",
    "Which numbers and names are mentioned, and when?",
)
EXAMPLES_OF_SEVERAL = (
    "What do these have in common, and where do they differ?",
    "Where do they contradict each other?",
    "Which of them explains it best, and when?",
)
AROUND = 60.0
"""Seconds around a moment that are looked at where the whole is too long."""

STYLE = """
<style>
[class*="st-key-examples"] button { text-align: left; justify-content: flex-start; }
[class*="st-key-answer_"] a { font-variant-numeric: tabular-nums; white-space: nowrap; }
</style>
"""


@dataclass(frozen=True, slots=True)
class _Way:
    """How the next question is put."""

    model: Model
    look: Look | None
    key: str | None
    is_possible: bool


def render_ask(
    services: Services, run_ids: Sequence[str], *, here: str | None = None, known: str | None = None
) -> None:
    """The conversations about these runs: the one that is open, those before, and the place to ask.

    ``here`` is the run whose player is on the page: citations of its video seek there. ``known`` is the id of the
    conversation to open; without one, the newest about exactly these runs.
    """
    st.html(STYLE)
    earlier = [each for each in services.conversations.about(run_ids[0]) if each.run_ids == tuple(run_ids)]
    conversation = _choose(earlier, run_ids, known)
    is_going_on = conversation is not None and conversation.is_going_on
    every = REFRESH_SECONDS if is_going_on else None
    chosen = conversation.id if conversation else None
    st.fragment(_render, run_every=every, key="conversation")(services, tuple(run_ids), here, chosen, is_going_on)


def _choose(earlier: Sequence[Conversation], run_ids: Sequence[str], known: str | None) -> Conversation | None:
    """The conversation that is open: the newest, until another, or a new one, is chosen."""
    by_id = {each.id: each for each in earlier}
    key = _open_key(run_ids)
    if st.session_state.get(key) not in (*by_id, NEW):
        st.session_state[key] = known if known in by_id else next(iter(by_id), NEW)
    return by_id.get(st.session_state[key])


def open_conversation(conversation: Conversation) -> None:
    """Let it be the one that is shown where its runs are asked about."""
    st.session_state[_open_key(conversation.run_ids)] = conversation.id


def _open_key(run_ids: Sequence[str]) -> str:
    return f"conversation_{'_'.join(run_ids)}"


def _render(
    services: Services, run_ids: tuple[str, ...], here: str | None, conversation_id: str | None, was_going_on: bool
) -> None:
    conversation = services.conversations.get(conversation_id) if conversation_id else None
    if conversation_id and (conversation is None or conversation.is_going_on != was_going_on):
        st.rerun()
    _render_heading(services, run_ids, conversation, "" if here is None else ":material/forum: Ask")
    if conversation is None:
        st.caption(
            "Ask about what is said. Answers name the second they rest on; click one to go there."
            if len(run_ids) == 1
            else "Ask about what is said in them. Answers name the video and the second they rest on."
        )
    else:
        durations = services.conversations.durations(conversation)
        starts = () if was_going_on else services.conversations.starts(conversation)
        link_to = link_in(conversation, here, starts)
        for exchange in conversation.exchanges:
            _render_exchange(services, exchange, durations, link_to)
    if not was_going_on:
        _render_question(services, run_ids, conversation)


def _render_heading(
    services: Services, run_ids: tuple[str, ...], conversation: Conversation | None, heading: str
) -> None:
    earlier = [each for each in services.conversations.about(run_ids[0]) if each.run_ids == run_ids]
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        if heading:
            st.subheader(heading, anchor=False, width="content")
        if not earlier:
            return
        with st.container(horizontal=True, vertical_alignment="center", width="content", gap="small"):
            if len(earlier) > 1 or conversation is None:
                _render_earlier(earlier)
            if conversation is not None:
                if st.button(
                    "New conversation", key="new_conversation", icon=":material/add_comment:", type="tertiary"
                ):
                    st.session_state[_open_key(run_ids)] = NEW
                    st.rerun()
                _render_delete(services, run_ids, conversation)


def _render_earlier(earlier: Sequence[Conversation]) -> None:
    with st.popover(f"Earlier · {len(earlier)}", icon=":material/history:", type="tertiary", key="earlier"):
        for each in earlier:
            if st.button(plain(conversation_words(each)), key=f"open_{each.id}", type="tertiary"):
                open_conversation(each)
                st.rerun()


def _render_delete(services: Services, run_ids: tuple[str, ...], conversation: Conversation) -> None:
    with st.popover("Delete", icon=":material/delete:", type="tertiary", key=f"deleting_{conversation.id}"):
        st.markdown("This deletes the conversation for good. What it cost stays in the sum of its month.")
        if st.button("Delete it", type="primary", icon=":material/delete_forever:", key="delete_conversation"):
            st.session_state.pop(_open_key(run_ids), None)
            do_or_tell(lambda: services.conversations.delete(conversation.id))


def _render_exchange(services: Services, exchange: Exchange, durations: Sequence[float | None], link_to) -> None:
    with st.chat_message("user", avatar=":material/person:"):
        st.markdown(_as_written(exchange.question))
    with (
        st.chat_message("assistant", avatar=":material/forum:"),
        st.container(key=f"answer_{exchange.id}", gap="small"),
    ):
        if exchange.answer:
            st.markdown(answer_markdown(exchange.answer, durations, link_to))
        if not exchange.state.is_over:
            _render_going_on(services, exchange)
            return
        if exchange.failure is not None:
            render_failure(exchange.failure)
        elif exchange.state is RunState.CANCELLED:
            words = "Stopped. Some providers bill an answer to its end all the same."
            st.caption(f":material/block: {words}")
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.caption(exchange_facts(exchange), width="stretch")
            _render_actions(services, exchange)


def _as_written(question: str) -> str:
    """A question with its lines as they were typed, and no markup in it."""
    return "  \n".join(plain(line) for line in question.splitlines())


def _render_going_on(services: Services, exchange: Exchange) -> None:
    words = exchange.note or ("answering" if exchange.answer else "asking")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(f":material/progress_activity: {plain(words[:1].upper() + words[1:])} …", width="stretch")
        if st.button("Stop", key=f"stop_{exchange.id}", icon=":material/stop_circle:"):
            do_or_tell(lambda: services.conversations.stop(exchange.id))


def _render_actions(services: Services, exchange: Exchange) -> None:
    if exchange.answer:
        with st.popover("Copy", icon=":material/content_copy:", type="tertiary", key=f"copy_{exchange.id}"):
            st.code(exchange.answer, language=None, wrap_lines=True, width=420)
    if not exchange.is_answered and st.button("Try again", key=f"again_{exchange.id}", icon=":material/refresh:"):
        do_or_tell(lambda: services.conversations.try_again(exchange.id, key=known_key(services)))


def _render_question(services: Services, run_ids: tuple[str, ...], conversation: Conversation | None) -> None:
    way = _choose_way(services, run_ids, conversation)
    if way is None:
        return
    question = None
    if conversation is None or not conversation.exchanges:
        question = _render_examples(run_ids, way)
    typed = st.chat_input(
        "Ask about this video" if len(run_ids) == 1 else "Ask about these videos",
        key="question",
        max_chars=LONGEST_QUESTION,
        disabled=not way.is_possible,
    )
    if question := typed or question:
        do_or_tell(lambda: _ask(services, run_ids, conversation, question, way))


def _render_examples(run_ids: tuple[str, ...], way: _Way) -> str | None:
    pressed = None
    with st.container(key="examples", gap="xsmall", width="content"):
        for number, example in enumerate(EXAMPLES if len(run_ids) == 1 else EXAMPLES_OF_SEVERAL):
            label, icon = example, ":material/chat_bubble:"
            if st.button(label, key=f"example_{number}", icon=icon, disabled=not way.is_possible):
                pressed = example
    return pressed


def _ask(
    services: Services, run_ids: tuple[str, ...], conversation: Conversation | None, question: str, way: _Way
) -> None:
    if way.key:
        remember_typed(services, way.key)
    how = {"look": way.look, "key": way.key, "accepts_unknown_price": True}
    if conversation is None:
        exchange = services.conversations.begin(run_ids, question, way.model.id, **how)
    else:
        exchange = services.conversations.ask(conversation.id, question, way.model.id, **how)
    preferences = services.preferences()
    if preferences.asking_model != way.model.id:
        services.save_preferences(replace(preferences, asking_model=way.model.id))
    st.session_state[_open_key(run_ids)] = exchange.conversation_id


def _choose_way(services: Services, run_ids: tuple[str, ...], conversation: Conversation | None) -> _Way | None:
    """Draw the choices of model and of looking again, with what a question costs then."""
    models = {model.id: model for model in services.conversations.models()}
    if not models:
        problem = services.catalogue().problem or "No model can be reached."
        st.info(plain(f"Answers come from models of the catalogue. {problem}"), icon=":material/cloud_off:")
        return None
    runs = [run for run_id in run_ids if (run := services.run(run_id))]
    remembered = services.preferences().asking_model
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        model_id = st.selectbox(
            "Model",
            list(models),
            index=list(models).index(remembered) if remembered in models else 0,
            format_func=lambda name: model_words(models[name]) if name in models else name,
            key="ask_model",
            width=560,
        )
        wants_look = st.toggle(
            "Look at the video again",
            key="ask_look",
            help="Sends the video, or a stretch of it, with the question: for what is seen rather than said. It costs "
            "more, and models that only read cannot.",
        )
    model = models[model_id]
    quoted, look = None, None
    try:
        if wants_look:
            look = _choose_look(services, runs, model, conversation)
        quoted = services.conversations.quote(
            run_ids, model.id, look=look, conversation_id=conversation.id if conversation else None
        )
    except CuewiseError as error:
        render_failure(error)
    if quoted is None:
        return _Way(model, look, None, False)
    is_allowed = _render_price(services, quoted, model)
    key = ask_key(services, field="ask_key")
    if not key:
        st.caption(":material/key: Answers come from a model on OpenRouter: paste a key, here or in Settings, to ask.")
    return _Way(model, look, key, bool(is_allowed and key))


def _render_price(services: Services, quoted: Quote, model: Model) -> bool:
    """What a question would cost, and whether it may."""
    if quoted.refusal:
        st.caption(f":material/block: {plain(quoted.refusal)}")
        return False
    st.caption(plain(quote_words(quoted, model)))
    if quoted.plan is not None:
        st.caption(f":material/videocam: {plain(quoted.plan.reason)}")
    return may_ask(services, [model], quoted.estimate_usd or Decimal(0), key="ask", advice=CHEAPER_MODEL)


def _choose_look(
    services: Services, runs: Sequence[Run], model: Model, conversation: Conversation | None
) -> Look | None:
    """Draw which stretch of which video is looked at. Raises InputError for times that are none."""
    run = runs[0]
    if len(runs) > 1:
        titles = {each.id: f"{number} · {each.request.source.title}" for number, each in enumerate(runs, 1)}
        chosen = st.selectbox("Which video", list(titles), format_func=titles.get, key="ask_look_run")
        run = next(each for each in runs if each.id == chosen)
    start, end = _usual_stretch(services, runs, run, model, conversation)
    with st.container(horizontal=True, gap="small"):
        from_text = st.text_input("From", clock(start), key=f"ask_from_{run.id}_{start}", width=140)
        to_text = st.text_input(
            "To", "" if end is None else clock(end), placeholder="the end", key=f"ask_to_{run.id}_{end}", width=140
        )
    return Look(run.id, *read_clip(from_text, to_text, None))


def _usual_stretch(
    services: Services, runs: Sequence[Run], run: Run, model: Model, conversation: Conversation | None
) -> tuple[float, float | None]:
    """The whole where it fits one question; else what stands around the moment that was cited last."""
    whole = services.conversations.quote([each.id for each in runs], model.id, look=Look(run.id))
    duration = (services.asset(run.asset_id) if run.asset_id else run.request.source).duration
    if not whole.refusal or duration is None:
        return 0.0, None
    cited = _cited_last(services, conversation, [each.id for each in runs].index(run.id) + 1)
    start = float(int(max(0.0, cited - AROUND)))
    return start, min(start + 2 * AROUND, duration)


def _cited_last(services: Services, conversation: Conversation | None, video: int) -> float:
    if conversation is None:
        return 0.0
    durations = services.conversations.durations(conversation)
    cited = [each for exchange in conversation.exchanges for each in citations_of(exchange.answer, durations)]
    return next((each.start for each in reversed(cited) if each.is_inside and each.video == video), 0.0)
