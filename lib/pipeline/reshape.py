"""Reshape: the lines of a transcript that is there, laid out anew. No model is asked, and nobody listens again."""

from __future__ import annotations

from dataclasses import replace

from lib.domain.cues import CueShape
from lib.errors import InputError, NothingThere
from lib.pipeline.run import answers_of, known_run, stitched
from lib.pipeline.tools import Tools

SHAPED = "transcript"
"""The task whose lines have a shape: those of others are the model's own."""


def reshape(run_id: str, shape: CueShape, tools: Tools) -> None:
    """Make a new version of a run's transcript, in lines of that shape, from the answers that are kept.

    The run keeps the shape: a part that is repaired later, and every export, follow it.
    Raises InputError for a run that is going on or has no lines of ours, NothingThere where there is no transcript.
    """
    run = known_run(run_id, tools)
    if run.request.task != SHAPED:
        raise InputError("Only the lines of a transcript have a shape.", "Choose a run whose task is the transcript.")
    if not run.state.is_over:
        raise InputError("The run is still going on.", "Wait until it is done, or press Cancel.")
    answered = answers_of(run, tools)
    if not answered or tools.store.transcripts.get(run_id) is None:
        raise NothingThere("This run has no transcript yet.", "Press Retry.")
    request = replace(run.request, cue_shape=shape)
    transcript, health = stitched(replace(run, request=request), answered, tools)
    # A Retry pressed in this moment has the last word: it stitches anew, in the shape that was asked for before.
    if tools.store.runs.amend(run_id, request, health):
        tools.store.transcripts.keep(run_id, transcript)
