"""Transcripts as files: in a format, as a zip, or as captions in a copy of the video."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from lib.cli.batches import export_batch
from lib.cli.command import Command
from lib.cli.exit_codes import DONE, FAILED
from lib.cli.ids import add_run, run_named, runs_named
from lib.cli.layout import add_look, export_options
from lib.cli.outputs import add_output, check_output, formats_of, write, writing
from lib.cli.watch import copy_line, stopped_with_us, watch_copy
from lib.cli.words import say
from lib.domain.copies import CaptionForm
from lib.domain.run import RunState
from lib.errors import InputError
from lib.services import EVERY_FORMAT, Services


def export_runs(services: Services, options: argparse.Namespace) -> int:
    if options.batch is not None:
        return export_batch(services, options)
    if not options.run:
        raise InputError("There is nothing to export.", "Name a RUN, or a --batch.")
    is_zip = len(options.run) > 1 or options.format == EVERY_FORMAT
    check_output(options, is_zip=is_zip)
    run_ids = runs_named(services, options.run)
    if is_zip:
        export = services.export_zip(run_ids, formats_of(options), export_options(options))
    else:
        export = services.export(run_ids[0], options.format, export_options(options))
    write(options.output, export.content)
    return DONE


def caption_video(services: Services, options: argparse.Namespace) -> int:
    run_id = run_named(services, options.run)
    form = CaptionForm.BURNED if options.burn else CaptionForm.ATTACHED
    copy = services.copies.order(run_id, form, export_options(options))
    target = Path(options.output)
    with stopped_with_us(services.copies.cancel, [copy.id]):
        if target.suffix.lower() not in ("", copy.suffix):
            raise InputError(
                f"The copy is a file of the kind {copy.suffix}.", f"Name it so: {target.stem}{copy.suffix}"
            )
        copy = watch_copy(services, copy)
    if copy.state is not RunState.DONE:
        say(copy_line(copy))
        return FAILED
    with writing(target):
        shutil.copyfile(services.copies.path(copy.id), target)
    return DONE


def _export_takes(parser: argparse.ArgumentParser) -> None:
    add_run(parser, nargs="*")
    parser.add_argument("--batch", metavar="ID", help="a zip of all that is done of a batch")
    add_output(parser, default=None)


def _caption_takes(parser: argparse.ArgumentParser) -> None:
    add_run(parser)
    parser.add_argument("--burn", action="store_true", help="draw them into the picture; else a track to switch off")
    parser.add_argument("--output", required=True, metavar="FILE", help="where to write the copy")
    add_look(parser)


EXPORT = Command("export", "the transcript of a run in a format; of several runs, a zip", export_runs, _export_takes)
CAPTION = Command("caption", "a copy of a run's video with its transcript as captions", caption_video, _caption_takes)
