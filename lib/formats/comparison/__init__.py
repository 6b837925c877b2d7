"""Comparisons as files: for programs, for spreadsheets, for notes, and as a page to hand on. Pure.

One format a file; ``COMPARISON_FORMATS`` is the table to find them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lib.domain.comparison import ComparisonTable
from lib.formats.comparison.as_csv import render_figures_csv, render_rows_csv
from lib.formats.comparison.as_html import render_html
from lib.formats.comparison.as_json import comparison_record, render_comparison_json
from lib.formats.comparison.as_markdown import render_comparison_markdown


@dataclass(frozen=True, slots=True)
class ComparisonFormat:
    """One way to write a comparison; ``needs_grid`` for what only transcripts give."""

    name: str
    title: str
    suffix: str
    media_type: str
    render: Callable[[ComparisonTable], str]
    needs_grid: bool = False


COMPARISON_FORMATS: dict[str, ComparisonFormat] = {
    each.name: each
    for each in (
        ComparisonFormat("html", "HTML page", ".html", "text/html", render_html),
        ComparisonFormat("md", "Markdown", ".md", "text/markdown", render_comparison_markdown),
        ComparisonFormat("csv", "CSV of the figures", ".csv", "text/csv", render_figures_csv),
        ComparisonFormat("rows", "CSV of the grid", ".rows.csv", "text/csv", render_rows_csv, needs_grid=True),
        ComparisonFormat("json", "JSON", ".json", "application/json", render_comparison_json),
    )
}
"""Every format of a comparison by its name."""

__all__ = ["COMPARISON_FORMATS", "ComparisonFormat", "comparison_record"]
