"""Durable jobs: real worker processes, killed, cancelled and superseded, against a server on loopback."""

from __future__ import annotations

import inspect
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from dbos._dbos import _get_or_create_dbos_registry

import lib.jobs  # noqa: F401 - the engine knows what its package registers
from lib.domain.media import Source, SourceKind
from lib.domain.plan import RouteChoice, Times
from lib.domain.run import PartForm, Run, RunState, Stage
from lib.services import Services
from tests.fakes.media_server import Answer, MediaServer
from tests.fakes.openrouter_server import FakeOpenRouter, Reply, Request
from tests.services_fixtures import services_beside_server
from tests.waiting import is_over, look_until

ROOT = Path(__file__).parents[1]
MODEL = "google/gemini-3.8-flash"
SLOW = Reply.drip("[00:00] One.\n[00:02] Two.\n[00:04] Three.\n[00:06] Four.", delay=0.1, pieces=40)


WORKFLOWS = {
    "run": ["run_id", "attempt"],
    "part": ["run_id", "attempt", "number"],
    "hear": ["run_id", "attempt"],
    "repair": ["run_id", "attempt", "number", "model_id"],
    "repair part": ["run_id", "attempt", "number", "model_id", "take"],
    "copy": ["copy_id", "attempt"],
    "answer": ["exchange_id", "attempt"],
}
STEPS = {
    *("_begin", "_begin_repair", "_queue_for", "_hears_too", "_note_answered", "_hear", "_part", "_repair"),
    *("_end", "_fail", "_copy", "_answer"),
}


@pytest.fixture
def server():
    with FakeOpenRouter(answer="[00:01] Ever tried, ever failed.\n[00:05] Fail better.") as server:
        yield server


@pytest.fixture
def services(tmp_path, server):
    """Services on an empty data folder; their worker ends with the test."""
    with services_beside_server(tmp_path / "data", server, CUEWISE_ALLOW_PRIVATE_URLS="1") as services:
        yield services


@pytest.fixture
def source(services, short_talking_video) -> Source:
    return services.keep_file(short_talking_video)


def wait_for(services: Services, run: Run, condition: Callable[[Run], object], seconds: float = 60) -> Run:
    """The run as soon as it fulfils the condition; fails the test when it does not in time."""
    return look_until(lambda: services.run(run.id), condition, seconds)


def asked(server: FakeOpenRouter) -> int:
    return sum(request.method == "POST" for request in server.history)


def worker_pid(services: Services) -> int:
    return services._worker._process.pid


def test_text_arrives_while_it_is_written(services, server, source):
    """The run's row shows the answer as it grows, before it is done."""
    server.enqueue(SLOW)
    run = services.submit(services.new_request(source, MODEL))
    growing = wait_for(services, run, lambda run: "Two" in run.partial_text)
    assert growing.state is RunState.RUNNING
    assert growing.stage is Stage.ASKING
    done = wait_for(services, run, is_over)
    assert done.state is RunState.DONE
    assert [cue.text for cue in services.transcript(run.id).cues] == ["One.", "Two.", "Three.", "Four."]


def test_a_killed_worker_loses_at_most_the_step_in_flight(services, server, source):
    """kill -9 while an answer streams: the worker comes back by itself and the run is done, asked twice at most."""
    server.enqueue(SLOW)
    run = services.submit(services.new_request(source, MODEL))
    wait_for(services, run, lambda run: "One" in run.partial_text)
    os.kill(worker_pid(services), signal.SIGKILL)
    done = wait_for(services, run, is_over)
    assert done.state is RunState.DONE
    assert asked(server) == 2
    assert services.transcript(run.id).cues[-1].text == "Fail better."


def test_what_an_older_version_began_is_found_under_its_names():
    """The engine's database names workflows and steps, and has the arguments of workflows: none of them changes."""
    registered = _get_or_create_dbos_registry().workflow_info_map
    steps = {name for name in registered if name.startswith("<temp>.")}
    assert {name.removeprefix("<temp>.") for name in steps} == STEPS
    workflows = {name: inspect.signature(inspect.unwrap(registered[name])) for name in registered.keys() - steps}
    assert {name: list(each.parameters) for name, each in workflows.items()} == WORKFLOWS


def test_an_answer_that_was_kept_is_never_paid_for_again(services, server, source):
    """Killed after the answer: the run ends from what is kept, and still counts what it paid."""
    first = wait_for(services, services.submit(services.new_request(source, MODEL)), is_over)
    assert first.cost_usd
    # The same step once more, as after a crash between answer and bookkeeping: same run, next attempt.
    services._tools.store.runs._end(first.id, 1)
    again = services.retry(first.id)
    done = wait_for(services, again, is_over)
    assert (done.state, asked(server)) == (RunState.DONE, 1)
    assert done.cost_usd == first.cost_usd
    assert not done.from_cache


def test_the_same_question_asked_twice_at_once_is_paid_for_once(services, server, source):
    """Two runs with one question: the second waits for the first one's answer and says that it is remembered."""
    server.enqueue(SLOW)
    request = services.new_request(source, MODEL)
    runs = [services.submit(request), services.submit(request)]
    done = [wait_for(services, run, is_over) for run in runs]
    assert asked(server) == 1
    assert sorted(run.from_cache for run in done) == [False, True]


def test_cancel_stops_the_stream_and_keeps_what_was_prepared(services, server, source):
    """Cancel takes at once, the connection is closed, and Retry goes on to the end."""
    server.enqueue(Reply.drip("[00:00] One. " * 50, delay=0.1, pieces=200))
    run = services.submit(services.new_request(source, MODEL))
    wait_for(services, run, lambda run: "One" in run.partial_text)
    services.cancel(run.id)
    assert services.run(run.id).state is RunState.CANCELLED
    assert server.history[-1].was_cut_off.wait(10)
    time.sleep(0.6)
    assert services.run(run.id).state is RunState.CANCELLED
    services.retry(run.id)
    assert wait_for(services, run, is_over).state is RunState.DONE


def test_a_failure_names_what_to_do_and_retry_goes_on(services, server, source):
    """402 fails the run with its hint; after Retry it is done, under the same id."""
    server.enqueue(Reply.refusal(402, "Insufficient credits"))
    run = wait_for(services, services.submit(services.new_request(source, MODEL)), is_over)
    assert (run.state, run.failure.code) == (RunState.FAILED, "OutOfCredit")
    assert "credit" in run.failure.hint
    assert run.parts[0].error
    services.retry(run.id)
    assert wait_for(services, run, is_over).state is RunState.DONE


def test_the_older_form_is_offered_and_taken_at_retry(tmp_path, source, services, server):
    """A server that takes image_url only: the failure names Settings, and after the change Retry succeeds."""
    server.part_form = "image_url"
    run = wait_for(services, services.submit(services.new_request(source, MODEL)), is_over)
    assert (run.state, run.failure.code) == (RunState.FAILED, "PartFormRefused")
    assert "Settings" in run.failure.hint
    services.save_preferences(replace(services.preferences(), part_form=PartForm.IMAGE_URL))
    services.retry(run.id)
    assert wait_for(services, run, is_over).state is RunState.DONE
    assert server.history[-1].content[0]["type"] == "image_url"


def test_a_video_over_the_limit_is_re_encoded_under_it(tmp_path, server, talking_video):
    """With a limit of 0.6 MB, what the server gets is an mp4 below that, and the answer comes."""
    with services_beside_server(tmp_path / "data", server, CUEWISE_MEDIA_LIMIT_MB="0.6") as services:
        source = services.keep_file(talking_video)
        run = wait_for(services, services.submit(services.new_request(source, MODEL)), is_over)
        assert run.state is RunState.DONE, run.failure
        assert run.plan.route in ("video", "keyframes")
        sent = next(request for request in server.history if request.media).media[0]
        assert sent.is_valid
        assert sent.size_bytes <= 600_000
        assert sent.prefix.startswith("data:video/mp4;base64,")
        assert run.parts[0].size_bytes == sent.size_bytes


def test_a_model_that_only_hears_gets_mp3(services, server, source):
    """input_audio with format mp3 reaches a model without eyes."""
    model = next(model for model in services.catalogue().models if model.hears and not model.sees)
    run = wait_for(services, services.submit(services.new_request(source, model.id)), is_over)
    assert run.state is RunState.DONE, run.failure
    content = next(request for request in server.history if request.media).content
    assert (content[0]["type"], content[0]["input_audio"]["format"]) == ("input_audio", "mp3")


def test_a_link_is_downloaded_once_for_all_models(services, server, talking_video):
    """Two models on one link: one download, and both answers are about the same asset."""
    with MediaServer() as media:
        url = media.put("/talk.mp4", Answer.of(talking_video))
        found = services.look_up(url)
        source = Source(SourceKind.LINK, found.title, url=found.url, size_bytes=found.size_bytes)
        runs = [services.submit(services.new_request(source, each)) for each in (MODEL, "qwen/qwen3.8-omni-flash")]
        done = [wait_for(services, run, is_over) for run in runs]
        assert [run.state for run in done] == [RunState.DONE, RunState.DONE], [run.failure for run in done]
        assert done[0].asset_id == done[1].asset_id
        assert services.media_path(done[0].asset_id).read_bytes() == talking_video.read_bytes()


def test_a_youtube_link_goes_to_gemini_in_its_exact_form(services, server):
    """No download, and no parameter but the id: anything more makes the backend invent."""
    source = Source(SourceKind.LINK, "Talk", url="https://youtu.be/dQw4w9WgXcQ?t=42&list=PL1", duration=60.0)
    run = wait_for(services, services.submit(services.new_request(source, MODEL)), is_over)
    assert run.state is RunState.DONE, run.failure
    part = next(request for request in server.history if request.method == "POST").content[0]
    assert part["video_url"]["url"] == "https://www.youtube.com/watch?v=dQw4w9WgXcQ"


def test_what_a_crash_left_unqueued_is_queued_at_the_next_start(services, server, source):
    """A run written down but never submitted is worked on as soon as a worker starts."""
    request = services.new_request(source, "local/whisper-tiny.en")
    services._tools.store.runs.add("f" * 32, request, None)
    services.ensure_worker()
    assert wait_for(services, services.run("f" * 32), is_over).state is RunState.DONE


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_app_leaves_nothing_running(tmp_path, how):
    """Ctrl+C, a stop by the system or a crash of the app: its worker ends with it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data = tmp_path / "data"
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "CUEWISE_DATA": str(data)}
    command = [sys.executable, "-m", "lib.ui.launch", "--port", str(port)]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as app:
        assert f"http://localhost:{port}" in app.stdout.readline()
        until = time.monotonic() + 60
        while not (answers(port) and processes(data) >= 2):
            assert time.monotonic() < until
            time.sleep(0.2)
        app.send_signal(how)
        app.wait(20)
    until = time.monotonic() + 10
    while processes(data):
        assert time.monotonic() < until, "something still runs"
        time.sleep(0.1)


def test_a_busy_port_says_so(tmp_path):
    """A port that is taken is told with the way to choose another."""
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "CUEWISE_DATA": str(tmp_path)}
        command = [sys.executable, "-m", "lib.ui.launch", "--port", str(port)]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert f"Port {port} is busy" in done.stderr


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://localhost:{port}/api/health", timeout=1) as answer:
            return answer.status == 200
    except OSError:
        return False


def processes(data: Path) -> int:
    """How many living processes have this data folder in their environment."""
    wanted, count = f"CUEWISE_DATA={data}".encode(), 0
    for each in Path("/proc").glob("[0-9]*"):
        try:
            is_ours = wanted in (each / "environ").read_bytes().split(b"\0")
            is_alive = b"Z" not in (each / "stat").read_bytes().rpartition(b")")[2].split()[:1]
        except OSError:
            continue
        count += is_ours and is_alive
    return count


class OneIsSlow(FakeOpenRouter):
    """Takes five seconds for an answer of Gemini, and none for anyone else's."""

    def reply_to(self, request: Request, path: str) -> Reply:
        if path == "/chat/completions" and request.body["model"] == MODEL:
            self.sleep(5.0)
        return super().reply_to(request, path)


def test_a_slow_model_holds_up_nobody_else(tmp_path, short_talking_video):
    """One part at a time for each model: while one model is waited for, another's parts are all answered."""
    with (
        OneIsSlow() as server,
        services_beside_server(tmp_path / "data", server, CUEWISE_PARTS_AT_ONCE="1") as services,
    ):
        source = services.keep_file(short_talking_video)
        short = {"part_seconds": 3.0, "times": Times.MODEL, "route": RouteChoice.AUDIO}
        slow = services.submit(replace(services.new_request(source, MODEL), **short))
        quick = services.submit(replace(services.new_request(source, "qwen/qwen3.8-omni-flash"), **short))
        done = wait_for(services, quick, is_over)
        assert done.state is RunState.DONE, done.failure
        assert len(done.parts) > 1
        assert not services.run(slow.id).state.is_over
        services.cancel(slow.id)


def test_a_refused_run_says_so_though_this_machine_is_busy(services, server, source, talking_video):
    """While another recording is heard here, a run that its server refused fails at once: nothing of it needs times."""
    listening = services.submit(services.new_request(services.keep_file(talking_video), "local/whisper-base"))
    wait_for(services, listening, lambda run: run.stage is Stage.LISTENING)
    server.enqueue(Reply.refusal(402, "Insufficient credits"))
    refused = wait_for(services, services.submit(services.new_request(source, MODEL)), is_over)
    assert refused.state is RunState.FAILED
    assert not services.run(listening.id).state.is_over
    services.cancel(listening.id)


def test_a_worker_killed_in_a_repair_comes_back_and_ends_it(services, server, source):
    """kill -9 while a part is asked anew: the next worker takes the repair up, not the whole run."""
    run = wait_for(services, services.submit(services.new_request(source, MODEL)), is_over)
    server.enqueue(SLOW)
    services.repair(run.id, 0)
    wait_for(services, run, lambda run: "One" in run.partial_text)
    os.kill(worker_pid(services), signal.SIGKILL)
    done = wait_for(services, run, is_over)
    assert done.state is RunState.DONE
    assert asked(server) == 3
