"""Long videos: parts cut in silence, made smaller where they were too much, repaired alone, timed by the sound."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from itertools import pairwise

import pytest

from lib.domain.plan import RouteChoice, Times
from lib.domain.run import PartState, RunRequest, RunState
from lib.domain.transcript import TimedBy
from lib.services import Services
from tests.conftest import run_ffmpeg
from tests.fakes.openrouter_server import FakeOpenRouter, Reply, Request
from tests.services_fixtures import services_beside_server
from tests.test_jobs import wait_for
from tests.waiting import is_over

MODEL = "google/gemini-3.8-flash"
LINES = (
    # What is said in two_cities, and when each line sets in, in seconds, by ear and by the waveform.
    (1.2, "It was the best of times, it was the worst of times."),
    (5.1, "It was the age of wisdom, it was the age of foolishness."),
    (8.8, "It was the epoch of belief, it was the epoch of incredulity."),
    (13.5, "It was the season of light, it was the season of darkness."),
    (17.3, "It was the spring of hope, it was the winter of despair."),
    (21.2, "We had everything before us, we had nothing before us."),
    (24.7, "We were all going direct to heaven, we were all going direct the other way."),
    (
        29.0,
        "In short, the period was so far like the present period that some of its noisiest authorities "
        "insisted on its being received for good or for evil in the superlative degree of comparison only.",
    ),
)


class Listener(FakeOpenRouter):
    """Answers each part with the lines that are said in it, on the part's own clock, which may run fast or be absent.

    It knows which part it was sent by the length that the prompt names and by the order of the requests' media.
    """

    def __init__(self, parts: list[tuple[float, float]], *, rate: float = 1.0, has_times: bool = True) -> None:
        super().__init__()
        self.parts, self.rate, self.has_times = parts, rate, has_times

    def text(self, start: float, end: float) -> str:
        said = [(at, line) for at, line in LINES if start <= at < end]
        if not self.has_times:
            return "\n".join(line for _, line in said)
        return "\n".join(f"[{stamp((at - start) * self.rate)}] {line}" for at, line in said)

    def reply_to(self, request: Request, path: str) -> Reply:
        if path != "/chat/completions" or self.peek(path) is not None:
            return super().reply_to(request, path)
        return Reply.answer(self.text(*self.part_of(request)))

    def part_of(self, request: Request) -> tuple[float, float]:
        prompt = request.content[1]["text"]
        found = re.search(r"is (\d+) min (\d+) s long", prompt)
        seconds = int(found[1]) * 60 + int(found[2])
        return min(self.parts, key=lambda part: abs(part[1] - part[0] - seconds))


def stamp(seconds: float) -> str:
    return f"{int(seconds) // 60:02d}:{int(seconds) % 60:02d}"


@pytest.fixture
def server():
    with Listener([(0.0, 44.4)]) as server:
        yield server


def request_for(services: Services, path, **changes) -> RunRequest:
    return replace(services.new_request(services.keep_file(path), MODEL), **changes)


def finished(services: Services, request: RunRequest):
    run = wait_for(services, services.submit(request), is_over, 120)
    assert run.state is RunState.DONE, run.failure
    return run, services.transcript(run.id)


def said(text: str) -> list[str]:
    return re.findall(r"[a-z]+", text.lower())


ALL_WORDS = said(" ".join(line for _, line in LINES))


def test_a_fast_clock_is_set_right_by_the_sound(services, server, talking_video):
    """A model whose clock runs 25 % fast: every cue sets in within half a second of the voice."""
    server.rate = 1.25
    run, transcript = finished(services, request_for(services, talking_video))
    assert said(transcript.text) == ALL_WORDS
    assert {cue.timed_by for cue in transcript.cues} == {TimedBy.AUDIO}
    starts = [cue.start for cue in transcript.cues]
    for at, _ in LINES:
        assert min(abs(at - start) for start in starts) < 0.5
    assert run.health.timed_by_audio == 1.0
    assert run.health.coverage > 0.95
    assert not run.health.gaps


def test_a_model_without_times_gets_them_from_the_sound(services, server, talking_video):
    """Text without any time is timed by the audio, and its cues are fit for reading."""
    server.has_times = False
    _, transcript = finished(services, request_for(services, talking_video))
    assert said(transcript.text) == ALL_WORDS
    assert {cue.timed_by for cue in transcript.cues} == {TimedBy.AUDIO}
    assert all(len(cue.text) <= 84 and cue.end - cue.start <= 7.01 for cue in transcript.cues)
    assert all(one.end <= other.start + 0.01 for one, other in pairwise(transcript.cues))


def test_the_models_own_times_are_kept_when_asked_for(services, server, talking_video):
    """--times model: nobody listens, and the cues say that the model timed them."""
    request = request_for(services, talking_video, times=Times.MODEL)
    _, transcript = finished(services, request)
    assert {cue.timed_by for cue in transcript.cues} == {TimedBy.MODEL}


def test_a_long_clip_is_asked_about_in_parts_cut_in_silence(services, server, talking_video):
    """Parts of about 12 s: no word is lost or doubled at their borders, and each part is one request."""
    request = request_for(services, talking_video, part_seconds=12.0, route=RouteChoice.AUDIO)
    server.parts = [(0.0, 0.0)]
    planned = services.plan(request)
    assert len(planned.parts) > 2

    def reply(request, path):
        if path != "/chat/completions":
            return FakeOpenRouter.reply_to(server, request, path)
        size = request.media[0].size_bytes
        parts = [part for part in services.run(run.id).parts if part.size_bytes == size]
        assert len(parts) == 1, "each part has a size of its own"
        return Reply.answer(server.text(parts[0].start, parts[0].end))

    server.reply_to = reply
    run = services.submit(request)
    done = wait_for(services, run, is_over, 120)
    assert done.state is RunState.DONE, done.failure
    assert len(done.parts) > 2
    assert all(part.state is PartState.OK for part in done.parts)
    assert done.parts[0].start == 0
    assert all(one.end == other.start for one, other in pairwise(done.parts))
    assert said(services.transcript(run.id).text) == ALL_WORDS
    for part in done.parts[1:]:
        assert not any(at + 0.2 < part.start < at + 2.5 for at, _ in LINES), "cut where somebody speaks"


def test_names_of_earlier_parts_are_carried_to_later_ones(tmp_path, talking_video):
    """With one part at a time, the second is told who spoke in the first; numbered voices are not carried."""
    with FakeOpenRouter(answer="[00:01] Anna Berg: It was the best of times.\n[00:04] Speaker 2: Yes.") as server:
        with services_beside_server(tmp_path / "data", server, CUEWISE_PARTS_AT_ONCE="1") as services:
            request = request_for(services, talking_video, part_seconds=15.0, times=Times.MODEL)
            run, transcript = finished(services, request)
        prompts = [request.content[1]["text"] for request in server.history if request.method == "POST"]
        assert len(prompts) == len(run.parts) > 1
        assert "Anna Berg" not in prompts[0]
        assert all("spoke earlier in it: Anna Berg." in prompt for prompt in prompts[1:])
        assert {cue.speaker for cue in transcript.cues} == {"Anna Berg", "Speaker 2"}


def test_a_truncated_answer_is_asked_for_in_shorter_pieces(services, server, talking_video):
    """finish_reason length: the part is halved, both halves are asked, and the part counts as repaired."""
    server.parts = [(0.0, 44.4), (0.0, 21.0), (21.0, 44.4)]
    server.enqueue(Reply.answer("[00:01] It was the best", finish="length"))
    run, transcript = finished(services, request_for(services, talking_video))
    assert [part.state for part in run.parts] == [PartState.REPAIRED]
    assert sum(request.method == "POST" for request in server.history) == 3
    assert transcript.cues


def test_a_413_makes_the_part_smaller_and_goes_on(services, server, talking_video):
    """What the server finds too large is re-encoded to half of it and sent again."""
    server.enqueue(Reply.refusal(413, "Payload too large"))
    run, transcript = finished(services, request_for(services, talking_video))
    sizes = [request.media[0].size_bytes for request in server.history if request.media]
    assert len(sizes) == 2
    assert sizes[1] <= sizes[0] / 2
    assert run.parts[0].state is PartState.REPAIRED
    assert said(transcript.text) == ALL_WORDS


def test_a_failed_part_is_marked_and_repaired_alone(services, server, talking_video):
    """One part fails for good: the rest is kept, the gap is named, and Repair asks only that part."""
    request = request_for(services, talking_video, part_seconds=15.0, route=RouteChoice.AUDIO)
    server.parts = [(0.0, 44.4)]
    server.enqueue(Reply.refusal(403, "Flagged", metadata={"reasons": ["violence"]}))
    run, _ = finished(services, request)
    failed = [part for part in run.parts if part.state is PartState.FAILED]
    assert len(failed) == 1
    assert failed[0].error
    before = sum(request.method == "POST" for request in server.history)
    services.repair(run.id, failed[0].index, model_id="qwen/qwen3.8-omni-flash")
    repaired = wait_for(services, run, is_over, 120)
    assert repaired.state is RunState.DONE
    assert repaired.parts[failed[0].index].state is PartState.REPAIRED
    assert repaired.parts[failed[0].index].model_id == "qwen/qwen3.8-omni-flash"
    assert sum(request.method == "POST" for request in server.history) == before + 1


def test_an_answered_part_can_be_asked_anew_and_a_failed_repair_loses_nothing(services, server, talking_video):
    """Asking the same model again is a question of its own; when that fails, the old text stays, with the reason."""
    run, before = finished(services, request_for(services, talking_video, times=Times.MODEL))
    server.enqueue(Reply.refusal(403, "Flagged"))
    services.repair(run.id, 0)
    tried = wait_for(services, run, is_over, 120)
    assert tried.state is RunState.DONE
    assert tried.parts[0].error
    assert services.transcript(run.id) == before
    server.enqueue(Reply.answer("[00:02] A better answer."))
    services.repair(run.id, 0)
    wait_for(services, run, is_over, 120)
    assert services.transcript(run.id).text == "A better answer."


def test_a_part_can_be_repaired_by_the_local_model(services, server, talking_video):
    """No second key, no second bill: the machine's own model fills the hole, and its times are the sound's."""
    request = request_for(services, talking_video, part_seconds=15.0, route=RouteChoice.AUDIO)
    server.enqueue(Reply.refusal(403, "Flagged"))
    run, _ = finished(services, request)
    failed = next(part for part in run.parts if part.state is PartState.FAILED)
    services.repair(run.id, failed.index, model_id="local/whisper-tiny.en")
    repaired = wait_for(services, run, is_over, 120)
    assert repaired.parts[failed.index].state is PartState.REPAIRED
    assert any(failed.start <= cue.start < failed.end for cue in services.transcript(run.id).cues)


@pytest.fixture(scope="module")
def late_sound(tmp_path_factory, footage, beckett):
    """10 s of footage in which the voice sets in 5 s late."""
    path = tmp_path_factory.mktemp("late") / "late.mp4"
    run_ffmpeg(
        *("-i", footage, "-itsoffset", "5", "-i", beckett, "-map", "0:v", "-map", "1:a", "-c:v", "libx264"),
        *("-preset", "ultrafast", "-vf", "scale=160:-2", "-c:a", "aac", path),
    )
    return path


def test_sound_that_starts_late_keeps_its_times(services, late_sound):
    """The first line is where it is heard on the player's clock, not where the sound's own clock begins."""
    request = services.new_request(services.keep_file(late_sound), "local/whisper-tiny.en")
    _, transcript = finished(services, request)
    assert transcript.cues[0].start >= 5.0


def test_health_is_in_the_json_with_its_shares(services, server, talking_video):
    """health{coverage, gaps, loops, out_of_order, truncated, timed_by_audio}, shares from 0 to 1."""
    run, _ = finished(services, request_for(services, talking_video))
    record = json.loads(services.export(run.id, "json").content)["health"]
    assert set(record) == {"coverage", "gaps", "loops", "out_of_order", "truncated", "timed_by_audio"}
    assert 0.95 < record["coverage"] <= 1
    assert (record["gaps"], record["loops"], record["truncated"]) == ([], 0, False)


def test_a_hole_in_the_transcript_is_found_and_named(services, server, talking_video):
    """A model that leaves out 15 s of speech: coverage falls, and the gap has its times."""
    server.enqueue(Reply.answer("\n".join(f"[{stamp(at)}] {line}" for at, line in LINES if not 8 < at < 24)))
    run, _ = finished(services, request_for(services, talking_video))
    assert run.health.coverage < 0.75
    gap = run.health.gaps[0]
    assert abs(gap.start - 8.8) < 2
    assert abs(gap.end - 24.5) < 2


def test_parts_are_asked_about_in_their_order(tmp_path, talking_video):
    """One at a time, a dozen parts that were queued in the same moment: each waits for the names of those before it, so
    another order would wait for ever."""
    with (
        Listener([(0.0, 44.4)]) as server,
        services_beside_server(tmp_path / "data", server, CUEWISE_PARTS_AT_ONCE="1") as services,
    ):
        changes = {"part_seconds": 3.5, "route": RouteChoice.AUDIO, "times": Times.MODEL}
        run, _ = finished(services, request_for(services, talking_video, **changes))
    asked = [request.media[0].size_bytes for request in server.history if request.media]
    assert len(run.parts) > 10
    assert asked == [part.size_bytes for part in run.parts]
