"""Prompts that the user saved, by name."""

from __future__ import annotations

from sqlalchemy import Engine, delete, select, update
from sqlalchemy.exc import IntegrityError

from lib.domain.saved_prompt import SavedPrompt
from lib.store.rows import now, put, transaction
from lib.store.tables import saved_prompt


class SavedPrompts:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def all(self) -> list[SavedPrompt]:
        """By name, capitals or not."""
        with transaction(self._engine) as connection:
            rows = connection.execute(select(saved_prompt)).all()
        return sorted((SavedPrompt(row.name, row.text) for row in rows), key=lambda each: each.name.casefold())

    def get(self, name: str) -> SavedPrompt | None:
        with transaction(self._engine) as connection:
            row = connection.execute(select(saved_prompt).where(saved_prompt.c.name == name)).first()
        return SavedPrompt(row.name, row.text) if row else None

    def save(self, prompt: SavedPrompt) -> None:
        """Keep it, in the place of one of the same name."""
        put(self._engine, saved_prompt, name=prompt.name, text=prompt.text, changed=now())

    def rename(self, name: str, new_name: str) -> bool:
        """False, and nothing is done, where there is none of that name, or another has the new one already."""
        try:
            with transaction(self._engine) as connection:
                named = update(saved_prompt).where(saved_prompt.c.name == name)
                return bool(connection.execute(named.values(name=new_name, changed=now())).rowcount)
        except IntegrityError:
            return False

    def delete(self, name: str) -> bool:
        """False where there was none of that name."""
        with transaction(self._engine) as connection:
            return bool(connection.execute(delete(saved_prompt).where(saved_prompt.c.name == name)).rowcount)
