"""Asking models about one video: ``run``, or its captions read in the place of a model."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from lib.cli.command import Command
from lib.cli.exit_codes import DONE, exit_code
from lib.cli.keys import known_key
from lib.cli.layout import export_options
from lib.cli.many import is_many, run_many
from lib.cli.outputs import add_output, check_output, write
from lib.cli.question import add_question, requests_of
from lib.cli.sources import add_sources, source_of
from lib.cli.watch import stopped_with_us, watch_runs
from lib.cli.words import add_json, json_of_each, say, state_line
from lib.domain.languages import language_code
from lib.domain.media import SourceKind
from lib.domain.plan import total_usd
from lib.domain.run import Run, RunState
from lib.errors import InputError, PlanRefused
from lib.services import EVERY_FORMAT, Services

CAPTIONS = (
    "read captions in the place of a model, at once and free: a file (talk.srt), or those of the link by language "
    "(en), by who made them (human, automatic), or both (automatic:en)"
)


def run_videos(services: Services, options: argparse.Namespace) -> int:
    if is_many(options) or options.json:
        return run_many(services, options)
    check_output(options, is_zip=options.format == EVERY_FORMAT)
    if options.captions is not None:
        return _read_captions(services, options)
    requests = requests_of(services, options)
    outputs = _outputs(options.output, [request.model_id for request in requests])
    plans = [services.plan(request) for request in requests]
    for plan in plans:
        if plan.refusal:
            raise PlanRefused(f"{plan.model_id}: {plan.refusal}")
    services.budget.check(total_usd(plans), requests[0].own_cap_usd)
    key = known_key(services)
    run_ids: list[str] = []
    with stopped_with_us(services.cancel, run_ids):
        for request in requests:
            run_ids.append(services.submit(request, key=key).id)
        runs = watch_runs(services, run_ids)
    _write_runs(services, runs, options, outputs)
    return max(exit_code(run) for run in runs)


def _read_captions(services: Services, options: argparse.Namespace) -> int:
    """A transcript at once from captions that are there: in a file, or behind the link."""
    if options.model or options.prompt or options.task or options.start or options.end:
        raise InputError(
            "Captions are read whole, in the place of a model.",
            "Leave out --model, --task, --prompt, --start and --end.",
        )
    source = source_of(services, options.source, hears_only=False)
    path = Path(options.captions)
    if path.is_file():
        run = services.captions.transcribe_path(source, path, language_code(options.language))
    elif source.kind is not SourceKind.LINK:
        raise InputError(f"There is no file {options.captions!r}.", "Name an SRT or VTT file.")
    else:
        run = services.captions.transcribe(source, services.captions.find(source, options.captions))
    say(f"{run.request.model_id}: {state_line(run)}")
    _write_runs(services, [run], options, [options.output])
    return DONE


def _outputs(output: str, model_ids: Sequence[str]) -> list[str]:
    """A file for each model, named after it; one alone has the name that was given."""
    if output == "-" or len(model_ids) == 1:
        return [output] * len(model_ids)
    path = Path(output)
    return [str(path.with_name(f"{path.stem}.{model.replace('/', '_')}{path.suffix}")) for model in model_ids]


def _write_runs(services: Services, runs: Sequence[Run], options: argparse.Namespace, outputs: Sequence[str]) -> None:
    if options.format == "json":
        write(options.output, json_of_each([services.run_record(run.id) for run in runs]) + "\n")
        return
    for run, output in zip(runs, outputs, strict=True):
        if run.state is not RunState.DONE:
            continue
        if output == "-" and len(runs) > 1:
            print(f"== {run.request.model_id} ==")
        write(output, services.export(run.id, options.format, export_options(options)).content)


def _run_takes(parser: argparse.ArgumentParser) -> None:
    add_sources(parser)
    add_question(parser)
    add_json(parser, "one JSON object with an item for each video and model")
    parser.add_argument("--captions", metavar="WHICH", help=CAPTIONS)
    add_output(parser, default="txt")


RUN = Command("run", "transcribe files or links, or give them to models for another task", run_videos, _run_takes)
