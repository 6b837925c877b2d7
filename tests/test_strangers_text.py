"""Text of strangers outside the browser: on a terminal, in a line of ours, in tables and zips."""

from __future__ import annotations

import csv
import io
import time
import zipfile
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib import cli
from lib.domain.media import Source, SourceKind
from lib.domain.run import Run, RunRequest, RunState
from lib.domain.transcript import Cue, Transcript
from lib.errors import InputError
from lib.formats import read_captions
from lib.formats.comparison.as_csv import csv_text
from lib.formats.csv_table import COMMANDS
from lib.formats.text import for_terminal
from lib.pipeline.export import Exportable, export_zip
from lib.services import open_tools
from lib.terminal import harmless_output
from lib.ui.words import cell, plain

ESCAPES = (
    "\x1b[2J\x1b[1;1H",  # clears the screen
    "\x1b]0;owned\x07",  # writes the window's title
    "\x1b]52;c;cm0gLXJmIH4=\x07",  # writes the clipboard
    "\x9b31m",  # the same in one character
    "Paid: $900\rPaid: $0.01",  # writes over the line
    "\x08\x08\x08",
)


@pytest.mark.parametrize("escape", ESCAPES)
def test_no_escape_reaches_a_terminal(settings, monkeypatch, capsys, escape):
    """A title, and an error that quotes one, in what the command line lists."""
    tools = open_tools(settings)
    source = Source(SourceKind.UPLOAD, f"A talk {escape} about", asset_id="a" * 64)
    tools.store.runs.add("a" * 32, RunRequest(source, f"local/{escape}x"), None)
    tools.store.close()
    monkeypatch.setenv("CUEWISE_DATA", str(settings.data_dir))
    assert cli.main(["runs"]) == cli.DONE
    assert cli.main(["export", escape, "--format", "srt"]) == cli.BAD_INPUT
    told = capsys.readouterr()
    assert "A talk" in told.out
    assert not set("\x1b\x9b\x07\x08\r") & set(told.out + told.err)


@given(st.text())
def test_a_terminal_gets_lines_and_tabs_and_no_other_control(text):
    """Whatever is written; a table's line ends stay what they are."""
    shown = for_terminal(text)
    assert not [c for c in shown.replace("\r\n", "\n") if (ord(c) < 32 and c not in "\n\t") or 127 <= ord(c) < 160]
    assert for_terminal("a,b\r\n1,2\r\n") == "a,b\r\n1,2\r\n"


def test_what_is_printed_stays_the_streams_own(capsys):
    """Its other abilities come through, and after it everything is as before."""
    with harmless_output():
        print("a\x1b[31mb", flush=True)
    print("\x1b", end="")
    assert capsys.readouterr().out == "a [31mb\n\x1b"


@pytest.mark.parametrize("mark", [chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))])
def test_a_title_cannot_turn_our_words_about(mark):
    """What follows it in the same line, a price, would be read from its end."""
    assert mark not in plain(f"invoice{mark}fdp.exe")
    assert plain("שלום \u200f!") == "שלום \u200f\\!", "what Hebrew and Arabic need is kept"


@pytest.mark.parametrize("command", COMMANDS)
def test_no_cell_of_any_table_runs_in_a_spreadsheet(command):
    """In our own files, and in those that the browser makes of a table on a page."""
    text = f"{command}HYPERLINK(1)"
    assert not cell(text).startswith(COMMANDS)
    (row,) = csv.reader(io.StringIO(csv_text([(text, f" {text}")]).removeprefix("\ufeff")))
    assert not [each for each in row if each.startswith(COMMANDS)]


@pytest.mark.parametrize("title", ["../../etc/passwd", "/etc/passwd", "..\\..\\x", "C:\\x", "a\0b", "con", "\u202egpj"])
def test_a_title_is_no_path_in_a_zip(title):
    """Whoever unpacks it finds every file in the folder it was unpacked into."""
    request = RunRequest(Source(SourceKind.LINK, title, url="https://example.org/"), "x/../y")
    run = Run("a" * 32, request, RunState.DONE, datetime(2026, 11, 22, tzinfo=UTC))
    made = export_zip([Exportable(run, Transcript((Cue(0.0, 1.0, "Hello."),), "Hello."))])
    with zipfile.ZipFile(io.BytesIO(made.content)) as archive:
        names = archive.namelist()
    assert names
    for name in (*names, made.name):
        assert not set("/\\:\0\u202e") & set(name)
        assert not name.startswith(".")


@pytest.mark.parametrize(
    "content",
    [
        '<?xml version="1.0"?><!DOCTYPE tt [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
        '<tt><body><p begin="0s" end="1s">&x;</p></body></tt>',
        '<?xml version="1.0"?><!DOCTYPE tt [<!ENTITY a "aaaaaaaaaa">'
        + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9))
        + ']><tt><body><p begin="0s" end="1s">&j;</p></body></tt>',
        "1\n00:00:01,000 --> 00:00:02,000\n" + "<" * 100_000 + "\n",
        "WEBVTT\n\n00:01.000 --> 00:02.000\n" + "<v " * 50_000 + "\n",
        "[Events]\n" + "{\\" * 100_000,
        "00:00:01" * 50_000,
    ],
    ids=["another file", "entities", "tags", "voices", "overrides", "digits"],
)
def test_a_file_of_captions_that_attacks_its_reader_is_over_soon(content):
    """Entities, other files and what makes a pattern search for ever: read, or refused, within seconds."""
    begun = time.monotonic()
    try:
        text = " ".join(cue.text for cue in read_captions(content))
    except InputError:
        text = ""
    assert "root:" not in text
    assert len(text) <= len(content)
    assert time.monotonic() - begun < 20
