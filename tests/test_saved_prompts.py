"""Prompts of the user's own, kept by name."""

from __future__ import annotations

import pytest

from lib.domain.saved_prompt import SavedPrompt
from lib.errors import InputError
from lib.pipeline.saved_prompts import SavedPrompts
from lib.services import open_tools


@pytest.fixture
def prompts(settings) -> SavedPrompts:
    return SavedPrompts(open_tools(settings))


def test_prompts_are_kept_by_name_over_a_restart(settings, prompts):
    """In the order of their names, capitals or not; one of the same name is replaced."""
    prompts.save("Products", "List every product.")
    prompts.save("  adjectives\n", "List every adjective. ")
    prompts.save("Products", "List the products.")
    expected = [SavedPrompt("adjectives", "List every adjective."), SavedPrompt("Products", "List the products.")]
    assert SavedPrompts(open_tools(settings)).all() == expected
    assert prompts.named("Products").text == "List the products."


def test_a_prompt_is_renamed_and_never_over_another(prompts):
    """The text stays; a name that is taken, empty or too long is refused, and nothing is lost."""
    prompts.save("One", "1")
    prompts.save("Two", "2")
    prompts.rename("One", "Uno")
    for name in ("Two", " ", "x" * 81):
        with pytest.raises(InputError):
            prompts.rename("Uno", name)
    assert [(each.name, each.text) for each in prompts.all()] == [("Two", "2"), ("Uno", "1")]


def test_a_name_that_is_not_there_is_told_with_those_that_are(prompts):
    """Before the first one is saved, where to save one."""
    with pytest.raises(InputError) as none:
        prompts.named("Products")
    assert "New run" in none.value.hint
    prompts.save("Adjectives", "List them.")
    with pytest.raises(InputError) as other:
        prompts.named("Products")
    assert "Adjectives" in other.value.hint
    prompts.delete("Adjectives")
    assert prompts.all() == []


def test_an_empty_prompt_is_not_kept(prompts):
    """Nor one without a name."""
    for name, text in (("Nothing", " \n"), ("", "Something")):
        with pytest.raises(InputError):
            prompts.save(name, text)
    assert prompts.all() == []
