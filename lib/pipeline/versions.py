"""Versions of a run's transcript: what its parts gave, kept without touching what a person has done to it since;
what each version changed; older ones restored."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lib.domain.differences import Difference, differences, num_changed
from lib.domain.edits import apply, put_in_place
from lib.domain.media import Clip
from lib.domain.run import Run
from lib.domain.transcript import Cue, Transcript
from lib.domain.versions import Author, Version, VersionedTranscript
from lib.errors import NothingThere
from lib.pipeline.tools import Tools


class Versions:
    """The verbs of versions."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def all(self, run_id: str) -> list[Version]:
        """The newest first."""
        return self._tools.store.transcripts.versions(run_id)

    def newest(self, run_id: str) -> VersionedTranscript | None:
        return self._tools.store.transcripts.newest(run_id)

    def difference(self, run_id: str, number: int) -> tuple[Difference, ...]:
        """What a version changed in the one before it; the first one changed nothing. Raises NothingThere."""
        if number == 1:
            return ()
        return differences(
            version_of(run_id, number - 1, self._tools).cues, version_of(run_id, number, self._tools).cues
        )

    def restore(self, run_id: str, number: int) -> int:
        """Make an older version the newest again, as a version of its own: nothing is lost. Gives its number.

        Raises NothingThere.
        """
        record = version_of(run_id, number, self._tools)
        return add_version(run_id, lambda _: record, Author.RESTORED, f"version {number}", self._tools)


def keep_version(run: Run, attempt: int, fresh: Transcript, tools: Tools) -> VersionedTranscript:
    """The newest version of a run's transcript, once ``fresh``, made of all its answers, is in it.

    The first one is kept as it is, and so is one that comes after a repair as long as nobody has edited. From then on
    only the lines of the parts that were answered anew are replaced, and all others stay as they are. Nothing is kept
    twice when the attempt is ended twice, as after a crash.
    """
    shelf = tools.store.transcripts
    while True:
        newest = shelf.newest(run.id)
        if newest is None:
            shelf.keep_after(run.id, fresh, None, author=Author.MODEL, attempt=attempt)
            continue
        last = shelf.attempt(run.id) or 0
        anew = tools.store.runs.answered_since(run.id, last)
        if last >= attempt or not anew:
            return VersionedTranscript(newest.version, fresh) if newest.transcript == fresh else newest
        record = fresh
        if fresh.cues and not is_untouched(run.id, tools):
            stretches = [stretch for number in anew for stretch in run.plan.parts[number].excerpt.stretches]
            record = apply(newest.transcript, put_in_place(newest.transcript.cues, stretches, fresh.cues))
        shelf.keep_after(
            run.id,
            record,
            newest.version,
            author=Author.REPAIR,
            note=_parts_words(anew),
            attempt=attempt,
            lines_changed=num_changed(newest.transcript.cues, record.cues),
        )


def is_untouched(run_id: str, tools: Tools) -> bool:
    """Whether the transcript is just what models answered, with nothing of a person in it."""
    return all(version.author.is_made_of_answers for version in tools.store.transcripts.versions(run_id))


def _parts_words(numbers: Sequence[int]) -> str:
    """``part 3``, ``parts 2, 5 and 7``."""
    *rest, last = (str(number + 1) for number in numbers)
    return f"parts {', '.join(rest)} and {last}" if rest else f"part {last}"


def newest_of(run_id: str, tools: Tools) -> VersionedTranscript:
    """Raises NothingThere for a run without a transcript."""
    newest = tools.store.transcripts.newest(run_id)
    if newest is None:
        raise NothingThere("This run has no transcript yet.", "Wait until it is done, or press Retry.")
    return newest


def version_of(run_id: str, number: int, tools: Tools) -> Transcript:
    """Raises NothingThere for a version that there is not."""
    found = tools.store.transcripts.version(run_id, number)
    if found is None:
        raise NothingThere(f"There is no version {number}.", "Open the list of versions anew.")
    return found


def add_version(run_id: str, make: Callable[[Transcript], Transcript], author: Author, note: str, tools: Tools) -> int:
    """Keep what ``make`` makes of the newest version as a new one; gives its number. Raises NothingThere."""
    number = None
    while number is None:
        number = try_version(run_id, make, author, note, tools)
    return number


def try_version(
    run_id: str,
    make: Callable[[Transcript], Transcript],
    author: Author,
    note: str,
    tools: Tools,
    *,
    rerun_id: str | None = None,
) -> int | None:
    """The same, once: None, and nothing is kept, where another was quicker. ``rerun_id`` is the run of a stretch whose
    lines are put in place."""
    newest = newest_of(run_id, tools)
    record = make(newest.transcript)
    lines = num_changed(newest.transcript.cues, record.cues)
    return tools.store.transcripts.keep_after(
        run_id, record, newest.version, rerun_id=rerun_id, author=author, note=note, lines_changed=lines
    )


def bounds_of(run: Run, cues: Sequence[Cue], tools: Tools) -> Clip:
    """Where a run's lines may lie: in its clip, or, where the length was never told, up to the last line."""
    if run.plan is not None and run.plan.clip is not None:
        return run.plan.clip
    asset = tools.store.assets.get(run.asset_id) if run.asset_id else None
    end = asset.duration if asset else max((cue.end for cue in cues), default=0.0)
    return Clip(run.request.start, max(run.request.end or end, run.request.start + 1.0))
