"""How far two transcripts agree: word errors against a reference, and agreement where there is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import mean

from lib.domain.columns import Column, common_language, spoken_by
from lib.domain.media import Clip
from lib.domain.normalised import normalised_words
from lib.domain.transcript import Cue
from lib.errors import EmptyReference


@dataclass(frozen=True, slots=True)
class WordErrors:
    """What it takes to turn the reference into the hypothesis. ``wer`` may exceed 1: nothing bounds insertions."""

    wer: float
    substitutions: int
    deletions: int
    insertions: int
    hits: int
    reference_words: int

    def __post_init__(self) -> None:
        if self.hits + self.substitutions + self.deletions != self.reference_words:
            raise ValueError("each word of a reference is hit, substituted or deleted")


def word_errors(reference: str, hypothesis: str, language: str | None) -> WordErrors:
    """The word error rate of Whisper's normalised texts, as jiwer counts it. Scripts without spaces: of characters.

    Raises EmptyReference where the reference holds no word.
    """
    import jiwer

    wanted, given = normalised_words(reference, language), normalised_words(hypothesis, language)
    if not wanted:
        raise EmptyReference("The reference has no words within this clip.")
    found = jiwer.process_words(" ".join(wanted), " ".join(given))
    return WordErrors(
        wer=float(found.wer),
        substitutions=found.substitutions,
        deletions=found.deletions,
        insertions=found.insertions,
        hits=found.hits,
        reference_words=len(wanted),
    )


def shared_reference(reference: str | Sequence[Cue], clip: Clip | None = None) -> str:
    """The text of a reference that transcripts of the clip can be measured by.

    Of cues, those whose middle lies inside the clip; a plain text has no times, and is taken whole.
    """
    if isinstance(reference, str):
        return reference
    return "\n".join(
        cue.text for cue in reference if clip is None or clip.start <= (cue.start + cue.end) / 2 < clip.end
    )


def agreement(one: str, other: str, language: str | None) -> float:
    """The share of the words of both texts, from 0 to 1, that the other has too, in the same order.

    It is 2 * hits / (words + words), with the most hits that any alignment in order has (the longest common
    subsequence). Of the ways to say it this one needs no clamping, is the same in both directions whatever an aligner
    does with ties, and can be said in a sentence; the mean of the word error rates both ways is none of these.
    """
    from rapidfuzz.distance import Indel

    return Indel.normalized_similarity(normalised_words(one, language), normalised_words(other, language))


def mean_agreement(one: str, others: Sequence[str], language: str | None) -> float | None:
    """The mean agreement with those of the others that have words; None where there are none, or none here."""
    others = [other for other in others if normalised_words(other, language)]
    if not others or not normalised_words(one, language):
        return None
    return mean(agreement(one, other, language) for other in others)


def agreement_over_time(columns: Sequence[Column], step: float) -> tuple[tuple[tuple[float, float], ...], ...]:
    """For each column its mean agreement with the others in every stretch of ``step`` seconds: (start, agreement).

    The transcripts are aligned as a whole and counted stretch by stretch, so that a word on a border is no
    difference. A stretch in which the column and the others are silent has no entry, nor has a column without words.
    """
    import numpy as np
    from rapidfuzz.distance import Indel

    if step <= 0:
        raise ValueError("a stretch of time lasts longer than zero seconds")
    language = common_language(columns)
    spoken = [spoken_by(column, language) for column in columns]
    stretch = [(row.start[row.piece] // step).astype(np.int64) for row in spoken]
    count = 1 + max((int(places.max()) for places in stretch if len(places)), default=-1)
    sums, others = np.zeros((len(columns), count)), np.zeros((len(columns), count))
    for a, b in combinations([k for k, row in enumerate(spoken) if row.words], 2):
        hits = np.zeros(count)
        for block in Indel.opcodes(spoken[a].words, spoken[b].words):
            if block.tag == "equal":
                hits += np.bincount(stretch[a][block.src_start : block.src_end], minlength=count)
                hits += np.bincount(stretch[b][block.dest_start : block.dest_end], minlength=count)
        words = np.bincount(stretch[a], minlength=count) + np.bincount(stretch[b], minlength=count)
        shares = hits / np.maximum(words, 1)
        for column in (a, b):
            sums[column] += shares
            others[column] += words > 0
    return tuple(
        tuple((float(k * step), float(sums[c, k] / others[c, k])) for k in np.flatnonzero(others[c]))
        for c in range(len(columns))
    )
