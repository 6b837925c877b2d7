"""Stitch: the answers of all parts become one transcript on the asset's clock, timed by the sound where it can be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lib import prompts
from lib.domain.cues import shape_cues
from lib.domain.health import Health, assess
from lib.domain.media import Clip
from lib.domain.retime import order_and_clamp, timed_words
from lib.domain.run import Generation, PartAnswer
from lib.domain.stitch import stitch
from lib.domain.transcript import Cue, Segment, TimedBy, Transcript, Word
from lib.formats.parse import parse_answer


@dataclass(frozen=True, slots=True)
class Heard:
    """What the sound told: the words with their times, and where somebody speaks; empty where nobody listened."""

    words: tuple[Word, ...] = ()
    speech: tuple[tuple[float, float], ...] = ()


def make_transcript(
    task: str, clip: Clip, parts: Sequence[Clip], answers: Sequence[tuple[PartAnswer, Generation]], heard: Heard
) -> tuple[Transcript, Health | None]:
    """The transcript of a run from its answers in order, and what can be said of its health.

    ``parts`` are those of the plan, answered or not: findings name theirs by its number.
    Each answer's clock is set once, here. No text is lost, and what was said in an overlap is not said twice.
    """
    language = next((generation.language for _, generation in answers if generation.language), None)
    if not prompts.task(task).is_timed:
        text = "\n\n".join(generation.text.strip() for _, generation in answers)
        return Transcript(cues=(), text=text, language=language), None
    segments = stitch(_in_place(clip, answers))
    if all(generation.segments for _, generation in answers):
        # A speech model hears on the file's own clock: its times are the audio's.
        cues = shape_cues([_heard_cue(segment, clip) for segment in segments if segment.text.strip()], end=clip.end)
    elif task == "transcript":
        timed = timed_words(segments, heard.words or _words_in(answers), clip=clip, onsets=heard.speech)
        cues = shape_cues(timed, end=clip.end)
    else:
        cues = order_and_clamp(segments, clip=clip)
    transcript = Transcript(cues=tuple(cues), text="\n".join(cue.text for cue in cues), language=language)
    if task != "transcript":
        return transcript, None
    return transcript, assess(
        cues,
        clip=clip,
        words=heard.words,
        stretches=heard.speech,
        finish_reasons=[_finish_of(part, answers) for part in parts],
        parts=parts,
        segments=segments,
    )


def reassess(
    cues: Sequence[Cue],
    clip: Clip,
    parts: Sequence[Clip],
    answers: Sequence[tuple[PartAnswer, Generation]],
    heard: Heard,
) -> Health:
    """The health of lines that somebody has edited since the answers came: their times are in order by now."""
    return assess(
        cues,
        clip=clip,
        words=heard.words,
        stretches=heard.speech,
        finish_reasons=[_finish_of(part, answers) for part in parts],
        parts=parts,
    )


def _words_in(answers: Sequence[tuple[PartAnswer, Generation]]) -> tuple[Word, ...]:
    """The words that local answers bring along, where nobody listened to the whole."""
    return tuple(word for _, generation in answers for segment in generation.segments for word in segment.words)


def _finish_of(part: Clip, answers: Sequence[tuple[PartAnswer, Generation]]) -> str | None:
    inside = [g.finish_reason for a, g in answers if part.start <= a.start < part.end and g.finish_reason != "stop"]
    return inside[0] if inside else "stop"


def _in_place(
    clip: Clip, answers: Sequence[tuple[PartAnswer, Generation]]
) -> list[tuple[Clip, float, tuple[Segment, ...]]]:
    """Each answer's stretch, by how much it overlaps the one before, and its segments on the asset's clock."""
    placed = []
    until = clip.start
    for answer, generation in answers:
        sent = Clip(answer.sent_start, answer.end)
        segments = _segments(answer, generation)
        if not placed:
            segments = _from(segments, clip.start)
        placed.append((sent, max(0.0, until - sent.start) if placed else 0.0, segments))
        until = answer.end
    return placed


def _segments(answer: PartAnswer, generation: Generation) -> tuple[Segment, ...]:
    if generation.segments:
        return generation.segments
    found = parse_answer(generation.text, duration=answer.end - answer.sent_start)
    return tuple(_moved(segment, answer.sent_start) for segment in found)


def _from(segments: tuple[Segment, ...], start: float) -> tuple[Segment, ...]:
    """Without the lines that end before ``start``: a cut begins at the key frame before the clip."""
    first = 0
    while first + 1 < len(segments) and (following := segments[first + 1].start) is not None and following <= start:
        first += 1
    return segments[first:]


def _heard_cue(segment: Segment, clip: Clip) -> Cue:
    start = min(max(segment.start, clip.start), clip.end)
    return Cue(start, min(max(segment.end, start), clip.end), segment.text.strip(), segment.speaker, TimedBy.AUDIO)


def _moved(segment: Segment, offset: float) -> Segment:
    if segment.start is None:
        return segment
    return replace(segment, start=segment.start + offset, end=None if segment.end is None else segment.end + offset)
