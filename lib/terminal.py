"""What the command line prints: titles, answers and failures of others are text on a terminal too."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import TextIO

from lib.formats.text import for_terminal


class HarmlessText:
    """A stream through which no escape reaches the terminal: see ``for_terminal``. All else is the stream's own."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        self._stream.write(for_terminal(text))
        return len(text)

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)


@contextmanager
def harmless_output() -> Iterator[None]:
    """While this lasts, what is printed goes through ``HarmlessText``."""
    with redirect_stdout(HarmlessText(sys.stdout)), redirect_stderr(HarmlessText(sys.stderr)):
        yield
