"""Several tracks of sound: the one that was chosen is heard, sent and timed, by every way, and the other never."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lib.domain.excerpt import Excerpt
from lib.domain.media import AudioStream, Clip, MediaAsset, Source, SourceKind
from lib.domain.plan import Part, Plan, Route, RouteChoice, Times
from lib.domain.run import Generation, RunState
from lib.domain.transcript import Cue, Segment, TimedBy, Transcript, Word
from lib.errors import NoSound, PlanRefused
from lib.media.cut import cut
from lib.media.encode import encode_audio, encode_key_frames, encode_video
from lib.pipeline.generate import listening_digest
from lib.pipeline.hear import HEARING_MODEL
from lib.services import Services
from lib.speech import Listener
from lib.speech.sound import SAMPLE_RATE, Sound
from lib.ui.words import track_words
from tests.conftest import run_ffmpeg
from tests.fakes.openrouter_server import FakeOpenRouter
from tests.media_fixtures import LIMIT, look
from tests.run_fixtures import finish
from tests.test_cli import CommandLine
from tests.test_jobs import asked, wait_for
from tests.waiting import is_over

MODEL = "google/gemini-3.8-flash"
ANSWER = "[00:00] Ever tried. Ever failed.\n[00:03] No matter. Try again.\n[00:06] Fail again. Fail better."


@pytest.fixture(scope="module")
def files(tmp_path_factory, two_tracks) -> dict[str, Path]:
    """The file with two tracks, in two containers."""
    matroska = tmp_path_factory.mktemp("tracks") / "two.mkv"
    run_ffmpeg("-i", two_tracks, "-map", "0", "-c", "copy", "-metadata:s:a:1", "title=The  commentary", matroska)
    return {"mp4": two_tracks, "mkv": matroska}


def loudness(path: Path, seconds: float = 9.5, track: int = 0) -> np.ndarray:
    """How loud each tenth of a second is."""
    sound = np.concatenate([*Sound(path, track=track).blocks(), np.zeros(10 * SAMPLE_RATE)])
    tenths = sound[: int(seconds * SAMPLE_RATE)].astype(float).reshape(-1, SAMPLE_RATE // 10)
    return np.sqrt((tenths**2).mean(axis=1))


def likeness(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.corrcoef(one, other)[0, 1])


def test_the_tracks_of_a_file_are_told_apart(files):
    """Each has its language, its name and its place in the file."""
    first, second = look(files["mkv"]).audio
    assert (first.language, first.title, first.index) == ("eng", None, 0)
    assert (second.language, second.title, second.index) == ("deu", "The commentary", 1)


@pytest.mark.parametrize("kind", ["mp4", "mkv"])
@pytest.mark.parametrize("encode", [encode_audio, encode_video, encode_key_frames])
@pytest.mark.parametrize("track", [0, 1])
def test_every_rendition_holds_the_chosen_track(tmp_path, files, two_cities, beckett, kind, encode, track):
    """What is made of the file sounds like the reading on that track, and not like the other."""
    target = tmp_path / "out"
    asset = look(files[kind]).hearing(track)
    encode(files[kind], target, excerpt=Excerpt.of(0, 10), asset=asset, limit_bytes=LIMIT)
    chosen, other = (two_cities, beckett) if track == 0 else (beckett, two_cities)
    assert likeness(loudness(target), loudness(chosen)) > 0.95
    assert likeness(loudness(target), loudness(other)) < 0.5


@pytest.mark.parametrize("track", [0, 1])
def test_a_cut_holds_the_chosen_track_alone(tmp_path, files, two_cities, beckett, track):
    """Not re-encoded, and without the track that was not chosen."""
    target = tmp_path / "out.mp4"
    cut(files["mp4"], target, start=0, end=10, asset=look(files["mp4"]).hearing(track))
    assert len(look(target).audio) == 1
    chosen, other = (two_cities, beckett) if track == 0 else (beckett, two_cities)
    assert likeness(loudness(target), loudness(chosen)) > 0.95
    assert likeness(loudness(target), loudness(other)) < 0.5


def test_voice_activity_is_that_of_the_chosen_track(tmp_path, files):
    """The second falls silent after ten seconds; the first speaks on."""
    listener = Listener(tmp_path)
    first, second = (listener.speech_stretches(files["mkv"], track=track) for track in (0, 1))
    assert first[-1][1] > 15
    assert second[-1][1] < 10
    entered = listener.speech_stretches(files["mkv"], start=4.0, end=12.0, track=1)
    assert entered[-1][1] == pytest.approx(second[-1][1], abs=0.1)


def test_a_track_that_is_not_there_is_told(files):
    """No other one is heard in its place."""
    with pytest.raises(NoSound, match="track 3"):
        Sound(files["mkv"], track=2)


def test_a_track_behind_one_that_nobody_can_decode_keeps_its_place(tmp_path, files, beckett):
    """Of the first the code is replaced by one that does not exist: the second is the one that is heard."""
    path = tmp_path / "half.mkv"
    path.write_bytes(files["mkv"].read_bytes().replace(b"A_AAC", b"A_ZZZ", 1))
    asset = look(path)
    assert [stream.index for stream in asset.audio] == [1]
    encode_audio(path, tmp_path / "out.mp3", excerpt=Excerpt.of(0, 10), asset=asset, limit_bytes=LIMIT)
    assert likeness(loudness(tmp_path / "out.mp3"), loudness(beckett)) > 0.95


def test_an_asset_of_an_earlier_version_knows_its_tracks_by_their_order():
    """Records from before tracks could be chosen do not say where the file keeps them."""
    streams = (AudioStream("aac", 2, 44100), AudioStream("aac", 1, 48000, "deu", 2.5))
    asset = MediaAsset("a" * 64, 1000, "matroska", "video/x-matroska", 20.0, audio=streams)
    assert asset.hearing(0) == asset
    assert asset.hearing(1).sound_index == 1
    assert [stream.language for stream in asset.hearing(1).audio] == ["deu", None]


@pytest.fixture
def server():
    with FakeOpenRouter(answer=ANSWER) as server:
        yield server


def run_over(services: Services, path: Path, model: str = MODEL, **changes):
    request = services.new_request(services.keep_file(path), model, end=12.0)
    run = wait_for(services, services.submit(replace(request, **changes)), is_over, 120)
    assert run.state is RunState.DONE, run.failure
    return run


def test_the_local_model_hears_the_chosen_track(services, files):
    """Two runs of one model over one file, a track each: two transcripts, and neither is taken for the other."""
    said = {}
    for track in (0, 1, 0):
        run = run_over(services, files["mkv"], "local/whisper-tiny.en", track=track)
        said[track] = services.transcript(run.id).text.lower()
    assert "best of times" in said[0]
    assert "fail better" in said[1]
    assert "times" not in said[1]
    assert run.from_cache, "the third run asked what the first had asked"


def test_stretches_are_proposed_by_the_speech_on_the_chosen_track(services, files):
    """The first speaks on where the second has fallen silent, and is kept apart from it; a third there is not."""
    source = services.keep_file(files["mkv"])
    asset = services.asset(source.asset_id)
    for _ in range(2):
        first, second = (services.proposals.by_speech(asset, 20.0, track=track) for track in (0, 1))
        assert second[-1].end < 10.5 < 15 < first[-1].end
    with pytest.raises(NoSound, match="There is no track 3 of sound: the file has 2"):
        services.proposals.by_speech(asset, 20.0, track=2)


def test_a_remote_model_is_sent_the_chosen_track_and_timed_by_it(services, files):
    """Nothing is heard of the other, and the lines stand where the chosen one says them."""
    run = run_over(services, files["mp4"], track=1)
    assert run.plan.route is Route.CUT
    sent = services._tools.store.assets
    assert [sent.speech(run.asset_id, run.plan.clip, track=track) is None for track in (0, 1)] == [True, False]
    cues = services.transcript(run.id).cues
    assert {cue.timed_by for cue in cues} == {TimedBy.AUDIO}
    assert run.health.coverage > 0.9
    record = json.loads(services.export(run.id, "json").content)
    assert record["track"] == 2


@pytest.mark.parametrize("route", [RouteChoice.AUTO, RouteChoice.AUDIO, RouteChoice.VIDEO])
def test_a_question_about_another_track_is_another_question(services, server, files, route):
    """By every route: the second track is not answered with what is kept of the first."""
    for track in (0, 1, 1):
        run = run_over(services, files["mp4"], track=track, route=route, times=Times.MODEL)
    media = [request.media[0].sha256 for request in server.history if request.media]
    assert asked(server) == len(set(media)) == 2
    assert run.from_cache


def test_a_whole_file_goes_as_it_is_only_with_its_first_track(services, files):
    """Who gets the file whole hears what he likes: with another track it is cut, and the reason says so."""
    source = services.keep_file(files["mp4"])
    request = services.new_request(source, MODEL)
    assert services.plan(request).route is Route.AS_IS
    second = replace(request, track=1)
    plan = services.plan(second)
    assert plan.route is Route.CUT
    assert "only the chosen track of sound is sent" in plan.reason
    assert Route.AS_IS not in {each.route for each in services.alternatives(second)}
    assert services.plan(replace(second, route=RouteChoice.AS_IS)).refusal


def test_a_file_without_such_a_track_is_refused_before_anything_is_sent(services, files, footage):
    """The refusal says how many there are."""
    request = services.new_request(services.keep_file(files["mp4"]), MODEL, track=2)
    with pytest.raises(PlanRefused, match="There is no track 3 of sound: the file has 2"):
        services.submit(request)
    silent = services.new_request(services.keep_file(footage), MODEL, track=1)
    assert "the file has none" in services.plan(silent).refusal


def test_the_command_line_counts_tracks_from_one(tmp_path, two_tracks):
    """--track 2 is heard; a number that cannot be, or that the file has not, is told with exit code 2."""
    cli = CommandLine(tmp_path / "data")
    heard = cli("run", two_tracks, "--model", "local/whisper-tiny.en", "--track", "2", "--end", "12")
    assert heard.returncode == 0, heard.stderr
    assert "fail better" in heard.stdout.lower()
    for wrong, says in (("0", "count from 1"), ("two", "count from 1"), ("3", "the file has 2")):
        refused = cli("run", two_tracks, "--model", "local/whisper-tiny.en", "--track", wrong)
        assert refused.returncode == 2
        assert says in refused.stderr


@pytest.mark.parametrize(
    ("number", "stream", "words"),
    [
        (1, AudioStream("aac", 2, 48000, "eng"), "1 · English · stereo"),
        (2, AudioStream("ac3", 6, 48000, "ger", title="Commentary"), "2 · German · Commentary · 5.1"),
        (3, AudioStream("aac", 1, 48000), "3 · mono"),
        (4, AudioStream("pcm", 4, 48000, "xx"), "4 · xx · 4 channels"),
    ],
)
def test_a_track_is_named_by_what_the_file_says_of_it(number, stream, words):
    """Its number, its language in English, its own name and how it was recorded."""
    assert track_words(number, stream) == words


def test_a_comparison_over_the_second_track_is_measured_by_what_is_heard_on_it(services):
    """Both tracks were heard: its grid, its best of all and that one's health go by the words and speech of its own."""
    english = ["the", "dog", "ran", "through", "a", "little", "park", "today", "again", "and"]
    german = ["der", "Hund", "lief", "heute", "durch", "den", "kleinen", "Park"]
    store, clip = services._tools.store, Clip(0.0, 20.0)
    streams = (AudioStream("aac", 2, 44100, "eng", index=0), AudioStream("aac", 2, 44100, "deu", index=1))
    asset = MediaAsset("a" * 64, 1000, "mp4", "video/mp4", 20.0, audio=streams)
    source = Source(SourceKind.UPLOAD, "film.mp4", asset_id=asset.id, duration=20.0)
    store.assets.keep(asset)
    for track, heard in enumerate((english, german)):
        timed = tuple(Word(2.0 * at, 2.0 * at + 1.5, word) for at, word in enumerate(heard))
        segment = Segment(" ".join(heard), 0.0, 20.0, words=timed)
        request = services.new_request(source, HEARING_MODEL, track=track)
        digest = listening_digest(request, HEARING_MODEL, asset.hearing(track), clip)
        store.runs.add(f"heard{track}", request, None)
        kept = Generation(HEARING_MODEL, segment.text, segments=(segment,))
        store.generations.keep(digest, kept, clip_seconds=20.0, paid_by=f"heard{track}")
        store.assets.keep_speech(asset.id, clip, ((0.0, 2.0 * len(heard)),), track=track)
    for number in range(2):
        run_id, request = f"r{number}", services.new_request(source, MODEL, track=1)
        plan = Plan(MODEL, Route.AUDIO, "", clip=clip, parts=(Part(0, 0.0, 20.0, 10),))
        store.runs.add(run_id, request, plan)
        store.runs.set_asset(run_id, 1, asset.id)
        cues = (Cue(0.0, 8.0, " ".join(german[:4])), Cue(8.0, 16.0, " ".join(german[4:])))
        store.transcripts.keep(run_id, Transcript(cues, " ".join(german), "de"))
        finish(store, run_id)
    comparison = services.comparisons.of_runs(["r0", "r1"])
    health = services.comparisons.take_all(comparison.id, "r0").health
    assert health.coverage > 0.95
    assert health.missing_words == 0
