"""How right the times of cues are, and what is measured of a transcript, on recorded speech whose starts are known.

    python -m bench.times

Recorded phrases are set one after the other in random order, each several times, with silences of 0.1 to 2 s between
them: about six minutes. Where each begins is known from the phrase alone, by its loudness. The speech model on this
machine hears the whole; the "model" is given the phrases' own text with some words dropped, some wrong and some
phrases left out, and with times from a clock that runs 25 % fast, or none at all.

For coverage the six minutes are laid out three times over, to some 18 minutes, and three are cut out of the text.
Two to three minutes on two cores. Exits with 1 when a target is missed.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
import wave
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from lib.domain.health import assess
from lib.domain.media import Clip
from lib.domain.retime import Stretch, retime
from lib.domain.transcript import Segment, Word
from lib.speech import Listener
from lib.speech.sound import SAMPLE_RATE, Sound

if TYPE_CHECKING:
    import numpy as np

MODEL_ID = "local/whisper-base"
ROUNDS = 4
HOLES = (100, 300, 500, 620, 800)  # seconds: where three minutes are cut out
MEDIAN, HIGHEST = 0.15, 0.5  # seconds: the targets for the median and the 95th percentile

# Where the phrases of each recording stand: start and end in seconds, cut in silences, and what is said.
PHRASES = {
    "two_cities.wav": (
        (0.9, 4.85, "It was the best of times, it was the worst of times,"),
        (4.85, 6.45, "it was the age of wisdom,"),
        (6.45, 8.5, "it was the age of foolishness,"),
        (8.5, 10.55, "it was the epoch of belief,"),
        (10.55, 13.1, "it was the epoch of incredulity,"),
        (13.15, 15.0, "it was the season of Light,"),
        (15.0, 17.1, "it was the season of Darkness,"),
        (17.3, 18.88, "it was the spring of hope,"),
        (18.88, 20.8, "it was the winter of despair."),
        (20.9, 24.3, "We had everything before us, we had nothing before us."),
        (24.35, 26.3, "We were all going direct to Heaven,"),
        (26.3, 28.7, "we were all going direct the other way."),
        (
            *(28.8, 42.2),
            "In short, the period was so far like the present period that some of its noisiest authorities insisted on "
            "its being received, for good or for evil, in the superlative degree of comparison only.",
        ),
    ),
    "beckett.wav": (
        (0.0, 1.5, "Ever tried."),
        (1.5, 3.1, "Ever failed."),
        (3.1, 4.5, "No matter."),
        (4.5, 6.1, "Try again."),
        (6.1, 7.8, "Fail again."),
        (7.8, 9.5, "Fail better."),
    ),
    "endgame_nagg_nell.wav": (
        (0.0, 1.3, "Do you hear me?"),
        (1.3, 2.2, "Yes."),
        (4.5, 8.4, "We laugh less heartily, so we have still that resource."),
        (11.7, 14.3, "No, not heartily, just less heartily."),
        (14.3, 15.8, "Ah, that's a good story."),
        (17.3, 19.1, "What are you talking about?"),
        (20.2, 22.1, "You thought you were in pain."),
        (22.2, 23.4, "Not now."),
        (23.5, 27.7, "Do you remember the day I went and fetched you from that ditch?"),
    ),
}


@dataclass(frozen=True, slots=True)
class Phrase:
    """What is said, and when its sound begins and ends."""

    start: float
    end: float
    text: str


def main() -> int:
    before = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        track = Path(folder) / "track.wav"
        phrases, duration = build(track)
        listener = Listener(Path(folder))
        heard = listener.transcribe(MODEL_ID, track, language="en")
        stretches = listener.speech_stretches(track)
    words = heard.words
    print(f"{len(phrases)} phrases in {duration:.0f} s, heard by {MODEL_ID} in {time.monotonic() - before:.0f} s\n")
    print("| what | measured | target | |")
    print("|---|---|---|---|")
    kept = True
    clocks = {"a clock that runs 25 % fast": lambda seconds: round(1.25 * seconds), "no times": lambda seconds: None}
    for name, clock in clocks.items():
        errors = start_errors(phrases, words, stretches, duration, clock)
        middle, high = median(errors), errors[int(0.95 * len(errors))]
        is_kept = middle <= MEDIAN and high <= HIGHEST
        kept &= row(
            f"error of cue starts, model with {name}",
            f"median {middle:.3f} s, 95th percentile {high:.2f} s, largest {errors[-1]:.2f} s",
            f"{MEDIAN} s, {HIGHEST} s",
            is_kept,
        )
    found = [coverage_errors(phrases, words, stretches, duration, hole) for hole in HOLES]
    off, edges = (max(column) for column in zip(*found, strict=True))
    kept &= row(
        f"coverage of a transcript with 3 minutes cut out, the worst of {len(HOLES)} places",
        f"{100 * off:.2f} points off, gap named within {edges:.2f} s",
        "1 point, 2 s",
        off <= 0.01 and edges <= 2,
    )
    return 0 if kept else 1


def row(what: str, measured: str, target: str, is_kept: bool) -> bool:
    print(f"| {what} | {measured} | {target} | {'kept' if is_kept else 'BROKEN'} |", flush=True)
    return is_kept


def start_errors(
    phrases: Sequence[Phrase],
    words: Sequence[Word],
    stretches: Sequence[Stretch],
    duration: float,
    clock: Callable[[float], float | None],
) -> list[float]:
    """How far each cue starts from its phrase, in seconds, in rising order."""
    written, segments = written_by_a_model(phrases, clock)
    cues = retime(segments, words, clip=Clip(0, duration), onsets=stretches)
    return sorted(abs(cue.start - phrase.start) for cue, phrase in zip(cues, written, strict=True))


def written_by_a_model(
    phrases: Sequence[Phrase], clock: Callable[[float], float | None]
) -> tuple[list[Phrase], list[Segment]]:
    """The phrases as a model writes them: 5 % of them left out, 3 % of the words missing and 3 % wrong."""
    chance = random.Random(3)
    written, segments = [], []
    for phrase in phrases:
        if chance.random() < 0.05:
            continue
        words = phrase.text.split()
        throws = [chance.random() for _ in words]
        kept = [
            "something" if throw < 0.06 else word for word, throw in zip(words, throws, strict=True) if throw >= 0.03
        ]
        written.append(phrase)
        segments.append(Segment(" ".join(kept or words), clock(phrase.start)))
    return written, segments


def coverage_errors(
    phrases: Sequence[Phrase], words: Sequence[Word], stretches: Sequence[Stretch], duration: float, hole: float
) -> tuple[float, float]:
    """How far the coverage is off, as a share, and the edges of the one gap, in seconds (inf without exactly one)."""
    shifts = [k * duration for k in range(3)]
    all_phrases = [replace(p, start=p.start + s, end=p.end + s) for s in shifts for p in phrases]
    all_words = [replace(w, start=w.start + s, end=w.end + s) for s in shifts for w in words]
    all_stretches = [(a + s, b + s) for s in shifts for a, b in stretches]
    clip = Clip(0, 3 * duration)
    missing = [p for p in all_phrases if p.start >= hole and p.end <= hole + 180]
    kept = [p for p in all_phrases if p not in missing]
    segments = [Segment(p.text, 1.25 * p.start) for p in kept]
    cues = retime(segments, all_words, clip=clip, onsets=all_stretches)
    health = assess(cues, clip=clip, words=all_words, stretches=all_stretches)
    truth = sum(p.end - p.start for p in kept) / sum(p.end - p.start for p in all_phrases)
    edges = float("inf")
    if len(health.gaps) == 1:
        gap = health.gaps[0]
        edges = max(abs(gap.start - missing[0].start), abs(gap.end - missing[-1].end))
    return abs((health.coverage or 0.0) - truth), edges


# The track ---------------------------------------------------------------------------------------------------


def build(path: Path, rounds: int = ROUNDS) -> tuple[list[Phrase], float]:
    """Writes the track as a WAV file; where its phrases are, and how long it is in seconds."""
    import numpy as np

    chance = random.Random(7)
    snippets = [snippet for name, phrases in PHRASES.items() for snippet in _snippets(name, phrases)]
    pieces: list[np.ndarray] = []
    phrases: list[Phrase] = []
    at = 0
    for _ in range(rounds):
        chance.shuffle(snippets)
        for samples, start, end, text in snippets:
            silence = np.zeros(int(chance.uniform(0.1, 2.0) * SAMPLE_RATE))
            pieces += [silence, samples]
            at += len(silence)
            phrases.append(Phrase(at / SAMPLE_RATE + start, at / SAMPLE_RATE + end, text))
            at += len(samples)
    sound = np.concatenate(pieces)
    sound += np.random.default_rng(7).normal(0, 0.0005, len(sound))  # no recording is perfectly silent
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes((np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes())
    return phrases, at / SAMPLE_RATE


def _snippets(name: str, phrases: Sequence[tuple[float, float, str]]) -> list[tuple[np.ndarray, float, float, str]]:
    """The phrases of a recording, equally loud: samples, and where in them the sound begins and ends."""
    import numpy as np

    found = find_spec("moonshine_voice")
    if found is None or not found.submodule_search_locations:
        raise SystemExit("The recordings are missing. Run: pip install -r requirements-dev.txt")
    recording = Path(found.submodule_search_locations[0]) / "assets" / name
    sound = np.concatenate(list(Sound(recording).blocks())) / 32768
    sound *= 0.08 / np.sqrt(np.mean(sound[np.abs(sound) > 0.01] ** 2))
    margin = 0.15
    out = []
    for start, end, text in phrases:
        samples = sound[int(start * SAMPLE_RATE) : int(end * SAMPLE_RATE)]
        begins, ends = _loud(samples)
        low = max(0.0, begins - margin)
        samples = samples[int(low * SAMPLE_RATE) : int((ends + margin) * SAMPLE_RATE)]
        out.append((samples, begins - low, ends - low, text))
    return out


def _loud(samples: np.ndarray) -> tuple[float, float]:
    """Where the sound begins and ends: the first and last 0.04 s that are well above the background, at most 38 dB
    below the loudest."""
    import numpy as np

    frame = SAMPLE_RATE // 100
    frames = samples[: len(samples) // frame * frame].reshape(-1, frame)
    level = 10 * np.log10(np.mean(frames**2, axis=1) + 1e-10)
    is_loud = level > max(np.percentile(level, 5) + 12, level.max() - 38)
    steady = [k for k in range(len(level) - 3) if is_loud[k : k + 4].all()]
    return steady[0] / 100, (steady[-1] + 4) / 100


if __name__ == "__main__":
    sys.exit(main())
