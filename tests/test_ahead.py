"""What is done before it is asked for: pauses looked for near the cuts first, and files made while a server thinks."""

from __future__ import annotations

import time
import wave
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from lib.domain.cuts import longest_silence
from lib.domain.media import Clip, SourceKind
from lib.domain.plan import RouteChoice, Times
from lib.domain.run import PartState, RunState
from lib.pipeline.hear import silences_near
from lib.pipeline.ingest import held_asset, keep_path
from lib.pipeline.tools import Tools
from lib.services import Services, open_tools
from lib.speech import Listener
from lib.speech.sound import SAMPLE_RATE, Sound
from tests.fakes.openrouter_server import FakeOpenRouter, Reply
from tests.services_fixtures import services_beside_server
from tests.test_jobs import asked, wait_for
from tests.waiting import is_over

MODEL = "google/gemini-3.8-flash"


@pytest.mark.parametrize(
    ("stretches", "longest"),
    [
        ([], 10.0),
        ([(0.0, 10.0)], 0.0),
        ([(0.0, 4.0), (4.2, 10.0)], 0.0),
        ([(0.0, 4.0), (4.5, 9.0)], 1.0),
        ([(2.0, 4.0), (4.5, 10.0)], 2.0),
    ],
)
def test_the_longest_silence_counts_pauses_that_could_hold_a_cut(stretches, longest):
    """A fifth of a second between two sounds of a word is no pause; what lies before and after counts."""
    assert longest_silence(0.0, 10.0, stretches) == pytest.approx(longest)


class Quiet:
    """Takes the place of a run's reporter: nobody listens and nobody cancels."""

    run_id = ""

    def stage(self, *_: object) -> None:
        return

    def check(self) -> None:
        return


@pytest.fixture
def tools(settings):
    tools = open_tools(settings)
    yield tools
    tools.store.close()


@pytest.fixture(scope="module")
def unbroken(two_cities, tmp_path_factory) -> np.ndarray:
    """The reading without its pauses."""
    sound = np.concatenate(list(Sound(two_cities).blocks()))
    stretches = Listener(tmp_path_factory.mktemp("weights")).speech_stretches(two_cities)
    return np.concatenate([sound[int(start * SAMPLE_RATE) : int(end * SAMPLE_RATE)] for start, end in stretches])


def listened(tools: Tools, asset_id: str, around: Clip) -> bool:
    return tools.store.assets.speech(asset_id, around) is not None


def recorded(path: Path, *pieces: np.ndarray) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(np.concatenate(pieces).astype("<i2").tobytes())
    return path


def test_a_pause_is_looked_for_near_a_cut_first_and_then_farther(tools, unbroken, tmp_path):
    """A pause of a second 10 s behind the wanted cut is found, though only by listening again; one that is near
    is found at once."""
    at = 20 * SAMPLE_RATE
    path = recorded(tmp_path / "talk.wav", unbroken[:at], np.zeros(SAMPLE_RATE), unbroken[at:])
    source = keep_path(path, SourceKind.FILE, tools)
    asset = held_asset(source.asset_id, tools)
    clip = Clip(0.0, asset.duration)
    for cut, is_near in ((10.0, False), (19.0, True)):
        speech = silences_near(asset, clip, [cut], tools, Quiet())
        silences = [(one[1], other[0]) for one, other in pairwise(speech)]
        begin, end = max(silences, key=lambda silence: silence[1] - silence[0])
        assert begin == pytest.approx(20.0, abs=0.3)
        assert end == pytest.approx(21.0, abs=0.3)
        assert listened(tools, asset.id, Clip(cut - 6, cut + 6))
        assert listened(tools, asset.id, Clip(max(0.0, cut - 15), cut + 15)) is not is_near


@pytest.fixture
def server():
    with FakeOpenRouter(answer="[00:01] Ever tried, ever failed.") as server:
        yield server


@pytest.fixture
def services(tmp_path, server):
    """Services that ask about one part at a time."""
    with services_beside_server(tmp_path / "data", server, CUEWISE_PARTS_AT_ONCE="1") as services:
        yield services


def files_made(services: Services) -> int:
    return len(list((services.settings.data_dir / "renditions").glob("*/*.mp3")))


def test_the_next_file_is_made_while_a_server_thinks(services, server, talking_video):
    """The first part is still being asked about, the second waits for its turn, and its file is there."""
    server.enqueue(Reply.silence(60))
    request = services.new_request(services.keep_file(talking_video), MODEL, times=Times.MODEL)
    run = services.submit(replace(request, part_seconds=12.0, route=RouteChoice.AUDIO))
    until = time.monotonic() + 60
    while files_made(services) < 2:
        assert time.monotonic() < until, "only the file that is being sent was made"
        time.sleep(0.1)
    running = services.run(run.id)
    assert [part.state for part in running.parts[:2]] == [PartState.ASKING, PartState.WAITING]
    assert asked(server) <= 1
    services.cancel(run.id)


def test_a_file_that_was_made_ahead_is_sent(services, server, talking_video):
    """Each part is made once and asked about once, whoever made it first."""
    request = services.new_request(services.keep_file(talking_video), MODEL, times=Times.MODEL)
    run = services.submit(replace(request, part_seconds=12.0, route=RouteChoice.AUDIO))
    done = wait_for(services, run, is_over, 120)
    assert done.state is RunState.DONE, done.failure
    assert files_made(services) == asked(server) == len(done.parts) > 2
