"""The words of the command line: all commands together. What each takes stands beside what it does."""

from __future__ import annotations

import argparse

from lib.cli.ask import ASK
from lib.cli.batches import BATCHES
from lib.cli.compare import COMPARE
from lib.cli.doctor import DOCTOR, RESTORE
from lib.cli.export import CAPTION, EXPORT
from lib.cli.layout import RESHAPE
from lib.cli.library import DELETE, RUNS, SEARCH
from lib.cli.models import MODELS
from lib.cli.plan import PLAN, PREPARE
from lib.cli.run import RUN
from lib.cli.users import DELETE_USER, GIVE, USERS

COMMANDS = (
    *(RUN, COMPARE, PLAN, PREPARE, MODELS, RUNS, DOCTOR, RESTORE, USERS, GIVE, DELETE_USER),
    *(BATCHES, SEARCH, ASK, DELETE, EXPORT, CAPTION, RESHAPE),
)
"""In the order in which ``--help`` names them."""


def command_parser() -> argparse.ArgumentParser:
    """What it reads has ``command``: the function that does it, given the services and the options."""
    parser = argparse.ArgumentParser(prog="python -m lib.cli", description="Timestamped transcripts of videos.")
    parser.add_argument("--user", metavar="WHO", help="work in the library of a user, named by e-mail or id")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        its = commands.add_parser(command.name, help=command.help)
        its.set_defaults(command=command.does)
        command.takes(its)
    return parser
