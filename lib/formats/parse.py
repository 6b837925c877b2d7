"""Timestamped transcripts as models really write them, read into segments."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lib.domain.transcript import Segment
from lib.formats.answer_lines import Kind, Line
from lib.formats.json_lines import lines_of_json
from lib.formats.loose_json import json_and_text
from lib.formats.plain_lines import lines_of_text
from lib.formats.preambles import without_preamble
from lib.formats.segments import segments_of
from lib.formats.speakers import Strength, accepted_names, find_label
from lib.formats.stamps import Doubt, Stamp
from lib.formats.text import encodable, without_control

DURATION_SLACK = 1.05, 5.0
"""A time may pass the duration by 5 % and 5 s before it counts as past it: durations and models are both rough."""

_THINKING = re.compile(r"\A\s*+<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL | re.IGNORECASE)


def parse_answer(text: str, *, duration: float | None = None) -> tuple[Segment, ...]:
    """The segments of a model's answer, in the order written, on the clock of what the model was shown.

    Every word that is not a time, markup or JSON or table structure is in a segment, as text or as speaker; what
    has no time becomes a segment without one (``start`` None). Only a preamble such as "Here is the transcript:"
    before the first time is dropped. Times are neither sorted nor clamped. Never raises; linear in the length.

    With ``duration``, in seconds, two doubts are settled: ``00:05:12`` in a short video is MM:SS and hundredths
    when most times would otherwise lie past the end, and numbers of JSON are milliseconds likewise.
    """
    text = without_control(encodable(text)).replace("\r\n", "\n").replace("\r", "\n").lstrip("\ufeff")
    text = _THINKING.sub("", text)
    lines: list[Line] = []
    for piece in json_and_text(text):
        lines.extend(lines_of_text(piece) if isinstance(piece, str) else lines_of_json(piece))
    _settle_doubts(lines, duration)
    _name_speakers(lines)
    return tuple(segments_of(without_preamble(lines)))


def _settle_doubts(lines: Sequence[Line], duration: float | None) -> None:
    """Take the second reading of doubtful stamps where the first puts most of them past the end.

    Most, and not one: a model that drifts stamps the last fifth of a video past its end, too.
    """
    if not duration or duration <= 0:
        return
    limit = duration * DURATION_SLACK[0] + DURATION_SLACK[1]
    for doubt in Doubt:
        starts = [line.start for line in lines if line.start and line.start.doubt is doubt and line.start.seconds > 0]
        past = sum(stamp.seconds > limit for stamp in starts)
        if past and 2 * past >= len(starts) and all(stamp.other <= limit for stamp in starts):
            for line in lines:
                line.start, line.end = _other(line.start, doubt), _other(line.end, doubt)


def _other(stamp: Stamp | None, doubt: Doubt) -> Stamp | None:
    return Stamp(stamp.other) if stamp and stamp.doubt is doubt else stamp


def _name_speakers(lines: Sequence[Line]) -> None:
    """Move labels from the text to the speaker, where the whole answer bears them out."""
    for line in lines:
        if line.kind is Kind.LINE and not line.label and not line.speaker:
            line.label = find_label(line.text)
    timed = any(line.start for line in lines)
    judged = [
        line.label
        for line in lines
        if line.kind is not Kind.HEADING
        and not line.speaker
        and (line.label or (line.start and line.text) or not timed)
    ]
    names = accepted_names(judged)
    alone = not timed and sum(label is not None for label in judged) < 2
    for line in lines:
        if not line.label:
            continue
        sure = line.label.name in names and not (alone and line.label.strength is Strength.WEAK)
        if sure:
            line.speaker, line.text = line.label.name, line.label.rest
        elif line.text == line.label.rest:
            # The name stood beside the time, not in the text: it is text after all.
            line.text = f"{line.label.name} {line.text}".strip()
