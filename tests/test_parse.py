"""What models write becomes segments, and no word is lost."""

import json
import re
import time

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from lib.domain.transcript import Segment
from lib.formats import parse_answer
from lib.formats.timecode import format_clock, format_srt, format_vtt

HELLO = (Segment("Hello there.", 5.0), Segment("Goodbye.", 69.0))
RANGED = (Segment("Hello there.", 5.0, 9.0), Segment("Goodbye.", 69.0, 71.5))
SPOKEN = (Segment("Hello there.", 5.0, None, "Anna"), Segment("Goodbye.", 69.0, None, "Bob"))


@pytest.mark.parametrize(
    "answer",
    [
        "[00:05] Hello there.\n[01:09] Goodbye.",
        "[0:05] Hello there.\r\n\r\n[1:09] Goodbye.\r\n",
        "[00:00:05] Hello there.\n[00:01:09] Goodbye.",
        "(0:05) Hello there.\n(1:09) Goodbye.",
        "<00:05> Hello there.\n<01:09> Goodbye.",
        "00:05 Hello there.\n01:09 Goodbye.",
        "00:05: Hello there.\n01:09: Goodbye.",
        "00:05 - Hello there.\n01:09 – Goodbye.",
        "00:05.000 Hello there.\n01:09,000 Goodbye.",
        "[5s] Hello there.\n[1m9s] Goodbye.",
        "[5.0s] Hello there.\n[1 min 9 sec] Goodbye.",
        "[5.0] Hello there.\n[69.0] Goodbye.",
        "**[00:05]** Hello there.\n**[01:09]** Goodbye.",
        "**00:05** Hello there.\n**01:09** Goodbye.",
        "**00:05:** Hello there.\n**01:09:** Goodbye.",
        "**[00:05] Hello there.**\n**[01:09] Goodbye.**",
        "`[00:05]` Hello there.\n`[01:09]` Goodbye.",
        "- [00:05] Hello there.\n- [01:09] Goodbye.",
        "* **00:05** - Hello there.\n* **01:09** - Goodbye.",
        "1. [00:05] Hello there.\n2. [01:09] Goodbye.",
        "> [00:05] Hello there.\n> [01:09] Goodbye.",
        "### [00:05]\nHello there.\n### [01:09]\nGoodbye.",
        "0:05\nHello there.\n1:09\nGoodbye.",
        "[00:05]\nHello\nthere.\n\n[01:09]\nGoodbye.",
        "```\n[00:05] Hello there.\n[01:09] Goodbye.\n```",
        "```text\n[00:05] Hello there.\n[01:09] Goodbye.\n```",
        "[00:05](https://www.youtube.com/watch?v=x&t=5s) Hello there.\n[01:09](#t=69) Goodbye.",
        "[Time: 00:05] Hello there.\n[Time: 01:09] Goodbye.",
        "Timestamp: 00:05 Hello there.\nTimestamp: 01:09 Goodbye.",
        r"\[00:05\] Hello there." + "\n" + r"\[01:09\] Goodbye.",
        "【00:05】Hello there.\n【01:09】Goodbye.",
        "［００：０５］Hello there.\n［０１：０９］Goodbye.",
        "[٠٠:٠٥] Hello there.\n[٠١:٠٩] Goodbye.",
        "Hello there. [00:05]\nGoodbye. [01:09]",
        "Hello there. (0:05)\nGoodbye. (1:09)",
        "[00:05] Hello there. [01:09] Goodbye.",
        "Here is the transcript of the video:\n\n[00:05] Hello there.\n[01:09] Goodbye.",
        "**Transcript:**\n[00:05] Hello there.\n[01:09] Goodbye.",
        "## Transcript\n---\n[00:05] Hello there.\n[01:09] Goodbye.",
        "<think>The video starts at [00:05].</think>\n[00:05] Hello there.\n[01:09] Goodbye.",
        "| Time | Text |\n|------|:-----|\n| 00:05 | Hello there. |\n| 01:09 | Goodbye. |",
        "Text | Timestamp\n--- | ---\nHello there. | [00:05]\nGoodbye. | [01:09]",
        "| 00:05 | Hello there. |\n| 01:09 | Goodbye. |",
        '[{"start": 5, "text": "Hello there."}, {"start": 69.0, "text": "Goodbye."}]',
        '[{"timestamp": "00:05", "text": "Hello there."}, {"timestamp": "01:09", "text": "Goodbye."}]',
        '{"transcript": [{"time": "0:05", "caption": "Hello there."}, {"time": "1:09", "caption": "Goodbye."}]}',
        '{"language": "en", "segments": [{"id": 0, "begin": "5s", "line": "Hello there."}, '
        '{"begin": 69, "line": "Goodbye."}]}',
        '{"text": "Hello there. Goodbye.", "segments": [{"start": 5, "text": "Hello there."}, '
        '{"start": 69, "text": "Goodbye."}]}',
        'Sure! Here it is:\n```json\n[{"from": 5, "content": "Hello there."},\n'
        '{"from": 69, "content": "Goodbye."},]\n```',
        '{"start": 5, "text": "Hello there."}\n{"start": 69, "text": "Goodbye."}\n',
        '{"start_ms": 5000, "text": "Hello there."}\n{"start_ms": 69000, "text": "Goodbye."}\n',
        "[{'start': 5, 'text': 'Hello there.'}, {'start': 69, 'text': 'Goodbye.'}]",
        '{"00:05": "Hello there.", "01:09": "Goodbye."}',
        '[["00:05", "Hello there."], ["01:09", "Goodbye."]]',
        '["[00:05] Hello there.", "[01:09] Goodbye."]',
        '{"transcript": "[00:05] Hello there.\\n[01:09] Goodbye."}',
    ],
)
def test_a_start_is_read_however_it_is_written(answer):
    """Two lines with a start each are the same two segments in every style."""
    assert parse_answer(answer) == HELLO


@pytest.mark.parametrize(
    "answer",
    [
        "[00:05 - 00:09] Hello there.\n[01:09 - 01:11.5] Goodbye.",
        "[00:05 --> 00:09] Hello there.\n[01:09 --> 01:11.5] Goodbye.",
        "[00:05–00:09]: Hello there.\n[01:09–01:11,500]: Goodbye.",
        "[00:05 to 00:09] Hello there.\n[01:09 to 01:11.5] Goodbye.",
        "[00:05, 00:09] Hello there.\n[01:09, 01:11.5] Goodbye.",
        "[00:05] - [00:09] Hello there.\n[01:09] - [01:11.5] Goodbye.",
        "00:00:05.000 - 00:00:09.000 Hello there.\n00:01:09.000 - 00:01:11.500 Goodbye.",
        "**00:05 – 00:09:** Hello there.\n**01:09 – 01:11.5:** Goodbye.",
        "[5.0 - 9.0] Hello there.\n[69.0 - 71.5] Goodbye.",
        "[5 - 9] Hello there.\n[69 - 71.5] Goodbye.",
        "[5.00s -> 9.00s] Hello there.\n[69.00s -> 71.50s] Goodbye.",
        "5.0 --> 9.0 Hello there.\n69.0 --> 71.5 Goodbye.",
        "[00:05] Hello there. [00:09]\n[01:09] Goodbye. [01:11.5]",
        "1\n00:00:05,000 --> 00:00:09,000\nHello there.\n\n2\n00:01:09,000 --> 00:01:11,500\nGoodbye.\n",
        "```srt\n1\n00:00:05,000 --> 00:00:09,000\nHello\nthere.\n\n"
        "2\n00:01:09,000 --> 00:01:11,500\n<i>Goodbye.</i>\n```",
        "1\n00:00:05.000 --> 00:00:09.000\nHello there.\n2\n00:01:09.000 --> 00:01:11.500\nGoodbye.",
        "00:00:05,000-->00:00:09,000\nHello there.\n\n00:01:09,000-->00:01:11,500\n\nGoodbye.",
        "WEBVTT\nKind: captions\n\nNOTE made by hand\n\nfirst\n"
        "00:05.000 --> 00:09.000 align:start position:0%\nHello <00:06.000><c>there.</c>"
        "\n\n01:09.000 --> 01:11.500\nGoodbye.",
        "| Start | End | Text |\n|---|---|---|\n| 00:05 | 00:09 | Hello there. |\n| 01:09 | 01:11.5 | Goodbye. |",
        "Range | Text\n--- | ---\n[00:05] - [00:09] | Hello there.\n[01:09] - [01:11.5] | Goodbye.",
        "| Time range | Text |\n|---|---|\n| 00:05 - 00:09 | Hello there. |\n| **01:09–01:11.5** | Goodbye. |",
        '[{"start": 5, "end": 9, "text": "Hello there."}, {"start": "01:09", "end": "01:11.5", "text": "Goodbye."}]',
        '[{"start": 5, "duration": 4, "text": "Hello there."}, {"start": 69, "duration": 2.5, "text": "Goodbye."}]',
        '[{"timestamp": [5, 9], "text": "Hello there."}, '
        '{"timestamp": {"start": 69, "end": 71.5}, "text": "Goodbye."}]',
        '[{"timestamp": "00:05 - 00:09", "text": "Hello there."}, {"timestamp": "01:09-01:11.5", "text": "Goodbye."}]',
    ],
)
def test_an_end_is_read_however_it_is_written(answer):
    """Ranges keep both times."""
    assert parse_answer(answer) == RANGED


@pytest.mark.parametrize(
    "answer",
    [
        "[00:05] Anna: Hello there.\n[01:09] Bob: Goodbye.",
        "[00:05] **Anna:** Hello there.\n[01:09] **Bob**: Goodbye.",
        "**[00:05] Anna:** Hello there.\n**[01:09] Bob:** Goodbye.",
        "[00:05] [Anna] Hello there.\n[01:09] [Bob]: Goodbye.",
        "[00:05] <v Anna>Hello there.</v>\n[01:09] <v Bob>Goodbye.",
        "[00:05, Anna] Hello there.\n[01:09, Bob] Goodbye.",
        "[Anna, 00:05] Hello there.\n[Bob, 01:09] Goodbye.",
        "Anna (00:05): Hello there.\nBob (01:09): Goodbye.",
        "**Anna** [00:05]\nHello there.\n**Bob** [01:09]\nGoodbye.",
        "[00:05] **Anna**\nHello there.\n[01:09] **Bob**\nGoodbye.",
        "Anna: [00:05] Hello there.\nBob: [01:09] Goodbye.",
        "Anna:\n[00:05] Hello there.\nBob:\n[01:09] Goodbye.",
        "[00:05]\nAnna: Hello there.\n\n[01:09]\nBob: Goodbye.",
        "[00:05] Anna：Hello there.\n[01:09] Bob：Goodbye.",
        "00:05 | Anna | Hello there.\n01:09 | Bob | Goodbye.",
        "| Speaker | Words | Time |\n|---|---|---|\n| Anna | Hello there. | 00:05 |\n| **Bob** | Goodbye. | 01:09 |",
        '[{"start": 5, "speaker": "Anna", "text": "Hello there."}, {"start": 69, "name": "Bob", "text": "Goodbye."}]',
        '[{"start": 5, "text": "Anna: Hello there."}, {"start": 69, "text": "Bob: Goodbye."}]',
        '[["00:05", "Anna", "Hello there."], ["01:09", "Bob", "Goodbye."]]',
    ],
)
def test_a_speaker_is_read_however_it_is_written(answer):
    """Names beside the time or before the text become speakers."""
    assert parse_answer(answer) == SPOKEN


@pytest.mark.parametrize(
    ("answer", "speaker"),
    [
        ("[00:05] Speaker 1: Hi.", "Speaker 1"),
        ("[00:05] SPEAKER_00: Hi.", "SPEAKER_00"),
        ("Speaker 2 00:05\nHi.", "Speaker 2"),
        ("[00:05] speaker 3: Hi.", "speaker 3"),
        ("[00:05] Dr. Smith: Hi.", "Dr. Smith"),
        ("[00:05] Ludwig van Beethoven: Hi.", "Ludwig van Beethoven"),
        ("[00:05] Anna (off-screen): Hi.", "Anna (off-screen)"),
        ("[00:05] Jean-Luc O’Neil: Hi.", "Jean-Luc O’Neil"),
        ("[00:05] 张三：Hi.", "张三"),
        ("[00:05] Диктор: Hi.", "Диктор"),
        ("[00:05] 화자 1: Hi.", "화자 1"),
    ],
)
def test_names_of_many_kinds_are_speakers(answer, speaker):
    """Numbers, titles, particles, asides and scripts without capitals."""
    assert parse_answer(answer) == (Segment("Hi.", 5.0, None, speaker),)


@pytest.mark.parametrize(
    "text",
    [
        "Note: this is important",
        "Note: 10:30 is late",
        "It was 10:30 when he came",
        "see https://example.org/a:b for more",
        "the score was 3:2 and then 16:9",
        "and I said: never again",
        "[Music]",
        "[Applause] Thank you",
        "(laughs) Yes",
        "Question: what is it?",
        "注意：小心",
        "This Is A Very Long Title With Words: yes",
        "<b>bold</b> &amp; [a link](https://example.org) **stays**",
        '"Quoted," he said',
        "-5 degrees",
        "... and then",
    ],
)
def test_words_before_a_colon_are_not_always_a_speaker(text):
    """Notes, sounds, clocks and links inside the text stay in the text, letter by letter."""
    assert parse_answer(f"[00:05] {text}\n[00:07] yes\n[00:08] no") == (
        Segment(text, 5.0),
        Segment("yes", 7.0),
        Segment("no", 8.0),
    )


def test_one_word_with_a_colon_among_many_lines_stays_text():
    """A sentence that opens with a capital and a colon is no speaker when nobody else has a name."""
    answer = "[00:01] one\n[00:02] Remember: always test\n[00:03] two\n[00:04] three"
    assert parse_answer(answer)[1] == Segment("Remember: always test", 2.0)


def test_titles_of_chapters_are_no_speakers():
    """Names come back; the titles of chapters do not."""
    answer = (
        "## 00:00 - 01:00: Setup: how to\nWe begin.\n\n## 01:00 - 02:00: Demo: the thing\n\n## 02:00 - 03:00: End: bye"
    )
    assert parse_answer(answer) == (
        Segment("Setup: how to We begin.", 0.0, 60.0),
        Segment("Demo: the thing", 60.0, 120.0),
        Segment("End: bye", 120.0, 180.0),
    )


def test_continuation_lines_belong_to_the_line_before():
    """Lines without a time are joined to the timed one above them, over empty lines too."""
    answer = "[00:05] One\ntwo\n\nthree.\n[00:09] Four."
    assert parse_answer(answer) == (Segment("One two three.", 5.0), Segment("Four.", 9.0))


def test_another_speaker_without_a_time_is_a_segment_of_his_own():
    """A labelled line is never glued to what somebody else said."""
    answer = "[00:05] Anna: Hi.\nBob: Hello.\nHow are you?\n[00:09] Anna: Fine."
    assert parse_answer(answer) == (
        Segment("Hi.", 5.0, None, "Anna"),
        Segment("Hello. How are you?", None, None, "Bob"),
        Segment("Fine.", 9.0, None, "Anna"),
    )


def test_text_around_the_transcript_is_kept_untimed():
    """Only a clear preamble is dropped; headings and a farewell stay, without a time."""
    answer = "A talk about birds.\nHere is the transcript:\n\n## Part one\n[00:05] Hi.\n\nLet me know if you need more!"
    assert parse_answer(answer) == (
        Segment("A talk about birds."),
        Segment("Part one"),
        Segment("Hi.", 5.0),
        Segment("Let me know if you need more!"),
    )


def test_no_times_at_all_gives_a_segment_a_paragraph():
    """Plain prose stays prose, in order, and nothing of it is taken for a preamble."""
    answer = "Here is the story:\n\nOnce upon\na time at 10:30 sharp.\n\nThe end."
    assert parse_answer(answer) == (
        Segment("Here is the story:"),
        Segment("Once upon a time at 10:30 sharp."),
        Segment("The end."),
    )


def test_speakers_without_times():
    """A dialogue without times still knows who speaks."""
    assert parse_answer("Anna: Hi.\nBob: Hello.\nAnna: Bye.") == (
        Segment("Hi.", None, None, "Anna"),
        Segment("Hello.", None, None, "Bob"),
        Segment("Bye.", None, None, "Anna"),
    )


def test_a_line_that_begins_with_a_time_of_day_is_text_where_times_are_in_brackets():
    """A wrapped line that happens to begin with 10:30 does not open a segment; one that fits in order does."""
    assert parse_answer("[00:05] We met at\n10:30 in the hall.\n[00:09] Yes.") == (
        Segment("We met at 10:30 in the hall.", 5.0),
        Segment("Yes.", 9.0),
    )
    assert parse_answer("[00:05] One.\n[00:09] Two.\n00:12 Three.") == (
        Segment("One.", 5.0),
        Segment("Two.", 9.0),
        Segment("Three.", 12.0),
    )


def test_order_is_kept_as_written():
    """Sorting and clamping are somebody else's business."""
    assert [segment.start for segment in parse_answer("[00:09] b\n[00:05] a\n[99:00] c", duration=10)] == [9, 5, 5940]


@pytest.mark.parametrize(
    ("duration", "answer", "starts"),
    [
        (120, "[00:05:00] a\n[00:12:50] b\n[01:58:00] c", [5.0, 12.5, 118.0]),
        (120, "00:00:00 a\n00:40:00 b\n01:10:25 c", [0.0, 40.0, 70.25]),
        (None, "[00:05:00] a\n[00:12:50] b", [300.0, 770.0]),
        (7200, "[00:05:00] a\n[01:58:00] b", [300.0, 7080.0]),
        (600, "[00:00:05] a\n[00:05:00] b\n[00:09:00] c\n[00:13:00] d", [5.0, 300.0, 540.0, 780.0]),
        (60, "[00:05:250] a\n[00:12:500] b", [5.25, 12.5]),
        (60, "[00:00:05:500] a\n[00:00:12:00] b", [5.5, 12.0]),
        (60, '[{"start": 500, "text": "a"}, {"start": 50000, "text": "b"}]', [0.5, 50.0]),
        (60, '[{"start": 5, "text": "a"}, {"start": 61, "text": "b"}]', [5.0, 61.0]),
    ],
)
def test_the_duration_settles_what_a_time_means(duration, answer, starts):
    """MM:SS:ff is read so only when most times would lie past the end; a drift at the end is not such a case."""
    assert [segment.start for segment in parse_answer(answer, duration=duration)] == starts


def test_json_cut_in_the_middle_keeps_what_is_whole_and_the_rest():
    """An answer that hit its limit loses nothing of what it had said."""
    answer = (
        '```json\n{"segments": [{"start": 1.5, "end": 2.0, "text": "Hello \\"you\\"."}, {"start": 2.5, "text": "And th'
    )
    assert parse_answer(answer) == (Segment('Hello "you".', 1.5, 2.0), Segment("And th", 2.5))
    assert parse_answer('[{"start": 1, "text": "One"}, {"start": 2, "te') == (Segment("One", 1.0),)
    assert parse_answer('[{"text": "One", "start": 1') == (Segment("One"),)


def test_json_with_unescaped_quotes_is_read():
    """A quote closes a string only where structure follows."""
    answer = '[{"start": 1, "text": "He said "no", and left"}, {"start": 2, "text": "ok"}]'
    assert parse_answer(answer) == (Segment('He said "no", and left', 1.0), Segment("ok", 2.0))


def test_unknown_keys_of_json_are_text_and_metadata_is_not():
    """A description beside the speech is kept; an id or a confidence is structure."""
    answer = '[{"id": "s1", "start": 1, "visual": "A dog runs.", "audio": "Bark!", "confidence": 0.9}]'
    assert parse_answer(answer) == (Segment("A dog runs. Bark!", 1.0),)


def test_a_number_alone_on_the_last_line_of_a_cue_is_text():
    """Only the number that counts the next cue is structure."""
    answer = "1\n00:00:01,000 --> 00:00:02,000\nin the year\n1984\n\n2\n00:00:03,000 --> 00:00:04,000\n7\n"
    assert parse_answer(answer) == (Segment("in the year 1984", 1.0, 2.0), Segment("7", 3.0, 4.0))


def test_text_after_json_and_halves_of_characters_survive():
    """Prose around JSON is kept, and an escaped half of a character never breaks what is written later."""
    answer = 'Intro.\n[{"start": 1, "text": "a\\ud83d\\ude00b \\ud83d c\\u0000d"}]\nOutro.'
    segments = parse_answer(answer)
    assert [segment.text for segment in segments] == ["Intro.", "a😀b � c d", "Outro."]
    "".join(segment.text for segment in segments).encode()


def test_nothing_in_gives_nothing_out():
    """Empty answers, bare fences and bare times hold no text."""
    for answer in ("", " \n\t\n", "```\n```", "[00:05]", "WEBVTT\n\n", "[]", "{}", "---"):
        assert all(segment.text in ("[]", "{}", "WEBVTT") for segment in parse_answer(answer))


# ---- properties

WORDS = st.text(st.sampled_from("abcdefgxyzABCXYZéüßñøжыяШ中文字日本語한국어אבגدسل"), min_size=1, max_size=8)
TEXTS = st.lists(WORDS, min_size=1, max_size=8).map(" ".join)
NAMES = st.sampled_from(["Speaker 1", "Speaker 2", "Host", "Interviewer", "SPEAKER_03"])


@st.composite
def transcripts(draw, spoken: bool = False) -> list[Segment]:
    count = draw(st.integers(1, 12))
    now, segments = 0, []
    for _ in range(count):
        now += draw(st.integers(0, 30))
        end = now + draw(st.integers(1, 20))
        segments.append(Segment(draw(TEXTS), float(now), float(end), draw(NAMES) if spoken else None))
    return segments


def _lines(form):
    return lambda segments: "\n".join(form(segment) for segment in segments)


STARTS = {
    "brackets": _lines(lambda s: f"[{format_clock(s.start)}] {s.text}"),
    "padded brackets": _lines(lambda s: f"[{int(s.start) // 60:02}:{int(s.start) % 60:02}] {s.text}"),
    "hours": _lines(lambda s: f"[{format_vtt(s.start)[:8]}] {s.text}"),
    "milliseconds": _lines(lambda s: f"[{format_srt(s.start)}] {s.text}"),
    "parentheses": _lines(lambda s: f"({format_clock(s.start)}) {s.text}"),
    "bare": _lines(lambda s: f"{format_clock(s.start)} {s.text}"),
    "colon": _lines(lambda s: f"{format_clock(s.start)}: {s.text}"),
    "dash": _lines(lambda s: f"{format_clock(s.start)} – {s.text}"),
    "bold": _lines(lambda s: f"**[{format_clock(s.start)}]** {s.text}"),
    "bullets": _lines(lambda s: f"- **{format_clock(s.start)}**: {s.text}"),
    "numbered": _lines(lambda s: f"12. [{format_clock(s.start)}] {s.text}"),
    "units": _lines(lambda s: f"[{int(s.start) // 60}m{int(s.start) % 60}s] {s.text}"),
    "seconds": _lines(lambda s: f"[{s.start:.1f}s] {s.text}"),
    "own line": _lines(lambda s: f"{format_clock(s.start)}\n" + s.text.replace(" ", "\n")),
    "after": _lines(lambda s: f"{s.text} [{format_clock(s.start)}]"),
    "one line": lambda segments: " ".join(f"[{format_clock(s.start)}] {s.text}" for s in segments),
    "fence": lambda segments: "```\n" + STARTS["brackets"](segments) + "\n```",
    "preamble": lambda segments: "Here is the transcript:\n\n" + STARTS["brackets"](segments),
    "table": lambda segments: "|Time|Text|\n|---|---|\n"
    + "\n".join(f"| {format_clock(s.start)} | {s.text} |" for s in segments),
    "json": lambda segments: json.dumps([{"start": s.start, "text": s.text} for s in segments]),
    "json clock": lambda segments: json.dumps(
        {"segments": [{"timestamp": format_clock(s.start), "text": s.text} for s in segments]},
        ensure_ascii=False,
        indent=1,
    ),
    "json lines": _lines(lambda s: json.dumps({"time": s.start, "content": s.text})),
    "json keys": lambda segments: "{" + ",".join(
        f"{json.dumps(format_clock(s.start))}: {json.dumps(s.text)}" for s in segments
    ) + "}",
    "json rows": lambda segments: json.dumps([[format_clock(s.start), s.text] for s in segments]),
}  # fmt: skip
RANGES = {
    "brackets": _lines(lambda s: f"[{format_clock(s.start)} - {format_clock(s.end)}] {s.text}"),
    "arrow": _lines(lambda s: f"[{format_vtt(s.start)} --> {format_vtt(s.end)}] {s.text}"),
    "bare": _lines(lambda s: f"{format_vtt(s.start)} - {format_vtt(s.end)} {s.text}"),
    "numbers": _lines(lambda s: f"[{s.start} - {s.end}] {s.text}"),
    "srt": lambda segments: "\n\n".join(
        f"{n}\n{format_srt(s.start)} --> {format_srt(s.end)}\n" + s.text.replace(" ", "\n")
        for n, s in enumerate(segments, 1)
    ),
    "vtt": lambda segments: (
        "WEBVTT\n\n"
        + "\n\n".join(f"{format_vtt(s.start)} --> {format_vtt(s.end)} align:start\n{s.text}" for s in segments)
    ),
    "table": lambda segments: (
        "|Text|From|To|\n|---|---|---|\n"
        + "\n".join(f"| {s.text} | {format_clock(s.start)} | {format_clock(s.end)} |" for s in segments)
    ),
    "json": lambda segments: json.dumps([{"end": s.end, "text": s.text, "start": s.start} for s in segments]),
}
SPEAKERS = {
    "colon": _lines(lambda s: f"[{format_clock(s.start)}] {s.speaker}: {s.text}"),
    "bold": _lines(lambda s: f"[{format_clock(s.start)}] **{s.speaker}:** {s.text}"),
    "all bold": _lines(lambda s: f"**[{format_clock(s.start)}] {s.speaker}:** {s.text}"),
    "brackets": _lines(lambda s: f"[{format_clock(s.start)}] [{s.speaker}] {s.text}"),
    "voice": _lines(lambda s: f"[{format_clock(s.start)}] <v {s.speaker}>{s.text}</v>"),
    "before": _lines(lambda s: f"{s.speaker} ({format_clock(s.start)}): {s.text}"),
    "head": _lines(lambda s: f"**{s.speaker}** [{format_clock(s.start)}]\n{s.text}\n"),
    "table": lambda segments: (
        "|Speaker|Time|Text|\n|---|---|---|\n"
        + "\n".join(f"| {s.speaker} | {format_clock(s.start)} | {s.text} |" for s in segments)
    ),
    "json": lambda segments: json.dumps([{"start": s.start, "speaker": s.speaker, "text": s.text} for s in segments]),
}


@pytest.mark.parametrize("style", STARTS)
@settings(max_examples=40, deadline=None)
@given(segments=transcripts())
def test_every_style_gives_back_what_went_in(style, segments):
    """Words, times and order of any transcript survive every way of writing it."""
    parsed = parse_answer(STARTS[style](segments))
    assert [(s.text, s.start) for s in parsed] == [(s.text, s.start) for s in segments]


@pytest.mark.parametrize("style", RANGES)
@settings(max_examples=40, deadline=None)
@given(segments=transcripts())
def test_every_style_with_ends_gives_back_what_went_in(style, segments):
    """So do ends."""
    parsed = parse_answer(RANGES[style](segments))
    assert [(s.text, s.start, s.end) for s in parsed] == [(s.text, s.start, s.end) for s in segments]


@pytest.mark.parametrize("style", SPEAKERS)
@settings(max_examples=40, deadline=None)
@given(segments=transcripts(spoken=True))
def test_every_style_with_speakers_gives_back_what_went_in(style, segments):
    """So do speakers."""
    parsed = parse_answer(SPEAKERS[style](segments))
    assert [(s.text, s.start, s.speaker) for s in parsed] == [(s.text, s.start, s.speaker) for s in segments]


@settings(max_examples=60, deadline=None)
@given(segments=transcripts(), share=st.floats(0, 1))
def test_json_cut_anywhere_loses_no_word_it_holds(segments, share):
    """Every text that stands in the cut answer, whole or not, is in the segments."""
    whole = json.dumps([{"start": s.start, "text": s.text} for s in segments], ensure_ascii=False)
    cut = whole[: max(len('[{"start":'), int(len(whole) * share))]  # from where it can be told for JSON
    held = "".join(re.findall(r'"text": "([^"]*)', cut)).replace(" ", "")
    assert "".join(s.text for s in parse_answer(cut)).replace(" ", "") == held


# Letters that stand in no unit of time, and no word that the parser knows.
ANYTHING = st.lists(
    st.one_of(
        st.sampled_from(["xqz", "Kaj", "ĝul", "жук", "犬", "بيت", "1984", "5", " ", " ", "\n", "\n", "\n\n"]),
        st.sampled_from(["10:30", "00:05", "[00:07]", "(0:09)", "00:01 --> 00:02", "-->", "**", "---", "```", "[["]),
        st.sampled_from(["|---|---|", '{"Kaj":', '["', "| Kaj |", "<v Kaj>", "[Kaj]", "Kaj:"]),
        st.sampled_from("[](){}<>|*_-#:.,;'\"\\/~=+&!?"),
    ),
    max_size=40,
).map("".join)


@settings(max_examples=600, deadline=None)
@given(ANYTHING)
@example('{"Kaj":{"Kaj":')
@example("|---|---|\n|Kaj|")
def test_the_letters_of_any_text_survive_in_order(text):
    """Whatever the mixture of markup, every letter that is no time comes out, in order, as text or as speaker."""
    assume(not re.search(r'["\']Kaj', text) and "{" not in text)  # a key of JSON is structure
    said = " ".join(f"{s.speaker or ''} {s.text}" for s in parse_answer(text))
    # The v of a voice tag is markup.
    assert re.findall(r"[^\W\d_v]", said) == re.findall(r"[^\W\d_v]", text)


@settings(max_examples=300, deadline=None)
@given(st.text(), st.one_of(st.none(), st.floats()))
def test_any_text_is_read_without_an_error(text, duration):
    """There is no answer that the parser refuses."""
    for segment in parse_answer(text, duration=duration):
        assert segment.text
        assert segment.start is None or segment.start >= 0
        segment.text.encode()


@settings(max_examples=200, deadline=None)
@given(ANYTHING)
def test_any_markup_is_read_without_an_error(text):
    """Neither is there a mixture of markup that it refuses."""
    parse_answer(text, duration=60)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from(["12", "7", "3.14", "1984", "x", "y z", "\n", "\n\n", "100", "#5"]), max_size=30).map(
        " ".join
    )
)
def test_numbers_that_are_no_times_survive(text):
    """Digits in plain prose come out as they went in."""
    said = " ".join(segment.text for segment in parse_answer(text))
    assert re.findall(r"\d+", said) == re.findall(r"\d+", text)


def _repeated(text: str, size: int = 2_000_000) -> str:
    return (text * (size // len(text) + 1))[:size]


FOX = "the quick brown fox jumps over the lazy dog"
LONG = {
    "lines": "".join(f"[{n // 60:02}:{n % 60:02}] Speaker {n % 3}: {FOX}\n" for n in range(28_000)),
    "json cut": json.dumps([{"start": n, "text": FOX} for n in range(28_000)])[:-10],
    "json broken": "\n".join(f'{{"start": {n}, "text": "the "quick" brown fox jumps over"}}' for n in range(28_000)),
    "srt": "".join(f"{n}\n00:00:{n % 60:02},000 --> 00:00:{n % 60:02},900\n<i>{FOX}</i>\n\n" for n in range(22_000)),
    "table": "|Time|Text|\n|---|---|\n" + _repeated(f"| 00:05 | {FOX} |\n"),
    "one line": _repeated(f"[00:05] {FOX} "),
    **{
        unit: _repeated(unit)
        for unit in ("[", '{"a":', '{"a": "', "1:", "*", " ", "`", "<v ", "|", "-|", "(", "\\[", "Anna: ", "9", '["a",')
    },
}


@pytest.mark.parametrize("kind", LONG)
def test_two_megabytes_are_read_in_seconds(kind):
    """Time grows with the length of the answer and with nothing else: no pattern makes the parser hang."""
    begun = time.process_time()
    parse_answer(LONG[kind])
    assert time.process_time() - begun < 8  # under 2 on an idle machine; a pattern gone wrong takes minutes
