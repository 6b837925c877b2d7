"""Make from this transcript: a summary, chapters, a translation, asked about its text, with the price shown before."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from lib.domain.languages import LANGUAGES, language_name
from lib.domain.model import Model
from lib.domain.run import Run, RunRequest, RunState
from lib.errors import CuewiseError
from lib.services import Services
from lib.ui.model_words import reader_line
from lib.ui.offer import offer
from lib.ui.prompts import choose_prompt
from lib.ui.question import AUTOMATIC, OWN_PROMPT, TRANSCRIPT, TRANSLATION
from lib.ui.video_card import run_label
from lib.ui.words import count_words, plain, render_failure

ICONS = {
    "summary": ":material/summarize:",
    "chapters": ":material/toc:",
    "moments": ":material/star:",
    "actions": ":material/checklist:",
    TRANSLATION: ":material/translate:",
    OWN_PROMPT: ":material/edit_note:",
}
MADE_SHOWN = 12


def render_making(services: Services, run_id: str) -> None:
    """What can be made of a finished transcript, and what was made of it already; nothing for other runs."""
    run = services.run(run_id)
    if run is None or run.request.task != TRANSCRIPT or run.state is not RunState.DONE:
        return
    transcript = services.transcript(run_id)
    if transcript is None or not transcript.cues:
        return
    with st.container(border=True, gap="small", key="making"):
        st.markdown("**Make from this transcript** :small[Only its text is sent.]")
        tasks = {task.name: task.title for task in services.from_transcript.tasks()}
        task = st.pills(
            "What to make",
            list(tasks),
            format_func=lambda name: f"{ICONS.get(name, '')} {_label(name, tasks)}",
            key="make_task",
            label_visibility="collapsed",
        )
        if task is not None:
            _ask(services, run_id, task)
        _render_made(services, run)


def _label(name: str, tasks: dict[str, str]) -> str:
    return "Translate" if name == TRANSLATION else tasks.get(name, name)


def _ask(services: Services, run_id: str, task: str) -> None:
    """With which model, in which language, for how much."""
    models = {model.id: model for model in services.from_transcript.models()}
    if not models:
        st.info(
            "This needs a model of the catalogue, which cannot be read now: local models only write transcripts.",
            icon=":material/cloud_off:",
        )
        return
    prompt = choose_prompt(services, key="make_prompt") if task == OWN_PROMPT else None
    language_side, model_side = st.columns(2)  # one below the other on a phone
    with language_side:
        language = _choose_language(task, key=f"make_language_{task == TRANSLATION}")
    with model_side:
        chosen = _choose_reader(services, models)
    if chosen is None or (task == OWN_PROMPT and not prompt) or (task == TRANSLATION and not language):
        st.caption("What it costs is shown here before anything is sent.")
        return
    try:
        request = services.from_transcript.request(run_id, chosen, task=task, language=language, prompt=prompt)
        plan = services.plan(request)
    except CuewiseError as error:
        render_failure(error)
        return
    confirmed = offer(services, models[chosen], plan, label="Run", key="make", or_local=False)
    if confirmed is not None:
        _start(services, request, confirmed.key)


def _choose_reader(services: Services, models: dict[str, Model]) -> str | None:
    """A model for a text: the user's own favourites first, and one of them to begin with."""
    favourites = [name for name in services.preferences().default_models if name in models]
    return st.selectbox(
        "Model",
        list(dict.fromkeys([*favourites, *models])),
        format_func=lambda name: reader_line(models[name]) if name in models else name,
        key="make_model",
        persist_state="session",
    )


def _choose_language(task: str, *, key: str) -> str | None:
    """The language to translate into, which has to be chosen, or that of the answer, which need not be."""
    is_translation = task == TRANSLATION
    known = sorted(LANGUAGES, key=language_name)
    chosen = st.selectbox(
        "Translate to" if is_translation else "Language of the answer",
        known if is_translation else [AUTOMATIC, *known],
        index=None if is_translation else 0,
        format_func=language_name,
        key=key,
        placeholder="Choose a language",
        persist_state="session",
    )
    return chosen or None


def _start(services: Services, request: RunRequest, key: str | None) -> None:
    try:
        run = services.submit(replace(request, accepts_unknown_price=True), key=key)
    except CuewiseError as error:
        render_failure(error)
    else:
        st.switch_page("pages/transcript.py", query_params={"run": run.id})


def _render_made(services: Services, run: Run) -> None:
    made = services.from_transcript.made_from(run)
    if not made:
        return
    st.caption("Made from it")
    with st.container(horizontal=True, gap="small"):
        for each in made[:MADE_SHOWN]:
            st.page_link("pages/transcript.py", label=made_label(each), query_params={"run": each.id}, width="content")
        if len(made) > MADE_SHOWN:
            others = count_words(len(made) - MADE_SHOWN, "other")
            st.page_link("pages/library.py", label=f":small[and {others} in the Library]", width="content")


def made_label(run: Run) -> str:
    """``✓ deepseek-v4 · translation to Spanish``."""
    to = (
        f" to {language_name(run.request.language)}" if run.request.task == TRANSLATION and run.request.language else ""
    )
    return run_label(run) + (f" :small[{plain(to)}]" if to else "")
