"""Choosing what to ask: the task, the language, and the names to spell right."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from lib.domain.languages import LANGUAGES, language_name
from lib.domain.media import Source
from lib.domain.plan import Quality, Times
from lib.domain.run import Run, Task
from lib.services import Services
from lib.ui.prompts import choose_prompt
from lib.ui.words import QUALITY_MEANING, QUALITY_WORDS, TIMES_MEANING, TIMES_WORDS, plain

TRANSCRIPT = "transcript"
SHOWN = "shown"
OWN_PROMPT = "custom"
TRANSLATION = "translation"
AUTOMATIC = ""
TEXT, VIDEO = "text", "video"
FROM_WORDS = {TEXT: "The transcript", VIDEO: "The video"}
FROM_MEANING = {
    TEXT: "Cheap: only its text is sent.",
    VIDEO: "The model watches or listens itself. Costs more.",
}


@dataclass(frozen=True, slots=True)
class Question:
    """What every chosen model is asked. ``prompt`` is there for the user's own task only; ``transcript`` is the run
    whose text is asked about in the place of the video."""

    task: str
    prompt: str | None
    language: str | None
    terms: tuple[str, ...]
    quality: Quality = Quality.SPEECH
    times: Times = Times.AUDIO
    transcript: str | None = None


def choose_question(services: Services, sources: Sequence[Source]) -> Question:
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
        _language_label(task),
        [AUTOMATIC, *sorted(LANGUAGES, key=language_name)],
        format_func=language_name,
        key="language",
        persist_state="session",
    )
    transcript = None
    if task != TRANSCRIPT:
        st.caption(":material/info: Local models only transcribe. Choose a model from the catalogue for this task.")
        transcript = _choose_transcript(services, task, sources)
    prompt = choose_prompt(services, key="prompt") if task == OWN_PROMPT else None
    terms = st.text_input(
        "Names and terms to spell right",
        key="terms",
        persist_state="session",
        placeholder="Dr. Okonkwo, Cuewise, H.264",
        help="Separate them with commas.",
    )
    task = task or TRANSCRIPT
    quality, times = (Quality.SPEECH, Times.AUDIO) if transcript else _choose_fine_points(task)
    return Question(task, prompt or None, language or None, split_terms(terms), quality, times, transcript)


def _language_label(task: str | None) -> str:
    if task == TRANSLATION:
        return "Translate to"
    return "Language spoken" if task == TRANSCRIPT else "Language of the answer"


def _choose_transcript(services: Services, task: str | None, sources: Sequence[Source]) -> str | None:
    """The run whose text is asked about: by itself the best there is; None where the video is asked."""
    if task not in {each.name for each in services.from_transcript.tasks()} or len(sources) != 1:
        return None
    found = {run.id: run for run in services.from_transcript.transcripts_of(sources[0])}
    if not found:
        how = "a translation is made from one" if task == TRANSLATION else "it is made from the video, which costs more"
        st.caption(
            f":material/article: This video has no transcript yet: {how}. Run the task Transcript first, free with a "
            "local model, and come back to make this from it."
        )
        return None
    made_from = TEXT
    if task != TRANSLATION:
        made_from = st.radio(
            "From",
            [TEXT, VIDEO],
            format_func=FROM_WORDS.get,
            captions=[FROM_MEANING[TEXT], FROM_MEANING[VIDEO]],
            key="made_from",
            horizontal=True,
            persist_state="session",
        )
    if made_from != TEXT:
        return None
    if len(found) == 1:
        (run,) = found.values()
        st.caption(f":material/article: {plain(transcript_words(run))}")
        return run.id
    return st.selectbox(
        "Which transcript",
        list(found),
        format_func=lambda run_id: transcript_words(found[run_id]) if run_id in found else run_id,
        key=f"transcript_of_{sources[0].video_id}",
    )


def transcript_words(run: Run) -> str:
    """``Transcript by local/whisper-base · 24 Nov 2026, 10:05``."""
    return f"Transcript by {run.request.model_id} · {run.created.astimezone():%-d %b %Y, %H:%M}"


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
