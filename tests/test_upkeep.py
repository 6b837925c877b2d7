"""Upkeep: backups and the way back, what is kept no longer, the doctor, and logs for machines."""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import update
from starlette.testclient import TestClient

from lib.domain.media import Source, SourceKind
from lib.domain.run import Failure, RunRequest, RunState
from lib.domain.transcript import Cue, Transcript
from lib.errors import NothingThere, StorageError, StorageInUse
from lib.logs import about_run, start_logging
from lib.pipeline.doctor import Verdict
from lib.pipeline.upkeep import keep_up
from lib.services import open_services
from lib.store import Store, back_up, backups, restore
from lib.store.backup import problems_of
from lib.store.tables import asset, run
from tests.app import ROOT
from tests.fakes.openrouter_server import DEFAULT_KEY, FakeOpenRouter
from tests.services_fixtures import services_beside

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def add_run(store: Store, run_id: str, started: datetime, asset_id: str | None = None) -> None:
    kind = SourceKind.FILE if asset_id else SourceKind.LINK
    source = Source(kind, f"{run_id}.mp4", url=None if asset_id else "https://example.org/v", asset_id=asset_id)
    said = Transcript((Cue(1.0, 2.0, f"The words of {run_id}."),), f"The words of {run_id}.")
    store.runs.add_done(run_id, RunRequest(source, "local/whisper-base"), said, started=started, asset_id=asset_id)


@pytest.fixture
def store(settings) -> Store:
    store = Store(settings.database_url)
    yield store
    store.close()


def test_a_backup_a_day_is_kept_and_the_oldest_go(settings, store):
    """Once a day, whole, readable by its owner alone; never more than three."""
    add_run(store, "r1", NOON)
    made = [
        back_up(settings.database_url, settings.backups_dir, now=NOON + timedelta(days=day, hours=hour))
        for day in range(5)
        for hour in (0, 6)
    ]
    assert [copy is not None for copy in made] == [True, False] * 5
    kept = backups(settings.backups_dir)
    assert [copy.name for copy in kept] == [f"cuewise-2026-11-{day}.db" for day in (28, 27, 26)]
    assert all(copy.stat().st_mode & 0o077 == 0 for copy in kept)
    with closing(sqlite3.connect(kept[0])) as copy:
        assert copy.execute("SELECT id FROM run").fetchall() == [("r1",)]


def test_what_is_deleted_does_not_come_back_with_a_backup(settings, store):
    """Deleting for good takes the copies along; the next upkeep makes a fresh one, without what was deleted."""
    add_run(store, "gone", NOON)
    add_run(store, "kept", NOON)
    back_up(settings.database_url, settings.backups_dir)
    with closing(open_services(settings)) as services:
        services.library.delete_run("gone")
        assert backups(settings.backups_dir) == []
        keep_up(services._tools)
    (copy,) = backups(settings.backups_dir)
    with closing(sqlite3.connect(copy)) as database:
        assert database.execute("SELECT id FROM run").fetchall() == [("kept",)]
    assert b"words of gone" not in copy.read_bytes()


def test_no_copy_outlives_what_is_deleted(settings, store, monkeypatch):
    """One that is being checked while something is deleted takes no name; one that broke off another day goes, and so
    does the database that a backup took the place of."""
    add_run(store, "gone", NOON)
    back_up(settings.database_url, settings.backups_dir, now=NOON - timedelta(days=1))
    store.close()
    _, aside = restore(settings.database_url, settings.backups_dir)
    (settings.backups_dir / "cuewise-2026-11-01.new").write_bytes(b"words of gone")
    services = open_services(settings)

    def deleted_meanwhile(fresh):
        found = problems_of(fresh)
        services.library.delete_run("gone")
        return found

    monkeypatch.setattr("lib.store.backup.problems_of", deleted_meanwhile)
    try:
        assert aside.exists()
        assert back_up(settings.database_url, settings.backups_dir, now=NOON) is None
    finally:
        services.close()
    assert list(settings.backups_dir.iterdir()) == []
    assert list(settings.data_dir.glob("cuewise.db.replaced-*")) == []


def test_a_damaged_database_is_restored_and_nothing_is_deleted(settings, store):
    """The way back: the newest sound copy takes its place, a damaged copy is passed over, and what was there stays."""
    add_run(store, "r1", NOON)
    back_up(settings.database_url, settings.backups_dir, now=NOON)
    store.close()
    (settings.backups_dir / "cuewise-2026-11-25.db").write_bytes(b"no database" * 1000)
    file = settings.data_dir / "cuewise.db"
    damaged = bytearray(file.read_bytes())
    damaged[: len(damaged) // 2] = os.urandom(len(damaged) // 2)
    file.write_bytes(damaged)
    with pytest.raises(StorageError) as refused:
        Store(settings.database_url)
    assert "lib.cli restore" in refused.value.hint
    done = subprocess.run(
        [sys.executable, "-m", "lib.cli", "restore"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "CUEWISE_DATA": str(settings.data_dir)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "cuewise-2026-11-24.db" in done.stdout
    again = Store(settings.database_url)
    assert again.transcripts.get("r1").text == "The words of r1."
    again.close()
    (aside,) = settings.data_dir.glob("cuewise.db.replaced-*[0-9]")
    assert aside.read_bytes() == bytes(damaged)


def test_a_database_in_use_is_not_replaced(settings, store):
    """Restoring under a running app would lose what it writes: it is refused, and without a copy so is it."""
    with pytest.raises(NothingThere):
        restore(settings.database_url, settings.backups_dir)
    back_up(settings.database_url, settings.backups_dir, now=NOON)
    assert store.runs.newest(1) == []
    with pytest.raises(StorageInUse):
        restore(settings.database_url, settings.backups_dir)


def test_what_is_kept_no_longer_is_deleted(settings, short_talking_video):
    """With CUEWISE_KEEP_DAYS, runs that ended earlier go with the media that only they needed; without, none goes."""
    with closing(open_services(replace(settings, keep_days=30))) as services:
        store, source = services._tools.store, services.keep_file(short_talking_video)
        long_ago = datetime.now(UTC) - timedelta(days=31)
        add_run(store, "old", long_ago, source.asset_id)
        add_run(store, "new", datetime.now(UTC))
        with closing(sqlite3.connect(settings.data_dir / "cuewise.db")) as database:
            database.execute("UPDATE run SET finished = ? WHERE id = 'old'", (long_ago.isoformat(),))
            database.execute("UPDATE asset SET created = ?", (long_ago.isoformat(),))
            database.commit()
        keep_up(replace(services._tools, settings=settings))
        assert {run.id for run in services.runs()} == {"old", "new"}
        keep_up(services._tools)
        assert [run.id for run in services.runs()] == ["new"]
        assert services.media_path(source.asset_id) is None
        assert len(backups(settings.backups_dir)) == 1


@pytest.mark.expects_errors
def test_upkeep_never_raises_and_one_run_stops_no_other(settings, store, monkeypatch, caplog):
    """A run that was tried again meanwhile is passed over, and no fault of the job engine ends anything."""
    long_ago = datetime.now(UTC) - timedelta(days=31)
    for run_id in ("again", "old"):
        add_run(store, run_id, long_ago)
    with closing(sqlite3.connect(settings.data_dir / "cuewise.db")) as database:
        database.execute("UPDATE run SET finished = ?", (long_ago.isoformat(),))
        database.commit()
    back_up(settings.database_url, settings.backups_dir)
    services = open_services(replace(settings, keep_days=30))
    expired = services._tools.store.runs.ended_before

    def tried_again_meanwhile(moment):
        found = expired(moment)
        store.runs.again("again", store.runs.get("again").request)
        return [*found, "no such run"]

    def broken(*_):
        raise RuntimeError("the job engine is not there")

    try:
        monkeypatch.setattr(services._tools.store.runs, "ended_before", tried_again_meanwhile)
        monkeypatch.setattr("lib.jobs.Jobs.forget", broken)
        keep_up(services._tools)
        assert [run.id for run in services.runs()] == ["again"]
        assert b"words of old" not in backups(settings.backups_dir)[0].read_bytes()
        assert "the job engine is not there" in caplog.text
    finally:
        services.close()


def test_the_doctor_names_what_works_and_what_to_do(settings):
    """Every tool, the disk, the database, the worker, the weights, the hub, the catalogue and the key."""
    with (
        FakeOpenRouter() as server,
        services_beside(settings.data_dir, OPENROUTER_BASE_URL=server.base_url) as services,
    ):
        found = {finding.name: finding for finding in services.doctor.examine()}
        assert found["ffmpeg"].verdict is Verdict.WORKS
        assert found["Database"].found == "SQLite"
        assert (found["Worker"].verdict, found["Key"].verdict) == (Verdict.LIMITED, Verdict.LIMITED)
        assert "make run" in found["Worker"].note
        assert "Whisper base" in found["Weights"].found
        assert found["Catalogue"].verdict is Verdict.WORKS
        right = list(services.doctor.examine(DEFAULT_KEY))[-1]
        wrong = list(services.doctor.examine("sk-or-v1-wrong"))[-1]
        assert (right.name, right.verdict, wrong.verdict) == ("Key", Verdict.WORKS, Verdict.FAILS)
        assert wrong.note


def test_the_doctor_on_the_command_line_fails_when_something_does(settings, store):
    """Exit code 1 with a damaged database, 0 with what merely limits; JSON for machines."""
    command = [sys.executable, "-m", "lib.cli", "doctor", "--json"]
    environment = {
        "PATH": os.environ["PATH"],
        "CUEWISE_DATA": str(settings.data_dir),
        "OPENROUTER_BASE_URL": "http://127.0.0.1:9",
        "HF_ENDPOINT": "http://127.0.0.1:9",
    }
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
    found = {row["name"]: row for row in json.loads(done.stdout)}
    assert (found["Hub"]["verdict"], found["Catalogue"]["verdict"]) == ("limited", "limited")
    assert done.returncode == (1 if found["Key"]["verdict"] == "fails" else 0)
    assert found["Database"] == {"name": "Database", "verdict": "works", "found": "SQLite", "note": ""}


def test_runs_are_counted_by_state_model_and_reason(settings, store):
    """The counters are of all runs, or of those since a moment; money adds up exactly."""
    add_run(store, "r1", NOON)
    for number, cost in (("r2", "0.1"), ("r3", "0.2")):
        link = Source(SourceKind.LINK, "Talk", url="https://example.org/v")
        store.runs.add(number, RunRequest(link, "google/gemini"), None)
        store.runs.begin(number, 1)
        store.runs.fail(number, 1, Failure("rate_limited", "Too many requests."), Decimal(cost))
    ever = store.counting.since()
    assert (ever.states[RunState.DONE], ever.states[RunState.FAILED], ever.states[RunState.RUNNING]) == (1, 2, 0)
    assert ever.failures == (("rate_limited", 2),)
    assert [(each.model_id, each.runs, each.failed, each.cost_usd) for each in ever.models] == [
        ("google/gemini", 2, 2, Decimal("0.3")),
        ("local/whisper-base", 1, 0, Decimal(0)),
    ]
    assert store.counting.since(datetime.now(UTC) + timedelta(hours=1)).models == ()


def test_healthz_says_what_is_wrong(settings, monkeypatch):
    """200 while the app can do its work; 503 with the reason when the disk is full."""
    from lib.ui import frame, server

    monkeypatch.setenv("CUEWISE_DATA", str(settings.data_dir))
    try:
        from starlette.applications import Starlette

        client = TestClient(Starlette(routes=server.ROUTES))
        answer = client.get("/healthz")
        assert (answer.status_code, answer.json()["status"], answer.json()["problems"]) == (200, "ok", [])
        monkeypatch.setattr("lib.services.LEAST_ROOM", 1 << 60)
        answer = client.get("/healthz")
        assert (answer.status_code, answer.json()["status"]) == (503, "failing")
        assert "disk is full" in answer.json()["problems"][0]
    finally:
        frame.close_services()


def test_logs_for_machines_name_the_run_and_hold_no_key(tmp_path):
    """One JSON object a line, with the run that the work is for; a key that strays in is blotted out."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    path = start_logging(tmp_path, "machine", is_shown=False, is_json=True)
    try:

        @about_run
        def work(run_id: str, word: str) -> None:
            logging.getLogger("lib.test").info("at work on %s with sk-or-v1-0123456789abcdef", word)
            try:
                raise ValueError("Bearer sk-or-v1-0123456789abcdef")
            except ValueError:
                logging.getLogger("lib.test").warning("it failed", exc_info=True)

        work("r1", "a part")
        logging.getLogger("lib.test").info("afterwards")
    finally:
        for handler in [each for each in root.handlers if each not in before]:
            root.removeHandler(handler)
            handler.close()
        root.setLevel(level)
    first, second, third = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    assert (first["run_id"], first["level"], first["message"]) == ("r1", "INFO", "at work on a part with [key]")
    assert "ValueError" in second["error"]
    assert "run_id" not in third
    assert "sk-or" not in path.read_text(encoding="utf-8")


def test_a_video_that_was_given_again_just_now_is_kept(settings, beckett):
    """Its runs expire in this very hour, and its bill is on somebody's screen: it is not swept away under them."""
    with closing(open_services(replace(settings, keep_days=30))) as services:
        source = services.keep_file(beckett)
        add_run(services._tools.store, "r1", NOON, source.asset_id)
        long_ago = {"finished": "2026-01-01T00:00:00.000+00:00"}
        with services._tools.store._engine.begin() as connection:
            connection.execute(update(run).values(**long_ago))
            connection.execute(update(asset).values(created=long_ago["finished"]))
        again = services.keep_file(beckett)
        keep_up(services._tools)
        assert services.runs() == []
        assert services.plan(services.new_request(again, "local/whisper-base")).can_run
        assert services._tools.files.path(again.asset_id).exists()
