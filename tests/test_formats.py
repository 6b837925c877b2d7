"""Exports: the expected file written out in full."""

import csv
import json
from datetime import UTC, datetime
from decimal import Decimal
from io import BytesIO, StringIO

import docx
import pysubs2
import pytest
from docx.oxml.ns import qn

from lib.domain.transcript import Cue, TimedBy, Transcript
from lib.errors import InputError
from lib.formats import FORMATS, ExportFacts, ExportOptions, link_at
from lib.formats.csv_table import MARK
from lib.formats.text import one_line, wrap

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
        assert found.removeprefix(MARK) == one_line(text)


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
