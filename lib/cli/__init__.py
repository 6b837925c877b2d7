"""The same job without a browser: ``python -m lib.cli run SOURCE``.

Progress goes to stderr, the result to stdout or a file. Exit codes: 0 done, 1 the run failed, 2 bad input or usage.
"""

from lib.cli.parser import BAD_INPUT, DONE, main

__all__ = ["BAD_INPUT", "DONE", "main"]
