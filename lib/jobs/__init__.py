"""Durable jobs: the only package that knows the job engine (DBOS).

A worker process runs the workflows; everyone else holds a ``Jobs`` and only submits and cancels. All a run has to
show is in the store; the engine remembers which step is next, so that a crash at any moment loses at most the step
in flight. Arguments are a run's id and attempt: never a key, never a path. Whose library the run is in stands in the
job's name, which what it starts in turn begins with.
"""

from lib.jobs.client import Jobs
from lib.jobs.takeover import executors_with_work, take_over
from lib.jobs.worker import stop_on_signals, work

__all__ = ["Jobs", "executors_with_work", "stop_on_signals", "take_over", "work"]
