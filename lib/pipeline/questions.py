"""Questions: what goes along with one, and what tells it from every other."""

from __future__ import annotations

from lib.domain.media import Rendition, Source
from lib.domain.run import digest
from lib.domain.youtube import canonical
from lib.openrouter import MediaPart, Question
from lib.pipeline.prepare import rendition_file
from lib.pipeline.tools import Tools


def media_part(source: Source, rendition: Rendition | None, seconds: float | None, tools: Tools) -> MediaPart:
    """What was made of a source for sending; without it, the link itself. ``seconds`` is how long it lasts."""
    if rendition is None:
        link = canonical(source.url or "")
        return MediaPart(kind="video", path=None, link=link, media_type="video/mp4", seconds=seconds)
    kind = "audio" if rendition.media_type.startswith("audio/") else "video"
    path = rendition_file(rendition, tools)
    return MediaPart(kind=kind, path=path, link=None, media_type=rendition.media_type, seconds=seconds)


def question_digest(question: Question, rendition: Rendition | None, server: str, **more: object) -> str:
    """Under which digest the answer to a question is kept; ``rendition`` is what goes along, if it is no link.

    A name that is added, left out or written otherwise loses every answer that was paid for: what only some questions
    have is named for those alone, as ``more``.
    """
    link = question.media.link if question.media else None
    if question.turns:
        more["turns"] = [(turn.role, turn.text) for turn in question.turns]
    return digest(
        media=rendition.id if rendition else link,
        server=server,
        model=question.model.id,
        prompt=question.prompt,
        part_form=question.part_form,
        temperature=question.temperature,
        max_tokens=question.max_tokens,
        reasoning=question.reasoning_effort,
        **more,
    )
