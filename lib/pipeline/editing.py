"""Editing: what a person does to a transcript, line by line.

Every change is kept before the page is drawn anew. A page may send the same change twice, when it has not heard that
it arrived, and two windows may edit at once: each change is made once, and on the line that its sender saw.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from lib.domain.changes import Change, Wish, edit_of
from lib.domain.differences import num_changed
from lib.domain.edits import Edit, apply, inverse, joined
from lib.domain.history import History, history_of
from lib.domain.media import Clip
from lib.domain.run import Run
from lib.domain.transcript import Transcript, Word
from lib.domain.versions import Author, Version, VersionedTranscript
from lib.errors import LineChanged
from lib.pipeline.run import answers_of, heard_of, known_run, reassessed
from lib.pipeline.tools import Tools
from lib.pipeline.versions import bounds_of, newest_of, version_of
from lib.store.transcripts import Logged


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of the changes that a reader sent: up to which number they are dealt with, and those that could not
    be made, each with a sentence that says why."""

    number: int
    refused: tuple[tuple[int, str], ...] = ()


class Editing:
    """The verbs of editing."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def take(self, run_id: str, reader: str, changes: Sequence[Change]) -> Taken:
        """Make the changes of a reader, in order, those that were not made before. ``reader`` is its own name, a new
        one for each window.

        What cannot be made is told, and those after it are made all the same. Raises NothingThere for a run without a
        transcript, and StorageError.
        """
        run = known_run(run_id, self._tools)
        number = self._shelf.last_change(run_id, reader)
        refused = []
        for change in changes:
            if change.number <= number:
                continue
            try:
                self._make(run, reader, change)
            except LineChanged as error:
                refused.append((change.number, f"{error} {error.hint}"))
            number = change.number
        return Taken(number, tuple(refused))

    def history(self, run_id: str) -> History:
        """What can be undone and done again: the edits since a model last wrote, or a version was restored."""
        log: list[Edit] = []
        for version in self._shelf.versions(run_id):
            if version.author is not Author.EDIT:
                break
            log = [*(logged.edit for logged in self._shelf.log(run_id, version.number)), *log]
        return history_of(log)

    def bounds(self, run: Run, transcript: Transcript) -> Clip:
        """The first and last second that a line of the run may have."""
        return bounds_of(run, transcript.cues, self._tools)

    def measure(self, run_id: str) -> None:
        """Measure the health of the lines as they are now: about a second for an hour of speech."""
        run, newest = known_run(run_id, self._tools), newest_of(run_id, self._tools)
        if run.health is None or run.plan is None:
            return
        health = reassessed(run, newest.transcript, answers_of(run, self._tools), self._tools)
        self._tools.store.runs.set_health(run_id, health, newest.version)

    def _make(self, run: Run, reader: str, change: Change) -> None:
        is_kept = False
        while not is_kept:  # another may write between our reading and our writing: then once more
            newest = newest_of(run.id, self._tools)
            if change.wish is Wish.LEAVE:
                is_kept = self._take_back(run.id, newest, reader, change.gesture)
                continue
            edit = self._edit(run, newest.transcript, change)
            is_kept = edit is None or self._keep(run.id, newest, Logged(edit, reader, change.number, change.gesture))

    def _edit(self, run: Run, transcript: Transcript, change: Change) -> Edit | None:
        if change.wish is Wish.UNDO:
            return self.history(run.id).undo
        if change.wish is Wish.REDO:
            return self.history(run.id).redo
        bounds = bounds_of(run, transcript.cues, self._tools)
        edit = edit_of(change, transcript.cues, bounds, lambda: self._words(run))
        return None if edit.is_empty else edit

    def _keep(self, run_id: str, newest: VersionedTranscript, logged: Logged) -> bool:
        version, before = newest.version, newest.transcript
        edited = apply(before, logged.edit)
        if not version.takes_edits(datetime.now(UTC)):
            lines = num_changed(before.cues, edited.cues)
            number = self._shelf.keep_after(
                run_id, edited, version, author=Author.EDIT, lines_changed=lines, added=logged
            )
            return number is not None
        last = next(reversed(self._shelf.log(run_id, version.number)), None)
        whole = _whole(last, logged)
        added = logged if whole is None else None if whole.is_empty else replace(logged, edit=whole)
        return self._extend(run_id, version, edited, added, dropped=0 if whole is None else 1)

    def _take_back(self, run_id: str, newest: VersionedTranscript, reader: str, gesture: str) -> bool:
        """Leave a line as it was before a gesture: what was typed in it is struck from the log."""
        transcript = newest.transcript
        dropped = 0
        for logged in reversed(self._shelf.log(run_id, newest.version.number)):
            if (logged.reader, logged.gesture) != (reader, gesture):
                break
            transcript = apply(transcript, inverse(logged.edit))
            dropped += 1
        return not dropped or self._extend(run_id, newest.version, transcript, None, dropped=dropped)

    def _extend(
        self, run_id: str, version: Version, transcript: Transcript, added: Logged | None, *, dropped: int
    ) -> bool:
        before = version_of(run_id, version.number - 1, self._tools)
        lines = num_changed(before.cues, transcript.cues)
        return self._shelf.extend(run_id, version, transcript, lines_changed=lines, added=added, dropped=dropped)

    @property
    def _shelf(self):
        return self._tools.store.transcripts

    def _words(self, run: Run) -> tuple[Word, ...]:
        """The words heard in what was run, beside a remote model or by a local one."""
        if run.plan is None:
            return ()
        return heard_of(run, self._tools).words or tuple(
            word
            for _, generation in answers_of(run, self._tools)
            for segment in generation.segments
            for word in segment.words
        )


def _whole(last: Logged | None, logged: Logged) -> Edit | None:
    """Both as one edit, where they are of one gesture: the letters of a line, the steps of a time."""
    if last is None or not logged.gesture or (last.reader, last.gesture) != (logged.reader, logged.gesture):
        return None
    return joined(last.edit, logged.edit)
