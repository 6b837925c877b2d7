"""Many at once without a browser: folders, several files and lists of links, with one bill and a table at the end."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

from lib.cli.words import POLL, aligned, json_text, say, state_line, write
from lib.domain.batch import BatchPlan, Given, Line, Row
from lib.domain.plan import MEGABYTE
from lib.domain.run import RunState
from lib.errors import InputError, KeyMissing
from lib.formats import FORMATS, ExportOptions
from lib.formats.timecode import format_length
from lib.pipeline.batches import Standing, media_below
from lib.pipeline.export import unused_name
from lib.services import EVERY_FORMAT, Services

DONE, FAILED = 0, 1
WIDEST_NAME = 48
SOURCES = "a file, a link, the id of a run with a transcript, or a folder; several are run together, with one bill"
Asked = dict[str, object]


def add_many(parser: argparse.ArgumentParser) -> None:
    """Let a command take several sources. One alone stands as ``source`` too, for what is done with one video."""
    parser.add_argument("sources", nargs="+", metavar="SOURCE", help=SOURCES)
    parser.add_argument("--playlist", action="store_true", help="all videos of a link that leads to several")


def is_many(options: argparse.Namespace) -> bool:
    """Whether the sources are to be run together; of one alone ``options.source`` is set."""
    (*_, options.source) = options.sources
    return len(options.sources) > 1 or options.playlist or Path(options.source).is_dir()


def plan_many(services: Services, options: argparse.Namespace, model_ids: Sequence[str], asked: Asked) -> int:
    """Print the bill; nothing is sent."""
    plan = _planned(services, options, model_ids, asked)
    if options.json:
        items = [_line_record(line) for line in plan.lines]
        print(json_text({"items": items, "estimate_usd": float(plan.total_usd), "unpriced": plan.unpriced}))
    else:
        print("\n".join(bill_words(plan)))
    return DONE


def run_many(
    services: Services,
    options: argparse.Namespace,
    model_ids: Sequence[str],
    asked: Asked,
    looks: ExportOptions,
) -> int:
    """Run them all; what fails is told in its row, and makes the exit code say so."""
    _check_target(options)
    plan = _planned(services, options, model_ids, asked)
    say("\n".join(bill_words(plan)))
    key = services.settings.openrouter_api_key or services.keys.remembered()
    if plan.needs_key and not key:
        raise KeyMissing("A model runs on OpenRouter, and no key is known.")
    services.budget.check([line.plan for line in plan.runnable], plan.cap_usd)
    batch = services.batches.start(plan, key=key, title=_title(options))
    try:
        standing = _watched(services, batch.id)
    except BaseException:
        # Nothing goes on behind the back of who stopped here.
        services.batches.cancel(batch.id)
        raise
    _write_all(services, options, standing, looks)
    return DONE if standing.progress.done == standing.progress.total else FAILED


def list_batches(services: Services, options: argparse.Namespace) -> int:
    """Print the batches there are."""
    found = services.batches.newest(limit=100)
    if options.json:
        print(json_text([_batch_record(services, each) for each in found]))
        return DONE
    for each in found:
        print(f"{each.batch.id}  {_counts(each):32}  {each.batch.title}")
    return DONE


def export_batch(services: Services, options: argparse.Namespace, looks: ExportOptions) -> int:
    """Write a zip of all that is done of a batch."""
    if options.run:
        raise InputError("Either a batch is exported or runs are.", "Leave out --batch, or the runs.")
    if options.output == "-":
        raise InputError("A zip is not text for a terminal.", "Name a file for it: --output FILE.")
    found = [each for each in services.batches.newest(limit=100_000) if each.batch.id.startswith(options.batch)]
    if len(found) != 1:
        many = "is the beginning of several batches" if found else "is no batch here"
        raise InputError(f"{options.batch!r} {many}.", "See: python -m lib.cli batches")
    formats = () if options.format == EVERY_FORMAT else (options.format,)
    write(options.output, services.export_zip(found[0].done_run_ids, formats, looks).content)
    return DONE


# What is given


def _planned(services: Services, options: argparse.Namespace, model_ids: Sequence[str], asked: Asked) -> BatchPlan:
    models = [services.model(model_id) for model_id in model_ids]
    given = _given(services, options.sources, hears_only=not any(model.sees for model in models))
    if not given:
        raise InputError("There is no media in what was given.", "Name a video, a sound, a link or a folder of them.")
    plan = services.batches.plan(given, model_ids, **asked)
    for name in plan.repeated:
        say(f"{name}: given twice, run once.")
    return plan


def _given(services: Services, sources: Sequence[str], *, hears_only: bool) -> list[Given]:
    given: list[Given] = []
    for number, source in enumerate(sources, 1):
        if "://" in source:
            say(f"Looking up {number} of {len(sources)}: {source}")
            given += services.batches.look_up(source, hears_only=hears_only)
        elif Path(source).is_dir():
            media, others = media_below(Path(source))
            for path in others:
                say(f"{path}: no media, skipped.")
            given += [_read(services, path) for path in media]
        else:
            given.append(_read(services, Path(source)))
    return given


def _read(services: Services, path: Path) -> Given:
    given = services.batches.read_file(path)
    if given.failure is not None:
        say(f"{path}: {given.failure.message} {given.failure.hint}".rstrip())
    return given


def _title(options: argparse.Namespace) -> str | None:
    """A folder gives its name; anything else is named after the first video."""
    folder = Path(options.source)
    return folder.resolve().name or None if len(options.sources) == 1 and folder.is_dir() else None


# While it runs


def _watched(services: Services, batch_id: str) -> Standing:
    """Wait until all are over, telling each change on stderr."""
    told: dict[tuple[int, int], str] = {}
    while True:
        standing = services.batches.get(batch_id)
        for row in standing.rows:
            line = _row_line(row)
            if told.get((row.item.video, row.item.place)) != line:
                told[row.item.video, row.item.place] = line
                say(f"[{_over(standing)} of {standing.progress.total}] {_label(row)}: {line}")
        if standing.progress.is_over:
            return standing
        if problem := services.worker_problem():
            raise problem
        time.sleep(POLL)


def _over(standing: Standing) -> int:
    return standing.progress.total - standing.progress.running - standing.progress.waiting


def _row_line(row: Row) -> str:
    if row.run is not None:
        return state_line(row.run)
    return f"failed: {row.failure.message} {row.failure.hint}".rstrip()


def _label(row: Row) -> str:
    return f"{row.item.name} ({row.item.request.model_id})" if row.item.request else row.item.name


# What is written


def _check_target(options: argparse.Namespace) -> None:
    """Before anything is done: texts go to a folder, or to stdout one below the other."""
    is_text = options.format != EVERY_FORMAT and FORMATS[options.format].is_text
    if options.output == "-" and not is_text and not options.json:
        raise InputError("These are not texts for a terminal.", "Name a folder for them: --output DIR.")
    if options.output != "-" and Path(options.output).is_file():
        raise InputError(f"{options.output} is a file.", "Several videos need a folder: --output DIR.")


def _write_all(services: Services, options: argparse.Namespace, standing: Standing, looks: ExportOptions) -> None:
    files = _write_files(services, options, standing, looks) if options.output != "-" else {}
    if options.json:
        print(json_text(_batch_record(services, standing, files, with_text=True)))
        return
    if options.output == "-":
        for row in standing.rows:
            if row.state is RunState.DONE:
                print(f"== {_label(row)} ==")
                write("-", services.export(row.run.id, options.format, looks).content)
    say("\n".join(["", *table_words(standing)]))


def _write_files(
    services: Services, options: argparse.Namespace, standing: Standing, looks: ExportOptions
) -> dict[str, list[str]]:
    """Each export in the folder under a name of its own; gives the files of each run."""
    folder = Path(options.output)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise InputError(f"{folder} cannot be written: {exc.strerror}.", "Choose another --output.") from exc
    formats = tuple(FORMATS) if options.format == EVERY_FORMAT else (options.format,)
    taken: set[str] = set()
    files: dict[str, list[str]] = {}
    for row in standing.rows:
        for name in formats if row.state is RunState.DONE else ():
            try:
                export = services.export(row.run.id, name, looks)
            except InputError as error:  # captions of a summary, for one: there are no times in it
                say(f"{_label(row)}: {error}")
                continue
            target = folder / unused_name(export.name, taken)
            write(str(target), export.content)
            files.setdefault(row.run.id, []).append(str(target))
    return files


# In words


def bill_words(plan: BatchPlan) -> list[str]:
    """The bill: a row for each video and model, and the total."""
    rows = [["VIDEO", "MODEL", "ROUTE", "MB", "PARTS", "TOKENS", "DOLLARS", "TIME"]]
    rows += [_line_row(line) for line in plan.lines if line.can_run]
    refused = [
        f"{_short(line.name)}{f' ({line.model_id})' if line.model_id else ''}: cannot run. "
        f"{line.failure.message} {line.failure.hint}".rstrip()
        for line in plan.lines
        if line.failure is not None
    ]
    return [*(aligned(rows) if len(rows) > 1 else []), *refused, total_words(plan)]


def total_words(plan: BatchPlan) -> str:
    """``Total for 12 videos: $1.2345 (estimate), and 2 runs without a known price.``"""
    videos = f"{plan.num_runnable_videos} video{'' if plan.num_runnable_videos == 1 else 's'}"
    if not plan.needs_key:
        return f"Total for {videos}: free."
    unknown = f", and {plan.unpriced} run{'' if plan.unpriced == 1 else 's'} whose price is unknown"
    return f"Total for {videos}: ${plan.total_usd:.4f} (estimate){unknown if plan.unpriced else ''}."


def _line_row(line: Line) -> list[str]:
    plan = line.plan
    tokens = "" if plan.prompt_tokens is None else f"{plan.prompt_tokens:,} + {plan.completion_tokens or 0:,}"
    return [
        _short(line.name),
        line.model_id,
        plan.route.value,
        f"{plan.size_bytes / MEGABYTE:.1f}" if plan.size_bytes else "",
        str(len(plan.parts) or ""),
        tokens,
        _dollars(line),
        "" if plan.seconds is None else format_length(max(1, round(plan.seconds))),
    ]


def _dollars(line: Line) -> str:
    if line.answered_by:
        return "answered before: free"
    if line.model is not None and line.model.is_local:
        return "free"
    return "unknown" if line.estimate_usd is None else f"${line.estimate_usd:.4f}"


def table_words(standing: Standing) -> list[str]:
    """How each fared, and the sum."""
    rows = [["VIDEO", "MODEL", "STATE", "TIME", "DOLLARS", "RUN"]]
    for row in standing.rows:
        seconds = row.run.seconds if row.run is not None else None
        cost = row.run.cost_usd if row.run is not None else None
        rows.append(
            [
                _short(row.item.name),
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


def _short(name: str) -> str:
    return name if len(name) <= WIDEST_NAME else f"{name[: WIDEST_NAME - 1]}…"


def _line_record(line: Line) -> dict[str, object]:
    plan = line.plan
    return {
        "name": line.name,
        "model": line.model_id or None,
        "route": plan.route.value if plan else None,
        "size_bytes": plan.size_bytes if plan else None,
        "parts": len(plan.parts) if plan else None,
        "prompt_tokens": plan.prompt_tokens if plan else None,
        "completion_tokens": plan.completion_tokens if plan else None,
        "estimate_usd": None if line.estimate_usd is None or not line.can_run else float(line.estimate_usd),
        "seconds": plan.seconds if plan else None,
        "answered_by": line.answered_by,
        "warnings": list(plan.warnings) if plan else [],
        "refusal": None if line.failure is None else f"{line.failure.message} {line.failure.hint}".rstrip(),
    }


def _batch_record(
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
