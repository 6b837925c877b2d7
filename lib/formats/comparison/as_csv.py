"""CSV: the figures, a line a model; the grid, a line a row."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from types import SimpleNamespace

from lib.domain.comparison import ComparisonTable
from lib.formats.csv_table import cell
from lib.formats.text import one_line
from lib.formats.timecode import format_clock

FIGURES = (
    "model",
    "state",
    "cost_usd",
    "usd_per_hour",
    "seconds_to_first_text",
    "seconds",
    "prompt_tokens",
    "completion_tokens",
    "words",
    "coverage",
    "timed_by_audio",
    "agreement",
    "wer",
    "substitutions",
    "deletions",
    "insertions",
    "reference_words",
)


def render_figures_csv(table: ComparisonTable) -> str:
    """One line a model; an empty cell is what is not known. Shares run from 0 to 1."""
    lines = [
        [name, *(getattr(figures, column) for column in FIGURES[1:])]
        for name, figures in zip(table.names, table.figures, strict=True)
    ]
    return csv_text([FIGURES, *lines])


def render_rows_csv(table: ComparisonTable) -> str:
    """One line a row of the grid: its times in seconds, its clock, whether its cells differ, and each cell's text."""
    rows = table.grid.rows if table.grid else ()
    lines = [
        [
            f"{row.start:.3f}",
            f"{row.end:.3f}",
            format_clock(row.start),
            "yes" if row.is_different else "no",
            *(one_line(cell.text) for cell in row.cells),
        ]
        for row in rows
    ]
    return csv_text([("start", "end", "clock", "different", *table.names), *lines])


def csv_text(lines: Iterable[Sequence[object]]) -> str:
    """RFC 4180, in UTF-8 with the mark by which Excel knows it. No text runs as a formula: see ``csv_table``."""
    written: list[str] = ["\ufeff"]
    writer = csv.writer(SimpleNamespace(write=written.append), lineterminator="\r\n")
    for line in lines:
        writer.writerow([cell(str(value)) if isinstance(value, str) else value for value in line])
    return "".join(written)
