"""Edits of lines: no word is lost, no line crosses another, and everything can be taken back."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.domain.changes import Change, Wish, edit_of
from lib.domain.edits import (
    Action,
    Edit,
    Splice,
    apply,
    delete,
    insert,
    inverse,
    joined,
    merge,
    name_speaker,
    put_in_place,
    replace_all,
    set_times,
    split,
    with_cues,
    write,
)
from lib.domain.history import History, history_of
from lib.domain.media import Clip
from lib.domain.transcript import Cue, TimedBy, Transcript, Word
from lib.errors import LineChanged

CLIP = Clip(0.0, 100.0)
LINES = (
    Cue(1.0, 3.0, "Ever tried.", "Speaker 1", TimedBy.AUDIO),
    Cue(3.5, 5.0, "Ever failed.", "Speaker 1", TimedBy.AUDIO),
    Cue(5.0, 6.0, "No matter.", "Speaker 2", TimedBy.MODEL),
    Cue(8.0, 12.0, "Try again. Fail again. Fail better.", None, TimedBy.AUDIO),
)
TRANSCRIPT = with_cues(Transcript((), ""), LINES)

WORDS = st.text("abcdé你 .,", min_size=1, max_size=30).map(lambda text: " ".join(text.split())).filter(bool)


@st.composite
def transcripts(draw) -> Transcript:
    """Lines in order, some touching, some apart, none overlapping."""
    lines, at = [], 0.0
    for _ in range(draw(st.integers(1, 8))):
        at = round(at + draw(st.sampled_from([0.0, 0.05, 0.4, 2.0])), 3)
        end = round(at + draw(st.sampled_from([0.0, 0.05, 0.3, 1.0, 4.0])), 3)
        lines.append(Cue(at, end, draw(WORDS), draw(st.sampled_from([None, "Ann", "Bob"])), TimedBy.AUDIO))
        at = end
    return with_cues(Transcript((), "", "en"), lines)


WISHES = st.builds(
    Change,
    number=st.just(1),
    gesture=st.just(""),
    wish=st.sampled_from([wish for wish in Wish if wish not in (Wish.UNDO, Wish.REDO, Wish.LEAVE)]),
    line=st.integers(0, 7),
    text=st.one_of(WORDS, st.just("")),
    position=st.integers(0, 30),
    start=st.floats(-5, 60),
    end=st.floats(-5, 60),
    speaker=st.sampled_from(["", "Ann", "Cleo"]),
    is_everywhere=st.booleans(),
    find=st.sampled_from(["ab", "a b", "你", "é", ""]),
)


def edit_for(transcript: Transcript, change: Change) -> Edit:
    line = change.line % len(transcript.cues)
    return edit_of(replace(change, line=line), transcript.cues, Clip(0.0, 60.0))


def letters(transcript: Transcript) -> str:
    return "".join("".join(cue.text for cue in transcript.cues).split())


def after(edit: Edit, transcript: Transcript = TRANSCRIPT) -> tuple[Cue, ...]:
    return apply(transcript, edit).cues


@given(transcripts(), WISHES)
def test_every_edit_can_be_taken_back(transcript, change):
    """Whatever is done, its inverse gives back the very same lines and text."""
    edit = edit_for(transcript, change)
    edited = apply(transcript, edit)
    assert apply(edited, inverse(edit)) == transcript
    assert edited.text == "\n".join(cue.text for cue in edited.cues)
    assert edited.language == "en"


@given(transcripts(), WISHES)
def test_no_edit_makes_lines_cross(transcript, change):
    """Lines stay in order, inside the clip, and none reaches into the next."""
    cues = apply(transcript, edit_for(transcript, change)).cues
    assert all(0 <= cue.start <= cue.end <= 60 for cue in cues)
    assert all(one.end <= other.start for one, other in pairwise(cues))


@given(transcripts(), st.integers(0, 7), st.integers(0, 30))
def test_splitting_and_merging_keep_every_word(transcript, line, position):
    """The letters of all lines together are the same before and after, and a split can be merged again."""
    at = line % len(transcript.cues)
    parted = apply(transcript, split(transcript.cues, at, position))
    assert letters(parted) == letters(transcript)
    assert letters(apply(transcript, merge(transcript.cues, at))) == letters(transcript)
    if parted != transcript:
        whole = apply(parted, merge(parted.cues, at)).cues[at]
        assert (whole.start, whole.end, whole.speaker) == (
            transcript.cues[at].start,
            transcript.cues[at].end,
            transcript.cues[at].speaker,
        )


@given(transcripts(), st.lists(WISHES, max_size=6))
def test_a_history_goes_back_to_the_start_and_forth_again(transcript, changes):
    """Undoing everything gives the first state, doing it all again the last; each state on the way comes back."""
    states, log = [transcript], []
    for change in changes:
        edit = edit_for(states[-1], change)
        if not edit.is_empty and len(edited := apply(states[-1], edit).cues):
            states.append(with_cues(transcript, edited))
            log.append(edit)
    now = states[-1]
    for state in reversed(states[:-1]):
        log.append(history_of(log).undo)
        now = apply(now, log[-1])
        assert now == state
    assert history_of(log).undo is None
    for state in states[1:]:
        log.append(history_of(log).redo)
        now = apply(now, log[-1])
        assert now == state
    assert history_of(log).redo is None


def test_a_new_edit_ends_what_could_be_done_again():
    """After an undo, another edit makes the undone one impossible to do again."""
    one, other = write(LINES, 0, "One."), write(LINES, 1, "Two.")
    log = [one, inverse(one), other]
    assert history_of(log) == History((other,), ())
    assert history_of(log[:2]).redo == Edit(Action.REDO, one.splices)


def test_a_line_takes_another_text_and_says_so():
    """The text is one line, the line is marked as edited, its time and speaker are as they were."""
    (cue, *_) = after(write(LINES, 0, "  Ever\n tried?  "))
    assert cue == Cue(1.0, 3.0, "Ever tried?", "Speaker 1", TimedBy.AUDIO, is_edited=True)
    assert write(LINES, 0, "Ever tried.").is_empty
    assert after(write(LINES, 0, " ")) == LINES[1:]


def test_a_line_is_split_where_its_word_was_heard():
    """The second half begins with its first word as heard, else about where the text has it, and then it says so."""
    words = [Word(8.0, 8.3, " Try"), Word(9.6, 9.9, " Fail"), Word(10.9, 11.2, " fail"), Word(40.0, 40.2, "Fail")]
    position = LINES[3].text.index("Fail better")
    first, second = after(split(LINES, 3, position, words))[3:]
    assert (first.text, first.end) == ("Try again. Fail again.", 10.9)
    assert (second.text, second.start, second.end) == ("Fail better.", 10.9, 12.0)
    assert second.timed_by is TimedBy.AUDIO
    second = after(split(LINES, 3, position))[4]
    assert second.timed_by is TimedBy.PART
    assert 10 < second.start < 11
    assert split(LINES, 3, 0).is_empty
    assert split(LINES, 3, 99).is_empty


def test_lines_of_scripts_without_spaces_are_merged_without_one():
    """Chinese lines run on; others get a space; the last line has none to merge with."""
    cues = (Cue(0, 1, "你好"), Cue(1, 2, "世界", "Ann"))
    assert after(merge(cues, 0), with_cues(TRANSCRIPT, cues)) == (Cue(0, 2, "你好世界", "Ann"),)
    assert after(merge(LINES, 0))[0] == Cue(1.0, 5.0, "Ever tried. Ever failed.", "Speaker 1", TimedBy.AUDIO)
    assert merge(LINES, 3).is_empty


@pytest.mark.parametrize(
    ("line", "start", "end", "expected"),
    [
        (1, 3.6, 5.0, (3.6, 5.0)),
        (1, 0.0, 5.0, (3.0, 5.0)),  # no further than the end of the line before
        (1, 3.5, 9.0, None),  # the next begins where this one ends: nothing moves
        (0, -4.0, 3.4, (0.0, 3.4)),
        (3, 7.0, 500.0, (7.0, 100.0)),  # the clip's end
        (1, 4.99, 5.0, (4.9, 5.0)),  # a line keeps a tenth of a second
        (1, 3.5, 3.0, (3.5, 3.6)),
    ],
)
def test_times_give_way_to_neighbours_and_to_the_clip(line, start, end, expected):
    """A time set by hand says so, and goes as far as there is room."""
    edit = set_times(LINES, line, start, end, CLIP)
    if expected is None:
        assert edit.is_empty
        return
    cue = after(edit)[line]
    assert (cue.start, cue.end) == expected
    assert cue.timed_by is TimedBy.EDITED
    assert not cue.is_edited


def test_a_line_that_overlaps_already_may_stay_and_part():
    """Models overlap lines: such a line can be moved out of the next one, but not further in."""
    cues = (Cue(0.0, 4.0, "one"), Cue(3.0, 6.0, "two"))
    transcript = with_cues(TRANSCRIPT, cues)
    assert after(set_times(cues, 1, 3.5, 6.0, CLIP), transcript)[1].start == 3.5
    assert set_times(cues, 1, 2.0, 6.0, CLIP).is_empty


def test_a_speaker_is_renamed_here_or_everywhere():
    """Everywhere means every line of the same speaker; a line without one has only itself."""
    assert [cue.speaker for cue in after(name_speaker(LINES, 0, " Ann  Lee ", everywhere=True))] == [
        "Ann Lee",
        "Ann Lee",
        "Speaker 2",
        None,
    ]
    assert [cue.speaker for cue in after(name_speaker(LINES, 0, "Ann"))][:2] == ["Ann", "Speaker 1"]
    assert [cue.speaker for cue in after(name_speaker(LINES, 3, "Bob", everywhere=True))][2:] == ["Speaker 2", "Bob"]
    assert after(name_speaker(LINES, 0, ""))[0].speaker is None
    assert name_speaker(LINES, 0, "Speaker 1", everywhere=True).is_empty


def test_find_and_replace_goes_through_all_lines():
    """Any case unless it is to match; across white space; a replacement is text, not a pattern; empty lines go."""
    assert replace_all(LINES, "a", "b").is_empty, "one letter is not worth a search"
    texts = [cue.text for cue in after(replace_all(LINES, "FAIL", r"\1 $& "))]
    assert texts[1] == r"Ever \1 $& ed."
    assert texts[3] == r"Try again. \1 $& again. \1 $& better."
    assert replace_all(LINES, "fail", "x", match_case=True).splices[0].at == 1
    assert [cue.text for cue in after(replace_all(LINES, "no  matter.", ""))] == [
        "Ever tried.",
        "Ever failed.",
        "Try again. Fail again. Fail better.",
    ]
    assert replace_all(LINES, "", "x").is_empty
    assert replace_all(LINES, "Fail", "Fail", match_case=True).is_empty


def test_a_line_is_put_in_where_there_is_room_and_room_is_made_where_there_is_none():
    """A pause holds the new line; between lines that touch, the one before is shortened, and says so."""
    new = after(insert(LINES, 3, "New.", CLIP))[3]
    assert (new.start, new.end, new.timed_by, new.is_edited) == (6.0, 8.0, TimedBy.EDITED, True)
    before, new = after(insert(LINES, 2, "New.", CLIP))[1:3]
    assert (before.end, before.timed_by, new.start, new.end) == (4.25, TimedBy.EDITED, 4.25, 5.0)
    assert after(insert(LINES, 0, "New.", CLIP))[0].end == 1.0
    assert after(insert(LINES, 4, "New.", CLIP))[4].start == 12.0
    assert insert(LINES, 1, " ", CLIP).is_empty


def test_what_is_typed_letter_by_letter_is_one_edit():
    """Edits of the same lines join to one; one that leads back joins to nothing; of other lines they stay apart."""
    first = write(LINES, 0, "A")
    second = write(after(first), 0, "Ab")
    whole = joined(first, second)
    assert whole == Edit(Action.WRITE, (Splice(0, (LINES[0],), after(second, apply(TRANSCRIPT, first))[:1]),))
    assert joined(first, inverse(first)).is_empty
    assert joined(first, write(after(first), 1, "B")) is None
    put_in = insert(LINES, 2, "N", CLIP)
    grown = joined(put_in, write(after(put_in), 2, "Ne"))
    assert grown.action is Action.INSERT
    assert [cue.text for cue in after(grown)] == [
        "Ever tried.",
        "Ever failed.",
        "Ne",
        "No matter.",
        "Try again. Fail again. Fail better.",
    ]


def test_an_edit_of_lines_that_are_no_longer_there_is_refused():
    """An edit knows what it replaces: on other lines it is not made, and the splices of one edit are in order."""
    edit = write(LINES, 0, "Mine.")
    with pytest.raises(LineChanged):
        apply(apply(TRANSCRIPT, write(LINES, 0, "Theirs.")), edit)
    with pytest.raises(ValueError):
        Edit(Action.DELETE, (Splice(2, LINES[2:], ()), Splice(0, LINES[:1], ())))


def test_a_change_finds_the_line_that_was_seen():
    """Lines that came or went before it do not matter; where it is gone, or says something else, it is refused."""
    change = Change(1, "g", Wish.WRITE, line=2, seen=(5.0, "No matter."), text="Matter.")
    shifted = after(delete(LINES, 0))
    assert edit_of(change, shifted, CLIP).splices[0].at == 1
    assert edit_of(change, LINES, CLIP).splices[0].at == 2
    with pytest.raises(LineChanged):
        edit_of(change, after(write(LINES, 2, "Never mind.")), CLIP)
    inserted = Change(1, "g", Wish.INSERT, line=1, seen=(1.0, "Ever tried."), text="New.")
    assert edit_of(inserted, LINES, CLIP).splices[0].at == 1


def test_a_stretch_is_replaced_and_nothing_else():
    """Lines outside the stretch are the very same; the fresh ones are cut to fit between them."""
    fresh = (Cue(0.5, 2.5, "before"), Cue(3.2, 4.6, "fresh one"), Cue(4.8, 9.0, "fresh two"), Cue(9, 12, "after"))
    cues = after(put_in_place(LINES, [Clip(3.0, 8.0)], fresh))
    assert cues[0] == LINES[0]
    assert cues[-1] == LINES[3]
    assert [(cue.start, cue.end, cue.text) for cue in cues[1:-1]] == [(3.2, 4.6, "fresh one"), (4.8, 8.0, "fresh two")]
    assert after(put_in_place(LINES, [Clip(3.0, 8.0)], ())) == (LINES[0], LINES[3])
    assert put_in_place(LINES, [Clip(3.0, 8.0)], LINES).is_empty


def test_a_line_put_at_the_very_end_is_of_the_last_stretch():
    """Its time lay behind the end, so it stands there without length: taken anew, it takes the old one's place."""
    old = (*LINES[:3], Cue(12.0, 12.0, "Thanks for lissening."))
    transcript = with_cues(Transcript((), ""), old)
    fresh = (Cue(5.0, 6.0, "No matter!"), Cue(12.0, 12.0, "Thanks for listening."))
    said = [cue.text for cue in after(put_in_place(old, [Clip(5.0, 12.0)], fresh), transcript)]
    assert said == ["Ever tried.", "Ever failed.", "No matter!", "Thanks for listening."]
    before = [cue.text for cue in after(put_in_place(old, [Clip(0.0, 5.0)], ()), transcript)]
    assert before == ["No matter.", "Thanks for lissening."]
