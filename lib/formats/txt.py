"""Plain text: a line a cue, or paragraphs."""

from __future__ import annotations

from lib.domain.transcript import Transcript
from lib.formats.export import ExportFacts, ExportOptions, paragraphs
from lib.formats.text import encodable, one_line, without_control
from lib.formats.timecode import format_clock


def render_txt(transcript: Transcript, facts: ExportFacts, options: ExportOptions) -> str:
    """``[1:05] Speaker: text`` a line, or paragraphs when times are left out; an answer without times as it is."""
    if not transcript.cues:
        return without_control(encodable(transcript.text)).strip() + "\n"
    if not options.with_times:
        spoken = paragraphs(transcript.cues, options.with_speakers)
        return "\n\n".join(f"{each.speaker}: {each.text}" if each.speaker else each.text for each in spoken) + "\n"
    lines = []
    for cue in transcript.cues:
        speaker = one_line(cue.speaker or "") if options.with_speakers else ""
        lines.append(f"[{format_clock(cue.start)}] {speaker + ': ' if speaker else ''}{one_line(cue.text)}".rstrip())
    return "\n".join(lines) + "\n"
