"""How a transcript is laid out: the shape of its lines, and what an export shows of it."""

from __future__ import annotations

import argparse
from dataclasses import replace

from lib.cli.arguments import read_count, read_seconds_range
from lib.cli.command import Command
from lib.cli.exit_codes import DONE
from lib.cli.ids import add_run, run_named
from lib.domain.cues import CueShape
from lib.errors import InputError
from lib.formats import ExportOptions
from lib.services import Services


def add_cue_shape(parser: argparse.ArgumentParser) -> None:
    lines = parser.add_argument_group("lines of the transcript", "by default as Settings say")
    lines.add_argument("--cue-lines", type=int, metavar="N", help="lines that are shown at once")
    lines.add_argument("--cue-width", type=int, metavar="N", help="characters a line; Chinese and such take two")
    lines.add_argument(
        "--cue-seconds", type=read_seconds_range, metavar="MIN-MAX", help="how long they stay, such as 1-7"
    )
    lines.add_argument("--cue-speed", type=float, metavar="N", help="characters a second at most")


def add_look(parser: argparse.ArgumentParser) -> None:
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


def reshape_run(services: Services, options: argparse.Namespace) -> int:
    run = services.reshape(run_named(services, options.run), cue_shape(services, options))
    print(f"{run.id}  {run.request.cue_shape}")
    return DONE


def cue_shape(services: Services, options: argparse.Namespace) -> CueShape:
    """The shape that is asked for; what is left open is as Settings say."""
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


def export_options(options: argparse.Namespace) -> ExportOptions:
    return ExportOptions(
        with_times=not getattr(options, "no_times", False),
        with_speakers=not options.no_speakers,
        line_width=options.line_width,
        lines_per_cue=options.lines_per_cue,
    )


def _reshape_takes(parser: argparse.ArgumentParser) -> None:
    add_run(parser)
    add_cue_shape(parser)


RESHAPE = Command("reshape", "lay out the lines of a transcript anew; asks no model", reshape_run, _reshape_takes)
