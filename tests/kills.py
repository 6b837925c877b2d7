"""Kills: page, worker and ffmpeg are killed again and again while runs go on, and the books are compared at the end.

The seed draws whom each kill hits and at what moment: so long after the last one, while a worker is still being born,
while a run is being submitted, when the n-th next request has come to the server, when the n-th next answer has left it
(is it kept by then?), or when the n-th next answer was kept (is it in the books by then?). How far the work is at such
a moment is up to the machine.

**Paid twice** is a question that is asked though its answer was kept when the request came in: the server looks into
the database at every request. An answer that was still on its way, or that had come and was not yet kept, when its
worker was killed has to be asked for again, and may be billed again. Those are counted apart (``asked_again``), and
each must have a kill between its two requests (else it is ``unexplained``).
"""

from __future__ import annotations

import hashlib
import itertools
import json
import random
import re
import sqlite3
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from lib.domain.budget import PaymentState
from lib.domain.media import Clip, Source
from lib.domain.plan import RouteChoice, Times
from lib.domain.run import RunRequest, RunState
from lib.services import Services
from tests.fakes.openrouter_requests import Request
from tests.fakes.openrouter_server import DEFAULT_KEY, FakeOpenRouter, Reply
from tests.lives import Life, LivingPage, Nursery
from tests.services_fixtures import services_beside_server
from tests.text_fixtures import prompt_of

MODEL = "google/gemini-3.8-flash"
TAG = re.compile(r"tag-\d{4}")
SAID = re.compile(r"word [0-9a-f]{16}")
AT_ONCE, PARTS_AT_ONCE = 3, 4
"""So many runs are under way while there is somebody left to kill, and so many parts are asked about at once."""
PARTS, PART_SECONDS, GAP_SECONDS = 4, 2.5, 0.5
PATIENCE = 60.0
ON_ITS_WAY = 1.0
"""So long after a kill a request of the dead may still come in."""
TARGETS = {"worker": 11, "ffmpeg": 3, "page": 3, "both": 3}
MOMENTS = {"after": 4, "at birth": 1, "ordered": 2, "asked": 3, "answered": 3, "kept": 3}
FEED_EVERY = 0.02


@dataclass(frozen=True)
class Kill:
    """Whom to kill, and when: ``count`` requests, answers or kept answers from now, and ``seconds`` after that."""

    target: str
    moment: str
    count: int
    seconds: float


@dataclass
class Toll:
    """What so many kills came to."""

    kills: Counter[str] = field(default_factory=Counter)
    runs: int = 0
    lost: list[str] = field(default_factory=list)
    """Runs that were written down and did not end with their whole text, and why."""
    questions: int = 0
    paid_twice: list[str] = field(default_factory=list)
    asked_again: int = 0
    unexplained: list[str] = field(default_factory=list)
    left_behind: list[str] = field(default_factory=list)
    """Processes, reservations, jobs and files that outlived their work."""
    seconds: float = 0.0

    @property
    def workers_lost(self) -> int:
        """How many kills took a worker along: all but those of ffmpeg."""
        return self.kills.total() - self.kills["ffmpeg"]


def draw(kills: int, seed: int) -> Iterator[Kill]:
    """The kills of a seed."""
    chance = random.Random(seed)
    for _ in range(kills):
        target, moment = (chance.choices(list(odds), odds.values())[0] for odds in (TARGETS, MOMENTS))
        longest = {"after": 0.4, "at birth": 0.15, "ordered": 0.05}.get(moment, 0.02)
        yield Kill(target, moment, chance.randint(1, 3), chance.uniform(0, longest))


class Teller(FakeOpenRouter):
    """Answers each question with a word of its own, and looks at every request whether that word was kept before."""

    def __init__(self, database: Path) -> None:
        super().__init__(delay=0.004)
        self._database = database
        self._guard = threading.Lock()
        self.asked: dict[str, list[float]] = defaultdict(list)
        """When each question came, by the word that answers it."""
        self.words: dict[str, set[str]] = defaultdict(set)
        """The words that a run must end with, by its tag."""
        self.paid_twice: list[str] = []
        self.requests = self.answered = 0

    def reply_to(self, request: Request, path: str) -> Reply:
        if request.method != "POST":
            return super().reply_to(request, path)
        prompt = prompt_of(request)
        sent = json.dumps([request.body["model"], prompt, [media.sha256 for media in request.media]])
        word = f"word {hashlib.sha256(sent.encode()).hexdigest()[:16]}"
        is_kept = count_in(self._database, "SELECT count(*) FROM generation WHERE record LIKE ?", f"%{word}%") > 0
        with self._guard:
            self.requests += 1
            self.asked[word].append(time.monotonic())
            self.words[TAG.search(prompt).group()].add(word)
            if is_kept:
                self.paid_twice.append(word)
        return Reply.answer(f"[00:00] The {word}.", delay=self.delay)

    def has_sent(self, request: Request) -> None:
        self.answered += request.method == "POST"


def count_in(database: Path, query: str, *values: str) -> int:
    """The number that a query gives; nobody who writes waits for it."""
    with closing(sqlite3.connect(database, timeout=20)) as connection:
        return connection.execute(query, values).fetchone()[0]


class Slaughter:
    """The runs under way, the page that keeps them going, and whoever kills it, one moment after the other."""

    def __init__(self, nursery: Nursery, services: Services, server: Teller, source: Source, toll: Toll) -> None:
        self._nursery, self._services, self._server, self._source, self._toll = nursery, services, server, source, toll
        self._page: LivingPage | None = None
        self._lives: list[Life] = []
        self._ordered: str | None = None
        self._given: list[str] = []
        self._struck: list[float] = []
        self._fed = 0.0

    def strike(self, kill: Kill) -> None:
        """Wait for its moment and kill."""
        self._living_worker()
        self._wait_for(kill)
        worker = self._living_worker()
        if kill.target == "ffmpeg":
            self._kill_an_ffmpeg()
        elif kill.target == "worker":
            worker.kill()
        else:
            if kill.target == "both":
                worker.kill()
            self._page.life.kill()
            self._bury_page()
        if kill.target != "ffmpeg":
            self._struck.append(time.monotonic())
        self._toll.kills[kill.target] += 1

    def end(self) -> None:
        """Let the runs end, and then the page; compare the books."""
        self._until(self._is_all_done, "runs are still under way", 4 * PATIENCE)
        self._page.close()
        self._bury_page()
        self._count()

    def close(self) -> None:
        """Leave nobody behind, whatever happened."""
        if self._page is not None:
            self._page.life.kill()
            self._bury_page()
        for life in self._lives:
            life.kill()
            life.close()

    def _wait_for(self, kill: Kill) -> None:
        server, database = self._server, self._server._database
        counts = {
            "asked": lambda: server.requests,
            "answered": lambda: server.answered,
            "kept": lambda: count_in(database, "SELECT count(*) FROM generation"),
        }
        if (count := counts.get(kill.moment)) is not None:
            wanted = count() + kill.count
            self._until(lambda: count() >= wanted, f"nothing was {kill.moment}", is_feeding=True)
        elif kill.moment == "after":
            until = time.monotonic() + kill.seconds
            self._until(lambda: time.monotonic() >= until, "time stands still", is_feeding=True)
            return
        elif kill.moment == "ordered" and not self._ordered:
            self._give()
        time.sleep(kill.seconds)

    def _kill_an_ffmpeg(self) -> None:
        def has_killed() -> bool:
            worker = self._page.worker
            return worker is not None and any(_kill_if_ffmpeg(child) for child in worker.children())

        self._until(has_killed, "ffmpeg never ran", is_feeding=True)

    def _living_worker(self) -> Life:
        self._until(lambda: self._page and self._page.worker, "no worker lives", is_feeding=True)
        return self._page.worker

    def _until(self, condition, complaint: str, seconds: float = PATIENCE, *, is_feeding: bool = False) -> None:
        until = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > until:
                raise AssertionError(f"{complaint}: {self._state_of_things()}")
            self._tend(is_feeding)
            time.sleep(0.002)

    def _state_of_things(self) -> str:
        """What is under way, what failed last, and what the worker said, for whoever has to find out why."""
        runs = [run for run in self._services.runs() if run.state is not RunState.DONE]
        states = [f"{run.request.terms[0]} {run.state} {run.stage} {run.failure}" for run in runs[:20]]
        log = self._services.settings.data_dir / "logs" / "worker.log"
        return "\n".join([*states, *log.read_text(encoding="utf-8").splitlines()[-20:]])

    def _tend(self, is_feeding: bool) -> None:
        """See to it that a page lives, and that there is work."""
        if self._page is None:
            self._page = LivingPage(self._nursery, self._environment())
            self._lives.append(self._page.life)
            if self._ordered and not self._is_written_down(self._ordered):
                self._page.order("submit", self._request(self._ordered))  # whoever saw no run presses Run again
            else:
                self._ordered = None
        if self._ordered and self._page.has_obeyed():
            self._ordered = None
        if is_feeding and not self._ordered and time.monotonic() > self._fed + FEED_EVERY:
            self._fed = time.monotonic()
            if self._unfinished() < AT_ONCE:
                self._give()

    def _give(self) -> None:
        """Let the page submit one more run."""
        self._ordered = f"tag-{len(self._given):04d}"
        self._given.append(self._ordered)
        self._page.order("submit", self._request(self._ordered))

    def _bury_page(self) -> None:
        self._page.bury()
        self._lives += self._page.workers
        self._page = None

    def _request(self, tag: str) -> RunRequest:
        """Each run about stretches of its own, so that each has files of its own to be made, one for each part."""
        number = int(tag[-4:])
        begins = [0.1 * (number % 300) + at * (PART_SECONDS + GAP_SECONDS) for at in range(PARTS)]
        request = self._services.new_request(
            *(self._source, MODEL),
            terms=(tag,),
            times=Times.MODEL,
            stretches=[Clip(round(begin, 1), round(begin + PART_SECONDS, 1)) for begin in begins],
            route=RouteChoice.VIDEO if number % 2 else RouteChoice.AUDIO,
        )
        return replace(request, part_seconds=PART_SECONDS)

    def _environment(self) -> dict[str, str]:
        settings = self._services.settings
        own = {"OPENROUTER_BASE_URL": self._server.base_url, "OPENROUTER_API_KEY": DEFAULT_KEY}
        return settings.worker_environment() | own | {"CUEWISE_PARTS_AT_ONCE": str(PARTS_AT_ONCE)}

    def _is_written_down(self, tag: str) -> bool:
        return bool(self._query("SELECT count(*) FROM run WHERE request LIKE ?", f"%{tag}%"))

    def _is_all_done(self) -> bool:
        """Whether neither we nor the engine have anything left to do."""
        return not self._ordered and not self._unfinished() and not self._jobs_left()

    def _jobs_left(self) -> int:
        working = "SELECT count(*) FROM workflow_status WHERE status IN ('PENDING', 'ENQUEUED', 'DELAYED')"
        return count_in(self._services.settings.data_dir / "jobs.db", working)

    def _unfinished(self) -> int:
        return self._query("SELECT count(*) FROM run WHERE state IN ('queued', 'running')")

    def _query(self, query: str, *values: str) -> int:
        return count_in(self._server._database, query, *values)

    # The books

    def _count(self) -> None:
        toll, server = self._toll, self._server
        runs = {run.request.terms[0]: run for run in self._services.runs(limit=10_000)}
        toll.runs, toll.questions = len(runs), len(server.asked)
        for tag in self._given:
            if why := self._why_lost(runs.get(tag), server.words[tag]):
                toll.lost.append(f"{tag}: {why}")
        toll.paid_twice = server.paid_twice
        for word, times in server.asked.items():
            toll.asked_again += len(times) - 1
            for before, after in itertools.pairwise(times):
                if not any(before - ON_ITS_WAY <= moment <= after for moment in self._struck):
                    toll.unexplained.append(word)
        toll.left_behind = [*self._processes_left(), *self._rows_left(), *self._files_left()]

    def _why_lost(self, run, words: set[str]) -> str:
        if run is None:
            return "it is gone"
        if run.state is not RunState.DONE:
            return f"{run.state}: {run.failure}"
        missing = words - set(SAID.findall(self._services.transcript(run.id).text))
        if missing or len(words) != PARTS or len(run.parts) != PARTS:
            return f"{len(missing)} of {len(words)} words are missing, it has {len(run.parts)} parts"
        return ""

    def _processes_left(self) -> list[str]:
        until = time.monotonic() + 10
        while (left := [life for life in self._lives if not life.is_over]) and time.monotonic() < until:
            time.sleep(0.05)
        folder = str(self._services.settings.data_dir)
        return [*(f"process {life.pid}" for life in left), *(f"ffmpeg {pid.name}" for pid in _ffmpegs_in(folder))]

    def _rows_left(self) -> Iterator[str]:
        if count := self._query("SELECT count(*) FROM payment WHERE state = ?", PaymentState.RESERVED):
            yield f"{count} reservations"
        if (count := self._query("SELECT count(*) FROM payment")) < self._server.requests:
            yield f"{self._server.requests - count} requests that nobody reserved for"
        if count := self._jobs_left():
            yield f"{count} jobs"

    def _files_left(self) -> Iterator[str]:
        # What a killed worker was writing lies there for a day, unless somebody says that the day is over.
        self._services._tools.files.sweep(older_than=-1.0)
        temporary = self._services.settings.data_dir / "temporary"
        yield from (str(path) for path in temporary.rglob("*"))


def _kill_if_ffmpeg(process: Path) -> bool:
    with suppress(OSError):
        if b"ffmpeg" in (process / "cmdline").read_bytes():
            Life(int(process.name)).kill()
            return True
    return False


def kill_an_ffmpeg(worker: Life, seconds: float = PATIENCE) -> None:
    """Kill the next ffmpeg that a worker starts; fails where it starts none."""
    until = time.monotonic() + seconds
    while not any(_kill_if_ffmpeg(child) for child in worker.children()):
        assert time.monotonic() < until, "ffmpeg never ran"
        time.sleep(0.001)


def _ffmpegs_in(folder: str) -> list[Path]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            command = (process / "cmdline").read_bytes()
            if b"ffmpeg" in command and folder.encode() in command:
                found.append(process)
    return found


def kill_and_count(folder: Path, video: Path, *, kills: int, seed: int) -> Toll:
    """Do the kills of a seed to runs about a video of 44 s, and count what they came to."""
    toll = Toll()
    data = folder / "data"
    began = time.monotonic()
    with (
        Nursery() as nursery,
        Teller(data / "cuewise.db") as server,
        services_beside_server(data, server) as services,
    ):
        slaughter = Slaughter(nursery, services, server, services.keep_file(video), toll)
        try:
            for kill in draw(kills, seed):
                slaughter.strike(kill)
            slaughter.end()
        finally:
            slaughter.close()
    toll.seconds = time.monotonic() - began
    return toll
