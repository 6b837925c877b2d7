"""The video that a SOURCE stands for: a file, or what a link leads to."""

from __future__ import annotations

import argparse
from pathlib import Path

from lib.cli.words import say
from lib.domain.media import Source
from lib.errors import InputError
from lib.pipeline.ingest import link_source
from lib.services import LinkPlaylist, Services

SOURCES = "a file, a link, the id of a run with a transcript, or a folder; several are run together, with one bill"


def add_source(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="SOURCE", help="a file, a link, or the id of a run with a transcript")


def add_sources(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sources", nargs="+", metavar="SOURCE", help=SOURCES)
    parser.add_argument("--playlist", action="store_true", help="all videos of a link that leads to several")


def source_of(services: Services, text: str, *, hears_only: bool) -> Source:
    """Raises InputError for a playlist, which is for many at once."""
    if "://" not in text:
        return services.keep_file(Path(text))
    say("Looking up the link …")
    found = services.look_up(text, hears_only=hears_only)
    if isinstance(found, LinkPlaylist):
        videos = "\n".join(f"  {video.url}  {video.title}" for video in found.videos)
        raise InputError(
            f"This link is a playlist of {len(found.videos)} videos.", f"Give one of them, or --playlist:\n{videos}"
        )
    if found.captions:
        say(f"It has captions: {', '.join(f'{each.kind}:{each.language}' for each in found.captions)}")
    return link_source(found)
