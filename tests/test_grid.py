"""Several transcripts on one grid of time."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings

from lib.domain.columns import Column
from lib.domain.grid import Cell, Grid, Mark, Row, Span, make_grid
from lib.domain.media import Clip
from lib.domain.network import weave
from lib.domain.tokens import is_unspaced
from lib.domain.transcript import Cue, TimedBy, Word
from tests.comparison_fixtures import MINUTE, column, column_heard, comparisons, heard_as, shown
from tests.conftest import LOCAL_PAIR
from tests.timing_fixtures import misheard, speech, text_of, words_of


@settings(max_examples=200, deadline=None)
@given(comparisons())
def test_each_column_read_down_is_that_models_text(comparison):
    """Whatever is compared, no word is lost or doubled or out of order, and rows follow each other in time."""
    columns, words = comparison
    grid = make_grid(columns, words=words, clip=MINUTE)
    assert grid.names == tuple(each.name for each in columns)
    for k, each in enumerate(columns):
        down = " ".join(row.cells[k].text for row in grid.rows).split()
        text = " ".join(cue.text for cue in each.cues).split()
        assert "".join(down) == "".join(text)
        if not any(is_unspaced(character) for word in text for character in word):  # those may be cut anywhere
            assert down == text
    assert all(MINUTE.start <= row.start <= row.end <= MINUTE.end for row in grid.rows)
    assert all(above.end <= below.start for above, below in itertools.pairwise(grid.rows))
    assert all(any(cell.spans for cell in row.cells) for row in grid.rows)


@settings(max_examples=100, deadline=None)
@given(comparisons())
def test_marks_say_the_same_of_all(comparison):
    """A row is different when something in it is marked; a single column differs from nobody; two are never EXTRA."""
    columns, words = comparison
    for row in make_grid(columns, words=words, clip=MINUTE).rows:
        marks = {span.mark for cell in row.cells for span in cell.spans}
        assert row.is_different == bool(marks - {Mark.SAME})
    for row in make_grid(columns[:1], words=words, clip=MINUTE).rows:
        assert not row.is_different
    for row in make_grid(columns[:2], words=words, clip=MINUTE).rows:
        assert not {span.mark for cell in row.cells for span in cell.spans} & {Mark.EXTRA, Mark.MISSING}


def grid_of_lines(*lines: str, language: str = "en") -> list[list[str]]:
    """The grid of columns that have one line each."""
    columns = [column(f"model {k}", line, language=language) for k, line in enumerate(lines)]
    return shown(make_grid(columns, clip=MINUTE))


class TestMarks:
    def test_of_two_each_differing_word_differs_in_both(self):
        """With two columns nobody is the majority; style is no difference."""
        cells = grid_of_lines("It was the best of times.", "it was the BEST, of tomes")
        assert cells == [["It was the best of *times.*", "it was the BEST, of *tomes*"]]

    def test_numbers_contractions_and_titles_are_no_difference(self):
        """What the normaliser holds for equal is the same, in its own spelling."""
        lines = ("Don't say 25, Mr. Smith.", "do not say twenty-five mister Smith", "Do not say, uh, 25 Mister Smith!")
        assert grid_of_lines(*lines) == [list(lines)]

    def test_the_majority_is_what_most_have(self):
        """Another word differs, a word where most have none is extra, none where most have one is missing."""
        assert grid_of_lines("We go home now.", "We go hume now.", "We go home now.") == [
            ["We go home now.", "We go *hume* now.", "We go home now."]
        ]
        assert grid_of_lines("We go home now.", "We go right home now.", "We go home now.") == [
            ["We go home now.", "We go +right+ home now.", "We go home now."]
        ]
        assert grid_of_lines("We go home, Now.", "We now.", "we go home now.") == [
            ["We go home, Now.", "We -go home,- now.", "we go home now."]
        ]

    def test_an_even_split_has_no_majority(self):
        """Two against two, all four differ; two against one and one, the two are the majority."""
        assert grid_of_lines("go home now", "go hume now", "go home now", "go hume now") == [
            ["go *home* now", "go *hume* now", "go *home* now", "go *hume* now"]
        ]
        assert grid_of_lines("go home now", "go hume now", "go home now", "go hams now") == [
            ["go home now", "go *hume* now", "go home now", "go *hams* now"]
        ]

    def test_of_a_contraction_half_can_be_missing(self):
        """Who says "do" for the others' "don't" lacks a word, which is spelled as it is compared."""
        assert grid_of_lines("You do know.", "You don't know.", "You don't know.") == [
            ["You do -not- know.", "You don't know.", "You don't know."]
        ]
        assert grid_of_lines("You know.", "You don't know.", "You don't know.") == [
            ["You -don't- know.", "You don't know.", "You don't know."]
        ]

    def test_a_contraction_differs_as_a_whole(self):
        """Of a word that stands for two, one of them other than the others', the whole is marked."""
        assert grid_of_lines("You do know.", "You don't know.", "You do know.") == [
            ["You do know.", "You *don't* know.", "You do know."]
        ]

    def test_insertions_are_aligned_among_themselves(self):
        """What two columns add at the same place is one place, and not extra in one and then in the other."""
        cells = grid_of_lines("We go home.", "We really truly go home.", "We really go home.", "We really go home.")
        assert cells == [
            ["We -really- go home.", "We really +truly+ go home.", "We really go home.", "We really go home."]
        ]

    def test_an_empty_column_has_no_say(self):
        """A failed model has empty cells, and the majority is that of the others."""
        assert grid_of_lines("A cat sat.", "", "A dog sat.", "A cat sat.") == [
            ["A cat sat.", "", "A *dog* sat.", "A cat sat."]
        ]
        assert not any(row.is_different for row in make_grid([column("a", "Yes."), column("b")], clip=MINUTE).rows)

    def test_scripts_without_spaces_are_marked_by_character(self):
        """Japanese differs by characters, and gets no spaces."""
        cells = grid_of_lines("今日は東京です。", "今日は京都です。", "今日は東京です。", language="ja")
        assert cells == [["今日は東京です。", "今日は-東-京+都+です。", "今日は東京です。"]]

    def test_who_does_not_name_a_language_is_read_in_that_of_the_others(self):
        """A column without a language is normalised as the others are."""
        columns = [column("a", "I don't know."), column("b", "I do not know.", language=None)]
        assert not make_grid(columns, clip=MINUTE).rows[0].is_different

    def test_what_the_normaliser_drops_is_no_difference(self):
        """Notes in brackets and fillers are shown where they stand, and are the same."""
        assert grid_of_lines("[Music] Yes, uh — go.", "Yes, go.") == [["[Music] Yes, uh — go.", "Yes, go."]]
        assert grid_of_lines("[Music]", "♪") == [["[Music]", "♪"]]

    def test_a_note_beside_silent_columns_keeps_its_time(self):
        """A column that holds nothing but a note has it in the row of its time."""
        talk = [f"We talk of number {k}." for k in range(12)]
        note = Column("note", (Cue(30, 33, "[Applause]"),), "en")
        rows = make_grid([column("a", *talk), note], clip=MINUTE).rows
        (row,) = [row for row in rows if row.cells[1].spans]
        assert row.start <= 30 < row.end


class TestTimes:
    def test_identical_sentences_do_not_jump(self):
        """Of a sentence said twice, each column's goes where it was said, though every column lacks one."""
        columns = [
            column("a", "No more.", "Yes.", "", "", "No more."),
            column("b", "", "Yes.", "", "", "No more."),
            column("c", "No more.", "Yes."),
        ]
        expected = [["No more. Yes.", "-No more.- Yes.", "No more. Yes."], ["No more.", "No more.", "-No more.-"]]
        assert shown(make_grid(columns, clip=MINUTE)) == expected
        words = heard_as("No more.", "Yes.", "", "", "No more.")
        assert shown(make_grid(columns, words=words, clip=MINUTE)) == expected

    @pytest.mark.parametrize("is_heard", [True, False], ids=["heard", "not heard"])
    @pytest.mark.parametrize(
        ("clock", "timed_by"),
        [
            pytest.param(lambda seconds: seconds, TimedBy.AUDIO, id="timed by the audio"),
            pytest.param(lambda seconds: 1.25 * seconds, TimedBy.MODEL, id="a model's clock, 25 % fast"),
            pytest.param(lambda seconds: 0.0, TimedBy.PART, id="no times at all"),
        ],
    )
    def test_words_meet_their_own_kind(self, clock, timed_by, is_heard):
        """Half an hour by four models, each with words wrong, words lost, and one without three minutes: at least 95 of
        100 words that stand side by side are the same word of the speech, whatever clock the models have."""
        sentences = speech(1800)
        columns, moments = [], []
        for k in range(4):
            kept = [s for s in sentences if k != 2 or not 600 < s[0].start < 780]
            spoiled = [s for n, sentence in enumerate(kept) if (s := misheard(sentence, 0.04, seed=100 * k + n))]
            cues = (Cue(clock(s[0].start), clock(s[-1].end), text_of(s), timed_by=timed_by) for s in spoiled)
            columns.append(Column(f"model {k}", tuple(cues)))
            moments.append([word.start for word in words_of(spoiled)])
        words = misheard(words_of(sentences), 0.05) if is_heard else ()
        network = weave(columns, words=words, clip=Clip(0, 2400))
        beside = [[moments[k][at] for k, at in enumerate(row) if at >= 0] for row in network.word.tolist()]
        pairs = [(one, other) for row in beside for one, other in itertools.combinations(row, 2)]
        assert len(pairs) > 5 * 4000
        assert sum(one == other for one, other in pairs) >= 0.95 * len(pairs)

    def test_another_language_stands_beside(self):
        """A translation has no word in common with the others: it stands beside them by its times, and differs."""
        sentences = speech(300)
        cues = tuple(Cue(s[0].start, s[-1].end, text_of(s), timed_by=TimedBy.AUDIO) for s in sentences)
        other = tuple(
            Cue(cue.start, cue.end, "Ganz andere Worte als diese hier.", timed_by=TimedBy.AUDIO) for cue in cues
        )
        columns = [Column("a", cues, "en"), Column("b", cues, "en"), Column("c", other, "de")]
        rows = make_grid(columns, words=words_of(sentences), clip=Clip(0, 300)).rows
        spans = [span for row in rows for cell in row.cells[:2] for span in cell.spans]
        assert {span.mark for span in spans} == {Mark.SAME}
        assert {span.mark for row in rows for span in row.cells[2].spans} >= {Mark.DIFFERS}
        assert all(row.cells[2].text for row in rows)

    def test_a_loop_leaves_the_others_alone(self):
        """A model that repeats one line for minutes is marked; the others go on as before."""
        sentences = speech(300)
        cues = tuple(Cue(s[0].start, s[-1].end, text_of(s), timed_by=TimedBy.AUDIO) for s in sentences)
        half = len(cues) // 2
        loop = (*cues[:half], *(Cue(cue.start, cue.end, "Thank you for watching.") for cue in cues[half:] * 3))
        columns = [Column("a", cues), Column("b", loop), Column("c", cues)]
        rows = make_grid(columns, words=words_of(sentences), clip=Clip(0, 300)).rows
        assert all(span.mark is Mark.SAME for row in rows for k in (0, 2) for span in row.cells[k].spans)
        assert sum("watching" in row.cells[1].text for row in rows) >= 0.4 * len(rows)

    def test_rows_take_the_times_of_the_words_heard(self):
        """Models' clocks may be wrong: rows are on that of the audio."""
        lines = ("We go to the river.", "It is a long way there.", "And nobody comes back.")
        columns = [column(name, *lines, pace=9.0, timed_by=TimedBy.MODEL) for name in "ab"]
        rows = make_grid(columns, words=heard_as(*lines, pace=6.0), clip=MINUTE).rows
        assert [row.cells[0].text for row in rows] == list(lines)
        assert [row.start for row in rows] == pytest.approx([0, 6, 12], abs=0.01)
        assert rows[-1].end == pytest.approx(17.8, abs=0.1)

    def test_rows_are_readable(self):
        """Rows end with sentences where these are neither long nor short, and take 3 to 12 s of unbroken speech."""
        sentences = speech(600)
        columns = [
            Column(f"model {k}", tuple(Cue(s[0].start, s[-1].end, text_of(s)) for s in sentences), "de")
            for k in range(3)
        ]
        rows = make_grid(columns, words=words_of(sentences), clip=Clip(0, 600)).rows
        lengths = sorted(row.end - row.start for row in rows)
        assert lengths[0] >= 2
        assert lengths[-1] <= 12
        assert 4 <= lengths[len(lengths) // 2] <= 9
        assert all(row.cells[0].text.endswith(".") for row in rows)

    def test_a_row_ends_in_a_long_pause(self):
        """No row reaches over seconds of silence, even within a sentence."""
        words = (Word(1, 1.4, "Wait"), Word(1.5, 1.9, "for"), Word(9, 9.5, "it."))
        cue = Cue(1, 9.5, "Wait for it.")
        rows = make_grid([Column("a", (cue,), "en")], words=words, clip=MINUTE).rows
        assert [(row.cells[0].text, row.start, row.end) for row in rows] == [("Wait for", 1, 1.9), ("it.", 9, 9.5)]

    def test_a_title_ends_no_row(self):
        """ "Mr." is followed by a name, not by the next row."""
        lines = ("We all waited here for Mr. Smith", "and his friend Dr. Jones to come.", "They never did.")
        rows = make_grid([column("a", *lines, pace=5.0), column("b", *lines, pace=5.0)], clip=MINUTE).rows
        assert not any(row.cells[0].text.endswith(("Mr.", "Dr.")) for row in rows)

    def test_text_without_times_is_still_cut_into_rows(self):
        """Where all cues have the same time, rows are cut by the length of the text."""
        lines = [f"This is sentence number {k} of a long text." for k in range(40)]
        cues = tuple(Cue(0, 0, line, timed_by=TimedBy.PART) for line in lines)
        rows = make_grid([Column("a", cues, "en"), Column("b", cues, "en")], clip=MINUTE).rows
        assert max(len(row.cells[0].text) for row in rows) <= 12 * 25
        assert len(rows) >= 6

    def test_times_outside_the_clip_are_held_inside(self):
        """A clip's grid lies in the clip, and loses nothing of what models said to lie outside."""
        columns = [column("a", "One.", "Two.", "Three.", "Four."), column("b", "One.", "Two.", "Three.", "Four.")]
        grid = make_grid(columns, clip=Clip(4, 8))
        assert [grid.rows[0].start, grid.rows[-1].end] == [4, 8]
        assert " ".join(row.cells[1].text for row in grid.rows) == "One. Two. Three. Four."


class TestRecordedSpeech:
    def test_marks_are_where_a_model_misheard(self, endgame_heard):
        """Of two local models over a real recording what both heard is the same, and what one misheard differs."""
        columns = [column_heard(model_id, endgame_heard[model_id]) for model_id in LOCAL_PAIR]
        grid = make_grid(columns, words=endgame_heard[LOCAL_PAIR[0]].words, clip=Clip(0, 29))
        base, tiny = (
            [(span.text.strip(" .,?!"), span.mark) for row in grid.rows for span in row.cells[k].spans] for k in (0, 1)
        )
        assert ("heartily", Mark.DIFFERS) in base
        assert ("hotly", Mark.DIFFERS) in tiny
        for spans in (base, tiny):
            same = " ".join(text for text, mark in spans if mark is Mark.SAME)
            assert "fetched you from that ditch" in same
            assert "heartily, just less heartily" in same
        assert any(not row.is_different for row in grid.rows)
        assert all(row.end - row.start <= 12 for row in grid.rows)


class TestRecords:
    def test_there_may_be_nothing_to_compare(self):
        """Without columns, or with none that has text, there are no rows."""
        assert make_grid([], clip=MINUTE) == Grid((), ())
        assert make_grid([column("a"), column("b")], words=heard_as("yes"), clip=MINUTE) == Grid(("a", "b"), ())

    def test_records_refuse_a_wrong_shape(self):
        """Spans hold words, and rows run forward."""
        with pytest.raises(ValueError, match="holds words"):
            Span(" ", Mark.SAME)
        with pytest.raises(ValueError, match="runs forward"):
            Row(2.0, 1.0, (), False)
        with pytest.raises(ValueError, match="tuple of cues"):
            Column("a", [])  # type: ignore[arg-type]

    def test_a_cell_reads_as_its_own_words(self):
        """What is missing is not the cell's own."""
        cell = Cell((Span("We ", Mark.SAME), Span("go ", Mark.MISSING), Span("home.", Mark.DIFFERS)))
        assert cell.text == "We home."
