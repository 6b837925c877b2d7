"""What is asked of the models: from the arguments to requests."""

from __future__ import annotations

import argparse
import re
import uuid
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from lib import prompts
from lib.cli.arguments import read_time, read_track, read_usd
from lib.cli.ids import run_named
from lib.cli.layout import add_cue_shape, cue_shape
from lib.cli.sources import source_of
from lib.cli.stretches import add_stretches, chosen_stretches
from lib.cli.words import say
from lib.domain.languages import language_code
from lib.domain.media import Source
from lib.domain.plan import Quality, RouteChoice, Times
from lib.domain.run import RunRequest
from lib.errors import InputError
from lib.services import Services

DEFAULT_MODEL = "local/whisper-base"
TEXT, VIDEO = "transcript", "video"
ROUTES = "auto, link, asis, audio or video: how the clip reaches the model"
FROM = "transcript or video: what the task is made from; default the transcript, where there is a finished one"
Asked = dict[str, object]


def add_question(parser: argparse.ArgumentParser) -> None:
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
    add_stretches(parser)
    parser.add_argument("--language", metavar="L", help="the language spoken, as a code or a name; default automatic")
    parser.add_argument("--quality", choices=list(Quality), metavar="Q", help="speech or visual (text on the screen)")
    parser.add_argument("--route", choices=list(RouteChoice), default=RouteChoice.AUTO, metavar="R", help=ROUTES)
    parser.add_argument("--times", choices=list(Times), default=Times.AUDIO, metavar="W", help="audio or model")
    parser.add_argument("--term", action="append", default=[], metavar="WORD", help="a name to spell right, repeatable")
    add_cap(parser)
    parser.add_argument("--accept-unknown-price", action="store_true", help="ask models that have no price, too")
    add_cue_shape(parser)


def add_cap(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--max-usd", type=read_usd, metavar="USD", help="what it may cost altogether; default as in Settings"
    )


def requests_of(services: Services, options: argparse.Namespace) -> list[RunRequest]:
    """A request for each model, about the one video or the one transcript."""
    models = models_of(options)
    found = [services.model(model_id) for model_id in models]
    asked = asked_of_each(services, options)
    hears_only = not any(model.sees for model in found)
    if (run_id := _run_given(services, options)) is not None:
        return _about_transcript(services, options, run_id, models, asked)
    source = source_of(services, options.source, hears_only=hears_only)
    if (run_id := _transcript_of(services, options, source, asked["task"])) is not None:
        return _about_transcript(services, options, run_id, models, asked)
    asked["stretches"] = chosen_stretches(services, options, source, hears_only=hears_only)
    return [services.new_request(source, model_id, **asked) for model_id in models]


def models_of(options: argparse.Namespace) -> list[str]:
    return list(dict.fromkeys(options.model or [DEFAULT_MODEL]))


def asked_of_each(services: Services, options: argparse.Namespace) -> Asked:
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
        "cue_shape": cue_shape(services, options),
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


def _run_given(services: Services, options: argparse.Namespace) -> str | None:
    """The run that SOURCE is the id of, or the beginning of one; None for a file or a link."""
    if not re.fullmatch(r"[0-9a-f]{4,32}", options.source) or Path(options.source).exists():
        return None
    if options.made_from == VIDEO:
        raise InputError("A run's id stands for its transcript.", "Give the file or the link to ask about the video.")
    return run_named(services, options.source)


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
        say(f"From the transcript of run {found[0].id}, by {found[0].request.model_id}.")
        return found[0].id
    if options.made_from == TEXT or task == prompts.TRANSLATION:
        raise InputError(
            "There is no finished transcript of this.", "Make one first: python -m lib.cli run SOURCE, without --task."
        )
    return None


def _about_transcript(
    services: Services, options: argparse.Namespace, run_id: str, models: Sequence[str], asked: Asked
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
    return [replace(request, **order, own_cap_usd=asked["cap_usd"]) for request in made]


def _answer_language(options: argparse.Namespace, task: str) -> str | None:
    language = options.to or options.language
    if task == prompts.TRANSLATION and not language:
        raise InputError("A translation needs a language.", "Name it: --to German.")
    return language_code(language)
