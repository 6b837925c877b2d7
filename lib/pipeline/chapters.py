"""Chapters of a video, from a run that made them."""

from __future__ import annotations

from lib.domain.run import Run, best_first
from lib.pipeline.tools import Tools

TASK = "chapters"


class Chapters:
    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def of(self, run: Run) -> tuple[tuple[float, str], ...]:
        """Starts, in seconds, and titles: those of the best finished run for chapters over the same video. Empty
        where there is none, and for such a run itself."""
        if run.request.task == TASK:
            return ()
        runs = self._tools.store.runs
        same = runs.of_asset(run.asset_id) if run.asset_id else runs.of_videos([run.request.source.video_id])
        for other in best_first(same, TASK):
            if found := self._tools.store.transcripts.get(other.id):
                return tuple((cue.start, cue.text) for cue in found.cues)
        return ()
