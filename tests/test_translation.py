"""Translating cue by cue: whatever a model answers, each line is there once, at its time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lib.domain.reading import line_tokens, stretches_of_lines, summary_words, text_tokens
from lib.domain.transcript import Cue
from lib.domain.translation import health_of_translation, lines_to_translate, translated, untranslated
from lib.formats.asked_lines import numbered_lines, read_numbered, timed_lines

WORDS = st.text(st.sampled_from("ab cé漢字ש|12:.-\n\t[]*"), max_size=30)
CUES = st.lists(st.tuples(st.integers(0, 500), WORDS), max_size=30).map(
    lambda rows: tuple(Cue(start, start + 1.0, text, None if start % 2 else "Anna") for start, text in sorted(rows))
)
PLACES = st.dictionaries(st.integers(0, 29), WORDS)


@given(CUES, PLACES)
def test_no_line_is_ever_lost_or_doubled(cues, translations):
    """As many cues as before, with the same times and speakers in the same order, each with its own translation or,
    without one, with its own words."""
    found = translated(cues, translations)
    assert [(cue.start, cue.end, cue.speaker) for cue in found] == [(c.start, c.end, c.speaker) for c in cues]
    for place, (before, after) in enumerate(zip(cues, found, strict=True)):
        assert after.text == (translations.get(place, "").strip() or before.text)


@given(CUES, PLACES)
def test_what_stays_untranslated_is_named_line_by_line(cues, translations):
    """One finding for each line with letters in it that has no translation, at its time; none means no health."""
    missing = untranslated(cues, translations)
    health = health_of_translation(cues, translations)
    assert set(missing) <= set(lines_to_translate(cues))
    findings = health.findings if health else ()
    assert [finding.start for finding in findings] == [cues[place].start for place in missing]
    assert all(translations.get(place, "").strip() for place in set(lines_to_translate(cues)) - set(missing))


@given(st.text(max_size=300), st.sets(st.integers(0, 40)))
def test_an_answer_gives_only_what_was_asked_for(answer, places):
    """Whatever the text, only the places that were asked for come back, each with words on one line."""
    found = read_numbered(answer, places)
    assert set(found) <= places
    assert all(text.strip() and "\n" not in text for text in found.values())


@given(CUES)
def test_a_faithful_answer_is_read_whole(cues):
    """The lines as they were numbered, given back, are the lines."""
    places = lines_to_translate(cues)
    found = read_numbered(numbered_lines(cues, places), places)
    assert set(found) == set(places)
    assert all(found[place] == " ".join(cues[place].text.split()) for place in places)


def test_answers_are_read_as_models_write_them():
    """Fences, thoughts, other signs than the bar, lines that run on, numbers twice or from nowhere."""
    asked = range(4)
    assert read_numbered("```\n1| a\n2| b\n```", asked) == {0: "a", 1: "b"}
    assert read_numbered("<think>1| no</think>\n1| yes", asked) == {0: "yes"}
    assert read_numbered("Here they are:\n\n1. a\n2. b: c\n3) d", asked) == {0: "a", 1: "b: c", 2: "d"}
    assert read_numbered("1| a\n  and more\n2| b", asked) == {0: "a and more", 1: "b"}
    assert read_numbered("1| a\n1| again\n2| b\n77| nobody\n3|\n4| d", asked) == {0: "a", 1: "b", 3: "d"}
    assert read_numbered("**1** | a\n[2]| b\n- 3 ｜ c", asked) == {0: "a", 1: "b", 2: "c"}
    assert read_numbered("١| أ\n٢| ب", asked) == {0: "أ", 1: "ب"}
    assert read_numbered("1| at 10| o'clock", asked) == {0: "at 10| o'clock"}
    assert read_numbered("I cannot do that.", asked) == {}


@given(CUES, st.integers(1, 200), st.none() | st.integers(1, 9))
def test_stretches_hold_every_line_once_and_no_more_than_they_may(cues, most_tokens, most_lines):
    """From the first line to the last without a hole, none above its limit but a line that is too long by itself."""
    stretches = stretches_of_lines(cues, most_tokens=most_tokens, most_lines=most_lines)
    assert [place for first, after in stretches for place in range(first, after)] == list(range(len(cues)))
    for first, after in stretches:
        assert after - first <= (most_lines or len(cues))
        assert after - first == 1 or sum(map(line_tokens, cues[first:after])) <= most_tokens


def test_lines_with_their_times_are_written_as_models_are_asked_to_write_them():
    """Box, speaker, text; hours only where there are some; a line without words is left out."""
    cues = (Cue(65.9, 67.0, "Hello\nthere", "Anna"), Cue(70, 71, " "), Cue(3725.0, 3726.0, "Bye."))
    assert timed_lines(cues) == "[01:05] Anna: Hello there\n[1:02:05] Bye."


def test_a_summary_grows_with_the_recording_ever_slower():
    """150 words for five minutes, 400 for an hour, never less than 60."""
    assert [summary_words(seconds) for seconds in (10, 300, 3600, 4 * 3600)] == [60, 150, 400, 690]


def test_tokens_are_counted_on_the_dear_side():
    """About a third of a token a letter in English, one for each sign of Chinese."""
    assert 12 <= text_tokens("It was the best of times, it was the worst.") <= 16
    assert text_tokens("漢字漢字漢字漢字漢字") >= 10
