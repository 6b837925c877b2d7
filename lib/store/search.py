"""Full-text search over the newest version of every transcript: FTS5 on SQLite, tsvector on PostgreSQL.

Both index the rows of ``passage``: on SQLite through triggers, on PostgreSQL in a column of the row itself, so that no
passage is ever in the one and not in the other. A transcript's passages are written in the transaction that keeps it.

The commonest words stand in nearly every passage. So the newest hits are taken first and only a thousand are counted;
hits are weighed (bm25; ts_rank on PostgreSQL) where there are fewer, and none of the words is so common that weighing
it would mean a look at every place where it stands.
"""

from __future__ import annotations

import logging
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Engine, and_, delete, exists, func, insert, select, text

from lib.domain.library import Filters
from lib.domain.search import LONGEST_WORD, SEAM, Passage, Query, Term, fold, passages, seamed, spoken_words
from lib.domain.transcript import Transcript
from lib.store.records import from_json
from lib.store.rows import put_with, transaction
from lib.store.tables import passage, run, transcript, transcript_index
from lib.store.videos import runs_where

log = logging.getLogger(__name__)

FORM = 1
"""Raise it when passages are cut or written otherwise: all transcripts are then put into the index anew."""
MOST_COUNTED = 1000
COMMON = 10_000
"""A word that stands in more passages than this tells nothing about one of them."""
FEW_SPANS = 50
"""So few stretches of passages that a filter lets through are looked through one by one."""
LOOKED_THROUGH = 5_000
"""Of more stretches, so many hits are held against them; where there are more hits, it is one by one as well."""
SMALL_PASSAGES = 50_000
"""Below (some 400 hours) the index is written anew after a deletion, so that not even its words are left in it."""


@dataclass(frozen=True, slots=True)
class Places:
    """The passages in which a query is answered, by their ids. ``is_more``: there are more than these."""

    ids: tuple[int, ...] = ()
    is_more: bool = False
    is_ranked: bool = False


class Search:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._index = _Fts5() if engine.dialect.name == "sqlite" else _TsVector()

    def put(self, connection: Connection, run_id: str, version: int, record: Transcript) -> None:
        """Let this version be found, and no other of the run. A part of the caller's transaction."""
        # First what is there once for each run: who comes second waits here, and then deletes what the first put in.
        put_with(connection, transcript_index, run_id=run_id, version=version, form=FORM)
        rows = self._index.rows(run_id, passages(record.cues))
        there = select(passage.c.id, passage.c.starts, passage.c.text).where(passage.c.run_id == run_id)
        were = connection.execute(there.order_by(passage.c.id)).all()
        if len(rows) == len(were):
            # Of ten hours in which a word is edited, one passage is written anew, in its old place.
            pairs = zip(were, rows, strict=True)
            changed = [
                row | {"id": was.id} for was, row in pairs if (was.starts, was.text) != (row["starts"], row["text"])
            ]
            if changed:
                self._index.change(connection, changed)
            return
        connection.execute(delete(passage).where(passage.c.run_id == run_id))
        if rows:
            self._index.put(connection, rows)

    def catch_up(self) -> int:
        """Put in what was kept before there was an index, or by an older form of it; gives how many transcripts.

        Does nothing, within a few milliseconds, when all are there. Several processes may do it at once.
        """
        newest = (
            select(transcript.c.run_id, func.max(transcript.c.version).label("version"))
            .group_by(transcript.c.run_id)
            .subquery()
        )
        is_there = exists().where(
            transcript_index.c.run_id == newest.c.run_id,
            transcript_index.c.version == newest.c.version,
            transcript_index.c.form == FORM,
        )
        with transaction(self._engine) as connection:
            missing = connection.execute(select(newest.c.run_id, newest.c.version).where(~is_there)).all()
        for run_id, version in missing:
            wanted = and_(transcript.c.run_id == run_id, transcript.c.version == version)
            with transaction(self._engine) as connection:
                record = connection.scalar(select(transcript.c.record).where(wanted))
                if record is not None:
                    self.put(connection, run_id, version, from_json(Transcript, record))
        if missing:
            log.info("%d transcripts were put into the index", len(missing))
        return len(missing)

    def find(self, query: Query, filters: Filters | None = None) -> Places:
        """The passages that hold every term, best first or newest first, of the runs that the filters let through."""
        if not query.terms:
            return Places()
        runs = runs_where(filters or Filters())
        with transaction(self._engine) as connection:
            found = self._index.newest(connection, query, runs, MOST_COUNTED + 1)
            if len(found) > MOST_COUNTED:
                return Places(tuple(found[:MOST_COUNTED]), is_more=True)
            ranked = self._index.best(connection, query, found) if len(found) > 1 else found
        return Places(tuple(found if ranked is None else ranked), is_ranked=ranked is not None)

    def passages(self, ids: Sequence[int]) -> list[tuple[str, Passage]]:
        """The passages of these ids, in their order, each with its run; one that went meanwhile is left out."""
        wanted = select(passage).where(passage.c.id.in_(ids))
        with transaction(self._engine) as connection:
            rows = {row.id: row for row in connection.execute(wanted)}
        return [(rows[each].run_id, _read(rows[each])) for each in ids if each in rows]

    def purge(self) -> None:
        """After a deletion: leave nothing of it in the index, as far as that takes no time, nor in SQLite's log."""
        if self._engine.dialect.name == "sqlite":
            self._index.purge(self._engine)


def _read(row) -> Passage:
    return Passage(tuple(float(start) for start in row.starts.split()), tuple(row.text.replace(SEAM, "").split("\n")))


def _rows(run_id: str, found: Iterable[Passage]) -> list[dict[str, object]]:
    return [
        {"run_id": run_id, "starts": " ".join(map(str, each.starts)), "text": "\n".join(each.lines)} for each in found
    ]


class _Fts5:
    """SQLite's index. Rows that it finds come in the order of their ids, whatever the words: the newest are cheap.

    Chinese and its like are indexed character by character. The trigram tokenizer finds no word of two characters,
    as most are, and was measured to take 3.7 times the room.
    """

    def rows(self, run_id: str, found: Iterable[Passage]) -> list[dict[str, object]]:
        return [row | {"text": seamed(row["text"])} for row in _rows(run_id, found)]

    def put(self, connection: Connection, rows: Sequence[dict[str, object]]) -> None:
        connection.execute(insert(passage), rows)

    def change(self, connection: Connection, rows: Sequence[dict[str, object]]) -> None:
        # The triggers know of rows that come and go.
        for row in rows:
            connection.execute(delete(passage).where(passage.c.id == row["id"]))
        self.put(connection, rows)

    def newest(self, connection: Connection, query: Query, runs: ColumnElement[bool] | None, limit: int) -> list[int]:
        wanted = self._match(query)
        if runs is None:
            return self._between(connection, wanted, limit)
        spans = self._spans(connection, runs)
        if len(spans) > FEW_SPANS:
            found = self._between(connection, wanted, LOOKED_THROUGH)
            if len(found) < LOOKED_THROUGH:
                return [each for each in found if _is_within(spans, each)][:limit]
        found = []
        for first, last in reversed(spans):
            found += self._between(connection, wanted, limit - len(found), first, last)
            if len(found) >= limit:
                break
        return found

    def best(self, connection: Connection, query: Query, found: Sequence[int]) -> list[int] | None:
        """Those found, best first, by the terms that tell something; None where none does."""
        telling = tuple(term for term in query.terms if not self._is_common(connection, term))
        if not telling:
            return None
        ranked = text("SELECT rowid FROM passage_words WHERE passage_words MATCH :wanted ORDER BY rank, rowid DESC")
        among = set(found)
        wanted = {"wanted": self._match(Query(telling))}
        return [each for each in connection.scalars(ranked, wanted).all() if each in among]

    def purge(self, engine: Engine) -> None:
        with transaction(engine) as connection:
            if (connection.scalar(select(func.count()).select_from(passage)) or 0) <= SMALL_PASSAGES:
                connection.execute(text("INSERT INTO passage_words (passage_words) VALUES ('optimize')"))
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    def _between(
        self, connection: Connection, wanted: str, limit: int, first: int | None = None, last: int | None = None
    ) -> list[int]:
        where = "passage_words MATCH :wanted" + ("" if first is None else " AND rowid BETWEEN :first AND :last")
        newest = text(f"SELECT rowid FROM passage_words WHERE {where} ORDER BY rowid DESC LIMIT :limit")
        values = {"wanted": wanted, "limit": limit}
        # Fetched at once: one by one, a thousand take longer than to find them.
        return connection.scalars(newest, values if first is None else values | {"first": first, "last": last}).all()

    def _spans(self, connection: Connection, runs: ColumnElement[bool]) -> list[tuple[int, int]]:
        """The ids of the passages of these runs, as stretches in order: a transcript's follow each other."""
        mine = select(passage.c.id).where(passage.c.run_id == run.c.id)
        first = mine.with_only_columns(func.min(passage.c.id)).scalar_subquery()
        last = mine.with_only_columns(func.max(passage.c.id)).scalar_subquery()
        spans: list[tuple[int, int]] = []
        for begin, end in sorted(
            (begin, end) for begin, end in connection.execute(select(first, last).where(runs)) if begin is not None
        ):
            if spans and spans[-1][1] + 1 == begin:
                spans[-1] = (spans[-1][0], end)
            else:
                spans.append((begin, end))
        return spans

    def _is_common(self, connection: Connection, term: Term) -> bool:
        """Whether every word of the term is common; the rarest is what its places are looked for by."""
        places = text(
            "SELECT count(*) FROM (SELECT 1 FROM passage_words WHERE passage_words MATCH :wanted LIMIT :limit)"
        )
        words = [Term((word,)) for word in term.words]
        words[-1] = Term(term.words[-1:], term.is_open)
        return all(
            connection.scalar(places, {"wanted": self._match(Query((word,))), "limit": COMMON}) == COMMON
            for word in words
        )

    def _match(self, query: Query) -> str:
        # Words are letters, digits and marks: within quotes there is nothing that the index could take for a sign.
        return " ".join(f'"{" ".join(term.words)}"{"*" if term.is_open else ""}' for term in query.terms)


def _is_within(spans: Sequence[tuple[int, int]], each: int) -> bool:
    at = bisect_right(spans, each, key=lambda span: span[0]) - 1
    return at >= 0 and each <= spans[at][1]


class _TsVector:
    """PostgreSQL's index. Its own parser takes addresses and numbers for words of their own kinds, and knows no
    scripts without spaces: it gets words that are cut already, with their positions."""

    def rows(self, run_id: str, found: Iterable[Passage]) -> list[dict[str, object]]:
        return _rows(run_id, found)

    def put(self, connection: Connection, rows: Sequence[dict[str, object]]) -> None:
        connection.execute(
            text(
                "INSERT INTO passage (run_id, starts, text, passage_words) "
                "VALUES (:run_id, :starts, :text, CAST(:words AS tsvector))"
            ),
            self._with_words(rows),
        )

    def change(self, connection: Connection, rows: Sequence[dict[str, object]]) -> None:
        connection.execute(
            text(
                "UPDATE passage SET starts = :starts, text = :text, passage_words = CAST(:words AS tsvector) "
                "WHERE id = :id"
            ),
            self._with_words(rows),
        )

    def _with_words(self, rows: Sequence[dict[str, object]]) -> list[dict[str, object]]:
        return [row | {"words": self._vector(row["text"])} for row in rows]

    def newest(self, connection: Connection, query: Query, runs: ColumnElement[bool] | None, limit: int) -> list[int]:
        newest = select(passage.c.id).where(text("passage_words @@ CAST(:wanted AS tsquery)"))
        if runs is not None:
            newest = newest.where(passage.c.run_id.in_(select(run.c.id).where(runs)))
        newest = newest.order_by(passage.c.id.desc()).limit(limit)
        return list(connection.scalars(newest, {"wanted": self._match(query)}))

    def best(self, connection: Connection, query: Query, found: Sequence[int]) -> list[int]:
        weight = text("ts_rank(passage_words, CAST(:wanted AS tsquery)) DESC")
        best = select(passage.c.id).where(passage.c.id.in_(found)).order_by(weight, passage.c.id.desc())
        return list(connection.scalars(best, {"wanted": self._match(query)}))

    def _vector(self, lines: str) -> str:
        # Positions are told apart up to 16383.
        words = enumerate(spoken_words(lines), 1)
        return " ".join(f"{self._lexeme(word)}:{min(number, 16383)}" for number, (word, _, _) in words)

    def _match(self, query: Query) -> str:
        return " & ".join(f"({self._phrase(term)})" for term in query.terms)

    def _phrase(self, term: Term) -> str:
        return " <-> ".join(self._lexeme(fold(word)) for word in term.words) + (":*" if term.is_open else "")

    def _lexeme(self, word: str) -> str:
        return f"'{word[:LONGEST_WORD]}'"
