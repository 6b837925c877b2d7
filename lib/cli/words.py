"""What the command line says: progress and problems on stderr, tables and JSON on stdout."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from lib.domain.run import Failure, PartState, Run, RunState
from lib.errors import CuewiseError

WIDEST_NAME = 48


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def problem_words(problem: CuewiseError | Failure) -> str:
    """What happened, and what to do."""
    message = problem.message if isinstance(problem, Failure) else str(problem)
    return f"{message} {problem.hint}".strip()


def add_json(parser: argparse.ArgumentParser, what: str = "as JSON") -> None:
    parser.add_argument("--json", action="store_true", help=what)


def json_text(record: object) -> str:
    return json.dumps(record, ensure_ascii=False, indent=2)


def json_of_each(records: Sequence[object]) -> str:
    """One record is an object, several are a list."""
    return json_text(records[0] if len(records) == 1 else records)


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """The rows of a table as lines, its columns below each other."""
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))] if rows else []
    return ["  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def short(name: str) -> str:
    """A name that leaves room for the other columns of a table."""
    return name if len(name) <= WIDEST_NAME else f"{name[: WIDEST_NAME - 1]}…"


def tenths(progress: float) -> str:
    """How far something is, in whole tenths: a line for each percent would flood a log."""
    return f"{int(progress * 10) * 10}%"


def state_line(run: Run) -> str:
    if run.state is RunState.RUNNING:
        return str(run.stage) if run.progress is None else f"{run.stage} {tenths(run.progress)}"
    if run.failure is not None and run.state is RunState.FAILED:
        return f"failed: {problem_words(run.failure)}"
    if run.state is RunState.DONE:
        seconds = "" if run.seconds is None else f" in {run.seconds:.1f} s"
        cost = "" if not run.cost_usd else f", ${run.cost_usd}"
        failed = sum(part.state is PartState.FAILED for part in run.parts)
        lost = f", but {failed} of {len(run.parts)} parts failed" if failed else ""
        return f"done{seconds}{cost}{', from the cache' if run.from_cache else ''}{lost} (run {run.id})"
    return str(run.state)
