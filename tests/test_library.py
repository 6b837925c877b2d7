"""The library's verbs: finding, tags, money, room, and deleting for good."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from PIL import Image

from lib.domain.library import Filters
from lib.domain.media import Clip, Rendition, Source, SourceKind
from lib.domain.plan import Part, Plan, Route, RouteChoice
from lib.domain.run import Failure, Generation, PartAnswer, PartState, Run, RunRequest, RunState
from lib.domain.transcript import Cue, Transcript
from lib.errors import InputError, NothingThere, StillGoingOn
from lib.pipeline.comparisons import MERGED_MODEL
from lib.pipeline.library import VIDEOS_A_PAGE
from lib.services import Services
from lib.store import Store
from tests.conftest import run_ffmpeg
from tests.fakes.openrouter_server import FakeOpenRouter, Reply
from tests.run_fixtures import finish
from tests.waiting import is_over, look_until

MODEL = "google/gemini-3.8-flash"
SAID = "[00:01] A quixotic xylophonist.\n[00:05] Fail better."


@pytest.fixture
def server() -> Iterator[FakeOpenRouter]:
    with FakeOpenRouter(answer=SAID) as server:
        yield server


@pytest.fixture
def store(services) -> Store:
    return services._tools.store


@pytest.fixture
def source(services, short_talking_video) -> Source:
    return services.keep_file(short_talking_video)


@pytest.fixture
def add(store) -> Callable[..., str]:
    """Adds a run that is done in one part, with its answer, its transcript and what it cost."""

    def add_(
        run_id: str, source: Source, *, model_id: str = MODEL, digest: str | None = None, cost: str | None = "0.25"
    ) -> str:
        digest = digest or f"answer of {run_id}"
        plan = Plan(model_id, Route.AUDIO, "", Clip(0, 10), (Part(0, 0, 10, 1),))
        store.runs.add(run_id, RunRequest(source, model_id), plan)
        store.runs.begin(run_id, 1)
        store.runs.set_plan(run_id, 1, plan)
        if store.generations.get(digest) is None:
            store.generations.keep(digest, Generation(model_id, f"said in {run_id}"), clip_seconds=10, paid_by=run_id)
        store.runs.keep_answers(run_id, 1, 0, (PartAnswer(digest, 0, 10, 0),))
        store.runs.report_part(run_id, 1, 0, state=PartState.OK, cost_usd=cost)
        store.transcripts.keep(run_id, Transcript((Cue(1, 4, f"It was said in {run_id}."),), ""))
        finish(store, run_id, cost=cost)
        return run_id

    return add_


def link(number: int = 1) -> Source:
    return Source(SourceKind.LINK, f"Talk {number}", url=f"https://video.example/{number}", duration=60.0)


def files_with(folder: Path, words: bytes) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and words in path.read_bytes()]


def rows(database: Path, query: str) -> list[tuple]:
    with sqlite3.connect(database) as connection:
        return connection.execute(query).fetchall()


def ended(services: Services, run: Run, seconds: float = 90) -> Run:
    return look_until(lambda: services.run(run.id), is_over, seconds)


def ended_copy(services: Services, copy_id: str, seconds: float = 90) -> None:
    found = look_until(lambda: services.copies.get(copy_id), is_over, seconds)
    assert found.state is RunState.DONE, found.failure


def test_a_hit_names_its_run_and_its_second(services, add):
    """What was said is found in the run that said it, at the second of its line."""
    add("r1", link())
    (hit,) = services.library.search("said r1").hits
    assert (hit.run.id, hit.spot.start) == ("r1", 1.0)
    assert [text for text, is_found in hit.spot.pieces if is_found] == ["said", "r1"]
    assert services.library.search("said", Filters(model_id="another/model")).count == 0
    assert services.library.search(" ").count == 0


def test_hits_come_in_pages(services, add, store):
    """Twenty a page, each of them once, and none after the last page."""
    add("r1", link())
    cues = tuple(Cue(number * 60, number * 60 + 5, f"Place {number}.") for number in range(45))
    store.transcripts.keep("r1", Transcript(cues, ""))
    pages = [services.library.search("place", page=page) for page in (1, 2, 3, 4)]
    assert [len(page.hits) for page in pages] == [20, 20, 5, 0]
    assert {page.count for page in pages} == {45}
    assert len({hit.spot.start for page in pages for hit in page.hits}) == 45


def test_a_video_is_known_by_its_bytes_or_by_its_address(services, add, source, short_talking_video, tmp_path):
    """The same file under another name, and a link in another form, are the same video with all its runs."""
    renamed = tmp_path / "renamed.mp4"
    renamed.write_bytes(short_talking_video.read_bytes())
    short = Source(SourceKind.LINK, "Film", url="https://youtu.be/abcdefghijk")
    long = Source(SourceKind.LINK, "Film", url="https://www.youtube.com/watch?v=abcdefghijk&t=3")
    for number, each in enumerate((source, services.keep_file(renamed), short, long)):
        add(f"r{number}", each)
    shelf = services.library.videos()
    assert [[run.id for run in video.runs] for video in shelf.videos] == [["r3", "r2"], ["r1", "r0"]]
    assert shelf.videos[1].title == "renamed.mp4"
    assert shelf.videos[1].asset.id == source.asset_id
    assert [run.id for run in services.library.runs_of(short)] == ["r3", "r2"]
    assert [run.id for run in services._tools.store.runs.of_asset(source.asset_id)] == ["r1", "r0"]


def test_videos_come_in_pages_newest_first(services, add):
    """A page of twelve, and how many there are in all."""
    for number in range(VIDEOS_A_PAGE + 3):
        add(f"r{number:02}", link(number))
    first, second = services.library.videos(), services.library.videos(page=2)
    assert (len(first.videos), len(second.videos), first.count) == (VIDEOS_A_PAGE, 3, VIDEOS_A_PAGE + 3)
    assert first.videos[0].title == f"Talk {VIDEOS_A_PAGE + 2}"
    assert services.library.videos(title="talk 14").count == 1


def test_tags_keep_their_spelling_and_go_with_the_video(services, add):
    """A tag that is there already is not made anew in another spelling; without a video there is no tag."""
    video_id = link().video_id
    add("r1", link())
    assert services.library.tag(video_id, "  Town   hall ") == "Town hall"
    assert services.library.tag(video_id, "TOWN HALL") == "Town hall"
    assert services.library.tags() == [("Town hall", 1)]
    assert services.library.videos(Filters(tag="Town hall")).videos[0].tags == ("Town hall",)
    with pytest.raises(InputError, match="no tag"):
        services.library.tag(video_id, " ")
    services.library.untag(video_id, "Town hall")
    assert services.library.tags() == []
    services.library.tag(video_id, "Again")
    services.library.delete_video(video_id)
    assert services.library.tags() == []


def test_what_was_spent_stays_spent(services, add, store):
    """The sum of a month holds every run, those that were stopped half-way and those that were deleted."""
    month = f"{datetime.now(UTC):%Y-%m}"
    add("r1", link(1), cost="0.10")
    add("r2", link(2), cost="0.0000000001")
    store.runs.add("r3", RunRequest(link(3), MODEL), None)
    store.runs.set_plan("r3", 1, Plan(MODEL, Route.AUDIO, "", parts=(Part(0, 0, 5, 1), Part(1, 5, 9, 1))))
    store.runs.report_part("r3", 1, 0, cost_usd="0.02")
    services.cancel("r3")
    (spent,) = services.library.spending_by_month()
    assert (spent.name, spent.usd) == (month, Decimal("0.1200000001"))
    for run_id in ("r1", "r2", "r3"):
        services.library.delete_run(run_id)
    assert services.library.spending_by_month() == [spent]
    add("r4", link(4), cost="1")
    assert services.library.spending_by_month()[0].usd == Decimal("1.1200000001")


def test_a_run_that_goes_on_cannot_be_deleted(services, add, store, source):
    """It says so, and nothing of it or its video goes; once cancelled, it does."""
    add("r1", source)
    store.runs.add("r2", RunRequest(source, MODEL), None)
    for delete in (lambda: services.library.delete_run("r2"), lambda: services.library.delete_video(source.video_id)):
        with pytest.raises(StillGoingOn, match="still going on"):
            delete()
    assert services.library.farewell_to_video(source.video_id).going_on[0].id == "r2"
    assert store.transcripts.get("r1")
    assert services.media_path(source.asset_id)
    services.cancel("r2")
    services.library.delete_video(source.video_id)
    assert services.library.videos().count == 0
    assert services.media_path(source.asset_id) is None
    with pytest.raises(NothingThere):
        services.library.delete_run("r2")


def test_a_run_takes_along_what_only_it_paid_for(services, add, store, source):
    """An answer that another run uses stays with that one, and goes with it; what was heard here as well."""
    add("r1", source, digest="shared")
    add("r2", source, digest="shared")
    add("r3", source)
    store.generations.keep("heard", Generation("local/whisper-base", "heard"), clip_seconds=10, paid_by="r3")
    services.library.delete_run("r1")
    assert store.generations.get("shared").paid_by == "r2"
    services.library.delete_run("r3")
    assert store.generations.get("answer of r3") is None
    assert store.generations.get("heard").paid_by == "r2"
    assert services.media_path(source.asset_id), "the media of a deleted run stays"
    services.library.delete_run("r2")
    assert store.generations.get("shared") is None
    assert store.generations.get("heard") is None
    assert services.library.search("said").count == 0


def test_a_file_that_another_video_needs_stays(services, add, store, source):
    """A link that gave the same bytes as an upload keeps them when the upload is deleted."""
    add("r1", source)
    store.runs.add("r2", RunRequest(link(), MODEL), None)
    store.runs.set_asset("r2", 1, source.asset_id)
    services.cancel("r2")
    farewell = services.library.farewell_to_video(source.video_id)
    assert (farewell.is_shared, farewell.file_bytes) == (True, 0)
    services.library.delete_video(source.video_id)
    assert services.media_path(source.asset_id)
    assert [video.id for video in services.library.videos().videos] == [link().video_id]
    assert services.library.farewell_to_video(link().video_id).file_bytes == source.size_bytes


def test_deleting_leaves_nothing_on_the_disk(services, source, tmp_path):
    """After a real run, file, renditions, answers, transcript, passages and job records are gone, to the last word."""
    data = tmp_path / "data"
    run = ended(services, services.submit(services.new_request(source, MODEL, route=RouteChoice.AUDIO)))
    assert run.state is RunState.DONE, run.failure
    assert services.library.search("quixotic").count == 1
    assert services.library.poster(source.asset_id)
    farewell = services.library.farewell_to_video(source.video_id)
    assert (farewell.runs, farewell.transcripts, farewell.file_bytes) == (1, 1, source.size_bytes)
    assert farewell.rendition_bytes > 0
    assert files_with(data, b"quixotic")
    assert rows(data / "jobs.db", "SELECT workflow_uuid FROM workflow_status")
    services.library.delete_video(source.video_id)
    assert files_with(data, b"xylophonist") == []
    assert files_with(data, source.asset_id.encode()) == []
    assert not [path for name in ("media", "renditions") for path in (data / name).rglob("*") if path.is_file()]
    assert rows(data / "jobs.db", "SELECT workflow_uuid FROM workflow_status") == []
    for table in (
        "run",
        "part",
        "transcript",
        "passage",
        "transcript_index",
        "asset",
        "speech",
        "rendition",
        "generation",
    ):
        assert rows(data / "cuewise.db", f"SELECT count(*) FROM {table}") == [(0,)], table
    assert services.library.search("quixotic").count == 0


def test_a_run_deleted_right_after_cancel_leaves_nothing_and_no_noise(services, server, source, tmp_path):
    """What its worker still had in hand comes to nothing: no row, no answer, no job, no traceback in the log."""
    server.enqueue(Reply.drip("[00:00] A quixotic one. " * 50, delay=0.1, pieces=200))
    run = services.submit(services.new_request(source, MODEL))
    look_until(lambda: services.run(run.id), lambda run: "quixotic" in run.partial_text, 90)
    services.cancel(run.id)
    services.library.delete_run(run.id)
    assert server.history[-1].was_cut_off.wait(20)
    time.sleep(1)
    data = tmp_path / "data"
    for table in ("run", "part", "generation", "transcript"):
        assert rows(data / "cuewise.db", f"SELECT count(*) FROM {table}") == [(0,)], table
    assert rows(data / "jobs.db", "SELECT workflow_uuid FROM workflow_status") == []
    log = (data / "logs" / "worker.log").read_text(encoding="utf-8")
    assert "Traceback" not in log
    assert " ERROR " not in log


def test_a_run_takes_along_its_copies_and_the_comparisons_it_was_last_in(services, add, store, source):
    """A captioned copy goes with its run, file and row; a comparison goes with its last column, and votes stay."""
    add("r1", source)
    add("r2", source)
    both, alone = (services.comparisons.of_runs(run_ids).id for run_ids in (["r1", "r2"], ["r1"]))
    request = RunRequest(source, MERGED_MODEL)
    store.runs.add_done("best", request, Transcript((), "merged"), started=None, merged_of=both)
    copy = services.copies.order("r1")
    ended_copy(services, copy.id)
    path = services.copies.path(copy.id)
    assert services.library.farewell_to_run("r1").rendition_bytes == path.stat().st_size
    services.library.delete_run("best")
    left = services.comparisons.get(both)
    assert (left.run_ids, left.merged_run_id) == (("r1", "r2"), None)
    services.library.delete_run("r1")
    assert not path.exists()
    assert services.copies.get(copy.id) is None
    assert services.comparisons.get(alone) is None
    assert services.comparisons.get(both).run_ids == ("r2",)
    services.library.delete_run("r2")
    assert services.comparisons.newest() == []
    assert rows(services.settings.data_dir / "jobs.db", "SELECT workflow_uuid FROM workflow_status") == []


def test_captions_taken_as_a_transcript_are_found_too(services, source):
    """What a file of captions says can be searched like any other transcript."""
    captions = b"1\n00:00:03,000 --> 00:00:05,000\nA quixotic remark.\n"
    run = services.captions.transcribe_file(source, captions, "said.srt")
    (hit,) = services.library.search("quixotic").hits
    assert (hit.run.id, hit.spot.start) == (run.id, 3.0)


def test_what_was_made_for_sending_can_be_freed(services, add, store, source):
    """It is only a cache, but for the runs that use it right now."""
    name = "b" * 64
    with services._tools.files.temporary(".mp3") as fresh:
        fresh.write_bytes(bytes(5000))
        path = services._tools.files.keep_rendition(fresh, name, ".mp3")
    store.assets.keep_rendition(Rendition(name, "audio/mpeg", 5000, 0.0, 10.0), source.asset_id)
    store.runs.add("r1", RunRequest(source, MODEL), None)
    with pytest.raises(StillGoingOn, match="in use"):
        services.library.free_renditions()
    assert path.exists()
    services.cancel("r1")
    assert services.library.space().renditions == 5000
    assert services.library.free_renditions() == 5000
    assert not path.exists()
    assert store.assets.rendition(name) is None
    assert services.library.space().renditions == 0


def test_media_that_no_run_needs_can_be_freed_after_an_hour(services, add, source, beckett, monkeypatch):
    """A file of the last hour may belong to a run that is being planned; a file with a run is never among them."""
    add("r1", source)
    unneeded = services.keep_file(beckett)
    assert services.library.space().unneeded == 0
    monkeypatch.setattr("lib.pipeline.library.GRACE_HOURS", -1.0)
    space = services.library.space()
    assert space.unneeded == unneeded.size_bytes
    assert space.media == unneeded.size_bytes + source.size_bytes
    assert services.library.free_unneeded() == unneeded.size_bytes
    assert services.asset(unneeded.asset_id) is None
    assert services.media_path(source.asset_id)
    assert services.library.space().unneeded == 0


def test_a_file_that_nobody_knows_is_unneeded(services, tmp_path, beckett, monkeypatch):
    """What a deletion left that broke off between database and disk can be freed as well."""
    asset_id, size_bytes = services._tools.files.keep_file(beckett)
    monkeypatch.setattr("lib.pipeline.library.GRACE_HOURS", -1.0)
    assert services.library.space().unneeded == size_bytes
    assert services.library.free_unneeded() == size_bytes
    assert services.media_path(asset_id) is None


def test_leftovers_are_freed_and_what_grows_is_not(services, tmp_path, monkeypatch):
    """A download that broke off goes; one that was written to within ten minutes stays."""
    folder = services._tools.files.link_folder("c" * 64)
    (folder / "video.part").write_bytes(bytes(3000))
    assert services.library.space().leftovers == 3000
    assert services.library.free_leftovers() == 0
    monkeypatch.setattr("lib.pipeline.library.LEFT_SECONDS", -1.0)
    assert services.library.free_leftovers() == 3000


def test_space_is_told_to_the_last_byte(services, source, tmp_path):
    """What the parts take is what the folder takes."""
    files = [path for path in (tmp_path / "data").rglob("*") if path.is_file()]
    assert services.library.space().total == sum(path.stat().st_size for path in files)


def test_a_poster_is_made_once_and_goes_with_the_cache(services, source, tmp_path):
    """A small JPEG of the shape of the video; after the cache was freed it is made again."""
    path = services.library.poster(source.asset_id)
    with Image.open(path) as picture:
        assert picture.format == "JPEG"
        assert max(picture.size) <= 480
    made = path.stat().st_mtime_ns
    assert services.library.poster(source.asset_id).stat().st_mtime_ns == made
    services.library.free_renditions()
    assert not path.exists()
    assert services.library.poster(source.asset_id) == path


def test_a_poster_stands_as_the_video_is_watched(services, footage, tmp_path):
    """Turned pictures are turned back, and pixels that are not square are made so."""
    turned = tmp_path / "turned.mp4"
    run_ffmpeg("-display_rotation", "90", "-i", footage, "-c", "copy", turned)
    with Image.open(services.library.poster(services.keep_file(turned).asset_id)) as picture:
        assert picture.height > picture.width
    wide = tmp_path / "wide.mp4"
    run_ffmpeg("-i", footage, "-t", "1", "-vf", "scale=320:240,setsar=2", "-c:v", "libx264", wide)
    with Image.open(services.library.poster(services.keep_file(wide).asset_id)) as picture:
        assert picture.width / picture.height == pytest.approx(640 / 240, rel=0.02)


def test_what_cannot_be_shown_has_no_poster(services, beckett):
    """Sound alone, an asset that is not here, and a name that is none."""
    for asset_id in (services.keep_file(beckett).asset_id, "0" * 64, "../../etc/passwd"):
        assert services.library.poster(asset_id) is None


def test_a_failed_run_is_in_the_library_and_can_be_deleted(services, store):
    """It has no transcript, and takes none along."""
    store.runs.add("r1", RunRequest(link(), MODEL), None)
    store.runs.fail("r1", 1, Failure("OutOfCredit", "There is no credit left."))
    (video,) = services.library.videos(Filters(state=RunState.FAILED)).videos
    assert video.to_open.id == "r1"
    farewell = services.library.farewell_to_run("r1")
    assert (farewell.runs, farewell.transcripts, farewell.size_bytes) == (1, 0, 0)
    services.library.delete_run("r1")
    assert services.library.videos().count == 0
