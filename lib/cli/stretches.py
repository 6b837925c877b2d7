"""The stretches of a video that are sent: named one by one, or proposed within a budget."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from lib.cli.arguments import read_time
from lib.cli.words import say
from lib.domain.excerpt import apart
from lib.domain.media import Clip, Source
from lib.domain.proposals import Proposal
from lib.errors import InputError
from lib.formats.timecode import format_clock, parse_time
from lib.services import Services

DEFAULT_BUDGET = 120.0
PROPOSALS = "speech, scenes or word:TEXT"


def add_stretches(parser: argparse.ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--segment",
        type=_read_segment,
        action="append",
        default=[],
        metavar="START-END",
        help="only this stretch, as in 1:30-2:15; repeatable: several are sent together",
    )
    which.add_argument("--propose", type=_read_proposal, metavar="WHAT", help=f"{PROPOSALS}: stretches chosen by that")
    parser.add_argument(
        "--budget", type=read_time, metavar="T", help=f"how long they may be altogether; default {DEFAULT_BUDGET:.0f} s"
    )


def _read_segment(text: str) -> Clip:
    start, dash, end = text.replace("–", "-").partition("-")
    try:
        if not dash:
            raise ValueError(f"{text!r} is no stretch. Write it like 1:30-2:15.")
        return Clip(parse_time(start), parse_time(end))
    except ValueError as exc:
        message = str(exc) if "a clip runs" not in str(exc) else f"{text!r} ends before it begins."
        raise argparse.ArgumentTypeError(message) from exc


def _read_proposal(text: str) -> tuple[Proposal, str]:
    kind, _, word = text.partition(":")
    if kind not in list(Proposal) or (kind == Proposal.WORD) != bool(word.strip()):
        raise argparse.ArgumentTypeError(f"{text!r} is none of: {PROPOSALS}.")
    return Proposal(kind), word


def chosen_stretches(
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
        source, say, hears_only=hears_only and kind is not Proposal.SCENES
    )
    clip = _clip(options, asset.duration)
    budget = DEFAULT_BUDGET if options.budget is None else options.budget
    if kind is Proposal.SPEECH:
        found = proposals.by_speech(asset, budget, clip=clip, track=options.track - 1)
    elif kind is Proposal.SCENES:
        found = proposals.by_scenes(asset, budget, clip=clip)
    else:
        found = proposals.by_word(asset, word, budget, clip=clip)
    say(f"Proposed: {stretches_line(found)}")
    return found


def _inside(stretches: tuple[Clip, ...], source: Source) -> tuple[Clip, ...]:
    if source.duration is not None and stretches[-1].start >= source.duration:
        beyond = format_clock(stretches[-1].start)
        raise InputError(
            f"The stretch from {beyond} lies beyond the end.", f"The video lasts {format_clock(source.duration)}."
        )
    return stretches


def _clip(options: argparse.Namespace, duration: float) -> Clip:
    end = duration if options.end is None else min(options.end, duration)
    if options.start >= end:
        raise InputError("The clip begins after the end of the video.", f"It lasts {format_clock(duration)}.")
    return Clip(options.start, end)


def stretches_line(stretches: Sequence[Clip]) -> str:
    return ", ".join(f"{format_clock(each.start)}-{format_clock(each.end)}" for each in stretches)
