"""What the time grid hands to the browser, and what it believes of what comes back."""

from __future__ import annotations

import json

import pytest

from lib.domain.run import RunState
from lib.ui.grid import GridColumn, GridRow, Taken, packed_row, read_taken
from lib.ui.words import STATE_WORDS


@pytest.mark.parametrize(
    ("state", "tone"),
    [
        (STATE_WORDS[RunState.QUEUED], "waiting"),
        (STATE_WORDS[RunState.RUNNING], "going"),
        (STATE_WORDS[RunState.DONE], "done"),
        (f"{STATE_WORDS[RunState.FAILED]}: no credit", "failed"),
        (f"{STATE_WORDS[RunState.CANCELLED]}.", "stopped"),
        ("waiting for its turn", "waiting"),
        ("asking 3 of 7", "going"),
        ("…", "going"),
        ("  ", ""),
    ],
)
def test_a_state_in_words_is_drawn_by_its_first_word(state, tone):
    """What a page says of a model is enough to know how its dot looks."""
    assert GridColumn("Gemini", state).tone == tone


def test_a_row_is_sent_in_few_bytes():
    """A cell in which nothing differs is its text alone; marks are numbers."""
    cells = ((("Ça va", "same"),), (("Ça", "same"), ("vas", "differs"), ("bien", "extra"), ("là", "missing")), ())
    packed = packed_row(GridRow(1.23456, 2.0, cells, True))
    assert packed == '[1.235,2.0,1,"Ça va",["Ça",0,"vas",1,"bien",2,"là",3],""]'
    assert json.loads(packed)[3] == "Ça va"


ROWS = [GridRow(start, start + 1.5, ((("a", "same"),), (("b", "same"),)), False) for start in (0.0, 1.23456, 4.0)]
COLUMNS = [GridColumn("Gemini"), GridColumn("Whisper")]


@pytest.mark.parametrize(
    ("pressed", "expected"),
    [
        ({"row": 2, "column": 1, "shown": [4, "Whisper"]}, Taken(2, 1)),
        ({"row": 1, "column": 0, "shown": [1.235, "Gemini"]}, Taken(1, 0)),
        ({"row": 0, "column": None, "shown": [0, "Gemini"]}, Taken(0, None)),
        ({"row": 2, "column": 1, "shown": [4, "Gemini"]}, None),
        ({"row": 2, "column": 1, "shown": [1.235, "Whisper"]}, None),
        ({"row": 0, "column": None, "shown": [4, "Gemini"]}, None),
        ({"row": 2, "column": 1}, None),
        ({"row": 3, "column": 0, "shown": [4, "Gemini"]}, None),
        ({"row": -1, "column": 0, "shown": [4, "Gemini"]}, None),
        ({"row": 0, "column": 2, "shown": [0, "Gemini"]}, None),
        ({"row": "0", "column": 0, "shown": [0, "Gemini"]}, None),
        ({"row": 1.5, "column": 0, "shown": [0, "Gemini"]}, None),
        ({"row": 0, "shown": [0, "Gemini"]}, None),
        ({"row": 0, "column": 0, "shown": None}, None),
        ([0, 0], None),
        (None, None),
    ],
)
def test_only_a_press_on_a_cell_that_is_still_there_counts(pressed, expected):
    """What a browser sends is believed as far as it fits the rows and columns of now: another tab may have taken a
    column away, or a model may have said more, since they were drawn there."""
    assert read_taken(pressed, ROWS, COLUMNS) == expected


def test_records_of_the_grid_refuse_a_wrong_shape():
    """No row runs backwards or carries a mark that nobody can draw; no column is without a name."""
    with pytest.raises(ValueError, match="forward"):
        GridRow(2.0, 1.0, (), False)
    with pytest.raises(ValueError, match="wrong"):
        GridRow(0.0, 1.0, ((("word", "wrong"),),), False)
    with pytest.raises(ValueError, match="name"):
        GridColumn("")
