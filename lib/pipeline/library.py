"""Library: what was watched and said, what it cost, the room it takes, and how it goes."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from lib.domain.library import LONGEST_TAG, Choices, Farewell, Filters, Found, Hit, Month, Shelf, Space, Video
from lib.domain.media import Source
from lib.domain.run import Run
from lib.domain.search import find, fold, read_query
from lib.errors import InputError, NothingThere, StillGoingOn
from lib.pipeline.ingest import link_key
from lib.pipeline.posters import Posters
from lib.pipeline.tools import Tools
from lib.store import forget_backups

HITS_A_PAGE, VIDEOS_A_PAGE = 20, 12
GRACE_HOURS = 1.0
"""A file that was kept within the last hour may belong to a run that is only being planned."""
LEFT_SECONDS = 600.0
"""What grows in the temporary folder was touched within the last ten minutes."""


class LibraryJobs(Protocol):
    """What remembers the work on runs and copies: lib.jobs."""

    def forget(self, subject_id: str, attempts: int) -> None: ...


class Library:
    """Verbs for pages and the command line. ``jobs`` opens the job engine, for deleting alone."""

    def __init__(self, tools: Tools, jobs: Callable[[], LibraryJobs]) -> None:
        self._tools = tools
        self._jobs = jobs
        self._posters = Posters(tools)

    # Finding

    def search(self, text: str, filters: Filters | None = None, page: int = 1) -> Found:
        """One page of the places where it was said, from 1: every word, "phrases" whole, the last word as far as it
        is typed. Never raises for what was typed."""
        query = read_query(text)
        places = self._tools.store.search.find(query, filters)
        first = (max(page, 1) - 1) * HITS_A_PAGE
        passages = self._tools.store.search.passages(places.ids[first : first + HITS_A_PAGE])
        runs = self._tools.store.runs.some([run_id for run_id, _ in passages])
        hits = tuple(Hit(runs[run_id], find(query, passage)) for run_id, passage in passages if run_id in runs)
        return Found(hits, len(places.ids), places.is_more, places.is_ranked)

    def videos(self, filters: Filters | None = None, *, title: str = "", page: int = 1) -> Shelf:
        """One page of the videos, from 1, that have a run which the filters let through and all these words in their
        title."""
        offset = (max(page, 1) - 1) * VIDEOS_A_PAGE
        ids, count = self._tools.store.videos.page(filters or Filters(), title, limit=VIDEOS_A_PAGE, offset=offset)
        runs: dict[str, list[Run]] = defaultdict(list)
        for run in self._tools.store.runs.of_videos(ids):
            runs[run.request.source.video_id].append(run)
        assets = self._tools.store.assets.some([found for each in runs.values() if (found := _asset_id(each))])
        tags = self._tools.store.videos.tags_of(ids)
        return Shelf(
            tuple(
                Video(each, tuple(runs[each]), tags.get(each, ()), assets.get(_asset_id(runs[each]) or ""))
                for each in ids
                if each in runs
            ),
            count,
        )

    def runs_of(self, source: Source) -> list[Run]:
        """What was run over this video before, newest first."""
        return self.runs_of_video(source.video_id)

    def runs_of_video(self, video_id: str) -> list[Run]:
        """All runs of a video, newest first; none where there is no such video."""
        return self._tools.store.runs.of_videos([video_id])

    def choices(self) -> Choices:
        """The models, tasks and tags that there are to filter by."""
        return self._tools.store.videos.choices()

    def poster(self, asset_id: str) -> Path | None:
        """A small picture of the video, made once; None for sound alone and for what cannot be shown."""
        return self._posters.get(asset_id)

    # Tags

    def tags(self) -> list[tuple[str, int]]:
        """Every tag with the number of its videos."""
        return self._tools.store.videos.tags()

    def tag(self, video_id: str, name: str) -> str:
        """Give a video a tag; gives its spelling, which is that of a tag there is already. Raises InputError."""
        name = " ".join(name.split())
        if not 0 < len(name) <= LONGEST_TAG:
            raise InputError("That is no tag.", f"A tag is a word or a few, up to {LONGEST_TAG} characters.")
        spelling = next((known for known, _ in self.tags() if fold(known) == fold(name)), name)
        self._tools.store.videos.tag(video_id, spelling)
        return spelling

    def untag(self, video_id: str, name: str) -> None:
        self._tools.store.videos.untag(video_id, name)

    # Money and room

    def spending_by_month(self) -> list[Month]:
        """What runs really cost, deleted ones included; months without any are left out, the earliest is first."""
        return self._tools.store.spending.by_month()

    def space(self) -> Space:
        """What takes how many bytes. Looks at every file."""
        files = self._tools.files
        media, renditions, leftovers, weights = map(files.used_bytes, ("media", "renditions", "temporary", "weights"))
        database = sum(path.stat().st_size for path in files.data_dir.glob("*.db*") if path.is_file())
        others = max(0, files.used_bytes() - media - renditions - leftovers - weights - database)
        return Space(
            media=media,
            unneeded=sum(self._file_bytes(each) for each in self._unneeded()),
            renditions=renditions,
            leftovers=leftovers,
            weights=weights,
            database=database,
            others=others,
        )

    def kept_bytes(self) -> int:
        """The bytes of all media that are kept, on whichever machine or in the media store."""
        return self._tools.store.assets.total_bytes()

    def free_renditions(self) -> int:
        """Remove all that was made for sending, captioned copies and posters; gives the bytes freed. It is made again
        when it is wanted. Raises StillGoingOn."""
        self._refuse_while_at_work("What was made for sending is in use")
        before = self._tools.files.used_bytes("renditions")
        self._tools.files.sweep_renditions(0)
        self._tools.store.removals.forget_renditions()
        return before - self._tools.files.used_bytes("renditions")

    def free_unneeded(self) -> int:
        """Remove the media that no run needs; gives the bytes freed."""
        asset_ids = self._unneeded()
        freed = sum(self._file_bytes(each) for each in asset_ids)
        self._remove_files(asset_ids)
        self._tools.store.removals.forget_assets(asset_ids)
        return freed

    def free_lost(self) -> None:
        """Remove the media here that nobody knows of, and from the media store: what another machine deleted, and what
        a broken-off deletion left. Whoever took a video in has it, so nothing stays in the store. Raises StorageError.
        """
        for asset_id in self._lost():
            self._tools.files.remove(asset_id)

    def free_leftovers(self) -> int:
        """Remove what downloads and encodings left that broke off; gives the bytes freed."""
        before = self._tools.files.used_bytes("temporary")
        self._tools.files.sweep(LEFT_SECONDS)
        return max(0, before - self._tools.files.used_bytes("temporary"))

    # Deleting

    def farewell_to_run(self, run_id: str) -> Farewell:
        """What ``delete_run`` would take along. Raises NothingThere."""
        copies = self._tools.store.removals.copies_of([run_id])
        return self._farewell([self._known(run_id)], rendition_bytes=self._made_bytes(copies))

    def farewell_to_video(self, video_id: str) -> Farewell:
        """What ``delete_video`` would take along. Raises NothingThere."""
        runs, removals = self._known_video(video_id), self._tools.store.removals
        asset_ids = removals.assets_of_video(video_id)
        made = [*removals.renditions_of(asset_ids), *removals.copies_of([run.id for run in runs])]
        return self._farewell(
            runs,
            file_bytes=sum(self._file_bytes(each) for each in asset_ids),
            rendition_bytes=self._made_bytes(made),
            is_shared=not asset_ids and any(run.asset_id for run in runs),
        )

    def delete_run(self, run_id: str) -> None:
        """Delete a run: its transcripts, what finds them, the answers that only it paid for, the conversations that it
        has a part in, copies with its captions, its jobs. Its media stays.

        Raises NothingThere, and StillGoingOn while it is not over.
        """
        self._clear_up(self._delete_run(run_id))

    def delete_runs(self, run_ids: Iterable[str]) -> int:
        """Delete those of them that are there and over, as above; gives how many that were."""
        count, forgotten = 0, {}
        try:
            for run_id in run_ids:
                with suppress(NothingThere, StillGoingOn):
                    forgotten |= self._delete_run(run_id)
                    count += 1
        finally:
            # Also for those that were deleted before one failed.
            if forgotten:
                self._clear_up(forgotten)
        return count

    def _delete_run(self, run_id: str) -> dict[str, int]:
        """Gives what the job engine is to forget of it. Raises NothingThere and StillGoingOn."""
        self._known(run_id)
        removals = self._tools.store.removals
        attempts, copies = self._attempts([run_id]), removals.copies_of([run_id])
        if not removals.run(run_id):
            raise StillGoingOn("This run is still going on.")
        self._tools.files.remove_renditions(copies)
        return attempts | copies

    def delete_video(self, video_id: str) -> None:
        """Delete a video: all its runs, its tags, its file and all that was made of it, unless another video's runs
        need the file.

        Raises NothingThere, and StillGoingOn while one of its runs is not over.
        """
        runs, removals = self._known_video(video_id), self._tools.store.removals
        run_ids = [run.id for run in runs]
        attempts, copies = self._attempts(run_ids), removals.copies_of(run_ids)
        asset_ids = removals.assets_of_video(video_id)
        rendition_ids = removals.renditions_of(asset_ids)
        if not removals.video(video_id, asset_ids):
            raise StillGoingOn("A run over this video is still going on.")
        self._remove_files(asset_ids, [*rendition_ids, *copies])
        for url in {run.request.source.url for run in runs} - {None}:
            for hears_only in (False, True):
                self._tools.files.remove_link_folder(link_key(url, hears_only))
        self._clear_up(attempts | copies)

    def _attempts(self, run_ids: Sequence[str]) -> dict[str, int]:
        """What the job engine remembers of runs, and of what was asked about them."""
        removals = self._tools.store.removals
        return removals.attempts(run_ids) | removals.exchanges_of(run_ids)

    def _clear_up(self, attempts: dict[str, int]) -> None:
        try:
            for subject_id, number in attempts.items():
                self._jobs().forget(subject_id, number)
            self._tools.vault.forget_unused()
            self._tools.store.search.purge()
        finally:
            forget_backups(self._tools.settings.database_url, self._tools.settings.backups_dir)

    def _farewell(self, runs: Sequence[Run], **bytes_and_more: object) -> Farewell:
        return Farewell(
            title=runs[0].request.source.title,
            runs=len(runs),
            transcripts=self._tools.store.removals.transcripts([run.id for run in runs]),
            conversations=self._tools.store.removals.conversations([run.id for run in runs]),
            going_on=tuple(run for run in runs if not run.state.is_over),
            **bytes_and_more,
        )

    def _remove_files(self, asset_ids: Iterable[str], rendition_ids: Iterable[str] | None = None) -> None:
        asset_ids = list(asset_ids)
        if rendition_ids is None:
            rendition_ids = self._tools.store.removals.renditions_of(asset_ids)
        self._tools.files.remove_renditions(rendition_ids)
        for asset_id in asset_ids:
            self._tools.files.remove(asset_id)

    def _unneeded(self) -> list[str]:
        """The media that no run needs, and files that a broken-off deletion left; none of the last hour."""
        moment = datetime.now(UTC) - timedelta(hours=GRACE_HOURS)
        unneeded = self._tools.store.removals.unneeded_assets(moment.isoformat(timespec="milliseconds"))
        return [*unneeded, *self._lost()]

    def _lost(self) -> list[str]:
        """The files here that nobody knows of; none of the last hour."""
        known = self._tools.store.assets.ids()
        oldest = time.time() - GRACE_HOURS * 3600
        here = self._tools.files.asset_ids()
        return [each for each in here if each not in known and self._kept_at(each) < oldest]

    def _kept_at(self, asset_id: str) -> float:
        path = self._tools.files.here(asset_id)
        return path.stat().st_mtime if path else time.time()

    def _file_bytes(self, asset_id: str) -> int:
        path = self._tools.files.here(asset_id)
        return path.stat().st_size if path else 0

    def _made_bytes(self, rendition_ids: Iterable[str]) -> int:
        return sum(path.stat().st_size for path in self._tools.files.renditions(rendition_ids) if path.exists())

    def _refuse_while_at_work(self, why: str) -> None:
        if self._tools.store.runs.unfinished():
            raise StillGoingOn(f"{why}: a run is going on.")
        if self._tools.store.conversations.unfinished():
            raise StillGoingOn(f"{why}: a question is being answered.")

    def _known(self, run_id: str) -> Run:
        run = self._tools.store.runs.some([run_id]).get(run_id)
        if run is None:
            raise NothingThere("There is no such run.", "It may have been deleted already.")
        return run

    def _known_video(self, video_id: str) -> list[Run]:
        runs = self.runs_of_video(video_id)
        if not runs:
            raise NothingThere("There is no such video.", "It may have been deleted already.")
        return runs


def _asset_id(runs: Sequence[Run]) -> str | None:
    """The media of the newest run that has any."""
    return next((run.asset_id for run in runs if run.asset_id), None)
