"""Workers: the processes, on this machine and on others, that do what runs ask for."""

from __future__ import annotations

from dataclasses import dataclass

DEAD_AFTER = 30.0
"""Seconds of silence after which a worker's jobs are taken over by another."""


@dataclass(frozen=True, slots=True)
class WorkerSeen:
    """A worker as the database knows it: for how long it has been at work, and silent, in seconds."""

    id: str
    vault: str
    working_seconds: float
    silent_seconds: float

    @property
    def machine(self) -> str:
        """The name of the machine that it runs on."""
        return self.id.rpartition(".")[0] or self.id

    @property
    def is_alive(self) -> bool:
        return self.silent_seconds < DEAD_AFTER
