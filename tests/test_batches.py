"""Many at once, end to end: one bill, one start, rows that fail alone, over real HTTP and with a real worker."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from lib.domain.batch import NOT_STARTED, Given, Item, Seat, Standing
from lib.domain.media import Source, SourceKind
from lib.domain.run import Run, RunRequest, RunState
from lib.errors import InputError, NothingThere
from lib.pipeline.folder import media_below
from lib.services import Services
from tests.batch_fixtures import broken_file, make_video
from tests.fakes.media_server import Answer, MediaServer, feed
from tests.fakes.openrouter_server import FakeOpenRouter, Reply
from tests.services_fixtures import services_beside_server
from tests.test_jobs import asked, worker_pid
from tests.waiting import look_until

__all__ = ["broken_file", "make_video"]

GEMINI, LITE, TINY = "google/gemini-3.8-flash", "google/gemini-3.5-flash-lite", "local/whisper-tiny.en"
SAID = "[00:01] Ever tried, ever failed.\n[00:05] Fail better."


@pytest.fixture
def server() -> Iterator[FakeOpenRouter]:
    with FakeOpenRouter(answer=SAID) as server:
        yield server


@pytest.fixture
def links() -> Iterator[MediaServer]:
    with MediaServer() as links:
        yield links


@pytest.fixture
def services(tmp_path, server) -> Iterator[Services]:
    with services_beside_server(tmp_path / "data", server, CUEWISE_ALLOW_PRIVATE_URLS="1") as services:
        yield services


def wait(services: Services, batch_id: str, condition: Callable[[Standing], object] | None = None) -> Standing:
    """The batch as soon as it fulfils the condition, or is over; fails the test when that takes a minute."""
    return look_until(lambda: services.batches.get(batch_id), condition or (lambda standing: standing.progress.is_over))


def states(standing: Standing) -> list[tuple[str, RunState]]:
    return [(row.item.name, row.state) for row in standing.rows]


def read(services: Services, *paths: Path) -> list[Given]:
    return [services.batches.read_file(path) for path in paths]


def test_one_bill_for_all_and_nothing_is_sent(services, server, make_video, broken_file):
    """A line for each video and model with what would be sent, what cannot run and why, repeats named, the total."""
    one, two = make_video("one.mp4"), make_video("two.mp4")
    silent = make_video("silent.mp4", is_silent=True)
    given = read(services, one, two, one, silent, broken_file)
    plan = services.batches.plan(given, [GEMINI, TINY, "x/nobody"])
    assert [(line.name, line.model_id, line.can_run) for line in plan.lines] == [
        *(("one.mp4", GEMINI, True), ("one.mp4", TINY, True), ("one.mp4", "x/nobody", False)),
        *(("two.mp4", GEMINI, True), ("two.mp4", TINY, True), ("two.mp4", "x/nobody", False)),
        *(("silent.mp4", GEMINI, True), ("silent.mp4", TINY, False), ("silent.mp4", "x/nobody", False)),
        ("broken.mp4", "", False),
    ]
    assert plan.repeated == ("one.mp4",)
    estimates = [line.plan.estimate_usd for line in plan.lines if line.model_id == GEMINI]
    assert plan.total_usd == sum(estimates) > 0
    assert (plan.unpriced, plan.num_runnable_videos) == (0, 3)
    problems = {(line.name, line.model_id): line.failure.message for line in plan.lines if line.failure}
    assert "sound" in problems["silent.mp4", TINY]
    assert "x/nobody" in problems["one.mp4", "x/nobody"]
    assert problems["broken.mp4", ""]
    assert asked(server) == 0
    assert not services.batches.newest()


def test_one_that_fails_says_why_and_stops_none_of_the_others(services, server, links, make_video, broken_file):
    """A broken file, a dead link, a refused request and two good videos: two are done, three say why in their rows."""
    links.put("/talk.mp4", Answer.of(make_video("talk.mp4")))
    given = [
        *read(services, make_video("good.mp4"), broken_file),
        *services.batches.look_up(links.url("/gone.mp4")),
        *services.batches.look_up(links.url("/talk.mp4")),
    ]
    plan = services.batches.plan(given, [TINY])
    standing = wait(services, services.batches.start(plan).id)
    assert states(standing) == [
        ("good.mp4", RunState.DONE),
        ("broken.mp4", RunState.FAILED),
        (links.url("/gone.mp4"), RunState.FAILED),
        ("talk", RunState.DONE),
    ]
    assert [bool(row.failure) for row in standing.rows] == [False, True, True, False]
    assert [row.can_retry for row in standing.rows] == [False, False, True, False]
    assert (standing.progress.done, standing.progress.failed) == (2, 2)
    assert standing.batch.title == "good.mp4 and 3 more"
    zipped = services.export_zip(standing.done_run_ids, ["srt"])
    assert zipped.name == "2 transcripts.zip"
    assert asked(server) == 0


def test_what_failed_is_tried_again_alone(services, server, links, make_video):
    """A refused request and a link that was dead are done after Retry; what was done is not asked again."""
    server.enqueue(Reply.refusal(402, "Insufficient credits"))
    given = [*read(services, make_video("one.mp4")), *services.batches.look_up(links.url("/late.mp4"))]
    batch = services.batches.start(services.batches.plan(given, [GEMINI]))
    standing = wait(services, batch.id)
    assert [row.failure.code for row in standing.rows] == ["OutOfCredit", standing.rows[1].failure.code]
    links.put("/late.mp4", Answer.of(make_video("late.mp4")))
    assert services.batches.retry_failed(batch.id) == ()
    standing = wait(services, batch.id)
    assert states(standing) == [("one.mp4", RunState.DONE), ("late", RunState.DONE)]
    before = asked(server)
    assert services.batches.retry_failed(batch.id) == ()
    assert asked(server) == before


def test_a_link_that_stays_dead_says_so_again(services, links, make_video):
    """Retry of one row gives the reason, and the row keeps it."""
    given = [*read(services, make_video("one.mp4")), *services.batches.look_up(links.url("/gone.mp4"))]
    batch = services.batches.start(services.batches.plan(given, [TINY]))
    assert services.batches.retry(batch.id, 1, 0).code == services.batches.get(batch.id).rows[1].failure.code
    services.batches.cancel(batch.id)


def test_a_worker_killed_in_the_middle_goes_on_with_the_rest(services, server, make_video):
    """kill -9 while the first answer streams: all three are done in the end, and nobody pressed anything."""
    server.enqueue(Reply.drip(SAID, delay=0.1, pieces=40))
    given = read(services, *(make_video(f"{number}.mp4") for number in range(3)))
    batch = services.batches.start(services.batches.plan(given, [GEMINI]))
    wait(services, batch.id, lambda now: any(row.state is RunState.RUNNING for row in now.rows))
    os.kill(worker_pid(services), signal.SIGKILL)
    standing = wait(services, batch.id)
    assert standing.progress.done == 3
    assert standing.progress.cost_usd > 0
    assert asked(server) <= 6


def test_a_crash_while_starting_leaves_the_rest_to_retry(services, make_video, monkeypatch):
    """What had no turn before the app ended stands there as not started, and Retry starts it."""
    given = read(services, make_video("one.mp4"), make_video("two.mp4"))
    plan = services.batches.plan(given, [TINY])
    submit, calls = services.submit, []

    def crash_at_second(request, **more) -> Run:
        calls.append(request)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return submit(request, **more)

    monkeypatch.setattr(services, "submit", crash_at_second)
    with pytest.raises(KeyboardInterrupt):
        services.batches.start(plan)
    monkeypatch.undo()
    (standing,) = services.batches.newest()
    assert standing.rows[1].failure.code == "NotStarted"
    services.batches.retry_failed(standing.batch.id)
    assert wait(services, standing.batch.id).progress.done == 2


def test_a_crash_right_after_a_run_was_queued_starts_it_once(services, make_video, monkeypatch):
    """The run stands in its row from the moment on in which it is written down: Retry starts no second one."""
    plan = services.batches.plan(read(services, make_video("one.mp4")), [TINY])

    def crash(*_) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(services._tools.store.batches, "put_item", crash)
    with pytest.raises(KeyboardInterrupt):
        services.batches.start(plan)
    monkeypatch.undo()
    (standing,) = services.batches.newest()
    services.batches.retry_failed(standing.batch.id)
    assert wait(services, standing.batch.id).progress.done == 1
    assert len(services.runs()) == 1


def test_cancel_stops_all_that_is_not_over_and_keeps_the_rest(services, server, make_video):
    """What is done stays done; the others are cancelled and can be tried again."""
    first = read(services, make_video("one.mp4"))
    done = wait(services, services.batches.start(services.batches.plan(first, [GEMINI])).id)
    for _ in range(2):
        server.enqueue(Reply.silence(60))
    more = services.batches.plan_more(done.batch.id, read(services, *(make_video(name) for name in ("2.mp4", "3.mp4"))))
    services.batches.add(done.batch.id, more)
    services.batches.cancel(done.batch.id)
    standing = wait(services, done.batch.id)
    assert [row.state for row in standing.rows] == [RunState.DONE, RunState.CANCELLED, RunState.CANCELLED]
    assert [row.item.video for row in standing.rows] == [0, 1, 2]
    assert standing.can_retry


def test_what_was_answered_before_is_free_in_the_bill_and_in_truth(services, server, make_video):
    """The same question is recognised before it is asked, another one is not; running it again sends nothing."""
    given = read(services, make_video("one.mp4"), make_video("two.mp4"))
    first = wait(services, services.batches.start(services.batches.plan(given[:1], [GEMINI])).id)
    plan = services.batches.plan(given, [GEMINI])
    assert [line.answered_by for line in plan.lines] == [first.rows[0].run.id, None]
    assert plan.total_usd == plan.lines[1].plan.estimate_usd > 0
    for other in ({"language": "de"}, {"end": 5.0}, {"task": "summary"}, {"terms": ("Nagg",)}):
        assert not services.batches.plan(given[:1], [GEMINI], **other).answered
    assert not services.batches.plan(given[:1], [LITE]).answered
    before = asked(server)
    again = wait(services, services.batches.start(services.batches.plan(given[:1], [GEMINI])).id)
    assert (again.rows[0].run.from_cache, again.progress.cost_usd, again.progress.estimate_usd) == (True, 0, 0)
    assert asked(server) == before


@pytest.mark.parametrize("model_id", [TINY, GEMINI])
def test_a_link_answered_today_is_free_and_one_whose_answer_is_deleted_is_not(services, links, make_video, model_id):
    """What is held of a link counts within the day; with the run deleted, its answer is gone and costs again."""
    links.put("/talk.mp4", Answer.of(make_video("talk.mp4")))
    given = services.batches.look_up(links.url("/talk.mp4"))
    standing = wait(services, services.batches.start(services.batches.plan(given, [model_id])).id)
    assert standing.progress.done == 1, standing.rows[0].failure
    assert services.batches.plan(given, [model_id]).answered == 1
    services.library.delete_run(standing.rows[0].run.id)
    assert services.batches.plan(given, [model_id]).answered == 0


def test_a_youtube_link_answered_before_is_free_without_any_download(services, server):
    """What the model read behind the link itself is recognised by the link."""
    source = Source(SourceKind.LINK, "Talk", url="https://www.youtube.com/watch?v=dQw4w9WgXcQ", duration=10.0)
    given = [Given("Talk", source)]
    standing = wait(services, services.batches.start(services.batches.plan(given, [GEMINI])).id)
    assert standing.progress.done == 1, standing.rows[0].failure
    assert services.batches.plan(given, [GEMINI]).answered == 1
    assert services.batches.plan(given, [LITE]).answered == 0


def test_several_models_over_each_video_become_comparisons(services, make_video):
    """Each video's runs stand side by side as well, and its rows know where."""
    given = read(services, make_video("one.mp4"), make_video("two.mp4"))
    batch = services.batches.start(services.batches.plan(given, [GEMINI, LITE]))
    comparisons = services.comparisons.newest()
    assert sorted(comparison.title for comparison in comparisons) == ["one.mp4", "two.mp4"]
    assert {run_id for each in comparisons for run_id in each.run_ids} == set(batch.run_ids)
    videos = services.batches.get(batch.id).videos
    assert [len(rows) for rows in videos] == [2, 2]
    for rows in videos:
        (comparison_id,) = {row.comparison_id for row in rows}
        assert services.comparisons.get(comparison_id).title == rows[0].item.name
    services.batches.cancel(batch.id)


@pytest.mark.parametrize("is_queued", [False, True], ids=["before it is queued", "right after it was queued"])
def test_a_run_that_a_crash_kept_from_its_comparison_comes_into_it(services, make_video, monkeypatch, is_queued):
    """Three models: the app ends at the second, and Retry starts what is missing; all three stand side by side."""
    plan = services.batches.plan(read(services, make_video("one.mp4")), [GEMINI, LITE, TINY])
    submit, calls = services.submit, []

    def crash_at_second(request, **more) -> Run:
        calls.append(request)
        if len(calls) != 2:
            return submit(request, **more)
        if is_queued:
            submit(request, **more)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(services, "submit", crash_at_second)
        with pytest.raises(KeyboardInterrupt):
            services.batches.start(plan)
    (standing,) = services.batches.newest()
    assert [row.run is not None for row in standing.rows] == [True, is_queued, False]
    services.batches.retry_failed(standing.batch.id)
    (comparison,) = services.comparisons.newest()
    assert set(comparison.run_ids) == set(services.batches.get(standing.batch.id).batch.run_ids)
    assert len(comparison.run_ids) == 3
    services.batches.cancel(standing.batch.id)


def test_a_run_that_cannot_be_started_leaves_no_comparison_of_one(services, make_video, monkeypatch):
    plan = services.batches.plan(read(services, make_video("one.mp4")), [GEMINI, LITE])
    submit = services.submit

    def refuse_lite(request, **more) -> Run:
        if request.model_id == LITE:
            raise InputError("Not today.")
        return submit(request, **more)

    monkeypatch.setattr(services, "submit", refuse_lite)
    standing = services.batches.get(services.batches.start(plan).id)
    assert [row.run is not None for row in standing.rows] == [True, False]
    assert services.comparisons.newest() == []
    services.batches.cancel(standing.batch.id)


def test_all_videos_of_a_playlist_are_given(services, links, make_video):
    """A link to a playlist gives each of its videos; a dead one gives itself, with why."""
    urls = [links.put(f"/{name}", Answer.of(make_video(name))) for name in ("a.mp4", "b.mp4")]
    playlist = links.put("/feed.rss", feed("Talks", [(f"Talk {url[-5]}", url, "0:10") for url in urls]))
    given = services.batches.look_up(playlist)
    assert [each.source.url for each in given] == urls
    assert all(each.can_run for each in given)
    (dead,) = services.batches.look_up("https://")
    assert dead.failure.code == "BadLink"


def test_nothing_that_can_run_starts_nothing(services, broken_file):
    """The first reason is raised in its words, and no batch is kept; an unknown batch is told of."""
    plan = services.batches.plan(read(services, broken_file), [TINY])
    with pytest.raises(InputError, match=plan.lines[0].failure.message[:20]):
        services.batches.start(plan)
    assert not services.batches.newest()
    assert services.batches.get("none") is None
    with pytest.raises(NothingThere):
        services.batches.retry_failed("none")


def test_deleting_takes_rows_and_empty_batches_along(services, make_video, broken_file):
    """A run's row goes with it, a refused one with its video, and a batch with its last row; never the runs of one
    that is only forgotten."""
    store = services._tools.store
    given = read(services, make_video("one.mp4"), make_video("silent.mp4", is_silent=True))
    standing = wait(services, services.batches.start(services.batches.plan(given, [TINY])).id)
    run = standing.rows[0].run
    refused = Item(7, 0, "two.mp4", run.request, failure=standing.rows[1].failure)
    store.batches.add_items(standing.batch.id, [refused])
    services.library.delete_video(run.request.source.video_id)
    rows = services.batches.get(standing.batch.id).rows
    assert [row.item.name for row in rows] == ["silent.mp4"]
    other = wait(services, services.batches.start(services.batches.plan(given[1:], [GEMINI])).id)
    services.batches.remove(other.batch.id)
    assert services.run(other.rows[0].run.id)
    alone = wait(services, services.batches.start(services.batches.plan(given[1:], [GEMINI])).id)
    services.library.delete_run(alone.rows[0].run.id)
    assert services.batches.get(alone.batch.id) is None


def test_the_price_that_was_promised_is_kept(services, make_video):
    """The estimate of before the run stays beside what it cost."""
    plan = services.batches.plan(read(services, make_video("one.mp4")), [GEMINI])
    standing = wait(services, services.batches.start(plan).id)
    assert standing.progress.estimate_usd == plan.total_usd > Decimal(0)


def test_a_folder_gives_its_media_in_order_and_names_the_rest(tmp_path):
    """Below it to any depth, sorted without regard to case, nothing hidden."""
    for name in ("b.MP4", "A.mkv", "notes.txt", ".hidden.mp4", "sub/c.wav", ".git/d.mp4", "sub/cover.jpg"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    media, others = media_below(tmp_path)
    assert [str(path.relative_to(tmp_path)) for path in media] == ["A.mkv", "b.MP4", "sub/c.wav"]
    assert [path.name for path in others] == ["notes.txt", "cover.jpg"]
    with pytest.raises(InputError, match="cannot be read"):
        media_below(tmp_path / "none")


def test_retry_leaves_comparisons_alone_that_it_did_not_begin(services):
    """One column is left of a comparison with a reference; the model that is tried again has no price: it stays."""
    store, requests = services._tools.store, link_requests(services, GEMINI, "openai/without-a-price")
    store.batches.add(
        "b", "talk", [Item(0, place, "talk", each, failure=NOT_STARTED) for place, each in enumerate(requests)]
    )
    store.runs.add("r0", requests[0], None, seat=Seat("b", 0, 0))
    comparison = services.comparisons.of_runs(["r0"])
    assert services.batches.retry("b", 0, 1) is not None
    assert services.comparisons.get(comparison.id) == comparison


def test_runs_that_went_two_ways_over_one_link_stand_side_by_side(services):
    """One model got the link itself, for another it was downloaded: a third that is tried again comes beside both."""
    store, requests = services._tools.store, link_requests(services, GEMINI, TINY, LITE)
    store.batches.add(
        "b", "talk", [Item(0, place, "talk", each, failure=NOT_STARTED) for place, each in enumerate(requests)]
    )
    for place in range(2):
        store.runs.add(f"r{place}", requests[place], None, seat=Seat("b", 0, place))
    store.runs.set_asset("r1", 1, "a" * 64)
    assert services.batches.retry("b", 0, 2) is None
    (comparison,) = services.comparisons.newest()
    assert comparison.run_ids[:2] == ("r0", "r1")
    assert len(comparison.run_ids) == 3
    services.batches.cancel("b")


def link_requests(services: Services, *model_ids: str) -> list[RunRequest]:
    source = Source(SourceKind.LINK, "talk", url="https://www.youtube.com/watch?v=aaaaaaaaaaa", duration=60.0)
    return [services.new_request(source, model_id) for model_id in model_ids]
