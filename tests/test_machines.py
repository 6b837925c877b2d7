"""Beyond one machine: a real PostgreSQL, a real S3 store and real workers, each with a data folder of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import create_engine, update

from lib.domain.plan import RouteChoice, Times
from lib.domain.run import PartState, RunState
from lib.domain.workers import DEAD_AFTER
from lib.errors import InputError, StorageError
from lib.files import MediaFiles
from lib.media_store import MediaStore
from lib.pipeline.upkeep import keep_up
from lib.services import Services
from lib.settings import Settings
from lib.store import Store
from lib.store.tables import worker as worker_table
from tests.fakes.openrouter_server import FakeOpenRouter, Reply, Request
from tests.login_fixtures import ANN, user_of
from tests.postgres import new_database
from tests.services_fixtures import services_beside_server
from tests.waiting import is_over, look_until

ROOT = Path(__file__).parents[1]
MODEL = "google/gemini-3.8-flash"
SECRET = "a secret that all of the machines share"
AT_ONCE = 4


class Counts(FakeOpenRouter):
    """Takes a second for each answer, and counts how many it is asked for at once."""

    def __init__(self) -> None:
        super().__init__(answer="[00:00] Ever tried, ever failed.")
        self.most_at_once = 0
        self._at_once = 0
        self._counting = threading.Lock()

    def reply_to(self, request: Request, path: str) -> Reply:
        if path != "/chat/completions":
            return super().reply_to(request, path)
        with self._counting:
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        self.sleep(1.0)
        with self._counting:
            self._at_once -= 1
        return super().reply_to(request, path)

    def asked(self) -> Counter[str]:
        """How often each part was asked, by what was sent of it."""
        return Counter(request.media[0].sha256 for request in self.history if request.media)


@pytest.fixture(params=["s3", "file"])
def media_url(request, tmp_path) -> str:
    """A place for media of each kind, with nothing in it."""
    if request.param == "s3":
        return f"{request.getfixturevalue('bucket')}/{tmp_path.name}"
    (tmp_path / "share").mkdir()
    return (tmp_path / "share").as_uri()


@pytest.fixture
def team(postgres, bucket, tmp_path) -> Iterator[dict[str, str]]:
    """What every machine of a team is told."""
    with new_database(postgres) as url:
        yield {
            "CUEWISE_DATABASE_URL": url,
            "CUEWISE_MEDIA_URL": f"{bucket}/{tmp_path.name}",
            "CUEWISE_VAULT_KEY": SECRET,
            "CUEWISE_PARTS_AT_ONCE": str(AT_ONCE),
        }


@contextmanager
def page_machine(data: Path, server: FakeOpenRouter, team: dict[str, str]) -> Iterator[Services]:
    """Services on a machine that has no worker."""
    with services_beside_server(data, server, **team) as services:
        services._worker.close()
        yield services


@contextmanager
def worker_machine(data: Path, server: FakeOpenRouter, team: dict[str, str]) -> Iterator[subprocess.Popen]:
    """A worker on a machine of its own, started by hand and told the team's settings: no key."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("CUEWISE_", "OPENROUTER"))}
    environment |= {"CUEWISE_DATA": str(data), "OPENROUTER_BASE_URL": server.base_url, **team}
    command = [sys.executable, "-m", "lib.worker"]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


def worker_id(data: Path, store: Store) -> str:
    """The id of the worker on a data folder, once it is at work."""
    own = data / "worker.id"
    look_until(own.exists, bool)
    found = look_until(lambda: [each.id for each in store.workers.seen() if each.id.endswith(own.read_text())], bool)
    return found[0]


def let_time_pass(url: str, dead: str) -> None:
    """The silence of a worker grows by what makes it count as dead: the rest of the test need not wait for it."""
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("SET LOCAL lock_timeout = '5s'")
        silent = update(worker_table).where(worker_table.c.id == dead)
        connection.execute(silent.values(seen=worker_table.c.seen - DEAD_AFTER))
    engine.dispose()


def test_a_run_goes_on_when_a_machine_of_several_dies(tmp_path, team, talking_video):
    """Two workers share the parts of a run, with media and key from afar. One is killed in the middle: the other ends
    the run, no finished part is asked again, and both together never ask for more at once than one alone may."""
    machines = {each: tmp_path / each for each in ("one", "two")}
    with (
        Counts() as server,
        page_machine(tmp_path / "page", server, team) as services,
        worker_machine(machines["one"], server, team) as one,
        worker_machine(machines["two"], server, team) as two,
    ):
        store = services._tools.store
        processes = {worker_id(machines[name], store): each for name, each in (("one", one), ("two", two))}
        assert {each.id for each in services.workers()} == set(processes)
        short = {"part_seconds": 3.0, "times": Times.MODEL, "route": RouteChoice.AUDIO}
        request = replace(services.new_request(services.keep_file(talking_video), MODEL), **short)
        run = services.submit(request)
        engine = services._open_jobs()._open()

        def pending(name: str) -> list[str]:
            return [each.executor_id for each in engine.list_workflows(status="PENDING", name=name)]

        look_until(lambda: services.run(run.id), lambda run: sum(part.state is PartState.OK for part in run.parts) > 3)
        (dead,) = look_until(lambda: pending("run"), bool)
        processes[dead].kill()
        processes[dead].wait()
        before = {part.index: part for part in services.run(run.id).parts if part.state is PartState.OK}
        lost = pending("part").count(dead)
        time.sleep(1.0)  # what it had asked is answered into the void
        let_time_pass(team["CUEWISE_DATABASE_URL"], dead)
        done = look_until(lambda: services.run(run.id), is_over, 45)
        assert done.state is RunState.DONE, done.failure
        assert [each.id for each in services.workers()] == [each for each in processes if each != dead]
        assert {index: done.parts[index].generation_id for index in before} == {
            index: part.generation_id for index, part in before.items()
        }
        assert len(server.asked()) == len(done.parts)
        assert sum(server.asked().values()) <= len(done.parts) + lost
        assert server.most_at_once == AT_ONCE


def test_a_worker_that_was_only_slow_ends_when_others_have_taken_over(tmp_path, team):
    """Stopped for a while and taken for dead, a worker that wakes up ends at once, and does nothing twice."""
    data = tmp_path / "data"
    with FakeOpenRouter() as server, worker_machine(data, server, team) as process:
        store = Store(team["CUEWISE_DATABASE_URL"])
        sleeper = worker_id(data, store)
        time.sleep(1.5)  # between two beats: stopped amid one, it would hold its row
        process.send_signal(signal.SIGSTOP)
        let_time_pass(team["CUEWISE_DATABASE_URL"], sleeper)
        with store.workers.burying_one() as dead:
            assert dead == sleeper
        process.send_signal(signal.SIGCONT)
        assert process.wait(30) == 1
        store.close()
    assert "took this worker for dead" in (data / "logs" / "worker.log").read_text("utf-8")


def test_a_worker_that_freezes_while_it_says_that_it_lives_holds_nobody_up(team, monkeypatch):
    """Its row is locked then: the database lets go of it, another takes over, and what was half said is not true."""
    monkeypatch.setattr("lib.store.workers.FROZEN_AFTER", 0.5)
    frozen, other = Store(team["CUEWISE_DATABASE_URL"]), Store(team["CUEWISE_DATABASE_URL"])
    frozen.workers.arrive("frozen.1", "token", "vault")
    let_time_pass(team["CUEWISE_DATABASE_URL"], "frozen.1")

    def taken_over() -> str | None:
        with other.workers.burying_one() as dead:
            return dead

    def freeze() -> None:
        with frozen.workers._brief() as connection:
            connection.execute(update(worker_table).values(seen=worker_table.c.seen + DEAD_AFTER))
            assert taken_over() is None
            assert look_until(taken_over, bool) == "frozen.1"

    with pytest.raises(StorageError):
        freeze()
    assert not frozen.workers.beat("frozen.1", "token")
    frozen.close()
    other.close()


def test_only_one_buries_a_dead_worker(tmp_path, team):
    """Who takes over is alone with it; a living worker is left alone, and one that is buried hears it."""
    with_url = team["CUEWISE_DATABASE_URL"]
    first, second = Store(with_url), Store(with_url)
    for name in ("alive", "dead"):
        first.workers.arrive(f"{name}.1", name, "vault")
    let_time_pass(with_url, "dead.1")
    with first.workers.burying_one() as found, second.workers.burying_one() as nobody:
        assert (found, nobody) == ("dead.1", None)
    assert [each.machine for each in second.workers.seen()] == ["alive"]
    assert first.workers.beat("alive.1", "alive")
    assert not first.workers.beat("dead.1", "dead")
    first.close()
    second.close()


def test_a_question_that_one_machine_asks_another_waits_for(team):
    """Only one machine has a claim, until it lets go of it or dies; nobody is in their own way."""
    store = Store(team["CUEWISE_DATABASE_URL"])
    assert store.claims.take("question", "one")
    assert store.claims.take("question", "one")
    assert not store.claims.take("question", "two")
    store.claims.release("question", "two")
    assert not store.claims.take("question", "two")
    store.claims.release("question", "one")
    assert store.claims.take("question", "two")
    store.claims.release_all("two")
    assert store.claims.take("question", "one")
    store.close()


def test_a_burial_that_fails_is_tried_again(team):
    """A dead worker whose work could not be taken over is still there for the next who looks."""
    store = Store(team["CUEWISE_DATABASE_URL"])
    store.workers.suspect(["gone"])
    with pytest.raises(ZeroDivisionError), store.workers.burying_one():
        raise ZeroDivisionError
    with store.workers.burying_one() as found:
        assert found == "gone"
    with store.workers.burying_one() as found:
        assert found is None
    store.close()


@pytest.mark.expects_errors
def test_a_worker_with_another_secret_refuses_to_start(tmp_path, team):
    """It could not open the keys that the others seal: it says so, and takes up nothing."""
    store = Store(team["CUEWISE_DATABASE_URL"])
    store.workers.arrive("other.1", "token", "another")
    with FakeOpenRouter() as server, worker_machine(tmp_path / "data", server, team) as process:
        assert process.wait(60) == 1
    assert "CUEWISE_VAULT_KEY" in (tmp_path / "data" / "logs" / "worker.log").read_text("utf-8")
    assert [each.id for each in store.workers.seen()] == ["other.1"]
    store.close()


def test_media_for_several_machines_need_a_shared_secret(tmp_path):
    """Without it the app says what to set, and never names a secret."""
    told = {"CUEWISE_DATABASE_URL": "postgresql+psycopg://db/cuewise", "CUEWISE_MEDIA_URL": "s3://media"}
    with pytest.raises(InputError, match="CUEWISE_VAULT_KEY"):
        Settings.from_environment(told)
    with pytest.raises(InputError, match="fewer than 32"):
        Settings.from_environment({"CUEWISE_VAULT_KEY": "short secret"})
    with pytest.raises(InputError, match="CUEWISE_MEDIA_URL"):
        Settings.from_environment({"CUEWISE_MEDIA_URL": "ftp://media"})
    own = {"CUEWISE_VAULT_KEY": SECRET, "CUEWISE_DATA": str(tmp_path), "CUEWISE_COPIES_GB": "2.5"}
    settings = Settings.from_environment(told | own)
    assert settings.copies_limit_bytes == 2_500_000_000
    assert Settings.from_environment(settings.worker_environment()).copies_limit_bytes == 2_500_000_000
    assert SECRET not in repr(settings)
    assert settings.worker_environment()["CUEWISE_VAULT_KEY"] == SECRET


def test_what_one_machine_keeps_another_finds(tmp_path, media_url, short_talking_video):
    """An asset is fetched when it is wanted, by many threads at once, and is the same; deleted, it is gone for all."""
    one, two, three = (MediaFiles(tmp_path / each, MediaStore(media_url)) for each in ("one", "two", "three"))
    asset_id, size_bytes = one.keep_file(short_talking_video)
    assert two.path(asset_id) is None
    one.share(asset_id)
    found = []
    threads = [threading.Thread(target=lambda: found.append(two.path(asset_id))) for _ in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert {path.read_bytes() for path in found} == {short_talking_video.read_bytes()}
    assert list((two.data_dir / "temporary").iterdir()) == []
    assert (two.here(asset_id).stat().st_size, three.here(asset_id)) == (size_bytes, None)
    two.remove(asset_id)
    assert three.path(asset_id) is None
    assert one.here(asset_id)


def test_users_keep_their_media_apart_in_one_store(tmp_path, media_url, short_talking_video):
    """What two users hold the same video of is there twice: who deletes theirs takes nothing from the other, and the
    store of one finds nothing of the other's."""
    ann, bob = (MediaFiles(tmp_path / each, MediaStore(media_url, f"users/{each}")) for each in ("ann", "bob"))
    asset_id = ann.keep_file(short_talking_video)[0]
    ann.share(asset_id)
    assert MediaFiles(tmp_path / "bob's other machine", bob.shared).path(asset_id) is None
    assert bob.keep_file(short_talking_video)[0] == asset_id
    bob.share(asset_id)
    ann.remove(asset_id)
    assert MediaFiles(tmp_path / "ann's other machine", ann.shared).path(asset_id) is None
    assert MediaFiles(tmp_path / "bob's other machine", bob.shared).path(asset_id)
    assert MediaStore(media_url).names("media") == []


def test_a_place_of_the_store_is_copied_to_another_and_cleared(tmp_path, media_url):
    """All below a folder, and once more what is missing or half there; cleared, one place is empty and no other is."""
    whole, ann, bob = MediaStore(media_url), MediaStore(media_url, "users/ann"), MediaStore(media_url, "users/bob")
    for name in ("one", "two", "three"):
        (tmp_path / name).write_bytes(name.encode())
        whole.put(tmp_path / name, f"media/{name[0]}/{name}")
    whole.put(tmp_path / "one", "renditions/one")
    ann.put(tmp_path / "one", "media/t/two")
    for _ in range(2):
        whole.copy_to(ann, "media")
        assert ann.sizes() == {"media/o/one": 3, "media/t/two": 3, "media/t/three": 5}
    assert ann.get("media/t/three", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == b"three"
    bob.put(tmp_path / "one", "media/o/one")
    for _ in range(2):
        ann.clear()
        assert ann.sizes() == {}
    assert bob.sizes() == {"media/o/one": 3}
    assert len(whole.names("media")) == 3
    with pytest.raises(ValueError, match="whole"):
        whole.clear()


def test_what_is_made_to_be_given_out_is_found_elsewhere(tmp_path, media_url):
    """A captioned copy or a poster made on one machine is given out by another, until it is removed or too old."""
    one, two = (MediaFiles(tmp_path / each, MediaStore(media_url)) for each in ("one", "two"))
    copies = {"a" * 64: b"first", "b" * 64: b"second"}
    for name, content in copies.items():
        with one.temporary(".mp4") as fresh:
            fresh.write_bytes(content)
            one.keep_rendition(fresh, name, ".mp4", share=True)
    assert not two.has_rendition("c" * 64, ".mp4")
    assert two.has_rendition("a" * 64, ".mp4")
    assert two.rendition("a" * 64, ".mp4").read_bytes() == b"first"
    two.remove_renditions(["a" * 64])
    one.remove_renditions(["a" * 64])
    assert not one.has_rendition("a" * 64, ".mp4")
    assert MediaStore(media_url).names("renditions") == [f"renditions/bb/{'b' * 64}.mp4"]
    two.sweep_renditions(3600)
    assert two.has_rendition("b" * 64, ".mp4")
    time.sleep(1.1)  # a bucket tells moments apart by seconds
    two.sweep_renditions(0)
    assert not two.has_rendition("b" * 64, ".mp4")


def test_a_damaged_file_of_the_store_is_refused(tmp_path, media_url):
    """What does not have the bytes that its name says is not taken, and leaves nothing behind."""
    store, files = MediaStore(media_url), MediaFiles(tmp_path / "data", MediaStore(media_url))
    name, other = "d" * 64, tmp_path / "other"
    other.write_bytes(b"something else")
    store.put(other, f"media/dd/{name}")
    with pytest.raises(StorageError, match="damaged"):
        files.path(name)
    assert files.here(name) is None
    assert list((files.data_dir / "temporary").iterdir()) == []


def test_a_large_file_goes_there_in_pieces(tmp_path, media_url):
    """40 MB arrive as they were, and are not put there twice."""
    store, large, back = MediaStore(media_url), tmp_path / "large", tmp_path / "back"
    large.write_bytes(os.urandom(40_000_000))
    store.put(large, "media/large")
    store.put(large, "media/large")
    assert store.size("media/large") == 40_000_000
    assert store.get("media/large", back)
    assert back.read_bytes() == large.read_bytes()


def test_a_store_that_is_not_there_is_said_in_words(tmp_path, bucket):
    """A bucket that nobody made, a server that is away and a share that is not mounted: a sentence and what to do."""
    for url in ("s3://nobody-made-this/team", (tmp_path / "not mounted").as_uri()):
        with pytest.raises(StorageError) as raised:
            MediaStore(url).check()
        assert "CUEWISE_MEDIA_URL" in raised.value.hint
    MediaStore(bucket).check()
    assert not (tmp_path / "not mounted").exists()


def test_what_was_deleted_elsewhere_goes_at_the_next_upkeep(tmp_path, team, short_talking_video):
    """A video that one machine fetched is gone from it at its next upkeep after another deleted it."""
    with (
        FakeOpenRouter() as server,
        page_machine(tmp_path / "one", server, team) as one,
        page_machine(tmp_path / "two", server, team) as two,
    ):
        source = one.keep_file(short_talking_video)
        path = two.media_path(source.asset_id)
        assert path.read_bytes() == short_talking_video.read_bytes()
        an_hour_ago = time.time() - 4000
        os.utime(path, (an_hour_ago, an_hour_ago))
        keep_up(two._tools)
        assert path.exists()
        one._tools.store.removals.forget_assets([source.asset_id])
        one._tools.files.remove(source.asset_id)
        keep_up(two._tools)
        assert not path.exists()
        assert two.media_path(source.asset_id) is None


def test_a_machine_keeps_so_many_copies_and_no_more(tmp_path, team, talking_video, short_talking_video, footage):
    """What was wanted longest ago goes first, of all users together: not what is at work, not what only this machine
    has, nothing of the last hour. What went is fetched again when it is wanted."""
    videos = (footage, short_talking_video, talking_video)
    with (
        FakeOpenRouter() as server,
        page_machine(tmp_path / "one", server, team) as one,
        page_machine(tmp_path / "two", server, team) as two,
    ):
        one.users.enter(user_of(ANN))
        ann = one.of_user(user_of(ANN).id)
        sources = [(ann if video is talking_video else one).keep_file(video) for video in videos]
        anns = two.of_user(user_of(ANN).id)

        def paths() -> list[Path]:
            return [(anns if each is sources[2] else two).media_path(each.asset_id) for each in sources]

        def leave_for(hours: tuple[float, ...]) -> None:
            for path, each in zip(paths(), hours, strict=True):
                os.utime(path, (time.time() - 3600 * each, path.stat().st_mtime))

        def kept(limit: int) -> list[bool]:
            object.__setattr__(two.settings, "copies_limit_bytes", limit)
            keep_up(two._tools)
            return [path.exists() for path in places]

        places = paths()
        smallest, _, largest = (path.stat().st_size for path in videos)
        one._tools.store.runs.add("r" * 32, one.new_request(sources[0], MODEL), None)
        one._tools.store.runs.begin("r" * 32, 1)
        leave_for((9, 3, 2))
        assert kept(10**9) == [True, True, True]
        assert kept(smallest + largest) == [True, False, True]
        assert paths()[1].read_bytes() == short_talking_video.read_bytes()
        one._tools.files.shared.remove([f"media/{sources[1].asset_id[:2]}/{sources[1].asset_id}"])
        leave_for((9, 3, 0.5))
        assert kept(1) == [True, True, True]
        one.cancel("r" * 32)
        two._tools.files.share(sources[1].asset_id)
        leave_for((9, 3, 0.5))
        assert kept(1) == [False, False, True]


def test_the_doctor_tells_of_the_store_and_of_all_workers(tmp_path, team):
    """Where the media are, and which machines are at work."""
    with FakeOpenRouter() as server, page_machine(tmp_path / "data", server, team) as services:
        services._tools.store.workers.arrive("attic.1", "token", "vault")
        services._tools.store.workers.suspect(["cellar.1"])
        found = {each.name: each for each in services.doctor.examine()}
        assert found["Media store"].found == team["CUEWISE_MEDIA_URL"]
        assert (found["Workers"].found, found["Workers"].note) == ("1 at work", "attic")
        assert [each.machine for each in services.workers()] == ["attic"]
