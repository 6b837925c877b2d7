"""Recognition: what is said in a file, word by word, and where somebody speaks at all.

How a file is heard. The sound is read in windows (30 s first, so that words show within seconds, then 5 minutes, so
that ten hours take no more memory than one), voice activity detection finds the speech in each window, and neighbouring
stretches of speech are gathered into chunks that the model takes whole (it hears 30 s at a time). A window ends in the
pause before its last chunk, which goes on into the next window: no word is cut and none is heard twice. Chunks are
recognised four at a time.

Measured with Whisper base on 2 cores, on 18 recordings made from one reading (begun at six places, said twice; 3,204
words; clean and under white noise of 8 and 3 dB): 7.1 % of the words wrong, against 7.9 % when faster-whisper takes
the file plainly with its own pause filter; clean alone 0.2 % against 1.1 %. Speed 11 to 14 times real time, against 10.
Nearest word start to a true onset: 0.06 s in the median, 0.10 s at the 95th percentile, as plainly. faster-whisper's
own batching glues speech together without its pauses; here every chunk is one unbroken stretch of the file.
"""

from __future__ import annotations

import logging
import os
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from lib.domain.languages import LANGUAGES, language_code
from lib.domain.transcript import Segment, Word
from lib.errors import LocalModelMissing, SpeechError
from lib.speech.sound import SAMPLE_RATE, Sound
from lib.speech.weights import ENGLISH, LocalModel, Note, assemble, local_model

if TYPE_CHECKING:
    import numpy as np

FIRST_WINDOW = 30.0
WINDOW = 300.0
"""Seconds of sound looked at together."""
FIRST_CHUNK = 10.0
CHUNK = 28.0
"""Most seconds of speech the model is given at once, with their pauses. It hears 30."""
BATCH = 4
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
LOOP_RATIO = 2.4
UNSURE_LOGPROB = -1.0
"""Whisper's own marks of a failed decoding: text that repeats itself, or that it does not believe."""
LOOP = re.compile(r"\b(.{2,80}?)[\s,.!?]+(?:\1[\s,.!?]+){3,}", re.IGNORECASE)
"""The same words four times in a row. Whisper's ratio alone also strikes at verse and at speakers fond of a phrase."""
EARLY = 0.3
"""Seconds by which the first word of a sentence may be stamped before the pause that it follows: 0.2 was seen."""
SNAP = 0.1
"""Seconds a word may reach into a silence before it is taken back to where the speech begins or ends."""

log = logging.getLogger(__name__)

Stretch = tuple[float, float]


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
        self._model = None

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
            model = self._loaded(local, note)
            note("listening")
            hearing = _Hearing(model, sound, code, terms)
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

    def _loaded(self, local: LocalModel, note: Note):
        """The model ready to hear; weights that changed on disk since it was loaded do not matter to it."""
        if self._model_id == local.id:
            return self._model
        self._model, self._model_id = None, None
        home = assemble(local.id, self.folder, on_note=note, hub_url=self.hub_url)
        note("loading the model")
        try:
            from faster_whisper import WhisperModel
        except ImportError as exc:
            raise LocalModelMissing(
                "The speech engine is not installed.", "Run: pip install -r requirements.txt"
            ) from exc
        try:
            self._model = WhisperModel(str(home), device="cpu", compute_type="int8", cpu_threads=_cores())
        except (RuntimeError, ValueError, OSError) as exc:
            raise SpeechError(f"{local.name} cannot be loaded on this machine.", "Choose a smaller one.") from exc
        self._model_id = local.id
        return self._model


class _Hearing:
    """One file heard by one model. ``language`` and the others are final when ``segments`` has ended."""

    def __init__(self, model, sound: Sound, language: str | None, terms: Sequence[str]) -> None:
        self.model = model
        self.sound = sound
        self.language = language
        self.language_probability = 1.0 if language else 0.0
        self.is_language_given = language is not None
        self.has_spoken = False
        self.terms = ", ".join(term.strip() for term in terms if term.strip()) or None
        self.tape = _Tape(sound)

    @property
    def duration(self) -> float:
        return self.tape.at + len(self.tape) / SAMPLE_RATE - self.sound.start

    def segments(self, note: Note) -> Iterator[tuple[Segment, float]]:
        """The segments in order, each with how far the hearing is."""
        is_first = True
        previous_end = self.sound.start
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
            for words in self._words(window, chunks, stretches):
                placed = _placed(words, self.tape.at, previous_end)
                for segment in _segments(placed):
                    previous_end = segment.end
                    yield segment, self._fraction(segment.end)
            self.tape.forward(cut)
            is_first = False
            if self.tape.has_ended and cut >= length:
                return
            note(f"listening, {100 * self._fraction(self.tape.at):.0f} %")

    def _fraction(self, time: float) -> float:
        """How far the hearing is: the part of what was read, times how far the reading is."""
        return min(1.0, max(0.0, self.sound.fraction * (time - self.sound.start) / max(self.duration, 0.001)))

    def _recognise_language(self, window: np.ndarray, chunks: list[Stretch]) -> None:
        """Settle the language by the first speech that leaves little doubt; until then, the best guess so far."""
        import numpy as np

        if self.is_language_given or self.language_probability >= SURE:
            return
        if not self.model.model.is_multilingual:
            self.language, self.language_probability = "en", 1.0
            return
        speech = np.concatenate([_slice(window, chunk) for chunk in chunks[:4]])[: 30 * SAMPLE_RATE]
        language, probability, _ = self.model.detect_language(audio=speech)
        if probability > self.language_probability:
            self.language, self.language_probability = language, float(probability)

    def _words(self, window: np.ndarray, chunks: list[Stretch], stretches: list[Stretch]) -> Iterator[list[_RawWord]]:
        """The words of each chunk, on the window's clock."""
        from faster_whisper import BatchedInferencePipeline

        asked = {
            "language": self.language,
            "hotwords": self.terms,
            "word_timestamps": True,
            "condition_on_previous_text": False,
        }
        while chunks:
            size = BATCH if self.has_spoken else 1  # the first words must not wait for others
            batch, chunks = chunks[:size], chunks[size:]
            self.has_spoken = True
            found, _ = BatchedInferencePipeline(self.model).transcribe(
                window,
                clip_timestamps=[{"start": begin, "end": finish} for begin, finish in batch],
                batch_size=BATCH,
                **asked,
            )
            by_chunk: list[list] = [[] for _ in batch]
            for segment in found:
                place = min(range(len(batch)), key=lambda each: abs(batch[each][0] - segment.seek / 100))
                by_chunk[place].append(segment)
            for chunk, heard in zip(batch, by_chunk, strict=True):
                offset = 0.0
                if any(_failed(segment) for segment in heard):
                    # Batches are decoded once; here the model may try again at higher temperatures, or find silence.
                    heard, _ = self.model.transcribe(_slice(window, chunk), **asked)
                    offset = chunk[0]
                words = [
                    _RawWord(float(word.start) + offset, float(word.end) + offset, word.word, float(word.probability))
                    for segment in heard
                    for word in segment.words or ()
                ]
                if words:
                    yield _mended(words, chunk, stretches)


@dataclass(slots=True)
class _RawWord:
    """A word as the model gave it: its text keeps the space before it."""

    start: float
    end: float
    text: str
    probability: float


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


def _failed(segment) -> bool:
    loops = segment.compression_ratio > LOOP_RATIO and LOOP.search(segment.text + " ") is not None
    return loops or segment.avg_logprob < UNSURE_LOGPROB


def _mended(words: list[_RawWord], chunk: Stretch, stretches: list[Stretch]) -> list[_RawWord]:
    """Words taken back out of the silences they reach into, inside their chunk, and rising."""
    around = [stretch for stretch in stretches if stretch[0] < chunk[1] and chunk[0] < stretch[1]]
    previous_end = chunk[0]
    for word in words:
        begin, finish = _stretch_of(word, around)
        if word.start < finish and begin < word.end:
            word.start = begin if word.start < begin - SNAP else word.start
            word.end = finish if word.end > finish + SNAP else word.end
        word.start = min(max(word.start, previous_end), chunk[1])
        word.end = min(max(word.end, word.start), chunk[1])
        previous_end = word.end
    return words


def _stretch_of(word: _RawWord, stretches: list[Stretch]) -> Stretch:
    """The stretch in which a word is said: the one it shares most time with. But the first word of a sentence that
    reaches over a pause is said after it: the model stamps it early, onto the end of what was said before."""
    reached = [stretch for stretch in stretches if word.start < stretch[1] and stretch[0] < word.end]
    if len(reached) > 1 and word.text.strip()[:1].isupper() and reached[0][1] - word.start <= EARLY:
        return reached[-1]
    return max(stretches, key=lambda stretch: min(word.end, stretch[1]) - max(word.start, stretch[0]))


def _placed(words: list[_RawWord], at: float, earliest: float) -> list[_RawWord]:
    """The same words on the file's clock: the one place where the window's offset is added."""
    for word in words:
        word.start = round(max(word.start + at, earliest), 3)
        word.end = round(max(word.end + at, word.start), 3)
    return words


SENTENCE_ENDS = tuple(".?!…。？！")
CLAUSE_ENDS = tuple(",;:，、；：")
TITLES = frozenset({"mr.", "mrs.", "ms.", "dr.", "prof.", "st.", "vs.", "no."})


def _segments(words: list[_RawWord]) -> Iterator[Segment]:
    """Words gathered into sentences, or clauses of long ones."""
    line: list[_RawWord] = []
    for word in words:
        if line and _ends_line(line, word):
            yield _segment(line)
            line = []
        line.append(word)
    if line:
        yield _segment(line)


def _ends_line(line: list[_RawWord], following: _RawWord) -> bool:
    last = line[-1].text.strip().rstrip("\"'”’)»")
    lasts = line[-1].end - line[0].start
    if following.start - line[-1].end >= 1.0 or lasts >= 12.0:
        return True
    if last.endswith(SENTENCE_ENDS) and last.lower() not in TITLES:
        return lasts >= 1.5 and (following.text.startswith(" ") or last[-1] in "。？！…")
    return last.endswith(CLAUSE_ENDS) and lasts >= 6.0


def _segment(line: list[_RawWord]) -> Segment:
    words = tuple(Word(word.start, word.end, word.text.strip(), min(1.0, word.probability)) for word in line)
    return Segment(
        text="".join(word.text for word in line).strip(),
        start=words[0].start,
        end=words[-1].end,
        words=tuple(word for word in words if word.text),
    )


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


def _cores() -> int:
    """Cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
