"""The same job without a browser: ``python -m lib.cli run SOURCE``.

Progress goes to stderr, the result to stdout or a file. Exit codes: 0 done, 1 the run failed, 2 bad input or usage.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import time
import uuid
from collections.abc import Sequence
from dataclasses import asdict, replace
from decimal import Decimal, InvalidOperation
from pathlib import Path

from lib import errors, prompts
from lib.addresses import without_password
from lib.cli.many import add_many, export_batch, is_many, list_batches, plan_many, run_many
from lib.cli.words import POLL, aligned
from lib.cli.words import json_text as _json
from lib.cli.words import say as _say
from lib.cli.words import state_line as _state_line
from lib.cli.words import write as _write
from lib.domain.citations import citations_of
from lib.domain.comparison import ComparisonTable, Reference
from lib.domain.conversation import Exchange, Look
from lib.domain.copies import CaptionedCopy, CaptionForm
from lib.domain.cues import CueShape
from lib.domain.excerpt import apart
from lib.domain.languages import language_code
from lib.domain.library import Hit
from lib.domain.media import Clip, Source, SourceKind
from lib.domain.model import Model
from lib.domain.plan import MEGABYTE, Plan, Quality, Route, RouteChoice, Times
from lib.domain.proposals import Proposal
from lib.domain.run import Run, RunRequest, RunState
from lib.errors import CuewiseError, InputError, ModelError
from lib.formats import FORMATS, ExportOptions
from lib.formats.comparison import comparison_record
from lib.formats.comparison.words import HEADINGS, figure_rows, known_columns
from lib.formats.references import read_reference
from lib.formats.timecode import format_clock, parse_time
from lib.logs import start_logging
from lib.pipeline.doctor import Verdict
from lib.pipeline.export import segments_record
from lib.pipeline.ingest import link_source
from lib.pipeline.run import as_failure
from lib.services import EVERY_FORMAT, LinkPlaylist, PreparedPart, Services, open_services
from lib.settings import Settings
from lib.store import restore
from lib.terminal import harmless_output

DONE, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130
DEFAULT_MODEL = "local/whisper-base"
MARKS = {Verdict.WORKS: "ok ", Verdict.LIMITED: "!  ", Verdict.FAILS: "NO "}
DEFAULT_BUDGET = 120.0
PROPOSALS = "speech, scenes or word:TEXT"
UNPRICED_HINT = "Say so with --accept-unknown-price, or choose a model with a price."
ROUTES = "auto, link, asis, audio or video: how the clip reaches the model"

TEXT, VIDEO = "transcript", "video"
FROM = "transcript or video: what the task is made from; default the transcript, where there is a finished one"

CAPTIONS = (
    "read captions in the place of a model, at once and free: a file (talk.srt), or those of the link by language "
    "(en), by who made them (human, automatic), or both (automatic:en)"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the arguments say; gives the exit code. Never a traceback: what failed is told in words."""
    with harmless_output():
        return _main(_parser().parse_args(arguments))


def _main(options: argparse.Namespace) -> int:
    services = None
    try:
        settings = Settings.from_environment()
        start_logging(settings.data_dir, "cli", is_shown=False, is_json=settings.logs_json)
        if options.command is _restore:  # for a database that cannot be opened
            return _restore(settings, options)
        services = open_services(settings)
        return options.command(services, options)
    except CuewiseError as exc:
        hint = UNPRICED_HINT if isinstance(exc, errors.PriceUnknown) else exc.hint
        _say(f"{exc} {hint}".strip())
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

    run = commands.add_parser("run", help="transcribe files or links, or give them to models for another task")
    _add_question(run, many=True)
    run.add_argument("--json", action="store_true", help="one JSON object with an item for each video and model")
    run.add_argument("--captions", metavar="WHICH", help=CAPTIONS)
    _add_output(run, default="txt")
    run.set_defaults(command=_run)

    compare = commands.add_parser("compare", help="ask several models the same, and lay their answers side by side")
    _add_question(compare)
    compare.add_argument("--reference", metavar="FILE", help="what was really said, as SRT, VTT or TXT: gives the WER")
    compare.add_argument("--json", action="store_true", help="as JSON, with every row of the grid")
    compare.set_defaults(command=_compare)

    plan = commands.add_parser("plan", help="what would be sent to each model, and what it would cost; sends nothing")
    _add_question(plan, many=True)
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

    doctor = commands.add_parser("doctor", help="whether everything that Cuewise stands on works, and what to do")
    doctor.add_argument("--json", action="store_true", help="as JSON")
    doctor.set_defaults(command=_doctor)

    restore = commands.add_parser("restore", help="put the newest backup in the place of a damaged database")
    restore.add_argument("--backup", type=Path, metavar="FILE", help="another backup than the newest sound one")
    restore.set_defaults(command=_restore)

    batches = commands.add_parser("batches", help="what was started together, newest first")
    batches.add_argument("--json", action="store_true", help="as JSON")
    batches.set_defaults(command=list_batches)

    search = commands.add_parser("search", help="where something was said, over all transcripts")
    search.add_argument("words", metavar="WORDS", help='all of them must be said together; a "phrase" in quotes')
    search.add_argument("--page", type=_page, default=1, metavar="N", help="the next places, twenty a page")
    search.add_argument("--json", action="store_true", help="as JSON")
    search.set_defaults(command=_search)

    ask = commands.add_parser("ask", help="ask about the transcripts of one run or several; answers cite their seconds")
    ask.add_argument("run", nargs="+", metavar="RUN", help="the run's id, or the beginning of it")
    ask.add_argument("question", metavar="QUESTION")
    ask.add_argument("--model", metavar="ID", required=True, help="any model of the catalogue")
    ask.add_argument("--look", action="store_true", help="send the video of the first run as well, all or a stretch")
    ask.add_argument("--start", type=_time, metavar="T", help="where the stretch to look at begins")
    ask.add_argument("--end", type=_time, metavar="T", help="where it ends")
    ask.add_argument("--conversation", metavar="ID", help="go on with this one")
    ask.add_argument("--accept-unknown-price", action="store_true", help="ask a model that has no price, too")
    ask.add_argument("--json", action="store_true", help="as JSON, with what is cited")
    ask.set_defaults(command=_ask)

    delete = commands.add_parser("delete", help="delete a run for good; its video stays")
    delete.add_argument("run", metavar="RUN", help="the run's id, or the beginning of it")
    delete.add_argument("--video", action="store_true", help="the video too, with all its runs")
    delete.add_argument("--yes", action="store_true", help="do not ask")
    delete.set_defaults(command=_delete)

    export = commands.add_parser("export", help="the transcript of a run in a format; of several runs, a zip")
    export.add_argument("run", nargs="*", metavar="RUN", help="the run's id, or the beginning of it")
    export.add_argument("--batch", metavar="ID", help="a zip of all that is done of a batch")
    _add_output(export, default=None)
    export.set_defaults(command=_export)

    caption = commands.add_parser("caption", help="a copy of a run's video with its transcript as captions")
    caption.add_argument("run", metavar="RUN", help="the run's id, or the beginning of it")
    caption.add_argument("--burn", action="store_true", help="draw them into the picture; else a track to switch off")
    caption.add_argument("--output", required=True, metavar="FILE", help="where to write the copy")
    _add_look(caption)
    caption.set_defaults(command=_caption)
    reshape = commands.add_parser("reshape", help="lay out the lines of a transcript anew; asks no model")
    reshape.add_argument("run", metavar="RUN", help="the run's id, or the beginning of it")
    _add_cue_shape(reshape)
    reshape.set_defaults(command=_reshape)
    return parser


def _add_question(parser: argparse.ArgumentParser, *, many: bool = False) -> None:
    if many:
        add_many(parser)
    else:
        parser.add_argument("source", metavar="SOURCE", help="a file, a link, or the id of a run with a transcript")
    parser.add_argument("--model", action="append", metavar="ID", help=f"may be repeated; default {DEFAULT_MODEL}")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--task", metavar="NAME", help=", ".join(task.name for task in prompts.tasks()[:-1]))
    what.add_argument("--prompt", metavar="TEXT", help="your own prompt")
    what.add_argument("--prompt-name", metavar="NAME", help="one that you saved under this name")
    parser.add_argument("--from", dest="made_from", choices=(TEXT, VIDEO), metavar="WHAT", help=FROM)
    parser.add_argument("--to", metavar="LANG", help="the language to translate into, as a code or a name")
    parser.add_argument("--start", type=_time, default=0.0, metavar="T", help="90, 1:30 or 0:01:30.5")
    parser.add_argument("--end", type=_time, metavar="T")
    parser.add_argument(
        "--track", type=_track, default=1, metavar="N", help="which of several tracks of sound; default 1"
    )
    _add_stretches(parser)
    parser.add_argument("--language", metavar="L", help="the language spoken, as a code or a name; default automatic")
    parser.add_argument("--quality", choices=list(Quality), metavar="Q", help="speech or visual (text on the screen)")
    parser.add_argument("--route", choices=list(RouteChoice), default=RouteChoice.AUTO, metavar="R", help=ROUTES)
    parser.add_argument("--times", choices=list(Times), default=Times.AUDIO, metavar="W", help="audio or model")
    parser.add_argument("--term", action="append", default=[], metavar="WORD", help="a name to spell right, repeatable")
    parser.add_argument(
        "--max-usd", type=_usd, metavar="USD", help="what it may cost altogether; default as in Settings"
    )
    parser.add_argument("--accept-unknown-price", action="store_true", help="ask models that have no price, too")
    _add_cue_shape(parser)


def _add_cue_shape(parser: argparse.ArgumentParser) -> None:
    lines = parser.add_argument_group("lines of the transcript", "by default as Settings say")
    lines.add_argument("--cue-lines", type=int, metavar="N", help="lines that are shown at once")
    lines.add_argument("--cue-width", type=int, metavar="N", help="characters a line; Chinese and such take two")
    lines.add_argument("--cue-seconds", type=_seconds_range, metavar="MIN-MAX", help="how long they stay, such as 1-7")
    lines.add_argument("--cue-speed", type=float, metavar="N", help="characters a second at most")


def _add_stretches(parser: argparse.ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--segment",
        type=_segment,
        action="append",
        default=[],
        metavar="START-END",
        help="only this stretch, as in 1:30-2:15; repeatable: several are sent together",
    )
    which.add_argument("--propose", type=_proposal, metavar="WHAT", help=f"{PROPOSALS}: stretches chosen by that")
    parser.add_argument(
        "--budget", type=_time, metavar="T", help=f"how long they may be altogether; default {DEFAULT_BUDGET:.0f} s"
    )


def _add_output(parser: argparse.ArgumentParser, *, default: str | None) -> None:
    names = f"{', '.join(FORMATS)}, or {EVERY_FORMAT}: a zip of every one" + (f"; default {default}" if default else "")
    choices = [*FORMATS, EVERY_FORMAT]
    parser.add_argument("--format", choices=choices, default=default, required=not default, metavar="F", help=names)
    parser.add_argument("--output", default="-", metavar="FILE", help="default -, the standard output")
    parser.add_argument("--no-times", action="store_true", help="leave the times out, where a format can do without")
    _add_look(parser)


def _add_look(parser: argparse.ArgumentParser) -> None:
    usual = ExportOptions()
    parser.add_argument("--no-speakers", action="store_true", help="leave the speakers' names out")
    parser.add_argument(
        "--line-width",
        type=_count,
        default=usual.line_width,
        metavar="N",
        help=f"columns of a caption's line, default {usual.line_width}",
    )
    parser.add_argument("--lines-per-cue", type=_count, metavar="N", help="lines of a caption, default what it takes")


def _export_options(options: argparse.Namespace) -> ExportOptions:
    return ExportOptions(
        with_times=not getattr(options, "no_times", False),
        with_speakers=not options.no_speakers,
        line_width=options.line_width,
        lines_per_cue=options.lines_per_cue,
    )


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1000:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 to 1000.")
    return int(text)


def _time(text: str) -> float:
    try:
        return parse_time(text)
    except ValueError as exc:
        raise argparse.ArgumentTypeError(str(exc)) from exc


def _usd(text: str) -> Decimal:
    try:
        usd = Decimal(text)
    except InvalidOperation:
        usd = Decimal(-1)
    if not usd.is_finite() or usd < 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no sum of dollars: write 0.50")
    return usd


def _page(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no page: the first is 1")
    return int(text)


def _track(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of a track: they count from 1")
    return int(text)


def _seconds_range(text: str) -> tuple[float, float]:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)", text.strip())
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no range of seconds: write 1-7 or 0.8-6")
    return float(found[1]), float(found[2])


def _segment(text: str) -> Clip:
    start, dash, end = text.replace("–", "-").partition("-")
    try:
        if not dash:
            raise ValueError(f"{text!r} is no stretch. Write it like 1:30-2:15.")
        return Clip(parse_time(start), parse_time(end))
    except ValueError as exc:
        message = str(exc) if "a clip runs" not in str(exc) else f"{text!r} ends before it begins."
        raise argparse.ArgumentTypeError(message) from exc


def _proposal(text: str) -> tuple[Proposal, str]:
    kind, _, word = text.partition(":")
    if kind not in list(Proposal) or (kind == Proposal.WORD) != bool(word.strip()):
        raise argparse.ArgumentTypeError(f"{text!r} is none of: {PROPOSALS}.")
    return Proposal(kind), word


# Commands


def _run(services: Services, options: argparse.Namespace) -> int:
    if is_many(options) or options.json:
        _refuse_one_only(options)
        return run_many(services, options, _models_of(options), _asked(services, options), _export_options(options))
    _check_output(options, is_zip=options.format == EVERY_FORMAT)
    if options.captions is not None:
        return _read_captions(services, options)
    requests = _requests(services, options)
    outputs = _outputs(options.output, [request.model_id for request in requests])
    plans = [services.plan(request) for request in requests]
    for plan in plans:
        if plan.refusal:
            raise errors.PlanRefused(f"{plan.model_id}: {plan.refusal}")
    services.budget.check(plans, requests[0].cap_usd)
    runs: list[Run] = []
    try:
        for request in requests:
            runs.append(services.submit(request, key=_key(services)))
        runs = _watch(services, [run.id for run in runs])
    except BaseException:
        # Nothing goes on behind the back of who stopped here.
        for run in runs:
            services.cancel(run.id)
        raise
    _write_runs(services, runs, options, outputs)
    return max(_exit_code(run) for run in runs)


def _compare(services: Services, options: argparse.Namespace) -> int:
    reference = _reference(options.reference) if options.reference else None
    requests = _requests(services, options)
    plans = [services.plan(request) for request in requests]
    for plan in plans:
        if plan.refusal:
            _say(f"{plan.model_id}: {plan.refusal}")
    services.budget.check(plans, requests[0].cap_usd)
    started = services.comparisons.start(requests, key=_key(services))
    for problem in started.problems:
        _say(f"{problem} {problem.hint}".strip())
    comparison_id = started.comparison.id
    services.comparisons.set_reference(comparison_id, reference)
    run_ids = started.comparison.run_ids
    try:
        runs = _watch(services, run_ids)
    except BaseException:
        for run_id in run_ids:
            services.cancel(run_id)
        raise
    table = services.comparisons.table(comparison_id)
    if options.json:
        print(_json(comparison_record(table)))
    else:
        print(_comparison_words(table))
    return FAILED if started.problems else max(_exit_code(run) for run in runs)


def _key(services: Services) -> str | None:
    """The key of the environment, else the one that was remembered on this machine in Settings."""
    return services.settings.openrouter_api_key or services.keys.remembered()


def _reference(path: str) -> Reference:
    try:
        text = Path(path).read_text(encoding="utf-8-sig", errors="replace")
    except OSError as exc:
        raise InputError(f"{path} cannot be read: {exc.strerror}.", "Give an SRT, VTT or TXT file.") from exc
    return read_reference(Path(path).name, text)


def _comparison_words(table: ComparisonTable) -> str:
    """The figures as a table, and the verdict below it."""
    rows = figure_rows(table)
    columns = known_columns(rows)
    lines = [[HEADINGS[at] for at in columns], *([row[at] for at in columns] for row in rows)]
    return "\n".join([*aligned(lines), "", *table.verdict]).rstrip()


def _read_captions(services: Services, options: argparse.Namespace) -> int:
    """A transcript at once from captions that are there: in a file, or behind the link."""
    if options.model or options.prompt or options.task or options.start or options.end:
        raise InputError(
            "Captions are read whole, in the place of a model.",
            "Leave out --model, --task, --prompt, --start and --end.",
        )
    source = _source(services, options.source, hears_only=False)
    path = Path(options.captions)
    if path.is_file():
        run = services.captions.transcribe_path(source, path, language_code(options.language))
    elif source.kind is not SourceKind.LINK:
        raise InputError(f"There is no file {options.captions!r}.", "Name an SRT or VTT file.")
    else:
        run = services.captions.transcribe(source, services.captions.find(source, options.captions))
    _say(f"{run.request.model_id}: {_state_line(run)}")
    _write_runs(services, [run], options, [options.output])
    return DONE


def _refuse_one_only(options: argparse.Namespace) -> None:
    """Before anything is looked up: what belongs to one video is no question for many."""
    for name in ("captions", "propose", "budget"):
        if getattr(options, name, None) is not None:
            raise InputError(f"--{name} is for one video.", "Give one file or one link, or leave it out.")


def _plan(services: Services, options: argparse.Namespace) -> int:
    if is_many(options):
        _refuse_one_only(options)
        return plan_many(services, options, _models_of(options), _asked(services, options))
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


def _doctor(services: Services, options: argparse.Namespace) -> int:
    findings = []
    for finding in services.doctor.examine():
        findings.append(finding)
        if not options.json:
            print(f"{MARKS[finding.verdict]} {finding.name:14} {finding.found}", flush=True)
            if finding.note and finding.verdict is not Verdict.WORKS:
                print(f"{'':17}{finding.note}")
    if options.json:
        print(_json([asdict(finding) for finding in findings]))
    return FAILED if any(finding.verdict is Verdict.FAILS for finding in findings) else DONE


def _restore(settings: Settings, options: argparse.Namespace) -> int:
    restored, aside = restore(settings.database_url, settings.backups_dir, options.backup)
    print(f"Restored {restored}.")
    if aside is not None:
        _say(f"The database that was there is kept as {aside}.")
    return DONE


def _search(services: Services, options: argparse.Namespace) -> int:
    found = services.library.search(options.words, page=options.page)
    if options.json:
        hits = [_hit_record(hit) for hit in found.hits]
        print(_json({"count": found.count, "more": found.is_more, "page": options.page, "hits": hits}))
        return DONE
    for hit in found.hits:
        source, model_id = hit.run.request.source, hit.run.request.model_id
        print(
            f"{format_clock(hit.spot.start):>8}  {hit.run.id}  {source.title}  ({model_id})\n          {hit.spot.text}"
        )
    places = f"{found.count:,} place{'' if found.count == 1 else 's'}"
    _say(f"More than {places}." if found.is_more else f"{places}.")
    return DONE


def _ask(services: Services, options: argparse.Namespace) -> int:
    question = options.question
    if not options.look and (options.start is not None or options.end is not None):
        raise InputError("--start and --end choose what is looked at.", "Add --look.")
    run_ids = _named(services, options.run)
    look = Look(run_ids[0], options.start or 0.0, options.end) if options.look else None
    known = _known_conversation(services, options.conversation, run_ids)
    quoted = services.conversations.quote(run_ids, options.model, question=question, look=look, conversation_id=known)
    if quoted.estimate_usd is not None:
        _say(f"About {quoted.prompt_tokens:,} tokens, ${quoted.estimate_usd:.4f} (estimate).")
    how = {"look": look, "key": _key(services), "accepts_unknown_price": options.accept_unknown_price}
    if known is None:
        exchange = services.conversations.begin(run_ids, question, options.model, **how)
    else:
        exchange = services.conversations.ask(known, question, options.model, **how)
    try:
        exchange = _hear_out(services, exchange, is_shown=not options.json)
    except BaseException:
        # Nothing goes on behind the back of who stopped here.
        services.conversations.stop(exchange.id)
        raise
    if options.json:
        print(_json(_exchange_record(services, exchange)))
    if exchange.failure is not None:
        _say(f"{exchange.failure.message} {exchange.failure.hint}".strip())
        return FAILED
    cost = "" if exchange.cost_usd is None else f", ${exchange.cost_usd}"
    _say(f"{exchange.state}{cost} (conversation {exchange.conversation_id})")
    return DONE if exchange.is_answered else FAILED


def _known_conversation(services: Services, name: str | None, run_ids: Sequence[str]) -> str | None:
    found = services.conversations.get(name) if name else None
    if name and (found is None or found.run_ids != tuple(run_ids)):
        raise InputError(f"There is no conversation {name!r} about these runs.", "Leave out --conversation.")
    return name


def _hear_out(services: Services, exchange: Exchange, *, is_shown: bool) -> Exchange:
    """The exchange once it is over; its answer is written to the standard output as it comes."""
    shown = ""
    while True:
        exchange = services.conversations.exchange(exchange.id) or exchange
        if is_shown and exchange.answer != shown:
            # After a fault the answer starts afresh.
            fresh = exchange.answer.removeprefix(shown) if exchange.answer.startswith(shown) else f"\n{exchange.answer}"
            print(fresh, end="", flush=True)
            shown = exchange.answer
        if exchange.state.is_over:
            if shown:
                print(flush=True)
            return exchange
        time.sleep(POLL)


def _exchange_record(services: Services, exchange: Exchange) -> dict[str, object]:
    conversation = services.conversations.get(exchange.conversation_id)
    cited = citations_of(exchange.answer, services.conversations.durations(conversation))
    return {
        "conversation": conversation.id,
        "runs": list(conversation.run_ids),
        "question": exchange.question,
        "model": exchange.asking.model_id,
        "looked": None if exchange.asking.look is None else asdict(exchange.asking.look),
        "state": exchange.state.value,
        "answer": exchange.answer,
        "citations": [
            {
                "run": conversation.run_ids[each.video - 1] if each.is_inside else None,
                "video": each.video,
                "start": each.start,
                "end": each.end,
                "inside": each.is_inside,
            }
            for each in cited
        ],
        "lines_read": exchange.reading and exchange.reading.lines,
        "lines": exchange.reading and exchange.reading.of_lines,
        "provider": exchange.provider,
        "prompt_tokens": exchange.usage.prompt_tokens,
        "completion_tokens": exchange.usage.completion_tokens,
        "cost_usd": None if exchange.cost_usd is None else float(exchange.cost_usd),
        "remembered": exchange.is_remembered,
        "error": exchange.failure and asdict(exchange.failure),
    }


def _reshape(services: Services, options: argparse.Namespace) -> int:
    (run_id,) = _named(services, [options.run])
    run = services.reshape(run_id, _cue_shape(services, options))
    print(f"{run.id}  {run.request.cue_shape}")
    return DONE


def _delete(services: Services, options: argparse.Namespace) -> int:
    (run_id,) = _named(services, [options.run])
    run = services.run(run_id)
    video_id = run.request.source.video_id
    library = services.library
    farewell = library.farewell_to_video(video_id) if options.video else library.farewell_to_run(run.id)
    what = f"the video with all its runs ({farewell.runs})" if options.video else "the run with its transcript"
    size = f", {farewell.size_bytes / MEGABYTE:.1f} MB," if farewell.size_bytes else ""
    _say(f"{farewell.title}: this deletes {what}{size} for good.")
    if not options.yes and not _is_meant():
        _say("Nothing was deleted.")
        return FAILED
    if options.video:
        library.delete_video(video_id)
    else:
        library.delete_run(run.id)
    _say("Deleted.")
    return DONE


def _is_meant() -> bool:
    if not sys.stdin.isatty():
        raise InputError("Nobody can be asked here whether it is meant.", "Say so with --yes.")
    print("Delete? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _export(services: Services, options: argparse.Namespace) -> int:
    if options.batch is not None:
        return export_batch(services, options, _export_options(options))
    if not options.run:
        raise InputError("There is nothing to export.", "Name a RUN, or a --batch.")
    is_zip = len(options.run) > 1 or options.format == EVERY_FORMAT
    _check_output(options, is_zip=is_zip)
    run_ids = _named(services, options.run)
    if is_zip:
        formats = () if options.format == EVERY_FORMAT else (options.format,)
        export = services.export_zip(run_ids, formats, _export_options(options))
    else:
        export = services.export(run_ids[0], options.format, _export_options(options))
    _write(options.output, export.content)
    return DONE


def _caption(services: Services, options: argparse.Namespace) -> int:
    (run_id,) = _named(services, [options.run])
    form = CaptionForm.BURNED if options.burn else CaptionForm.ATTACHED
    copy = services.copies.order(run_id, form, _export_options(options))
    target = Path(options.output)
    try:
        if target.suffix.lower() not in ("", copy.suffix):
            raise InputError(
                f"The copy is a file of the kind {copy.suffix}.", f"Name it so: {target.stem}{copy.suffix}"
            )
        copy = _watch_copy(services, copy)
    except BaseException:
        services.copies.cancel(copy.id)
        raise
    if copy.state is not RunState.DONE:
        _say(_copy_line(copy))
        return FAILED
    try:
        shutil.copyfile(services.copies.path(copy.id), target)
    except OSError as exc:
        raise InputError(f"{target} cannot be written: {exc.strerror}.", "Choose another --output.") from exc
    return DONE


def _named(services: Services, beginnings: Sequence[str]) -> list[str]:
    """The ids of the runs that begin so. Raises InputError for none, and for several."""
    known = [run.id for run in services.runs(limit=100_000)]
    named = []
    for beginning in beginnings:
        found = [run_id for run_id in known if run_id.startswith(beginning)]
        if len(found) != 1:
            many = "is the beginning of several runs" if found else "is no run here"
            raise InputError(f"{beginning!r} {many}.", "See: python -m lib.cli runs")
        named += found
    return named


# From the arguments to requests


def _requests(services: Services, options: argparse.Namespace) -> list[RunRequest]:
    models = _models_of(options)
    found = [services.model(model_id) for model_id in models]
    asked = _asked(services, options)
    hears_only = not any(model.sees for model in found)
    if (run_id := _run_named(services, options)) is not None:
        return _about_transcript(services, options, run_id, models, asked)
    source = _source(services, options.source, hears_only=hears_only)
    if (run_id := _transcript_of(services, options, source, asked["task"])) is not None:
        return _about_transcript(services, options, run_id, models, asked)
    asked["stretches"] = _stretches(services, options, source, hears_only=hears_only)
    return [services.new_request(source, model_id, **asked) for model_id in models]


def _models_of(options: argparse.Namespace) -> list[str]:
    return list(dict.fromkeys(options.model or [DEFAULT_MODEL]))


def _asked(services: Services, options: argparse.Namespace) -> dict[str, object]:
    """What is asked of every video, as ``Services.new_request`` takes it."""
    if options.end is not None and options.end <= options.start:
        raise InputError("The clip ends before it begins.", "Give an --end that is later than --start.")
    if options.segment and (options.start or options.end is not None):
        raise InputError("--segment takes the place of --start and --end.", "Leave those out.")
    task, prompt = _task(services, options)
    return {
        "task": task,
        "prompt": prompt,
        "start": options.start,
        "end": options.end,
        "track": options.track - 1,
        "language": options.language,
        "terms": tuple(options.term),
        "quality": Quality(options.quality) if options.quality else None,
        "route": RouteChoice(options.route),
        "times": Times(options.times),
        "cue_shape": _cue_shape(services, options),
        "stretches": tuple(options.segment),
        "cap_usd": options.max_usd,
        "order_id": uuid.uuid4().hex,
        "accepts_unknown_price": options.accept_unknown_price,
    }


def _task(services: Services, options: argparse.Namespace) -> tuple[str, str | None]:
    """The task, and the text of the user's own prompt."""
    if options.prompt_name is not None:
        return prompts.CUSTOM, services.saved_prompts.named(options.prompt_name).text
    if options.prompt is not None:
        return prompts.CUSTOM, options.prompt
    task = prompts.task(options.task or ("translation" if options.to else "transcript")).name
    if options.to and task != prompts.TRANSLATION:
        raise InputError("--to is the language of a translation.", "Use --language for the language of another answer.")
    return task, None


def _run_named(services: Services, options: argparse.Namespace) -> str | None:
    """The run that SOURCE is the id of, or the beginning of one; None for a file or a link."""
    if not re.fullmatch(r"[0-9a-f]{4,32}", options.source) or Path(options.source).exists():
        return None
    if options.made_from == VIDEO:
        raise InputError("A run's id stands for its transcript.", "Give the file or the link to ask about the video.")
    return _named(services, [options.source])[0]


def _transcript_of(services: Services, options: argparse.Namespace, source: Source, task: str) -> str | None:
    """The run whose transcript the task is made from; None where the video is asked. Raises InputError for no such
    transcript where one was asked for."""
    if options.made_from == VIDEO or (task not in prompts.FROM_TRANSCRIPT and options.made_from is None):
        return None
    if options.segment or options.propose:
        if options.made_from == TEXT:
            raise InputError("Stretches are sent of the video only.", "Give --start and --end with --from transcript.")
        return None
    found = services.from_transcript.transcripts_of(source)
    if found:
        _say(f"From the transcript of run {found[0].id}, by {found[0].request.model_id}.")
        return found[0].id
    if options.made_from == TEXT or task == prompts.TRANSLATION:
        raise InputError(
            "There is no finished transcript of this.", "Make one first: python -m lib.cli run SOURCE, without --task."
        )
    return None


def _about_transcript(
    services: Services, options: argparse.Namespace, run_id: str, models: Sequence[str], asked: dict[str, object]
) -> list[RunRequest]:
    made = [
        services.from_transcript.request(
            run_id,
            model_id,
            task=asked["task"],
            prompt=asked["prompt"],
            start=options.start,
            end=options.end,
            language=_answer_language(options, asked["task"]),
            terms=tuple(options.term),
        )
        for model_id in models
    ]
    order = {name: asked[name] for name in ("order_id", "accepts_unknown_price")}
    return [
        replace(request, **order, cap_usd=request.cap_usd if asked["cap_usd"] is None else asked["cap_usd"])
        for request in made
    ]


def _answer_language(options: argparse.Namespace, task: str) -> str | None:
    language = options.to or options.language
    if task == prompts.TRANSLATION and not language:
        raise InputError("A translation needs a language.", "Name it: --to German.")
    return language_code(language)


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


def _stretches(
    services: Services, options: argparse.Namespace, source: Source, *, hears_only: bool
) -> tuple[Clip, ...]:
    """The stretches that were named, or those that are proposed inside the clip; none for the clip as it is."""
    if options.budget is not None and options.propose is None:
        raise InputError("There is nothing to spend the --budget on.", f"Say by what to --propose: {PROPOSALS}.")
    if options.segment:
        return _inside(apart(options.segment), source)
    if options.propose is None:
        return ()
    kind, word = options.propose
    proposals = services.proposals
    asset = proposals.held(source) or proposals.fetch(
        source, _say, hears_only=hears_only and kind is not Proposal.SCENES
    )
    clip = _clip(options, asset.duration)
    budget = DEFAULT_BUDGET if options.budget is None else options.budget
    if kind is Proposal.SPEECH:
        found = proposals.by_speech(asset, budget, clip=clip)
    elif kind is Proposal.SCENES:
        found = proposals.by_scenes(asset, budget, clip=clip)
    else:
        found = proposals.by_word(asset, word, budget, clip=clip)
    _say(f"Proposed: {_stretches_line(found)}")
    return found


def _stretches_line(stretches: Sequence[Clip]) -> str:
    return ", ".join(f"{format_clock(each.start)}-{format_clock(each.end)}" for each in stretches)


def _clip(options: argparse.Namespace, duration: float) -> Clip:
    end = duration if options.end is None else min(options.end, duration)
    if options.start >= end:
        raise InputError("The clip begins after the end of the video.", f"It lasts {format_clock(duration)}.")
    return Clip(options.start, end)


def _inside(stretches: tuple[Clip, ...], source: Source) -> tuple[Clip, ...]:
    if source.duration is not None and stretches[-1].start >= source.duration:
        beyond = format_clock(stretches[-1].start)
        raise InputError(
            f"The stretch from {beyond} lies beyond the end.", f"The video lasts {format_clock(source.duration)}."
        )
    return stretches


def _source(services: Services, text: str, *, hears_only: bool) -> Source:
    if "://" not in text:
        return services.keep_file(Path(text))
    _say("Looking up the link …")
    found = services.look_up(text, hears_only=hears_only)
    if isinstance(found, LinkPlaylist):
        videos = "\n".join(f"  {video.url}  {video.title}" for video in found.videos)
        raise InputError(
            f"This link is a playlist of {len(found.videos)} videos.", f"Give one of them, or --playlist:\n{videos}"
        )
    if found.captions:
        _say(f"It has captions: {', '.join(f'{each.kind}:{each.language}' for each in found.captions)}")
    return link_source(found)


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


def _watch_copy(services: Services, copy: CaptionedCopy) -> CaptionedCopy:
    """Wait until a copy is over, telling each tenth of the way on stderr."""
    told = ""
    while not copy.state.is_over:
        line = _copy_line(copy)
        if line != told:
            told = line
            _say(line)
        if problem := services.worker_problem():
            raise problem
        time.sleep(POLL)
        copy = services.copies.get(copy.id) or copy
    return copy


def _copy_line(copy: CaptionedCopy) -> str:
    if copy.failure is not None:
        return f"failed: {copy.failure.message} {copy.failure.hint}".rstrip()
    if copy.state is RunState.RUNNING and copy.progress:
        doing = "burning in" if copy.form is CaptionForm.BURNED else "attaching"
        return f"{doing} {int(copy.progress * 10) * 10} %"
    return str(copy.state)


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


def _check_output(options: argparse.Namespace, *, is_zip: bool) -> None:
    """Before anything is done: what is no text goes to a file, not to a terminal."""
    if options.output == "-" and (is_zip or not FORMATS[options.format].is_text):
        what = "A zip" if is_zip else FORMATS[options.format].title
        raise InputError(f"{what} is not text for a terminal.", "Name a file for it: --output FILE.")


def _write_runs(services: Services, runs: Sequence[Run], options: argparse.Namespace, outputs: Sequence[str]) -> None:
    if options.format == "json":
        records = [services.run_record(run.id) for run in runs]
        _write(options.output, _json(records[0] if len(records) == 1 else records) + "\n")
    else:
        _write_exports(services, runs, options, outputs)


def _write_exports(
    services: Services, runs: Sequence[Run], options: argparse.Namespace, outputs: Sequence[str]
) -> None:
    for run, output in zip(runs, outputs, strict=True):
        if run.state is not RunState.DONE:
            continue
        if output == "-" and len(runs) > 1:
            print(f"== {run.request.model_id} ==")
        _write(output, services.export(run.id, options.format, _export_options(options)).content)


def _plan_record(plan: Plan) -> dict[str, object]:
    return {
        "model": plan.model_id,
        "route": plan.route.value,
        "reason": plan.reason,
        "clip": None if plan.clip is None else asdict(plan.clip),
        **segments_record(plan.stretches),
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
    if plan.stretches:
        words.append(f"Stretches {_stretches_line(plan.stretches)}.")
    elif plan.clip is not None:
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


def _hit_record(hit: Hit) -> dict[str, object]:
    source = hit.run.request.source
    return {
        "run_id": hit.run.id,
        "title": source.title,
        "url": without_password(source.url) if source.url else None,
        "model": hit.run.request.model_id,
        "task": hit.run.request.task,
        "start": hit.spot.start,
        "text": hit.spot.text,
        "found": [text for text, is_found in hit.spot.pieces if is_found],
    }


def _price(model: Model) -> str:
    if model.is_local:
        return "free and private"
    if model.price is None:
        return "price unknown"
    return "free" if model.is_free else f"${model.price.prompt * MEGABYTE:.2f} per million prompt tokens"


def _without_text(record: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in record.items() if name not in ("cues", "text")}
