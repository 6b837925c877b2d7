"""Stitch: the answers of all parts become one transcript on the asset's clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lib import prompts
from lib.domain.media import Clip
from lib.domain.plan import Part
from lib.domain.retime import order_and_clamp
from lib.domain.run import Generation
from lib.domain.transcript import Cue, Segment, TimedBy, Transcript
from lib.formats.parse import parse_answer


def make_transcript(task: str, parts: Sequence[tuple[Part, Generation]]) -> Transcript:
    """The transcript of a run from its parts in order. A part's offset is added exactly once, here."""
    language = next((generation.language for _, generation in parts if generation.language), None)
    if not prompts.task(task).is_timed:
        text = "\n\n".join(generation.text.strip() for _, generation in parts)
        return Transcript(cues=(), text=text, language=language)
    cues: list[Cue] = []
    for part, generation in parts:
        cues += _cues(part, generation)
    return Transcript(cues=tuple(cues), text="\n".join(cue.text for cue in cues), language=language)


def _cues(part: Part, generation: Generation) -> list[Cue]:
    clip = Clip(part.start, part.end)
    if generation.segments:
        # A speech model hears on the file's own clock: its times are the audio's.
        return [_heard_cue(segment, clip) for segment in generation.segments if segment.text.strip()]
    segments = [_moved(segment, part.start) for segment in parse_answer(generation.text, duration=part.duration)]
    return list(order_and_clamp(segments, clip=clip))


def _heard_cue(segment: Segment, clip: Clip) -> Cue:
    start = min(max(segment.start, clip.start), clip.end)
    return Cue(start, min(max(segment.end, start), clip.end), segment.text.strip(), segment.speaker, TimedBy.AUDIO)


def _moved(segment: Segment, offset: float) -> Segment:
    if segment.start is None:
        return segment
    return replace(segment, start=segment.start + offset, end=None if segment.end is None else segment.end + offset)
