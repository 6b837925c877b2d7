"""Export: a run and its transcript as a file, or as the one JSON object that scripts read."""

from __future__ import annotations

from dataclasses import dataclass, replace

from lib.addresses import without_password
from lib.domain.media import MediaAsset, Source
from lib.domain.run import Run
from lib.domain.transcript import Transcript
from lib.errors import InputError
from lib.formats import FORMATS, ExportFacts, ExportOptions, file_name, record_of


@dataclass(frozen=True, slots=True)
class Export:
    """A file to download: its name is safe on every system."""

    name: str
    media_type: str
    content: bytes


def export(
    run: Run,
    transcript: Transcript,
    asset: MediaAsset | None,
    format_name: str,
    options: ExportOptions | None = None,
) -> Export:
    """The transcript in a format, captions on lines as wide as the run's. Raises InputError for an unknown format, or
    times asked of a text without."""
    if format_name not in FORMATS:
        raise InputError(f"There is no format named {format_name!r}.", f"Choose one of: {', '.join(FORMATS)}.")
    chosen = FORMATS[format_name]
    options = replace(options or ExportOptions(), line_width=run.request.cue_shape.line_width)
    text = chosen.render(transcript, _facts(run, asset), options)
    name = file_name(run.request.source.title, run.request.model_id, chosen.suffix)
    return Export(name, chosen.media_type, text.encode())


def run_record(run: Run, transcript: Transcript | None, asset: MediaAsset | None) -> dict[str, object]:
    """The run as one JSON-ready object: the shape that ``--format json`` documents."""
    return record_of(transcript or Transcript((), ""), _facts(run, asset))


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
    }
