"""What the engine says, and how much of it is news to whoever reads our log."""

from __future__ import annotations

import logging

from lib.errors import Cancelled
from lib.jobs.standstill import Standstill
from lib.pipeline.tools import Tools

ENGINES_CANCELS = (
    *("DBOSAwaitedWorkflowCancelledError", "DBOSWorkflowCancelledError"),
    "DBOSNonExistentWorkflowError",  # cancelled, and deleted since
)
"""By name: the engine does not export them."""


def log_as_we_do(tools: Tools) -> None:
    """Let the engine's words go to our log, which keeps keys out, and not to the terminal in its own form."""
    engine = logging.getLogger("dbos")
    engine.addHandler(logging.NullHandler())  # with any handler there, the engine adds none of its own
    engine.addFilter(_is_news)
    engine.addFilter(Standstill(tools))


def _is_news(record: logging.LogRecord) -> bool:
    """Not so a cancelled workflow: its run says that it was cancelled, and the engine would show a traceback. Nor one
    that was deleted after that, before its last step had ended.

    Whichever hears of it first ends the work: the engine, or our own step by what stands in the store.
    """
    kind = record.exc_info[0] if record.exc_info else None
    is_meant = kind is not None and (issubclass(kind, Cancelled) or kind.__name__ in ENGINES_CANCELS)
    return not is_meant and "no longer owned by this execution" not in record.getMessage()
