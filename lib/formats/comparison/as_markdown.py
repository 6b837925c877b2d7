"""Markdown: a comparison for notes: the verdict, the figures, and the rows that differ."""

from __future__ import annotations

from lib.domain.comparison import ComparisonTable
from lib.domain.grid import Mark, Row
from lib.formats.comparison.words import HEADINGS, figure_rows, known_columns
from lib.formats.markdown import escape, link_at, plain_images
from lib.formats.timecode import format_clock


def render_comparison_markdown(table: ComparisonTable) -> str:
    """Title, verdict, figures, then each row: once where all agree, else a line a model with what differs in bold.

    A model's words are shown letter by letter; for other tasks its answer stands under its name, images and HTML
    made plain.
    """
    blocks = [f"# {escape(table.comparison.title) or 'Untitled'}"]
    blocks.append("\n".join(f"- {escape(sentence)}" for sentence in table.verdict))
    blocks.append(_figures(table))
    if table.normalisation:
        blocks.append(f"*{escape(table.normalisation)}*")
    if table.comparison.reference is not None:
        blocks.append(f"*Measured against: {escape(table.comparison.reference.name)}*")
    if table.grid is not None:
        blocks.append("## Side by side")
        blocks += [_row(row, table) for row in table.grid.rows]
    for name, text in zip(table.names, table.texts, strict=False):
        blocks += [f"## {escape(name)}", plain_images(text)]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _figures(table: ComparisonTable) -> str:
    rows = figure_rows(table)
    columns = known_columns(rows)
    lines = [
        "| " + " | ".join(HEADINGS[at] for at in columns) + " |",
        "|" + " --- |" * len(columns),
        *("| " + " | ".join(escape(row[at]) for at in columns) + " |" for row in rows),
    ]
    return "\n".join(lines)


def _row(row: Row, table: ComparisonTable) -> str:
    clock, url = format_clock(row.start), table.runs[0].request.source.url
    link = link_at(url, row.start)
    time = f"[{clock}]({link})" if link else clock
    if not row.is_different:
        return f"{time} {escape(next((cell.text for cell in row.cells if cell.text.strip()), ''))}".rstrip()
    cells = (f"- {escape(name)}: {_cell(cell) or '—'}" for name, cell in zip(table.names, row.cells, strict=True))
    return "\n".join([time, "", *cells])


def _cell(cell) -> str:
    pieces = []
    for span in cell.spans:
        text = escape(span.text)
        if not text or span.mark is Mark.SAME:
            pieces.append(text)
        elif span.mark is Mark.MISSING:
            pieces.append(f"~~{text}~~")
        else:
            pieces.append(f"**{text}**")
    return " ".join(piece for piece in pieces if piece)
