"""The prompt of questions about transcripts: what a model is told before it is asked."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import resources
from string import Template

FILE = "ask.v1.md"
MISSING = (
    "- It is too long to be sent whole: what seems to matter to the question was chosen, and […] stands where lines "
    "were left out. Where the answer may stand in what you do not see, say so.\n"
)


def asking_prompt(transcripts: Sequence[tuple[str, str]], *, is_whole: bool) -> str:
    """What a model is told before a question about transcripts, each given as its title and its lines with times.

    ``is_whole``: nothing was left out of them.
    """
    several = len(transcripts) > 1
    return Template(_text()).safe_substitute(
        what=f"{len(transcripts)} recordings" if several else "a recording",
        citing="the number of the recording and the time, as [2, 12:34]" if several else "as [12:34]",
        missing="" if is_whole else MISSING,
        transcripts="\n\n".join(
            f"Transcript of {f'recording {number}' if several else 'the recording'}, “{title}”:\n\n{lines}"
            for number, (title, lines) in enumerate(transcripts, 1)
        ),
    )


@cache
def _text() -> str:
    return resources.files(__package__).joinpath(FILE).read_text(encoding="utf-8").strip()
