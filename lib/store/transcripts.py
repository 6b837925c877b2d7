"""Transcripts by run. Every version is kept; the newest is the one that is read, and the one that is searched.

What models write, repairs and what is restored is a version each. A person makes hundreds of small edits, so those of
one sitting are one version: its row holds the text as it stands, and the log beside it each edit with what was there
before, so that every state in between can be had back. One copy of an hour's transcript for each sitting, and not for
each letter, with nothing lost; and whoever reads the newest text reads one row.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, Row, and_, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from lib.domain.edits import Edit
from lib.domain.rerun import RerunState
from lib.domain.transcript import Transcript
from lib.domain.versions import Author, Version, VersionedTranscript
from lib.store.records import from_json, to_json
from lib.store.reruns import settle_rerun
from lib.store.rows import now, transaction
from lib.store.search import Search
from lib.store.tables import edit, transcript

ABOUT = tuple(column for column in transcript.c if column.name != "record")
"""A version without its text."""


@dataclass(frozen=True, slots=True)
class Logged:
    """An edit, and the change of a reader that it was. Changes of one ``gesture`` are one in the user's eyes."""

    edit: Edit
    reader: str
    change: int
    gesture: str


class Transcripts:
    def __init__(self, engine: Engine, search: Search) -> None:
        self._engine = engine
        self._search = search

    # Reading

    def get(self, run_id: str) -> Transcript | None:
        """The newest."""
        found = self.newest(run_id)
        return found.transcript if found else None

    def newest(self, run_id: str) -> VersionedTranscript | None:
        wanted = select(transcript).where(transcript.c.run_id == run_id).order_by(transcript.c.version.desc()).limit(1)
        with transaction(self._engine) as connection:
            row = connection.execute(wanted).first()
        return VersionedTranscript(_version(row), from_json(Transcript, row.record)) if row else None

    def version(self, run_id: str, number: int) -> Transcript | None:
        wanted = select(transcript.c.record).where(_is(run_id, number))
        with transaction(self._engine) as connection:
            text = connection.scalar(wanted)
        return from_json(Transcript, text) if text else None

    def versions(self, run_id: str) -> list[Version]:
        """The newest first."""
        wanted = select(*ABOUT).where(transcript.c.run_id == run_id).order_by(transcript.c.version.desc())
        with transaction(self._engine) as connection:
            return [_version(row) for row in connection.execute(wanted)]

    def attempt(self, run_id: str) -> int | None:
        """The last attempt of the run whose answers are in its versions; None while there is no version."""
        wanted = select(func.max(transcript.c.attempt)).where(transcript.c.run_id == run_id)
        with transaction(self._engine) as connection:
            return connection.scalar(wanted)

    def log(self, run_id: str, number: int) -> list[Logged]:
        """The edits that a version is made of, the oldest first."""
        wanted = select(edit).where(edit.c.run_id == run_id, edit.c.version == number).order_by(edit.c.number)
        with transaction(self._engine) as connection:
            return [
                Logged(from_json(Edit, row.record), row.reader, row.change, row.gesture)
                for row in connection.execute(wanted)
            ]

    def last_change(self, run_id: str, reader: str) -> int:
        """The number of the last change of a reader that is kept; 0 where there is none."""
        wanted = select(func.max(edit.c.change)).where(edit.c.run_id == run_id, edit.c.reader == reader)
        with transaction(self._engine) as connection:
            return connection.scalar(wanted) or 0

    # Writing. Pages and the worker write at the same time: each says what it has read, and hears when that is no
    # longer the newest.

    def keep(
        self,
        run_id: str,
        record: Transcript,
        *,
        author: Author = Author.MODEL,
        note: str = "",
        attempt: int = 0,
        lines_changed: int = 0,
    ) -> int:
        """Keep as a new version, whatever the newest is; gives its number."""
        about = {"author": author, "note": note, "attempt": attempt, "lines_changed": lines_changed}
        number = None
        while number is None:
            number = self.keep_after(run_id, record, next(iter(self.versions(run_id)), None), **about)
        return number

    def keep_after(
        self,
        run_id: str,
        record: Transcript,
        newest: Version | None,
        *,
        added: Logged | None = None,
        rerun_id: str | None = None,
        **about: object,
    ) -> int | None:
        """Keep as a new version, with the first edit of its log where it has one; gives its number. ``rerun_id`` is the
        run of a stretch whose lines are put in place with it.

        ``about`` is what ``keep`` takes. None, and nothing is kept, unless ``newest`` is the newest version and still
        as it was read, and nobody has decided about the stretch; it is None where there was no version.
        """
        try:
            with transaction(self._engine) as connection:
                if newest is not None:
                    _claim(connection, run_id, newest)
                if rerun_id is not None and not settle_rerun(connection, rerun_id, RerunState.PLACED):
                    raise _Overtaken
                number = self.put(connection, run_id, record, after=newest.number if newest else 0, **about)
                if added is not None:
                    connection.execute(insert(edit).values(**_log_row(run_id, number, 1, added)))
        except _Overtaken:
            return None
        except IntegrityError:
            if len(self.versions(run_id)) == (newest.number if newest else 0):
                raise  # no other was first: the run itself is gone
            return None
        return number

    def put(
        self,
        connection: Connection,
        run_id: str,
        record: Transcript,
        *,
        after: int = 0,
        author: Author = Author.MODEL,
        note: str = "",
        attempt: int = 0,
        lines_changed: int = 0,
    ) -> int:
        """Put in the version that comes after that number, as a part of a transaction that is going on. From its end
        on it can be found."""
        moment = now()
        values = {
            "run_id": run_id,
            "version": after + 1,
            "record": to_json(record),
            "created": moment,
            "changed": moment,
            "author": author,
            "note": note,
            "attempt": attempt,
            "revision": 0,
            "lines_changed": lines_changed,
        }
        connection.execute(insert(transcript).values(**values))
        self._search.put(connection, run_id, after + 1, record)
        return after + 1

    def extend(
        self,
        run_id: str,
        version: Version,
        record: Transcript,
        *,
        lines_changed: int,
        added: Logged | None,
        dropped: int = 0,
    ) -> bool:
        """Let the newest version stand as ``record``, with an edit ``added`` to its log in place of the last
        ``dropped``. A version whose log is empty is none: it goes.

        False, and nothing is changed, when the version is no longer the newest or no longer as it was read.
        """
        own = and_(edit.c.run_id == run_id, edit.c.version == version.number)
        try:
            with transaction(self._engine) as connection:
                _claim(connection, run_id, version)
                last = (connection.scalar(select(func.max(edit.c.number)).where(own)) or 0) - dropped
                if added is None and last < 1:
                    connection.execute(delete(transcript).where(_is(run_id, version.number)))
                    self._search.put(connection, run_id, version.number - 1, record)
                    return True
                connection.execute(delete(edit).where(own, edit.c.number > last))
                if added is not None:
                    connection.execute(insert(edit).values(**_log_row(run_id, version.number, last + 1, added)))
                values = {"record": to_json(record), "changed": now(), "lines_changed": lines_changed}
                connection.execute(update(transcript).where(_is(run_id, version.number)).values(**values))
                self._search.put(connection, run_id, version.number, record)
        except _Overtaken:
            return False
        return True


class _Overtaken(Exception):
    """Another has written, or decided, since we read."""


def _claim(connection: Connection, run_id: str, version: Version) -> None:
    """Hold the newest version until the transaction ends. Raises _Overtaken unless it is that still, as it was read.

    A write comes first, so that two who have read the same wait for each other and the second finds it changed.
    """
    as_read = and_(_is(run_id, version.number), transcript.c.revision == version.revision)
    claimed = connection.execute(update(transcript).where(as_read).values(revision=version.revision + 1)).rowcount
    newest = connection.scalar(select(func.max(transcript.c.version)).where(transcript.c.run_id == run_id))
    if not claimed or newest != version.number:
        raise _Overtaken


def _is(run_id: str, number: int):
    return and_(transcript.c.run_id == run_id, transcript.c.version == number)


def _log_row(run_id: str, number: int, place: int, logged: Logged) -> dict[str, object]:
    return {
        "run_id": run_id,
        "version": number,
        "number": place,
        "reader": logged.reader,
        "change": logged.change,
        "gesture": logged.gesture,
        "record": to_json(logged.edit),
        "created": now(),
    }


def _version(row: Row) -> Version:
    created = row.created or "1970-01-01T00:00:00+00:00"
    return Version(
        number=row.version,
        author=Author(row.author),
        created=datetime.fromisoformat(created),
        changed=datetime.fromisoformat(row.changed or created),
        revision=row.revision,
        lines_changed=row.lines_changed,
        note=row.note,
    )
