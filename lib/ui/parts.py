"""The parts of a run in words and colours: where each lies, how it fares, and why it failed."""

from __future__ import annotations

from itertools import groupby

from lib.domain.run import PartRecord, PartState, Run
from lib.errors import CapReached
from lib.ui.words import PART_COLOURS, PART_WORDS, plain, stretch_words

CHIPS_SHOWN = 12
"""More parts than this are told in stretches of the same state: 48 chips are a wall."""


def part_chips(run: Run) -> str:
    """The parts as coloured marks: ``1 · 0:00–5:02 · done``, or ``1–6 · 0:00–30:10 · done`` where there are many."""
    if len(run.parts) <= CHIPS_SHOWN:
        return " ".join(_chip([part]) for part in run.parts)
    return " ".join(_chip(list(same)) for _, same in groupby(run.parts, key=lambda part: part.state))


def _chip(parts: list[PartRecord]) -> str:
    first, last = parts[0], parts[-1]
    numbers = f"{first.index + 1}" if len(parts) == 1 else f"{first.index + 1}–{last.index + 1}"
    words = f"{numbers} · {stretch_words(first.start, last.end)} · {PART_WORDS[first.state]}"
    return f":{PART_COLOURS[first.state]}-badge[{words}]"


def part_name(part: PartRecord) -> str:
    """``Part 3, 10:04–15:00``."""
    return f"Part {part.index + 1}, {stretch_words(part.start, part.end)}"


def was_stopped_by_cap(run: Run) -> bool:
    """Whether a part was not sent because of a spending cap: Retry goes on once it is raised."""
    return any(part.state is PartState.FAILED and part.error_code == CapReached.__name__ for part in run.parts)


def retry_words(run: Run) -> str:
    """What trying again does: only what failed is asked again where the rest is done."""
    states = {part.state for part in run.parts}
    is_partly_done = bool(states & {PartState.OK, PartState.REPAIRED})
    return "Retry failed parts" if is_partly_done and PartState.FAILED in states else "Retry"


def render_failures(run: Run) -> None:
    """Draw why parts failed, which is told as soon as it is known: the others may take long."""
    import streamlit as st

    if lines := failure_lines(run):
        st.markdown("\n\n".join(f":small[:red[:material/error:] {line}]" for line in lines))


def failure_lines(run: Run) -> list[str]:
    """Why parts failed, as Markdown, each reason once with the parts that it stopped.

    What the run as a whole says already is left out.
    """
    said = run.failure.message if run.failure else None
    reasons: dict[tuple[str, str], list[PartRecord]] = {}
    for part in run.parts:
        if part.state is PartState.FAILED and part.error and part.error != said:
            reasons.setdefault((part.error, part.hint or ""), []).append(part)
    return [f"**{plain(_names(parts))}:** {plain(f'{error} {hint}')}" for (error, hint), parts in reasons.items()]


def _names(parts: list[PartRecord]) -> str:
    if len(parts) == 1:
        return part_name(parts[0])
    return f"Parts {', '.join(str(part.index + 1) for part in parts)}"
