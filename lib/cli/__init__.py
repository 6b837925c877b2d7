"""The same job without a browser: ``python -m lib.cli run SOURCE``.

Progress goes to stderr, the result to stdout or a file. Exit codes: 0 done, 1 the run failed, 2 bad input or usage.
One noun a file, with its commands, their options and what they do; ``parser`` puts them together.
"""

from lib.cli.entry import main
from lib.cli.exit_codes import BAD_INPUT, DONE

__all__ = ["BAD_INPUT", "DONE", "main"]
