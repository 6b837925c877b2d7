"""Search over what is kept, the same on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine

from lib.domain.conversation import Asking, Reading
from lib.domain.edits import Action, Edit
from lib.domain.library import Filters
from lib.domain.media import Source, SourceKind
from lib.domain.run import Generation, RunRequest, RunState
from lib.domain.search import find, read_query
from lib.domain.transcript import Cue, Transcript
from lib.store import Store
from lib.store.tables import is_compared, metadata
from lib.store.transcripts import Logged
from tests.run_fixtures import finish

MODEL = "google/gemini-3.8-flash"


@pytest.fixture
def store(database) -> Iterator[Store]:
    store = Store(database)
    yield store
    store.close()


def add_run(store: Store, run_id: str, *, model_id: str = MODEL, title: str = "Talk", cost: str | None = "0.01") -> str:
    """A run that is done, over a video of its own title; gives its id."""
    source = Source(SourceKind.LINK, title, url=f"https://video.example/{title}", duration=60.0)
    store.runs.add(run_id, RunRequest(source, model_id), None)
    store.runs.begin(run_id, 1)
    finish(store, run_id, cost=cost)
    return run_id


def say(store: Store, run_id: str, *lines: str, every: float = 60.0) -> None:
    """Keep these lines as the run's newest transcript, a minute apart: a passage each."""
    cues = tuple(Cue(number * every, number * every + 5, line) for number, line in enumerate(lines))
    store.transcripts.keep(run_id, Transcript(cues, "\n".join(lines)))


def found(store: Store, typed: str, filters: Filters | None = None) -> list[tuple[str, float]]:
    """Run and second of every hit, in their order."""
    query = read_query(typed)
    places = store.search.find(query, filters)
    return [(run_id, find(query, passage).start) for run_id, passage in store.search.passages(places.ids)]


def test_migrations_make_the_tables_that_the_code_names(store, database):
    """On PostgreSQL as on SQLite, but for what the full-text index consists of."""
    engine = create_engine(database)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_name": is_compared})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_words_phrases_and_beginnings_are_found_at_their_second(store):
    """All words must be there, in any order; a phrase as it stands; the last word as far as it is typed."""
    say(store, add_run(store, "r1"), "The budget for next year.", "Next year we shall see.", "A budgerigar.")
    assert found(store, "year budget") == [("r1", 0.0)]
    assert sorted(found(store, "next year")) == [("r1", 0.0), ("r1", 60.0)]
    assert found(store, '"year we"') == [("r1", 60.0)]
    assert found(store, '"we year"') == []
    assert sorted(found(store, "budg")) == [("r1", 0.0), ("r1", 120.0)]
    assert found(store, "budg year") == []
    assert found(store, '"year we sh') == [("r1", 60.0)]


def test_a_second_late_in_a_long_video_is_exact(store):
    """Nothing is rounded off a time after four hours."""
    add_run(store, "r1")
    store.transcripts.keep("r1", Transcript((Cue(14_523.27, 14_525, "The end."),), ""))
    assert found(store, "end") == [("r1", 14_523.27)]


def test_case_accents_and_every_script_are_found(store):
    """Latin accents may be left out; Chinese, Japanese, Thai and Hindi words are found within their sentences."""
    lines = ("Un CAFÉ crème, s’il vous plaît.", "今天我们讨论预算问题。", "予算について話します。ＡＢＣ")
    say(
        store,
        add_run(store, "r1"),
        *lines,
        "วันนี้เราจะพูดเรื่องงบประมาณ",
        "आज हम बजट की बात करेंगे",
        "Das ist ein Straßenfest.",
    )
    for typed, second in (
        ("cafe creme", 0.0),
        ("CAFÉ", 0.0),
        ("il vous", 0.0),
        ("预算", 60.0),
        ("讨论预算", 60.0),
        ("予算", 120.0),
        ("abc", 120.0),
        ("งบประมาณ", 180.0),
        ("बजट", 240.0),
        ("straß", 300.0),
    ):
        assert found(store, typed) == [("r1", second)], typed
    assert found(store, "算预") == []


@pytest.mark.parametrize(
    "typed",
    [
        '"',
        '""',
        "*",
        "a*b",
        "(",
        "NEAR(",
        "AND",
        "text:",
        "-",
        "^",
        "'; DROP TABLE run; --",
        "\\",
        "\0",
        "😀",
        "a " * 500,
    ],
)
def test_nothing_that_is_typed_is_a_syntax_error(store, typed):
    """Whatever is typed is looked for as words, and where there are none nothing is found."""
    say(store, add_run(store, "r1"), "Something was said.")
    assert found(store, typed) == []
    assert found(store, f"something {typed}") in ([], [("r1", 0.0)])


def test_the_newest_version_is_the_one_that_is_found(store):
    """A new version takes the place of the old one at once, and so does an edit within a version."""
    add_run(store, "r1")
    say(store, "r1", "The first wording.")
    say(store, "r1", "The second wording.")
    assert found(store, "first") == []
    assert found(store, "second") == [("r1", 0.0)]
    edited = Transcript((Cue(0, 1, "The third wording."),), "The third wording.")
    logged = Logged(Edit(Action.WRITE), "reader", 1, "")
    newest = store.transcripts.versions("r1")[0]
    assert store.transcripts.extend("r1", newest, edited, lines_changed=1, added=logged)
    assert found(store, "second") == []
    assert found(store, "third") == [("r1", 0.0)]


def test_what_is_deleted_is_not_found(store):
    """With its run a transcript leaves the index, and the others stay."""
    for run_id in ("r1", "r2"):
        say(store, add_run(store, run_id), "Said in both.")
    assert store.removals.run("r1")
    assert found(store, "both") == [("r2", 0.0)]
    store.search.purge()
    assert found(store, "both") == [("r2", 0.0)]


def test_a_deleted_video_leaves_only_what_it_cost(store):
    """Runs, tags and passages go; the sum of its month stays as it was, whatever the database."""
    video_id = store.runs.get(add_run(store, "r1", cost="0.10")).request.source.video_id
    add_run(store, "r2", cost="0.05")
    say(store, "r1", "Said.")
    for _ in range(2):
        store.videos.tag(video_id, "Work")
    assert store.videos.tags() == [("Work", 1)]
    before = store.spending.by_month()
    assert [month.usd for month in before] == [Decimal("0.15")]
    assert store.removals.video(video_id, store.removals.assets_of_video(video_id))
    assert store.runs.newest(10) == []
    assert store.videos.tags() == []
    assert found(store, "said") == []
    assert store.spending.by_month() == before


def test_a_conversation_goes_with_any_of_its_runs_and_leaves_what_it_cost(store):
    """One question after the other, the newest conversation first; deleted with one of its two runs, its dollars
    stay."""
    runs = [add_run(store, f"r{number}", title=f"Talk {number}", cost=None) for number in range(2)]
    asking = Asking(MODEL, "http://server.example")
    for name, about in (("c1", runs[:1]), ("c2", runs)):
        store.conversations.add(name, about)
        time.sleep(0.005)  # moments are kept to the millisecond
    assert store.conversations.add_exchange("e1", "c2", "What?", asking)
    assert not store.conversations.add_exchange("e2", "c2", "And then?", asking)
    assert store.conversations.begin("e1", 1)
    assert not store.conversations.was_sent("e1", 1)
    assert store.conversations.note_sent("e1", 1)
    assert store.conversations.was_sent("e1", 1)
    assert not store.conversations.note_sent("e1", 1)
    store.sealed_keys.forget_unused()
    answer = Generation(MODEL, "So [1, 0:01].", cost_usd=Decimal("0.5"))
    store.conversations.finish("e1", 1, answer, Reading(1, 1), answer.cost_usd, is_remembered=False)
    assert [each.id for each in store.conversations.about("r0")] == ["c2", "c1"]
    assert store.conversations.get("c2").exchanges[0].answer == "So [1, 0:01]."
    assert store.removals.conversations(["r1"]) == 1
    assert store.removals.run("r1")
    assert [each.id for each in store.conversations.all()] == ["c1"]
    assert sum(month.usd for month in store.spending.by_month()) == Decimal("0.5")


def test_filters_let_only_some_runs_through(store):
    """Model, task, state, tag, day and dollars, alone and together."""
    say(store, add_run(store, "r1", title="One"), "Said by both.")
    say(store, add_run(store, "r2", title="Two", model_id="local/whisper-base", cost="0"), "Said by both.")
    say(store, add_run(store, "r3", title="Three", cost=None), "Said by both.")
    video_id = store.runs.get("r1").request.source.video_id
    store.videos.tag(video_id, "Work")
    today = datetime.now(UTC).date()
    for filters, run_ids in (
        (Filters(), ["r3", "r2", "r1"]),
        (Filters(model_id=MODEL), ["r3", "r1"]),
        (Filters(task="summary"), []),
        (Filters(state=RunState.DONE, tag="Work"), ["r1"]),
        (Filters(least_usd=Decimal("0.001")), ["r1"]),
        (Filters(most_usd=Decimal(0)), ["r2"]),
        (Filters(since=today, until=today), ["r3", "r2", "r1"]),
        (Filters(until=today - timedelta(days=1)), []),
        (Filters(since=date(2020, 1, 1), model_id="local/whisper-base"), ["r2"]),
    ):
        assert sorted(found(store, "both", filters)) == [(each, 0.0) for each in sorted(run_ids)], filters
        ids, count = store.videos.page(filters, "", limit=10, offset=0)
        assert count == len(ids) == len(run_ids)


def test_the_best_come_first_where_they_can_be_weighed(store):
    """A passage that says the word thrice comes before newer ones that say it once."""
    add_run(store, "r1")
    say(store, "r1", "Budget, budget, budget.", "The budget and many other things that matter to us all.", "Nothing.")
    assert found(store, "budget") == [("r1", 0.0), ("r1", 60.0)]
    assert store.search.find(read_query("budget")).is_ranked


def test_of_too_many_the_newest_thousand_are_counted(store, monkeypatch):
    """A word that stands everywhere is answered by the newest places, and says that there are more."""
    monkeypatch.setattr("lib.store.search.MOST_COUNTED", 5)
    for number in range(4):
        say(store, add_run(store, f"r{number}", title=f"Talk {number}"), "The one.", "The two.")
    places = store.search.find(read_query("the"))
    assert (len(places.ids), places.is_more, places.is_ranked) == (5, True, False)
    assert places.ids == tuple(sorted(places.ids, reverse=True))
    assert found(store, "the")[:2] == [("r3", 60.0), ("r3", 0.0)]
    assert store.search.find(read_query("the"), Filters(model_id=MODEL)).ids == places.ids


@pytest.mark.parametrize(("few", "looked_through"), [(50, 5000), (1, 5000), (1, 3)])
def test_a_filter_is_held_against_common_words_too(store, monkeypatch, few, looked_through):
    """Run by run where few are let through, hit by hit where there are few hits: the same places come out."""
    monkeypatch.setattr("lib.store.search.FEW_SPANS", few)
    monkeypatch.setattr("lib.store.search.LOOKED_THROUGH", looked_through)
    for number in range(6):
        model_id = "a/rare" if number in (1, 2, 4) else MODEL
        say(store, add_run(store, f"r{number}", title=f"Talk {number}", model_id=model_id), "The one.", "The two.")
    expected = [(f"r{number}", second) for number in (4, 2, 1) for second in (0.0, 60.0)]
    assert sorted(found(store, "the", Filters(model_id="a/rare"))) == sorted(expected)


def test_a_common_word_is_not_weighed(store, monkeypatch):
    """Words that stand nearly everywhere tell nothing: the others decide, and without any the newest come first."""
    monkeypatch.setattr("lib.store.search.COMMON", 3)
    add_run(store, "r1")
    say(store, "r1", "The budget, the budget.", "The budget.", "The end.", "The rest.")
    assert found(store, "the budget") == [("r1", 0.0), ("r1", 60.0)]
    assert len(found(store, "the")) == 4


def test_what_was_kept_before_there_was_an_index_is_put_into_it(store, database):
    """Opening the store indexes every transcript that is not in it, once, and only its newest version."""
    add_run(store, "r1")
    say(store, "r1", "The first wording.")
    say(store, "r1", "The second wording.")
    engine = create_engine(database)
    with engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM passage")
        connection.exec_driver_sql("DELETE FROM transcript_index")
    engine.dispose()
    assert found(store, "wording") == []
    again = Store(database)
    assert found(again, "wording") == [("r1", 0.0)]
    assert found(again, "second") == [("r1", 0.0)]
    assert again.search.catch_up() == 0
    again.close()


def test_titles_are_found_without_case_and_accents(store):
    """Every word must be in the title."""
    add_run(store, "r1", title="Café Été 2026")
    add_run(store, "r2", title="Something else")
    assert store.videos.page(Filters(), "ete CAFE", limit=10, offset=0)[1] == 1
    assert store.videos.page(Filters(), "ete else", limit=10, offset=0)[1] == 0


def test_nothing_of_a_deleted_transcript_is_left_on_the_disk(tmp_path):
    """After a deletion neither the database nor its log holds a word of it."""
    store = Store(f"sqlite:///{tmp_path / 'cuewise.db'}")
    say(store, add_run(store, "r1"), "An unmistakable xylophonist was here. " * 20)
    say(store, add_run(store, "r2"), "Something else.")
    assert any(b"xylophonist" in path.read_bytes() for path in Path(tmp_path).iterdir())
    assert store.removals.run("r1")
    store.search.purge()
    assert not any(b"xylophon" in path.read_bytes() for path in Path(tmp_path).iterdir())
    store.close()
