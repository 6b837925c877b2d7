"""The store: one engine, one shelf for each noun."""

from __future__ import annotations

from sqlalchemy.exc import SQLAlchemyError

from lib.store.asked_lines import AskedLines
from lib.store.assets import Assets
from lib.store.backup import database_file, problems_of
from lib.store.batches import Batches
from lib.store.claims import Claims
from lib.store.comparisons import Comparisons
from lib.store.conversations import Conversations
from lib.store.copies import Copies
from lib.store.counting import Counting
from lib.store.engine import PATIENCE_SECONDS, open_engine
from lib.store.generations import Generations
from lib.store.payments import Payments
from lib.store.removals import Removals
from lib.store.reruns import Reruns
from lib.store.runs import Runs
from lib.store.saved_prompts import SavedPrompts
from lib.store.search import Search
from lib.store.shelves import PreferenceShelf, SealedKeys
from lib.store.spending import Spending
from lib.store.transcripts import Transcripts
from lib.store.users import Users
from lib.store.videos import Videos
from lib.store.workers import Workers


class Store:
    """All that must last. Safe to use from many threads and several processes at once.

    Whoever writes waits ``patience_seconds`` for another program that holds the database (SQLite). With a ``schema`` it
    holds what is in that alone, and can see nothing of the database beside it.
    """

    def __init__(
        self, database_url: str, schema: str | None = None, *, patience_seconds: float = PATIENCE_SECONDS
    ) -> None:
        self._url = database_url
        self._engine = open_engine(database_url, schema, patience_seconds=patience_seconds)
        self.assets = Assets(self._engine)
        self.search = Search(self._engine)
        self.transcripts = Transcripts(self._engine, self.search)
        self.runs = Runs(self._engine, self.transcripts)
        self.generations = Generations(self._engine)
        self.counting = Counting(self._engine)
        self.conversations = Conversations(self._engine)
        self.copies = Copies(self._engine)
        self.comparisons = Comparisons(self._engine)
        self.batches = Batches(self._engine)
        self.videos = Videos(self._engine)
        self.spending = Spending(self._engine)
        self.payments = Payments(self._engine)
        self.removals = Removals(self._engine)
        self.reruns = Reruns(self._engine)
        self.asked_lines = AskedLines(self._engine)
        self.saved_prompts = SavedPrompts(self._engine)
        self.preferences = PreferenceShelf(self._engine)
        self.sealed_keys = SealedKeys(self._engine)
        self.workers = Workers(self._engine)
        self.claims = Claims(self._engine)
        self.users = Users(self._engine)
        self.search.catch_up()

    @property
    def kind(self) -> str:
        """What kind of database it is, as people call it."""
        name = self._engine.dialect.name
        return {"sqlite": "SQLite", "postgresql": "PostgreSQL"}.get(name, name)

    def answers(self) -> bool:
        """Whether the database answers now."""
        try:
            with self._engine.connect() as connection:
                connection.exec_driver_sql("SELECT 1")
        except SQLAlchemyError:
            return False
        return True

    def problems(self) -> tuple[str, ...]:
        """What is wrong with the database, in its own words; empty where it is sound. Reads all of an SQLite file."""
        if not self.answers():
            return ("The database does not answer.",)
        file = database_file(self._url)
        return problems_of(file) if file else ()

    def close(self) -> None:
        self._engine.dispose()
