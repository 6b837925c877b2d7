"""SRT: numbered captions for every player."""

from __future__ import annotations

from lib.domain.transcript import Transcript
from lib.formats.export import ExportFacts, ExportOptions, caption_cues
from lib.formats.text import wrap
from lib.formats.timecode import format_srt, milliseconds


def render_srt(transcript: Transcript, facts: ExportFacts, options: ExportOptions) -> str:
    """Captions numbered from 1, in order of time, each at least a millisecond long.

    The format has no escapes: an arrow ``-->`` in the text becomes ``→``. Raises InputError without times.
    """
    blocks = []
    for number, cue in enumerate(caption_cues(transcript, options, names_in_text=True), 1):
        start = milliseconds(cue.start)
        end = max(milliseconds(cue.end), start + 1)
        lines = wrap(cue.text.replace("-->", "→"), options.line_width)
        blocks.append("\n".join((str(number), f"{format_srt(start / 1000)} --> {format_srt(end / 1000)}", *lines, "")))
    return "\n".join(blocks)
