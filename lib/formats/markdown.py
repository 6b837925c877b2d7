"""Markdown: the facts, then lines whose times lead back to the video."""

from __future__ import annotations

import re

from lib.domain.transcript import Transcript
from lib.formats.export import ExportFacts, ExportOptions, fact_rows, paragraphs
from lib.formats.links import link_at, whole_link
from lib.formats.text import encodable, one_line, without_control
from lib.formats.timecode import format_clock

_SPECIAL = re.compile(r"[\\`*_\[\]<>|~$]|&(?=#?\w+;)|:(?=//)|@(?=\w)|(?<=www)\.", re.IGNORECASE)
_LINE_START = re.compile(r"^(?:[#+=-]|\d+(?=[.)]))")


def render_markdown(transcript: Transcript, facts: ExportFacts, options: ExportOptions) -> str:
    """Title, a table of facts, and the cues as paragraphs whose times link into the video at ``facts.url``.

    Spoken text is shown as it is: nothing in it turns into markup, a link, an image or HTML. An answer without
    times is Markdown already and keeps its layout; only its images and HTML are made plain.
    """
    blocks = [f"# {escape(facts.title) or 'Untitled'}", _facts_table(facts)]
    if not transcript.cues:
        blocks.append(plain_images(without_control(encodable(transcript.text)).strip()))
    elif options.with_times:
        for cue in transcript.cues:
            speaker = escape(cue.speaker or "") if options.with_speakers else ""
            label = f"**{speaker}:** " if speaker else ""
            blocks.append(f"{_time(cue.start, facts.url)} {label}{escape(cue.text)}".rstrip())
    else:
        for each in paragraphs(transcript.cues, options.with_speakers):
            label = f"**{escape(each.speaker)}:** " if each.speaker else ""
            blocks.append(label + escape(each.text))
    return "\n\n".join(block for block in blocks if block) + "\n"


def escape(text: str) -> str:
    """The text on one line, so that Markdown shows it letter by letter."""
    plain = _SPECIAL.sub(lambda found: "\\" + found[0], one_line(text))
    return _LINE_START.sub(lambda found: found[0] + "\\" if found[0].isdigit() else "\\" + found[0], plain)


def _time(seconds: float, url: str | None) -> str:
    clock = format_clock(seconds)
    link = link_at(url, seconds)
    return f"[{clock}]({link})" if link else clock


def _facts_table(facts: ExportFacts) -> str:
    link = whole_link(facts.url)
    rows = [("Video", f"<{link}>")] if link else []
    rows += [(name, escape(value)) for name, value in fact_rows(facts)]
    return "\n".join(["| | |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in rows)])


def plain_images(text: str) -> str:
    """Markdown whose images and HTML are shown as text: opening a summary never calls another host."""
    return re.sub(r"!(?=\[)|<(?=[a-zA-Z/!?])", lambda found: "\\" + found[0], text)
