"""The wiring: builds everything once from Settings and offers the verbs that the pages and the command line use."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from lib import prompts
from lib.domain.batch import Seat
from lib.domain.counters import Counters
from lib.domain.cues import CueShape
from lib.domain.excerpt import apart
from lib.domain.media import Clip, MediaAsset, Source, SourceKind
from lib.domain.model import Model
from lib.domain.plan import Plan, Quality, RouteChoice, Times
from lib.domain.run import Run, RunRequest, Task, TranscriptRef
from lib.domain.transcript import Transcript
from lib.domain.workers import WorkerSeen
from lib.errors import DiskFull, FolderReadOnly, InputError, KeyMissing, NothingThere, PlanRefused, StorageError
from lib.files import MediaFiles
from lib.formats import ExportOptions
from lib.media.ffmpeg import ffmpeg_path
from lib.media.limits import hold_to
from lib.media_store import MediaStore
from lib.openrouter import Catalogue, CatalogueKeeper, KeyStatus, OpenRouter, nearest
from lib.pipeline.batches import Batches
from lib.pipeline.budget import Budget
from lib.pipeline.captions import Captions
from lib.pipeline.chapters import Chapters
from lib.pipeline.comparisons import Comparisons
from lib.pipeline.conversations import Conversations
from lib.pipeline.copies import Copies
from lib.pipeline.doctor import Doctor
from lib.pipeline.editing import Editing
from lib.pipeline.export import EVERY_FORMAT, Export, Exportable, export, export_zip, run_record
from lib.pipeline.from_transcript import FromTranscript
from lib.pipeline.ingest import facts_of, keep_path, keep_stream
from lib.pipeline.keys import Keys
from lib.pipeline.library import Library
from lib.pipeline.paying import check_price
from lib.pipeline.plan import MediaFacts, alternatives, make_plan
from lib.pipeline.proposals import Proposals
from lib.pipeline.queue import Queue
from lib.pipeline.rehearsal import PreparedPart, prepare_only
from lib.pipeline.requests import of_today
from lib.pipeline.reruns import Reruns
from lib.pipeline.reshape import reshape
from lib.pipeline.run import find_model
from lib.pipeline.saved_prompts import SavedPrompts
from lib.pipeline.tools import Opened, Tools
from lib.pipeline.users import Users
from lib.pipeline.versions import Versions
from lib.settings import Settings
from lib.speech import Listener, local_models
from lib.store import Measured, Preferences, Store
from lib.vault import Vault
from lib.worker_process import WorkerProcess
from lib.ytdlp import LinkDoor, LinkPlaylist, LinkVideo, Need

if TYPE_CHECKING:
    from lib.jobs import Jobs

__all__ = [
    "EVERY_FORMAT",
    "Catalogue",
    "Export",
    "ExportOptions",
    "KeyStatus",
    "LinkPlaylist",
    "LinkVideo",
    "Preferences",
    "PreparedPart",
    "Services",
    "open_services",
    "open_tools",
]


LEAST_ROOM = 1 << 20
"""A disk with fewer bytes free than this is full: a database grows by some kilobytes at a time."""


def open_tools(settings: Settings, *, patience_seconds: float = 20.0) -> Tools:
    """The tools of the pipeline. Raises StorageError when the data folder or the database cannot be used.

    A database that another program holds is waited for so long.
    """
    hold_to(settings.media_limits)

    def fetch_models() -> dict:
        client = OpenRouter(settings.openrouter_base_url, settings.openrouter_api_key)
        try:
            return client.fetch_models()
        finally:
            client.close()

    catalogue = CatalogueKeeper(settings.data_dir / "catalogue.json", fetch_models)

    def openrouter(base_url: str, key: str | None) -> OpenRouter:
        return OpenRouter(base_url, key, nearest=lambda model_id: nearest(model_id, catalogue.get().models))

    tools = Tools(
        **_library(settings, patience_seconds),
        listener=Listener(settings.data_dir / "weights"),
        catalogue=catalogue,
        openrouter=openrouter,
    )

    def open_user(user_id: str) -> Tools:
        return replace(tools, **_library(settings.for_user(user_id), patience_seconds))

    users = Opened(open_user, lambda each: each.close())
    return replace(tools, users=users)


def _library(settings: Settings, patience_seconds: float) -> dict[str, object]:
    """The tools that are one library's own: what is kept, and the ways to it."""
    store = Store(settings.database_url, settings.database_schema, patience_seconds=patience_seconds)
    inside = f"users/{settings.user_id}" if settings.user_id else ""
    shared = MediaStore(settings.media_url, inside) if settings.media_url else None

    def links(allow_private: bool) -> LinkDoor:
        # A path on this machine is for who may read here, not for each who signs in.
        cookies = store.preferences.get().cookies_file if settings.user_id is None else None
        return LinkDoor(
            ffmpeg_path=ffmpeg_path(),
            allow_private=allow_private,
            cookies_file=Path(cookies) if cookies else None,
            max_bytes=settings.download_limit_bytes,
            max_seconds=settings.media_limits.seconds,
            patience_seconds=settings.download_limit_seconds,
            cache_folder=settings.shared.data_dir / "cache" / "yt-dlp",
        )

    return {
        "settings": settings,
        "store": store,
        "files": MediaFiles(settings.data_dir, shared),
        "vault": Vault(settings.shared.data_dir, store, settings.vault_key),
        "links": links,
    }


def open_services(settings: Settings) -> Services:
    """Everything a page or the command line needs, built once. Raises StorageError."""
    return Services(settings, open_tools(settings))


class Services:
    """``installation`` are the services that those of a user share the worker and the connection to the jobs with."""

    def __init__(self, settings: Settings, tools: Tools, installation: Services | None = None) -> None:
        self.settings = settings
        self._tools = tools
        self._jobs = None
        self._installation = installation
        self._worker = installation._worker if installation else WorkerProcess(settings.worker_environment())
        self._users = Opened(self._open_user, lambda each: each.close())
        self._queue = Queue(tools, self.ensure_worker)
        self.budget = Budget(tools)
        self.captions = Captions(tools)
        self.chapters = Chapters(tools)
        self.comparisons = Comparisons(tools, self.submit, self.captions.fetch)
        self.batches = Batches(tools, self, self.comparisons.of_runs, self.budget)
        self.conversations = Conversations(tools, self._open_jobs, self._queue, self._key_for)
        self.copies = Copies(tools, self._open_jobs, self._queue)
        self.doctor = Doctor(tools)
        self.editing = Editing(tools)
        self.from_transcript = FromTranscript(tools, self.new_request)
        self.keys = Keys(tools)
        self.library = Library(tools, self._open_jobs)
        self.proposals = Proposals(tools)
        self.reruns = Reruns(tools, self.new_request, self.submit)
        self.saved_prompts = SavedPrompts(tools)
        self.users = Users(tools, self._open_jobs)
        self.versions = Versions(tools)

    def of_user(self, user_id: str) -> Services:
        """The services of a user's own library. Raises StorageError."""
        return self._users.get(user_id)

    # What the user chose, and what there is to choose from

    def preferences(self) -> Preferences:
        return self._tools.store.preferences.get()

    def save_preferences(self, preferences: Preferences) -> None:
        self._tools.store.preferences.save(preferences)

    def catalogue(self, *, refresh: bool = False) -> Catalogue:
        """The living OpenRouter models; never raises, ``problem`` says what is wrong."""
        return self._tools.catalogue.get(refresh=refresh)

    def local_models(self) -> tuple[Model, ...]:
        return local_models(self._tools.weights_dir)

    def model(self, model_id: str) -> Model:
        """Raises UnknownModel with the nearest living ones."""
        return find_model(model_id, self._tools)

    def tasks(self) -> tuple[Task, ...]:
        return prompts.tasks()

    # Sources

    def keep_upload(self, stream: BinaryIO, name: str, *, kind: SourceKind = SourceKind.UPLOAD) -> Source:
        """Spool an upload into the store and measure it. Raises MediaError or StorageError; then nothing is kept."""
        return keep_stream(stream, name, kind, self._tools)

    def keep_file(self, path: Path) -> Source:
        """The same for a file on this machine's disk."""
        return keep_path(path, SourceKind.FILE, self._tools)

    def look_up(self, url: str, *, hears_only: bool = False) -> LinkVideo | LinkPlaylist:
        """What a link leads to, and how large the download would be. Raises LinkError and NoSound."""
        return self._tools.links(self.settings.allow_private_urls).look_up(url, Need(hears_only=hears_only))

    def picture(self, source: Source) -> bytes | None:
        """The small picture of a link that was looked up, fetched here; None where there is none. Never raises."""
        if not source.picture_url:
            return None
        return self._tools.links(self.settings.allow_private_urls).picture(source.picture_url)

    def asset(self, asset_id: str) -> MediaAsset | None:
        return self._tools.store.assets.get(asset_id)

    def media_path(self, asset_id: str) -> Path | None:
        """The file of an asset, for the route that plays it; None for anything that is no asset of ours."""
        return self._tools.files.path(asset_id)

    # Plans and runs

    def new_request(
        self,
        source: Source,
        model_id: str,
        *,
        task: str = "transcript",
        prompt: str | None = None,
        start: float = 0.0,
        end: float | None = None,
        track: int = 0,
        language: str | None = None,
        terms: tuple[str, ...] = (),
        quality: Quality | None = None,
        route: RouteChoice = RouteChoice.AUTO,
        times: Times = Times.AUDIO,
        cue_shape: CueShape | None = None,
        stretches: Sequence[Clip] = (),
        about: TranscriptRef | None = None,
        cap_usd: Decimal | None = None,
        order_id: str | None = None,
        accepts_unknown_price: bool = False,
    ) -> RunRequest:
        """A request with the settings of today filled in. Raises InputError for an unknown task or no prompt.

        ``stretches`` in any order, overlapping or not, take the place of ``start`` and ``end``. Without
        ``cap_usd`` that of Settings holds, as it is when something is sent.
        """
        preferences = self.preferences()
        chosen = apart(stretches)
        if chosen:
            start, end = chosen[0].start, chosen[-1].end
        if prompts.task(task).name == prompts.CUSTOM and not (prompt or "").strip():
            raise InputError("Your own prompt is empty.", "Write what the model should do.")
        request = RunRequest(
            source=source,
            model_id=model_id,
            task=task,
            prompt=prompt if task == prompts.CUSTOM else None,
            start=start,
            end=end,
            track=track,
            language=language or None,
            terms=terms,
            quality=quality or (Quality.VISUAL if task == "shown" else Quality.SPEECH),
            route=route,
            times=times,
            cue_shape=cue_shape or preferences.cue_shape,
            part_seconds=preferences.part_seconds,
            stretches=chosen if len(chosen) > 1 else (),
            about=about,
            own_cap_usd=cap_usd,
            order_id=order_id,
            accepts_unknown_price=accepts_unknown_price,
        )
        return of_today(request, self._tools)

    def plan(self, request: RunRequest) -> Plan:
        """What would be sent; sends nothing. Raises UnknownModel, or MediaError when the media is gone."""
        if request.about is not None:
            return self.from_transcript.plan(request)
        model = self.model(request.model_id)
        return make_plan(request, model, self._facts(request.source), self._measured(model))

    def alternatives(self, request: RunRequest) -> tuple[Plan, ...]:
        """Every way in which the clip could reach the model, the one taken by itself first."""
        if request.about is not None:
            return ()
        model = self.model(request.model_id)
        return alternatives(request, model, self._facts(request.source), self._measured(model))

    def prepare(self, request: RunRequest, say: Callable[[str], None]) -> tuple[Plan, list[PreparedPart]]:
        """The files that a run would send, made here and now, and the plan; sends nothing. ``say`` gets progress.

        Raises PlanRefused, MediaError and LinkError.
        """
        if request.about is not None:
            return self.plan(request), []
        return prepare_only(request, self.model(request.model_id), self._tools, say)

    def submit(
        self,
        request: RunRequest,
        *,
        key: str | None = None,
        again_of: str | None = None,
        seat: Seat | None = None,
        comparison_id: str | None = None,
    ) -> Run:
        """Queue a run, with the settings of today, whenever it was first asked for. ``again_of`` is the run of which it
        runs a stretch again, ``seat`` the item of a batch that it is started for, ``comparison_id`` the comparison that
        it is a column of.

        Raises UnknownModel, PlanRefused, PriceUnknown or KeyMissing; then nothing is queued.
        """
        request = of_today(request, self._tools)
        plan = self.plan(request)
        if plan.refusal:
            raise PlanRefused(plan.refusal)
        check_price(self.model(request.model_id), request.accepts_unknown_price)
        key = self._key_for(request.model_id, key)
        run_id = uuid.uuid4().hex
        request = replace(request, key_ref=self._reference(key))
        where = {"again_of": again_of, "seat": seat, "comparison_id": comparison_id}
        self._tools.store.runs.add(run_id, request, plan, **where)
        self._put(run_id, key, lambda jobs: jobs.submit(run_id, 1))
        return self._tools.store.runs.get(run_id)

    def retry(self, run_id: str, *, key: str | None = None, accepts_unknown_price: bool = False) -> Run:
        """Queue a run that is over once more: what was finished is found again, only the rest is done.

        It is asked with the settings of today: another form of the video part, another limit, another server.
        """
        run = self._known(run_id)
        key = self._key_for(run.request.model_id, key)
        request = self._renewed(run.request, run.request.model_id, key, accepts_unknown_price)
        attempt = self._tools.store.runs.again(run_id, request)
        if attempt is not None:
            self._put(run_id, key, lambda jobs: jobs.submit(run_id, attempt))
        return self._known(run_id)

    def repair(
        self,
        run_id: str,
        number: int,
        *,
        model_id: str | None = None,
        key: str | None = None,
        accepts_unknown_price: bool = False,
    ) -> Run:
        """Ask one part of a finished run again, perhaps of another model; the other parts stay as they are.

        Raises InputError where there is no such part, and what ``submit`` raises.
        """
        run = self._known(run_id)
        if not 0 <= number < len(run.parts):
            raise InputError(f"This run has no part {number + 1}.")
        key = self._key_for(model_id or run.request.model_id, key)
        request = self._renewed(run.request, model_id or run.request.model_id, key, accepts_unknown_price)
        attempt = self._tools.store.runs.again(run_id, request)
        if attempt is not None:
            self._put(run_id, key, lambda jobs: jobs.repair(run_id, attempt, number, model_id))
        return self._known(run_id)

    def cancel(self, run_id: str) -> None:
        """Stop a run; what it had finished is kept. Does nothing when it is over."""
        attempt = self._tools.store.runs.attempt(run_id)
        if self._tools.store.runs.cancel(run_id):
            self._open_jobs().cancel(run_id, attempt)
            self._tools.vault.forget_unused()

    def run(self, run_id: str) -> Run | None:
        return self._tools.store.runs.get(run_id)

    def runs(self, *, limit: int = 100) -> list[Run]:
        """The newest first."""
        return self._tools.store.runs.newest(limit)

    def transcript(self, run_id: str) -> Transcript | None:
        """None until the run has one."""
        return self._tools.store.transcripts.get(run_id)

    def reshape(self, run_id: str, shape: CueShape | None = None) -> Run:
        """Lay out the lines of a transcript anew, as a new version: as the settings of today say, or as ``shape``.

        Nothing is asked and nothing paid. Raises InputError and NothingThere.
        """
        reshape(run_id, shape or self.preferences().cue_shape, self._tools)
        return self._known(run_id)

    def export(self, run_id: str, format: str, options: ExportOptions | None = None) -> Export:
        """The transcript in a format, or zipped in ``all`` of them.

        Raises InputError for an unknown format, NothingThere for a run without a transcript.
        """
        run, transcript = self._known(run_id), self.transcript(run_id)
        if transcript is None:
            raise NothingThere("This run has no transcript yet.", "Wait until it is done, or press Retry.")
        return export(run, transcript, self._asset_of(run), format, options)

    def export_zip(
        self, run_ids: Iterable[str], formats: Sequence[str] = (), options: ExportOptions | None = None
    ) -> Export:
        """One zip of several runs' transcripts, each in all these formats, or in every one when none is named.

        Runs without a transcript are left out. Raises InputError for an unknown format, and when nothing is left.
        """
        runs = [self._known(run_id) for run_id in dict.fromkeys(run_ids)]
        found = [(run, self.transcript(run.id)) for run in runs]
        kept = [Exportable(run, transcript, self._asset_of(run)) for run, transcript in found if transcript]
        return export_zip(kept, formats, options)

    def run_record(self, run_id: str) -> dict[str, object]:
        """The run as one JSON-ready object."""
        run = self._known(run_id)
        return run_record(run, self.transcript(run_id), self._asset_of(run))

    # Keys, tools and the worker

    def check_key(self, key: str) -> KeyStatus:
        """Costs nothing. Raises KeyRejected or ServiceUnreachable."""
        client = OpenRouter(self.settings.openrouter_base_url, key)
        try:
            return client.check_key()
        finally:
            client.close()

    def ensure_worker(self) -> None:
        """See to it that a worker runs, and ends with this process. Idempotent."""
        self._worker.ensure()

    def worker_problem(self) -> StorageError | None:
        """Why nothing is worked on, when the worker that this process keeps dies again and again."""
        if self._worker.early_deaths < 3:
            return None
        log = self.settings.shared.data_dir / "logs" / "worker.log"
        return self.disk_problem() or StorageError("The worker cannot start.", f"See {log}.")

    def counters(self, since: datetime | None = None) -> Counters:
        """What was worked on since a moment, or ever."""
        return self._tools.store.counting.since(since)

    def workers(self) -> list[WorkerSeen]:
        """The workers that live, on whichever machine; none are counted where only this machine can have one."""
        if not self.settings.is_shared:
            return []
        return [each for each in self._tools.store.workers.seen() if each.is_alive]

    def problems(self) -> list[str]:
        """Why the app cannot do its work now, in words; empty when it can."""
        found = [error for error in (self.disk_problem(), self.worker_problem()) if error is not None]
        words = [str(error) for error in found]
        return words if self._tools.store.answers() else [*words, "The database does not answer."]

    def disk_problem(self) -> StorageError | None:
        """That the disk is full or takes nothing from us, which a run under way cannot write down itself."""
        folder = self.settings.data_dir
        if folder.exists() and not os.access(folder, os.W_OK):
            return FolderReadOnly(f"Nothing can be written to the data folder {folder}.")
        if self._free_bytes() >= LEAST_ROOM:
            return None
        return DiskFull("The disk is full: nothing more can be kept.", "Free some space on it, then go on.")

    def close(self) -> None:
        """End the worker that this process started, and let go of the database. Those of a user only do the latter."""
        if self._installation is None:
            self._users.close()
            self._worker.close()
            if self._jobs is not None:
                self._jobs.close()
        self._tools.close()

    def _open_user(self, user_id: str) -> Services:
        tools = self._tools.of_user(user_id)
        return Services(tools.settings, tools, installation=self)

    def _put(self, run_id: str, key: str | None, enqueue: Callable[[Jobs], None]) -> None:
        self._queue.put(lambda: enqueue(self._open_jobs()), lambda: self._tools.store.runs.cancel(run_id), key)

    def _free_bytes(self) -> int:
        folder = self.settings.data_dir
        return shutil.disk_usage(folder if folder.exists() else folder.anchor).free

    def _open_jobs(self) -> Jobs:
        if self._installation is not None:
            return self._installation._open_jobs().of_user(self.settings.user_id)
        if self._jobs is None:
            # The job engine takes half a second to import: only who submits pays for it.
            from lib.jobs import Jobs

            self._jobs = Jobs(self.settings.jobs_database_url)
        return self._jobs

    def _renewed(self, request: RunRequest, model_id: str, key: str | None, accepts_unknown_price: bool) -> RunRequest:
        # A yes is for one model: another's price is another question.
        is_accepted = accepts_unknown_price or (request.accepts_unknown_price and model_id == request.model_id)
        check_price(self.model(model_id), is_accepted)
        request = replace(request, accepts_unknown_price=is_accepted, key_ref=self._reference(key))
        return of_today(request, self._tools)

    def _key_for(self, model_id: str, key: str | None) -> str | None:
        """The key that a run of the model uses: the one that is given, else this machine's; None for local models."""
        if self.model(model_id).is_local:
            return None
        key = (key or "").strip() or self.settings.openrouter_api_key
        if not key:
            raise KeyMissing(f"{model_id} runs on OpenRouter, and no key is known.")
        return key

    def _reference(self, key: str | None) -> str | None:
        """What a run says in place of its key, which is kept from now on: whoever is killed before the run is queued
        leaves one that can be worked on."""
        if key is None:
            return None
        self._tools.vault.seal(key)
        return self._tools.vault.reference(key)

    def _known(self, run_id: str) -> Run:
        run = self.run(run_id)
        if run is None:
            raise NothingThere("There is no such run.", "Open Activity for the runs there are.")
        return run

    def _facts(self, source: Source) -> MediaFacts:
        return facts_of(source, self._tools)

    def _measured(self, model: Model) -> Measured:
        return self._tools.store.generations.measured(model.id)

    def _asset_of(self, run: Run) -> MediaAsset | None:
        return self.asset(run.asset_id) if run.asset_id else None
