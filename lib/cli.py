"""The same job without a browser: ``python -m lib.cli run SOURCE``.

Progress goes to stderr, the result to stdout or a file. Exit codes: 0 done, 1 the run failed, 2 bad input or usage.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from lib import errors, prompts
from lib.domain.cues import CueShape
from lib.domain.media import Source, SourceKind
from lib.domain.model import Model
from lib.domain.plan import MEGABYTE, Plan, Quality, Route, RouteChoice, Times
from lib.domain.run import PartState, Run, RunRequest, RunState
from lib.errors import CuewiseError, InputError, ModelError
from lib.formats import FORMATS
from lib.formats.timecode import format_clock, parse_time
from lib.logs import start_logging
from lib.pipeline.run import as_failure
from lib.services import LinkPlaylist, PreparedPart, Services, open_services
from lib.settings import Settings

DONE, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130
DEFAULT_MODEL = "local/whisper-base"
POLL = 0.2
ROUTES = "auto, link, asis, audio or video: how the clip reaches the model"


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the arguments say; gives the exit code. Never a traceback: what failed is told in words."""
    options = _parser().parse_args(arguments)
    services = None
    try:
        settings = Settings.from_environment()
        start_logging(settings.data_dir, "cli", is_shown=False)
        services = open_services(settings)
        return options.command(services, options)
    except CuewiseError as exc:
        _say(f"{exc} {exc.hint}".strip())
        return BAD_INPUT if isinstance(exc, InputError | ModelError) else FAILED
    except KeyboardInterrupt:
        _say("Stopped.")
        return INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        return FAILED
    except Exception as exc:
        failure = as_failure(exc, "of the command line")
        _say(f"{failure.message} {failure.hint}")
        return FAILED
    finally:
        if services is not None:
            services.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lib.cli", description="Timestamped transcripts of videos.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="transcribe a file or a link, or give it to models for another task")
    _add_question(run)
    _add_output(run, default="txt")
    run.set_defaults(command=_run)

    plan = commands.add_parser("plan", help="what would be sent to each model, and what it would cost; sends nothing")
    _add_question(plan)
    plan.add_argument("--json", action="store_true", help="as JSON")
    plan.set_defaults(command=_plan)

    prepare = commands.add_parser("prepare", help="write the files that would be sent, and print the plan")
    _add_question(prepare)
    prepare.add_argument("--output", required=True, metavar="DIR", help="the folder to write them to")
    prepare.add_argument("--json", action="store_true", help="as JSON")
    prepare.set_defaults(command=_prepare)

    models = commands.add_parser("models", help="the local models and the living catalogue")
    models.add_argument("--json", action="store_true", help="as JSON")
    models.set_defaults(command=_models)

    runs = commands.add_parser("runs", help="the runs there are, newest first")
    runs.add_argument("--json", action="store_true", help="as JSON")
    runs.set_defaults(command=_runs)

    export = commands.add_parser("export", help="the transcript of a run in a format")
    export.add_argument("run", metavar="RUN", help="the run's id, or the beginning of it")
    _add_output(export, default=None)
    export.set_defaults(command=_export)

    reshape = commands.add_parser("reshape", help="lay out the lines of a transcript anew; asks no model")
    reshape.add_argument("run", metavar="RUN", help="the run's id, or the beginning of it")
    _add_cue_shape(reshape)
    reshape.set_defaults(command=_reshape)
    return parser


def _add_question(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="SOURCE", help="a file or a link")
    parser.add_argument("--model", action="append", metavar="ID", help=f"may be repeated; default {DEFAULT_MODEL}")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--task", metavar="NAME", help=", ".join(task.name for task in prompts.tasks()[:-1]))
    what.add_argument("--prompt", metavar="TEXT", help="your own prompt")
    parser.add_argument("--start", type=_time, default=0.0, metavar="T", help="90, 1:30 or 0:01:30.5")
    parser.add_argument("--end", type=_time, metavar="T")
    parser.add_argument(
        "--track", type=_track, default=1, metavar="N", help="which of several tracks of sound; default 1"
    )
    parser.add_argument("--language", metavar="L", help="the language spoken, as a code or a name; default automatic")
    parser.add_argument("--quality", choices=list(Quality), metavar="Q", help="speech or visual (text on the screen)")
    parser.add_argument("--route", choices=list(RouteChoice), default=RouteChoice.AUTO, metavar="R", help=ROUTES)
    parser.add_argument("--times", choices=list(Times), default=Times.AUDIO, metavar="W", help="audio or model")
    parser.add_argument("--term", action="append", default=[], metavar="WORD", help="a name to spell right, repeatable")
    _add_cue_shape(parser)


def _add_cue_shape(parser: argparse.ArgumentParser) -> None:
    lines = parser.add_argument_group("lines of the transcript", "by default as Settings say")
    lines.add_argument("--cue-lines", type=int, metavar="N", help="lines that are shown at once")
    lines.add_argument("--cue-width", type=int, metavar="N", help="characters a line; Chinese and such take two")
    lines.add_argument("--cue-seconds", type=_seconds_range, metavar="MIN-MAX", help="how long they stay, such as 1-7")
    lines.add_argument("--cue-speed", type=float, metavar="N", help="characters a second at most")


def _add_output(parser: argparse.ArgumentParser, *, default: str | None) -> None:
    parser.add_argument("--format", choices=list(FORMATS), default=default, required=default is None, metavar="F")
    parser.add_argument("--output", default="-", metavar="FILE", help="default -, the standard output")


def _time(text: str) -> float:
    try:
        return parse_time(text)
    except ValueError as exc:
        raise argparse.ArgumentTypeError(str(exc)) from exc


def _track(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of a track: they count from 1")
    return int(text)


def _seconds_range(text: str) -> tuple[float, float]:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)", text.strip())
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no range of seconds: write 1-7 or 0.8-6")
    return float(found[1]), float(found[2])


# Commands


def _run(services: Services, options: argparse.Namespace) -> int:
    requests = _requests(services, options)
    outputs = _outputs(options.output, [request.model_id for request in requests])
    plans = [services.plan(request) for request in requests]
    for plan in plans:
        if plan.refusal:
            raise errors.PlanRefused(f"{plan.model_id}: {plan.refusal}")
    runs: list[Run] = []
    try:
        for request in requests:
            runs.append(services.submit(request))
        runs = _watch(services, [run.id for run in runs])
    except BaseException:
        # Nothing goes on behind the back of who stopped here.
        for run in runs:
            services.cancel(run.id)
        raise
    if options.format == "json":
        records = [services.run_record(run.id) for run in runs]
        _write(options.output, _json(records[0] if len(records) == 1 else records))
    else:
        _write_texts(services, runs, options.format, outputs)
    return max(_exit_code(run) for run in runs)


def _plan(services: Services, options: argparse.Namespace) -> int:
    plans = [services.plan(request) for request in _requests(services, options)]
    if options.json:
        records = [_plan_record(plan) for plan in plans]
        print(_json(records[0] if len(records) == 1 else records))
    else:
        for plan in plans:
            print(_plan_line(plan))
    return DONE


def _prepare(services: Services, options: argparse.Namespace) -> int:
    records = []
    for request in _requests(services, options):
        plan, renditions = services.prepare(request, _say)
        folder = Path(options.output)
        files = _copied(renditions, folder, plan.model_id)
        records.append(_plan_record(plan) | {"files": files})
        if not options.json:
            print(_plan_line(plan))
            for file in files:
                print(f"  {file['path']}  {file['size_bytes'] / MEGABYTE:.2f} MB  {format_clock(file['start'])}")
    if options.json:
        print(_json(records[0] if len(records) == 1 else records))
    return DONE


def _copied(renditions: Sequence[PreparedPart], folder: Path, model_id: str) -> list[dict[str, object]]:
    files = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for number, each in enumerate(renditions):
            target = folder / f"{model_id.replace('/', '_')}.{number + 1:03d}{each.suffix}"
            shutil.copyfile(each.path, target)
            files.append({"path": str(target), "size_bytes": each.size_bytes, "start": each.start, "end": each.end})
    except OSError as exc:
        raise InputError(f"{folder} cannot be written: {exc.strerror}.", "Choose another --output.") from exc
    return files


def _models(services: Services, options: argparse.Namespace) -> int:
    catalogue = services.catalogue()
    models = (*services.local_models(), *catalogue.models)
    if catalogue.problem:
        _say(catalogue.problem)
    if options.json:
        print(_json([_model_record(model) for model in models]))
    else:
        for model in models:
            senses = " and ".join(word for word, has in (("sees", model.sees), ("hears", model.hears)) if has)
            print(f"{model.id:45}  {senses:14}  {_price(model)}")
    return DONE


def _runs(services: Services, options: argparse.Namespace) -> int:
    runs = services.runs()
    if options.json:
        print(_json([_without_text(services.run_record(run.id)) for run in runs]))
    else:
        for run in runs:
            print(f"{run.id}  {run.state:9}  {run.request.model_id:30}  {run.request.source.title}")
    return DONE


def _export(services: Services, options: argparse.Namespace) -> int:
    _write(options.output, services.export(_run_id(services, options.run), options.format).content.decode())
    return DONE


def _reshape(services: Services, options: argparse.Namespace) -> int:
    run = services.reshape(_run_id(services, options.run), _cue_shape(services, options))
    print(f"{run.id}  {run.request.cue_shape}")
    return DONE


def _run_id(services: Services, beginning: str) -> str:
    found = [run.id for run in services.runs(limit=100_000) if run.id.startswith(beginning)]
    if len(found) != 1:
        many = "is the beginning of several runs" if found else "is no run here"
        raise InputError(f"{beginning!r} {many}.", "See: python -m lib.cli runs")
    return found[0]


# From the arguments to requests


def _requests(services: Services, options: argparse.Namespace) -> list[RunRequest]:
    if options.end is not None and options.end <= options.start:
        raise InputError("The clip ends before it begins.", "Give an --end that is later than --start.")
    models = list(dict.fromkeys(options.model or [DEFAULT_MODEL]))
    found = [services.model(model_id) for model_id in models]
    task = prompts.CUSTOM if options.prompt is not None else prompts.task(options.task or "transcript").name
    shape = _cue_shape(services, options)
    source = _source(services, options.source, hears_only=not any(model.sees for model in found))
    return [
        services.new_request(
            source,
            model_id,
            task=task,
            prompt=options.prompt,
            start=options.start,
            end=options.end,
            track=options.track - 1,
            language=options.language,
            terms=tuple(options.term),
            quality=Quality(options.quality) if options.quality else None,
            route=RouteChoice(options.route),
            times=Times(options.times),
            cue_shape=shape,
        )
        for model_id in models
    ]


def _cue_shape(services: Services, options: argparse.Namespace) -> CueShape:
    shortest, longest = options.cue_seconds or (None, None)
    wanted = {
        "max_lines": options.cue_lines,
        "line_width": options.cue_width,
        "min_seconds": shortest,
        "max_seconds": longest,
        "max_chars_per_second": options.cue_speed,
    }
    try:
        return replace(
            services.preferences().cue_shape, **{name: value for name, value in wanted.items() if value is not None}
        )
    except ValueError as exc:
        raise InputError(f"Lines of that shape cannot be made: {exc}.", "See: python -m lib.cli run --help") from exc


def _source(services: Services, text: str, *, hears_only: bool) -> Source:
    if "://" not in text:
        return services.keep_file(Path(text))
    _say("Looking up the link …")
    found = services.look_up(text, hears_only=hears_only)
    if isinstance(found, LinkPlaylist):
        videos = "\n".join(f"  {video.url}  {video.title}" for video in found.videos)
        raise InputError(f"This link is a playlist of {len(found.videos)} videos.", f"Give one of them:\n{videos}")
    return Source(
        SourceKind.LINK,
        found.title,
        url=found.url,
        duration=found.duration,
        channel=found.channel,
        picture_url=found.picture_url,
        size_bytes=found.size_bytes,
    )


# While it runs


def _watch(services: Services, run_ids: Sequence[str]) -> list[Run]:
    """Wait until every run is over, telling each change on stderr."""
    told: dict[str, str] = {}
    is_full = False
    while True:
        runs = [services.run(run_id) for run_id in run_ids]
        for run in runs:
            line = _state_line(run)
            if told.get(run.id) != line:
                told[run.id] = line
                _say(f"{run.request.model_id}: {line}")
        if all(run.state.is_over for run in runs):
            return runs
        full = services.disk_problem()
        if full and not is_full:
            _say(f"{full} {full.hint}")
        is_full = full is not None
        problem = services.worker_problem()
        if problem:
            for run in runs:
                services.cancel(run.id)
            raise problem
        time.sleep(POLL)


def _state_line(run: Run) -> str:
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


def _exit_code(run: Run) -> int:
    if run.state is RunState.DONE:
        return DONE
    kind = getattr(errors, run.failure.code, None) if run.failure else None
    return BAD_INPUT if isinstance(kind, type) and issubclass(kind, InputError) else FAILED


# What is written


def _outputs(output: str, model_ids: Sequence[str]) -> list[str]:
    if output == "-" or len(model_ids) == 1:
        return [output] * len(model_ids)
    path = Path(output)
    return [str(path.with_name(f"{path.stem}.{model.replace('/', '_')}{path.suffix}")) for model in model_ids]


def _write_texts(services: Services, runs: Sequence[Run], format_name: str, outputs: Sequence[str]) -> None:
    for run, output in zip(runs, outputs, strict=True):
        if run.state is not RunState.DONE:
            continue
        if output == "-" and len(runs) > 1:
            print(f"== {run.request.model_id} ==")
        _write(output, services.export(run.id, format_name).content.decode())


def _write(output: str, text: str) -> None:
    if output == "-":
        print(text.rstrip("\n"), flush=True)
        return
    try:
        Path(output).write_text(text if text.endswith("\n") else text + "\n", encoding="utf-8")
    except OSError as exc:
        raise InputError(f"{output} cannot be written: {exc.strerror}.", "Choose another --output.") from exc


def _plan_record(plan: Plan) -> dict[str, object]:
    return {
        "model": plan.model_id,
        "route": plan.route.value,
        "reason": plan.reason,
        "clip": None if plan.clip is None else asdict(plan.clip),
        "parts": [{"start": part.start, "end": part.end, "size_bytes": part.size_bytes} for part in plan.parts],
        "size_bytes": plan.size_bytes,
        "source_bytes": plan.source_bytes,
        "verdict": plan.verdict and plan.verdict.value,
        "prompt_tokens": plan.prompt_tokens,
        "completion_tokens": plan.completion_tokens,
        "estimate_usd": None if plan.estimate_usd is None else float(plan.estimate_usd),
        "seconds": plan.seconds,
        "warnings": list(plan.warnings),
        "refusal": plan.refusal,
    }


def _plan_line(plan: Plan) -> str:
    if plan.refusal:
        return f"{plan.model_id}: cannot run. {plan.refusal}"
    words = [plan.reason]
    if plan.verdict is not None and plan.route is not Route.AS_IS:
        words.append(f"As it is: {plan.source_bytes / MEGABYTE:.1f} MB, {plan.verdict}.")
    if plan.size_bytes:
        parts = "one part" if len(plan.parts) == 1 else f"{len(plan.parts)} parts"
        words.append(f"Sends {plan.size_bytes / MEGABYTE:.1f} MB in {parts}.")
    if plan.clip is not None:
        words.append(f"Clip {format_clock(plan.clip.start)} to {format_clock(plan.clip.end)}.")
    if plan.prompt_tokens is not None:
        words.append(f"About {plan.prompt_tokens:,} + {plan.completion_tokens:,} tokens.")
    words.append("Price unknown." if plan.estimate_usd is None else f"${plan.estimate_usd:.4f} (estimate).")
    return f"{plan.model_id}: " + " ".join([*words, *plan.warnings])


def _model_record(model: Model) -> dict[str, object]:
    price = model.price
    return {
        "id": model.id,
        "name": model.name,
        "local": model.is_local,
        "sees": model.sees,
        "hears": model.hears,
        "context_tokens": model.context_tokens,
        "max_output_tokens": model.max_output_tokens,
        "prompt_usd_per_token": None if price is None else float(price.prompt),
        "completion_usd_per_token": None if price is None else float(price.completion),
        "free": model.is_free,
        "expires": model.expires and model.expires.isoformat(),
        "description": model.description,
    }


def _price(model: Model) -> str:
    if model.is_local:
        return "free and private"
    if model.price is None:
        return "price unknown"
    return "free" if model.is_free else f"${model.price.prompt * MEGABYTE:.2f} per million prompt tokens"


def _without_text(record: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in record.items() if name not in ("cues", "text")}


def _json(record: object) -> str:
    return json.dumps(record, ensure_ascii=False, indent=2)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
