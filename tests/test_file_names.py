"""The names of exported files: what they say, and that they are safe everywhere."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.formats import file_name
from tests.transcript_strategies import TEXTS


@pytest.mark.parametrize(
    ("title", "model_id", "name"),
    [
        ("Birds: a talk", "google/gemini-3.8-flash", "Birds- a talk - gemini-3.8-flash.srt"),
        ("../../etc/passwd", "local/whisper-base", "etc-passwd - whisper-base.srt"),
        ("C:\\x\\y", "a/b:free", "C-x-y - b-free.srt"),
        ("-rf", "", "rf.srt"),
        (".hidden", "", "hidden.srt"),
        ("", "", "video.srt"),
        ("CON", "", "_CON.srt"),
        ("nul.tar", "a/b", "_nul.tar - b.srt"),
        ("Привет 世界 😀", "m", "Привет 世界 😀 - m.srt"),
        ('a "b"\n<c>', "m", "a -b- -c - m.srt"),
        ("exe\u202egpj", "m", "exegpj - m.srt"),
        ("x" * 300, "m", "x" * 112 + " - m.srt"),
    ],
)
def test_file_names(title, model_id, name):
    """A name says what it is and is safe on every system."""
    assert file_name(title, model_id, ".srt") == name


@settings(max_examples=500, deadline=None)
@given(
    st.text() | TEXTS | st.text(max_size=400).map(lambda text: text * 5),
    st.text(),
    st.sampled_from([".srt", "json", ".md"]),
)
def test_every_file_name_is_safe(title, model_id, suffix):
    """Whatever the title: no path, no control, no reserved name, bounded, never empty, no option, not hidden."""
    name = file_name(title, model_id, suffix)
    assert len(name) <= 120
    assert len(name.encode()) <= 255
    assert name.endswith("." + suffix.lstrip("."))
    assert not re.search(r'[<>:"/\\|?*\x00-\x1f\x7f]', name)
    assert name[0] not in "-. ~"
    assert not re.match(r"(?i)(con|prn|aux|nul|com\d|lpt\d)\s*\.", name)
