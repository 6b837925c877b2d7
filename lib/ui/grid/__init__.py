"""The time grid: a row per stretch of time, a cell per model, and one player for all of them.

One Streamlit component, its rooms the files beside this one. What differs between the models is marked in each cell; a
press on "Take this row" comes back to Python. Given new rows under the same key it takes up the difference, so columns
can grow while others are read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from lib.domain.run import RunState
from lib.ui.component import component
from lib.ui.player import Playable
from lib.ui.words import STATE_WORDS

HERE = Path(__file__).parent
ROOMS = ("cells.js", "columns.js", "blocks.js", "taking.js", "rows.js", "grid.js", "grid.css")
MARKS = ("same", "differs", "extra", "missing")
"""What can be said of a piece of text beside the other models': ``missing`` is what this one left out."""
TONES = {
    STATE_WORDS[RunState.QUEUED].lower(): "waiting",
    "waiting": "waiting",
    STATE_WORDS[RunState.DONE].lower(): "done",
    STATE_WORDS[RunState.FAILED].lower(): "failed",
    STATE_WORDS[RunState.CANCELLED].lower(): "stopped",
}

_component = component("grid", HERE, *ROOMS)


@dataclass(frozen=True, slots=True)
class GridColumn:
    """One model. ``state`` is a sentence that begins with a word for its state (``Done``, ``Failed: no credit``);
    any other (``asking 3 of 7``) says that its text is still coming. ``is_blind_label``: the name is one such as A."""

    name: str
    state: str = ""
    is_blind_label: bool = False

    def __post_init__(self) -> None:
        if not self.name:
            raise ValueError("a column has a name")

    @property
    def tone(self) -> str:
        """How the state is drawn: waiting, going, done, failed, stopped, or nothing where none is told."""
        first = re.match(r"\w*", self.state.strip().lower())[0]
        return TONES.get(first, "going") if self.state.strip() else ""


@dataclass(frozen=True, slots=True)
class GridRow:
    """A stretch of time, in seconds, and what each model has there: pieces of ``(text, mark)``, see :data:`MARKS`.

    A space is drawn between pieces that bring none of their own, as between words.
    """

    start: float
    end: float
    cells: tuple[tuple[tuple[str, str], ...], ...]
    is_different: bool

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.end:
            raise ValueError(f"a row runs forward from zero, not {self.start}-{self.end}")
        unknown = {mark for cell in self.cells for _, mark in cell} - set(MARKS)
        if unknown:
            raise ValueError(f"a piece is {', '.join(MARKS)}, not {', '.join(sorted(unknown))}")


@dataclass(frozen=True, slots=True)
class Taken:
    """What was just pressed: this row from this column, or from none any more."""

    row: int
    column: int | None


def render_grid(
    key: str,
    media: Playable,
    columns: Sequence[GridColumn],
    rows: Sequence[GridRow],
    *,
    title: str,
    taken: Mapping[int, int] = {},
    can_take: bool = True,
    seek: tuple[float, int] | None = None,
    normalisation: str = "",
) -> Taken | None:
    """Draw the player and the grid; gives what the user has just taken, once for each press.

    ``taken`` says from which column each row is taken; a press shows at once and stays when it is in here soon after.
    ``seek`` sends the player to a second, once for each number that comes with it. ``normalisation`` is a sentence on
    what does not count as a difference. Names and texts are shown as text, whatever they contain.
    """
    if any(len(row.cells) != len(columns) for row in rows):
        raise ValueError(f"every row has a cell for each of {len(columns)} columns")
    pressed = _component(
        key=key,
        data={
            "url": media.url,
            "kind": media.kind,
            "notice": media.notice,
            "title": title,
            "columns": [[column.name, column.state.strip(), column.tone, column.is_blind_label] for column in columns],
            "rows": [packed_row(row) for row in rows],
            "taken": sorted(taken.items()),
            "canTake": can_take,
            "seek": seek,
            "normalisation": normalisation,
        },
        on_taken_change=_nothing,
    )
    return read_taken(pressed.get("taken"), rows, columns)


@lru_cache(maxsize=16_384)
def packed_row(row: GridRow) -> str:
    """A row as the component reads it: a text, for there may be three thousand, and each is sent at every render.

    To see that a row is the one it has already, the browser compares two texts, and we look one up.
    """
    packed = [_sent_time(row.start), _sent_time(row.end), int(row.is_different), *map(_packed_cell, row.cells)]
    return json.dumps(packed, ensure_ascii=False, separators=(",", ":"))


def _packed_cell(cell: tuple[tuple[str, str], ...]) -> str | list[str | int]:
    """Text that is the same as the others' alone is most of a grid; else text and mark in turn."""
    if not cell:
        return ""
    if len(cell) == 1 and cell[0][1] == MARKS[0]:
        return cell[0][0]
    return [value for text, mark in cell for value in (text, MARKS.index(mark))]


def read_taken(pressed: object, rows: Sequence[GridRow], columns: Sequence[GridColumn]) -> Taken | None:
    """What the browser sent, if the row and the column that it showed when it was pressed are still those."""
    match pressed:
        case {"row": int(row), "column": int() | None as column, "shown": [start, name]} if 0 <= row < len(rows):
            is_same_row = start == _sent_time(rows[row].start)
            if is_same_row and (column is None or (0 <= column < len(columns) and columns[column].name == name)):
                return Taken(row, column)
    return None


def _sent_time(seconds: float) -> float:
    return round(seconds, 3)


def _nothing() -> None:
    """Streamlit gives back only the events that have a callback."""
