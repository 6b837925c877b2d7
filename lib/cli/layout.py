"""How a transcript is laid out: the shape of its lines, and what an export shows of it."""

from __future__ import annotations

import argparse
from dataclasses import replace

from lib.cli.exit_codes import DONE
from lib.cli.ids import run_named
from lib.domain.cues import CueShape
from lib.errors import InputError
from lib.formats import ExportOptions
from lib.services import Services


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
