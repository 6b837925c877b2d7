"""One transcript out of the answers to its parts: nothing lost at a border, nothing said twice."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein

from lib.domain.media import Clip
from lib.domain.stitch import stitch
from lib.domain.tokens import tokens
from lib.domain.transcript import Segment, Word
from tests.timing_fixtures import misheard, speech, words_of

HOUR = 3600.0
PART = 300.0


def answer(words: list[Word], clip: Clip, *, clock=None, seed: int = 0, kept_words: bool = False) -> list[Segment]:
    """What a model says of one part: its words in lines of its own making, timed by its own clock."""
    chance = random.Random(seed)
    inside = [word for word in words if word.start >= clip.start and word.end <= clip.end]
    # A word that the cut goes through comes out garbled.
    garbled = [Word(word.start, word.end, " mm") for word in words if word.start < clip.start < word.end]
    inside = garbled + inside
    segments = []
    while inside:
        count = chance.randint(4, 16)
        line, inside = inside[:count], inside[count:]
        text = "".join(word.text for word in line).strip()
        start = clip.start + (line[0].start - clip.start) * (1.0 if clock is None else clock)
        segments.append(
            Segment(
                text,
                None if clock == 0 else round(start, 1),
                None if clock is not None else line[-1].end,
                words=tuple(line) if kept_words else (),
            )
        )
    return segments


def parts_of(words: list[Word], overlap: float, **how) -> list[tuple[Clip, float, list[Segment]]]:
    parts = []
    start, k = 0.0, 0
    while start < HOUR - overlap:
        end = min(start + PART, HOUR)
        parts.append((Clip(start, end), overlap if k else 0.0, answer(words, Clip(start, end), seed=k, **how)))
        start, k = end - overlap, k + 1
    return parts


def lost_or_doubled(words: list[Word], segments) -> int:
    """Edits between the words said and those in the transcript."""
    before = [token.text for word in words for token in tokens(word.text)]
    after = [token.text for segment in segments for token in tokens(segment.text)]
    return Levenshtein.distance(before, after)


def test_parts_cut_in_silence_are_simply_joined():
    """60 minutes in 5-minute parts cut in silences: not one word lost or doubled."""
    sentences = speech(HOUR, seed=8)
    words = words_of(sentences)
    cuts = [0.0]
    for a, b in pairwise(sentences):
        if b[0].start - cuts[-1] > PART:
            cuts.append((a[-1].end + b[0].start) / 2)
    cuts.append(HOUR)
    parts = [(Clip(a, b), 0.0, answer(words, Clip(a, b), seed=k)) for k, (a, b) in enumerate(pairwise(cuts))]
    assert len(parts) >= 11
    assert lost_or_doubled(words, stitch(parts)) == 0


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "how",
    [
        pytest.param({}, id="timed"),
        pytest.param({"clock": 1.25}, id="25 % fast"),
        pytest.param({"clock": 0}, id="no times"),
        pytest.param({"kept_words": True}, id="with words"),
    ],
)
def test_hard_cuts_lose_and_double_next_to_nothing(seed, how):
    """60 minutes in parts that overlap by 5 seconds: at most 0.1 % of the words lost or doubled."""
    words = words_of(speech(HOUR, seed=20 + seed))
    merged = stitch(parts_of(words, 5.0, **how))
    assert lost_or_doubled(words, merged) <= 0.001 * len(words)


@pytest.mark.parametrize("seed", range(4))
def test_hard_cuts_of_answers_that_mishear(seed):
    """Two answers that each get 5 % of the words wrong still meet: nothing is lost or doubled beyond their errors."""
    words = words_of(speech(HOUR, seed=30 + seed))
    one, other = misheard(words, 0.025, seed=1), misheard(words, 0.025, seed=2)
    parts = parts_of(one, 5.0)
    parts[1::2] = [(clip, o, answer(other, clip, seed=99)) for clip, o, _ in parts[1::2]]
    merged = stitch(parts)
    errors = max(lost_or_doubled(words, [Segment(w.text) for w in heard]) for heard in (one, other))
    assert lost_or_doubled(words, merged) <= errors + 0.001 * len(words)


def test_a_sentence_repeated_at_the_border_is_not_swallowed():
    """What was said twice stays said twice, when only once of it lies in the overlap."""
    first = [Segment("we begin", 290.0, 292.0), Segment("fail again fail better", 294.0, 299.5)]
    second = [Segment("fail again fail better", 295.2, 299.0), Segment("fail again fail better", 300.0, 304.0)]
    merged = stitch([(Clip(0, 300), 0.0, first), (Clip(295, 600), 5.0, second)])
    assert " ".join(s.text for s in merged) == "we begin fail again fail better fail again fail better"


def test_where_no_words_agree_the_times_decide():
    """Two answers in different words: the first speaks up to the middle of the overlap, the second from there."""
    first = [Segment("alpha beta", 290.0, 294.0), Segment("gamma", 295.5, 296.0), Segment("delta", 298.5, 299.5)]
    second = [Segment("eins", 295.5, 296.0), Segment("zwei", 298.5, 299.5), Segment("drei", 302.0, 303.0)]
    merged = stitch([(Clip(0, 300), 0.0, first), (Clip(295, 600), 5.0, second)])
    assert [s.text for s in merged] == ["alpha beta", "gamma", "zwei", "drei"]


def test_with_neither_words_nor_times_in_common_both_are_kept():
    """Words are rather doubled than lost."""
    merged = stitch([(Clip(0, 300), 0.0, [Segment("alpha")]), (Clip(295, 600), 5.0, [Segment("beta")])])
    assert [s.text for s in merged] == ["alpha", "beta"]


def test_a_part_that_failed_leaves_the_others_whole():
    """A part without an answer is a hole, nothing more; the next part overlaps nothing."""
    parts = [
        (Clip(0, 300), 0.0, [Segment("alpha beta", 1.0)]),
        (Clip(295, 600), 5.0, []),
        (Clip(595, 900), 5.0, [Segment("beta gamma", 596.0)]),
    ]
    assert [s.text for s in stitch(parts)] == ["alpha beta", "beta gamma"]


def test_languages_without_spaces_are_merged_by_character():
    """The words both heard are found in Chinese too, and the cut leaves whole characters."""
    first = [Segment("今天天气很好我们去公园散步", 290.0, 300.0)]
    second = [Segment("我们去公园散步然后回家吃饭", 295.0, 305.0)]
    merged = stitch([(Clip(0, 300), 0.0, first), (Clip(295, 600), 5.0, second)])
    assert "".join(s.text for s in merged) == "今天天气很好我们去公园散步然后回家吃饭"


def test_a_cut_segment_keeps_its_speaker_its_signs_and_the_times_of_its_words():
    """Cutting a segment cuts its words and times with it."""
    heard = tuple(Word(295.0 + k, 295.9 + k, w) for k, w in enumerate(["we", "“laugh", "less”", "heartily", "now"]))
    first = [Segment("here we “laugh less” hea", 293.0, 299.9, "Nagg")]
    second = [Segment("we “laugh less” heartily now", 295.0, 300.0, "Nagg", heard)]
    merged = stitch([(Clip(0, 299.9), 0.0, first), (Clip(294.9, 600), 5.0, second)])
    assert " ".join(s.text for s in merged) == "here we “laugh less” heartily now"
    assert {s.speaker for s in merged} == {"Nagg"}
    assert merged[1].start == merged[1].words[0].start
    assert tokens(merged[1].words[0].text)[0] == tokens(merged[1].text)[0] or merged[1].text.startswith("“")


TEXTS = st.lists(
    st.sampled_from(["it", "was", "the", "best", "of", "times.", "今日は", "—"]), min_size=1, max_size=8
).map(" ".join)
ANSWERS = st.lists(
    st.builds(
        Segment, text=TEXTS, start=st.one_of(st.none(), st.floats(0, 700)), end=st.one_of(st.none(), st.floats(0, 700))
    ),
    max_size=6,
)


@settings(max_examples=200, deadline=None)
@given(ANSWERS, ANSWERS, st.sampled_from([0.0, 5.0]))
def test_merging_never_invents_and_loses_only_what_overlaps(first, second, overlap):
    """The transcript begins as the first part does, ends as the second does, and holds no word of neither."""
    merged = stitch([(Clip(0, 300), 0.0, first), (Clip(300 - overlap, 600), overlap, second)])
    text = [t.text for s in merged for t in tokens(s.text)]
    both = [t.text for s in (*first, *second) for t in tokens(s.text)]
    assert len(text) <= len(both)
    assert set(text) <= set(both)
    if not overlap:
        assert text == both
    assert all(s.text.strip() for s in merged)
