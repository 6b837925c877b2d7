"""Answers about transcripts, as a model would give them to the questions that the fake OpenRouter got."""

from __future__ import annotations

import re
from collections.abc import Callable

from tests.fakes.openrouter_requests import Request

NUMBERED = re.compile(r"^(\d+)\| (.*)$", re.MULTILINE)


def prompt_of(request: Request) -> str:
    """The text of a question."""
    return "\n".join(part["text"] for part in request.content if part["type"] == "text")


def numbered_of(request: Request) -> dict[int, str]:
    """The lines that are to be translated, by their number."""
    _, _, lines = prompt_of(request).partition("The lines to translate:\n\n")
    return {int(number): text for number, text in NUMBERED.findall(lines)}


def translation_of(request: Request, say: Callable[[str], str] = "¡{}!".format) -> str:
    """A faithful answer: every line under its number."""
    return "\n".join(f"{number}| {say(text)}" for number, text in numbered_of(request).items())


def translation_or(answer: str, say: Callable[[str], str] = "¡{}!".format) -> Callable[[Request], str]:
    """Translates what is numbered, and answers anything else with this."""
    return lambda request: translation_of(request, say) if numbered_of(request) else answer
