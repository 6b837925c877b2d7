"""Runs and batches by the beginning of their ids."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence

from lib.errors import InputError
from lib.services import Services


def add_run(parser: argparse.ArgumentParser, *, nargs: str | None = None) -> None:
    parser.add_argument("run", nargs=nargs, metavar="RUN", help="the run's id, or the beginning of it")


def runs_named(services: Services, beginnings: Sequence[str]) -> list[str]:
    """The ids of the runs that begin so. Raises InputError for none, and for several."""
    known = [run.id for run in services.runs(limit=100_000)]
    return [only_one(known, beginning, "run", "runs") for beginning in beginnings]


def run_named(services: Services, beginning: str) -> str:
    (run_id,) = runs_named(services, [beginning])
    return run_id


def only_one(known: Iterable[str], beginning: str, noun: str, nouns: str) -> str:
    """The id that begins so. ``nouns`` is also the command that lists them."""
    found = [each for each in known if each.startswith(beginning)]
    if len(found) != 1:
        many = f"is the beginning of several {nouns}" if found else f"is no {noun} here"
        raise InputError(f"{beginning!r} {many}.", f"See: python -m lib.cli {nouns}")
    return found[0]
