"""Stretches of a transcript that are run again, with any model, and put in the place of the lines that were there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from lib.domain.differences import Difference, differences
from lib.domain.edits import apply, put_in_place
from lib.domain.media import Clip, Source
from lib.domain.run import Run, RunRequest
from lib.domain.transcript import Cue, Transcript
from lib.domain.versions import Author
from lib.errors import InputError, MediaError, NothingThere
from lib.pipeline.ingest import held_asset
from lib.pipeline.run import known_run
from lib.pipeline.tools import Tools
from lib.pipeline.versions import bounds_of, newest_of, try_version

AROUND = 0.5
"""Seconds of silence that a stretch takes along on either side, so that no word is cut where it begins."""
LEAST_SECONDS = 1.0


class Reruns:
    """The verbs of stretches run again. ``new_request`` and ``submit`` are those of the services."""

    def __init__(self, tools: Tools, new_request: Callable[..., RunRequest], submit: Callable[..., Run]) -> None:
        self._tools = tools
        self._new_request = new_request
        self._submit = submit

    def request(self, run_id: str, start: float, end: float, model_id: str) -> RunRequest:
        """What to submit to run a stretch of a run's transcript again. It takes whole the lines that it touches, and
        the silence around them.

        Raises InputError for a stretch that is none, and NothingThere for a run without a transcript.
        """
        run, newest = known_run(run_id, self._tools), newest_of(run_id, self._tools)
        cues = newest.transcript.cues
        bounds = bounds_of(run, cues, self._tools)
        start, end = max(start, bounds.start), min(end, bounds.end)
        if not start < end:
            raise InputError("This stretch ends before it begins, or lies outside the clip.", "Choose other times.")
        clip = _with_silence(cues, *_whole_lines(cues, start, end), bounds)
        # What was left out of the run is left out of its stretches as well.
        excerpt = run.plan.excerpt.within(clip) if run.plan and run.plan.excerpt else None
        asked = run.request
        request = self._new_request(
            self._source(run),
            model_id,
            task=asked.task,
            prompt=asked.prompt,
            start=clip.start,
            end=clip.end,
            stretches=excerpt.stretches if excerpt and excerpt.is_joined else (),
            track=asked.track,
            language=asked.language or newest.transcript.language,
            terms=asked.terms,
            quality=asked.quality,
            times=asked.times,
            cue_shape=asked.cue_shape,
            about=asked.about,
        )
        return replace(request, is_anew=True)

    def start(self, run_id: str, request: RunRequest, *, key: str | None = None) -> Run:
        """Run it, as a run of its own; gives the one that is going on where just this was asked before.

        Raises NothingThere, and what ``submit`` raises.
        """
        known_run(run_id, self._tools)
        for run in self.of(run_id):
            if not run.state.is_over and replace(run.request, key_ref=None) == replace(request, key_ref=None):
                return run
        return self._submit(request, key=key, again_of=run_id)

    def of(self, run_id: str) -> list[Run]:
        """The runs of its stretches that nobody has decided about yet, over or not."""
        found = [self._tools.store.runs.get(rerun.run_id) for rerun in self._tools.store.reruns.asked(run_id)]
        return [run for run in found if run is not None]

    def difference(self, run_id: str, rerun_id: str) -> tuple[Difference, ...]:
        """What it would change. Raises NothingThere while it has no lines."""
        before = newest_of(run_id, self._tools).transcript
        return differences(before.cues, self._placing(rerun_id)(before).cues)

    def put_in_place(self, run_id: str, rerun_id: str) -> int:
        """Put its lines in the place of those that are there, as a new version; gives its number. Where somebody has
        decided about the stretch before, nothing changes: gives the number of the newest version.

        Lines outside the stretch stay exactly as they are. Raises NothingThere while it has no lines.
        """
        model_id, make = known_run(rerun_id, self._tools).request.model_id, self._placing(rerun_id)
        while any(rerun.run_id == rerun_id for rerun in self._tools.store.reruns.asked(run_id)):
            number = try_version(run_id, make, Author.AGAIN, model_id, self._tools, rerun_id=rerun_id)
            if number is not None:
                return number
        return newest_of(run_id, self._tools).version.number

    def leave(self, rerun_id: str) -> None:
        """Leave the lines as they are. The run stays, to be read by itself."""
        self._tools.store.reruns.leave(rerun_id)

    def _placing(self, rerun_id: str) -> Callable[[Transcript], Transcript]:
        rerun, fresh = known_run(rerun_id, self._tools), newest_of(rerun_id, self._tools).transcript
        excerpt = rerun.plan.excerpt if rerun.plan else None
        if excerpt is None:
            raise NothingThere("This stretch has no lines yet.", "Wait until it is done.")
        return lambda transcript: apply(transcript, put_in_place(transcript.cues, excerpt.stretches, fresh.cues))

    def _source(self, run: Run) -> Source:
        """Where the stretch comes from: the media that are here, or the link once more. Raises MediaError."""
        source = run.request.source
        if run.asset_id is None:
            return source
        try:
            return replace(source, asset_id=held_asset(run.asset_id, self._tools).id)
        except MediaError:
            if source.url:
                return replace(source, asset_id=None)
            raise


def _whole_lines(cues: Sequence[Cue], start: float, end: float) -> tuple[float, float]:
    touched = [cue for cue in cues if cue.start < end and cue.end > start]
    return min([start, *(cue.start for cue in touched)]), max([end, *(cue.end for cue in touched)])


def _with_silence(cues: Sequence[Cue], start: float, end: float, bounds: Clip) -> Clip:
    """The stretch with up to half a second around it in which there is no other line, and a second long at least."""
    before = max((cue.end for cue in cues if cue.end <= start), default=bounds.start)
    after = min((cue.start for cue in cues if cue.start >= end), default=bounds.end)
    start, end = max(start - AROUND, before, bounds.start), min(end + AROUND, after, bounds.end)
    lack = max(0.0, LEAST_SECONDS - (end - start))
    return Clip(max(bounds.start, start - lack / 2), min(bounds.end, end + lack / 2))
