"""Times from the audio: a model's text laid over the words that were heard."""

from __future__ import annotations

import itertools
from statistics import median
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench import times
from lib.domain import alignment
from lib.domain.media import Clip
from lib.domain.retime import order_and_clamp, retime, snap_words, timed_words
from lib.domain.tokens import display_width, tokens, written_words
from lib.domain.transcript import Segment, TimedBy, Word
from lib.speech import Listener
from tests.timing_fixtures import misheard, segments_of, speech, stretches_of, text_of, words_of

MINUTE = Clip(0.0, 60.0)


def said(text: str, start: float = 0.0, pace: float = 0.3) -> list[Word]:
    """The words of a text, one every ``pace`` seconds from ``start`` on."""
    return [Word(start + k * pace, start + (k + 1) * pace, " " + word) for k, word in enumerate(text.split())]


def errors(cues, sentences) -> list[float]:
    assert len(cues) == len(sentences)
    return sorted(abs(cue.start - sentence[0].start) for cue, sentence in zip(cues, sentences, strict=True))


def percentile(values: list[float], share: float) -> float:
    return values[min(len(values) - 1, int(len(values) * share))]


# Tokens


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Don’t don't DON'T", ["dont", "dont", "dont"]),
        ("It cost 1,000 — or 3.5 %, or 1,2,3", ["it", "cost", "1000", "or", "3.5", "or", "1", "2", "3"]),
        ("well-known “Cafés”", ["well", "known", "cafés"]),
        ("cafe\u0301", ["café"]),
        ("今日は、OK。", ["今", "日", "は", "ok"]),
        ("สวัสดี", ["ส", "วั", "ส", "ดี"]),
        ("नमस्ते दुनिया", ["नमस्ते", "दुनिया"]),
        ("ＡＢＣ ｶﾞ", ["abc", "ガ"]),
        ("… ♪ —", []),
    ],
)
def test_text_becomes_tokens_without_case_and_punctuation(text, expected):
    """Accents and numbers stay; scripts without spaces give one token per character."""
    assert [token.text for token in tokens(text)] == expected


@given(st.text(max_size=60))
def test_written_words_together_are_the_text(text):
    """Cutting a text into words loses no character, and tokens point to where they stand."""
    assert "".join(written_words(text)) == text
    found = tokens(text)
    assert all(0 <= token.start < token.end <= len(text) for token in found)
    assert all(a.end <= b.start for a, b in itertools.pairwise(found))
    assert display_width(text) >= 0


# Whole recordings


@pytest.mark.parametrize(
    "clock",
    [
        pytest.param(lambda seconds: round(seconds * 1.25), id="25 % fast"),
        pytest.param(lambda seconds: None, id="no times"),
        pytest.param(lambda seconds: round(seconds // 300 * 300 + seconds % 300 * 1.25), id="fast in every part"),
        pytest.param(lambda seconds: round(seconds) + 40, id="40 s late"),
        pytest.param(lambda seconds: round(seconds, 1), id="right"),
    ],
)
def test_cues_start_where_their_words_were_heard(clock):
    """Whatever the model's clock does, median error of cue starts is under 0.15 s and the 95th percentile 0.5 s."""
    sentences = speech(20 * 60)
    heard = misheard(words_of(sentences), 0.06)
    cues = retime(segments_of(sentences, clock), heard, clip=Clip(0, 1200), onsets=stretches_of(sentences))
    found = errors(cues, sentences)
    assert median(found) < 0.15
    assert percentile(found, 0.95) < 0.5
    assert sum(cue.timed_by is TimedBy.AUDIO for cue in cues) > 0.97 * len(cues)


def test_an_hour_is_aligned_in_seconds():
    """Ten thousand words against ten thousand take about a second; the bound leaves room for a busy machine."""
    sentences = speech(3600)
    segments = segments_of(sentences, lambda seconds: seconds * 1.25)
    heard = misheard(words_of(sentences), 0.05)
    assert len(heard) > 8000
    before = process_time()
    cues = retime(segments, heard, clip=Clip(0, 3600), onsets=stretches_of(sentences))
    assert process_time() - before < 5
    assert median(errors(cues, sentences)) < 0.15


def test_minutes_that_only_one_side_has_shift_nothing():
    """The model leaves out ten minutes and the local model hears nothing for five: the rest keeps its times."""
    sentences = speech(3600, seed=5)
    kept = [s for s in sentences if not 600 < s[0].start < 1200]
    heard = [word for word in misheard(words_of(sentences), 0.05) if not 2400 < word.start < 2700]
    cues = retime(segments_of(kept, lambda seconds: None), heard, clip=Clip(0, 3600), onsets=stretches_of(sentences))
    outside = [(cue, s) for cue, s in zip(cues, kept, strict=True) if not 2395 < s[0].start < 2705]
    found = sorted(abs(cue.start - s[0].start) for cue, s in outside)
    assert percentile(found, 0.95) < 0.5
    deaf = [(cue, s) for cue, s in zip(cues, kept, strict=True) if s[0].start > 2400 and s[-1].end < 2700]
    assert all(cue.timed_by is TimedBy.PART and 2395 < cue.start < 2705 for cue, _ in deaf)
    # Speech was detected there, so even these are spread over it and stay within seconds.
    assert median(sorted(abs(cue.start - s[0].start) for cue, s in deaf)) < 8


def test_recorded_speech_is_timed_from_its_sound(tmp_path):
    """A minute and a half of recorded phrases whose starts are known, heard by the local model."""
    track = tmp_path / "track.wav"
    phrases, duration = times.build(track, rounds=1)
    listener = Listener(tmp_path)
    words = listener.transcribe(times.MODEL_ID, track, language="en").words
    stretches = listener.speech_stretches(track)
    for clock in (lambda seconds: round(seconds * 1.25), lambda seconds: None):
        found = times.start_errors(phrases, words, stretches, duration, clock)
        assert median(found) <= times.MEDIAN
        assert percentile(found, 0.95) <= times.HIGHEST


# Repeats


@pytest.mark.parametrize("missing", [0, 1, 2, 3])
def test_the_models_rough_times_tell_identical_sentences_apart(missing):
    """Of four identical sentences the model gives three: its times, though 25 % fast, say which."""
    line = "it was the age of wisdom"
    starts = [4.0, 14.0, 24.0, 34.0]
    heard = said("before all this began", 0.5)
    for start in starts:
        heard += said(line, start)
    heard += said("and then it ended", 44.0)
    given_starts = [start for k, start in enumerate(starts) if k != missing]
    segments = [
        Segment("Before all this began,", 1),
        *(Segment(line, round(start * 1.25)) for start in given_starts),
        Segment("and then it ended.", 55),
    ]
    cues = retime(segments, heard, clip=MINUTE)
    assert [cue.start for cue in cues] == pytest.approx([0.5, *given_starts, 44.0], abs=0.01)


def test_repeats_without_times_keep_their_order():
    """With no times at all, identical sentences are taken in the order in which they were heard."""
    heard = [word for k in range(6) for word in said("fail again fail better", 2.0 + 5 * k)]
    segments = [Segment("Fail again. Fail better.") for _ in range(6)]
    assert [cue.start for cue in retime(segments, heard, clip=MINUTE)] == pytest.approx([2 + 5 * k for k in range(6)])


@pytest.mark.parametrize("clock", [lambda seconds: round(seconds), lambda seconds: round(seconds * 1.25)])
def test_minutes_missing_from_a_text_that_repeats_itself_are_found_by_the_models_times(clock):
    """The same 45 seconds twenty times over, three minutes of them unwritten: the rest stays where it was heard."""
    lines = ["it was the best of times", "it was the worst of times", "it was the age of wisdom", "we had everything"]
    heard: list[Word] = []
    starts = []
    for k in range(100):
        start = 2.0 + 9.0 * k + (k % 4)
        heard += said(lines[k % 4], start)
        starts.append(start)
    kept = [k for k in range(100) if not 400 < starts[k] < 580]
    segments = [Segment(lines[k % 4], clock(starts[k])) for k in kept]
    cues = retime(segments, heard, clip=Clip(0, 920))
    assert max(abs(cue.start - starts[k]) for cue, k in zip(cues, kept, strict=True)) < 0.01


def test_what_is_missing_is_missing_in_one_piece():
    """Without times, a sentence misheard in one word stays beside its neighbours, though the missing minutes hold the
    same sentence heard right."""
    heard = said("first of all this was said", 1.0) + said("it was a season of light", 4.0)
    for k in range(20):
        heard += said("it was the season of light" if k == 10 else f"nobody wrote sentence number {k}", 10.0 + 4 * k)
    heard += said("last of all came that", 100.0)
    segments = [
        Segment(text)
        for text in ("First of all this was said.", "It was the season of light.", "Last of all came that.")
    ]
    cues = retime(segments, heard, clip=Clip(0, 120))
    assert [cue.start for cue in cues] == pytest.approx([1.0, 4.0, 100.0])


SMALL = st.text(alphabet="abc", max_size=6)


@settings(max_examples=150, deadline=None)
@given(SMALL, SMALL)
def test_no_alignment_is_better_than_the_one_found(left, right):
    """On small texts every possible alignment is tried: none scores higher by the rules of the alignment."""

    def score(pairs):
        total, before = 0.0, (-1, -1)
        for k, (i, j) in enumerate(pairs):
            skipped = i - before[0] - 1 + j - before[1] - 1
            price = min(alignment._OPENING + alignment._WIDENING * skipped, alignment._FAR_OPENING)
            total += alignment.token_weight(left[i]) - (price if skipped or not k else 0.0)
            before = (i, j)
        return total

    def all_pairs(i, j):
        yield ()
        for a in range(i, len(left)):
            for b in range(j, len(right)):
                if left[a] == right[b]:
                    yield from (((a, b), *rest) for rest in all_pairs(a + 1, b + 1))

    found = alignment.align(left, right)
    assert score(found) == pytest.approx(max(score(pairs) for pairs in all_pairs(0, 0)))


# Single traps


def test_the_first_word_after_a_pause_is_moved_to_the_onset_of_speech():
    """Whisper stamps it early, in the silence: voice activity detection knows when speech began."""
    heard = [*said("one two three", 1.0), Word(2.3, 3.3, " Ever"), Word(3.3, 3.8, " tried.")]
    cues = retime(
        [Segment("One two three."), Segment("Ever tried.")], heard, clip=MINUTE, onsets=[(1.0, 1.9), (3.1, 4.0)]
    )
    assert cues[1].start == pytest.approx(3.1)
    assert cues[0].end == pytest.approx(1.9)
    assert cues[1].end == pytest.approx(4.0)


def test_two_words_stamped_in_the_silence_are_both_moved():
    """Sometimes the first two words are stamped before the onset."""
    heard = [Word(0.9, 1.0, " We"), Word(1.0, 2.5, " had"), Word(2.5, 2.9, " everything")]
    snapped = snap_words(heard, [(2.3, 3.0)])
    assert snapped[0].start == pytest.approx(2.3)
    assert snapped[0].start < snapped[0].end <= snapped[1].start < snapped[1].end <= snapped[2].start


def test_words_in_the_middle_of_speech_are_not_moved():
    """A stretch of speech moves only the words at its two ends."""
    heard = said("one two three four five", 1.0)
    assert snap_words(heard, [(0.9, 2.6)])[1:4] == tuple(heard[1:4])


def test_an_unmatched_first_word_takes_its_time_from_what_was_heard_there():
    """The model writes a word otherwise than it was heard: the cue starts at the word in its place."""
    heard = [*said("the end of it", 1.0), *said("doctor manette was there", 5.0)]
    cues = retime([Segment("The end of it."), Segment("Dr. Manette was there.")], heard, clip=MINUTE)
    assert cues[1].start == pytest.approx(5.0)


def test_an_unmatched_first_word_stays_near_its_segment_when_much_else_went_unwritten():
    """The model leaves out a sentence and garbles the next one's first word: it does not reach back to the hole."""
    heard = [
        *said("the end of it", 1.0),
        *said("nobody wrote this long sentence down", 4.0),
        *said("it was there", 9.0),
    ]
    cues = retime([Segment("The end of it."), Segment("Blah was there.")], heard, clip=MINUTE)
    assert cues[1].start == pytest.approx(9.0)


def test_a_segment_that_was_not_heard_keeps_the_models_time_set_right():
    """Its time goes through the clock that fits the others, and the cue says so."""
    sentences = speech(300, seed=3)
    segments = segments_of(sentences, lambda seconds: seconds * 1.25)
    at = len(segments) // 2
    segments[at] = Segment("Etwas ganz anderes steht hier.", segments[at].start)
    cues = retime(segments, words_of(sentences), clip=Clip(0, 300))
    assert cues[at].timed_by is TimedBy.MODEL
    assert cues[at].start == pytest.approx(sentences[at][0].start, abs=1.0)
    assert {cue.timed_by for k, cue in enumerate(cues) if k != at} == {TimedBy.AUDIO}


def test_a_segment_without_time_or_match_lies_between_its_neighbours():
    """It is marked as known only by its part."""
    heard = [*said("first sentence here", 2.0), *said("last sentence there", 20.0)]
    segments = [Segment("First sentence here."), Segment("Ganz fremd."), Segment("Last sentence there.")]
    cues = retime(segments, heard, clip=MINUTE)
    assert [cue.timed_by for cue in cues] == [TimedBy.AUDIO, TimedBy.PART, TimedBy.AUDIO]
    assert 2.9 <= cues[1].start <= cues[1].end <= 20.0


def test_stray_matches_do_not_drag_an_invented_sentence():
    """A sentence that was never said is not timed by the one common word it shares with something else."""
    heard = [*said("alpha beta gamma delta", 1.0), *said("the quick epsilon zeta eta theta iota kappa", 20.0)]
    segments = [
        Segment("Alpha beta gamma delta.", 1),
        Segment("Never the such happening.", 3),
        Segment("Iota kappa.", 25),
    ]
    cues = retime(segments, heard, clip=MINUTE)
    assert cues[1].timed_by is TimedBy.MODEL
    assert cues[1].start < 8
    assert cues[2].start == pytest.approx(20 + 6 * 0.3)


def test_languages_without_spaces_are_timed_by_character():
    """Chinese heard in other pieces than it is written still takes the audio's times."""
    heard = [
        Word(1.0, 1.6, "今天"),
        Word(1.6, 2.2, "天气"),
        Word(2.2, 2.6, "很好"),
        Word(5.0, 5.5, "我们去"),
        Word(5.5, 6.0, "公园"),
    ]
    cues = retime([Segment("今天天气很好。", 9), Segment("我们去公园吧！", 12)], heard, clip=MINUTE)
    assert [cue.start for cue in cues] == pytest.approx([1.0, 5.0])
    assert all(cue.timed_by is TimedBy.AUDIO for cue in cues)


def test_every_word_of_a_long_paragraph_has_its_own_time():
    """A model that answers in one untimed paragraph can be cut into cues."""
    sentences = speech(120, seed=4)
    paragraph = Segment(" ".join(text_of(sentence) for sentence in sentences))
    timed = timed_words([paragraph], words_of(sentences), clip=Clip(0, 120), onsets=stretches_of(sentences))
    assert "".join(token.text for token in timed) == paragraph.text
    truth = words_of(sentences)
    assert len(timed) == len(truth)
    assert max(abs(token.start - word.start) for token, word in zip(timed, truth, strict=True)) < 0.2


def test_words_outside_the_clip_do_not_count():
    """A clip in the middle of a recording takes only the words heard in it."""
    heard = [*said("fail again", 5.0), *said("fail again", 35.0), *said("fail again", 65.0)]
    cues = retime([Segment("Fail again.")], heard, clip=Clip(30, 60))
    assert cues[0].start == pytest.approx(35.0)


# Without words


def test_without_words_the_models_times_are_put_in_order_and_inside_the_clip():
    """Times outside are clamped; a missing end is the next start, or what it takes to say the text."""
    cues = order_and_clamp([Segment("one", 12), Segment("two", 14), Segment("three", 99)], clip=Clip(10, 30))
    assert [cue.start for cue in cues] == [12, 14, 30]
    assert cues[0].end == 14
    assert 15 <= cues[1].end <= 21
    assert all(cue.timed_by is TimedBy.MODEL for cue in cues)


def test_one_wild_time_does_not_push_the_others():
    """A time against the order of all the others is not believed."""
    starts = [0, 5, 500, 15, 20, 25]
    cues = order_and_clamp([Segment(f"line {k}", start) for k, start in enumerate(starts)], clip=Clip(0, 600))
    assert [cue.start for k, cue in enumerate(cues) if k != 2] == [0, 5, 15, 20, 25]
    assert 5 <= cues[2].start <= 15
    assert cues[2].timed_by is TimedBy.PART


def test_untimed_segments_are_spread_by_the_length_of_their_text():
    """Twice the text, twice the time."""
    cues = order_and_clamp([Segment("a" * 40), Segment("b" * 80), Segment("c" * 40)], clip=Clip(0, 16))
    assert [cue.start for cue in cues] == pytest.approx([0, 4, 12])
    assert all(cue.timed_by is TimedBy.PART for cue in cues)


def test_untimed_segments_after_one_with_a_start_share_the_time_to_the_next():
    """A start every now and then still spreads what stands between."""
    cues = order_and_clamp([Segment("x" * 30, 10), Segment("y" * 30), Segment("z" * 30, 20)], clip=MINUTE)
    assert cues[0].start == 10
    assert 12 <= cues[1].start <= 17
    assert cues[2].start == 20


def test_speech_detection_alone_spreads_untimed_text_over_the_speech():
    """With no words but known stretches of speech, nothing is placed in the silence between them."""
    segments = [Segment("a" * 30), Segment("b" * 30)]
    cues = retime(segments, (), clip=Clip(0, 100), onsets=[(10, 14), (80, 84)])
    assert [(cue.start, cue.end) for cue in cues] == [(10, 14), (80, 84)]
    assert all(cue.timed_by is TimedBy.PART for cue in cues)


def test_speech_detection_does_not_move_what_the_model_has_timed():
    """An untimed line between two timed ones stays between them."""
    segments = [Segment("one", 10), Segment("two"), Segment("three", 20)]
    cues = retime(segments, (), clip=Clip(0, 600), onsets=[(5, 590)])
    assert [cues[0].start, cues[2].start] == [10, 20]
    assert 10 <= cues[1].start <= 20


VOCABULARY = ["it", "was", "the", "best", "fail", "again.", "—", "今日は", "1,000", "don't", "สวัสดี", "♪", "!"]
TEXTS = st.one_of(st.lists(st.sampled_from(VOCABULARY), max_size=9).map(" ".join), st.text(max_size=12))
SECONDS = st.one_of(st.none(), st.floats(-50, 400, allow_nan=False))
SEGMENTS = st.lists(st.builds(Segment, text=TEXTS, start=SECONDS, end=SECONDS), max_size=12)
WORDS = st.lists(
    st.builds(
        lambda start, length, text: Word(start, start + length, text),
        st.floats(0, 300),
        st.floats(0, 3),
        st.sampled_from([" it", " was", " the", " best", " Fail", " again.", "今", "日は", " 1000", "…"]),
    ),
    max_size=25,
)
STRETCHES = st.lists(
    st.builds(lambda start, length: (start, start + length), st.floats(0, 300), st.floats(0, 20)), max_size=6
)


@settings(max_examples=300, deadline=None)
@given(SEGMENTS, WORDS, STRETCHES, st.sampled_from([Clip(0, 250), Clip(40, 90), Clip(0, 0.5)]))
def test_whatever_comes_in_no_text_is_lost_and_times_run_forward_in_the_clip(segments, words, stretches, clip):
    """One cue for each segment that holds text; starts never decrease; all lies inside the clip."""
    cues = retime(segments, words, clip=clip, onsets=stretches)
    assert [cue.text for cue in cues] == [segment.text.strip() for segment in segments if segment.text.strip()]
    assert all(clip.start <= cue.start <= cue.end <= clip.end for cue in cues)
    assert all(a.start <= b.start and a.end <= b.end for a, b in itertools.pairwise(cues))
    timed = timed_words(segments, words, clip=clip, onsets=stretches)
    for index, segment in enumerate(segments):
        mine = [token for token in timed if token.segment == index]
        assert "".join(token.text for token in mine) == (segment.text if segment.text.strip() else "")
    assert all(token.start <= token.end for token in timed)
    assert all(a.start <= b.start for a, b in itertools.pairwise(timed))
