"""Speech on this machine: real voices, heard by real weights."""

from __future__ import annotations

import itertools
import re
import threading
import time
import wave
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from rapidfuzz.distance import Levenshtein

from lib.errors import Cancelled, MediaError, NoSound, NotMedia, SpeechError
from lib.speech import recognition
from lib.speech.lines import RawWord, mended
from lib.speech.sound import Sound
from tests.conftest import run_ffmpeg
from tests.speech_fixtures import BASE, TINY, TINY_FOLDER, listener, said, weights

__all__ = ["listener", "weights"]
TWO_CITIES = (
    "It was the best of times it was the worst of times it was the age of wisdom it was the age of foolishness "
    "it was the epoch of belief it was the epoch of incredulity it was the season of light it was the season of "
    "darkness it was the spring of hope it was the winter of despair we had everything before us we had nothing "
    "before us we were all going direct to heaven we were all going direct the other way in short the period was so "
    "far like the present period that some of its noisiest authorities insisted on its being received for good or for "
    "evil in the superlative degree of comparison only"
)


def write_wav(path: Path, samples: np.ndarray, rate: int = 16_000) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.astype(np.int16).tobytes())
    return path


def bare(text: str) -> list[str]:
    return re.sub(r"[^a-z ]", "", text.lower().replace("-", " ")).split()


def word_error_rate(reference: str, hypothesis: str) -> float:
    return Levenshtein.distance(bare(reference), bare(hypothesis)) / len(bare(reference))


@pytest.fixture(scope="module")
def heard(listener, two_cities):
    """The recording heard once by the default model, with everything it told on the way."""
    told: list = []
    result = listener.transcribe(BASE, two_cities, on_segment=lambda *each: told.append(each), on_note=told.append)
    return result, told


class TestHearing:
    def test_the_default_model_hears_a_recording(self, heard):
        """The default model writes down a recorded reading with at most 2 words in 100 wrong."""
        result, _ = heard
        assert "best of times" in said(result)
        assert word_error_rate(TWO_CITIES, said(result)) <= 0.02
        assert (result.language, result.duration) == ("en", pytest.approx(44.374, abs=0.01))
        assert 0.5 < result.language_probability <= 1

    def test_words_rise_inside_their_segments(self, heard):
        """Every segment has its words, in order of time, inside it; segments rise too; times are plain numbers."""
        result, _ = heard
        latest = 0.0
        for segment in result.segments:
            assert "".join(word.text for word in segment.words) == segment.text.replace(" ", "")
            assert (segment.words[0].start, segment.words[-1].end) == (segment.start, segment.end)
            for word in segment.words:
                assert latest <= word.start <= word.end <= result.duration
                assert {type(word.start), type(word.end), type(word.probability)} == {float}
                latest = word.end
        assert len(result.segments) >= 8

    def test_words_begin_where_the_sound_begins(self, heard, listener, two_cities):
        """A word that follows a pause starts within a quarter of a second of the sound, most within a tenth."""
        result, _ = heard
        stretches = listener.speech_stretches(two_cities)
        onsets = [begin for (_, end), (begin, _) in itertools.pairwise(stretches) if begin - end > 0.3]
        errors = sorted(min(abs(word.start - onset) for word in result.words) for onset in onsets)
        assert errors[len(errors) // 2] < 0.1
        assert errors[-1] < 0.25

    def test_segments_come_with_progress(self, heard):
        """Segments are told as they are heard, with how far it is, and notes say what is going on."""
        result, told = heard
        pairs = [each for each in told if isinstance(each, tuple)]
        assert tuple(segment for segment, _ in pairs) == result.segments
        fractions = [fraction for _, fraction in pairs]
        assert fractions == sorted(fractions)
        assert fractions[0] < 0.5 < fractions[-1] <= 1
        notes = [each for each in told if isinstance(each, str)]
        assert notes[:3] == ["checking the weights of whisper-base", "loading the model", "listening"]

    def test_a_clip_keeps_the_clock_of_the_file(self, listener, two_cities):
        """Only the clip is heard, and its times are those of the whole file."""
        result = listener.transcribe(BASE, two_cities, start=24, end=33, language="English")
        assert "heaven" in said(result)
        assert "best of times" not in said(result)
        (heaven,) = [word for word in result.words if "heaven" in word.text]
        assert 25.4 < heaven.start < heaven.end < 26.3
        assert all(24 <= word.start <= word.end <= 33 for word in result.words)
        assert result.duration == 9
        assert (result.language, result.language_probability) == ("en", 1)

    def test_the_small_model_hears_english(self, listener, two_cities):
        """tiny.en works straight from its package."""
        result = listener.transcribe(TINY, two_cities, end=13)
        assert "it was the best of times" in " ".join(bare(said(result)))
        assert result.language == "en"

    def test_names_are_heard_as_they_are_given(self, listener, beckett):
        """Terms lead the model to the spelling asked for."""
        result = listener.transcribe(TINY, beckett, terms=["Ever tried", "Fail better"])
        assert "fail better" in " ".join(bare(said(result)))

    def test_an_english_model_says_so(self, listener, two_cities):
        """A model that knows English only refuses another language in words, before it listens."""
        with pytest.raises(SpeechError, match=r"tiny\.en knows English only, and German was asked for"):
            listener.transcribe(TINY, two_cities, language="German")

    def test_cancel_stops_at_once(self, listener, two_cities):
        """What a callback raises ends the hearing, and the next one can begin."""
        told = []

        def cancel(segment, fraction):
            told.append(segment)
            raise Cancelled("Cancelled.")

        with pytest.raises(Cancelled):
            listener.transcribe(TINY, two_cities, on_segment=cancel)
        assert len(told) == 1
        assert listener.transcribe(TINY, two_cities, end=5).segments

    def test_one_at_a_time(self, listener, two_cities):
        """A second transcription waits for the first, says so, and can be cancelled while it waits."""
        inside, go_on = threading.Event(), threading.Event()

        def hold(segment, fraction):
            inside.set()
            go_on.wait(10)

        first = threading.Thread(
            target=listener.transcribe, args=(TINY, two_cities), kwargs={"end": 5, "on_segment": hold}
        )
        first.start()
        assert inside.wait(30)

        def note(text):
            assert text == "waiting for another transcription to end"
            raise Cancelled("Cancelled.")

        with pytest.raises(Cancelled):
            listener.transcribe(TINY, two_cities, on_note=note)
        go_on.set()
        first.join()


@pytest.fixture(scope="module")
def long(two_cities, tmp_path_factory) -> Path:
    """The reading eight times over, six minutes."""
    path = tmp_path_factory.mktemp("long") / "long.flac"
    run_ffmpeg("-stream_loop", 7, "-i", two_cities, "-ar", 16000, path)
    return path


class TestLongRecordings:
    def test_no_word_is_lost_or_doubled_at_a_border(self, listener, long, monkeypatch):
        """Recognised across many windows, the text comes out whole, the first words before the second window."""
        monkeypatch.setattr(recognition, "WINDOW", 40.0)
        told: list = []
        result = listener.transcribe(
            TINY, long, end=150, on_segment=lambda segment, fraction: told.append(fraction), on_note=told.append
        )
        reference = " ".join([TWO_CITIES] * 3 + [TWO_CITIES[: TWO_CITIES.index("it was the spring")]])
        assert word_error_rate(reference, said(result)) < 0.03
        listening = told.index("listening")
        assert isinstance(told[listening + 1], float)
        assert told[listening + 1] < 0.05
        windows = [each for each in told if isinstance(each, str) and each.endswith("%")]
        assert len(windows) >= 3
        times = [time for word in result.words for time in (word.start, word.end)]
        assert times == sorted(times)

    def test_words_before_a_long_silence_do_not_wait_for_its_end(self, listener, two_cities, tmp_path, monkeypatch):
        """Where hardly anybody speaks, what was said is told while the silence after it is still being read."""
        found = recognition._speech

        def slowly(*arguments):
            time.sleep(0.3)
            return found(*arguments)

        monkeypatch.setattr(recognition, "WINDOW", 20.0)
        monkeypatch.setattr(recognition, "_speech", slowly)
        quiet = tmp_path / "quiet.flac"
        run_ffmpeg("-i", two_cities, "-af", "atrim=end=17,apad=whole_dur=240", "-ar", 16000, quiet)
        told: list = []
        listener.transcribe(TINY, quiet, on_segment=lambda segment, fraction: told.append(segment), on_note=told.append)
        spoken = [place for place, each in enumerate(told) if not isinstance(each, str)]
        assert "darkness" in told[spoken[-1]].text.lower()
        assert len(told) - spoken[-1] > 3  # of those told at the end, there is one

    def test_a_cancel_amid_the_batches_leaves_nothing_behind(self, listener, long):
        """Cancelled while several batches are being decoded, a hearing stops, and the next is heard as ever."""
        told: list = []

        def cancel(segment, fraction):
            told.append(fraction)
            if fraction > 0.2:
                raise Cancelled("Cancelled.")

        with pytest.raises(Cancelled):
            listener.transcribe(TINY, long, on_segment=cancel)
        assert told[-2] <= 0.2 < told[-1]
        assert "best of times" in said(listener.transcribe(TINY, long, end=10))

    def test_stretches_of_speech_do_not_feel_the_windows(self, listener, long, two_cities):
        """Speech is found in a long file where it is found in a short one."""
        once = listener.speech_stretches(two_cities)
        eight = listener.speech_stretches(long)
        assert len(once) >= 10
        expected = [(begin + 44.374 * turn, end + 44.374 * turn) for turn in range(8) for begin, end in once]
        for edge in (0, 1):
            assert all(min(abs(each[edge] - other[edge]) for other in eight) < 0.15 for each in expected)
        assert all(left[1] < right[0] for left, right in itertools.pairwise(eight))
        lasts = sum(end - begin for begin, end in eight)
        assert lasts == pytest.approx(sum(end - begin for begin, end in expected), rel=0.03)
        shares = []
        clipped = listener.speech_stretches(long, start=100, end=120, on_progress=shares.append)
        assert shares == sorted(shares)
        assert shares[-1] == 1
        assert all(100 <= begin < end <= 120 for begin, end in clipped)


@pytest.fixture(scope="module")
def decoder():
    from lib.speech.decoding import Decoder

    return Decoder(TINY_FOLDER, at_once=2)


@pytest.fixture(scope="module")
def reading(two_cities) -> np.ndarray:
    """The samples of the reading as the model takes them."""
    return np.concatenate(list(Sound(two_cities).blocks())).astype(np.float32) / 32768


@pytest.fixture(scope="module")
def chunks(reading) -> list[np.ndarray]:
    """Three chunks of the reading, of 12, 4 and 8 seconds."""
    return [reading[int(begin * 16_000) : int(end * 16_000)] for begin, end in ((0.5, 13), (13, 17), (20.8, 28.7))]


class TestDecoding:
    def test_a_chunk_is_heard_in_a_batch_as_it_is_alone(self, decoder, chunks):
        """Who shares a batch with a chunk changes neither its words nor, by more than 0.15 s, their times."""
        together = decoder.words(chunks, "en", None)
        for chunk, words in zip(chunks, together, strict=True):
            (alone,) = decoder.words([chunk], "en", None)
            assert [word.text for word in words] == [word.text for word in alone]
            assert np.allclose([word.start for word in words], [word.start for word in alone], atol=0.15)
            assert all(0 <= word.start <= word.end <= len(chunk) / 16_000 for word in words)
        assert "heaven" in "".join(word.text for word in together[2])

    def test_a_long_chunk_is_heard_to_its_end(self, decoder, reading):
        """A chunk longer than the encoder usually hears loses nothing."""
        (words,) = decoder.words([reading[: int(28.7 * 16_000)]], "en", None)
        text = "".join(word.text for word in words)
        assert word_error_rate(TWO_CITIES[: TWO_CITIES.index(" in short")], text) < 0.05
        assert 27 < words[-1].start < 28.7

    def test_batches_side_by_side_do_not_mix(self, decoder, chunks):
        """Two threads get the words of their own chunks."""
        with ThreadPoolExecutor(2) as pool:
            first, second = pool.map(lambda chunk: decoder.words([chunk], "en", None)[0], (chunks[0], chunks[2]))
        assert "wisdom" in "".join(word.text for word in first)
        assert "heaven" in "".join(word.text for word in second)


class TestSilenceAndOtherInput:
    def test_silence_has_no_words(self, listener, tmp_path):
        """A silent file is no error; it has no segments and no language."""
        silent = write_wav(tmp_path / "silent.wav", np.zeros(40 * 16_000))
        result = listener.transcribe(TINY, silent)
        assert (result.segments, result.language, result.duration) == ((), None, 40)
        assert listener.speech_stretches(silent) == ()

    def test_noise_and_tones_have_no_words(self, listener, tmp_path):
        """Neither hiss nor a hum makes the model invent."""
        rng = np.random.default_rng(7)
        hum = 6000 * np.sin(2 * np.pi * 220 * np.arange(20 * 16_000) / 16_000)
        noise = write_wav(tmp_path / "noise.wav", np.concatenate([rng.normal(0, 2000, 20 * 16_000), hum]))
        assert listener.transcribe(TINY, noise).segments == ()

    def test_an_empty_clip_behind_the_end(self, listener, two_cities):
        """A clip behind the end of the sound is silent."""
        result = listener.transcribe(TINY, two_cities, start=60, end=70)
        assert (result.segments, result.duration) == ((), 0)

    def test_a_video_whose_sound_starts_late(self, listener, two_cities, tmp_path):
        """Sound that begins three seconds into a video keeps its place, and so does a clip of it."""
        late = tmp_path / "-late'\n🎬.mp4"
        run_ffmpeg(
            *("-f", "lavfi", "-i", "testsrc=s=160x120:r=5:d=18", "-itsoffset", 3, "-t", 14, "-i", two_cities),
            *("-map", 0, "-map", 1, "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", f"file:{late}"),
        )
        on_its_own = listener.transcribe(TINY, two_cities, end=14)
        whole = listener.transcribe(TINY, late)
        clip = listener.transcribe(TINY, late, start=7.5, end=12)

        def wisdom(heard):
            return next(word.start for word in heard.words if "wisdom" in word.text)

        assert wisdom(whole) == pytest.approx(wisdom(on_its_own) + 3, abs=0.15)
        assert wisdom(clip) == pytest.approx(wisdom(on_its_own) + 3, abs=0.15)

    @pytest.mark.parametrize("name", ["a.m4a", "a.mp3", "a.webm", "a.ts", "a.avi", "a.mpg", "a.aac"])
    def test_every_container_keeps_the_clock(self, listener, two_cities, tmp_path, name):
        """A clip lies at the same place in every container, whether it can be entered in the middle or not."""
        run_ffmpeg("-i", two_cities, tmp_path / name)
        plain = listener.speech_stretches(two_cities, start=12, end=30)
        coded = listener.speech_stretches(tmp_path / name, start=12, end=30)
        assert np.abs(np.array(plain[:3]) - np.array(coded[:3])).max() < 0.1

    def test_a_torn_file_is_heard_as_far_as_it_goes(self, listener, two_cities, tmp_path):
        """Half a file gives half the words."""
        run_ffmpeg("-i", two_cities, tmp_path / "whole.mp3")
        whole = (tmp_path / "whole.mp3").read_bytes()
        torn = tmp_path / "torn.mp3"
        torn.write_bytes(whole[: len(whole) // 4] + bytes(2000))
        assert "best of times" in said(listener.transcribe(TINY, torn))

    def test_a_recording_that_does_not_know_its_length(self, listener, two_cities, tmp_path):
        """A browser's recording, which says no duration, is heard with rising progress and can be clipped."""
        live = tmp_path / "live.webm"
        run_ffmpeg("-i", two_cities, "-t", 14, "-c:a", "libopus", "-live", 1, "-f", "webm", live)
        told = []
        listener.transcribe(TINY, live, on_segment=lambda segment, fraction: told.append(fraction))
        assert told == sorted(told)
        assert told[0] < 0.5 < told[-1]
        assert "epoch of belief" in said(listener.transcribe(TINY, live, start=8, end=12))

    def test_no_sound_is_said(self, listener, tmp_path):
        """A silent film, a text named .mp4 and a file that is gone each have their sentence."""
        film = tmp_path / "film.mp4"
        run_ffmpeg("-f", "lavfi", "-i", "testsrc=s=160x120:r=5:d=2", film)
        with pytest.raises(NoSound, match="has no sound"):
            listener.transcribe(TINY, film)
        with pytest.raises(NoSound):
            listener.speech_stretches(film)
        (tmp_path / "text.mp4").write_text("hello")
        with pytest.raises(NotMedia, match="cannot be read"):
            listener.transcribe(TINY, tmp_path / "text.mp4")
        with pytest.raises(MediaError, match="no longer there"):
            listener.transcribe(TINY, tmp_path / "gone.mp4")


def test_the_first_word_of_a_sentence_is_said_after_the_pause_it_reaches_over():
    """Stamped onto the end of the sentence before, it is taken to where the speech sets in again; a name is not."""
    stretches = [(0.0, 4.608), (5.024, 6.24)]
    words = [RawWord(3.85, 4.41, " times", 1.0), RawWord(4.41, 5.07, " It", 1.0)]
    told = mended(words, (0.0, 7.0), stretches)
    assert [(word.start, word.end) for word in told] == [(3.85, 4.41), (5.024, 5.07)]
    name = [RawWord(3.9, 5.07, " York", 1.0)]
    assert mended(name, (0.0, 7.0), stretches)[0].end == 4.608
