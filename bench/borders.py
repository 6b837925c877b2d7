"""Words lost or doubled where parts meet: an hour of recorded speech through the real app, worker and HTTP.

    python -m bench.borders [--minutes 60] [--seed 4]

The local model hears three readings once: from then on it is known which word is said when. Their phrases, in random
order, make an hour of sound, once with pauses between them, so that parts are cut in silence, and once with every
pause taken out and a second, softer voice behind the first, so that there is none and parts are cut hard, with an
overlap. A server answers for each part with
exactly the words said in it, a word that the cut goes through garbled as models do, in lines of its own making; one
model stamps them by the second, the other gives no times. What comes out is counted against what was said.

Exits with 1 when a limit is missed.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import sys
import tempfile
import wave
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from rapidfuzz.distance import Levenshtein

from bench.parts import Opened, timed
from lib.domain.plan import Times
from lib.domain.tokens import tokens
from lib.domain.transcript import Word
from lib.services import Services
from lib.speech import Listener
from lib.speech.sound import SAMPLE_RATE, Sound
from tests.conftest import asset_of
from tests.fakes.openrouter_replies import Reply
from tests.fakes.openrouter_requests import Request
from tests.fakes.openrouter_server import FakeOpenRouter

HEARING = "local/whisper-base"
READINGS = ("two_cities.wav", "beckett.wav", "endgame_nagg_nell.wav")
STAMPS, NO_STAMPS = "google/gemini-3.8-flash", "google/gemini-3.5-flash-lite"
HARD_SHARE = 0.001
CUTS = {"silence": "cuts in silence", "hard": "hard cuts"}
PAUSES = (0.1, 1.5)
"""Seconds between two phrases, where there are pauses."""
SECOND_VOICE = 0.5
TOUCHED = 0.03
"""A word counts as cut in two only when so many seconds of it lie on both sides: times of words are no finer."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """Speech without a pause: its samples, and its words on its own clock."""

    samples: np.ndarray
    words: tuple[Word, ...]


class WhoWasThere(FakeOpenRouter):
    """Knows what is said when, and answers for each part with the words in it, on the part's own clock."""

    def __init__(self) -> None:
        super().__init__()
        self.words: Sequence[Word] = ()
        self.services: Services | None = None
        self._stretches: dict[str, tuple[float, float]] = {}

    def reply_to(self, request: Request, path: str) -> Reply:
        if path != "/chat/completions":
            return super().reply_to(request, path)
        start, end = self._stretch_of(request.media[0].sha256)
        return Reply.answer(written(self.words, start, end, has_stamps=request.body["model"] == STAMPS))

    def _stretch_of(self, sha256: str) -> tuple[float, float]:
        """Which stretch was sent: the file among the renditions that has these bytes says so."""
        for path in (self.services.settings.data_dir / "renditions").glob("*/*"):
            sent = self.services._tools.store.assets.rendition(path.stem)
            if sent is not None:
                self._stretches.setdefault(hashlib.sha256(path.read_bytes()).hexdigest(), (sent.start, sent.end))
        return self._stretches[sha256]


def main() -> int:
    parser = argparse.ArgumentParser(description="Words lost or doubled where parts meet.")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=4, help="of the order of the phrases")
    options = parser.parse_args()
    print("| what | measured | limit |\n|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as folder, WhoWasThere() as server, Opened(Path(folder), server) as services:
        server.services = services
        phrases = heard_once(Listener(Path(folder) / "weights"))
        is_kept = True
        for name, share in (("silence", 0.0), ("hard", HARD_SHARE)):
            sound = Path(folder) / f"{name}.wav"
            server.words = spoken(phrases, 60 * options.minutes, sound, options.seed, has_pauses=name == "silence")
            for model, how in ((STAMPS, "a model that stamps its lines"), (NO_STAMPS, "one that gives no times")):
                is_kept &= measured(services, sound, server.words, name, model, how, share)
    return 0 if is_kept else 1


def measured(
    services: Services, sound: Path, words: Sequence[Word], name: str, model: str, how: str, share: float
) -> bool:
    request = services.new_request(services.keep_file(sound), model)
    run, _ = timed(services, replace(request, times=Times.MODEL))
    said = [token.text for word in words for token in tokens(word.text)]
    written = [token.text for token in tokens(services.transcript(run.id).text)]
    wrong = Levenshtein.distance(said, written)
    borders = [part.overlap for part in run.plan.parts[1:]]
    hard = sum(overlap > 0 for overlap in borders)
    if hard != (0 if name == "silence" else len(borders)):
        raise SystemExit(f"{hard} of {len(borders)} cuts are hard: this is not what was to be measured")
    edges = {edge for part in run.plan.parts for edge in (part.start, part.end)}
    halved = sum(word.start < edge - TOUCHED and word.end > edge + TOUCHED for word in words for edge in edges)
    minutes = run.plan.parts[-1].end / 60
    through = f", {halved} of their edges within a word" if halved else ""
    print(
        f"| words lost or doubled of {len(said):,} in {minutes:.0f} min, {len(borders)} {CUTS[name]}{through}, {how} "
        f"| {wrong} ({100 * wrong / len(said):.2f} %) | {100 * share:g} % |",
        flush=True,
    )
    return wrong <= share * len(said)


def heard_once(listener: Listener) -> list[Phrase]:
    """The stretches of speech in the readings, their words with the times at which the local model hears them."""
    found = []
    for name in READINGS:
        path = asset_of("moonshine_voice", "assets", name)
        sound = np.concatenate(list(Sound(path).blocks())).astype(float) / 32768
        sound *= 0.08 / np.sqrt(np.mean(sound[np.abs(sound) > 0.01] ** 2))
        words = listener.transcribe(HEARING, path, language="en").words
        for start, end in listener.speech_stretches(path):
            inside = [word for word in words if start <= (word.start + word.end) / 2 < end]
            if inside:
                samples = sound[int(start * SAMPLE_RATE) : int(end * SAMPLE_RATE)]
                found.append(Phrase(samples, tuple(_within(word, start, end) for word in inside)))
    return found


def _within(word: Word, start: float, end: float) -> Word:
    """The word on the clock of its stretch, and inside it."""
    return replace(word, start=max(word.start, start) - start, end=min(word.end, end) - start)


def spoken(phrases: Sequence[Phrase], seconds: float, target: Path, seed: int, *, has_pauses: bool) -> tuple[Word, ...]:
    """Write so many seconds of the phrases in random order; gives every word of it."""
    sound, words = _in_a_row(phrases, seconds, PAUSES if has_pauses else (0.0, 0.0), seed)
    if not has_pauses:
        other, _ = _in_a_row(phrases, seconds, (0.0, 0.0), seed + 1)
        length = min(len(sound), len(other))
        sound[:length] += SECOND_VOICE * other[:length]
    sound += np.random.default_rng(seed).normal(0, 0.0005, len(sound))  # no recording is perfectly silent
    with wave.open(str(target), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes((np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes())
    return words


def _in_a_row(
    phrases: Sequence[Phrase], seconds: float, pauses: tuple[float, float], seed: int
) -> tuple[np.ndarray, tuple[Word, ...]]:
    chance = random.Random(seed)
    pieces: list[np.ndarray] = []
    words: list[Word] = []
    at = 0
    while at < seconds * SAMPLE_RATE:
        for phrase in chance.sample(phrases, len(phrases)):
            silence = int(chance.uniform(*pauses) * SAMPLE_RATE)
            pieces += [np.zeros(silence), phrase.samples]
            at += silence
            begin = at / SAMPLE_RATE
            words += [replace(word, start=begin + word.start, end=begin + word.end) for word in phrase.words]
            at += len(phrase.samples)
    return np.concatenate(pieces), tuple(words)


def written(words: Sequence[Word], start: float, end: float, *, has_stamps: bool) -> str:
    """What a model writes that was sent this stretch: lines of 4 to 16 words, half of a word that the cut halves."""
    chance = random.Random(start)
    heard = [(max(word.start, start), _as_heard(word, start, end)) for word in words]
    heard = [(at, text) for at, text in heard if text]
    lines = []
    while heard:
        count = chance.randint(4, 16)
        line, heard = heard[:count], heard[count:]
        stamp = int(line[0][0] - start)
        lines.append((f"[{stamp // 60:02d}:{stamp % 60:02d}] " if has_stamps else "") + " ".join(t for _, t in line))
    return "\n".join(lines)


def _as_heard(word: Word, start: float, end: float) -> str:
    """The word, what is left of it on this side of a cut, or nothing."""
    if word.end <= start + TOUCHED or word.start >= end - TOUCHED:
        return ""
    half = (len(word.text) + 1) // 2
    if word.start < start - TOUCHED:
        return word.text[half:]
    return word.text[:half] if word.end > end + TOUCHED else word.text


if __name__ == "__main__":
    sys.exit(main())
