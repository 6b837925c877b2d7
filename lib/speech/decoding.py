"""Decoding: chunks of speech into words, laid out for the few cores of a desk.

faster-whisper's batched pipeline does the work. What is done otherwise here:

- The model is made to hear 30 s at once, and shorter sound is filled up with silence. Its encoder is given HEARD
  seconds here: 0.6 s of one core instead of 0.9 s for Whisper base, since its work grows with the square of the length.
- The encoder is given the chunks of a batch one by one, which takes a fifth less than together: they would not fit
  the processor's cache. The decoder is given the batch, so that it goes through its weights once for all of them.
- Batches run side by side, each with its share of the cores for itself: cores that share the steps of one decoding
  wait for each other a third of the time.

Loading this module loads the engine.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise
from pathlib import Path

import numpy as np
from ctranslate2 import StorageView
from faster_whisper import BatchedInferencePipeline, WhisperModel
from faster_whisper.transcribe import Segment

from lib.speech.lines import RawWord
from lib.speech.sound import SAMPLE_RATE

HEARD = 25.0
"""Seconds of sound that the encoder is given at once, where it is no longer. With less, words are lost: chunks of 28,
24 and 19 s, heard in 30, 25 and 20 s, gave 0, 0.13 and 0.38 % of wrong words in five minutes of clean speech."""
FRAMES_PER_SECOND = 100

LOOP_RATIO = 2.4
UNSURE_LOGPROB = -1.0
"""Whisper's own marks of a failed decoding: text that repeats itself, or that it does not believe."""
LOOP = re.compile(r"\b(.{2,80}?)[\s,.!?]+(?:\1[\s,.!?]+){3,}", re.IGNORECASE)
"""The same words four times in a row. Whisper's ratio alone also strikes at verse and at speakers fond of a phrase."""


class Decoder:
    """A loaded model that turns chunks of speech into words, for ``at_once`` threads at the same time.

    Raises RuntimeError, ValueError or OSError for weights that cannot be loaded here.
    """

    def __init__(self, weights: Path, at_once: int) -> None:
        threads = max(1, _cores() // at_once)
        self._model = _Model(str(weights), device="cpu", compute_type="int8", cpu_threads=threads, num_workers=at_once)

    @property
    def is_multilingual(self) -> bool:
        return self._model.model.is_multilingual

    def language(self, speech: np.ndarray) -> tuple[str, float]:
        """The likeliest language of what is said, by its first 30 s, and how likely it is."""
        language, probability, _ = self._model.detect_language(audio=speech)
        return language, float(probability)

    def words(self, chunks: Sequence[np.ndarray], language: str, terms: str | None) -> list[list[RawWord]]:
        """The words of each chunk, in seconds from its beginning. Chunks of up to HEARD seconds are heard quickest,
        and none may be longer than 30 s; ``terms`` are names and words likely to be said."""
        asked = {
            "language": language,
            "hotwords": terms,
            "word_timestamps": True,
            "condition_on_previous_text": False,
        }
        borders = [0.0, *accumulate(len(chunk) / SAMPLE_RATE for chunk in chunks)]
        found, _ = BatchedInferencePipeline(self._model).transcribe(
            np.concatenate(chunks),
            clip_timestamps=[{"start": start, "end": end} for start, end in pairwise(borders)],
            batch_size=len(chunks),
            **asked,
        )
        heard: list[list[Segment]] = [[] for _ in chunks]
        for segment in found:
            place = min(range(len(chunks)), key=lambda each: abs(borders[each] - segment.seek / FRAMES_PER_SECOND))
            heard[place].append(segment)
        words = []
        for chunk, segments, start in zip(chunks, heard, borders, strict=False):
            if any(_failed(segment) for segment in segments):
                # Batches are decoded once; here the model may try again at higher temperatures, or find silence.
                words.append(_words(self._model.transcribe(chunk, **asked)[0], 0.0))
            else:
                words.append(_words(segments, start))
        return words


class _Model(WhisperModel):
    """faster-whisper's model with a quicker encoder. Everything else in it goes through this one method."""

    def encode(self, features: np.ndarray) -> StorageView:
        """What is heard in features of the shape (chunks, mels, frames), or in those of one chunk."""
        batch = features if features.ndim == 3 else features[np.newaxis]
        frames = round(HEARD * FRAMES_PER_SECOND)
        if not batch[..., frames:].any():  # what was filled up is zero; sound never is, in all of its bands
            batch = batch[..., :frames]
        if len(batch) == 1:
            return super().encode(batch)
        return StorageView.from_array(np.concatenate([np.asarray(super(_Model, self).encode(each)) for each in batch]))


def _words(segments: Iterable[Segment], start: float) -> list[RawWord]:
    return [
        RawWord(float(word.start) - start, float(word.end) - start, word.word, float(word.probability))
        for segment in segments
        for word in segment.words or ()
    ]


def _failed(segment: Segment) -> bool:
    loops = segment.compression_ratio > LOOP_RATIO and LOOP.search(segment.text + " ") is not None
    return loops or segment.avg_logprob < UNSURE_LOGPROB


def _cores() -> int:
    """Cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
