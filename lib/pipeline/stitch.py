"""Stitch: the answers of all parts become one transcript on the asset's clock, timed by the sound where it can be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lib import prompts
from lib.domain.cues import CueShape, shape_cues
from lib.domain.excerpt import Excerpt
from lib.domain.health import Health, assess
from lib.domain.media import Clip
from lib.domain.retime import TimedToken, order_and_clamp, timed_words
from lib.domain.run import Generation, PartAnswer
from lib.domain.stitch import stitch
from lib.domain.transcript import Cue, Segment, TimedBy, Transcript, Word
from lib.formats.boxed_times import move_times
from lib.formats.parse import parse_answer

Timed = TimedToken | Cue


USUAL_SHAPE = CueShape()


@dataclass(frozen=True, slots=True)
class Heard:
    """What the sound told: the words with their times, and where somebody speaks; empty where nobody listened."""

    words: tuple[Word, ...] = ()
    speech: tuple[tuple[float, float], ...] = ()


def make_transcript(
    task: str,
    excerpt: Excerpt,
    parts: Sequence[Clip],
    answers: Sequence[tuple[PartAnswer, Generation]],
    heard: Heard,
    shape: CueShape = USUAL_SHAPE,
) -> tuple[Transcript, Health | None]:
    """The transcript of a run from its answers in order, in cues of that shape, and what can be said of its health.

    ``parts`` are those of the plan, answered or not: findings name theirs by its number.
    Each answer's clock is set once, here, on the joined clock of all that was sent, and each cue is set on the asset's
    once it is timed. No text is lost, and what was said in an overlap is not said twice.
    """
    language = next((generation.language for _, generation in answers if generation.language), None)
    if not prompts.task(task).is_timed:
        text = "\n\n".join(_with_true_times(answer, generation, excerpt) for answer, generation in answers)
        return Transcript(cues=(), text=text, language=language), None
    clip = excerpt.joined
    segments = stitch(_in_place(excerpt, answers))
    if all(generation.segments for _, generation in answers):
        # A speech model hears on the file's own clock: its times are the audio's.
        heard_cues = [_heard_cue(segment, clip) for segment in segments if segment.text.strip()]
        cues = _on_the_asset(heard_cues, excerpt, shape)
    elif task == "transcript":
        words = [_closed_up(word, excerpt) for word in heard.words or _words_in(answers)]
        onsets = [(excerpt.to_joined(start), excerpt.to_joined(end)) for start, end in heard.speech]
        cues = _on_the_asset(timed_words(segments, words, clip=clip, onsets=onsets), excerpt, shape)
    else:
        cues = _on_the_asset(order_and_clamp(segments, clip=clip), excerpt, None)
    transcript = Transcript(cues=tuple(cues), text="\n".join(cue.text for cue in cues), language=language)
    if task != "transcript":
        return transcript, None
    given = [_moved(segment, _shift(segment, excerpt)) for segment in segments]
    return transcript, health_of(cues, excerpt, parts, answers, heard, given)


def health_of(
    cues: Sequence[Cue],
    excerpt: Excerpt,
    parts: Sequence[Clip],
    answers: Sequence[tuple[PartAnswer, Generation]],
    heard: Heard,
    segments: Sequence[Segment] = (),
) -> Health:
    """What can be said of lines. ``segments`` are what the models made of them, on the asset's clock; without them, as
    once somebody has edited the lines, no disorder of theirs is counted."""
    return assess(
        cues,
        clip=excerpt.span,
        sent=excerpt.stretches,
        words=heard.words,
        stretches=heard.speech,
        finish_reasons=[_finish_of(part, answers) for part in parts],
        parts=parts,
        segments=segments,
    )


def _with_true_times(answer: PartAnswer, generation: Generation, excerpt: Excerpt) -> str:
    begin, end = excerpt.to_joined(answer.sent_start), excerpt.to_joined(answer.end)

    def move(seconds: float) -> float:
        # What lies beyond the end of what was sent is no time of it.
        return excerpt.to_asset(begin + seconds) if begin + seconds < end + 1 else seconds

    return move_times(generation.text.strip(), move)


def _on_the_asset(timed: Sequence[Timed], excerpt: Excerpt, shape: CueShape | None) -> list[Cue]:
    """Cues on the asset's clock, each inside the stretch in which it begins, and of that shape if one is wanted."""
    cues: list[Cue] = []
    for mine, stretch, begin in zip(_by_stretch(timed, excerpt), excerpt.stretches, excerpt.begins, strict=True):
        low, high = begin, excerpt.to_joined(stretch.end)
        inside = [replace(each, start=_held(each.start, low, high), end=_held(each.end, low, high)) for each in mine]
        shift = stretch.start - begin
        cues += [
            replace(cue, start=cue.start + shift, end=min(cue.end + shift, stretch.end))
            for cue in (inside if shape is None else shape_cues(inside, shape, end=high))
        ]
    return cues


def _by_stretch(timed: Sequence[Timed], excerpt: Excerpt) -> list[list[Timed]]:
    """What begins in each stretch, in order. A line that the sound has timed may be divided by a border; another one
    stays whole, for the times within it are only guessed."""
    found: list[list[Timed]] = [[] for _ in excerpt.stretches]
    at, segment = 0, None
    for each in timed:
        line = each.segment if isinstance(each, TimedToken) else None
        if line is None or line != segment or each.timed_by is TimedBy.AUDIO:
            at, segment = max(at, excerpt.index_at(each.start)), line
        found[at].append(each)
    return found


def _held(time: float, low: float, high: float) -> float:
    return min(max(time, low), high)


def _closed_up(word: Word, excerpt: Excerpt) -> Word:
    if not excerpt.is_joined:
        return word
    return replace(word, start=excerpt.to_joined(word.start), end=excerpt.to_joined(word.end))


def _words_in(answers: Sequence[tuple[PartAnswer, Generation]]) -> tuple[Word, ...]:
    """The words that local answers bring along, where nobody listened to the whole."""
    return tuple(word for _, generation in answers for segment in generation.segments for word in segment.words)


def _finish_of(part: Clip, answers: Sequence[tuple[PartAnswer, Generation]]) -> str | None:
    inside = [g.finish_reason for a, g in answers if part.start <= a.start < part.end and g.finish_reason != "stop"]
    return inside[0] if inside else "stop"


def _in_place(
    excerpt: Excerpt, answers: Sequence[tuple[PartAnswer, Generation]]
) -> list[tuple[Clip, float, tuple[Segment, ...]]]:
    """Each answer's stretch, by how much it overlaps the one before, and its segments, all on the joined clock."""
    placed = []
    until = excerpt.start
    for answer, generation in answers:
        sent = Clip(excerpt.to_joined(answer.sent_start), excerpt.to_joined(answer.end))
        segments = _segments(sent, generation, excerpt)
        if not placed and sent.start < excerpt.start:
            segments = _from(segments, excerpt.start)
        placed.append((sent, max(0.0, until - sent.start) if placed else 0.0, segments))
        until = sent.end
    return placed


def _segments(sent: Clip, generation: Generation, excerpt: Excerpt) -> tuple[Segment, ...]:
    if generation.segments:
        # A local model has heard a single stretch, on the file's own clock.
        return tuple(_moved(each, excerpt.to_joined(each.start) - each.start) for each in generation.segments)
    found = parse_answer(generation.text, duration=sent.duration)
    return tuple(_moved(segment, sent.start) for segment in found)


def _from(segments: tuple[Segment, ...], start: float) -> tuple[Segment, ...]:
    """Without the lines that end before ``start``: a cut begins at the key frame before the clip."""
    first = 0
    while first + 1 < len(segments) and (following := segments[first + 1].start) is not None and following <= start:
        first += 1
    return segments[first:]


def _heard_cue(segment: Segment, clip: Clip) -> Cue:
    start = min(max(segment.start, clip.start), clip.end)
    return Cue(start, min(max(segment.end, start), clip.end), segment.text.strip(), segment.speaker, TimedBy.AUDIO)


def _shift(segment: Segment, excerpt: Excerpt) -> float:
    return 0.0 if segment.start is None else excerpt.to_asset(segment.start) - segment.start


def _moved(segment: Segment, offset: float) -> Segment:
    if segment.start is None or not offset:
        return segment
    words = tuple(replace(word, start=word.start + offset, end=word.end + offset) for word in segment.words)
    end = None if segment.end is None else segment.end + offset
    return replace(segment, start=segment.start + offset, end=end, words=words)
