"""What was made: the runs, what was said in them, and deleting them."""

from __future__ import annotations

import argparse
import sys

from lib.addresses import without_password
from lib.cli.arguments import read_page
from lib.cli.command import Command
from lib.cli.exit_codes import DONE, FAILED
from lib.cli.ids import add_run, run_named
from lib.cli.words import add_json, json_text, say
from lib.domain.library import Hit
from lib.domain.plan import MEGABYTE
from lib.errors import InputError
from lib.formats.counts import counted
from lib.formats.timecode import format_clock
from lib.services import Services


def list_runs(services: Services, options: argparse.Namespace) -> int:
    runs = services.runs()
    if options.json:
        print(json_text([_without_text(services.run_record(run.id)) for run in runs]))
    else:
        for run in runs:
            print(f"{run.id}  {run.state:9}  {run.request.model_id:30}  {run.request.source.title}")
    return DONE


def _without_text(record: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in record.items() if name not in ("cues", "text")}


def search_transcripts(services: Services, options: argparse.Namespace) -> int:
    found = services.library.search(options.words, page=options.page)
    if options.json:
        hits = [_hit_record(hit) for hit in found.hits]
        print(json_text({"count": found.count, "more": found.is_more, "page": options.page, "hits": hits}))
        return DONE
    for hit in found.hits:
        source, model_id = hit.run.request.source, hit.run.request.model_id
        print(
            f"{format_clock(hit.spot.start):>8}  {hit.run.id}  {source.title}  ({model_id})\n          {hit.spot.text}"
        )
    places = counted(found.count, "place")
    say(f"More than {places}." if found.is_more else f"{places}.")
    return DONE


def _hit_record(hit: Hit) -> dict[str, object]:
    source = hit.run.request.source
    return {
        "run_id": hit.run.id,
        "title": source.title,
        "url": without_password(source.url) if source.url else None,
        "model": hit.run.request.model_id,
        "task": hit.run.request.task,
        "start": hit.spot.start,
        "text": hit.spot.text,
        "found": [text for text, is_found in hit.spot.pieces if is_found],
    }


def delete_run(services: Services, options: argparse.Namespace) -> int:
    run = services.run(run_named(services, options.run))
    video_id = run.request.source.video_id
    library = services.library
    farewell = library.farewell_to_video(video_id) if options.video else library.farewell_to_run(run.id)
    what = f"the video with all its runs ({farewell.runs})" if options.video else "the run with its transcript"
    size = f", {farewell.size_bytes / MEGABYTE:.1f} MB," if farewell.size_bytes else ""
    say(f"{farewell.title}: this deletes {what}{size} for good.")
    if not options.yes and not is_meant():
        say("Nothing was deleted.")
        return FAILED
    if options.video:
        library.delete_video(video_id)
    else:
        library.delete_run(run.id)
    say("Deleted.")
    return DONE


def is_meant() -> bool:
    """Ask on the terminal whether to delete. Raises InputError where nobody can be asked."""
    if not sys.stdin.isatty():
        raise InputError("Nobody can be asked here whether it is meant.", "Say so with --yes.")
    print("Delete? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _search_takes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("words", metavar="WORDS", help='all of them must be said together; a "phrase" in quotes')
    parser.add_argument("--page", type=read_page, default=1, metavar="N", help="the next places, twenty a page")
    add_json(parser)


def _delete_takes(parser: argparse.ArgumentParser) -> None:
    add_run(parser)
    parser.add_argument("--video", action="store_true", help="the video too, with all its runs")
    parser.add_argument("--yes", action="store_true", help="do not ask")


RUNS = Command("runs", "the runs there are, newest first", list_runs, add_json)
SEARCH = Command("search", "where something was said, over all transcripts", search_transcripts, _search_takes)
DELETE = Command("delete", "delete a run for good; its video stays", delete_run, _delete_takes)
