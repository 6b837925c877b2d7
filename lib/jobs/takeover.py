"""Taking over from the dead: what a worker was at work on when it ended is another's to do."""

from __future__ import annotations

import logging

from dbos import DBOS

from lib.pipeline.tools import Tools

log = logging.getLogger(__name__)


def executors_with_work() -> set[str]:
    """The ids of all workers, dead or alive, that have begun work which is not over."""
    found = DBOS.list_workflows(status="PENDING", load_input=False, load_output=False)
    return {each.executor_id for each in found if each.executor_id}


def take_over(executor_id: str, tools: Tools) -> int:
    """In a worker: put what a dead one was at work on back into its queues, for whoever has room; gives how many.

    What had its answer is not asked again, and what was on its way counts as paid. Done twice it does no harm.
    """
    for each in tools.everybodys():
        bury(executor_id, each)
    # The engine's own recovery, for another's id: it offers that to its paid console only. Resuming each workflow,
    # which it offers to all, would go around the queues and their limits.
    return len(DBOS._recover_pending_workflows([executor_id]))


def bury(executor_id: str, tools: Tools) -> None:
    """In one library: what a dead worker was asking counts as paid, and what it had claimed others may claim."""
    if dead := tools.store.payments.bury(executor_id):
        log.info("%d requests were under way when a worker ended; they count as paid", dead)
    tools.store.claims.release_all(executor_id)
