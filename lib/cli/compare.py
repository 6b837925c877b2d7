"""Several models asked the same: their answers side by side."""

from __future__ import annotations

import argparse
from pathlib import Path

from lib.cli.command import Command
from lib.cli.exit_codes import FAILED, exit_code
from lib.cli.keys import known_key
from lib.cli.question import add_question, requests_of
from lib.cli.sources import add_source
from lib.cli.watch import stopped_with_us, watch_runs
from lib.cli.words import add_json, aligned, json_text, problem_words, say
from lib.domain.comparison import ComparisonTable, Reference
from lib.domain.plan import total_usd
from lib.errors import InputError
from lib.formats.comparison import comparison_record
from lib.formats.comparison.words import HEADINGS, figure_rows, known_columns
from lib.formats.references import read_reference
from lib.services import Services


def compare_models(services: Services, options: argparse.Namespace) -> int:
    reference = _reference(options.reference) if options.reference else None
    requests = requests_of(services, options)
    plans = [services.plan(request) for request in requests]
    for plan in plans:
        if plan.refusal:
            say(f"{plan.model_id}: {plan.refusal}")
    services.budget.check(total_usd(plans), requests[0].own_cap_usd)
    started = services.comparisons.start(requests, key=known_key(services))
    for problem in started.problems:
        say(problem_words(problem))
    comparison_id, run_ids = started.comparison.id, started.comparison.run_ids
    services.comparisons.set_reference(comparison_id, reference)
    with stopped_with_us(services.cancel, run_ids):
        runs = watch_runs(services, run_ids)
    table = services.comparisons.table(comparison_id)
    print(json_text(comparison_record(table)) if options.json else _table_words(table))
    return FAILED if started.problems else max(exit_code(run) for run in runs)


def _reference(path: str) -> Reference:
    try:
        text = Path(path).read_text(encoding="utf-8-sig", errors="replace")
    except OSError as exc:
        raise InputError(f"{path} cannot be read: {exc.strerror}.", "Give an SRT, VTT or TXT file.") from exc
    return read_reference(Path(path).name, text)


def _table_words(table: ComparisonTable) -> str:
    """The figures as a table, and the verdict below it."""
    rows = figure_rows(table)
    columns = known_columns(rows)
    lines = [[HEADINGS[at] for at in columns], *([row[at] for at in columns] for row in rows)]
    return "\n".join([*aligned(lines), "", *table.verdict]).rstrip()


def _compare_takes(parser: argparse.ArgumentParser) -> None:
    add_source(parser)
    add_question(parser)
    parser.add_argument("--reference", metavar="FILE", help="what was really said, as SRT, VTT or TXT: gives the WER")
    add_json(parser, "as JSON, with every row of the grid")


COMPARE = Command(
    "compare", "ask several models the same, and lay their answers side by side", compare_models, _compare_takes
)
