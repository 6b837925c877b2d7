"""Submit and cancel: what the page, the command line and upkeep know of jobs."""

from __future__ import annotations

import threading
from contextlib import suppress

from dbos import DBOSClient

from lib.domain.model import Model
from lib.errors import DiskFull, StorageError
from lib.jobs.database import identity_of, prepare_database
from lib.jobs.names import APPLICATION, APPLICATION_VERSION, name_of
from lib.jobs.pace import quicken
from lib.jobs.queues import ASKED_FREE, COPIES, QUESTIONS, RUNS, USERS_RUNS
from lib.store import is_disk_full


class Jobs:
    """Submit and cancel, from any process. Raises StorageError when the engine's database cannot be opened.

    ``parent`` are those whose connection these use: see ``of_user``.
    """

    def __init__(self, database_url: str, user_id: str | None = None, parent: Jobs | None = None) -> None:
        self._url = database_url
        self._user_id = user_id
        self._parent = parent
        self._lock = threading.Lock()
        self._client: DBOSClient | None = None
        self._file: tuple[int, int] | None = None

    def of_user(self, user_id: str | None) -> Jobs:
        """The jobs of one user's library, over the same connection; these themselves for None."""
        return self if user_id is None else Jobs(self._url, user_id, self)

    def submit(self, run_id: str, attempt: int) -> None:
        """Raises DiskFull, like ``repair``, ``copy`` and ``answer``."""
        self._enqueue_run("run", run_id, attempt)

    def repair(self, run_id: str, attempt: int, number: int, model_id: str | None) -> None:
        self._enqueue_run("repair", run_id, attempt, number, model_id)

    def copy(self, copy_id: str, attempt: int) -> None:
        self._enqueue("copy", COPIES, copy_id, attempt)

    def answer(self, exchange_id: str, attempt: int, model: Model) -> None:
        queue, row = (ASKED_FREE, {"queue_partition_key": model.id}) if model.is_free else (QUESTIONS, {})
        self._enqueue("answer", queue, exchange_id, attempt, **row)

    def is_over(self, subject_id: str, attempt: int) -> bool:
        """Whether the engine has ended this attempt at a run or a copy, however; False for one it never heard of."""
        found = self._open().list_workflows(workflow_ids=[self._name(subject_id, attempt)], load_input=False)
        return bool(found) and found[0].status not in ("PENDING", "ENQUEUED", "DELAYED")

    def cancel(self, subject_id: str, attempt: int) -> None:
        """Stop what is queued and what comes next; a step in flight hears it from the store."""
        # A workflow that is over, or never began, has nothing to cancel: the store has the last word.
        with suppress(Exception):
            self._open().cancel_workflow(self._name(subject_id, attempt), cancel_children=True)

    def forget(self, subject_id: str, attempts: int) -> None:
        """Delete what the engine remembers of a run or a copy: of all attempts at it, and of their parts."""
        ids = [self._name(subject_id, attempt) for attempt in range(1, attempts + 1)]
        self._open().delete_workflows(ids, delete_children=True)

    def forget_all(self) -> None:
        """Delete what the engine remembers of a user's library, what waits or was under way included."""
        found = self._open().list_workflows(workflow_id_prefix=f"{self._user_id}/", load_input=False, load_output=False)
        self._open().delete_workflows([each.workflow_id for each in found])

    def close(self) -> None:
        if self._client is not None:
            self._client.destroy()

    def _enqueue_run(self, workflow: str, run_id: str, attempt: int, *more: object) -> None:
        queue, row = (RUNS, {}) if self._user_id is None else (USERS_RUNS, {"queue_partition_key": self._user_id})
        self._enqueue(workflow, queue, run_id, attempt, *more, **row)

    def _enqueue(
        self, workflow: str, queue: str, subject_id: str, attempt: int, *more: object, **options: object
    ) -> None:
        options |= {"workflow_name": workflow, "queue_name": queue, "workflow_id": self._name(subject_id, attempt)}
        options["app_version"] = APPLICATION_VERSION
        try:
            quicken(self._open())
            self._open().enqueue(options, subject_id, attempt, *more)
        except Exception as exc:
            if is_disk_full(exc):
                raise DiskFull("The disk is full: it could not be queued.") from exc
            raise

    def _name(self, subject_id: str, attempt: int) -> str:
        return name_of(self._user_id, subject_id, attempt)

    def _open(self) -> DBOSClient:
        if self._parent is not None:
            return self._parent._open()
        with self._lock:
            if self._client is not None and self._file != identity_of(self._url):
                self._client.destroy()  # a worker has put the file aside, see ``work``
                self._client = None
            if self._client is None:
                try:
                    prepare_database(self._url)
                    self._client = DBOSClient(system_database_url=self._url, application_name=APPLICATION)
                    self._file = identity_of(self._url)
                except Exception as exc:
                    raise StorageError(
                        "The database of jobs cannot be opened.", "Check the data folder and CUEWISE_DATABASE_URL."
                    ) from exc
            return self._client
