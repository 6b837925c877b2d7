"""Transcripts as files: in a format, as a zip, or as captions in a copy of the video."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from lib.cli.batches import export_batch
from lib.cli.exit_codes import DONE, FAILED
from lib.cli.ids import run_named, runs_named
from lib.cli.layout import export_options
from lib.cli.outputs import check_output, formats_of, write, writing
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
