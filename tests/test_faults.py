"""Faults of whole runs: whatever a server, a network, ffmpeg, a clock, a folder or a database does, a run ends right or
says why, and what was not answered is not paid for. Full disks and kills have files of their own."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import stamina
from streamlit.testing.v1 import AppTest

from lib.domain.media import Source
from lib.domain.plan import RouteChoice, Times
from lib.domain.run import PartState, Run, RunRequest, RunState
from lib.openrouter import OpenRouter
from lib.pipeline.part import work_on_part
from lib.pipeline.run import begin_run, end_run
from lib.services import Services
from lib.store import back_up
from lib.store.engine import PATIENCE_SECONDS
from lib.ui import frame
from tests.fakes.openrouter_server import DEFAULT_KEY, FakeOpenRouter, Reply, Request
from tests.kills import MODEL, count_in, kill_an_ffmpeg
from tests.lives import AS_ANYONE, CLOCK, Life, LivingPage, Nursery
from tests.services_fixtures import services_beside_server
from tests.test_jobs import asked, wait_for, worker_pid
from tests.text_fixtures import prompt_of
from tests.waiting import is_over

ROOT = Path(__file__).parents[1]
SAID = "[00:01] Ever tried, ever failed.\n[00:05] Fail better."
WHOLE = Reply.whole(SAID)
NOWHERE = "http://cuewise.invalid/api/v1"
HOTEL = "<html><head><title>Welcome to our WLAN</title></head></html>"

FINAL = {
    "400": (Reply.refusal(400, "something is off"), "BadRequest"),
    "400 no such model": (Reply.refusal(400, f"{MODEL} is not a valid model ID"), "UnknownModel"),
    "400 too long": (Reply.refusal(400, "This endpoint's maximum context length is 1000 tokens"), "ContextTooLong"),
    "401": (Reply.refusal(401, "User not found."), "KeyRejected"),
    "402": (Reply.refusal(402, "Insufficient credits"), "OutOfCredit"),
    "403": (Reply.refusal(403, "Flagged", metadata={"reasons": ["violence"]}), "ModerationRefused"),
    "404": (Reply.refusal(404, "No endpoints found that support input video"), "NoEndpoint"),
}
"""What no patience helps against, and what the run is told to have failed of."""

PASSING = {
    **{str(code): Reply.refusal(code, "Busy", retry_after=0.1) for code in (408, 429, 500, 502, 503, 504, 524, 529)},
    "413": Reply.refusal(413, "Payload too large"),
    "503 in a 200": Reply.refusal_in_200(503, "Busy"),
    "503 in a choice": Reply.refusal_in_choice(503, "Busy"),
    "503 in mid-stream": Reply.refusal_mid_stream(503, "Busy"),
    "a page": Reply.page(502),
    "a page that is said to be fine": Reply.page(200, HOTEL),
    "a stream that stops": Reply.broken_off(),
    "a line that breaks": Reply.broken_off(is_cut=True),
    "half a chunk": Reply(events=('data: {"choices": [{"delta": {"con\n\n',)),
    "less than was announced": replace(WHOLE, announced_bytes=len(WHOLE.body) + 100),
    "more than was announced": replace(WHOLE, announced_bytes=len(WHOLE.body) - 20),
}
"""What is over when one asks again, or in a smaller size."""


class Faulty(FakeOpenRouter):
    """Answers a run that has a fault's name among its terms with that fault first."""

    def __init__(self) -> None:
        super().__init__(answer=SAID)
        self.faults: dict[str, deque[Reply]] = {}
        self.came: dict[str, int] = {}

    def reply_to(self, request: Request, path: str) -> Reply:
        if request.method == "POST":
            for name, replies in self.faults.items():
                if f"<{name}>" in prompt_of(request):
                    self.came[name] = self.came.get(name, 0) + 1
                    if replies:
                        return replies.popleft()
        return super().reply_to(request, path)


@pytest.fixture(scope="module")
def server() -> Iterator[Faulty]:
    with Faulty() as server:
        yield server


@pytest.fixture(scope="module")
def services(tmp_path_factory, server) -> Iterator[Services]:
    """One worker for the runs of this file that need none of their own."""
    with services_beside_server(tmp_path_factory.mktemp("faults") / "data", server) as services:
        yield services


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    with Nursery() as nursery:
        yield nursery


@pytest.fixture(scope="module")
def source(services, short_talking_video) -> Source:
    return services.keep_file(short_talking_video)


@pytest.fixture(scope="module")
def runs(services, server, source) -> dict[str, Run]:
    """A run for each fault, all of them under way at once."""
    faults = {name: [reply] for name, (reply, _) in FINAL.items()} | {name: [PASSING[name]] for name in PASSING}
    faults |= {"for good": [PASSING["503"]] * 5}
    server.faults |= {name: deque(replies) for name, replies in faults.items()}
    requests = {name: about(services, source, name) for name in faults}
    begun = {name: services.submit(request) for name, request in requests.items()}
    with services_beside_server(services.settings.data_dir, server, OPENROUTER_BASE_URL=NOWHERE) as astray:
        return begun | {"no name": astray.submit(about(astray, source, "no name"))}


@pytest.fixture(scope="module", autouse=True)
def held(tmp_path_factory, server, short_talking_video) -> Iterator[tuple[Services, Run]]:
    """A run whose databases another program holds, from the middle of its answer on, for longer than anybody waits in
    front of a page. Begun before all tests, for the wait is long."""
    data = tmp_path_factory.mktemp("held") / "data"
    server.faults["held"] = deque([Reply.answer(SAID, delay=0.2)])
    with services_beside_server(data, server) as services:
        run = services.submit(about(services, services.keep_file(short_talking_video), "held"))
        wait_for(services, run, lambda run: "Ever" in run.partial_text)
        holder = threading.Thread(target=hold, args=(data, PATIENCE_SECONDS + 3))
        holder.start()
        yield services, run
        holder.join()


def hold(data: Path, seconds: float) -> None:
    """Let nobody else write into our database, nor into the engine's."""
    with (
        closing(sqlite3.connect(data / "cuewise.db", isolation_level=None, timeout=20)) as ours,
        closing(sqlite3.connect(data / "jobs.db", isolation_level=None, timeout=20)) as engines,
    ):
        for connection in (ours, engines):
            connection.execute("BEGIN EXCLUSIVE")
        time.sleep(seconds)
        for connection in (ours, engines):
            connection.execute("ROLLBACK")


def about(services: Services, source: Source, name: str, **changes) -> RunRequest:
    request = services.new_request(source, MODEL, terms=(f"<{name}>",), times=Times.MODEL, route=RouteChoice.VIDEO)
    return replace(request, **changes)


def ended(services: Services, run: Run) -> Run:
    return wait_for(services, run, is_over, 120)


def paid(services: Services, run: Run):
    return services._tools.store.payments.of_order(run.request.order_id or run.id)


@pytest.mark.parametrize("name", FINAL)
def test_what_no_patience_helps_against_is_said_and_costs_nothing(services, server, runs, name):
    """The run fails after one question, with the reason and with what to do."""
    done = ended(services, runs[name])
    assert (done.state, done.failure.code, server.came[name]) == (RunState.FAILED, FINAL[name][1], 1)
    assert done.failure.message.endswith(".")
    assert done.failure.hint
    assert paid(services, done).total_usd == 0


@pytest.mark.parametrize("name", PASSING)
def test_what_passes_is_waited_for_and_the_run_is_done(services, server, runs, name):
    """Asked again, by itself: the whole text is there, and only what was answered is settled."""
    done = ended(services, runs[name])
    assert done.state is RunState.DONE, done.failure
    assert services.transcript(done.id).cues[-1].text == "Fail better."
    assert server.came[name] == 2
    assert done.parts[0].state is (PartState.REPAIRED if name == "413" else PartState.OK)
    spent = paid(services, done)
    assert not spent.reserved_usd
    assert spent.paid_usd == done.cost_usd + spent.unsure_usd


def test_a_fault_that_stays_is_given_up_and_retry_ends_the_run(services, server, runs):
    """Five times busy: the run says so; Retry, a while later, is done."""
    failed = ended(services, runs["for good"])
    assert (failed.state, failed.failure.code) == (RunState.FAILED, "ProviderDown")
    assert "Retry" in failed.failure.hint
    assert paid(services, failed).total_usd == 0
    services.retry(failed.id)
    assert ended(services, failed).state is RunState.DONE


def test_a_server_that_hangs_is_asked_again(services, server, source):
    """A second of silence, of which three minutes are allowed elsewhere: the question is put once more."""
    server.faults["a hang"] = deque([Reply.silence(20)])
    request = about(services, source, "a hang")
    request = replace(request, key_ref=services._reference(DEFAULT_KEY))
    tools = replace(services._tools, openrouter=lambda url, key: OpenRouter(url, key, timeout=1.0))
    tools.store.runs.add("e" * 32, request, None)
    with stamina.set_testing(True, attempts=10, cap=True):
        for number in range(begin_run("e" * 32, 1, tools)):
            work_on_part("e" * 32, 1, number, tools)
    end_run("e" * 32, 1, tools)
    done = services.run("e" * 32)
    assert (done.state, server.came["a hang"]) == (RunState.DONE, 2)
    assert paid(services, done).unsure_usd > 0  # nobody knows whether a server that hangs goes on and bills


# ffmpeg


def test_a_killed_ffmpeg_is_started_again(services, server, source):
    """Killed once, in the middle of its work: the run is done as if nothing had happened, and the file is whole."""
    run = services.submit(about(services, source, "killed once", start=1.0))
    kill_an_ffmpeg(Life(worker_pid(services)))
    done = ended(services, run)
    assert done.state is RunState.DONE, done.failure
    (sent,) = (request for request in server.history if request.media and "<killed once>" in prompt_of(request))
    assert sent.media[0].is_valid


def test_an_ffmpeg_that_is_always_killed_is_not_blamed_on_the_file(services, source):
    """The system kills it each time: the run says so and what to do, and Retry is done once it is let live."""
    run = services.submit(about(services, source, "killed always", start=2.0))
    worker, is_enough = Life(worker_pid(services)), threading.Event()

    def kill_all() -> None:
        while not is_enough.is_set():
            with suppress(AssertionError):
                kill_an_ffmpeg(worker, seconds=0.05)

    killer = threading.Thread(target=kill_all)
    killer.start()
    try:
        failed = ended(services, run)
    finally:
        is_enough.set()
        killer.join()
    assert (failed.state, failed.failure.code) == (RunState.FAILED, "ConverterKilled")
    assert "memory" in failed.failure.hint
    services.retry(run.id)
    assert ended(services, run).state is RunState.DONE


# The clock


def test_a_clock_that_is_set_changes_nothing(tmp_path, nursery, server, short_talking_video):
    """A day back and a year ahead while an answer streams in: both runs are done, took no negative time, and what they
    cost is settled."""
    clock = tmp_path / "clock"

    def set_clock(seconds: int) -> None:
        (tmp_path / "clock.new").write_text(str(seconds))
        os.replace(tmp_path / "clock.new", clock)

    set_clock(0)
    with living_page(nursery, tmp_path, server, **{CLOCK: str(clock)}) as (page, services):
        source = services.keep_file(short_talking_video)
        for name, seconds in (("set back", -86400), ("set ahead", 365 * 86400)):
            set_clock(0)
            server.faults[name] = deque([Reply.answer(SAID, delay=0.3)])
            run = submitted(page, services, about(services, source, name))
            wait_for(services, run, lambda run: "Ever" in run.partial_text)
            set_clock(seconds)
            done = ended(services, run)
            assert (done.state, server.came[name]) == (RunState.DONE, 1), done.failure
            assert done.seconds >= 0
        assert (
            count_in(services.settings.data_dir / "cuewise.db", "SELECT count(*) FROM payment WHERE state = 'settled'")
            == 2
        )


# The data folder


def test_a_folder_that_is_closed_stops_a_run_and_retry_is_done(tmp_path, nursery, server, short_talking_video):
    """Nothing new can be written: the run says so and what to do, asks nothing, and is done once the folder is open."""
    with living_page(nursery, tmp_path, server, **{AS_ANYONE: "1"}) as (page, services):
        source = services.keep_file(short_talking_video)
        first = ended(services, submitted(page, services, about(services, source, "first")))
        assert first.state is RunState.DONE, first.failure
        before = asked(server)
        with closed(services.settings.data_dir):
            run = ended(services, submitted(page, services, about(services, source, "closed", start=3.0)))
        assert (run.state, run.failure.code, asked(server)) == (RunState.FAILED, "FolderReadOnly", before)
        assert "writable" in run.failure.hint
        page.order("retry", run.id)
        assert page.done(60)
        assert ended(services, run).state is RunState.DONE


def test_an_app_on_a_closed_folder_says_so(tmp_path, server, short_talking_video):
    """Started where it may not write: the app says so in a sentence, its worker too, and there is no traceback."""
    with services_beside_server(tmp_path / "data", server) as services:
        services.keep_file(short_talking_video)
    ours, theirs = os.pipe()  # a worker ends with its starter
    with closed(tmp_path / "data"):
        for module, arguments in (("lib.ui.launch", ("--port", "0")), ("lib.worker", ())):
            done = subprocess.run(
                [sys.executable, "-c", _AS_ANYONE, module, *arguments],
                cwd=ROOT,
                env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "CUEWISE_DATA": str(tmp_path / "data")},
                stdin=ours,
                capture_output=True,
                text=True,
                timeout=60,
            )
            assert done.returncode == 1
            assert "cannot" in done.stderr
            assert "Traceback" not in done.stderr
    os.close(ours)
    os.close(theirs)


_AS_ANYONE = """
import runpy, sys
from tests.lives import _write_no_more_than_anyone
_write_no_more_than_anyone()
sys.argv[0:1] = []
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""


# The database


def test_a_damaged_database_is_said_and_restored_and_work_goes_on(tmp_path, server, short_talking_video, monkeypatch):
    """The page says that it is damaged and what to do; the app's own backup takes its place, the old transcript is
    there, and the same question costs nothing."""
    data = tmp_path / "data"
    server.faults["before"] = deque()
    with services_beside_server(data, server) as services:
        source = services.keep_file(short_talking_video)
        run = ended(services, services.submit(about(services, source, "before")))
        tomorrow = datetime.now(UTC) + timedelta(days=1)  # the worker has made today's when it began
        assert back_up(services.settings.database_url, services.settings.backups_dir, now=tomorrow)
    file = data / "cuewise.db"
    content = bytearray(file.read_bytes())
    content[: len(content) // 2] = os.urandom(len(content) // 2)
    file.write_bytes(content)
    monkeypatch.setenv("CUEWISE_DATA", str(data))
    page = AppTest.from_file(ROOT / "app.py", default_timeout=60).run()
    frame.close_services()
    assert "The database is damaged" in page.error[0].value
    assert "lib.cli restore" in page.error[0].value.replace("\\", "")
    restored = subprocess.run(
        [sys.executable, "-m", "lib.cli", "restore"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "CUEWISE_DATA": str(data)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert restored.returncode == 0, restored.stderr
    with services_beside_server(data, server) as services:
        assert services.transcript(run.id).cues[-1].text == "Fail better."
        again = ended(services, services.submit(about(services, source, "before")))
        assert (again.state, again.from_cache, server.came["before"]) == (RunState.DONE, True, 1)


def test_the_engines_damaged_notes_are_begun_anew(tmp_path, server, short_talking_video):
    """The file in which the engine remembers what is next is damaged while a run is under way: the next worker puts it
    aside and begins a new one, and the run is done, its answered parts not asked again."""
    data = tmp_path / "data"
    server.faults["notes"] = deque([Reply.answer(SAID), Reply.answer(SAID), Reply.silence(60)])
    with services_beside_server(data, server) as services:
        request = about(services, services.keep_file(short_talking_video), "notes", part_seconds=3.0)
        run = services.submit(request)
        parts = wait_for(services, run, lambda run: [part.state.is_over for part in run.parts].count(False) == 1).parts
    for beside in ("-wal", "-shm"):
        (data / f"jobs.db{beside}").unlink(missing_ok=True)
    (data / "jobs.db").write_bytes(b"no database" * 1000)
    with services_beside_server(data, server) as services:
        services.ensure_worker()
        done = ended(services, run)
        assert done.state is RunState.DONE, done.failure
        assert all(part.state is PartState.OK for part in done.parts)
        # The one that hung is the only one that is asked twice.
        assert server.came["notes"] == len(parts) + 1
        assert ended(services, services.submit(replace(request, terms=("after",)))).state is RunState.DONE
    assert list(data.glob("jobs.db.damaged-*"))


# What takes longest, begun long ago


def test_an_answer_outlasts_a_database_that_another_program_holds(server, held):
    """It came while nothing could be written: it is kept all the same, asked for once and paid for once."""
    services, run = held
    done = ended(services, run)
    assert (done.state, server.came["held"]) == (RunState.DONE, 1), done.failure
    assert done.seconds > PATIENCE_SECONDS
    assert paid(services, done).paid_usd == done.cost_usd


def test_a_name_that_nobody_knows_is_an_unreachable_service(services, runs):
    """No DNS: said in words, with what to do, and nothing is paid; Retry with the right address is done."""
    failed = ended(services, runs["no name"])
    assert (failed.state, failed.failure.code) == (RunState.FAILED, "ServiceUnreachable")
    assert "network connection" in failed.failure.hint
    assert paid(services, failed).total_usd == 0
    services.retry(failed.id)
    assert ended(services, failed).state is RunState.DONE


@contextmanager
def living_page(
    nursery: Nursery, folder: Path, server: FakeOpenRouter, **environment: str
) -> Iterator[tuple[LivingPage, Services]]:
    """A page with a worker, both in processes of their own, and services that only look."""
    with services_beside_server(folder / "data", server) as services:
        own = {"OPENROUTER_BASE_URL": server.base_url, "OPENROUTER_API_KEY": DEFAULT_KEY}
        page = LivingPage(nursery, services.settings.worker_environment() | own | environment)
        try:
            yield page, services
        finally:
            page.close()


def submitted(page: LivingPage, services: Services, request: RunRequest) -> Run:
    page.order("submit", request)
    run_id = page.done(60)
    assert run_id, "it was not submitted"
    return services.run(run_id)


@contextmanager
def closed(folder: Path) -> Iterator[None]:
    """Nothing can be made or removed in a folder and those in it."""
    folders = [folder, *(path for path in folder.rglob("*") if path.is_dir())]
    for each in folders:
        each.chmod(0o555)
    try:
        yield
    finally:
        for each in folders:
            each.chmod(0o755)
