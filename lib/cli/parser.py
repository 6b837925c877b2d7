"""The words of the command line: every command, its options, and the function it calls."""

from __future__ import annotations

import argparse
from pathlib import Path

from lib import prompts
from lib.cli.arguments import (
    read_count,
    read_page,
    read_proposal,
    read_seconds_range,
    read_segment,
    read_time,
    read_track,
    read_usd,
)
from lib.cli.ask import ask_runs
from lib.cli.batches import list_batches
from lib.cli.compare import compare_models
from lib.cli.doctor import examine, restore_backup
from lib.cli.export import caption_video, export_runs
from lib.cli.layout import reshape_run
from lib.cli.library import delete_run, list_runs, search_transcripts
from lib.cli.models import list_models
from lib.cli.plan import plan_videos, prepare_parts
from lib.cli.question import DEFAULT_MODEL, TEXT, VIDEO
from lib.cli.run import run_videos
from lib.cli.stretches import DEFAULT_BUDGET, PROPOSALS
from lib.cli.users import give, list_users
from lib.domain.plan import Quality, RouteChoice, Times
from lib.formats import FORMATS, ExportOptions
from lib.services import EVERY_FORMAT

SOURCES = "a file, a link, the id of a run with a transcript, or a folder; several are run together, with one bill"
ROUTES = "auto, link, asis, audio or video: how the clip reaches the model"
FROM = "transcript or video: what the task is made from; default the transcript, where there is a finished one"
CAPTIONS = (
    "read captions in the place of a model, at once and free: a file (talk.srt), or those of the link by language "
    "(en), by who made them (human, automatic), or both (automatic:en)"
)


def command_parser() -> argparse.ArgumentParser:
    """What it reads has ``command``: the function that does it, given the services and the options."""
    parser = argparse.ArgumentParser(prog="python -m lib.cli", description="Timestamped transcripts of videos.")
    parser.add_argument("--user", metavar="WHO", help="work in the library of a user, named by e-mail or id")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="transcribe files or links, or give them to models for another task")
    run.set_defaults(command=run_videos)
    _add_sources(run)
    _add_question(run)
    _add_json(run, "one JSON object with an item for each video and model")
    run.add_argument("--captions", metavar="WHICH", help=CAPTIONS)
    _add_output(run, default="txt")

    compare = commands.add_parser("compare", help="ask several models the same, and lay their answers side by side")
    compare.set_defaults(command=compare_models)
    _add_source(compare)
    _add_question(compare)
    compare.add_argument("--reference", metavar="FILE", help="what was really said, as SRT, VTT or TXT: gives the WER")
    _add_json(compare, "as JSON, with every row of the grid")

    plan = commands.add_parser("plan", help="what would be sent to each model, and what it would cost; sends nothing")
    plan.set_defaults(command=plan_videos)
    _add_sources(plan)
    _add_question(plan)
    _add_json(plan)

    prepare = commands.add_parser("prepare", help="write the files that would be sent, and print the plan")
    prepare.set_defaults(command=prepare_parts)
    _add_source(prepare)
    _add_question(prepare)
    prepare.add_argument("--output", required=True, metavar="DIR", help="the folder to write them to")
    _add_json(prepare)

    models = commands.add_parser("models", help="the local models and the living catalogue")
    models.set_defaults(command=list_models)
    _add_json(models)

    runs = commands.add_parser("runs", help="the runs there are, newest first")
    runs.set_defaults(command=list_runs)
    _add_json(runs)

    doctor = commands.add_parser("doctor", help="whether everything that Cuewise stands on works, and what to do")
    doctor.set_defaults(command=examine)
    _add_json(doctor)

    restore = commands.add_parser("restore", help="put the newest backup in the place of a damaged database")
    restore.set_defaults(command=restore_backup)
    restore.add_argument("--backup", type=Path, metavar="FILE", help="another backup than the newest sound one")

    users = commands.add_parser("users", help="who has signed in, where there is a login, and what they take up")
    users.set_defaults(command=list_users)
    _add_json(users)

    given = commands.add_parser("give", help="give the library from before there was a login to a user")
    given.set_defaults(command=give)
    given.add_argument("to", metavar="WHO", help="a user who has signed in, by e-mail or id")

    batches = commands.add_parser("batches", help="what was started together, newest first")
    batches.set_defaults(command=list_batches)
    _add_json(batches)

    search = commands.add_parser("search", help="where something was said, over all transcripts")
    search.set_defaults(command=search_transcripts)
    search.add_argument("words", metavar="WORDS", help='all of them must be said together; a "phrase" in quotes')
    search.add_argument("--page", type=read_page, default=1, metavar="N", help="the next places, twenty a page")
    _add_json(search)

    ask = commands.add_parser("ask", help="ask about the transcripts of one run or several; answers cite their seconds")
    ask.set_defaults(command=ask_runs)
    _add_run(ask, nargs="+")
    ask.add_argument("question", metavar="QUESTION")
    ask.add_argument("--model", metavar="ID", required=True, help="any model of the catalogue")
    ask.add_argument("--look", action="store_true", help="send the video of the first run as well, all or a stretch")
    ask.add_argument("--start", type=read_time, metavar="T", help="where the stretch to look at begins")
    ask.add_argument("--end", type=read_time, metavar="T", help="where it ends")
    ask.add_argument("--conversation", metavar="ID", help="go on with this one")
    ask.add_argument("--accept-unknown-price", action="store_true", help="ask a model that has no price, too")
    _add_json(ask, "as JSON, with what is cited")

    delete = commands.add_parser("delete", help="delete a run for good; its video stays")
    delete.set_defaults(command=delete_run)
    _add_run(delete)
    delete.add_argument("--video", action="store_true", help="the video too, with all its runs")
    delete.add_argument("--yes", action="store_true", help="do not ask")

    export = commands.add_parser("export", help="the transcript of a run in a format; of several runs, a zip")
    export.set_defaults(command=export_runs)
    _add_run(export, nargs="*")
    export.add_argument("--batch", metavar="ID", help="a zip of all that is done of a batch")
    _add_output(export, default=None)

    caption = commands.add_parser("caption", help="a copy of a run's video with its transcript as captions")
    caption.set_defaults(command=caption_video)
    _add_run(caption)
    caption.add_argument("--burn", action="store_true", help="draw them into the picture; else a track to switch off")
    caption.add_argument("--output", required=True, metavar="FILE", help="where to write the copy")
    _add_look(caption)

    reshape = commands.add_parser("reshape", help="lay out the lines of a transcript anew; asks no model")
    reshape.set_defaults(command=reshape_run)
    _add_run(reshape)
    _add_cue_shape(reshape)
    return parser


def _add_source(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="SOURCE", help="a file, a link, or the id of a run with a transcript")


def _add_sources(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sources", nargs="+", metavar="SOURCE", help=SOURCES)
    parser.add_argument("--playlist", action="store_true", help="all videos of a link that leads to several")


def _add_run(parser: argparse.ArgumentParser, *, nargs: str | None = None) -> None:
    parser.add_argument("run", nargs=nargs, metavar="RUN", help="the run's id, or the beginning of it")


def _add_json(parser: argparse.ArgumentParser, what: str = "as JSON") -> None:
    parser.add_argument("--json", action="store_true", help=what)


def _add_question(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", action="append", metavar="ID", help=f"may be repeated; default {DEFAULT_MODEL}")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--task", metavar="NAME", help=", ".join(task.name for task in prompts.tasks()[:-1]))
    what.add_argument("--prompt", metavar="TEXT", help="your own prompt")
    what.add_argument("--prompt-name", metavar="NAME", help="one that you saved under this name")
    parser.add_argument("--from", dest="made_from", choices=(TEXT, VIDEO), metavar="WHAT", help=FROM)
    parser.add_argument("--to", metavar="LANG", help="the language to translate into, as a code or a name")
    parser.add_argument("--start", type=read_time, default=0.0, metavar="T", help="90, 1:30 or 0:01:30.5")
    parser.add_argument("--end", type=read_time, metavar="T")
    parser.add_argument(
        "--track", type=read_track, default=1, metavar="N", help="which of several tracks of sound; default 1"
    )
    _add_stretches(parser)
    parser.add_argument("--language", metavar="L", help="the language spoken, as a code or a name; default automatic")
    parser.add_argument("--quality", choices=list(Quality), metavar="Q", help="speech or visual (text on the screen)")
    parser.add_argument("--route", choices=list(RouteChoice), default=RouteChoice.AUTO, metavar="R", help=ROUTES)
    parser.add_argument("--times", choices=list(Times), default=Times.AUDIO, metavar="W", help="audio or model")
    parser.add_argument("--term", action="append", default=[], metavar="WORD", help="a name to spell right, repeatable")
    parser.add_argument(
        "--max-usd", type=read_usd, metavar="USD", help="what it may cost altogether; default as in Settings"
    )
    parser.add_argument("--accept-unknown-price", action="store_true", help="ask models that have no price, too")
    _add_cue_shape(parser)


def _add_cue_shape(parser: argparse.ArgumentParser) -> None:
    lines = parser.add_argument_group("lines of the transcript", "by default as Settings say")
    lines.add_argument("--cue-lines", type=int, metavar="N", help="lines that are shown at once")
    lines.add_argument("--cue-width", type=int, metavar="N", help="characters a line; Chinese and such take two")
    lines.add_argument(
        "--cue-seconds", type=read_seconds_range, metavar="MIN-MAX", help="how long they stay, such as 1-7"
    )
    lines.add_argument("--cue-speed", type=float, metavar="N", help="characters a second at most")


def _add_stretches(parser: argparse.ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--segment",
        type=read_segment,
        action="append",
        default=[],
        metavar="START-END",
        help="only this stretch, as in 1:30-2:15; repeatable: several are sent together",
    )
    which.add_argument("--propose", type=read_proposal, metavar="WHAT", help=f"{PROPOSALS}: stretches chosen by that")
    parser.add_argument(
        "--budget", type=read_time, metavar="T", help=f"how long they may be altogether; default {DEFAULT_BUDGET:.0f} s"
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
        type=read_count,
        default=usual.line_width,
        metavar="N",
        help=f"columns of a caption's line, default {usual.line_width}",
    )
    parser.add_argument(
        "--lines-per-cue", type=read_count, metavar="N", help="lines of a caption, default what it takes"
    )
