"""Translating cue by cue: each line goes with its number, and comes back under it, so that none is lost or doubled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from lib.domain.health import Finding, Health
from lib.domain.transcript import Cue

UNTRANSLATED = "untranslated"
"""The kind of a finding: a line that stayed as it was."""


def lines_to_translate(cues: Sequence[Cue], among: Iterable[int] | None = None) -> tuple[int, ...]:
    """The places, in order, of the cues that have words to translate."""
    places = range(len(cues)) if among is None else sorted(set(among))
    return tuple(place for place in places if any(map(str.isalpha, cues[place].text)))


def translated(cues: Sequence[Cue], translations: Mapping[int, str]) -> tuple[Cue, ...]:
    """One cue for each, at the same time and of the same speaker, with its translation by its place.

    One without a translation keeps its own text: nothing that was said is lost.
    """
    return tuple(
        replace(cue, text=translations.get(place, "").strip() or cue.text, is_edited=False)
        for place, cue in enumerate(cues)
    )


def untranslated(cues: Sequence[Cue], translations: Mapping[int, str]) -> tuple[int, ...]:
    """The places of the cues that should have a translation and have none."""
    return tuple(place for place in lines_to_translate(cues) if not translations.get(place, "").strip())


def health_of_translation(cues: Sequence[Cue], translations: Mapping[int, str]) -> Health | None:
    """What is to be said of a translation: which lines stayed as they were; None where all is well."""
    findings = tuple(
        Finding(UNTRANSLATED, f"Not translated: {_short(cues[place].text)}", cues[place].start, cues[place].end)
        for place in untranslated(cues, translations)
    )
    return Health(findings=findings) if findings else None


def _short(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= 60 else f"{words[:59].rstrip()}…"
