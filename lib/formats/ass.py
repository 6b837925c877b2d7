"""ASS (Advanced SubStation Alpha): captions that bring their look along, as for burning them into the picture."""

from __future__ import annotations

from lib.domain.transcript import Transcript
from lib.errors import InputError
from lib.formats.direction import is_right_to_left
from lib.formats.export import ExportFacts, ExportOptions, caption_cues
from lib.formats.text import one_line, wrap
from lib.formats.timecode import milliseconds

USUAL_SIZE = (1920, 1080)
FONT = "Arial"
"""On every Windows and macOS; elsewhere fontconfig has one of the same widths in its place."""
FONT_SHARE = 0.055
"""Of the shorter side of the picture: two lines take about an eighth of it."""
LONGEST_HOURS = 10
"""The hour has one digit."""

# Braces begin a command, and a backslash before n, N or h is one: an invisible joiner keeps the two apart.
_LITERAL = str.maketrans({"{": "(", "}": ")", "\\": "\\\u2060"})


def render_ass(transcript: Transcript, facts: ExportFacts, options: ExportOptions) -> str:
    """Captions in order of time, to the hundredth of a second and each at least that long, in white with a dark edge.

    Measured in the pixels of ``facts.picture_size``. The format has no escapes: braces become parentheses. Speakers
    stand before what they say, and in the field for the actor. Raises InputError without times, and from 10 hours on.
    """
    import pysubs2

    width, height = facts.picture_size or USUAL_SIZE
    size = max(8, round(FONT_SHARE * min(width, height)))
    file = pysubs2.SSAFile()
    file.info = {
        "Title": one_line(facts.title) or "Untitled",
        "PlayResX": str(width),
        "PlayResY": str(height),
        "ScaledBorderAndShadow": "yes",
        "WrapStyle": "0",
    }
    captions = caption_cues(transcript, options)
    turns = any(is_right_to_left(cue.text) for cue in captions)
    file.styles["Default"] = pysubs2.SSAStyle(
        fontname=FONT,
        fontsize=size,
        outlinecolor=pysubs2.Color(0, 0, 0, 40),
        outline=round(size / 12, 1),
        shadow=0,
        marginl=round(width * 0.05),
        marginr=round(width * 0.05),
        marginv=round(height * 0.05),
        encoding=-1 if turns else 1,  # -1 lets each line's own letters say where it begins
    )
    for cue in captions:
        start = milliseconds(cue.start)
        end = max(milliseconds(cue.end), start + 10)
        if end >= LONGEST_HOURS * 3_600_000:
            raise InputError(
                f"ASS has no times from {LONGEST_HOURS} hours on.", "Export SRT or VTT, or a shorter clip."
            )
        text = f"{cue.speaker}: {cue.text}" if cue.speaker else cue.text
        lines = [line.translate(_LITERAL) for line in wrap(text, options.line_width)]
        name = (cue.speaker or "").translate(_LITERAL).replace(",", ";")
        file.append(pysubs2.SSAEvent(start=start, end=end, text="\\N".join(lines), name=name))
    return file.to_string("ass", header_notice="")
