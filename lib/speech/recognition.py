"""Recognition: what is said in a file, word by word, and where somebody speaks at all.

How a file is heard. The sound is read in windows (30 s first, so that words show within seconds, then 5 minutes, so
that ten hours take no more memory than one), voice activity detection finds the speech in each window, and neighbouring
stretches of speech are gathered into chunks that the model takes whole. A window ends in the pause before its last
chunk, which goes on into the next window: no word is cut and none is heard twice. The first chunk is decoded alone, the
others eight at a time in two batches side by side, while the next window is read (lib/speech/decoding.py tells why).

Measured with Whisper base on 2 cores that other work kept busy, on two recorded readings in turn, begun at another
phrase each time (326 s, 786 words): 0.13 % of the words wrong, plainly none; 27 s of the processor's time, plainly 40.
bench/hearing.py measures both ways side by side, bench/times.py the times of the words. faster-whisper's own batching
glues speech together without its pauses; here every chunk is one unbroken stretch of the file.
"""

from __future__ import annotations

import logging
import math
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from lib.domain.languages import LANGUAGES, language_code
from lib.domain.transcript import Segment, Word
from lib.errors import LocalModelMissing, SpeechError
from lib.speech import lines
from lib.speech.lines import Stretch
from lib.speech.sound import SAMPLE_RATE, Sound
from lib.speech.weights import ENGLISH, LocalModel, Note, assemble, local_model

if TYPE_CHECKING:
    import numpy as np

    from lib.speech.decoding import Decoder
    from lib.speech.lines import RawWord

FIRST_WINDOW = 30.0
WINDOW = 300.0
"""Seconds of sound looked at together."""
FIRST_CHUNK = 10.0
CHUNK = 24.0
"""Most seconds of speech the model is given at once, with their pauses; with its margins, a chunk is under 25 s."""
BATCH = 8
AT_ONCE = 2
"""Chunks decoded together, and such batches side by side."""
LONG_PAUSE = 2.0
"""Seconds of silence that the model need not hear: there it invents."""
MARGIN = 0.3
"""Seconds of the surrounding pause that a chunk keeps on both sides."""

THRESHOLD = 0.5
PAUSE_MS = 200
SHORTEST_MS = 100
"""Voice activity detection: what counts as speech, the shortest pause, the shortest speech."""

SURE = 0.5
"""Probability from which a recognised language is kept for the rest of the file."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Heard:
    """What was said. Times are on the file's clock; ``duration`` is how many seconds of sound were listened to.
    ``language`` is a code, None where nobody spoke; ``language_probability`` is 1.0 for a language that was given."""

    segments: tuple[Segment, ...]
    language: str | None
    language_probability: float
    duration: float

    @property
    def words(self) -> tuple[Word, ...]:
        return tuple(word for segment in self.segments for word in segment.words)


class Listener:
    """Hears speech with the models of this machine. Safe to share between threads: one is heard at a time, and the
    last model stays loaded.

    ``folder`` is where weights are kept; ``hub_url`` another hub than the client's own default.
    """

    def __init__(self, folder: Path, *, hub_url: str | None = None) -> None:
        self.folder = Path(folder)
        self.hub_url = hub_url
        self._turn = threading.Lock()
        self._model_id: str | None = None
        self._decoder: Decoder | None = None

    def transcribe(
        self,
        model_id: str,
        path: Path,
        *,
        start: float = 0.0,
        end: float | None = None,
        language: str | None = None,
        terms: Sequence[str] = (),
        track: int = 0,
        on_segment: Callable[[Segment, float], None] | None = None,
        on_note: Note | None = None,
    ) -> Heard:
        """What is said in a file between ``start`` and ``end``, in seconds on the file's clock.

        ``language`` is a code or an English name, None to recognise it; ``terms`` are names and words likely to be
        said; ``track`` counts the file's streams of sound from 0. ``on_segment`` gets each segment as it is heard and
        how far it is, from 0 to 1; ``on_note`` gets words for what is going on, also where nobody speaks. Both may
        raise (Cancelled), which stops at once.

        Every segment has its words; words rise, lie inside their segment, and segments inside the stretch asked for.
        A silent file gives no segments. Raises NoSound, NotMedia, UnknownCodec, TruncatedMedia for the file,
        SpeechError for a language the model does not know, UnknownModel, and what assemble() raises.
        """
        local = local_model(model_id)
        code = _language_for(local, language)
        note = on_note or (lambda text: None)
        sound = Sound(path, start, end, track)
        while not self._turn.acquire(timeout=1.0):
            note("waiting for another transcription to end")
        try:
            decoder = self._loaded(local, note)
            note("listening")
            hearing = _Hearing(decoder, sound, code, terms)
            segments = []
            for segment, fraction in hearing.segments(note):
                segments.append(segment)
                if on_segment:
                    on_segment(segment, fraction)
            return Heard(tuple(segments), hearing.language, hearing.language_probability, hearing.duration)
        finally:
            self._turn.release()

    def warm_up(self) -> None:
        """Load the engine's libraries, which takes seconds, before anyone waits for them. Loads no weights."""
        import faster_whisper
        from faster_whisper.vad import get_vad_model

        log.info("faster-whisper %s is loaded", faster_whisper.__version__)
        get_vad_model()

    def speech_stretches(
        self,
        path: Path,
        *,
        start: float = 0.0,
        end: float | None = None,
        track: int = 0,
        on_progress: Callable[[float], None] | None = None,
    ) -> tuple[Stretch, ...]:
        """Where somebody speaks, as pairs of start and end on the file's clock, rising and apart.

        By Silero voice activity detection: edges without padding, to about 0.05 s; pauses under 0.2 s do not divide.
        Takes seconds per hour of sound and the memory of a few minutes. ``on_progress`` gets from 0 to 1 and may raise
        to stop. Raises as transcribe() does for the file.
        """
        found: list[list[float]] = []
        sound = Sound(path, start, end, track)
        tape = _Tape(sound)
        while len(window := tape.window(WINDOW)):
            if on_progress is not None:
                on_progress(sound.fraction)
            stretches = _speech(window)
            cut = _cut(stretches, len(window) / SAMPLE_RATE, tape.has_ended)
            for begin, finish in stretches:
                begin, finish = tape.at + begin, tape.at + min(finish, cut)
                if found and begin - found[-1][1] < 0.001 * PAUSE_MS / 2:
                    found[-1][1] = max(found[-1][1], finish)
                elif begin < finish and begin < tape.at + cut:
                    found.append([begin, finish])
            if tape.has_ended:
                break
            tape.forward(cut)
        return tuple((round(begin, 3), round(finish, 3)) for begin, finish in found)

    def _loaded(self, local: LocalModel, note: Note) -> Decoder:
        """The model ready to hear; weights that changed on disk since it was loaded do not matter to it."""
        if self._decoder and self._model_id == local.id:
            return self._decoder
        self._decoder, self._model_id = None, None
        home = assemble(local.id, self.folder, on_note=note, hub_url=self.hub_url)
        note("loading the model")
        try:
            from lib.speech.decoding import Decoder
        except ImportError as exc:
            raise LocalModelMissing(
                "The speech engine is not installed.", "Run: pip install -r requirements.txt"
            ) from exc
        try:
            self._decoder = Decoder(home, AT_ONCE)
        except (RuntimeError, ValueError, OSError) as exc:
            raise SpeechError(f"{local.name} cannot be loaded on this machine.", "Choose a smaller one.") from exc
        self._model_id = local.id
        return self._decoder


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Speech that the model takes whole. ``start`` is on the file's clock; ``speech`` is where in the chunk somebody
    speaks, in seconds from its start."""

    start: float
    samples: np.ndarray
    speech: tuple[Stretch, ...]

    @property
    def duration(self) -> float:
        return len(self.samples) / SAMPLE_RATE


class _Hearing:
    """One file heard by one model. ``language`` and the others are final when ``segments`` has ended."""

    def __init__(self, decoder: Decoder, sound: Sound, language: str | None, terms: Sequence[str]) -> None:
        self.decoder = decoder
        self.sound = sound
        self.language = language
        self.language_probability = 1.0 if language else 0.0
        self.is_language_given = language is not None
        self.terms = ", ".join(term.strip() for term in terms if term.strip()) or None
        self.tape = _Tape(sound)
        self.heard_until = sound.start
        self.has_spoken = False
        self.underway: deque[tuple[list[_Chunk], Future[list[list[RawWord]]]]] = deque()

    @property
    def duration(self) -> float:
        return self.tape.at + len(self.tape) / SAMPLE_RATE - self.sound.start

    def segments(self, note: Note) -> Iterator[tuple[Segment, float]]:
        """The segments in order, each with how far the hearing is."""
        previous_end = self.sound.start
        for chunk, words in self._heard(note):
            mended = lines.mended(words, (0.0, chunk.duration), chunk.speech)
            for segment in lines.segments(lines.placed(mended, chunk.start, previous_end)):
                previous_end = segment.end
                yield segment, self._fraction(segment.end)

    def _heard(self, note: Note) -> Iterator[tuple[_Chunk, list[RawWord]]]:
        """The chunks in order, each with its words. While batches are decoded, what comes after them is read."""
        pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="decoding")
        try:
            for batch in self._batches():
                if batch:
                    sounds = [chunk.samples for chunk in batch]
                    self.underway.append((batch, pool.submit(self.decoder.words, sounds, self.language, self.terms)))
                while self.underway and self._is_due():
                    yield from self._next(note)
                if not batch:
                    self._say_how_far(note)
            while self.underway:
                yield from self._next(note)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)  # a cancel does not wait for what is being decoded

    def _is_due(self) -> bool:
        """Whether to wait for the oldest batch now: it is decoded, or holds the first words, which do not wait until
        more is read, or enough batches lie ready."""
        return self.underway[0][1].done() or not self.has_spoken or len(self.underway) > AT_ONCE

    def _next(self, note: Note) -> Iterator[tuple[_Chunk, list[RawWord]]]:
        """The oldest batch underway, once it is decoded."""
        batch, decoded = self.underway[0]
        while wait([decoded], timeout=1.0).not_done:
            if self.has_spoken:
                self._say_how_far(note)
        yield from zip(batch, decoded.result(), strict=True)
        self.underway.popleft()
        self.has_spoken = True
        self.heard_until = batch[-1].start + batch[-1].duration
        self._say_how_far(note)

    def _batches(self) -> Iterator[list[_Chunk]]:
        """Chunks to be decoded together: the first alone, then BATCH of them, or as many as there are when nobody is
        busy; the last are shared between AT_ONCE. After each window comes a batch of none."""
        waiting: list[_Chunk] = []
        for chunks in self._windows():
            waiting += chunks
            if waiting and not self.has_spoken:
                yield [waiting.pop(0)]
            while not self.tape.has_ended and (len(waiting) >= BATCH or (waiting and not self.underway)):
                yield waiting[:BATCH]
                del waiting[:BATCH]
            if not waiting and not self.underway:
                self.heard_until = self.tape.at
            yield []
        turns = AT_ONCE * max(1, math.ceil(len(waiting) / (AT_ONCE * BATCH)))
        size = max(1, math.ceil(len(waiting) / turns))
        yield from (waiting[at : at + size] for at in range(0, len(waiting), size))

    def _windows(self) -> Iterator[list[_Chunk]]:
        """The chunks of each window of sound."""
        is_first = True
        while len(window := self.tape.window(FIRST_WINDOW if is_first else WINDOW)):
            length = len(window) / SAMPLE_RATE
            stretches = _speech(window, CHUNK)
            chunks = _chunks(stretches, length, FIRST_CHUNK if is_first else CHUNK)
            cut = length
            if not self.tape.has_ended:
                # What reaches the edge goes on in the next window, unless it is all there is.
                going_on = bool(chunks) and chunks[-1][1] + LONG_PAUSE > length and chunks[-1][0] > 0
                cut = chunks.pop()[0] if going_on else max([length - 1.0, *(end for _, end in chunks)])
            if chunks:
                self._recognise_language(window, chunks)
            at = self.tape.at
            self.tape.forward(cut)
            yield [
                _Chunk(
                    at + begin,
                    _slice(window, (begin, end)),
                    tuple((left - begin, right - begin) for left, right in stretches if left < end and begin < right),
                )
                for begin, end in chunks
            ]
            is_first = False
            if self.tape.has_ended and cut >= length:
                return

    def _say_how_far(self, note: Note) -> None:
        note(f"listening, {100 * self._fraction(self.heard_until):.0f}%")

    def _fraction(self, time: float) -> float:
        """How far the hearing is: the part of what was read, times how far the reading is."""
        return min(1.0, max(0.0, self.sound.fraction * (time - self.sound.start) / max(self.duration, 0.001)))

    def _recognise_language(self, window: np.ndarray, chunks: list[Stretch]) -> None:
        """Settle the language by the first speech that leaves little doubt; until then, the best guess so far."""
        import numpy as np

        if self.is_language_given or self.language_probability >= SURE:
            return
        if not self.decoder.is_multilingual:
            self.language, self.language_probability = "en", 1.0
            return
        speech = np.concatenate([_slice(window, chunk) for chunk in chunks[:4]])[: 30 * SAMPLE_RATE]
        language, probability = self.decoder.language(speech)
        if probability > self.language_probability:
            self.language, self.language_probability = language, probability


class _Tape:
    """Sound run past an ear: what lies before ``at`` is forgotten. ``at`` is on the file's clock."""

    def __init__(self, sound: Sound) -> None:
        self.start = sound.start
        self.has_ended = False
        self._blocks = sound.blocks()
        self._held: list[np.ndarray] = []
        self._passed = 0

    @property
    def at(self) -> float:
        return self.start + self._passed / SAMPLE_RATE

    def __len__(self) -> int:
        """Samples held."""
        return sum(len(block) for block in self._held)

    def window(self, seconds: float) -> np.ndarray:
        """Up to so many seconds from ``at`` on, as float32; ``has_ended`` tells whether this is all there is."""
        import numpy as np

        held = len(self)
        while held <= seconds * SAMPLE_RATE and not self.has_ended:
            block = next(self._blocks, None)
            if block is None:
                self.has_ended = True
            else:
                self._held.append(block)
                held += len(block)
        if not self._held:
            return np.zeros(0, dtype=np.float32)
        self._held = [np.concatenate(self._held)]
        return self._held[0].astype(np.float32) / 32768.0

    def forward(self, seconds: float) -> None:
        """Forget so many seconds."""
        import numpy as np

        count = min(round(seconds * SAMPLE_RATE), len(self))
        self._held = [np.concatenate(self._held)[count:].copy()]
        self._passed += count


def _speech(window: np.ndarray, longest: float = float("inf")) -> list[Stretch]:
    """Stretches of speech in a window, in its own seconds, none longer than ``longest``."""
    try:
        from faster_whisper.vad import VadOptions, get_speech_timestamps
    except ImportError as exc:
        raise LocalModelMissing("The speech engine is not installed.", "Run: pip install -r requirements.txt") from exc
    options = VadOptions(
        threshold=THRESHOLD,
        min_speech_duration_ms=SHORTEST_MS,
        max_speech_duration_s=longest,
        min_silence_duration_ms=PAUSE_MS,
        speech_pad_ms=0,
    )
    found = get_speech_timestamps(window, options)
    length = len(window) / SAMPLE_RATE
    return [
        (each["start"] / SAMPLE_RATE, min(each["end"] / SAMPLE_RATE, length))
        for each in found
        if each["start"] < len(window)
    ]


def _cut(stretches: list[Stretch], length: float, has_ended: bool) -> float:
    """Where a window may end without cutting a stretch of speech, if there is such a place."""
    if has_ended or not stretches:
        return length if has_ended else length - 0.5
    begin, finish = stretches[-1]
    if finish < length - 1.0:
        return length - 0.5
    return max(begin - MARGIN, (stretches[-2][1] + begin) / 2 if len(stretches) > 1 else 0.0) if begin > 1 else length


def _chunks(stretches: list[Stretch], length: float, first_longest: float) -> list[Stretch]:
    """Neighbouring stretches of speech gathered, with a margin of the pauses around them that no two share."""
    gathered: list[list[float]] = []
    for begin, finish in stretches:
        longest = first_longest if len(gathered) <= 1 else CHUNK
        if gathered and finish - gathered[-1][0] <= longest and begin - gathered[-1][1] <= LONG_PAUSE:
            gathered[-1][1] = finish
        else:
            gathered.append([begin, finish])
    borders = [0.0, *((left[1] + right[0]) / 2 for left, right in pairwise(gathered)), length]
    return [
        (max(begin - MARGIN, before), min(finish + MARGIN, after))
        for (begin, finish), before, after in zip(gathered, borders, borders[1:], strict=False)
    ]


def _slice(window: np.ndarray, chunk: Stretch) -> np.ndarray:
    return window[int(chunk[0] * SAMPLE_RATE) : int(chunk[1] * SAMPLE_RATE)]


def _language_for(local: LocalModel, language: str | None) -> str | None:
    """The code to ask the model for. Raises SpeechError where it does not know that language."""
    code = language_code(language)
    if local.languages == ENGLISH:
        if code not in (None, "en"):
            raise SpeechError(
                f"{local.name} knows English only, and {LANGUAGES[code]} was asked for.",
                "Choose local/whisper-base, which knows about 100 languages.",
            )
        return None if code is None else "en"
    return code
