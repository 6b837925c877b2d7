"""CSV: a row a line, for spreadsheets and programs."""

from __future__ import annotations

import csv
from types import SimpleNamespace

from lib.domain.transcript import Transcript
from lib.errors import InputError
from lib.formats.export import ExportFacts, ExportOptions
from lib.formats.text import one_line
from lib.formats.timecode import format_vtt

COMMANDS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
"""A cell that begins so is a formula to a spreadsheet, and a formula can call a stranger's server."""
MARK = "'"
"""Stands before such a cell, and before one that begins with it: whoever reads a file back takes one away."""


def render_csv(transcript: Transcript, facts: ExportFacts, options: ExportOptions) -> str:
    """``start,end,start_time,end_time,speaker,text,timed_by``: seconds, the same as timecodes, and the text.

    As RFC 4180 has it, with every text in quotes, and with the mark by which Excel knows UTF-8. No cell runs as a
    formula: see ``MARK``. Raises InputError for an answer without times.
    """
    if not transcript.cues:
        raise InputError(
            "This answer has no lines, so it cannot become a table.", "Export it as Text, Word, Markdown or JSON."
        )
    lines: list[str] = ["\ufeff"]
    table = csv.writer(SimpleNamespace(write=lines.append), quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n")
    times = ("start", "end", "start_time", "end_time") if options.with_times else ()
    speaker = ("speaker",) if options.with_speakers else ()
    source = ("timed_by",) if options.with_times else ()
    columns = (*times, *speaker, "text", *source)
    table.writerow(columns)
    for cue in transcript.cues:
        row = {
            "start": round(cue.start, 3),
            "end": round(cue.end, 3),
            "start_time": format_vtt(cue.start),
            "end_time": format_vtt(cue.end),
            "speaker": cell(cue.speaker or ""),
            "text": cell(cue.text),
            "timed_by": cue.timed_by.value,
        }
        table.writerow([row[name] for name in columns])
    return "".join(lines)


def cell(text: str) -> str:
    """The text on one line, so that no spreadsheet runs it: ``=1+1`` becomes ``'=1+1``."""
    plain = one_line(text)
    return MARK + plain if plain.startswith((*COMMANDS, MARK)) else plain
