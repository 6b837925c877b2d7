"""Where results go: the standard output, a file or a folder."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lib.errors import InputError
from lib.formats import FORMATS
from lib.services import EVERY_FORMAT


def write(output: str, content: str | bytes) -> None:
    if isinstance(content, str):
        content = content.encode()
    if output == "-":
        print(content.decode().rstrip("\n"), flush=True)
        return
    with writing(output):
        Path(output).write_bytes(content)


@contextmanager
def writing(target: str | Path) -> Iterator[None]:
    """Raises InputError where the file or folder cannot be written."""
    try:
        yield
    except OSError as exc:
        raise InputError(f"{target} cannot be written: {exc.strerror}.", "Choose another --output.") from exc


def check_output(options: argparse.Namespace, *, is_zip: bool) -> None:
    """Before anything is done: what is no text goes to a file, not to a terminal."""
    if options.output == "-" and (is_zip or not FORMATS[options.format].is_text):
        what = "A zip" if is_zip else FORMATS[options.format].title
        raise InputError(f"{what} is not text for a terminal.", "Name a file for it: --output FILE.")


def formats_of(options: argparse.Namespace) -> tuple[str, ...]:
    """The formats of a zip as ``Services.export_zip`` takes them: none stands for every one."""
    return () if options.format == EVERY_FORMAT else (options.format,)
