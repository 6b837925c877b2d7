"""HTML: a comparison as one page that needs nothing else: no script, no other file, no other host."""

from __future__ import annotations

from html import escape

from lib.domain.comparison import ComparisonTable
from lib.domain.grid import Cell, Mark, Row
from lib.formats.comparison.words import HEADINGS, figure_rows, known_columns
from lib.formats.markdown import link_at
from lib.formats.text import encodable, without_control
from lib.formats.timecode import format_clock

_TAGS = {Mark.SAME: "", Mark.DIFFERS: "mark", Mark.EXTRA: "ins", Mark.MISSING: "del"}

_STYLE = """
:root { color-scheme: light dark; --ink: #15262a; --paper: #fdfdfc; --line: #d5dedb; --quiet: #5a6a67;
  --mark: #fde8c8; --mark-edge: #c2570c; --extra: #d8f1e4; --extra-edge: #0f766e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4ecea; --paper: #0f1618; --line: #2b393c; --quiet: #9fb0ac;
  --mark: #4a2f12; --mark-edge: #f0924a; --extra: #123a31; --extra-edge: #2fb8a8; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 2rem auto;
  max-width: 90rem; padding: 0 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.15rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: start; vertical-align: top; border-bottom: 1px solid var(--line); padding: .45rem .7rem; }
td { min-width: 4.5rem; } .grid td + td { min-width: 13rem; }
.time, .quiet { color: var(--quiet); font-variant-numeric: tabular-nums; white-space: nowrap; }
.quiet { white-space: normal; }
mark { color: inherit; background: var(--mark); border-bottom: 2px solid var(--mark-edge); }
ins { background: var(--extra); text-decoration: none; border-bottom: 2px dotted var(--extra-edge); }
del { color: var(--quiet); font-style: italic; }
pre { white-space: pre-wrap; font: inherit; }
"""


def render_html(table: ComparisonTable) -> str:
    """One page in UTF-8 that shows a stranger's text as text; a policy in its head keeps everything else out."""
    title = _text(table.comparison.title) or "Untitled"
    body = [f"<h1>{title}</h1>", _verdict(table), _figures(table)]
    if table.comparison.reference is not None:
        body.append(f'<p class="quiet">Measured against: {_text(table.comparison.reference.name)}</p>')
    if table.grid is not None:
        body += ["<h2>Side by side</h2>", _legend(table), _grid(table)]
    for name, text in zip(table.names, table.texts, strict=False):
        body.append(f'<h2>{_text(name)}</h2><pre dir="auto">{_text(text)}</pre>')
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(piece for piece in body if piece)
        + "\n</body>\n</html>\n"
    )


def _verdict(table: ComparisonTable) -> str:
    items = "".join(f"<li>{_text(sentence)}</li>" for sentence in table.verdict)
    return f"<ul>{items}</ul>" if items else ""


def _figures(table: ComparisonTable) -> str:
    rows = figure_rows(table)
    columns = known_columns(rows)
    head = "".join(f'<th scope="col">{HEADINGS[at]}</th>' for at in columns)
    lines = "".join("<tr>" + "".join(f"<td>{_text(row[at])}</td>" for at in columns) + "</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table></div>'


def _legend(table: ComparisonTable) -> str:
    return (
        '<p class="quiet"><mark>differs from the majority</mark> · <ins>only here</ins> · <del>left out</del>'
        f" · {_text(table.normalisation)}</p>"
    )


def _grid(table: ComparisonTable) -> str:
    head = "".join(f'<th scope="col">{_text(name)}</th>' for name in table.names)
    url = table.runs[0].request.source.url
    rows = "".join(_row(row, url) for row in table.grid.rows)
    return (
        f'<div class="wide"><table class="grid"><thead><tr><th scope="col">Time</th>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _row(row: Row, url: str | None) -> str:
    clock, link = format_clock(row.start), link_at(url, row.start)
    time = f'<a href="{escape(link, quote=True)}" rel="noreferrer">{clock}</a>' if link else clock
    cells = "".join(f'<td dir="auto">{_cell(cell)}</td>' for cell in row.cells)
    return f'<tr><td class="time">{time}</td>{cells}</tr>'


def _cell(cell: Cell) -> str:
    pieces = []
    for span in cell.spans:
        tag, text = _TAGS[span.mark], _text(span.text)
        pieces.append(f"<{tag}>{text}</{tag}>" if tag else text)
    return "".join(pieces) or "—"


def _text(text: str) -> str:
    return escape(without_control(encodable(text)), quote=True)
