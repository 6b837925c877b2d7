"""Which lines of a long transcript are sent with a question."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lib.domain.reading import line_tokens
from lib.domain.relevance import lines_that_matter
from lib.domain.transcript import Cue


def talk(minutes: int, *, said: dict[int, str] | None = None) -> list[Cue]:
    """A line every five seconds that says nothing in particular, but for those named by their number."""
    lines = [f"And so we go on with point {number} of our list." for number in range(minutes * 12)]
    for number, words in (said or {}).items():
        lines[number] = words
    return [Cue(5.0 * number, 5.0 * number + 4, words) for number, words in enumerate(lines)]


def test_a_transcript_that_fits_is_sent_whole():
    """Nothing is left out, and nothing but empty lines."""
    cues = [*talk(1), Cue(90.0, 91.0, " ")]
    assert lines_that_matter([cues], "What?", 10_000) == (tuple(cues[:-1]),)


def test_of_a_long_one_what_speaks_of_the_question_is_sent_with_what_stands_around_it():
    """The one line about the budget is there with its neighbours, and so are the beginning and the end."""
    cues = talk(120, said={700: "The budget was decided: twelve thousand euros."})
    (chosen,) = lines_that_matter([cues], "How was the budget decided?", 4000)
    assert cues[700] in chosen
    assert {cues[698], cues[702]} <= set(chosen)
    assert cues[0] in chosen
    assert cues[-1] in chosen
    assert len(chosen) < len(cues) / 3


def test_words_are_found_in_other_endings_and_in_scripts_without_spaces():
    """``deciding`` finds ``decided``; a character finds itself."""
    for question, words in (("Who is deciding it?", "They decided yesterday."), ("预算", "今年的预算是多少")):
        cues = talk(120, said={650: words})
        assert cues[650] in lines_that_matter([cues], question, 3000)[0]


def test_of_several_transcripts_the_room_goes_to_the_one_that_speaks_of_it():
    """Both are begun and ended, and the second has most of the lines."""
    other = talk(60, said=dict.fromkeys(range(100, 500), "The telescope turns slowly."))
    first, second = lines_that_matter([talk(60), other], "What of the telescope?", 4000)
    assert first
    assert len(second) > 2 * len(first)


@given(
    st.lists(st.lists(st.text(max_size=300), max_size=60), max_size=3),
    st.text(max_size=80),
    st.integers(0, 3000),
)
def test_it_never_takes_more_than_there_is_room_for(texts, question, room):
    """Whatever is said and asked: the lines fit, are in their order, and each is there once."""
    transcripts = [[Cue(float(at), at + 1.0, text) for at, text in enumerate(lines)] for lines in texts]
    chosen = lines_that_matter(transcripts, question, room)
    assert len(chosen) == len(transcripts)
    assert sum(line_tokens(cue) for lines in chosen for cue in lines) <= room
    for lines, cues in zip(chosen, transcripts, strict=True):
        places = [cues.index(cue) for cue in lines]
        assert places == sorted(set(places))
