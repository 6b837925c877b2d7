"""Who has a library of their own here."""

from __future__ import annotations

from sqlalchemy import Engine, delete, select

from lib.domain.user import User
from lib.store.rows import now, put, transaction
from lib.store.tables import account


class Users:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def note(self, user: User) -> None:
        """They are here now, under this name."""
        put(self._engine, account, id=user.id, name=user.name, email=user.email, seen=now())

    def forget(self, user_id: str) -> None:
        with transaction(self._engine) as connection:
            connection.execute(delete(account).where(account.c.id == user_id))

    def all(self) -> list[User]:
        """Whoever was seen last comes first."""
        with transaction(self._engine) as connection:
            rows = connection.execute(select(account).order_by(account.c.seen.desc(), account.c.id)).all()
        return [User(row.id, row.name, row.email) for row in rows]
