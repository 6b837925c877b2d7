"""SRT and WebVTT before a strict parser: any text goes in, a file that every player takes comes out, and the same text
is read from it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from lib.domain.transcript import Cue, Transcript
from lib.formats import FORMATS, ExportFacts, ExportOptions
from lib.formats.text import one_line, width
from tests.strict_captions import StrictCue, parse_srt, parse_vtt

FACTS = ExportFacts("A talk", "local/whisper-base")
PARSERS = {"srt": parse_srt, "vtt": parse_vtt}

ARABIC = "مرحبًا بكم، كيف حالكم اليوم؟ سنتحدث عن الطيور (والأشجار) في الساعة 10:30."
HEBREW = 'שלום! מה שלומך היום? דיברנו עם ד"ר כהן על "Wi-Fi 6" ב-2024, נכון?'
JAPANESE = "今日はいい天気ですね。「散歩」に行きましょう！そのあとで、コーヒーを飲みながらゆっくり話しましょう。"
KOREAN = "안녕하세요, 여러분. 오늘은 새들에 대해서 이야기해 보겠습니다."


def render(name: str, cues: tuple[Cue, ...], **options: object) -> str:
    return FORMATS[name].render(Transcript(cues, ""), FACTS, ExportOptions(**options))


# ---------------------------------------------------------------------------- the parser is strict


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no header"),
        ("WEBVTTX\n\n", "no header"),
        ("WEBVTT\n00:01.000 --> 00:02.000\nx\n", "no empty line after the header"),
        ("WEBVTT\n\n00:01,000 --> 00:02,000\nx\n", "no timing line"),
        ("WEBVTT\n\n00:61.000 --> 00:02.000\nx\n", "no timing line"),
        ("WEBVTT\n\n00:02.000 --> 00:02.000\nx\n", "ends before it begins"),
        ("WEBVTT\n\n00:02.000 --> 00:03.000\nx\n\n00:01.000 --> 00:04.000\ny\n", "before the one above"),
        ("WEBVTT\n\n00:02.000 --> 00:03.000\n", "without text"),
        ("WEBVTT\n\n00:02.000 --> 00:03.000\na --> b\n", "arrow"),
        ("WEBVTT\n\n00:02.000 --> 00:03.000\n5 < 6\n", "bare <"),
        ("WEBVTT\n\n00:02.000 --> 00:03.000\nyou & me\n", "bare &"),
        ("WEBVTT\n\n00:02.000 --> 00:03.000\n<v >x\n", "bare <"),
    ],
)
def test_a_broken_webvtt_file_is_not_let_pass(text, reason):
    """What the specification forbids is refused, so that a pass means something."""
    with pytest.raises(ValueError, match=reason):
        parse_vtt(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1\n00:00:01,000 --> 00:00:02,000\nx", "no single line end"),
        ("2\n00:00:01,000 --> 00:00:02,000\nx\n", "number"),
        ("1\n00:00:01.000 --> 00:00:02.000\nx\n", "no timing line"),
        ("1\n00:00:02,000 --> 00:00:02,000\nx\n", "ends before it begins"),
        ("1\n00:00:02,000 --> 00:00:03,000\nx\n\n2\n00:00:01,000 --> 00:00:03,000\ny\n", "before the one above"),
        ("1\n00:00:01,000 --> 00:00:02,000\n \n", "empty line inside"),
        ("1\n00:00:01,000 --> 00:00:02,000\na --> b\n", "arrow"),
    ],
)
def test_a_broken_srt_file_is_not_let_pass(text, reason):
    """Numbers, order, commas and empty lines are all held to."""
    with pytest.raises(ValueError, match=reason):
        parse_srt(text)


def test_a_right_webvtt_file_is_read_as_it_is_meant():
    """Identifiers, short times, notes, voices and escapes."""
    text = (
        "WEBVTT - made by hand\n\nNOTE who made it\n\nintro\n00:01.000 --> 01:00:02.500\n"
        "<v.loud Anna &amp; Bob>Hi\n5 &lt; 6\n"
    )
    assert parse_vtt(text) == [StrictCue(1000, 3_602_500, ("Hi", "5 < 6"), "Anna & Bob")]


# ---------------------------------------------------------------------------- any text in, the same text out

PIECES = st.one_of(
    st.characters(exclude_categories=("Cs",)),
    st.sampled_from(
        "aB3.-<>&\"'*_[]()|:;#\n\t 、。中文字한국어日本ーひらשםمرحبا؟،\u0301\u200d\u200f\u202b\u2028\x0c\x85😀"
    ),
    st.sampled_from(["-->", "&amp;", "&lrm;", "<v X>", "</v>", "12", "\n\n", "\n7\n", "NOTE ", "STYLE", "WEBVTT"]),
    st.sampled_from(["00:01.000 --> 00:02.000", "<00:01.000>", "{\\an8}", ARABIC, HEBREW, JAPANESE]),
)
TEXTS = st.lists(PIECES, max_size=30).map("".join)


@st.composite
def cues(draw) -> tuple[Cue, ...]:
    """Cues in any order, some of no length, with any text."""
    made = []
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, 400_000_000) | st.integers(0, 3000))
        length = draw(st.integers(0, 5000))
        made.append(Cue(start / 1000, (start + length) / 1000, draw(TEXTS), draw(st.none() | TEXTS)))
    return tuple(made)


def expected(made: tuple[Cue, ...]) -> list[tuple[int, int, str, str | None]]:
    """What a reader must find: in order of time, no cue without text, each at least a millisecond long."""
    rows = [
        (round(cue.start * 1000), round(cue.end * 1000), one_line(cue.text), one_line(cue.speaker or "") or None)
        for cue in sorted(made, key=lambda cue: cue.start)
    ]
    return [(start, max(end, start + 1), text, speaker) for start, end, text, speaker in rows if text]


def letters(text: str) -> str:
    """The text without its spaces: a line may end at one, or between two letters that never had one."""
    return "".join(text.split())


@settings(max_examples=400, deadline=None)
@given(cues(), st.integers(1, 60))
@example((Cue(0, 1, "a --> b --> c", "<v> & -->"),), 3)
@example((Cue(5, 5, ARABIC), Cue(1, 2, HEBREW), Cue(1, 2, JAPANESE)), 20)
def test_any_text_is_valid_webvtt_and_read_back(made, columns):
    """Times, text and speakers, whatever they hold: arrows, tags, escapes, marks of direction, line ends."""
    assume(expected(made))
    found = parse_vtt(render("vtt", made, line_width=columns))
    assert [(cue.start, cue.end, letters("".join(cue.lines)), cue.voice) for cue in found] == [
        (start, end, letters(text), speaker) for start, end, text, speaker in expected(made)
    ]


@settings(max_examples=400, deadline=None)
@given(cues(), st.integers(1, 60))
@example((Cue(0, 1, "a --> b --> c", "<v> & -->"),), 3)
@example((Cue(5, 5, ARABIC), Cue(1, 2, HEBREW), Cue(1, 2, JAPANESE)), 20)
@example((Cue(0, 1, "\ufeffOne\ufefftwo", "\ufeff"),), 20)
def test_any_text_is_valid_srt_and_read_back(made, columns):
    """The same for SRT, where an arrow in the text is written as one sign, and the speaker stands before the text."""
    assume(expected(made))
    found = parse_srt(render("srt", made, line_width=columns))
    assert [(cue.start, cue.end, letters("".join(cue.lines))) for cue in found] == [
        (start, end, letters(f"{speaker}: {text}" if speaker else text).replace("-->", "→"))
        for start, end, text, speaker in expected(made)
    ]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text("abc.,!? ", min_size=1, max_size=60), min_size=1, max_size=4), st.integers(8, 50))
def test_spaces_are_read_back_too(texts, columns):
    """In scripts with spaces, lines joined by a space are the text again, letter by letter."""
    made = tuple(Cue(float(at), at + 1.0, text) for at, text in enumerate(texts) if text.strip())
    assume(made)
    for name, parse in PARSERS.items():
        found = parse(render(name, made, line_width=columns))
        assert [" ".join(cue.lines) for cue in found] == [" ".join(cue.text.split()) for cue in made]


# ---------------------------------------------------------------------------- lines and their number

WORDS = st.lists(
    st.sampled_from(["and", "the", "birds", "sang.", "Yes,", "today", "鳥", "歌う。", "טוב", "نعم؟"]), min_size=1
)


@settings(max_examples=200, deadline=None)
@given(WORDS.map(" ".join), st.integers(12, 42), st.integers(1, 3), st.sampled_from([None, "Anna"]))
def test_no_caption_has_more_lines_than_the_user_wants(text, columns, lines, speaker):
    """A long one becomes several that follow each other within its time, with every word and its speaker."""
    cue = Cue(1.0, 61.0, text, speaker)
    for name, parse in PARSERS.items():
        found = parse(render(name, (cue,), line_width=columns, lines_per_cue=lines))
        assert all(len(each.lines) <= lines for each in found)
        assert all(width(line) <= columns for each in found for line in each.lines if "鳥 " not in line)
        said = letters("".join("".join(each.lines) for each in found))
        assert said == letters(f"{speaker}: {text}" if speaker and name == "srt" else text)
        assert found[0].start == 1000
        assert found[-1].end == 61_000
        assert all(one.end <= two.start for one, two in pairwise(found))
        assert {each.voice for each in found} == {speaker if name == "vtt" else None}


def test_a_long_caption_is_divided_where_its_sentence_ends():
    """Written out: two sentences that take three lines become two captions, and the time is shared by their length."""
    cue = Cue(0.0, 10.0, "This is the first of them. This is the second one.")
    assert render("srt", (cue,), line_width=26, lines_per_cue=1) == (
        "1\n00:00:00,000 --> 00:00:05,200\nThis is the first of them.\n\n"
        "2\n00:00:05,200 --> 00:00:10,000\nThis is the second one.\n"
    )


# ---------------------------------------------------------------------------- right to left, and without spaces


def test_arabic_keeps_its_order_and_its_punctuation():
    """Letters stay in the order of speech; the player turns them. No mark of direction is added."""
    assert parse_vtt(render("vtt", (Cue(0, 4, ARABIC, "سلمى"),), line_width=42)) == [
        StrictCue(
            0,
            4000,
            ("مرحبًا بكم، كيف حالكم اليوم؟ سنتحدث عن", "الطيور (والأشجار) في الساعة 10:30."),
            "سلمى",
        )
    ]


def test_hebrew_with_quotes_numbers_and_english_is_read_back():
    """Gershayim, a hyphen before a number and a Latin name are text like any other."""
    (cue,) = parse_srt(render("srt", (Cue(0, 4, HEBREW, "דנה"),), line_width=36))
    assert cue.lines == ("דנה: שלום! מה שלומך היום? דיברנו עם", 'ד"ר כהן על "Wi-Fi 6" ב-2024, נכון?')


def test_japanese_breaks_between_letters_and_before_no_closing_sign():
    """A line holds half as many wide letters, and begins with no full stop, comma, closing bracket or long vowel."""
    (cue,) = parse_vtt(render("vtt", (Cue(0, 4, JAPANESE),), line_width=24))
    assert "".join(cue.lines) == JAPANESE
    assert all(width(line) <= 26 for line in cue.lines)
    assert all(line[0] not in "、。」！ー" and line[-1] != "「" for line in cue.lines)
    assert len(cue.lines) == 5


def test_korean_breaks_at_its_spaces():
    """Korean has spaces, and its wide letters count twice."""
    (cue,) = parse_srt(render("srt", (Cue(0, 4, KOREAN),), line_width=24))
    assert " ".join(cue.lines) == KOREAN
    assert all(width(line) <= 24 for line in cue.lines)
