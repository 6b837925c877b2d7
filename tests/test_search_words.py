"""What a search is asked and where it is answered: pure, whatever is typed in whatever script."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.domain.search import SEAM, Passage, Term, find, fold, passages, read_query, seamed, spoken_words
from lib.domain.transcript import Cue


def terms(typed: str) -> list[tuple[tuple[str, ...], bool]]:
    return [(term.words, term.is_open) for term in read_query(typed).terms]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("budget meet", [(("budget",), False), (("meet",), True)]),
        ('"next year" budget', [(("next", "year"), False), (("budget",), True)]),
        ('budget "next year"', [(("budget",), False), (("next", "year"), False)]),
        ('budget "next ye', [(("budget",), False), (("next", "ye"), True)]),
        ("“next year” plan", [(("next", "year"), False), (("plan",), True)]),
        ("don't", [(("don", "t"), False)]),
        ("I", [(("I",), False)]),
        ("你好 world", [(("你", "好"), False), (("world",), True)]),
        ("again again again", [(("again",), True)]),
        ("AND OR NOT NEAR(", [(("AND",), False), (("OR",), False), (("NOT",), False), (("NEAR",), True)]),
        ('* : ^ ( ) { } - + "" "', []),
        ("", []),
    ],
)
def test_a_query_is_read_as_people_type_it(typed, meant):
    """Words, phrases in quotes of any kind, the last word as far as it is typed; signs mean nothing."""
    assert terms(typed) == meant


def test_case_and_latin_accents_are_set_aside_and_others_are_not():
    """Café is cafe; a Greek or Russian letter with its mark is a letter of its own."""
    assert fold("CAFÉ") == fold("cafe\u0301") == "cafe"
    assert fold("Straße") == fold("STRASSE")
    assert fold("й") != fold("и")


def test_scripts_without_spaces_are_looked_through_character_by_character():
    """A seam is put between characters that are words, and nowhere else; taken out, the text is as it was."""
    text = "你好，世界 ABC你 ที่นี่ hello"
    assert seamed(text).split(SEAM) == ["你", "好，世", "界 ABC", "你 ที่", "นี่ hello"]
    assert seamed(text).replace(SEAM, "") == text
    assert seamed("plain words") == "plain words"
    assert [word for word, _, _ in spoken_words("हिन्दी में")] == ["हिन्दी", "में"]


def test_passages_end_where_a_sentence_does():
    """Some twenty seconds each, never over forty, and every line with its own second."""
    cues = [Cue(at, at + 4.9, "and so on" if at % 15 else "So it ends.") for at in range(0, 120, 5)]
    found = passages(cues)
    assert [each.starts[0] for each in found] == [0, 20, 50, 80, 110]
    assert all(each.lines[-1] == "So it ends." for each in found[:-1])
    endless = passages([Cue(at, at + 5, "and so on") for at in range(0, 120, 5)])
    assert [each.starts[0] for each in endless] == [0, 40, 80]
    assert passages([Cue(0, 1, "  ")]) == []


def test_the_spot_is_the_line_with_most_of_the_query():
    """A hit opens at the second of that line, its words marked as they are written in the text."""
    passage = Passage((10.0, 14.5, 19.0), ("The budget of last year,", "the new Budget for next year", "and so on."))
    spot = find(read_query('budget "next year"'), passage)
    assert spot.start == 14.5
    assert [text for text, is_found in spot.pieces if is_found] == ["budget", "Budget", "next year"]
    assert spot.text == "The budget of last year, the new Budget for next year and so on."


def test_a_phrase_is_found_across_lines_and_a_long_text_is_shortened():
    """The second is that of the line in which the phrase begins."""
    passage = Passage((0.0, 30.0), ("word " * 60 + "it was the", "best of times " + "word " * 60))
    spot = find(read_query('"the best of times"'), passage)
    assert spot.start == 0.0
    assert [text for text, is_found in spot.pieces if is_found] == ["the best of times"]
    assert spot.text.startswith("… word ")
    assert spot.text.endswith("word …")
    assert len(spot.text) < 260


@given(st.text(max_size=60), st.lists(st.text(min_size=1, max_size=40), min_size=1, max_size=4))
def test_nothing_that_is_typed_or_said_breaks_a_search(typed, lines):
    """Any query over any text gives a place in it, and its pieces are the text's own words."""
    passage = Passage(tuple(float(number) for number in range(len(lines))), tuple(lines))
    query = read_query(typed)
    spot = find(query, passage)
    assert spot.start in passage.starts
    assert all(isinstance(term, Term) and term.words for term in query.terms)
    assert seamed("".join(lines)).replace(SEAM, "") == "".join(lines).replace(SEAM, "")
