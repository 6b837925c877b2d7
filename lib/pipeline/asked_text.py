"""The text that a run about a transcript is asked: taken once, so that edits since do not move what is numbered."""

from __future__ import annotations

from lib.domain.run import Run, RunRequest
from lib.domain.transcript import Cue
from lib.errors import InputError
from lib.pipeline.text_plan import within
from lib.pipeline.tools import Tools
from lib.pipeline.versions import version_of


def lines_to_ask(request: RunRequest, tools: Tools) -> tuple[Cue, ...]:
    """The lines that a request is about, as they stand now. Raises NothingThere when the transcript is gone."""
    if request.about is None:
        raise InputError("This run is about a video, not about a transcript.")
    return within(version_of(request.about.run_id, request.about.version, tools).cues, request)


def lines_asked(run: Run, tools: Tools) -> tuple[Cue, ...]:
    """The lines that a run is about, the same at every step and every attempt. Raises NothingThere when the transcript
    went before they were taken."""
    shelf = tools.store.asked_lines
    kept = shelf.get(run.id)
    if kept is None:
        shelf.keep(run.id, lines_to_ask(run.request, tools))
        kept = shelf.get(run.id) or ()
    return kept
