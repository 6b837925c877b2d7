"""Several stretches of one video, end to end: real speech, real ffmpeg, a worker, and a server on loopback."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from rapidfuzz.distance import Levenshtein

from lib.domain.excerpt import Excerpt
from lib.domain.media import Clip
from lib.domain.plan import Route, RouteChoice, Times
from lib.domain.run import PartState, RunRequest, RunState
from lib.domain.transcript import TimedBy
from lib.pipeline.generate import listening_digest
from lib.pipeline.prepare import Recipe, prepare
from lib.services import Services
from lib.ui.transcript import growing_lines
from tests.fakes.openrouter_server import FakeOpenRouter, Reply
from tests.media_fixtures import look
from tests.test_jobs import wait_for
from tests.test_parts import LINES, MODEL, said, stamp
from tests.waiting import is_over

STRETCHES = (Clip(0.8, 8.2), Clip(13.0, 16.9), Clip(24.3, 28.6))
"""Three stretches of two_cities, each with whole lines in it."""
EXCERPT = Excerpt(STRETCHES)
CHOSEN = [(at, line) for at, line in LINES if any(each.start <= at < each.end for each in STRETCHES)]
WORDS = said(" ".join(line for _, line in CHOSEN))
PATIENCE = 500


def answer_about(excerpt: Excerpt) -> str:
    """The lines that are said in it, stamped as a model stamps them: whole seconds of what it was sent."""
    lines = [(at, line) for at, line in CHOSEN if excerpt.start <= at < excerpt.end]
    return "\n".join(f"[{stamp(excerpt.to_joined(at) - excerpt.start)}] {line}" for at, line in lines)


@pytest.fixture
def server():
    with FakeOpenRouter(answer=answer_about(EXCERPT)) as server:
        yield server


def request_for(services: Services, path, model: str = MODEL, **changes) -> RunRequest:
    source = services.keep_file(path)
    return replace(services.new_request(source, model, stretches=STRETCHES), **changes)


def finished(services: Services, request: RunRequest):
    run = wait_for(services, services.submit(request), is_over, PATIENCE)
    assert run.state is RunState.DONE, run.failure
    return run, services.transcript(run.id)


def assert_in_place(transcript, within: float, misheard: int = 0) -> None:
    """Every line stands where it is said in the video, and none reaches out of its stretch."""
    assert Levenshtein.distance(said(transcript.text), WORDS) <= misheard
    starts = [cue.start for cue in transcript.cues]
    assert all(min(abs(at - start) for start in starts) <= within for at, _ in CHOSEN)
    for cue in transcript.cues:
        assert any(each.start <= cue.start <= cue.end <= each.end for each in STRETCHES)


def test_stretches_are_sent_together_and_come_back_with_their_true_times(services, server, talking_video):
    """One request holds the three; the sound sets each line where it is said; what was not sent is no gap."""
    run, transcript = finished(services, request_for(services, talking_video))
    assert_in_place(transcript, 0.5)
    assert {cue.timed_by for cue in transcript.cues} == {TimedBy.AUDIO}
    assert run.health.coverage > 0.95
    assert (run.health.gaps, run.health.outside) == ((), 0)
    (request,) = [request for request in server.history if request.method == "POST"]
    prompt = request.content[1]["text"]
    assert "made of 3 stretches" in prompt
    assert "they begin at [00:00], [00:08], [00:13]" in prompt
    assert "is 0 min 17 s long" in prompt
    assert re.search(r"3 stretches, 16 s of 4\d s\.$", run.plan.reason)
    record = json.loads(services.export(run.id, "json").content)
    assert record["clip"] == {"start": 0.8, "end": 28.6}
    assert record["segments"] == [{"start": each.start, "end": each.end} for each in STRETCHES]


def test_the_models_own_times_come_back_too(services, server, talking_video):
    """--times model: whole seconds on the clock of what was sent become times of the video, to a second."""
    _, transcript = finished(services, request_for(services, talking_video, times=Times.MODEL))
    assert_in_place(transcript, 1.01)
    assert {cue.timed_by for cue in transcript.cues} == {TimedBy.MODEL}


def test_the_same_stretches_are_paid_for_once_and_others_are_another_question(services, server, talking_video):
    """Neither what is made nor what is asked is taken for that of other stretches with the same beginning and end."""
    request = request_for(services, talking_video, times=Times.MODEL)
    finished(services, request)
    again, _ = finished(services, request)
    assert again.from_cache
    finished(services, replace(request, stretches=(STRETCHES[0], STRETCHES[2])))
    whole, _ = finished(services, replace(request, stretches=()))
    assert not whole.from_cache
    media = [request.media[0].sha256 for request in server.history if request.media]
    assert len(set(media)) == len(media) == 3


def test_a_part_of_several_stretches_is_repaired_alone(services, server, talking_video):
    """Two parts, one of them refused: the local model hears its two stretches, and all times are the video's."""
    request = request_for(services, talking_video, part_seconds=10.0, route=RouteChoice.AUDIO, times=Times.MODEL)
    parts = services.plan(request).parts
    assert [part.excerpt.stretches for part in parts] == [STRETCHES[:1], STRETCHES[1:]]
    asset = services.asset(request.source.asset_id)
    recipe = Recipe(Route.AUDIO, request.quality, request.media_limit_bytes)
    sizes = [prepare(asset, part.excerpt, recipe, services._tools, lambda share: None).size_bytes for part in parts]

    def reply(request, path):
        if path != "/chat/completions":
            return FakeOpenRouter.reply_to(server, request, path)
        if request.media[0].size_bytes == sizes[1]:
            return Reply.refusal(403, "Flagged")
        return Reply.answer(answer_about(parts[0].excerpt))

    server.reply_to = reply
    run, _ = finished(services, request)
    assert [part.state for part in run.parts] == [PartState.OK, PartState.FAILED]
    services.repair(run.id, 1, model_id="local/whisper-base")
    repaired = wait_for(services, run, is_over, PATIENCE)
    assert repaired.parts[1].state is PartState.REPAIRED, repaired.parts[1]
    assert_in_place(services.transcript(run.id), 1.01, misheard=3)


def test_a_repair_by_another_model_begins_with_its_stretch(services, server, talking_video):
    """What could be cut without re-encoding is not: it would begin in what was left out before."""
    request = request_for(services, talking_video, part_seconds=6.0, route=RouteChoice.AUDIO, times=Times.MODEL)
    assert [len(part.excerpt.stretches) for part in services.plan(request).parts] == [1, 1, 1]
    server.enqueue(*(Reply.answer(f"[00:00] Part {number}.") for number in range(3)))
    run, _ = finished(services, request)
    server.enqueue(Reply.answer("[00:00] It was the season of light, it was the season of darkness."))
    services.repair(run.id, 1, model_id="qwen/qwen3.8-omni-flash")
    repaired = wait_for(services, run, is_over, PATIENCE)
    assert repaired.parts[1].state is PartState.REPAIRED, repaired.parts[1]
    (answer,) = services._tools.store.runs.answers(run.id)[1]
    assert (answer.sent_start, answer.start) == (13.0, 13.0)
    assert any(cue.start == 13.0 and "season" in cue.text for cue in services.transcript(run.id).cues)


def test_a_local_model_hears_the_stretches_alone(services, talking_video):
    """Nothing but the three is written down, each line where it is heard, in the language of the longest."""
    run, transcript = finished(services, request_for(services, talking_video, "local/whisper-base"))
    asset = services.asset(run.asset_id)
    known = replace(run.request, language="en")
    for request, stretch in ((run.request, STRETCHES[0]), (known, STRETCHES[1]), (known, STRETCHES[2])):
        question = listening_digest(request, "local/whisper-base", asset, stretch)
        assert services._tools.store.generations.get(question) is not None
    assert_in_place(transcript, 0.5, misheard=4)
    assert run.health.coverage > 0.9
    assert len(run.parts) == 1


def test_true_times_are_shown_while_it_runs(services, server, talking_video):
    """The lines that grow on the page are on the video's clock already, also past the first stretch."""
    request = request_for(services, talking_video, times=Times.MODEL)
    text = answer_about(EXCERPT)
    server.enqueue(Reply.drip(text + "\n", delay=0.4, pieces=40))
    run = services.submit(request)
    seen = wait_for(services, run, lambda run: len(growing_lines(run)) >= len(CHOSEN) - 1 or is_over(run), PATIENCE)
    lines = growing_lines(seen)
    assert len(lines) >= len(CHOSEN) - 1
    for line, (at, _) in zip(lines, CHOSEN, strict=False):
        assert line.start == pytest.approx(at, abs=1.01)
    wait_for(services, run, is_over, PATIENCE)


def test_the_joined_file_is_as_long_as_the_plan_says(services, talking_video):
    """What is written by prepare lasts what the three take, with their pauses."""
    request = request_for(services, talking_video)
    plan, (made,) = services.prepare(request, lambda words: None)
    assert plan.route is Route.KEY_FRAMES
    assert look(made.path).duration == pytest.approx(EXCERPT.length, abs=0.15)
    assert made.size_bytes <= plan.size_bytes * 1.5
    assert (made.start, made.end) == (0.8, 28.6)


def test_models_are_compared_over_the_stretches_alone(services, server, talking_video):
    """The same joined file for both; rows, the merged transcript and its health know nothing of what was left out."""
    source = services.keep_file(talking_video)
    requests = [
        replace(services.new_request(source, model_id, stretches=STRETCHES), times=Times.MODEL)
        for model_id in (MODEL, "qwen/qwen3.8-omni-flash")
    ]
    comparison = services.comparisons.start(requests).comparison
    for run in services.comparisons.runs(comparison.id):
        assert wait_for(services, run, is_over, PATIENCE).state is RunState.DONE
    assert len({request.media[0].sha256 for request in server.history if request.media}) == 1
    table = services.comparisons.table(comparison.id)
    assert all(any(each.start <= row.start < each.end for each in STRETCHES) for row in table.grid.rows)
    assert table.figures[0].agreement == 1.0
    merged = services.comparisons.take_all(comparison.id, table.runs[0].id)
    assert said(services.transcript(merged.id).text) == WORDS
    assert merged.health.gaps == ()
