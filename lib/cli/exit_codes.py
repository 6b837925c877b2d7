"""How the command line ends: the exit codes."""

from __future__ import annotations

from lib import errors
from lib.domain.run import Run, RunState
from lib.errors import InputError

DONE, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130


def exit_code(run: Run) -> int:
    """The code for a run that is over."""
    if run.state is RunState.DONE:
        return DONE
    kind = getattr(errors, run.failure.code, None) if run.failure else None
    return BAD_INPUT if isinstance(kind, type) and issubclass(kind, InputError) else FAILED
