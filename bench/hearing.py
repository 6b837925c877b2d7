"""Local speech against the plain way: the same weights, the same sound, in one run.

    python -m bench.hearing [--minutes 10]

The sound is the recorded reading of the tests, over and over with its own text as reference. The plain way is
``WhisperModel.transcribe`` as its documentation shows it. Exits with 1 when a limit is missed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import wave
from pathlib import Path

import numpy as np
from rapidfuzz.distance import Levenshtein

from lib.domain.tokens import tokens
from lib.speech import Listener, assemble
from tests.conftest import asset_of

MODEL = "local/whisper-base"
TEXT = (
    "It was the best of times, it was the worst of times. It was the age of wisdom, it was the age of foolishness. "
    "It was the epoch of belief, it was the epoch of incredulity. It was the season of light, it was the season of "
    "darkness. It was the spring of hope, it was the winter of despair. We had everything before us, we had nothing "
    "before us. We were all going direct to heaven, we were all going direct the other way. In short, the period was "
    "so far like the present period that some of its noisiest authorities insisted on its being received for good or "
    "for evil in the superlative degree of comparison only."
)
TIMES_FASTER, POINTS_WORSE = 2.0, 0.5


def main() -> int:
    parser = argparse.ArgumentParser(description="Local speech against plain Whisper.")
    parser.add_argument("--minutes", type=float, default=10.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speech.wav"
        times = make_sound(path, options.minutes * 60)
        reference = " ".join([TEXT] * times)
        listener = Listener(Path(folder) / "weights")
        weights = assemble(MODEL, listener.folder)
        plain_text, plain_seconds = heard_plainly(weights, path)
        first: list[float] = []
        began = time.monotonic()
        heard = listener.transcribe(
            MODEL, path, on_segment=lambda *_: first.append(time.monotonic() - began) if not first else None
        )
        seconds = time.monotonic() - began
    ours = " ".join(segment.text for segment in heard.segments)
    faster = plain_seconds / seconds
    worse = 100 * (wer(reference, ours) - wer(reference, plain_text))
    is_met = faster >= TIMES_FASTER and worse <= POINTS_WORSE
    print(f"{options.minutes:g} minutes of speech, Whisper base, int8 on the CPU\n")
    print("| what | measured | limit |\n|---|---|---|")
    print(f"| faster than plain transcribe ({plain_seconds:.0f} s) | {faster:.2f} times | {TIMES_FASTER:g} times |")
    print(
        f"| word error rate worse by (plain: {100 * wer(reference, plain_text):.2f} %) | {worse:+.2f} points | +0.5 |"
    )
    print(f"| first words, model loaded before or not | {first[0]:.1f} s | 5 s |")
    return 0 if is_met else 1


def make_sound(path: Path, seconds: float) -> int:
    """The reading repeated to at least so many seconds; gives how often."""
    with wave.open(str(asset_of("moonshine_voice", "assets", "two_cities.wav"))) as source:
        parameters, frames = source.getparams(), source.readframes(source.getnframes())
        length = source.getnframes() / source.getframerate()
    times = int(np.ceil(seconds / length))
    with wave.open(str(path), "wb") as target:
        target.setparams(parameters)
        for _ in range(times):
            target.writeframes(frames)
    return times


def heard_plainly(weights: Path, path: Path) -> tuple[str, float]:
    """The text of the documentation's own example, and the seconds it took once the model was loaded."""
    from faster_whisper import WhisperModel

    model = WhisperModel(str(weights), device="cpu", compute_type="int8")
    began = time.monotonic()
    segments, _ = model.transcribe(str(path), word_timestamps=True)
    return " ".join(segment.text for segment in segments), time.monotonic() - began


def wer(reference: str, hypothesis: str) -> float:
    """Word error rate over normalised words."""
    wanted, found = ([token.text for token in tokens(text)] for text in (reference, hypothesis))
    return Levenshtein.distance(wanted, found) / len(wanted)


if __name__ == "__main__":
    sys.exit(main())
