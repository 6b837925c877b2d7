"""Whatever a transcript holds: every format takes it, and what goes out comes back."""

import re
from itertools import pairwise

import pysubs2
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from lib.domain.transcript import Cue, Transcript
from lib.formats import FORMATS, ExportOptions, read_captions
from lib.formats.direction import directional_runs
from lib.formats.text import is_unspaced, join_lines, one_line, width, wrap
from tests.test_formats import FACTS, render
from tests.transcript_strategies import TEXTS, cues


@settings(max_examples=300, deadline=None)
@given(st.text())
def test_directional_runs_lose_nothing(text):
    """Together the stretches are the text, and no two neighbours go the same way."""
    runs = directional_runs(text)
    assert "".join(piece for piece, _ in runs) == text
    assert all(one != two for (_, one), (_, two) in pairwise(runs))


def _said(made: tuple[Cue, ...]) -> list[tuple]:
    return [(c.start, c.end, one_line(c.text), one_line(c.speaker or "") or None) for c in made if one_line(c.text)]


@settings(max_examples=300, deadline=None)
@given(cues(), st.integers(1, 60))
@example((Cue(0, 1, "2"), Cue(1, 2, "1984\n\n3"), Cue(2, 3, "x")), 42)
def test_vtt_reads_back(made, columns):
    """Times, text and speakers of any transcript survive WebVTT, whatever the text holds."""
    assume(_said(made))
    text = render("vtt", Transcript(made, ""), options=ExportOptions(line_width=columns))
    assert _said(read_captions(text)) == _said(made)


@settings(max_examples=300, deadline=None)
@given(cues(), st.integers(1, 60))
@example((Cue(0, 1, "2"), Cue(1, 2, "1984\n\n3"), Cue(2, 3, "x")), 1)
def test_srt_reads_back(made, columns):
    """So they do SRT, but for arrows, formatting tags, and speakers that cannot be told from text."""
    assume(_said(made) and not any(re.search(r"<\s*/?[biusfv]|\{\\", one_line(f"{c.speaker} {c.text}")) for c in made))
    text = render("srt", Transcript(made, ""), options=ExportOptions(line_width=columns))

    def letters(rows):
        return [(start, end, re.findall(r"[^\W_]", f"{who or ''} {said}")) for start, end, said, who in rows]

    assert letters(_said(read_captions(text, "srt"))) == letters(_said(made))


@settings(max_examples=150, deadline=None)
@given(cues(speakers=st.sampled_from([None, "Anna", "Bob"])))
def test_captions_are_strictly_valid(made):
    """Cues are numbered, run forward, hold no empty line and no second arrow; pysubs2 finds as many as we wrote."""
    made = tuple(cue for cue in made if "00:02.000" not in cue.text)  # pysubs2 takes any two times for timing
    assume(_said(made))
    for name in ("srt", "vtt"):
        text = render(name, Transcript(made, ""))
        blocks = text.removeprefix("WEBVTT\n\n").removesuffix("\n").split("\n\n")
        assert len(blocks) == len(_said(made)) == text.count("-->")
        before = "00:00:00"
        for number, block in enumerate(blocks, 1):
            lines = block.split("\n")
            if name == "srt":
                assert lines.pop(0) == str(number)
            start, end = lines[0].replace(",", ".").split(" --> ")
            assert (len(before), before) <= (len(start), start) < (len(end), end)
            assert lines[1:]
            assert all(line.strip() for line in lines[1:])
            before = start
        if made[-1].end < 300_000:  # pysubs2 holds 99 hours
            assert len(pysubs2.SSAFile.from_string(text, format_=name)) == len(blocks)


@settings(max_examples=300, deadline=None)
@given(TEXTS, st.integers(1, 50))
def test_wrapping_loses_nothing(text, columns):
    """Joined again, wrapped lines are the text; a line is too wide only where it may not be broken."""
    lines = wrap(text, columns)
    assert join_lines(lines) == one_line(text)
    for line in lines:
        if width(line) > columns:
            assert " " not in line or any(is_unspaced(character) for character in line)


@settings(max_examples=200, deadline=None)
@given(cues(), st.booleans(), st.booleans())
def test_every_format_renders_anything(made, with_times, with_speakers):
    """No text is too strange, and what comes out can be written as UTF-8."""
    assume(_said(made))
    options = ExportOptions(with_times, with_speakers)
    for name, fmt in FORMATS.items():
        if name == "ass" and made[-1].end >= 36_000:
            continue
        assert fmt.write(Transcript(made, "\ud800"), FACTS, options)
