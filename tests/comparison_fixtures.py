"""Columns made up of known words, for the tests of comparing."""

from __future__ import annotations

from hypothesis import strategies as st

from lib.domain.columns import Column
from lib.domain.grid import Grid, Mark
from lib.domain.media import Clip
from lib.domain.transcript import Cue, TimedBy, Word
from lib.speech import Heard

MINUTE = Clip(0.0, 60.0)

WORDS = (
    *("the", "the", "it", "was", "a", "night", "river", "Don't", "twenty", "five", "25", "hundred", "and", "half"),
    *("Mr.", "Smith,", "uh,", "—", "[music]", "(laughs)", "♪", "one.", "Two!", "colour", "it's", "been", "%", "$5"),
    *("今日は、", "東京です。", "ナイル川", "OK?", "café", "naïve…", "नमस्ते", "สวัสดี", "well-known", "no", "no", "no"),
)
"""Words that are easily lost or doubled: repeated ones, numbers in two styles, contractions, what the normaliser
drops, scripts without spaces."""


def column(name: str, *lines: str, pace: float = 3.0, timed_by: TimedBy = TimedBy.AUDIO, language="en") -> Column:
    """A column with a cue for each line, one after the other, each ``pace`` seconds long. An empty line is silence."""
    cues = tuple(Cue(k * pace, (k + 1) * pace, line, timed_by=timed_by) for k, line in enumerate(lines) if line.strip())
    return Column(name, cues, language)


def column_heard(name: str, heard: Heard) -> Column:
    """What a local model heard, as a column."""
    return Column(
        name, tuple(Cue(s.start, s.end, s.text, timed_by=TimedBy.AUDIO) for s in heard.segments), heard.language
    )


def heard_as(*lines: str, pace: float = 3.0) -> tuple[Word, ...]:
    """The words of the lines as the audio holds them, on the same clock."""
    out = []
    for k, line in enumerate(lines):
        words = line.split()
        step = pace / max(1, len(words))
        out += [Word(k * pace + i * step, k * pace + (i + 0.9) * step, word) for i, word in enumerate(words)]
    return tuple(out)


def shown(grid: Grid) -> list[list[str]]:
    """The cells of each row as text, with what differs as ``*..*``, extra ``+..+`` and missing ``-..-``."""
    signs = {Mark.SAME: "", Mark.DIFFERS: "*", Mark.EXTRA: "+", Mark.MISSING: "-"}
    return [
        ["".join(_signed(span.text, signs[span.mark]) for span in cell.spans) for cell in row.cells]
        for row in grid.rows
    ]


def _signed(text: str, sign: str) -> str:
    return f"{sign}{text.rstrip()}{sign}{' ' * (text != text.rstrip())}"


@st.composite
def spoiled(draw, said: list[str]) -> list[str]:
    """The words with some left out, some added, some said again."""
    out: list[str] = []
    for word in said:
        kind = draw(st.sampled_from(("kept", "kept", "kept", "kept", "lost", "other", "added", "again")))
        if kind in ("kept", "added", "again"):
            out.append(word)
        if kind in ("other", "added"):
            out.append(draw(st.sampled_from(WORDS)))
        if kind == "again":
            out.extend(out[-draw(st.integers(1, 8)) :])
    return out


@st.composite
def cues_of(draw, words: list[str]) -> tuple[Cue, ...]:
    """The words in lines of any length, at times that may be good, rough, all the same, or backwards."""
    cues = []
    at = 0.0
    while words:
        count = draw(st.integers(1, 9))
        length = draw(st.sampled_from((0.0, 0.3, 2.0, 5.0)))
        timed_by = draw(st.sampled_from(TimedBy))
        cues.append(Cue(at, at + length, " ".join(words[:count]), timed_by=timed_by))
        at = max(0.0, at + draw(st.sampled_from((0.0, length, length, length + 3.0, -1.0))))
        words = words[count:]
    return tuple(cues)


@st.composite
def comparisons(draw) -> tuple[list[Column], tuple[Word, ...]]:
    """Up to eight columns over the same speech, some of them empty or of other words altogether; and what was heard."""
    said = draw(st.lists(st.sampled_from(WORDS), max_size=30))
    columns = []
    for k in range(draw(st.integers(1, 8))):
        kind = draw(st.sampled_from(("close", "close", "close", "empty", "strange")))
        words = {
            "close": spoiled(said),
            "empty": st.just([]),
            "strange": st.lists(st.sampled_from(("xu", "yo", "zi")), max_size=12),
        }[kind]
        language = draw(st.sampled_from(("en", "en", None, "ja")))
        columns.append(Column(f"model {k}", draw(cues_of(draw(words))), language))
    is_heard = draw(st.booleans())
    return columns, heard_as(*said, pace=0.5) if is_heard else ()
