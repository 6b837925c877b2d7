"""What the command line says and writes: progress on stderr, results on stdout or in files."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from lib.domain.run import PartState, Run, RunState
from lib.errors import InputError

POLL = 0.2
"""Seconds between two looks at what goes on."""


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def json_text(record: object) -> str:
    return json.dumps(record, ensure_ascii=False, indent=2)


def write(output: str, content: str | bytes) -> None:
    if isinstance(content, str):
        content = content.encode()
    if output == "-":
        print(content.decode().rstrip("\n"), flush=True)
        return
    try:
        Path(output).write_bytes(content)
    except OSError as exc:
        raise InputError(f"{output} cannot be written: {exc.strerror}.", "Choose another --output.") from exc


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """The rows of a table as lines, its columns below each other."""
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))] if rows else []
    return ["  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def state_line(run: Run) -> str:
    if run.state is RunState.RUNNING:
        # Whole tenths only: a line for each percent would flood a log.
        share = "" if run.progress is None else f" {int(run.progress * 10) * 10} %"
        return f"{run.stage}{share}"
    if run.failure is not None and run.state is RunState.FAILED:
        return f"failed: {run.failure.message} {run.failure.hint}".rstrip()
    if run.state is RunState.DONE:
        seconds = "" if run.seconds is None else f" in {run.seconds:.1f} s"
        cost = "" if not run.cost_usd else f", ${run.cost_usd}"
        failed = sum(part.state is PartState.FAILED for part in run.parts)
        lost = f", but {failed} of {len(run.parts)} parts failed" if failed else ""
        return f"done{seconds}{cost}{', from the cache' if run.from_cache else ''}{lost} (run {run.id})"
    return str(run.state)
