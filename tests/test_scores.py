"""Normalised words, word errors against a reference, and agreement without one."""

from __future__ import annotations

import itertools
import subprocess
import sys

import jiwer
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import LCSseq
from whisper_normalizer.basic import BasicTextNormalizer
from whisper_normalizer.english import EnglishTextNormalizer

from bench.times import PHRASES
from lib.domain.columns import Column
from lib.domain.media import Clip
from lib.domain.normalised import (
    normalised_pieces,
    normalised_with_places,
    normalised_words,
    normaliser_name,
)
from lib.domain.scores import (
    WordErrors,
    agreement,
    agreement_over_time,
    mean_agreement,
    shared_reference,
    word_errors,
)
from lib.domain.transcript import Cue
from lib.errors import EmptyReference
from tests.comparison_fixtures import column
from tests.conftest import LOCAL_PAIR
from tests.speech_fixtures import said

ENGLISH, BASIC = EnglishTextNormalizer(), BasicTextNormalizer(preserve_marks=True)
ENDGAME = " ".join(text for *_, text in PHRASES["endgame_nagg_nell.wav"])
AWKWARD = (
    *ENGLISH.standardize_numbers.words,
    *(
        "5",
        "12",
        "3.5",
        "$3",
        ".5",
        "1,000",
        "20%",
        "007",
        "¢5",
        "½",
        "²",
        "٣",
        "1st",
        "$",
        "%",
        "US$",
        "5.",
        "%5",
        "5'",
    ),
    *("and", "a", "half", "and a half", "half.", "per", "cent", "s", "th", "nd", "st.", "St", "’s", "it’s", "he's"),
    *("been", "gone", "she'd", "got", "um", "uh,", "um'", "'tis", "'s", "n't", "don't", "n", "'t", "mr.", "Mr", "i'ma"),
    *("wait...", "wait..", "…", "—", "-", '"', "'", "[music]", "[oh", "no]", "(x)", "(y", ")z", "<b>", "foo", "Bar,"),
    *("end.", "colour", "twenty-five", "well-known", "one-and", "a-half", "é", "naïve", "a.b", "U.S.", "नमस्ते", "ΟΔΟΣ"),
)
"""Words that Whisper's rules rewrite, alone or together."""

texts = st.tuples(st.sampled_from((" ", " ", "  ", "\n")), st.lists(st.sampled_from(AWKWARD), max_size=9)).map(
    lambda drawn: drawn[0].join(drawn[1])
)


def whole(normalise, text: str) -> tuple[str, ...]:
    """The words of the package's own answer for the whole text, without signs that are left standing alone."""
    return tuple(word for word in normalise(text).split() if any(character.isalnum() for character in word))


class TestNormalising:
    @settings(max_examples=1000, deadline=None)
    @given(texts)
    def test_the_words_are_those_of_whispers_normaliser(self, text):
        """However words rewrite each other, the words of the pieces are those of the package for the whole text."""
        assert normalised_words(text, "en") == whole(ENGLISH, text)
        assert normalised_words(text, "de") == whole(BASIC, text)

    @settings(deadline=None)
    @given(st.one_of(texts, st.text(max_size=40)), st.sampled_from(("en", None, "ja")))
    def test_each_word_knows_where_it_stands(self, text, language):
        """The words with places are the words; places rise, and words share one only as a whole."""
        words = normalised_with_places(text, language)
        assert tuple(word.text for word in words) == normalised_words(text, language)
        for word, following in itertools.pairwise(words):
            is_shared = (word.start, word.end) == (following.start, following.end)
            assert is_shared or 0 <= word.start < word.end <= following.start < following.end <= len(text)

    @settings(deadline=None)
    @given(st.one_of(texts, st.text(max_size=40)), st.sampled_from(("en", None, "ja")))
    def test_every_character_lies_in_a_piece(self, text, language):
        """Pieces follow each other, and nothing but space stands between them."""
        pieces = normalised_pieces(text, language)
        assert all(before.end <= after.start for before, after in itertools.pairwise(pieces))
        covered = "".join(text[piece.start : piece.end] for piece in pieces)
        assert "".join(covered.split()) == "".join(text.split())

    @pytest.mark.parametrize(
        ("text", "places"),
        [
            ("Twenty five men", [("25", "Twenty five"), ("men", "men")]),
            ("“Don't!”", [("do", "“Don't!”"), ("not", "“Don't!”")]),
            (
                "Mr. Smith's colour",
                [*[("mister", "Mr.")], ("smith", "Smith's"), ("is", "Smith's"), ("color", "colour")],
            ),
            ("uh, [laughs] yes — no", [("yes", "yes"), ("no", "no")]),
            (
                "a hundred and five $2 and half",
                [("a", "a"), ("105", "hundred and five"), ("$2", "$2"), ("and", "and"), ("half", "half")],
            ),
            ("two and a half", [("2.5", "two and a half")]),
            ("he (they) goes", [("he", "he"), ("goes", "goes")]),
        ],
    )
    def test_rewritten_words_point_to_what_was_written(self, text, places):
        """Numbers, contractions, titles and spellings are shown as they were written."""
        assert [(word.text, text[word.start : word.end]) for word in normalised_with_places(text, "en")] == places

    def test_scripts_without_spaces_give_a_word_a_character(self):
        """Chinese, Japanese and Thai are compared by characters, words of other scripts among them by words."""
        assert normalised_words("今日は、OK。", "ja") == ("今", "日", "は", "ok")
        assert normalised_words("สวัสดี", "th") == ("ส", "วั", "ส", "ดี")

    @pytest.mark.parametrize(
        ("language", "name"),
        [
            *((code, "Whisper's normaliser for English") for code in ("en", "en-GB", "EN_us", "English")),
            *((code, "Whisper's basic normaliser") for code in ("de", "enm", "", None)),
        ],
    )
    def test_the_normaliser_has_a_name(self, language, name):
        """Readers are told by which rules words count; a regional English is English."""
        assert normaliser_name(language) == name
        assert (normalised_words("colour", language) == ("color",)) == name.endswith("English")

    def test_vowel_signs_stay(self):
        """Words of scripts that write vowels as marks stay whole."""
        assert normalised_words("नमस्ते, दुनिया!", "hi") == ("नमस्ते", "दुनिया")

    def test_a_number_of_thousands_of_digits_is_a_word(self):
        """A text that the normaliser cannot bear is still compared."""
        assert normalised_words(f"see {'9' * 5000} now", "en") == ("see", "9" * 5000, "now")

    def test_importing_loads_no_package(self):
        """The libraries behind it are loaded when something is compared, not before."""
        program = (
            "import sys, lib.domain.consensus, lib.domain.ranking, lib.domain.scores, lib.domain.verdict; "
            "print({'jiwer', 'numpy', 'rapidfuzz', 'regex', 'whisper_normalizer'} & set(sys.modules))"
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "set()"


class TestWordErrors:
    @pytest.mark.parametrize("model_id", LOCAL_PAIR)
    def test_recorded_speech_is_scored_as_jiwer_scores_it(self, model_id, endgame_heard):
        """On real transcripts the figures are those of jiwer over the package's normalised text, in both directions."""
        text = said(endgame_heard[model_id])
        for reference, hypothesis in ((ENDGAME, text), (text, ENDGAME)):
            expected = jiwer.process_words(ENGLISH(reference), ENGLISH(hypothesis))
            assert expected.wer > 0
            assert word_errors(reference, hypothesis, "en") == WordErrors(
                *(expected.wer, expected.substitutions, expected.deletions, expected.insertions, expected.hits),
                reference_words=len(ENGLISH(reference).split()),
            )

    def test_recorded_speech_agrees_as_jiwer_counts_its_hits(self, endgame_heard):
        """The agreement of the two local models is twice the words that jiwer hits over all words of both."""
        one, other = (said(endgame_heard[model_id]) for model_id in LOCAL_PAIR)
        counted = jiwer.process_words(ENGLISH(one), ENGLISH(other))
        words = len(ENGLISH(one).split()) + len(ENGLISH(other).split())
        assert agreement(one, other, "en") == pytest.approx(2 * counted.hits / words)
        assert 0.8 < agreement(one, other, "en") < 1

    def test_style_is_no_error(self):
        """Case, punctuation, contractions and the style of numbers cost nothing; other words do."""
        found = word_errors("Don't pay 25 dollars, Mr. Smith.", "do not pay twenty five pounds mister Smith", "en")
        assert found == WordErrors(1 / 6, 1, 0, 0, 5, 6)

    def test_characters_are_counted_in_scripts_without_spaces(self):
        """One wrong character of four is an error rate of a quarter."""
        assert word_errors("今日東京", "今日京東", "ja").wer == 0.5
        assert word_errors("今日東京", "今日東今", "ja").wer == 0.25

    def test_more_than_everything_can_be_wrong(self):
        """Insertions are counted, however many."""
        assert word_errors("yes", "no no no", "en").wer == 3.0

    def test_a_reference_without_words_is_refused(self):
        """There is no error rate by a reference that says nothing."""
        with pytest.raises(EmptyReference, match="no words") as caught:
            word_errors(" — [music]", "yes", "en")
        assert "SRT" in caught.value.hint

    def test_a_reference_is_cut_to_the_clip(self):
        """Of a reference with times only what is said in the clip counts; one without times is taken whole."""
        cues = (Cue(0, 4, "before"), Cue(4, 7, "partly"), Cue(6, 9, "inside"), Cue(9.5, 12, "after"))
        assert shared_reference(cues, Clip(5, 10)) == "partly\ninside"
        assert shared_reference(cues).split() == ["before", "partly", "inside", "after"]
        assert shared_reference("as it is", Clip(5, 10)) == "as it is"


class TestAgreement:
    @given(st.lists(st.sampled_from("abcde"), max_size=20), st.lists(st.sampled_from("abcde"), max_size=20))
    def test_agreement_is_the_same_both_ways(self, one, other):
        """It is the share of the words of both that stand in their longest common row, in whichever order they come."""
        found = agreement(" ".join(one), " ".join(other), None)
        assert found == agreement(" ".join(other), " ".join(one), None)
        assert 0 <= found <= 1
        if one or other:
            assert found == pytest.approx(2 * LCSseq.similarity(one, other) / (len(one) + len(other)))

    def test_the_mean_is_over_those_that_say_something(self):
        """A failed model neither lowers the agreement of the others nor has one."""
        assert mean_agreement("a b c d", ["a b c d", "a b", ""], None) == pytest.approx((1 + 2 / 3) / 2)
        assert mean_agreement("", ["a b"], None) is None
        assert mean_agreement("a b", ["", ""], None) is None

    def test_agreement_over_time_shows_where_they_part(self):
        """Each stretch has its own agreement; where one hallucinates, it falls for all, most for that one."""
        good = ["we go to the river now"] * 30
        wild = [*good[:10], *["entirely other words are told instead"] * 10, *good[20:]]
        columns = [column("a", *good, pace=6), column("b", *good, pace=6), column("c", *wild, pace=6), column("d")]
        a, b, c, d = agreement_over_time(columns, 60)
        assert [time for time, _ in a] == [0, 60, 120]
        assert [round(share, 2) for _, share in a] == [1, 0.5, 1]
        assert a == b
        assert [round(share, 2) for _, share in c] == [1, 0, 1]
        assert d == ()

    def test_one_stretch_is_the_whole(self):
        """Over one long stretch it is the mean agreement."""
        columns = [column("a", "one two three"), column("b", "one two"), column("c", "two three four five")]
        whole_texts = [each.cues[0].text for each in columns]
        for k, points in enumerate(agreement_over_time(columns, 3600)):
            others = [text for j, text in enumerate(whole_texts) if j != k]
            assert points == ((0.0, pytest.approx(mean_agreement(whole_texts[k], others, "en"))),)

    def test_silence_has_no_agreement(self):
        """Stretches without words have no entry, and a word on a border is no difference."""
        late = Column("late", (Cue(119.5, 121, "we go now"),), "en")
        early = Column("early", (Cue(118.5, 120.4, "we go now"),), "en")
        for points in agreement_over_time([late, early], 60):
            assert [time for time, _ in points] == [60, 120]
            assert {share for _, share in points} == {1.0}

    def test_a_step_lasts(self):
        """Stretches of no length are refused."""
        with pytest.raises(ValueError, match="longer than zero"):
            agreement_over_time([], 0)
