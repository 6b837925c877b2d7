"""Exports: the expected file written out in full, and what goes out comes back."""

import contextlib
import csv
import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from io import BytesIO, StringIO
from itertools import pairwise

import docx
import pysubs2
import pytest
from docx.oxml.ns import qn
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from lib.domain.transcript import Cue, TimedBy, Transcript
from lib.errors import InputError
from lib.formats import FORMATS, ExportFacts, ExportOptions, file_name, link_at, read_captions
from lib.formats.csv_table import uncell
from lib.formats.direction import directional_runs
from lib.formats.text import is_unspaced, join_lines, one_line, width, wrap

CUES = (
    Cue(0.0, 2.5, "Hello, and welcome.", "Anna", TimedBy.AUDIO),
    Cue(2.5, 2.5, "5 < 6 & 7 --> 8", "Bob", TimedBy.MODEL),
    Cue(65.2504, 70.0, "This line is so long that it has to be broken in two for the screen.", None, TimedBy.PART),
    Cue(3725.0, 3726.0, "Goodbye.", None, TimedBy.AUDIO),
)
TALK = Transcript(CUES, "Hello, and welcome. 5 < 6 & 7 --> 8 ...", "en")
SUMMARY = Transcript((), "## Summary\n\n- Birds **sing**.\n- ![x](http://evil.example/p.png) <img src=x>")
FACTS = ExportFacts(
    title="Birds | a *talk*",
    model_id="google/gemini-3.8-flash",
    task="transcript",
    created=datetime(2026, 11, 22, 11, 30, tzinfo=UTC),
    duration=3730.0,
    url="https://www.youtube.com/watch?v=abc",
    provider="Google",
    record={"run_id": "r1", "cost_usd": Decimal("0.0123"), "clip": {"start": 0.0, "end": float("inf")}},
)
PLAIN = ExportOptions(with_times=False, with_speakers=False)


def render(name: str, transcript: Transcript = TALK, facts: ExportFacts = FACTS, options: ExportOptions | None = None):
    return FORMATS[name].render(transcript, facts, options or ExportOptions())


def test_the_table_names_every_format():
    """A format is found by the name the command line uses, and says what it is good for."""
    assert all(fmt.title and fmt.purpose for fmt in FORMATS.values())
    assert {name: (fmt.suffix, fmt.media_type) for name, fmt in FORMATS.items()} == {
        "srt": (".srt", "application/x-subrip"),
        "vtt": (".vtt", "text/vtt"),
        "txt": (".txt", "text/plain"),
        "md": (".md", "text/markdown"),
        "ass": (".ass", "text/x-ssa"),
        "docx": (".docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        "csv": (".csv", "text/csv"),
        "json": (".json", "application/json"),
        "youtube": (".youtube.txt", "text/plain"),
    }


def test_srt():
    """Numbered, wrapped, at least a millisecond long, and no arrow in the text."""
    assert render("srt") == (
        "1\n"
        "00:00:00,000 --> 00:00:02,500\n"
        "Anna: Hello, and welcome.\n"
        "\n"
        "2\n"
        "00:00:02,500 --> 00:00:02,501\n"
        "Bob: 5 < 6 & 7 → 8\n"
        "\n"
        "3\n"
        "00:01:05,250 --> 00:01:10,000\n"
        "This line is so long that it has to be\n"
        "broken in two for the screen.\n"
        "\n"
        "4\n"
        "01:02:05,000 --> 01:02:06,000\n"
        "Goodbye.\n"
    )


def test_vtt():
    """Escaped, with voices."""
    assert render("vtt") == (
        "WEBVTT\n"
        "\n"
        "00:00:00.000 --> 00:00:02.500\n"
        "<v Anna>Hello, and welcome.\n"
        "\n"
        "00:00:02.500 --> 00:00:02.501\n"
        "<v Bob>5 &lt; 6 &amp; 7 --&gt; 8\n"
        "\n"
        "00:01:05.250 --> 00:01:10.000\n"
        "This line is so long that it has to be\n"
        "broken in two for the screen.\n"
        "\n"
        "01:02:05.000 --> 01:02:06.000\n"
        "Goodbye.\n"
    )


def test_txt():
    """A line a cue."""
    assert render("txt") == (
        "[0:00] Anna: Hello, and welcome.\n"
        "[0:02] Bob: 5 < 6 & 7 --> 8\n"
        "[1:05] This line is so long that it has to be broken in two for the screen.\n"
        "[1:02:05] Goodbye.\n"
    )


def test_txt_without_times():
    """Paragraphs: a new one where the speaker changes and after a pause."""
    assert render("txt", options=PLAIN) == (
        "Hello, and welcome. 5 < 6 & 7 --> 8\n"
        "\n"
        "This line is so long that it has to be broken in two for the screen.\n"
        "\n"
        "Goodbye.\n"
    )
    assert render("txt", options=ExportOptions(with_times=False)).startswith("Anna: Hello, and welcome.\n\nBob: 5 < 6")


def test_markdown():
    """Facts in a table, times that open the video at that second, and text that stays text."""
    assert render("md") == (
        "# Birds \\| a \\*talk\\*\n"
        "\n"
        "| | |\n"
        "| --- | --- |\n"
        "| Video | <https://www.youtube.com/watch?v=abc> |\n"
        "| Duration | 1:02:10 |\n"
        "| Task | transcript |\n"
        "| Model | google/gemini-3.8-flash |\n"
        "| Provider | Google |\n"
        "| Made | 2026-11-22 11:30+00:00 |\n"
        "\n"
        "[0:00](https://www.youtube.com/watch?v=abc&t=0s) **Anna:** Hello, and welcome.\n"
        "\n"
        "[0:02](https://www.youtube.com/watch?v=abc&t=2s) **Bob:** 5 \\< 6 & 7 --\\> 8\n"
        "\n"
        "[1:05](https://www.youtube.com/watch?v=abc&t=65s) This line is so long that it has to be broken "
        "in two for the screen.\n"
        "\n"
        "[1:02:05](https://www.youtube.com/watch?v=abc&t=3725s) Goodbye.\n"
    )


def test_markdown_of_a_file_has_plain_times():
    """Where there is nothing to link to, a time is just a time."""
    facts = ExportFacts(title="", model_id="local/whisper-base")
    cues = (Cue(5, 6, "# <b>x</b> ![i](http://e.vil/p.png) `c` $m$ &lt; www.e.vil a@e.vil https://e.vil", "A*"),)
    assert render("md", Transcript(cues, ""), facts) == (
        "# Untitled\n\n| | |\n| --- | --- |\n| Task | transcript |\n| Model | local/whisper-base |\n\n"
        "0:05 **A\\*:** \\# \\<b\\>x\\</b\\> !\\[i\\](http\\://e.vil/p.png) \\`c\\` \\$m\\$ \\&lt; "
        "www\\.e.vil a\\@e.vil https\\://e.vil\n"
    )
    assert render("md", Transcript((Cue(1, 2, "1. one"),), ""), facts, PLAIN).endswith("\n\n1\\. one\n")


@pytest.mark.parametrize(
    ("url", "link"),
    [
        ("https://www.youtube.com/watch?v=abc&t=5s&list=x", "https://www.youtube.com/watch?v=abc&list=x&t=83s"),
        ("https://youtu.be/abc", "https://youtu.be/abc?t=83s"),
        ("https://example.org/a (1).mp4", "https://example.org/a%20%281%29.mp4#t=83"),
        ("http://example.org/v?x=1#t=5", "http://example.org/v?x=1#t=83"),
        ("https://example.org/#part", "https://example.org/#part&t=83"),
        ("https://notyoutube.com/watch?v=a", "https://notyoutube.com/watch?v=a#t=83"),
        ("https://e.org/)<script>|", "https://e.org/%29%3Cscript%3E%7C#t=83"),
        ("javascript:alert(1)", None),
        ("file:///etc/passwd", None),
        ("http://[broken", None),
        ("", None),
        (None, None),
    ],
)
def test_a_link_opens_the_video_at_the_second(url, link):
    """YouTube and other hosts each in their own way; nothing but http is linked."""
    assert link_at(url, 83.9) == link


def test_json():
    """The record of the run with the cues, in types that every program reads."""
    transcript = Transcript((Cue(1.23456, 2.0, "Hi \ud83d", "Anna", TimedBy.AUDIO),), "Hi")
    assert render("json", transcript) == (
        "{\n"
        '  "run_id": "r1",\n'
        '  "cost_usd": 0.0123,\n'
        '  "clip": {\n'
        '    "start": 0.0,\n'
        '    "end": null\n'
        "  },\n"
        '  "cues": [\n'
        "    {\n"
        '      "start": 1.235,\n'
        '      "end": 2.0,\n'
        '      "text": "Hi \ufffd",\n'
        '      "speaker": "Anna",\n'
        '      "timed_by": "audio"\n'
        "    }\n"
        "  ],\n"
        '  "text": "Hi"\n'
        "}\n"
    )


def test_ass():
    """A style measured by the picture, speakers before their words and as actors, and no command in the text."""
    cues = (Cue(1.0, 2.504, "{\\pos(1,2)}So\\Nit goes, she said.", "Anna, B."), Cue(3.0, 3.0, "Goodbye."))
    facts = ExportFacts("A talk", "m", picture_size=(640, 360))
    text = render("ass", Transcript(cues, ""), facts, ExportOptions(line_width=24))
    assert text.startswith("[Script Info]\nTitle: A talk\nPlayResX: 640\nPlayResY: 360\n")
    (style,) = [line for line in text.splitlines() if line.startswith("Style:")]
    assert style.startswith("Style: Default,Arial,20,")
    assert text.splitlines()[-2:] == [
        "Dialogue: 0,0:00:01.00,0:00:02.50,Default,Anna; B.,0,0,0,,"
        "Anna, B.:\\N(\\\u2060pos(1,2))So\\\u2060Nit goes,\\Nshe said.",
        "Dialogue: 0,0:00:03.00,0:00:03.01,Default,,0,0,0,,Goodbye.",
    ]
    assert [event.plaintext for event in pysubs2.SSAFile.from_string(text)][1] == "Goodbye."


def test_ass_in_hebrew_lets_each_line_say_where_it_begins():
    """Encoding -1 is how a player is told to look at the letters."""
    for said, encoding in (("שלום!", -1), ("Hello!", 1)):
        file = pysubs2.SSAFile.from_string(render("ass", Transcript((Cue(0, 1, said),), "")))
        assert file.styles["Default"].encoding == encoding
        assert file[0].plaintext == said


def test_ass_has_no_times_from_ten_hours_on():
    """The user is told, and told what to export instead."""
    with pytest.raises(InputError, match="10 hours") as caught:
        render("ass", Transcript((Cue(36_000, 36_001, "late"),), ""))
    assert "SRT" in caught.value.hint


def test_csv():
    """A row a line, times in seconds and as timecodes, in UTF-8 as Excel knows it."""
    assert render("csv") == (
        '\ufeff"start","end","start_time","end_time","speaker","text","timed_by"\r\n'
        '0.0,2.5,"00:00:00.000","00:00:02.500","Anna","Hello, and welcome.","audio"\r\n'
        '2.5,2.5,"00:00:02.500","00:00:02.500","Bob","5 < 6 & 7 --> 8","model"\r\n'
        '65.25,70.0,"00:01:05.250","00:01:10.000","",'
        '"This line is so long that it has to be broken in two for the screen.","part"\r\n'
        '3725.0,3726.0,"01:02:05.000","01:02:06.000","","Goodbye.","audio"\r\n'
    )
    assert render("csv", options=PLAIN).splitlines()[:2] == ['\ufeff"text"', '"Hello, and welcome."']


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1", "'quoted'", "'=1", "fine"]
)
def test_no_cell_runs_as_a_formula_and_every_cell_is_read_back(text):
    """A mark stands before what a spreadsheet would run; taken away again, the text is there as it was."""
    (row,) = list(csv.reader(StringIO(render("csv", Transcript((Cue(0, 1, text, text),), "")))))[1:]
    for found in (row[4], row[5]):
        assert not found.startswith(("=", "+", "-", "@", "\t", "\r", "＝"))
        assert uncell(found) == one_line(text)


def test_word():
    """Title, facts, and paragraphs with their time, their speaker in bold, and a link to the second."""
    document = docx.Document(BytesIO(FORMATS["docx"].write(TALK, FACTS, ExportOptions())))
    assert [paragraph.text for paragraph in document.paragraphs if paragraph.text] == [
        "Birds | a *talk*",
        "0:00\tAnna: Hello, and welcome.",
        "0:02\tBob: 5 < 6 & 7 --> 8",
        "1:05\tThis line is so long that it has to be broken in two for the screen.",
        "1:02:05\tGoodbye.",
    ]
    assert [[cell.text for cell in row.cells] for row in document.tables[0].rows] == [
        ["Video", "https://www.youtube.com/watch?v=abc"],
        ["Duration", "1:02:10"],
        ["Task", "transcript"],
        ["Model", "google/gemini-3.8-flash"],
        ["Provider", "Google"],
        ["Made", "2026-11-22 11:30+00:00"],
    ]
    anna = next(paragraph for paragraph in document.paragraphs if "Anna" in paragraph.text)
    assert [(run.text, run.font.bold) for run in anna.runs][1:] == [("Anna: ", True), ("Hello, and welcome.", None)]
    assert [link.address for paragraph in document.paragraphs for link in paragraph.hyperlinks] == [
        f"https://www.youtube.com/watch?v=abc&t={seconds}s" for seconds in (0, 2, 65, 3725)
    ]
    assert document.core_properties.title == FACTS.title
    assert lines_of(FORMATS["docx"].write(TALK, FACTS, PLAIN))[2:] == [
        "Hello, and welcome. 5 < 6 & 7 --> 8",
        "This line is so long that it has to be broken in two for the screen.",
        "Goodbye.",
    ]


def test_word_marks_what_is_read_from_the_right():
    """A paragraph in Hebrew is laid out from the right, and in it the Latin name from the left, number and all."""
    cue = Cue(0, 1, 'דיברנו על "Wi-Fi 6" היום, נכון?', "דנה")
    document = docx.Document(BytesIO(FORMATS["docx"].write(Transcript((cue,), ""), FACTS, ExportOptions())))
    paragraph = document.paragraphs[-1]
    assert paragraph._p.pPr.find(qn("w:bidi")) is not None
    assert [(run.text, run.font.rtl) for run in paragraph.runs][1:] == [
        ("דנה: ", True),
        ('דיברנו על "', True),
        ("Wi-Fi 6", None),
        ('" היום, נכון?', True),
    ]
    assert paragraph.runs[1].font.cs_bold
    assert document.paragraphs[0]._p.pPr.find(qn("w:bidi")) is None


def test_a_summary_in_word_keeps_its_layout():
    """Headings, lists and emphasis of the answer are those of the document; pictures and HTML stay letters."""
    answer = "## Birds\n\n- They **sing** and *fly*.\n1. first\n![x](http://evil.example/p.png) <img src=x>\n"
    document = docx.Document(BytesIO(FORMATS["docx"].write(Transcript((), answer), FACTS, ExportOptions())))
    found = [(each.style.name, each.text) for each in document.paragraphs if each.text][1:]
    assert found == [
        ("Heading 2", "Birds"),
        ("List Bullet", "They sing and fly."),
        ("List Number", "first"),
        ("Normal", "![x](http://evil.example/p.png) <img src=x>"),
    ]
    bullet = next(each for each in document.paragraphs if each.style.name == "List Bullet")
    assert [(run.text, run.font.bold, run.font.italic) for run in bullet.runs] == [
        ("They ", None, None),
        ("sing", True, None),
        (" and ", None, None),
        ("fly", None, True),
        (".", None, None),
    ]


@settings(max_examples=300, deadline=None)
@given(st.text())
def test_directional_runs_lose_nothing(text):
    """Together the stretches are the text, and no two neighbours go the same way."""
    runs = directional_runs(text)
    assert "".join(piece for piece, _ in runs) == text
    assert all(one != two for (_, one), (_, two) in pairwise(runs))


@pytest.mark.parametrize("name", ["srt", "vtt", "ass", "csv"])
def test_an_answer_without_times_is_no_caption(name):
    """A summary cannot become captions, and the user is told what can be done."""
    with pytest.raises(InputError, match=r"no times|no lines") as caught:
        render(name, SUMMARY)
    assert "Text" in caught.value.hint
    assert FORMATS[name].needs_times


def test_an_answer_without_times_is_text():
    """A summary goes out as it is; in Markdown its images and HTML are shown, not loaded."""
    assert render("txt", SUMMARY) == SUMMARY.text + "\n"
    assert render("md", SUMMARY).endswith(
        "\n\n## Summary\n\n- Birds **sing**.\n- \\![x](http://evil.example/p.png) \\<img src=x>\n"
    )
    assert json.loads(render("json", SUMMARY))["cues"] == []
    assert json.loads(render("json", SUMMARY))["text"] == SUMMARY.text


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "youtube"])  # chapters have no speakers
def test_speakers_can_be_left_out(name):
    """The toggle holds for every format but JSON, which is the record."""
    with_them, without = (words_in(name, ExportOptions(with_speakers=shown)) for shown in (True, False))
    assert "Anna" in with_them
    assert ("Anna" in without) == (name == "json")


def words_in(name: str, options: ExportOptions) -> str:
    """What is written in the file, whatever it is packed in."""
    content = FORMATS[name].write(TALK, FACTS, options)
    return "\n".join(lines_of(content)) if name == "docx" else content.decode()


def lines_of(content: bytes) -> list[str]:
    """The paragraphs of a Word document."""
    return [paragraph.text for paragraph in docx.Document(BytesIO(content)).paragraphs]


def test_wide_letters_count_twice_and_punctuation_begins_no_line():
    """Chinese and Japanese are wrapped between letters, by the room they take."""
    assert wrap("今日はいい天気ですね。散歩に行きましょう。", 22) == ["今日はいい天気ですね。", "散歩に行きましょう。"]
    assert wrap("今日はいい天気ですね。散歩に行きましょう。", 20) == [
        "今日はいい天気です",
        "ね。散歩に行きましょ",
        "う。",
    ]
    assert wrap("a " + "b" * 50 + " c", 10) == ["a", "b" * 50, "c"]


# ---- reading captions


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


# ---- properties

LETTERS = st.one_of(
    st.characters(exclude_categories=("Cs", "Cc")),
    st.sampled_from("aB3.-<>&\"'*_[]()|:;#\n\t 、。中文字한국어日本ーひらש\u0301\u200d😀"),
    st.sampled_from(["-->", "&amp;", "<v X>", "12", "\n\n", "\n7\n", "NOTE ", "WEBVTT", "00:01.000 --> 00:02.000"]),
)
TEXTS = st.lists(LETTERS, max_size=40).map("".join)
NAMES = st.one_of(st.none(), TEXTS)


@st.composite
def cues(draw, speakers=NAMES) -> tuple[Cue, ...]:
    """Cues in order, on whole milliseconds, with texts as a renderer may meet them."""
    now, made = 0, []
    for _ in range(draw(st.integers(1, 6))):
        now += draw(st.integers(0, 400_000_000) | st.integers(0, 2000))
        end = now + draw(st.integers(1, 5000))
        made.append(Cue(now / 1000, end / 1000, draw(TEXTS), draw(speakers)))
    return tuple(made)


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


@settings(max_examples=200, deadline=None)
@given(st.text(), st.one_of(st.none(), st.sampled_from(["srt", "vtt"])))
def test_any_text_is_captions_or_refused(text, hint):
    """A caption file is read or refused with a sentence, never anything else."""
    with contextlib.suppress(InputError):
        assert read_captions(text, hint)


# ---- file names


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
