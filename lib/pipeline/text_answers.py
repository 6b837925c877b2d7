"""What the answers about a transcript come to: a document, lines with times, or the same lines in another language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lib import prompts
from lib.domain.health import Health
from lib.domain.media import Clip
from lib.domain.retime import order_and_clamp
from lib.domain.run import Generation, PartAnswer, Run
from lib.domain.transcript import Cue, Segment, Transcript
from lib.domain.translation import health_of_translation, translated
from lib.formats.asked_lines import read_numbered
from lib.formats.parse import parse_answer
from lib.pipeline.asked_text import lines_asked
from lib.pipeline.tools import Tools


def made_of_text(
    run: Run, answered: Sequence[tuple[PartAnswer, Generation]], tools: Tools
) -> tuple[Transcript, Health | None]:
    """The transcript of a run about a transcript, from its answers in order. Their times are the video's own."""
    task, language = prompts.task(run.request.task), run.request.language
    texts = [generation.text.strip() for _, generation in answered]
    if task.name == prompts.TRANSLATION:
        cues = lines_asked(run, tools)
        found = read_translations(texts, len(cues))
        lines = translated(cues, found)
        return Transcript(lines, _text(lines), language), health_of_translation(cues, found)
    if not task.is_timed:
        return Transcript((), _joined(run, texts, tools), language), None
    segments = [segment for each in answered for segment in _segments(run, *each)]
    lines = tuple(order_and_clamp(segments, clip=Clip(0.0, max(run.plan.clip.end, run.request.source.duration or 0.0))))
    return Transcript(lines, _text(lines), language), None


def _segments(run: Run, answer: PartAnswer, generation: Generation) -> list[Segment]:
    """The lines of an answer. Those about a later stretch never begin before it, though the prompt speaks of 0:00."""
    clip = run.plan.clip
    found = parse_answer(generation.text, duration=clip.end)
    if answer.start <= clip.start:
        return list(found)
    return [each if each.start is None else replace(each, start=max(each.start, answer.start)) for each in found]


def read_translations(texts: Sequence[str], count: int) -> dict[int, str]:
    """The translations in some answers by the place of their line; of one that was asked for twice the first counts."""
    found: dict[int, str] = {}
    for text in texts:
        found = read_numbered(text, range(count)) | found
    return found


def _joined(run: Run, texts: Sequence[str], tools: Tools) -> str:
    """The answer that joins the others, where there is one; else all of them, one after the other."""
    by_part = tools.store.runs.answers(run.id)
    joining = [part for part in run.plan.parts if part.lines is None]
    if joining and by_part[joining[-1].index]:
        return texts[-1]
    return "\n\n".join(texts)


def _text(cues: Sequence[Cue]) -> str:
    return "\n".join(cue.text for cue in cues)
