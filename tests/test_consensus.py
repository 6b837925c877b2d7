"""One transcript out of several: the majority's, and the rows that were chosen."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.domain.columns import Column
from lib.domain.consensus import Consensus, consensus, merged
from lib.domain.grid import make_grid
from lib.domain.media import Clip
from lib.domain.normalised import normalised_words
from lib.domain.scores import word_errors
from lib.domain.transcript import Cue, TimedBy
from tests.comparison_fixtures import MINUTE, column, column_heard, comparisons, heard_as
from tests.conftest import LOCAL_PAIR
from tests.timing_fixtures import misheard, speech, text_of, words_of


def text_of_cues(cues) -> str:
    return " ".join(cue.text for cue in cues)


def bare(cues) -> str:
    return "".join("".join(cue.text.split()) for cue in cues)


class TestConsensus:
    @settings(max_examples=150, deadline=None)
    @given(comparisons())
    def test_no_word_comes_from_nowhere(self, comparison):
        """Every word of the consensus was said by some column, in order of time and inside the clip."""
        columns, words = comparison
        found = consensus(columns, words=words, clip=MINUTE)
        language = next((each.language for each in columns if each.language), None)
        said = {
            word
            for each in columns
            for code in {each.language, "en", "ja", language, None}
            for word in normalised_words(text_of_cues(each.cues), code)
        }
        for cue in found.cues:
            for word in cue.text.split():
                known = {*normalised_words(word, "en"), *normalised_words(word, None)}
                assert known & said or word in said or not known, word
            assert MINUTE.start <= cue.start <= cue.end <= MINUTE.end
        assert all(a.start <= b.start for a, b in itertools.pairwise(found.cues))
        written = bare(found.cues)
        for start, end, text in found.doubts:
            assert start <= end
            assert "".join(text.split()) in written

    def test_the_majority_is_taken_word_by_word(self):
        """Each model's own mistakes are outvoted; words in doubt are those of no more than half."""
        columns = [
            column("a", "The night was dark and cold.", "We went hope."),
            column("b", "The knight was dark and cold.", "We went home."),
            column("c", "The night was very dark and cold.", "We home."),
        ]
        found = consensus(columns, clip=MINUTE)
        assert text_of_cues(found.cues) == "The night was dark and cold. We went home."
        assert found.doubts == ()

    def test_all_different_is_in_doubt(self):
        """Where nobody agrees, a word is taken and said to be in doubt, with its time."""
        columns = [
            column("a", "We go to Rome now."),
            column("b", "We go to roam now."),
            column("c", "We go to Rum now."),
        ]
        found = consensus(columns, words=heard_as("We go to Rome now."), clip=MINUTE)
        ((start, end, text),) = found.doubts
        assert text == "Rome"
        assert start == pytest.approx(1.8)
        assert start < end < 2.5

    def test_of_two_the_word_that_was_heard_is_taken(self):
        """With an even split the audio decides; a word that only one has is kept when it was heard."""
        columns = [column("a", "We go hume."), column("b", "We all go home.")]
        found = consensus(columns, words=heard_as("We all go home"), clip=MINUTE)
        assert text_of_cues(found.cues) == "We all go home."
        assert [text for *_, text in found.doubts] == ["all", "home."]

    def test_without_audio_the_best_column_is_taken(self):
        """With an even split and nothing heard, the word is that of the column that agrees most with the others."""
        columns = [
            column("a", "One bad two worse three lime."),
            column("b", "One two three line."),
            column("c", "One two three line."),
            column("d", "One bad two worse three lime four."),
            column("e", "One two three."),
        ]
        assert text_of_cues(consensus(columns, clip=MINUTE).cues) == "One two three line."

    def test_spelling_comes_whole(self):
        """Contractions and numbers are written as one of the models writes them, not as they are compared."""
        columns = [column(name, "Don't pay $25, Mr. Smith!") for name in "ab"]
        columns.append(column("c", "do not pay 25 dollars mister Smith"))
        assert text_of_cues(consensus(columns, clip=MINUTE).cues) == "Don't pay $25, Mr. Smith!"

    def test_half_a_contraction_is_spelled_as_compared(self):
        """Where the majority wants a part of a word only, that part is said."""
        columns = [column("a", "You don't know."), column("b", "You do know."), column("c", "You did not know.")]
        found = consensus(columns, words=heard_as("You do not know"), clip=MINUTE)
        assert normalised_words(text_of_cues(found.cues), "en") == ("you", "do", "not", "know")

    def test_a_consensus_is_better_than_its_columns(self):
        """Half an hour with 8 % of each model's words wrong or lost: the consensus of five has a tenth of that."""
        sentences = speech(1800)
        truth = " ".join(text_of(sentence) for sentence in sentences)
        columns = []
        for k in range(5):
            spoiled = [misheard(sentence, 0.04, seed=100 * k + n) for n, sentence in enumerate(sentences)]
            cues = tuple(Cue(s[0].start, s[-1].end, text_of(s), timed_by=TimedBy.AUDIO) for s in spoiled if s)
            columns.append(Column(f"model {k}", cues))
        found = consensus(columns, words=misheard(words_of(sentences), 0.05), clip=Clip(0, 1800))
        errors = [word_errors(truth, text_of_cues(each.cues), None).wer for each in columns]
        assert min(errors) > 0.06
        assert word_errors(truth, text_of_cues(found.cues), None).wer < 0.1 * min(errors)
        starts = {round(sentence[0].start, 2) for sentence in sentences}
        assert sum(round(cue.start, 2) in starts for cue in found.cues) >= 0.6 * len(found.cues)
        assert all(cue.timed_by is TimedBy.AUDIO for cue in found.cues)
        assert all(cue.end - cue.start <= 7.001 for cue in found.cues)

    def test_speakers_are_those_of_one_column(self):
        """Models name speakers differently: the names are those of the column that agrees most with the others."""
        cues = (Cue(0, 2, "How are you?", "Ann"), Cue(2, 4, "Very well.", "Bob"))
        columns = [
            Column("a", cues, "en"),
            Column("b", tuple(Cue(c.start, c.end, c.text, f"Speaker {k}") for k, c in enumerate(cues)), "en"),
            column("c", "How are you? Very well."),
        ]
        found = consensus(columns, clip=MINUTE)
        assert [(cue.speaker, cue.text) for cue in found.cues] == [("Ann", "How are you?"), ("Bob", "Very well.")]

    def test_scripts_without_spaces_stay_without(self):
        """A Japanese consensus is written as Japanese is."""
        columns = [
            column(str(k), text, language="ja") for k, text in enumerate(("今日は東京", "今日は京都", "今日は東京"))
        ]
        assert text_of_cues(consensus(columns, clip=MINUTE).cues) == "今日は東京"

    def test_nothing_has_no_consensus(self):
        """Failed models agree on nothing."""
        assert consensus([], clip=MINUTE) == Consensus(())
        assert consensus([column("a"), column("b", "[Music]")], clip=MINUTE) == Consensus(())

    def test_recorded_speech(self, endgame_heard):
        """Over a real recording the consensus of two models takes what the audio words hold, and doubts the rest."""
        columns = [column_heard(model_id, endgame_heard[model_id]) for model_id in LOCAL_PAIR]
        found = consensus(columns, words=endgame_heard[LOCAL_PAIR[0]].words, clip=Clip(0, 29))
        assert normalised_words(text_of_cues(found.cues), "en") == normalised_words(text_of_cues(columns[0].cues), "en")
        assert "heartily" in [text for *_, text in found.doubts]
        assert len(found.doubts) <= 8


class TestMerged:
    @settings(max_examples=150, deadline=None)
    @given(comparisons(), st.data())
    def test_the_words_are_those_of_the_chosen_cells(self, comparison, data):
        """Whatever rows are taken from whichever columns, the text is that of their cells, in order of time."""
        columns, words = comparison
        grid = make_grid(columns, words=words, clip=MINUTE)
        places = st.integers(0, len(columns) - 1)
        chosen = data.draw(st.dictionaries(st.integers(0, len(grid.rows) - 1), places)) if grid.rows else {}
        default = data.draw(places)
        cues = merged(chosen, grid, columns, default=default)
        cells = [row.cells[chosen.get(number, default)] for number, row in enumerate(grid.rows)]
        assert bare(cues) == "".join("".join(cell.text.split()) for cell in cells)
        assert all(a.start <= b.start for a, b in itertools.pairwise(cues))
        assert all(MINUTE.start <= cue.start for cue in cues)

    def test_rows_are_taken_from_where_they_were_chosen(self):
        """One row of this, one of that, the rest of the default; speakers come along."""
        lines = ("We went to the river.", "It was cold there.", "Nobody came back.")
        one = Column("a", tuple(Cue(5 * k, 5 * k + 4.5, t, "Ann", TimedBy.AUDIO) for k, t in enumerate(lines)), "en")
        other = Column("b", tuple(Cue(5 * k, 5 * k + 4.5, t.upper(), "Bob") for k, t in enumerate(lines)), "en")
        grid = make_grid([one, other], words=heard_as(*lines, pace=5), clip=MINUTE)
        assert len(grid.rows) == 3
        cues = merged({1: 1}, grid, [one, other])
        assert [(cue.text, cue.speaker, cue.timed_by) for cue in cues] == [
            ("We went to the river.", "Ann", TimedBy.AUDIO),
            ("IT WAS COLD THERE.", "Bob", TimedBy.MODEL),
            ("Nobody came back.", "Ann", TimedBy.AUDIO),
        ]
        assert [cue.start for cue in cues] == pytest.approx([0, 5, 10], abs=0.1)
        assert text_of_cues(merged({}, grid, [one, other], default=1)) == " ".join(lines).upper()

    def test_one_column_merged_is_that_column(self):
        """With nothing chosen the default's lines keep their words and, where the audio gave them, their starts."""
        sentences = speech(120)
        cues = tuple(Cue(s[0].start, s[-1].end, text_of(s), timed_by=TimedBy.AUDIO) for s in sentences)
        other = tuple(Cue(s[0].start, s[-1].end, text_of(misheard(s, 0.1) or s)) for s in sentences)
        columns = [Column("a", cues), Column("b", other)]
        grid = make_grid(columns, words=words_of(sentences), clip=Clip(0, 120))
        found = merged({}, grid, columns)
        assert text_of_cues(found).split() == text_of_cues(cues).split()
        starts = [sentence[0].start for sentence in sentences]
        assert all(min(abs(cue.start - start) for start in starts) < 0.01 for cue in found if cue.text[0].isupper())

    def test_what_is_not_there_cannot_be_chosen(self):
        """A row or a column outside the grid is refused."""
        columns = [column("a", "Yes."), column("b", "No.")]
        grid = make_grid(columns, clip=MINUTE)
        with pytest.raises(ValueError, match="row that is not"):
            merged({1: 0}, grid, columns)
        with pytest.raises(ValueError, match="column that is not"):
            merged({0: 2}, grid, columns)
        with pytest.raises(ValueError, match="column that is not"):
            merged({}, grid, columns, default=-1)
