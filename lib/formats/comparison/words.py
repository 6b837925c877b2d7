"""Figures of a comparison in words, as its pages for people show them."""

from __future__ import annotations

from collections.abc import Sequence

from lib.domain.comparison import ComparisonTable, ModelFigures

UNKNOWN = "—"
HEADINGS = (
    "Model",
    "State",
    "Cost",
    "Per hour",
    "First word",
    "Answered",
    "Words",
    "Coverage",
    "Agreement",
    "WER",
    "S / D / I",
)


def figure_rows(table: ComparisonTable) -> list[tuple[str, ...]]:
    """A row of words for each model, under ``HEADINGS``; columns in which nothing is known are left to the caller."""
    return [(name, *_words(figures)) for name, figures in zip(table.names, table.figures, strict=True)]


def known_columns(rows: Sequence[Sequence[str]]) -> list[int]:
    """The columns in which something is known."""
    return [at for at in range(len(HEADINGS)) if any(row[at] != UNKNOWN for row in rows)]


def _words(figures: ModelFigures) -> tuple[str, ...]:
    errors = (figures.substitutions, figures.deletions, figures.insertions)
    return (
        str(figures.state),
        _dollars(figures.cost_usd),
        _dollars(figures.usd_per_hour),
        _seconds(figures.seconds_to_first_text),
        _seconds(figures.seconds),
        UNKNOWN if figures.words is None else f"{figures.words:,}",
        _share(figures.coverage),
        _share(figures.agreement),
        _share(figures.wer),
        UNKNOWN if None in errors else " / ".join(f"{count:,}" for count in errors),
    )


def _dollars(usd) -> str:
    if usd is None:
        return UNKNOWN
    return "$0" if not usd else f"${usd:.4f}" if usd < 1 else f"${usd:,.2f}"


def _seconds(seconds: float | None) -> str:
    return UNKNOWN if seconds is None else f"{seconds:.1f} s"


def _share(share: float | None) -> str:
    return UNKNOWN if share is None else f"{100 * share:.1f}%"
