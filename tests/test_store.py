"""The store: what goes in comes out, and what is no longer wanted is ignored."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import QueuePool, create_engine

from lib.domain.conversation import Asking
from lib.domain.copies import CaptionForm, CopyOrder
from lib.domain.health import Health
from lib.domain.library import Filters
from lib.domain.media import AudioStream, Clip, MediaAsset, Source, SourceKind, VideoStream
from lib.domain.model import Model, Price, PriceStep
from lib.domain.plan import Part, Plan, Route, SizeVerdict
from lib.domain.run import Failure, Generation, PartAnswer, PartState, RunRequest, RunState, Stage, Usage
from lib.domain.search import read_query
from lib.domain.transcript import Cue, Segment, TimedBy, Transcript, Word
from lib.domain.versions import Author
from lib.errors import Cancelled, StorageError
from lib.store import Preferences, Store
from lib.store.engine import MIGRATIONS
from lib.store.records import from_json, to_json
from lib.store.shelves import PreferenceShelf
from lib.store.tables import is_compared, metadata

ROOT = Path(__file__).parents[1]
ASSET = MediaAsset(
    "a" * 64, 1000, "mp4", "video/mp4", 12.5, VideoStream("h264", 640, 480, 29.97), (AudioStream("aac", 2, 44100),)
)
SOURCE = Source(SourceKind.UPLOAD, 'Emoji 🎬 "quotes"\nand lines', asset_id=ASSET.id)
REQUEST = RunRequest(SOURCE, "google/gemini-3.8-flash", end=12.5, terms=("Beckett",))
PLAN = Plan(
    "google/gemini-3.8-flash",
    Route.AS_IS,
    "it fits",
    Clip(0, 12.5),
    (Part(0, 0, 6, 500), Part(1, 6, 12.5, 500)),
    1000,
    SizeVerdict.FITS,
    1100,
    90,
    Decimal("0.000123"),
)


@pytest.fixture
def store(tmp_path):
    store = Store(f"sqlite:///{tmp_path / 'cuewise.db'}")
    yield store
    store.close()


def test_what_the_job_engine_needs_of_sqlalchemy_is_loaded_with_the_store():
    """It comes later, in a thread of its own, and a query beside its import would meet half of SQLAlchemy's ORM."""
    script = (
        "import sys, lib.store; before = set(sys.modules); import lib.jobs; "
        "print([name for name in set(sys.modules) - before if name.startswith('sqlalchemy.orm')])"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_records_survive_the_way_through_json():
    """Every record comes back equal, with its decimals, dates, sets and tuples."""
    model = Model(
        "a/b",
        "B",
        frozenset({"video"}),
        price=Price(Decimal("0.1"), Decimal("0.2"), steps=(PriceStep(5, Decimal(1), Decimal(2)),)),
        expires=date(2026, 12, 1),
    )
    generation = Generation("a/b", "hi", segments=(Segment("hi", 0.0, 1.0, words=(Word(0, 1, "hi", 0.5),)),))
    transcript = Transcript((Cue(0, 1, "hi", "Anna", TimedBy.AUDIO),), "hi")
    for record in (ASSET, REQUEST, PLAN, model, generation, transcript, Preferences(spending_cap_usd=Decimal("0.5"))):
        assert from_json(type(record), to_json(record)) == record


def test_migrations_make_the_tables_that_the_code_names(tmp_path, store):
    """The newest migration and lib.store.tables describe the same database."""
    engine = create_engine(f"sqlite:///{tmp_path / 'cuewise.db'}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_name": is_compared})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_an_older_database_is_brought_up_to_date_and_loses_nothing(tmp_path):
    """Runs, parts and transcripts written before a migration are there after it."""
    url = f"sqlite:///{tmp_path / 'old.db'}"
    engine = create_engine(url)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.exec_driver_sql(
            "INSERT INTO run (id, attempt, created, state, stage, note, model_id, request, from_cache) "
            "VALUES ('r1', 1, '2026-11-22T00:00:00+00:00', 'done', 'waiting', '', 'a/b', ?, 0)",
            (to_json(REQUEST),),
        )
        connection.exec_driver_sql(
            'INSERT INTO part (run_id, number, start, "end", state, is_remembered, partial_text) '
            "VALUES ('r1', 0, 0, 1, 'ok', 0, 'text')"
        )
        connection.exec_driver_sql(
            "INSERT INTO transcript (run_id, version, record, created) VALUES ('r1', 1, ?, '')",
            (to_json(Transcript((), "text")),),
        )
    engine.dispose()
    store = Store(url)
    assert store.runs.get("r1").parts[0].partial_text == "text"
    assert store.transcripts.get("r1").text == "text"
    (version,) = store.transcripts.versions("r1")
    assert (version.number, version.author, version.lines_changed) == (1, Author.MODEL, 0)
    assert store.transcripts.keep("r1", Transcript((), "more"), author=Author.EDIT) == 2
    store.close()


def test_runs_kept_before_there_was_a_library_are_in_it(tmp_path):
    """Their task, title and video are taken from their request, links to one video being one video."""
    url = f"sqlite:///{tmp_path / 'old.db'}"
    engine = create_engine(url)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    links = [
        Source(SourceKind.LINK, "Film", url=f"https://{each}abcdefghijk") for each in ("youtu.be/", "youtube.com/v/")
    ]
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        for number, source in enumerate((SOURCE, *links)):
            connection.exec_driver_sql(
                "INSERT INTO run (id, attempt, created, state, stage, note, model_id, request, from_cache) "
                "VALUES (?, 1, '2026-11-22T00:00:00+00:00', 'done', 'waiting', '', 'a/b', ?, 0)",
                (f"r{number}", to_json(RunRequest(source, "a/b", task="summary"))),
            )
            connection.exec_driver_sql(
                "INSERT INTO transcript (run_id, version, record, created) VALUES (?, 1, ?, '')",
                (f"r{number}", to_json(Transcript((Cue(3, 4, "It was said."),), "It was said."))),
            )
    engine.dispose()
    store = Store(url)
    assert [run.id for run in store.runs.of_videos([ASSET.id])] == ["r0"]
    assert {run.id for run in store.runs.of_videos([links[0].video_id])} == {"r1", "r2"}
    assert store.videos.page(Filters(task="summary"), "film", limit=9, offset=0) == ([links[0].video_id], 1)
    assert len(store.search.find(read_query("said")).ids) == 3
    store.close()


def test_where_somebody_speaks_is_kept_by_track_and_what_was_kept_before_is_of_the_first(tmp_path):
    """A database from before tracks could be chosen keeps what it knew; another track is another matter."""
    url = f"sqlite:///{tmp_path / 'old.db'}"
    engine = create_engine(url)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        connection.exec_driver_sql(
            "INSERT INTO asset (id, record, created) VALUES (?, ?, '')", (ASSET.id, to_json(ASSET))
        )
        connection.exec_driver_sql(
            'INSERT INTO speech (asset_id, "start", "end", stretches) VALUES (?, 0, 12.5, \'[[1, 2]]\')', (ASSET.id,)
        )
    engine.dispose()
    store = Store(url)
    assert store.assets.speech(ASSET.id, Clip(0, 12.5)) == ((1, 2),)
    assert store.assets.speech(ASSET.id, Clip(0, 12.5), track=1) is None
    store.assets.keep_speech(ASSET.id, Clip(0, 12.5), [(3, 4)], track=1)
    assert store.assets.speech(ASSET.id, Clip(0, 12.5), track=1) == ((3, 4),)
    assert store.assets.speech(ASSET.id, Clip(0, 12.5)) == ((1, 2),)
    store.close()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0002")
        assert connection.exec_driver_sql("SELECT stretches FROM speech").scalar() == "[[1, 2]]"
    engine.dispose()


def test_a_run_is_read_back_as_it_stands(store):
    """Plan, parts, partial text, usage and cost of a run are read as they were written."""
    store.assets.keep(ASSET)
    store.runs.add("r1", REQUEST, PLAN)
    assert store.runs.get("r1").state is RunState.QUEUED
    store.runs.begin("r1", 1)
    store.runs.set_plan("r1", 1, PLAN)
    assert store.runs.report("r1", 1, Stage.ASKING, 0.5, "asking 1 of 2")
    store.runs.report_part("r1", 1, 1, partial_text="second", state=PartState.ASKING)
    store.runs.report_part("r1", 1, 0, partial_text="first", state=PartState.OK)
    run = store.runs.get("r1")
    assert (run.plan, run.partial_text, run.stage, run.note) == (PLAN, "first\nsecond", Stage.ASKING, "asking 1 of 2")
    assert [part.state for part in run.parts] == [PartState.OK, PartState.ASKING]
    store.runs.finish(
        "r1",
        1,
        provider="Google",
        usage=Usage(10, 5),
        cost_usd=Decimal("0.000100"),
        seconds_to_first_text=1.5,
        from_cache=False,
        health=Health(0.9),
    )
    run = store.runs.get("r1")
    assert (run.state, run.cost_usd, run.usage.prompt_tokens) == (RunState.DONE, Decimal("0.000100"), 10)
    assert run.seconds is not None
    assert run.health.coverage == 0.9
    assert store.assets.get(ASSET.id) == ASSET
    assert [each.id for each in store.runs.newest(10)] == ["r1"]


def test_a_cancelled_attempt_has_nothing_more_to_say(store):
    """After Cancel, late reports change nothing; after Retry only the new attempt counts."""
    store.runs.add("r1", REQUEST, PLAN)
    store.runs.begin("r1", 1)
    store.runs.set_plan("r1", 1, PLAN)
    assert store.runs.cancel("r1")
    assert not store.runs.cancel("r1")
    assert not store.runs.report("r1", 1, Stage.ASKING)
    assert not store.runs.report_part("r1", 1, 0, partial_text="late")
    store.runs.fail("r1", 1, Failure("X", "late"))
    assert store.runs.get("r1").state is RunState.CANCELLED
    assert store.runs.again("r1", REQUEST) == 2
    assert store.runs.again("r1", REQUEST) is None
    assert not store.runs.is_wanted("r1", 1)
    assert store.runs.is_wanted("r1", 2)
    assert store.runs.unfinished() == [("r1", 2)]


def test_sealed_keys_go_when_no_run_needs_them(store):
    """A key is forgotten as soon as the last unfinished run that needs it is over."""
    store.sealed_keys.put("ref", "ciphertext")
    store.runs.add("r1", RunRequest(SOURCE, "a/b", key_ref="ref"), None)
    assert store.sealed_keys.forget_unused() == 0
    store.runs.cancel("r1")
    assert store.sealed_keys.forget_unused() == 1
    assert store.sealed_keys.get("ref") is None


def test_measured_figures_come_from_past_calls(store):
    """Tokens and seconds per second of clip are learnt from what a model really used."""
    assert store.generations.measured("a/b").video_tokens_per_second is None
    store.runs.add("r1", REQUEST, PLAN)
    store.generations.keep(
        "d1", Generation("a/b", "x", usage=Usage(910, 5), seconds=4.0, sent="video"), clip_seconds=10, paid_by="r1"
    )
    measured = store.generations.measured("a/b")
    assert (measured.video_tokens_per_second, measured.wall_seconds_per_second) == (91, 0.4)
    assert measured.audio_tokens_per_second is None


def test_no_answer_is_kept_for_what_was_deleted(store):
    """A worker may still be listening to a model when its run, or the conversation, is deleted: the answer goes too."""
    answer = Generation(REQUEST.model_id, "said")
    store.runs.add("r1", REQUEST, PLAN)
    store.conversations.add("c1", ["r1"])
    store.conversations.add_exchange("e1", "c1", "What is said?", Asking(REQUEST.model_id, "https://example.org"))
    store.generations.keep("of a question", answer, clip_seconds=0, paid_by="e1")
    store.generations.keep("of a run", answer, clip_seconds=10, paid_by="r1")
    store.runs.cancel("r1")
    assert store.removals.run("r1")
    for owner in ("r1", "e1"):
        with pytest.raises(Cancelled):
            store.generations.keep("too late", answer, clip_seconds=10, paid_by=owner)
    assert [store.generations.get(each) for each in ("of a question", "of a run", "too late")] == [None] * 3


def test_the_media_of_what_is_at_work_are_known(database):
    """Of a run, a captioned copy and an answer in the making; what waits, or is over, needs none now."""
    order = CopyOrder("c" * 64, CaptionForm.ATTACHED, "", ".mp4", "video/mp4")
    with closing(Store(database)) as store:
        for name in ("waits", "run", "copy", "answer", "over"):
            source = Source(SourceKind.UPLOAD, name, asset_id=name)
            store.runs.add(name, replace(REQUEST, source=source), PLAN)
        for name in ("copy", "answer", "over"):
            store.runs.cancel(name)
        store.runs.begin("run", 1)
        store.copies.want("c1", "copy", order)
        store.conversations.add("c2", ["answer"])
        store.conversations.add_exchange("e1", "c2", "What is said?", Asking(REQUEST.model_id, "https://example.org"))
        assert store.assets.at_work() == {"run"}
        store.copies.begin("c1", 1)
        store.conversations.begin("e1", 1)
        assert store.assets.at_work() == {"run", "copy", "answer"}
        store.runs.cancel("run")
        store.copies.cancel("c1")
        store.conversations.cancel("e1")
        assert store.assets.at_work() == set()


def test_an_answer_that_comes_while_its_run_is_deleted_is_kept_nowhere(database):
    """Whichever is first, on SQLite as on PostgreSQL: five answers to each of twenty runs, and none is left."""
    with closing(Store(database)) as store, ThreadPoolExecutor(1) as worker:

        def listen(run_id: str) -> None:
            with suppress(Cancelled):
                for number in range(5):
                    answer = Generation(REQUEST.model_id, "said")
                    store.generations.keep(f"{run_id}.{number}", answer, clip_seconds=10, paid_by=run_id)

        for run_id in map(str, range(20)):
            store.runs.add(run_id, REQUEST, PLAN)
            store.runs.cancel(run_id)
            listening = worker.submit(listen, run_id)
            assert store.removals.run(run_id)
            listening.result()
            assert not any(store.generations.get(f"{run_id}.{number}") for number in range(5))


def test_a_database_whose_connections_are_all_in_use_is_a_sentence(tmp_path, store):
    """Who finds no connection free for too long is told so in words, and what to do; afterwards it goes on."""
    engine = create_engine(
        f"sqlite:///{tmp_path / 'cuewise.db'}", poolclass=QueuePool, pool_size=1, max_overflow=0, pool_timeout=0.1
    )
    shelf = PreferenceShelf(engine)
    with engine.connect():
        with pytest.raises(StorageError, match="busy") as refused:
            shelf.get()
        assert refused.value.hint
    assert shelf.get() == Preferences()
    engine.dispose()


def test_a_database_that_is_no_database_is_a_sentence(tmp_path):
    """A damaged file is told in words, not in a traceback of the driver."""
    (tmp_path / "broken.db").write_bytes(b"this is not a database" * 100)
    with pytest.raises(StorageError, match="cannot be opened"):
        Store(f"sqlite:///{tmp_path / 'broken.db'}")


def test_a_database_of_a_newer_version_is_told_in_words(tmp_path):
    """Who goes back to an older version is told so, and nothing is changed."""
    url = f"sqlite:///{tmp_path / 'cuewise.db'}"
    Store(url).close()
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    engine.dispose()
    with pytest.raises(StorageError, match="made by a newer Cuewise"):
        Store(url)


def test_what_an_attempt_paid_is_in_the_sum_however_it_ends(store):
    """Retry and then Cancel: the parts' costs are the run's, and the month's, also once the run is deleted."""
    store.runs.add("r1", REQUEST, PLAN)
    store.runs.begin("r1", 1)
    store.runs.set_plan("r1", 1, PLAN)
    store.runs.report_part("r1", 1, 0, state=PartState.OK, cost_usd="0.10")
    store.runs.fail("r1", 1, Failure("BadRequest", "No."), Decimal("0.10"))
    assert store.runs.again("r1", REQUEST) == 2
    store.runs.begin("r1", 2)
    store.runs.report_part("r1", 2, 1, state=PartState.OK, cost_usd="0.30")
    assert [month.usd for month in store.spending.by_month()] == [Decimal("0.40")]
    assert store.runs.cancel("r1")
    assert store.runs.get("r1").cost_usd == Decimal("0.40")
    assert [month.usd for month in store.spending.by_month()] == [Decimal("0.40")]


def test_other_parts_begin_with_what_those_before_have_cost(store):
    """A limit that was changed before Retry lays the parts anew: what was paid, and for which answers, is not lost."""
    answer = PartAnswer("d" * 64, 0.0, 5.0, 0.0)
    store.runs.add("r1", REQUEST, PLAN)
    store.runs.begin("r1", 1)
    store.runs.set_plan("r1", 1, PLAN)
    store.runs.keep_answers("r1", 1, 0, (answer,))
    store.runs.report_part("r1", 1, 0, state=PartState.OK, cost_usd="0.10")
    store.runs.report_part("r1", 1, 1, state=PartState.FAILED, cost_usd="0.02", billed="e" * 64)
    store.runs.set_plan("r1", 1, replace(PLAN, parts=(Part(0, 0, 4, 9), Part(1, 4, 8, 9), Part(2, 8, 12.5, 9))))
    assert [part.cost_usd for part in store.runs.get("r1").parts] == [Decimal("0.12"), None, None]
    assert [store.runs.billed("r1", number) for number in range(3)] == [{"d" * 64, "e" * 64}, set(), set()]
