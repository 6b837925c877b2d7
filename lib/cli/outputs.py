"""Where results go: the standard output, a file or a folder."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lib.cli.layout import add_look
from lib.errors import InputError
from lib.formats import FORMATS
from lib.services import EVERY_FORMAT


def add_output(parser: argparse.ArgumentParser, *, default: str | None) -> None:
    names = f"{', '.join(FORMATS)}, or {EVERY_FORMAT}: a zip of every one" + (f"; default {default}" if default else "")
    choices = [*FORMATS, EVERY_FORMAT]
    parser.add_argument("--format", choices=choices, default=default, required=not default, metavar="F", help=names)
    parser.add_argument("--output", default="-", metavar="FILE", help="default -, the standard output")
    parser.add_argument("--no-times", action="store_true", help="leave the times out, where a format can do without")
    add_look(parser)


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
