"""Editing in the reader: what it sends is kept before anything is drawn, and what came of it goes back with the lines.

A reader repeats its changes until it has heard of them, so nothing is lost when the app is restarted, a page is
reloaded, or one request overtakes another.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import streamlit as st
from streamlit.errors import StreamlitAPIException

from lib.domain.changes import Change, Wish
from lib.domain.edits import Action, Edit
from lib.domain.run import Run
from lib.domain.transcript import Transcript
from lib.errors import CuewiseError
from lib.services import Services
from lib.ui.player import Editable, Heard, render_heard
from lib.ui.words import clock

PAGE, READING, STANDING, VERSIONS, HEARD = "page", "reading", "standing", "versions_list", "heard"
"""The keys of the page's fragments: all of the run, the reader, exports and health, the versions, and what was heard of
the reader's changes. While somebody types only the last is drawn anew; what is kept shows in the three before it."""
LONGEST_TEXT = 20_000
ACTION_WORDS = {
    Action.WRITE: "text",
    Action.SPLIT: "split",
    Action.MERGE: "merge",
    Action.TIME: "time",
    Action.SPEAKER: "speaker",
    Action.REPLACE: "replace",
    Action.DELETE: "delete",
    Action.INSERT: "insert",
}


def editable(services: Services, run: Run, transcript: Transcript, key: str) -> Editable | None:
    """What the player needs to let the lines of a run be edited; None for a text without lines.

    ``key`` is the player's.
    """
    if not transcript.cues:
        return None
    history = services.editing.history(run.id)
    bounds = services.editing.bounds(run, transcript)
    return Editable(
        heard=_state(run.id).heard(run.id),
        bounds=(bounds.start, bounds.end),
        undo=_words(history.done[-1]) if history.done else None,
        redo=_words(history.undone[-1]) if history.undone else None,
        on_changes=lambda: _on_changes(services, run.id, key),
        on_again=lambda: _on_again(run.id, key),
    )


def render_what_was_heard(run_id: str) -> None:
    """Tell the reader of the run what was heard of its changes."""
    render_heard(_state(run_id).heard(run_id))


def stretch_asked_for(run_id: str) -> tuple[float, float] | None:
    """The stretch that somebody wants to run again, until it is run or forgotten."""
    return st.session_state.get(f"stretch_{run_id}")


def forget_stretch(run_id: str) -> None:
    st.session_state.pop(f"stretch_{run_id}", None)


def read_changes(sent: object) -> Iterator[tuple[str, list[Change], bool]]:
    """What a reader sent, by the name of the reader: its changes in order, and whether any of them is more than typing.

    What no reader of ours would send is passed over.
    """
    by_reader: dict[str, list[Change]] = {}
    is_kept = False
    for item in sent if isinstance(sent, list) else ():
        try:
            reader, change = _change(item)
        except (AttributeError, KeyError, TypeError, ValueError):
            continue
        by_reader.setdefault(reader, []).append(change)
        is_kept = is_kept or bool(item.get("kept"))
    for reader, changes in by_reader.items():
        yield reader, sorted(changes, key=lambda change: change.number), is_kept


def _change(item: dict) -> tuple[str, Change]:
    seen = item.get("seen")
    change = Change(
        number=int(item["number"]),
        gesture=str(item.get("gesture") or "")[:60],
        wish=Wish(item["wish"]),
        line=int(item.get("line", 0)),
        count=int(item.get("count", 1)),
        seen=None if seen is None else (float(seen[0]), str(seen[1])),
        text=str(item.get("text", ""))[:LONGEST_TEXT],
        position=int(item.get("position", 0)),
        start=float(item.get("start", 0.0)),
        end=float(item.get("end", 0.0)),
        speaker=str(item.get("speaker", ""))[:200],
        is_everywhere=bool(item.get("everywhere")),
        find=str(item.get("find", ""))[:1000],
        matches_case=bool(item.get("matches_case")),
    )
    return str(item["reader"])[:40], change


def _on_changes(services: Services, run_id: str, key: str) -> None:
    state = _state(run_id)
    state.problem = ""
    state.times += 1
    is_kept = False
    try:
        for reader, changes, is_more in read_changes(_sent(key, "changes")):
            taken = services.editing.take(run_id, reader, changes)
            state.numbers[reader] = max(taken.number, state.numbers.get(reader, 0))
            state.refused.setdefault(reader, []).extend(taken.refused)
            is_kept = is_kept or is_more or bool(taken.refused)
    except CuewiseError as error:
        # Not heard: the reader keeps it and sends it again.
        state.problem = f"Not saved: {error} {error.hint}"
    _redraw(*((READING, STANDING, VERSIONS) if is_kept else (HEARD,)))


def _on_again(run_id: str, key: str) -> None:
    sent = _sent(key, "again")
    if isinstance(sent, dict):
        st.session_state[f"stretch_{run_id}"] = (float(sent["start"]), float(sent["end"]))
    _redraw(PAGE)


def _redraw(*fragments: str) -> None:
    # In a session that has not drawn them yet, as after a restart, the whole page is drawn anyway.
    with suppress(StreamlitAPIException):
        st.rerun(fragments)


def _sent(key: str, event: str) -> object:
    found = st.session_state.get(key)
    return found.get(event) if found is not None else None


@dataclass
class _State:
    """What this session has heard of the changes to a run."""

    session: str = field(default_factory=lambda: secrets.token_hex(8))
    numbers: dict[str, int] = field(default_factory=dict)
    refused: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    problem: str = ""
    times: int = 0

    def heard(self, run_id: str) -> Heard:
        return Heard(run_id, self.session, dict(self.numbers), dict(self.refused), self.problem, self.times)


def _state(run_id: str) -> _State:
    return st.session_state.setdefault(f"edits_{run_id}", _State())


def _words(edit: Edit) -> str:
    """``text at 1:05``."""
    words = ACTION_WORDS.get(edit.action, edit.action)
    return words if edit.start is None else f"{words} at {clock(edit.start)}"
