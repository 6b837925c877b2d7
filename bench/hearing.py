"""Local speech against the plain way: the same weights, the same sound, in one run.

    python -m bench.hearing [--minutes 10] [--rounds 2]

The sound is two recorded readings of the tests in turn, begun at another phrase each time, with their own text as
reference, clean and under white noise. The plain way is ``WhisperModel.transcribe`` as its
documentation shows it. Both ways hear the whole in every round, in changing order, and medians count: by the clock,
and by the seconds that the processor worked, which other work on the machine lengthens less. Exits with 1 when a
limit is missed.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
import time
import wave
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
from rapidfuzz.distance import Levenshtein

from bench.times import PHRASES
from lib.domain.tokens import tokens
from lib.speech import Listener, assemble
from lib.speech.sound import SAMPLE_RATE, Sound
from tests.conftest import asset_of

MODEL = "local/whisper-base"
READINGS = ("two_cities.wav", "beckett.wav")
TURN = 54.0
"""Seconds that both readings take."""
NOISY_TURNS, NOISE_DB = 4, 10.0
"""How many turns are heard under noise, and how many decibels it is below the speech. Each is heard alone: the plain
way is led by what it wrote before, and these readings repeat themselves more than people do."""
TIMES_FASTER, POINTS_WORSE, FIRST_WORDS = 2.0, 0.5, 5.0


@dataclass(frozen=True, slots=True)
class Hearing:
    """What was heard, the seconds it took, those that the processor worked, and those until the first words."""

    text: str
    seconds: float
    worked: float
    first_words: float


def main() -> int:
    parser = argparse.ArgumentParser(description="Local speech against plain Whisper.")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        clean = Path(folder) / "clean.wav"
        text = make_sound(clean, range(math.ceil(options.minutes * 60 / TURN)))
        noisy = {Path(folder) / f"noisy-{turn}.wav": turn for turn in range(NOISY_TURNS)}
        noisy_text = " ".join(make_sound(path, [turn], NOISE_DB) for path, turn in noisy.items())
        listener = Listener(Path(folder) / "weights")
        ways = {"plain": plain_way(assemble(MODEL, listener.folder)), "ours": our_way(listener)}
        heard: dict[str, list[Hearing]] = {name: [] for name in ways}
        for round_ in range(options.rounds):
            for name in sorted(ways, reverse=round_ % 2 == 0):
                heard[name].append(ways[name](clean))
        noisy_wer = {name: wer(noisy_text, " ".join(hear(path).text for path in noisy)) for name, hear in ways.items()}
    plain, ours = (median(each.seconds for each in heard[name]) for name in ("plain", "ours"))
    plain_worked, ours_worked = (median(each.worked for each in heard[name]) for name in ("plain", "ours"))
    first_words = max(each.first_words for each in heard["ours"])
    plain_wer, our_wer = (wer(text, heard[name][0].text) for name in ("plain", "ours"))
    worse, noisy_worse = 100 * (our_wer - plain_wer), 100 * (noisy_wer["ours"] - noisy_wer["plain"])
    print(f"{options.minutes:g} minutes of speech, Whisper base, int8 on the CPU, medians of {options.rounds} rounds\n")
    print("| what | measured | limit |\n|---|---|---|")
    print(f"| faster than plain transcribe ({plain:.0f} s) | {plain / ours:.2f} times | {TIMES_FASTER:g} times |")
    print(f"| less work for the processor (plain: {plain_worked:.0f} s) | {plain_worked / ours_worked:.2f} times | |")
    print(f"| word error rate worse by (plain: {100 * plain_wer:.2f} %) | {worse:+.2f} points | +{POINTS_WORSE} |")
    print(
        f"| the same, noise {NOISE_DB:g} dB below the speech (plain: {100 * noisy_wer['plain']:.2f} %) "
        f"| {noisy_worse:+.2f} points | +{POINTS_WORSE} |"
    )
    print(f"| first words, model loaded before or not | {first_words:.1f} s | {FIRST_WORDS:g} s |")
    is_met = plain / ours >= TIMES_FASTER and max(worse, noisy_worse) <= POINTS_WORSE and first_words <= FIRST_WORDS
    return 0 if is_met else 1


def make_sound(path: Path, turns: Iterable[int], noise_db: float | None = None) -> str:
    """Writes the readings, once for each turn and begun at another phrase each time; gives what is said."""
    readings = {
        name: np.concatenate(list(Sound(asset_of("moonshine_voice", "assets", name)).blocks())) for name in READINGS
    }
    pieces: list[np.ndarray] = []
    text: list[str] = []
    for turn in turns:
        for name, samples in readings.items():
            first = 2 * turn % len(PHRASES[name])
            start = int(PHRASES[name][first][0] * SAMPLE_RATE)
            pieces += [samples[start:], samples[:start]]
            text += [phrase for _, _, phrase in PHRASES[name][first:] + PHRASES[name][:first]]
    sound = np.concatenate(pieces).astype(np.float32)
    if noise_db is not None:
        loudness = np.sqrt(np.mean(sound**2)) / 10 ** (noise_db / 20)
        sound += np.random.default_rng(len(sound)).normal(0, loudness, len(sound)).astype(np.float32)
    with wave.open(str(path), "wb") as target:
        target.setnchannels(1)
        target.setsampwidth(2)
        target.setframerate(SAMPLE_RATE)
        target.writeframes(np.clip(sound, -32768, 32767).astype("<i2").tobytes())
    return " ".join(text)


def plain_way(weights: Path) -> Callable[[Path], Hearing]:
    """The documentation's own example, with a loaded model."""
    from faster_whisper import WhisperModel

    model = WhisperModel(str(weights), device="cpu", compute_type="int8")
    return lambda path: timed(
        lambda told: [told(each.text) for each in model.transcribe(str(path), word_timestamps=True)[0]]
    )


def our_way(listener: Listener) -> Callable[[Path], Hearing]:
    return lambda path: timed(lambda told: listener.transcribe(MODEL, path, on_segment=lambda each, _: told(each.text)))


def timed(hear: Callable[[Callable[[str], None]], object]) -> Hearing:
    """What ``hear`` tells, text by text, and how long it takes."""
    texts: list[str] = []
    first: list[float] = []
    began, worked = time.monotonic(), time.process_time()

    def told(text: str) -> None:
        first.append(time.monotonic() - began)
        texts.append(text)

    hear(told)
    return Hearing(" ".join(texts), time.monotonic() - began, time.process_time() - worked, first[0])


def wer(reference: str, hypothesis: str) -> float:
    """Word error rate over normalised words."""
    wanted, found = ([token.text for token in tokens(text)] for text in (reference, hypothesis))
    return Levenshtein.distance(wanted, found) / len(wanted)


if __name__ == "__main__":
    sys.exit(main())
