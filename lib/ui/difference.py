"""Differences between versions, as they are shown: words that went are struck through, words that came are marked."""

from __future__ import annotations

from collections.abc import Sequence

from lib.domain.differences import Difference, Kind, Piece
from lib.domain.transcript import Cue
from lib.ui.words import clock, count_words, exact_clock, plain

SHOWN = 40
CONTEXT = 8
"""Words on either side of a change: more of what is the same is left out."""


def render_differences(differences: Sequence[Difference]) -> None:
    """Draw each, in order, with its time."""
    import streamlit as st

    if not differences:
        st.caption("Nothing differs.")
    for found in differences[:SHOWN]:
        st.markdown(difference_words(found))
    if len(differences) > SHOWN:
        st.caption(f"And {count_words(len(differences) - SHOWN, 'more place', 'more places')}.")


def difference_words(found: Difference) -> str:
    """One difference as Markdown: its time, what became of the lines, and the words."""
    notes = " · ".join(plain(note) for note in _notes(found))
    words = "" if found.says_the_same and notes else "".join(_piece_words(found.pieces))
    heading = f"**{clock(found.start)}**" + (f" *{notes}*" if notes else "")
    return f":small[{heading}]{words}"


def _notes(found: Difference) -> list[str]:
    old, new = found.old, found.new
    if not old:
        return [f"{count_words(len(new), 'line')} added"]
    if not new:
        return [f"{count_words(len(old), 'line')} removed"]
    if len(old) != len(new):
        return [f"{count_words(len(old), 'line')} → {count_words(len(new), 'line')}"]
    pairs = list(zip(old, new, strict=True))
    notes = [f"{exact_clock(was.start)} → {exact_clock(now.start)}" for was, now in pairs if was.start != now.start]
    notes += [f"end {exact_clock(was.end)} → {exact_clock(now.end)}" for was, now in pairs if was.end != now.end]
    renamed = dict.fromkeys((_name(was), _name(now)) for was, now in pairs if was.speaker != now.speaker)
    return notes[:4] + [f"{was} → {now}" for was, now in renamed]


def _name(cue: Cue) -> str:
    return cue.speaker or "no speaker"


def _piece_words(pieces: Sequence[Piece]) -> list[str]:
    told = []
    for at, piece in enumerate(pieces):
        words = plain(piece.text)
        if piece.kind is Kind.REMOVED:
            told.append(f" :red[~~{words}~~]")
        elif piece.kind is Kind.ADDED:
            told.append(f" :green-background[{words}]")
        else:
            told.append(f" {plain(_around(piece.text, at == 0, at == len(pieces) - 1))}")
    return told


def _around(text: str, is_first: bool, is_last: bool) -> str:
    """What is the same, only next to what is not."""
    words = text.split()
    if is_first and len(words) > CONTEXT:
        return " ".join(["…", *words[-CONTEXT:]])
    if is_last and len(words) > CONTEXT:
        return " ".join([*words[:CONTEXT], "…"])
    if len(words) > 2 * CONTEXT:
        return " ".join([*words[:CONTEXT], "…", *words[-CONTEXT:]])
    return text
