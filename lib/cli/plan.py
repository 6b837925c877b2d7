"""What would be sent, and what it would cost: ``plan`` in words, ``prepare`` as files. Nothing is sent."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from lib.cli.command import Command
from lib.cli.exit_codes import DONE
from lib.cli.many import is_many, plan_many
from lib.cli.outputs import writing
from lib.cli.question import add_question, requests_of
from lib.cli.sources import add_source, add_sources
from lib.cli.stretches import stretches_line
from lib.cli.words import add_json, json_of_each, say
from lib.domain.plan import MEGABYTE, Plan, Route
from lib.formats.timecode import format_clock
from lib.pipeline.export import segments_record
from lib.services import PreparedPart, Services


def plan_videos(services: Services, options: argparse.Namespace) -> int:
    if is_many(options):
        return plan_many(services, options)
    plans = [services.plan(request) for request in requests_of(services, options)]
    if options.json:
        print(json_of_each([_plan_record(plan) for plan in plans]))
    else:
        for plan in plans:
            print(_plan_line(plan))
    return DONE


def prepare_parts(services: Services, options: argparse.Namespace) -> int:
    records = []
    for request in requests_of(services, options):
        plan, renditions = services.prepare(request, say)
        files = _copied(renditions, Path(options.output), plan.model_id)
        records.append(_plan_record(plan) | {"files": files})
        if not options.json:
            print(_plan_line(plan))
            for file in files:
                print(f"  {file['path']}  {file['size_bytes'] / MEGABYTE:.2f} MB  {format_clock(file['start'])}")
    if options.json:
        print(json_of_each(records))
    return DONE


def _copied(renditions: Sequence[PreparedPart], folder: Path, model_id: str) -> list[dict[str, object]]:
    files = []
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for number, each in enumerate(renditions):
            target = folder / f"{model_id.replace('/', '_')}.{number + 1:03d}{each.suffix}"
            shutil.copyfile(each.path, target)
            files.append({"path": str(target), "size_bytes": each.size_bytes, "start": each.start, "end": each.end})
    return files


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
        words.append(f"Stretches {stretches_line(plan.stretches)}.")
    elif plan.clip is not None:
        words.append(f"Clip {format_clock(plan.clip.start)} to {format_clock(plan.clip.end)}.")
    if plan.prompt_tokens is not None:
        words.append(f"About {plan.prompt_tokens:,} + {plan.completion_tokens:,} tokens.")
    words.append("Price unknown." if plan.estimate_usd is None else f"${plan.estimate_usd:.4f} (estimate).")
    return f"{plan.model_id}: " + " ".join([*words, *plan.warnings])


def _plan_takes(parser: argparse.ArgumentParser) -> None:
    add_sources(parser)
    add_question(parser)
    add_json(parser)


def _prepare_takes(parser: argparse.ArgumentParser) -> None:
    add_source(parser)
    add_question(parser)
    parser.add_argument("--output", required=True, metavar="DIR", help="the folder to write them to")
    add_json(parser)


PLAN = Command(
    "plan", "what would be sent to each model, and what it would cost; sends nothing", plan_videos, _plan_takes
)
PREPARE = Command("prepare", "write the files that would be sent, and print the plan", prepare_parts, _prepare_takes)
