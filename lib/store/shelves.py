"""Small things kept by name: preferences, and keys sealed for the worker."""

from __future__ import annotations

from sqlalchemy import Engine, delete, select, union_all

from lib.domain.run import UNFINISHED
from lib.store.preferences import Preferences
from lib.store.records import from_json, to_json
from lib.store.rows import now, put, transaction
from lib.store.tables import exchange, preference, run, sealed


class PreferenceShelf:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def get(self) -> Preferences:
        """What was saved, or the defaults."""
        with transaction(self._engine) as connection:
            text = connection.scalar(select(preference.c.value).where(preference.c.name == "preferences"))
        return from_json(Preferences, text) if text else Preferences()

    def save(self, record: Preferences) -> None:
        put(self._engine, preference, name="preferences", value=to_json(record))


class SealedKeys:
    """Ciphertexts by reference. What opens them is not in the database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def put(self, ref: str, ciphertext: str) -> None:
        put(self._engine, sealed, ref=ref, ciphertext=ciphertext, created=now())

    def get(self, ref: str) -> str | None:
        with transaction(self._engine) as connection:
            return connection.scalar(select(sealed.c.ciphertext).where(sealed.c.ref == ref))

    def forget_unused(self) -> int:
        """Remove every key that no unfinished run or question needs; gives how many went."""
        needed = union_all(
            *(
                select(each.c.key_ref).where(each.c.key_ref.is_not(None), each.c.state.in_(UNFINISHED))
                for each in (run, exchange)
            )
        )
        with transaction(self._engine) as connection:
            return connection.execute(delete(sealed).where(sealed.c.ref.not_in(needed))).rowcount
