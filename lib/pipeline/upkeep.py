"""Upkeep: what nobody asks for and everybody needs: a backup a day, and room made of what is kept no longer."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

from lib.errors import CuewiseError
from lib.jobs import Jobs
from lib.pipeline.library import GRACE_HOURS, Library
from lib.pipeline.tools import Tools
from lib.store import back_up

log = logging.getLogger(__name__)

KEEP_RENDITIONS = 14 * 86400.0
"""Seconds for which what was made for sending is kept: long enough to repair a run, not for ever."""


def keep_up(tools: Tools, *, now: datetime | None = None) -> None:
    """Do what is due in every library; the worker calls it every hour. Never raises: what fails is logged, and tried
    again."""
    now = now or datetime.now(UTC)
    try:
        for library in tools.everybodys():
            _do((_sweep, _expire, _back_up), library, now)
        _do((_part_with_users, _part_with_copies), tools, now)
    except CuewiseError as error:
        log.warning("upkeep: %s %s", error, error.hint)


def _part_with_users(tools: Tools, _now: datetime) -> None:
    """Remove what this machine has of users who were deleted: copies, where database and media store are elsewhere."""
    if not tools.settings.is_shared or tools.files.shared is None:
        return
    # In this order: who comes in is written down first, and has a folder after.
    folders = list((tools.settings.data_dir / "users").glob("[0-9a-f]" * 32))
    known = {user.id for user in tools.store.users.all()}
    for folder in folders:
        if folder.name not in known:
            shutil.rmtree(folder, ignore_errors=True)
            log.info("the files of a user who was deleted are gone from this machine")


def _part_with_copies(tools: Tools, now: datetime) -> None:
    """Remove media from this machine that the media store has, too, until all libraries together take no more room than
    they may: what was wanted longest ago goes first, nothing that is at work, and nothing of the last hour."""
    if tools.files.shared is None:
        return
    held = [(each, library) for library in tools.everybodys() for each in library.files.held()]
    excess = sum(each.size_bytes for each, _ in held) - tools.settings.copies_limit_bytes
    before, at_work = now.timestamp() - GRACE_HOURS * 3600, {}
    for each, library in sorted(held, key=lambda one: one[0].used):
        if excess <= 0 or each.used > before:
            break
        whose = library.settings.user_id
        if whose not in at_work:
            at_work[whose] = library.store.assets.at_work()
        if each.asset_id not in at_work[whose] and library.files.part_with(each.asset_id):
            excess -= each.size_bytes
            log.info("asset %s is left to the media store alone", each.asset_id[:12])


def _do(steps: Iterable[Callable[[Tools, datetime], None]], tools: Tools, now: datetime) -> None:
    for each in steps:
        try:
            each(tools, now)
        except CuewiseError as error:
            log.warning("%s: %s %s", each.__name__.strip("_"), error, error.hint)
        except Exception:
            # Of whatever kind: the runs that the worker has in hand must not end with it.
            log.exception("%s failed", each.__name__.strip("_"))


def _back_up(tools: Tools, now: datetime) -> None:
    if copy := back_up(tools.settings.database_url, tools.settings.backups_dir, now=now):
        log.info("the database was backed up to %s", copy.name)


def _sweep(tools: Tools, now: datetime) -> None:
    tools.files.sweep()
    tools.files.sweep_renditions(KEEP_RENDITIONS)
    if tools.files.shared is not None:
        Library(tools, lambda: Jobs(tools.settings.jobs_database_url).of_user(tools.settings.user_id)).free_lost()


def _expire(tools: Tools, now: datetime) -> None:
    """Delete the runs that ended longer ago than the operator keeps them, and the media that no run needs then."""
    days = tools.settings.keep_days
    if days is None:
        return
    jobs = Jobs(tools.settings.jobs_database_url)
    library = Library(tools, lambda: jobs.of_user(tools.settings.user_id))
    try:
        expired = tools.store.runs.ended_before(now - timedelta(days=days))
        if expired:
            count = library.delete_runs(expired)
            library.free_unneeded()
            log.info("%d runs were deleted after %d days", count, days)
    finally:
        jobs.close()
