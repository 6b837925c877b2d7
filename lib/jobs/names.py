"""What the engine knows our work by: the application, and a name for each attempt at a run, a copy or a question."""

from __future__ import annotations

APPLICATION = "cuewise"
APPLICATION_VERSION = "1"
"""Pinned: the engine's own default is a hash of the source, and an edited comment would strand waiting work."""


def name_of(user_id: str | None, subject_id: str, attempt: int) -> str:
    """What the engine knows an attempt by."""
    whose = "" if user_id is None else f"{user_id}/"
    return f"{whose}{subject_id}.{attempt}"


def user_of(workflow_id: str) -> str | None:
    """Whose library a workflow works on; None for that of who sits at the machine."""
    user_id, slash, _ = workflow_id.rpartition("/")
    return user_id if slash else None


def subject_of(workflow_id: str) -> tuple[str, int]:
    """The run, copy or question that a workflow works for, and the attempt; what a run's has started is called
    ``run.attempt-n``."""
    subject_id, _, attempt = workflow_id.rpartition("/")[2].partition(".")
    return subject_id, int(attempt.partition("-")[0])
