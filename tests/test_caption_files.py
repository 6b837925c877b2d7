"""Caption files as others write them: read, or refused in words."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.domain.transcript import Cue
from lib.errors import InputError
from lib.formats import read_captions


def test_captions_as_others_write_them():
    """Carriage returns, a byte order mark, tags, short fractions, missing numbers and lines that end early."""
    text = (
        "\ufeff1\r\n00:00:01,5 --> 00:00:02,000 X1:0\r\n<i>Hello</i> {\\an8}there\r\n- you\r\n\r\n"
        "2\r\n0:00:03.000 --> 0:00:02.000\r\n1984\r\n\r\n00:00:05,000 --> 00:00:06,000\r\n\r\n"
        "3\r\n00:00:07,000 --> 00:00:08,000\r\n42"
    )
    assert read_captions(text) == (Cue(1.5, 2.0, "Hello there - you"), Cue(3.0, 3.0, "1984"), Cue(7.0, 8.0, "42"))


def test_webvtt_as_others_write_it():
    """Header, notes, styles, identifiers, settings and tags are no text; two voices are two cues."""
    text = (
        "WEBVTT - a title\nKind: captions\n\nSTYLE\n::cue { color: red }\n\nNOTE\nnot said\n\n"
        "intro\n00:01.000 --> 00:02.000 align:start\n<v.loud Anna B.>Hi <b>you</b> &amp; me</v>\n"
        "<v Bob>Yes<00:01.500> &lt;3\n\n00:00:03.000 --> 00:00:04.000\nplain\n"
    )
    assert read_captions(text) == (
        Cue(1.0, 2.0, "Hi you & me", "Anna B."),
        Cue(1.0, 2.0, "Yes <3", "Bob"),
        Cue(3.0, 4.0, "plain"),
    )


SCROLLING = (
    "WEBVTT\nKind: captions\nLanguage: en\n\n"
    "00:00:00.080 --> 00:00:02.389 align:start position:0%\n \nhello<00:00:00.400><c> and</c><c> welcome</c>\n\n"
    "00:00:02.389 --> 00:00:02.399 align:start position:0%\nhello and welcome\n \n\n"
    "00:00:02.399 --> 00:00:05.000 align:start position:0%\nhello and welcome\nto<c> the</c><c> show</c>\n\n"
    "00:00:05.000 --> 00:00:05.010 align:start position:0%\nto the show\n \n\n"
    "00:00:05.010 --> 00:00:07.000 align:start position:0%\nto the show\nto the show\n\n"
    "00:00:09.000 --> 00:00:10.000 align:start position:0%\nto the show\n"
)


def test_scrolling_captions_are_read_once():
    """A machine's captions show each line again while the next is said: every line is there once, as it came.

    What is truly said twice stays, and so does a line that comes back after a pause.
    """
    assert [(cue.start, cue.end, cue.text) for cue in read_captions(SCROLLING, "vtt", scrolls=True)] == [
        (0.08, 2.389, "hello and welcome"),
        (2.399, 5.0, "to the show"),
        (5.01, 7.0, "to the show"),
        (9.0, 10.0, "to the show"),
    ]
    assert len(read_captions(SCROLLING)) == 6


def test_other_caption_formats_are_read_too():
    """What pysubs2 knows can be a reference."""
    text = "[Script Info]\nScriptType: v4.00+\n\n[V4+ Styles]\n\n[Events]\n"
    assert read_captions(text + "Dialogue: 0,0:00:01.00,0:00:02.50,Default,,0,0,0,,{\\i1}Hello{\\i0}\\Nthere\n") == (
        Cue(1.0, 2.5, "Hello there"),
    )


@pytest.mark.parametrize(
    "text", ["", "no captions here", "WEBVTT\n", "1\n2\n3", "<tt xmlns='http://www.w3.org/ns/ttml'", "\x00"]
)
def test_what_is_no_caption_file_is_refused(text):
    """The user is told what to choose instead."""
    with pytest.raises(InputError) as caught:
        read_captions(text)
    assert "SRT" in caught.value.hint


@settings(max_examples=200, deadline=None)
@given(st.text(), st.one_of(st.none(), st.sampled_from(["srt", "vtt"])))
def test_any_text_is_captions_or_refused(text, hint):
    """A caption file is read or refused with a sentence, never anything else."""
    with contextlib.suppress(InputError):
        assert read_captions(text, hint)
