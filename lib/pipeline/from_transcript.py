"""Tasks about a transcript that is there: its text is sent, and nothing of the video."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace

from lib import prompts
from lib.domain.library import Filters
from lib.domain.media import Source
from lib.domain.model import Model
from lib.domain.plan import Plan
from lib.domain.run import Run, RunRequest, RunState, Task, TranscriptRef, best_first
from lib.errors import InputError, NothingThere
from lib.pipeline.asked_text import lines_to_ask
from lib.pipeline.run import find_model, known_run
from lib.pipeline.text_plan import plan_from_text
from lib.pipeline.tools import Tools
from lib.pipeline.versions import newest_of

TRANSCRIPT = "transcript"


class FromTranscript:
    """The verbs of tasks about transcripts. ``new_request`` is that of the services."""

    def __init__(self, tools: Tools, new_request: Callable[..., RunRequest]) -> None:
        self._tools = tools
        self._new_request = new_request

    def tasks(self) -> tuple[Task, ...]:
        """Those that can be asked about a text."""
        return tuple(task for task in prompts.tasks() if task.name in prompts.FROM_TRANSCRIPT)

    def models(self) -> tuple[Model, ...]:
        """Every model of the catalogue: all of them read."""
        return self._tools.catalogue.get().every

    def transcripts_of(self, source: Source) -> list[Run]:
        """The finished transcripts of a video, the best first: of the whole before those of a clip, complete ones
        before others, then the newest. Stretches that were run again are none."""
        runs = self._tools.store.runs
        found = {run.id: run for run in runs.of_videos([source.video_id])}
        if source.asset_id:
            found |= {run.id: run for run in runs.of_asset(source.asset_id)}
        best = best_first(found.values(), TRANSCRIPT)
        return [run for run in best if self._tools.store.transcripts.versions(run.id)]

    def best_of_each(self, title: str = "", *, limit: int) -> tuple[list[Run], int]:
        """The best transcript of each of the newest ``limit`` videos that have one and all these words in their title,
        the newest first; and how many such videos there are in all."""
        done = Filters(task=TRANSCRIPT, state=RunState.DONE)
        ids, count = self._tools.store.videos.page(done, title, limit=limit, offset=0)
        videos: dict[str, list[Run]] = defaultdict(list)
        for run in self._tools.store.runs.of_videos(ids):
            videos[run.request.source.video_id].append(run)
        best = [found[0] for runs in videos.values() if (found := best_first(runs, TRANSCRIPT))]
        return sorted(best, key=lambda run: run.created, reverse=True), count

    def made_from(self, run: Run) -> list[Run]:
        """What was made from a run's transcript, the newest first."""
        runs = self._tools.store.runs
        same = runs.of_asset(run.asset_id) if run.asset_id else runs.of_videos([run.request.source.video_id])
        return [each for each in same if each.request.about is not None and each.request.about.run_id == run.id]

    def request(self, run_id: str, model_id: str, **asked: object) -> RunRequest:
        """What to submit to ask a model about the newest version of a run's transcript. ``asked`` is what
        ``new_request`` takes: the task, the language of the answer, the user's own prompt, terms.

        Raises InputError for a task that needs the video, and NothingThere for a run without lines.
        """
        run, newest = known_run(run_id, self._tools), newest_of(run_id, self._tools)
        if not newest.transcript.cues:
            raise NothingThere("This answer has no lines with times to ask about.", "Choose a transcript.")
        if asked.get("task", TRANSCRIPT) not in prompts.FROM_TRANSCRIPT:
            names = ", ".join(prompts.FROM_TRANSCRIPT)
            raise InputError("This task needs the video itself.", f"From a transcript: {names}.")
        source = run.request.source
        if run.asset_id and not source.asset_id:
            source = replace(source, asset_id=run.asset_id)
        about = TranscriptRef(run_id, newest.version.number)
        return self._new_request(source, model_id, about=about, **asked)

    def plan(self, request: RunRequest) -> Plan:
        """What would be sent; sends nothing. Raises UnknownModel, and NothingThere when the transcript is gone."""
        return plan_from_text(request, find_model(request.model_id, self._tools), lines_to_ask(request, self._tools))
