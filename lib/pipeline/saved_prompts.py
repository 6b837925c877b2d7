"""Prompts of the user's own: saved with a name, chosen, renamed, deleted."""

from __future__ import annotations

from lib.domain.saved_prompt import LONGEST_NAME, SavedPrompt
from lib.errors import InputError
from lib.pipeline.tools import Tools


class SavedPrompts:
    """The verbs of saved prompts."""

    def __init__(self, tools: Tools) -> None:
        self._shelf = tools.store.saved_prompts

    def all(self) -> list[SavedPrompt]:
        return self._shelf.all()

    def named(self, name: str) -> SavedPrompt:
        """Raises InputError, naming those there are."""
        found = self._shelf.get(_one_line(name))
        if found is None:
            names = ", ".join(each.name for each in self.all())
            there = f"Choose one of: {names}." if names else "Save one on New run, under Your own prompt."
            raise InputError(f"There is no saved prompt named {name!r}.", there)
        return found

    def save(self, name: str, text: str) -> SavedPrompt:
        """Keep a prompt, in the place of one of the same name. Raises InputError for an empty text or a wrong name."""
        if not text.strip():
            raise InputError("The prompt is empty.", "Write what the model should do, then save it.")
        prompt = SavedPrompt(_checked(name), text.strip())
        self._shelf.save(prompt)
        return prompt

    def rename(self, name: str, new_name: str) -> None:
        """Raises InputError for a wrong name, one that another prompt has, or none to rename."""
        new_name = _checked(new_name)
        if new_name == name:
            return
        if not self._shelf.rename(name, new_name):
            self.named(name)
            raise InputError(f"There is a prompt named {new_name!r} already.", "Choose another name.")

    def delete(self, name: str) -> None:
        self._shelf.delete(name)


def _checked(name: str) -> str:
    name = _one_line(name)
    if not name:
        raise InputError("The prompt has no name.", "Give it one.")
    if len(name) > LONGEST_NAME:
        raise InputError(f"This name is longer than {LONGEST_NAME} letters.", "Give it a shorter one.")
    return name


def _one_line(text: str) -> str:
    return " ".join(text.split())
