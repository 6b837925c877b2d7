"""Reshape: the lines of a transcript that is there, laid out anew. No model is asked, and nobody listens again."""

from __future__ import annotations

from dataclasses import replace

from lib.domain.cues import CueShape
from lib.domain.edits import with_cues
from lib.domain.reshaped import reshaped
from lib.domain.transcript import Transcript
from lib.domain.versions import Author
from lib.errors import InputError, NothingThere
from lib.pipeline.run import answers_of, excerpt_of, heard_of, known_run, reassessed, stitched
from lib.pipeline.tools import Tools
from lib.pipeline.versions import add_version, is_untouched, newest_of

SHAPED = "transcript"
"""The task whose lines have a shape: those of others are the model's own."""


def reshape(run_id: str, shape: CueShape, tools: Tools) -> None:
    """Make a new version of a run's transcript, in lines of that shape, from the answers that are kept, or, once a
    person has edited it, from its lines.

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
    fresh, health = stitched(replace(run, request=request), answered, tools)

    def laid_out(newest: Transcript) -> Transcript:
        if is_untouched(run_id, tools):
            return fresh
        heard = heard_of(run, tools)
        return with_cues(newest, reshaped(newest.cues, shape, excerpt_of(run), words=heard.words, speech=heard.speech))

    # A Retry pressed in this moment has the last word: it stitches anew, in the shape that was asked for before.
    if not tools.store.runs.amend(run_id, request):
        return
    add_version(run_id, laid_out, Author.RESHAPED, str(shape), tools)
    newest = newest_of(run_id, tools)
    if newest.transcript != fresh:
        health = reassessed(run, newest.transcript, answered, tools)
    if health is not None:
        tools.store.runs.set_health(run_id, health, newest.version)
