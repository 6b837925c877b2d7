"""WebVTT: captions for the browser's own player."""

from __future__ import annotations

from lib.domain.transcript import Transcript
from lib.formats.export import ExportFacts, ExportOptions, caption_cues
from lib.formats.text import wrap
from lib.formats.timecode import format_vtt, milliseconds

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def render_vtt(transcript: Transcript, facts: ExportFacts, options: ExportOptions) -> str:
    """Captions in order of time, each at least a millisecond long, text escaped, speakers as voices.

    Raises InputError without times.
    """
    blocks = ["WEBVTT\n"]
    for cue in caption_cues(transcript, options):
        start = milliseconds(cue.start)
        end = max(milliseconds(cue.end), start + 1)
        voice = f"<v {cue.speaker.translate(_ESCAPES)}>" if cue.speaker else ""
        # Wrapped first and escaped after: an escape is one character on the screen, and never cut in two.
        text = "\n".join(line.translate(_ESCAPES) for line in wrap(cue.text, options.line_width))
        blocks.append(f"{format_vtt(start / 1000)} --> {format_vtt(end / 1000)}\n{voice}{text}\n")
    return "\n".join(blocks)
