"""Prompts: one Markdown file a task, with its version in the file's name."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import resources
from string import Template

from lib.domain.languages import language_name
from lib.domain.reading import summary_words
from lib.domain.run import Task
from lib.errors import InputError
from lib.formats.boxed_times import box

CUSTOM = "custom"
TRANSLATION = "translation"
JOINING = "joining.v1.md"
_TASKS = (
    # name, title, whether the answer is lines with times, file
    ("transcript", "Transcript", True, "transcript.v1.md"),
    ("summary", "Summary", False, "summary.v2.md"),
    ("chapters", "Chapters", True, "chapters.v1.md"),
    ("moments", "Key moments", True, "moments.v1.md"),
    ("actions", "Action items", False, "actions.v1.md"),
    (TRANSLATION, "Translation", True, "translation.v1.md"),
    ("shown", "What is shown", True, "shown.v1.md"),
)
FROM_TRANSCRIPT = ("summary", "chapters", "moments", "actions", TRANSLATION, CUSTOM)
"""The tasks that can be asked about a transcript's text in the place of the video; a translation always is."""


@cache
def tasks() -> tuple[Task, ...]:
    """Every task we know, the transcript first and the user's own prompt last."""
    known = tuple(_load(*row) for row in _TASKS)
    return (*known, Task(CUSTOM, "Your own prompt", False, "1", "$prompt\n"))


def task(name: str) -> Task:
    """The task of that name. Raises InputError, naming those there are."""
    for each in tasks():
        if each.name == name:
            return each
    names = ", ".join(each.name for each in tasks())
    raise InputError(f"There is no task named {name!r}.", f"Choose one of: {names}.")


def prompt_text(
    name: str,
    *,
    prompt: str | None = None,
    duration: float | None,
    language: str | None,
    terms: tuple[str, ...],
    speakers: tuple[str, ...] = (),
    begins: tuple[float, ...] = (),
) -> str:
    """The whole text sent for a task. ``duration`` is the length of what is sent, in seconds; ``begins`` is where each
    of several stretches begins in it; ``speakers`` are those who were named earlier in the same recording."""
    notes = []
    if duration is not None:
        minutes, seconds = divmod(int(duration), 60)
        notes.append(f"The recording you are given is {minutes} min {seconds} s long. No time may lie beyond that.")
    if begins:
        moments = ", ".join(map(box, begins))
        notes.append(
            f"It is made of {len(begins)} stretches of a longer one, joined one after the other with a moment of "
            f"silence between them; they begin at {moments}. What lay between them was left out. Count all times "
            "through from the beginning of the joined recording, write them as [MM:SS], and let no line reach from one "
            "stretch into the next."
        )
    notes += _wishes(name, language, terms)
    if speakers:
        named = "; ".join(speakers)
        notes.append(f"These people spoke earlier in it: {named}. Use their names where the voice is theirs.")
    return "\n\n".join([_task_text(name, prompt, duration), *notes])


def text_prompt(
    name: str,
    lines: str,
    *,
    prompt: str | None = None,
    duration: float,
    language: str | None = None,
    terms: tuple[str, ...] = (),
    stretch: tuple[int, int] | None = None,
) -> str:
    """The whole text sent for a task about a transcript, whose ``lines`` with their times stand in it.

    ``duration`` is that of the recording, in seconds; ``stretch`` is which of how many it is, from 1, where the lines
    are not all of them.
    """
    notes = [
        "You do not get the recording itself but its transcript, made by a machine that may have misheard names. Each "
        "line begins with the moment at which it is said. Use these times as they stand, and no others."
    ]
    if stretch is not None:
        notes.append(
            f"The transcript is too long for one question: this is stretch {stretch[0]} of {stretch[1]}. Answer about "
            "this stretch alone."
        )
    notes += _wishes(name, language, terms)
    return "\n\n".join([_task_text(name, prompt, duration), *notes, f"The transcript:\n\n{lines}"])


def joining_prompt(
    name: str,
    answers: Sequence[str],
    *,
    prompt: str | None = None,
    duration: float,
    language: str | None = None,
    terms: tuple[str, ...] = (),
) -> str:
    """The whole text sent to make one answer of those about the stretches of a transcript."""
    joining = Template(_read(JOINING)).safe_substitute(count=len(answers)).strip()
    stretches = [f"Stretch {number}:\n\n{answer.strip()}" for number, answer in enumerate(answers, 1)]
    return "\n\n".join([_task_text(name, prompt, duration), joining, *_wishes(name, language, terms), *stretches])


def translation_prompt(
    language: str, numbered: str, *, before: Sequence[str] = (), after: Sequence[str] = (), terms: tuple[str, ...] = ()
) -> str:
    """The whole text sent to translate numbered lines; what is said ``before`` and ``after`` them is for the sense."""
    text = Template(task(TRANSLATION).prompt).safe_substitute(language=language_name(language))
    pieces = [text.strip(), *_wishes(TRANSLATION, None, terms)]
    for words, lines in (("before", before), ("after", after)):
        if lines:
            pieces.append(
                f"Said {words} these lines, only to understand them; not to be translated:\n" + "\n".join(lines)
            )
    return "\n\n".join([*pieces, f"The lines to translate:\n\n{numbered}"])


def _task_text(name: str, prompt: str | None, duration: float | None) -> str:
    known = {"prompt": (prompt or "").strip(), "length": _length_words(duration)}
    return Template(task(name).prompt).safe_substitute(known).strip()


def _length_words(duration: float | None) -> str:
    """How long a summary is to be: it grows with the recording."""
    if duration is None:
        return "about 150 words for five minutes, 400 for an hour"
    return f"about {summary_words(duration):,} words"


def _wishes(name: str, language: str | None, terms: tuple[str, ...]) -> list[str]:
    notes = []
    if language and name == "transcript":
        notes.append(f"The language spoken is {language_name(language)}.")
    elif language:
        notes.append(f"Answer in this language: {language_name(language)}.")
    if terms:
        notes.append("Spell these names and terms exactly so: " + "; ".join(terms) + ".")
    return notes


def _load(name: str, title: str, is_timed: bool, file: str) -> Task:
    return Task(name, title, is_timed, file.split(".")[1].removeprefix("v"), _read(file))


@cache
def _read(file: str) -> str:
    return resources.files(__package__).joinpath(file).read_text(encoding="utf-8")
