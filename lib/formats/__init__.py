"""Transcripts as text: read from what models write, and written for people, players and programs. Pure.

One format a file; ``FORMATS`` is the table to find them.
"""

from lib.formats.ass import render_ass
from lib.formats.captions import read_captions
from lib.formats.csv_table import render_csv
from lib.formats.docx import render_docx
from lib.formats.export import ExportFacts, ExportOptions, Format
from lib.formats.links import link_at
from lib.formats.markdown import render_markdown
from lib.formats.names import file_name
from lib.formats.parse import parse_answer
from lib.formats.record import record_of, render_json
from lib.formats.srt import render_srt
from lib.formats.txt import render_txt
from lib.formats.vtt import render_vtt
from lib.formats.youtube import CHAPTERS, render_youtube

DOCX_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"

FORMATS: dict[str, Format] = {
    fmt.name: fmt
    for fmt in (
        Format("srt", "SRT", "captions for every player", ".srt", "application/x-subrip", render_srt, needs_times=True),
        Format("vtt", "VTT", "captions for web pages", ".vtt", "text/vtt", render_vtt, needs_times=True),
        Format("ass", "ASS", "captions with their look", ".ass", "text/x-ssa", render_ass, needs_times=True),
        Format("txt", "Text", "to read anywhere", ".txt", "text/plain", render_txt),
        Format("md", "Markdown", "for notes, with links", ".md", "text/markdown", render_markdown),
        Format("docx", "Word", "a document to read and edit", ".docx", DOCX_TYPE, render_docx, is_text=False),
        Format("csv", "CSV", "a row a line, for spreadsheets", ".csv", "text/csv", render_csv, needs_times=True),
        Format("json", "JSON", "everything, for programs", ".json", "application/json", render_json),
        Format(
            "youtube",
            "YouTube",
            "chapters for a video's description",
            ".youtube.txt",
            "text/plain",
            render_youtube,
            needs_times=True,
            only_for=CHAPTERS,
        ),
    )
}
"""Every export format by its name, in the order in which they are offered."""

__all__ = [
    "FORMATS",
    "ExportFacts",
    "ExportOptions",
    "Format",
    "file_name",
    "link_at",
    "parse_answer",
    "read_captions",
    "record_of",
    "render_json",
]
