"""Export: runs and their transcripts as files, or as the one JSON object that scripts read."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import PurePath

from lib.addresses import without_password
from lib.domain.media import Clip, MediaAsset, Source
from lib.domain.run import Run
from lib.domain.transcript import Transcript
from lib.errors import InputError
from lib.formats import FORMATS, ExportFacts, ExportOptions, Format, file_name, record_of

EVERY_FORMAT = "all"
"""Stands for a zip of every format that a transcript can be written in."""
ZIP_TYPE = "application/zip"


@dataclass(frozen=True, slots=True)
class Export:
    """A file to download: its name is safe on every system."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Exportable:
    """What is exported: a run, what it said, and the media it was about where we hold them."""

    run: Run
    transcript: Transcript
    asset: MediaAsset | None = None


def export(
    run: Run,
    transcript: Transcript,
    asset: MediaAsset | None,
    format_name: str,
    options: ExportOptions | None = None,
) -> Export:
    """The transcript in a format, or zipped in ``all`` of them.

    Raises InputError for an unknown format, or times asked of a text without.
    """
    if format_name == EVERY_FORMAT:
        return export_zip([Exportable(run, transcript, asset)], options=options)
    (chosen,) = formats_of([format_name])
    if chosen.only_for not in (None, run.request.task):
        raise InputError(f"{chosen.title} is for the task {chosen.only_for} alone.", "Choose another format.")
    content = chosen.write(transcript, _facts(run, asset), options or usual_options(run))
    return Export(export_name(run, chosen.suffix), chosen.media_type, content)


def export_zip(
    exportables: Sequence[Exportable], formats: Sequence[str] = (), options: ExportOptions | None = None
) -> Export:
    """One zip of several transcripts, each in all these formats, or in every one there is when none is named.

    A format that a transcript cannot be written in, captions of a summary for one, is left out for it alone.
    Raises InputError for an unknown format, and when nothing at all can be written.
    """
    chosen = formats_of(formats or tuple(FORMATS))
    file, names = BytesIO(), set[str]()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for each in exportables:
            facts = _facts(each.run, each.asset)
            for fmt in (fmt for fmt in chosen if fmt.only_for in (None, each.run.request.task)):
                try:
                    content = fmt.write(each.transcript, facts, options or usual_options(each.run))
                except InputError:
                    continue
                name = unused_name(export_name(each.run, fmt.suffix), names)
                entry = zipfile.ZipInfo(name, each.run.created.timetuple()[:6])
                archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    if not names:
        raise InputError("None of these can be written so.", "Choose other formats, or wait until a run is done.")
    runs = [each.run for each in exportables]
    name = export_name(runs[0], ".zip") if len(runs) == 1 else f"{len(runs)} transcripts.zip"
    return Export(name, ZIP_TYPE, file.getvalue())


def usual_options(run: Run) -> ExportOptions:
    """What holds where nothing is chosen: captions on lines as wide as the run's own."""
    return ExportOptions(line_width=run.request.cue_shape.line_width)


def formats_of(names: Iterable[str]) -> list[Format]:
    """The formats of these names. Raises InputError for an unknown one."""
    for name in names:
        if name not in FORMATS:
            raise InputError(f"There is no format named {name!r}.", f"Choose one of: {', '.join(FORMATS)}.")
    return [FORMATS[name] for name in names]


def export_name(run: Run, suffix: str) -> str:
    """What an export of the run is called: ``Title - model.srt``."""
    return file_name(run.request.source.stem, run.request.model_id, suffix)


def run_record(run: Run, transcript: Transcript | None, asset: MediaAsset | None) -> dict[str, object]:
    """The run as one JSON-ready object: the shape that ``lib/formats/transcript.schema.json`` describes."""
    return record_of(transcript or Transcript((), ""), _facts(run, asset))


def unused_name(name: str, names: set[str]) -> str:
    """The name, or with a number where another file has it; two names that differ in case alone are one on a Mac."""
    path, number, free = PurePath(name), 1, name
    while free.casefold() in names:
        number += 1
        free = f"{path.stem} ({number}){path.suffix}"
    names.add(free.casefold())
    return free


def segments_record(stretches: Sequence[Clip]) -> dict[str, object]:
    """The stretches that were sent, under ``segments``; nothing where that was the whole clip."""
    return {"segments": [{"start": each.start, "end": each.end} for each in stretches]} if stretches else {}


def _facts(run: Run, asset: MediaAsset | None) -> ExportFacts:
    source = run.request.source
    return ExportFacts(
        title=source.title,
        url=_link(source),
        model_id=run.request.model_id,
        provider=run.provider,
        task=run.request.task,
        created=run.created,
        duration=asset.duration if asset else source.duration,
        picture_size=asset.video.watched_size if asset and asset.video else None,
        record=_record(run, asset),
    )


def _link(source: Source) -> str | None:
    # A file is handed on, and whoever gets it should not get the password as well.
    return without_password(source.url) if source.url else None


def _record(run: Run, asset: MediaAsset | None) -> dict[str, object]:
    source, plan = run.request.source, run.plan
    clip = plan.clip if plan else None
    return {
        "run_id": run.id,
        "source": {
            "title": source.title,
            "duration": asset.duration if asset else source.duration,
            "sha256": run.asset_id,
            "url": _link(source),
        },
        "model": run.request.model_id,
        "provider": run.provider,
        "task": run.request.task,
        "clip": {"start": clip.start if clip else run.request.start, "end": clip.end if clip else run.request.end},
        "track": run.request.track + 1,
        **segments_record(plan.stretches if plan else run.request.stretches),
        "state": run.state,
        "route": plan.route if plan else None,
        "parts": [
            {
                "start": part.start,
                "end": part.end,
                "state": part.state,
                "size_bytes": part.size_bytes,
                "model": part.model_id or run.request.model_id,
                "generation_id": part.generation_id,
            }
            for part in run.parts
        ],
        "usage": {
            "prompt_tokens": run.usage.prompt_tokens,
            "completion_tokens": run.usage.completion_tokens,
        },
        "cost_usd": run.cost_usd,
        "from_cache": run.from_cache,
        "seconds": run.seconds,
        "error": None if run.failure is None else {"code": run.failure.code, "message": run.failure.message},
        "health": run.health.as_record() if run.health else {},
        "health_version": run.health_version,
    }
