"""What was started together: the list of batches, one as a table or JSON, and its transcripts as a zip."""

from __future__ import annotations

import argparse

from lib.cli.command import Command
from lib.cli.exit_codes import DONE
from lib.cli.ids import only_one
from lib.cli.layout import export_options
from lib.cli.outputs import check_output, formats_of, write
from lib.cli.words import add_json, aligned, json_text, short
from lib.domain.batch import Row, Standing
from lib.errors import InputError
from lib.formats.timecode import format_length
from lib.services import Services


def list_batches(services: Services, options: argparse.Namespace) -> int:
    found = services.batches.newest(limit=100)
    if options.json:
        print(json_text([batch_record(services, each) for each in found]))
        return DONE
    for each in found:
        print(f"{each.batch.id}  {_counts(each):32}  {each.batch.title}")
    return DONE


def export_batch(services: Services, options: argparse.Namespace) -> int:
    """Write a zip of all that is done of a batch."""
    if options.run:
        raise InputError("Either a batch is exported or runs are.", "Leave out --batch, or the runs.")
    check_output(options, is_zip=True)
    known = {each.batch.id: each for each in services.batches.newest(limit=100_000)}
    standing = known[only_one(known, options.batch, "batch", "batches")]
    zipped = services.export_zip(standing.done_run_ids, formats_of(options), export_options(options))
    write(options.output, zipped.content)
    return DONE


def label(row: Row) -> str:
    return f"{row.item.name} ({row.item.request.model_id})" if row.item.request else row.item.name


def table_words(standing: Standing) -> list[str]:
    """How each fared, and the sum."""
    rows = [["VIDEO", "MODEL", "STATE", "TIME", "DOLLARS", "RUN"]]
    for row in standing.rows:
        seconds = row.run.seconds if row.run is not None else None
        cost = row.run.cost_usd if row.run is not None else None
        rows.append(
            [
                short(row.item.name),
                row.item.request.model_id if row.item.request else "",
                str(row.state),
                "" if seconds is None else format_length(seconds),
                "" if cost is None else f"${cost}",
                row.run.id[:12] if row.run is not None else row.failure.message,
            ]
        )
    took = format_length(standing.progress.seconds)
    return [*aligned(rows), f"{_counts(standing)} in {took}, ${standing.progress.cost_usd} (batch {standing.batch.id})"]


def _counts(standing: Standing) -> str:
    progress = standing.progress
    counts = {
        "done": progress.done,
        "failed": progress.failed,
        "cancelled": progress.cancelled,
        "running": progress.running,
        "waiting": progress.waiting,
    }
    return ", ".join(f"{count} {word}" for word, count in counts.items() if count) or "nothing left"


def batch_record(
    services: Services, standing: Standing, files: dict[str, list[str]] | None = None, *, with_text: bool = False
) -> dict[str, object]:
    progress = standing.progress
    return {
        "batch_id": standing.batch.id,
        "title": standing.batch.title,
        "done": progress.done,
        "failed": progress.failed,
        "cancelled": progress.cancelled,
        "running": progress.running,
        "waiting": progress.waiting,
        "cost_usd": float(progress.cost_usd),
        "estimate_usd": float(progress.estimate_usd),
        "unpriced": progress.unpriced,
        "seconds": progress.seconds,
        "items": [_row_record(services, row, files or {}, with_text=with_text) for row in standing.rows],
    }


def _row_record(services: Services, row: Row, files: dict[str, list[str]], *, with_text: bool) -> dict[str, object]:
    record: dict[str, object] = {
        "name": row.item.name,
        "model": row.item.request.model_id if row.item.request else None,
        "state": row.state,
        "run_id": row.run.id if row.run else None,
        "error": None if row.failure is None else {"code": row.failure.code, "message": row.failure.message},
    }
    if with_text:
        record["files"] = files.get(row.run.id, []) if row.run else []
        record["run"] = services.run_record(row.run.id) if row.run else None
    return record


BATCHES = Command("batches", "what was started together, newest first", list_batches, add_json)
