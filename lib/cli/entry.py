"""The way in: from the arguments to an exit code."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from lib.cli.doctor import restore_backup
from lib.cli.exit_codes import BAD_INPUT, FAILED, INTERRUPTED
from lib.cli.parser import command_parser
from lib.cli.words import problem_words, say
from lib.errors import CuewiseError, InputError, ModelError, PriceUnknown
from lib.logs import start_logging
from lib.pipeline.run import as_failure
from lib.services import open_services
from lib.settings import Settings
from lib.terminal import harmless_output

UNPRICED_HINT = "Say so with --accept-unknown-price, or choose a model with a price."


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the arguments say; gives the exit code. Never a traceback: what failed is told in words."""
    with harmless_output():
        return _main(command_parser().parse_args(arguments))


def _main(options: argparse.Namespace) -> int:
    services = None
    try:
        settings = Settings.from_environment()
        start_logging(settings.data_dir, "cli", is_shown=False, is_json=settings.logs_json)
        if options.command is restore_backup and options.user is None:  # for a database that cannot be opened
            return restore_backup(settings, options)
        services = open_services(settings)
        if options.user is None:
            return options.command(services, options)
        user = services.users.find(options.user)
        if options.command is restore_backup:
            return restore_backup(settings.for_user(user.id), options)
        return options.command(services.of_user(user.id), options)
    except CuewiseError as exc:
        say(f"{exc} {UNPRICED_HINT}" if isinstance(exc, PriceUnknown) else problem_words(exc))
        return BAD_INPUT if isinstance(exc, InputError | ModelError) else FAILED
    except KeyboardInterrupt:
        say("Stopped.")
        return INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        return FAILED
    except Exception as exc:
        say(problem_words(as_failure(exc, "of the command line")))
        return FAILED
    finally:
        if services is not None:
            services.close()
