"""Many at once without a browser: folders, several files and lists of links, with one bill and a table at the end."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from lib.cli.batches import batch_record, label, table_words
from lib.cli.bill import bill_record, bill_words
from lib.cli.exit_codes import DONE, FAILED
from lib.cli.keys import known_key
from lib.cli.layout import export_options
from lib.cli.outputs import formats_of, write, writing
from lib.cli.question import Asked, asked_of_each, models_of
from lib.cli.watch import stopped_with_us, watch_batch
from lib.cli.words import json_text, problem_words, say
from lib.domain.batch import BatchPlan, Given, Standing
from lib.domain.run import RunState
from lib.errors import InputError, KeyMissing
from lib.formats import FORMATS
from lib.pipeline.export import unused_name
from lib.pipeline.folder import media_below
from lib.services import EVERY_FORMAT, Services


def is_many(options: argparse.Namespace) -> bool:
    """Whether the sources are to be run together; of one alone ``options.source`` is set."""
    (*_, options.source) = options.sources
    return len(options.sources) > 1 or options.playlist or Path(options.source).is_dir()


def plan_many(services: Services, options: argparse.Namespace) -> int:
    """Print the bill; nothing is sent."""
    _refuse_one_only(options)
    plan = _planned(services, options, asked_of_each(services, options))
    print(json_text(bill_record(plan)) if options.json else "\n".join(bill_words(plan)))
    return DONE


def run_many(services: Services, options: argparse.Namespace) -> int:
    """Run them all; what fails is told in its row, and makes the exit code say so."""
    _refuse_one_only(options)
    asked = asked_of_each(services, options)
    _check_target(options)
    plan = _planned(services, options, asked)
    say("\n".join(bill_words(plan)))
    key = known_key(services)
    if plan.needs_key and not key:
        raise KeyMissing("A model runs on OpenRouter, and no key is known.")
    services.budget.check(plan.total_usd, plan.cap_usd)
    batch = services.batches.start(plan, key=key, title=_title(options))
    with stopped_with_us(services.batches.cancel, [batch.id]):
        standing = watch_batch(services, batch.id)
    _write_all(services, options, standing)
    return DONE if standing.progress.done == standing.progress.total else FAILED


def _refuse_one_only(options: argparse.Namespace) -> None:
    """Before anything is looked up: what belongs to one video is no question for many."""
    for name in ("captions", "propose", "budget"):
        if getattr(options, name, None) is not None:
            raise InputError(f"--{name} is for one video.", "Give one file or one link, or leave it out.")


def _check_target(options: argparse.Namespace) -> None:
    """Before anything is done: texts go to a folder, or to stdout one below the other."""
    is_text = options.format != EVERY_FORMAT and FORMATS[options.format].is_text
    if options.output == "-" and not is_text and not options.json:
        raise InputError("These are not texts for a terminal.", "Name a folder for them: --output DIR.")
    if options.output != "-" and Path(options.output).is_file():
        raise InputError(f"{options.output} is a file.", "Several videos need a folder: --output DIR.")


# What is given


def _planned(services: Services, options: argparse.Namespace, asked: Asked) -> BatchPlan:
    model_ids = models_of(options)
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
        say(f"{path}: {problem_words(given.failure)}")
    return given


def _title(options: argparse.Namespace) -> str | None:
    """A folder gives its name; anything else is named after the first video."""
    folder = Path(options.source)
    return folder.resolve().name or None if len(options.sources) == 1 and folder.is_dir() else None


# What is written


def _write_all(services: Services, options: argparse.Namespace, standing: Standing) -> None:
    files = _write_files(services, options, standing) if options.output != "-" else {}
    if options.json:
        print(json_text(batch_record(services, standing, files, with_text=True)))
        return
    if options.output == "-":
        for row in standing.rows:
            if row.state is RunState.DONE:
                print(f"== {label(row)} ==")
                write("-", services.export(row.run.id, options.format, export_options(options)).content)
    say("\n".join(["", *table_words(standing)]))


def _write_files(services: Services, options: argparse.Namespace, standing: Standing) -> dict[str, list[str]]:
    """Each export in the folder under a name of its own; gives the files of each run."""
    folder = Path(options.output)
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    formats = formats_of(options) or FORMATS
    taken: set[str] = set()
    files: dict[str, list[str]] = {}
    for row in standing.rows:
        for name in formats if row.state is RunState.DONE else ():
            try:
                export = services.export(row.run.id, name, export_options(options))
            except InputError as error:  # captions of a summary, for one: there are no times in it
                say(f"{label(row)}: {error}")
                continue
            target = folder / unused_name(export.name, taken)
            write(str(target), export.content)
            files.setdefault(row.run.id, []).append(str(target))
    return files
