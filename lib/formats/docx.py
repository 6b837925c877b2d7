"""DOCX: a document to read, edit and print. The only door to python-docx."""

from __future__ import annotations

import re
from datetime import UTC
from io import BytesIO
from typing import TYPE_CHECKING

from lib.domain.transcript import Transcript
from lib.formats.direction import directional_runs, is_right_to_left
from lib.formats.export import ExportFacts, ExportOptions, Paragraph, fact_rows, paragraphs
from lib.formats.links import link_at, whole_link
from lib.formats.text import encodable, one_line, without_control
from lib.formats.timecode import format_clock

if TYPE_CHECKING:
    from docx.document import Document as DocxDocument
    from docx.text.paragraph import Paragraph as DocxParagraph

TIME_WIDTH_CM = 1.6
"""Room for ``1:02:05`` before the text."""
LINK_COLOUR = "0B6A63"

_NO_XML = re.compile("[\ufffe\uffff]")
_HEADING = re.compile(r"(#{1,6})\s+(.*)")
_BULLET = re.compile(r"\s*[-*+]\s+(.*)")
_NUMBERED = re.compile(r"\s*\d+[.)]\s+(.*)")
_EMPHASIS = re.compile(r"(\*\*[^*]+\*\*|\*[^*\s][^*]*\*)")
# What comes after w:bidi within a paragraph's properties: the order is part of the format.
_AFTER_BIDI = (
    *("w:adjustRightInd", "w:snapToGrid", "w:spacing", "w:ind", "w:contextualSpacing", "w:mirrorIndents"),
    *("w:suppressOverlap", "w:jc", "w:textDirection", "w:textAlignment", "w:textboxTightWrap", "w:outlineLvl"),
    *("w:divId", "w:cnfStyle", "w:rPr", "w:sectPr", "w:pPrChange"),
)


def render_docx(transcript: Transcript, facts: ExportFacts, options: ExportOptions) -> bytes:
    """Title, a table of facts, and the cues as paragraphs: the time, a link to that second where there is one to make,
    the speaker in bold, the text. Paragraphs and stretches that are read from the right are marked so.

    An answer without times keeps its headings, lists and emphasis; nothing in it becomes a link or a picture.
    """
    import docx

    document = docx.Document()
    _set_up(document, facts)
    _write(document.add_heading(level=0), facts.title or "Untitled")
    _add_facts(document, facts)
    if transcript.cues:
        for each in paragraphs(transcript.cues, options.with_speakers):
            _add_paragraph(document, each, facts.url, options.with_times)
    else:
        _add_answer(document, transcript.text)
    file = BytesIO()
    document.save(file)
    return file.getvalue()


def _set_up(document: DocxDocument, facts: ExportFacts) -> None:
    from docx.shared import Pt

    normal = document.styles["Normal"]
    normal.font.name, normal.font.size = "Calibri", Pt(11)
    normal.paragraph_format.space_after = Pt(8)
    about = document.core_properties
    about.title, about.author = _xml(one_line(facts.title))[:255], _xml(one_line(facts.model_id))[:255]
    about.comments = ""
    if facts.created:
        about.created = about.modified = facts.created.astimezone(UTC).replace(tzinfo=None)


def _add_facts(document: DocxDocument, facts: ExportFacts) -> None:
    from docx.shared import Cm

    link = whole_link(facts.url)
    rows = [("Video", link)] if link else []
    table = document.add_table(rows=0, cols=2)
    for name, value in [*rows, *fact_rows(facts)]:
        cells = table.add_row().cells
        cells[0].width, cells[1].width = Cm(3), Cm(13)
        for cell in cells:
            cell.paragraphs[0].paragraph_format.space_after = 0
        cells[0].paragraphs[0].add_run(name).bold = True
        if value == link:
            _add_link(cells[1].paragraphs[0], link, link)
        else:
            _write(cells[1].paragraphs[0], value)
    document.add_paragraph()


def _add_paragraph(document: DocxDocument, each: Paragraph, url: str | None, with_times: bool) -> None:
    from docx.shared import Cm

    paragraph = document.add_paragraph()
    if is_right_to_left(each.text):
        _read_from_the_right(paragraph)
    if with_times:
        layout = paragraph.paragraph_format
        layout.left_indent, layout.first_line_indent = Cm(TIME_WIDTH_CM), -Cm(TIME_WIDTH_CM)
        layout.tab_stops.add_tab_stop(Cm(TIME_WIDTH_CM))
        clock, link = format_clock(each.start), link_at(url, each.start)
        if link:
            _add_link(paragraph, link, clock)
        else:
            paragraph.add_run(clock)
        paragraph.add_run("\t")
    if each.speaker:
        _add_runs(paragraph, f"{each.speaker}: ", is_bold=True)
    _add_runs(paragraph, each.text)


def _add_answer(document: DocxDocument, text: str) -> None:
    """Markdown of a model, laid out as far as a letter goes: headings, lists, emphasis."""
    for line in text.split("\n"):
        if not line.strip():
            continue
        if found := _HEADING.fullmatch(line):
            _write(document.add_heading(level=min(9, len(found[1]))), found[2])
        elif found := _BULLET.fullmatch(line):
            _write_marked(document.add_paragraph(style="List Bullet"), found[1])
        elif found := _NUMBERED.fullmatch(line):
            _write_marked(document.add_paragraph(style="List Number"), found[1])
        else:
            _write_marked(document.add_paragraph(), line)


def _write_marked(paragraph: DocxParagraph, text: str) -> None:
    if is_right_to_left(text):
        _read_from_the_right(paragraph)
    for piece in _EMPHASIS.split(one_line(text)):
        bare = piece.strip("*")
        is_marked = bool(_EMPHASIS.fullmatch(piece))
        is_bold = is_marked and piece.startswith("**")
        _add_runs(paragraph, bare if is_marked else piece, is_bold=is_bold, is_italic=is_marked and not is_bold)


def _write(paragraph: DocxParagraph, text: str) -> None:
    if is_right_to_left(text):
        _read_from_the_right(paragraph)
    _add_runs(paragraph, one_line(text))


def _add_runs(paragraph: DocxParagraph, text: str, *, is_bold: bool = False, is_italic: bool = False) -> None:
    for piece, right in directional_runs(_xml(text)):
        run = paragraph.add_run(piece)
        font = run.font
        # Word keeps two of each for scripts that join or turn their letters.
        font.bold = font.cs_bold = is_bold or None
        font.italic = font.cs_italic = is_italic or None
        font.rtl = right or None


def _read_from_the_right(paragraph: DocxParagraph) -> None:
    from docx.oxml import OxmlElement

    paragraph._p.get_or_add_pPr().insert_element_before(OxmlElement("w:bidi"), *_AFTER_BIDI)


def _add_link(paragraph: DocxParagraph, link: str, text: str) -> None:
    """python-docx reads links and writes none: the element, and its address among the document's relations."""
    from docx.opc.constants import RELATIONSHIP_TYPE
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn
    from docx.shared import RGBColor

    element = OxmlElement("w:hyperlink")
    element.set(qn("r:id"), paragraph.part.relate_to(link, RELATIONSHIP_TYPE.HYPERLINK, is_external=True))
    run = paragraph.add_run(text)
    run.font.color.rgb = RGBColor.from_string(LINK_COLOUR)
    run.font.underline = True
    element.append(run._r)
    paragraph._p.append(element)


def _xml(text: str) -> str:
    """The text without what XML cannot hold."""
    return _NO_XML.sub("\ufffd", without_control(encodable(text)))
