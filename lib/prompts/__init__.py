"""Prompts: one Markdown file a task, with its version in the file's name."""

from __future__ import annotations

from functools import cache
from importlib import resources
from string import Template

from lib.domain.languages import language_name
from lib.domain.run import Task
from lib.errors import InputError
from lib.formats.timecode import format_clock

CUSTOM = "custom"
_TASKS = (
    # name, title, whether the answer is lines with times, file
    ("transcript", "Transcript", True, "transcript.v1.md"),
    ("summary", "Summary", False, "summary.v1.md"),
    ("chapters", "Chapters", True, "chapters.v1.md"),
    ("moments", "Key moments", True, "moments.v1.md"),
    ("shown", "What is shown", True, "shown.v1.md"),
)


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
    text = Template(task(name).prompt).safe_substitute(prompt=(prompt or "").strip())
    notes = []
    if duration is not None:
        minutes, seconds = divmod(int(duration), 60)
        notes.append(f"The recording you are given is {minutes} min {seconds} s long. No time may lie beyond that.")
    if begins:
        moments = ", ".join(f"[{format_clock(begin).zfill(5)}]" for begin in begins)
        notes.append(
            f"It is made of {len(begins)} stretches of a longer one, joined one after the other with a moment of "
            f"silence between them; they begin at {moments}. What lay between them was left out. Count all times "
            "through from the beginning of the joined recording, write them as [MM:SS], and let no line reach from one "
            "stretch into the next."
        )
    if language and name == "transcript":
        notes.append(f"The language spoken is {language_name(language)}.")
    elif language:
        notes.append(f"Answer in this language: {language_name(language)}.")
    if terms:
        notes.append("Spell these names and terms exactly so: " + "; ".join(terms) + ".")
    if speakers:
        named = "; ".join(speakers)
        notes.append(f"These people spoke earlier in it: {named}. Use their names where the voice is theirs.")
    return "\n\n".join([text.strip(), *notes])


def _load(name: str, title: str, is_timed: bool, file: str) -> Task:
    text = resources.files(__package__).joinpath(file).read_text(encoding="utf-8")
    return Task(name, title, is_timed, file.split(".")[1].removeprefix("v"), text)
