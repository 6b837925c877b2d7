"""Choosing what to ask: the task, the language, and the names to spell right."""

from __future__ import annotations

import re
from dataclasses import dataclass

import streamlit as st

from lib.domain.languages import LANGUAGES, language_name
from lib.domain.plan import Quality, Times
from lib.domain.run import Task
from lib.services import Services
from lib.ui.words import QUALITY_MEANING, QUALITY_WORDS, TIMES_MEANING, TIMES_WORDS

TRANSCRIPT = "transcript"
SHOWN = "shown"
OWN_PROMPT = "custom"
AUTOMATIC = ""


@dataclass(frozen=True, slots=True)
class Question:
    """What every chosen model is asked. ``prompt`` is there for the user's own task only."""

    task: str
    prompt: str | None
    language: str | None
    terms: tuple[str, ...]
    quality: Quality = Quality.SPEECH
    times: Times = Times.AUDIO

    @property
    def is_complete(self) -> bool:
        return self.task != OWN_PROMPT or bool(self.prompt)


def choose_question(services: Services) -> Question:
    """Draw task, language, terms, and what rarely needs changing."""
    st.subheader("Task", anchor=False)
    tasks: dict[str, Task] = {task.name: task for task in services.tasks()}
    task_side, language_side = st.columns(2)
    task = task_side.selectbox(
        "What to make of it",
        list(tasks),
        format_func=lambda name: tasks[name].title if name in tasks else name,
        key="task",
        persist_state="session",
    )
    language = language_side.selectbox(
        "Language spoken" if task == TRANSCRIPT else "Language of the answer",
        [AUTOMATIC, *sorted(LANGUAGES, key=language_name)],
        format_func=language_name,
        key="language",
        persist_state="session",
    )
    if task != TRANSCRIPT:
        st.caption(":material/info: Local models only transcribe. Choose a model from the catalogue for this task.")
    prompt = None
    if task == OWN_PROMPT:
        prompt = st.text_area(
            "Your prompt",
            key="prompt",
            persist_state="session",
            placeholder="List every product that is shown, with the time at which it first appears.",
        ).strip()
    terms = st.text_input(
        "Names and terms to spell right",
        key="terms",
        persist_state="session",
        placeholder="Dr. Okonkwo, Cuewise, H.264",
        help="Separate them with commas.",
    )
    task = task or TRANSCRIPT
    quality, times = _choose_fine_points(task)
    return Question(task, prompt or None, language or None, split_terms(terms), quality, times)


def _choose_fine_points(task: str) -> tuple[Quality, Times]:
    """What is right by itself for the task, and can be changed."""
    with st.expander("More", icon=":material/tune:", key="more"):
        quality_side, times_side = st.columns(2)
        quality = quality_side.radio(
            "Quality of the pictures",
            list(Quality),
            index=list(Quality).index(usual_quality(task)),
            format_func=QUALITY_WORDS.get,
            captions=list(QUALITY_MEANING.values()),
            key=f"quality_{task}",  # each task has its own usual quality, and keeps its own choice
            persist_state="session",
        )
        if task != TRANSCRIPT:
            return Quality(quality), Times.AUDIO
        times = times_side.radio(
            "Times of the lines",
            list(Times),
            format_func=TIMES_WORDS.get,
            captions=list(TIMES_MEANING.values()),
            key="times",
            persist_state="session",
        )
    return Quality(quality), Times(times)


def usual_quality(task: str) -> Quality:
    """Only what is on the screen needs pictures that can be read."""
    return Quality.VISUAL if task == SHOWN else Quality.SPEECH


def split_terms(text: str) -> tuple[str, ...]:
    """What stands between commas, semicolons and line ends, without blanks and repeats, in order."""
    terms = (term.strip() for term in re.split(r"[,;\n]", text))
    return tuple(dict.fromkeys(term for term in terms if term))
