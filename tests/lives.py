"""The page and the worker as processes that can be killed hundreds of times: each is born by a fork.

A nursery has imported what they need, which takes seconds; a life is a fork of it, which takes none. From then on it is
a process like any other: it runs ``lib.worker.main``, or the verbs that pages use, has an id, sockets, threads, locks
and children of its own, and SIGKILL takes all of them away as it would from a process that was started by its name. The
worker is kept by the real ``WorkerProcess`` of the page that started it, and ends with that page.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import json
import os
import secrets
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from multiprocessing.connection import Connection
from pathlib import Path

from lib import worker_process
from lib.domain.run import RunRequest
from lib.store import assets, payments, rows
from lib.worker_process import WorkerProcess

ROOT = Path(__file__).parents[1]
LOADED_BEFORE = (
    *("lib.jobs", "lib.services", "lib.worker", "lib.logs", "lib.pipeline.upkeep", "lib.openrouter.sdk"),
    "faster_whisper.vad",
)
CLOCK = "TEST_CLOCK"
"""The variable that names the file by which a life's clock goes wrong, see ``_live_by``."""
AS_ANYONE = "TEST_AS_ANYONE"
"""The variable that takes root's rights to write anywhere from a life."""
LOOK_EVERY = 0.02
"""How often a page looks whether its worker lives: once a second would make 200 kills take minutes more."""


class Nursery:
    """The process whose forks are lives. It ends with whoever opened it."""

    def __init__(self) -> None:
        self.address = f"cuewise-lives-{secrets.token_hex(8)}"
        command = [sys.executable, "-m", "tests.lives", self.address]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdout.readline(), "no nursery"

    def __enter__(self) -> Nursery:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()


def give_birth(address: str, role: str, environment: Mapping[str, str], lines: Sequence[int]) -> int:
    """Fork a life that takes up a role, with these lines (file descriptors) to others; gives its process id."""
    with socket.socket(socket.AF_UNIX) as midwife:
        midwife.connect(f"\0{address}")
        words = json.dumps({"role": role, "environment": dict(environment), "address": address}).encode()
        socket.send_fds(midwife, [words], list(lines))
        midwife.shutdown(socket.SHUT_WR)
        with midwife.makefile() as answer:
            return int(answer.read())


class Life:
    """A process that was born somewhere, watched by a handle that no other process can come to own."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        try:
            self._handle = os.pidfd_open(pid)
        except ProcessLookupError:
            self._handle = None

    @property
    def is_over(self) -> bool:
        return self._handle is None or bool(select.select([self._handle], [], [], 0)[0])

    def kill(self, how: signal.Signals = signal.SIGKILL) -> None:
        if self._handle is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._handle, how)

    def wait(self, seconds: float | None = None) -> None:
        """Until it is over. Raises TimeoutExpired."""
        if self._handle is not None and not select.select([self._handle], [], [], seconds)[0]:
            raise subprocess.TimeoutExpired(f"process {self.pid}", seconds)

    def children(self) -> list[Path]:
        """What it has started and what still lives, as folders of /proc."""
        found: list[str] = []
        for task in Path(f"/proc/{self.pid}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                found += task.read_text().split()
        return [Path("/proc", pid) for pid in found]

    def close(self) -> None:
        if self._handle is not None:
            os.close(self._handle)


class LivingPage:
    """A page in a process of its own, which submits runs and keeps a worker. Seen from whoever kills both."""

    def __init__(self, nursery: Nursery, environment: Mapping[str, str]) -> None:
        (self._orders, orders), (self._births, births) = _line(), _line()
        self.life = Life(give_birth(nursery.address, "page", environment, [orders.fileno(), births.fileno()]))
        orders.close()
        births.close()
        self.workers: list[Life] = []

    def look(self) -> None:
        """Take note of the workers that were born since."""
        with contextlib.suppress(EOFError, OSError):
            while self._births.poll():
                self.workers.append(Life(self._births.recv()))

    @property
    def worker(self) -> Life | None:
        """The worker that lives now."""
        self.look()
        return self.workers[-1] if self.workers and not self.workers[-1].is_over else None

    def order(self, verb: str, subject: RunRequest | str) -> None:
        """Let it press Run (``submit``) or Retry (``retry``)."""
        self._orders.send((verb, subject))

    def has_obeyed(self) -> bool:
        """Whether the last order was carried out."""
        return self.done() is not None

    def done(self, seconds: float = 0.0) -> str | None:
        """The run that the last order gave, once it was carried out; waits so long for that."""
        with contextlib.suppress(EOFError, OSError):
            if self._orders.poll(seconds):
                return self._orders.recv()
        return None

    def close(self) -> None:
        """Let it end as on Ctrl+C, and the worker with it."""
        with contextlib.suppress(OSError):
            self._orders.send(None)
        self.bury()

    def bury(self) -> None:
        """Wait until it has ended."""
        self.life.wait(30)
        self.look()
        self._orders.close()
        self._births.close()


def _line() -> tuple[Connection, Connection]:
    """Two ends of a line between processes."""
    return tuple(Connection(end.detach()) for end in socket.socketpair())


class _ForkedWorker(WorkerProcess):
    """The keeper of the worker as it is, but for how the worker is born."""

    def __init__(self, environment: dict[str, str], address: str, births: Connection) -> None:
        super().__init__(environment)
        self._address, self._births = address, births

    def _start(self) -> _Fork:
        self._started = time.monotonic()
        fork = _Fork(self._address, self._environment)
        self._births.send(fork.pid)
        return fork


class _Fork(Life):
    """A forked worker, with the manners of ``subprocess.Popen`` as far as its keeper knows them."""

    def __init__(self, address: str, environment: dict[str, str]) -> None:
        theirs, ours = os.pipe()
        super().__init__(give_birth(address, "worker", environment, [theirs]))
        os.close(theirs)
        self.stdin = os.fdopen(ours, "wb")

    def poll(self) -> int | None:
        return -signal.SIGKILL if self.is_over else None

    def terminate(self) -> None:
        self.kill(signal.SIGTERM)


def _be_the_worker(address: str, environment: dict[str, str], lines: list[int]) -> None:
    os.dup2(lines[0], 0)
    os.close(lines[0])
    from lib.worker import main

    sys.exit(main())


def _be_the_page(address: str, environment: dict[str, str], lines: list[int]) -> None:
    from lib.services import open_services
    from lib.settings import Settings

    orders, births = map(Connection, lines)
    worker_process.LOOK_EVERY = LOOK_EVERY
    services = open_services(Settings.from_environment())
    services._worker = _ForkedWorker(services.settings.worker_environment(), address, births)
    services.ensure_worker()
    with contextlib.closing(services), contextlib.suppress(EOFError):
        while (order := orders.recv()) is not None:
            verb, subject = order
            orders.send(getattr(services, verb)(subject).id)


def _live_in(environment: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)
    if clock := environment.get(CLOCK):
        _live_by(Path(clock))
    if AS_ANYONE in environment:
        _write_no_more_than_anyone()


def _live_by(file: Path) -> None:
    """From now on the clock of this process goes wrong by the seconds that stand in a file, at every moment."""
    true_time = time.time

    def told_time() -> float:
        return true_time() + float(file.read_text())

    class ToldDatetime(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return datetime.fromtimestamp(told_time(), tz)

    time.time = told_time
    for module in (rows, payments, assets):
        module.datetime = ToldDatetime


def _write_no_more_than_anyone() -> None:
    """Give up root's right to write where nobody may, here and in what is started from here."""
    libc = ctypes.CDLL(None)
    for right in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        libc.prctl(24, right, 0, 0, 0)  # PR_CAPBSET_DROP
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    rights = (ctypes.c_uint32 * 6)()
    libc.capget(header, rights)
    for at in range(3):
        rights[at] &= ~0b110
    libc.capset(header, rights)


def main() -> None:
    """The nursery: forks a life for each that asks, until standard input is closed."""
    for name in LOADED_BEFORE:
        importlib.import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the dead
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(f"\0{sys.argv[1]}")
        door.listen(16)
        print("ready", flush=True)
        while door in select.select([door, 0], [], [])[0]:
            with door.accept()[0] as midwife:
                words, lines = _words_from(midwife)
                if (pid := os.fork()) == 0:
                    door.close()
                    midwife.close()
                    _live(lines, **json.loads(words))
                for line in lines:
                    os.close(line)
                midwife.sendall(str(pid).encode())


def _words_from(midwife: socket.socket) -> tuple[bytes, list[int]]:
    words, lines, _, _ = socket.recv_fds(midwife, 65536, 4)
    while more := midwife.recv(65536):
        words += more
    return words, lines


def _live(lines: list[int], role: str, environment: dict[str, str], address: str) -> None:
    """Be what one is born to be, to the end."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    try:
        _live_in(environment)
        {"page": _be_the_page, "worker": _be_the_worker}[role](address, environment, lines)
    except SystemExit:
        pass
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(0)


if __name__ == "__main__":
    main()
