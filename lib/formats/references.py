"""References: what was really said, read from the files in which people have it."""

from __future__ import annotations

from lib.domain.comparison import Reference
from lib.domain.transcript import Cue
from lib.errors import InputError
from lib.formats.captions import read_captions

PLAIN = (".txt", ".md")
LEAST_WORDS = 3
"""A text of fewer words is a mistake, not a reference; in scripts without spaces, of fewer than twelve characters."""


def read_reference(name: str, text: str) -> Reference:
    """The reference in a file: SRT, VTT and what else has times keep them, anything else is plain text.

    Raises InputError for a file without words.
    """
    cues = () if name.lower().endswith(PLAIN) else _captions(name, text)
    said = "\n".join(cue.text for cue in cues) if cues else text
    if len(said.split()) < LEAST_WORDS and len(said.strip()) < 4 * LEAST_WORDS:
        raise InputError(f"{name} holds no text to measure against.", "Choose an SRT, VTT or TXT file with the words.")
    return Reference(name, said, cues)


def _captions(name: str, text: str) -> tuple[Cue, ...]:
    try:
        return read_captions(text, name.rpartition(".")[2])
    except InputError:
        return ()
