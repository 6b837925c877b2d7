"""Copies of a video with captions in them, as durable jobs: made by real worker processes, killed and cancelled."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime

import av
import pytest

from lib.domain.copies import CaptionedCopy, CaptionForm
from lib.domain.media import Source, SourceKind
from lib.domain.run import RunRequest, RunState
from lib.domain.transcript import Cue, Transcript
from lib.errors import InputError, MediaError, NoPicture, NothingThere
from lib.formats import ExportOptions
from lib.services import Services, open_services
from tests.conftest import run_ffmpeg
from tests.waiting import is_over, look_until

TALK = Transcript((Cue(1.0, 2.5, "Ever {tried}.", "Anna"), Cue(3.0, 4.5, "Ever failed. ♪")), "", "en")


@pytest.fixture
def services(settings):
    with closing(open_services(settings)) as services:
        yield services


@pytest.fixture
def finished(services, short_talking_video) -> Callable[..., str]:
    """Writes down a run that is done, over ten seconds of a talking video or another file, and gives its id."""

    def finished_(transcript: Transcript = TALK, source: Source | None = None, run_id: str = "r1") -> str:
        source = source or services.keep_file(short_talking_video)
        services._tools.store.runs.add_done(
            run_id,
            RunRequest(source, "local/whisper-base"),
            transcript,
            started=datetime.now(UTC),
            asset_id=source.asset_id,
        )
        return run_id

    return finished_


@pytest.fixture
def long_video(services, tmp_path, footage) -> Source:
    """40 s of pictures, large enough that drawing captions into them takes a while."""
    path = tmp_path / "long.mp4"
    loop = ("-stream_loop", "3", "-i", footage, "-vf", "scale=800:-2", "-r", "25")
    run_ffmpeg(*loop, "-c:v", "libx264", "-preset", "ultrafast", "-crf", "35", path)
    return services.keep_file(path)


def wait_for(services: Services, copy: CaptionedCopy, condition: Callable[[CaptionedCopy], object]) -> CaptionedCopy:
    return look_until(lambda: services.copies.get(copy.id), condition, 120)


def track_of(path) -> list[tuple[float, str]]:
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(container.streams.subtitles[0]) if packet.pts is not None]
        said = [(float(p.pts * p.time_base), line.dialogue.decode().strip()) for p in packets for line in p.decode()]
        return [(start, " ".join(text.split())) for start, text in said if text]


def test_captions_are_attached_by_a_worker(services, finished):
    """Ordered, made, given out under a name; the track is the transcript, speakers and all, and the original stays."""
    run_id = finished()
    source = services.run(run_id).asset_id
    before = services.media_path(source).read_bytes()
    copy = services.copies.order(run_id)
    assert (copy.form, copy.run_id, copy.media_type) == (CaptionForm.ATTACHED, run_id, "video/mp4")
    done = wait_for(services, copy, is_over)
    assert done.state is RunState.DONE, done.failure
    path = services.copies.path(copy.id)
    assert path.stat().st_size == done.size_bytes
    assert track_of(path) == [(1.0, "Anna: Ever (tried)."), (3.0, "Ever failed. ♪")]
    assert services.copies.name(done) == "beckett (with captions) - whisper-base.mp4"
    assert services.copies.of_run(run_id) == [done]
    assert services.media_path(source).read_bytes() == before


def test_captions_are_burned_by_a_worker(services, finished):
    """The copy is a video of its own, without a track; a note that no font has is left out, and letters are not."""
    done = wait_for(services, services.copies.order(finished(), CaptionForm.BURNED), is_over)
    assert done.state is RunState.DONE, done.failure
    with av.open(str(services.copies.path(done.id))) as container:
        assert [stream.type for stream in container.streams] == ["video", "audio"]


def test_the_same_copy_is_made_once(services, finished):
    """Asked for again it is there at once; other toggles, another form and another text are other copies."""
    run_id = finished()
    done = wait_for(services, services.copies.order(run_id), is_over)
    made = services.copies.path(done.id).stat().st_mtime_ns
    assert services.copies.order(run_id) == done
    assert services.copies.path(done.id).stat().st_mtime_ns == made
    other = services.copies.order(run_id, options=ExportOptions(with_speakers=False))
    services._tools.store.transcripts.keep(run_id, Transcript((Cue(1, 2, "Edited."),), "Edited."))
    edited = services.copies.order(run_id)
    assert len({done.id, other.id, edited.id}) == 3
    assert track_of(services.copies.path(wait_for(services, edited, is_over).id)) == [(1.0, "Edited.")]


def test_a_copy_whose_file_was_swept_away_is_made_again(services, finished):
    """Copies are kept for a while, not for ever: one that is gone is no longer offered, and can be had again."""
    run_id = finished()
    done = wait_for(services, services.copies.order(run_id), is_over)
    services._tools.files.sweep_renditions(-1)
    assert services.copies.get(done.id) is None
    assert services.copies.path(done.id) is None
    assert services.copies.of_run(run_id) == []
    again = wait_for(services, services.copies.order(run_id), is_over)
    assert (again.id, again.state) == (done.id, RunState.DONE)
    assert services.copies.path(done.id).is_file()


def test_burning_is_cancelled_at_once_and_can_be_taken_up_again(services, finished, long_video):
    """Cancel stops ffmpeg and leaves nothing behind; the same order later is made to its end or cancelled again."""
    copy = services.copies.order(finished(source=long_video), CaptionForm.BURNED)
    growing = wait_for(services, copy, lambda copy: copy.progress)
    assert growing.state is RunState.RUNNING
    services.copies.cancel(copy.id)
    assert services.copies.get(copy.id).state is RunState.CANCELLED
    temporary = services.settings.data_dir / "temporary"
    look_until(lambda: list(temporary.iterdir()), lambda left: not left, 20)
    assert services.copies.path(copy.id) is None
    again = services.copies.order(copy.run_id, CaptionForm.BURNED)
    assert (again.id, again.state) == (copy.id, RunState.QUEUED)
    wait_for(services, again, lambda copy: copy.progress)
    services.copies.cancel(copy.id)


def test_a_killed_worker_makes_the_copy_all_the_same(services, finished, long_video):
    """kill -9 in the middle: the next worker begins the copy anew and ends it."""
    cues = (Cue(1.0, 2.0, "Hello."),)
    copy = services.copies.order(finished(Transcript(cues, ""), long_video), CaptionForm.BURNED)
    wait_for(services, copy, lambda copy: copy.progress)
    os.kill(services._worker._process.pid, signal.SIGKILL)
    done = wait_for(services, copy, is_over)
    assert done.state is RunState.DONE, done.failure
    with av.open(str(services.copies.path(copy.id))) as container:
        assert container.duration / 1_000_000 > 38


def test_an_order_that_was_never_queued_is_made_at_the_next_start(services, finished, monkeypatch):
    """A crash between writing it down and handing it to the worker loses nothing."""

    class Crash(BaseException):
        """Like a crash, it is no fault that the app answers to."""

    class Jobs:
        def copy(self, copy_id: str, attempt: int) -> None:
            raise Crash

    monkeypatch.setattr(services.copies, "_jobs", Jobs)
    with pytest.raises(Crash):
        services.copies.order(finished())
    (copy,) = services.copies.of_run("r1")
    assert copy.state is RunState.QUEUED
    services.ensure_worker()
    assert wait_for(services, copy, is_over).state is RunState.DONE


def test_what_cannot_be_drawn_fails_in_words(services, finished):
    """Letters that no font here has are named, with the way on; the copy can be ordered as a track."""
    run_id = finished(Transcript((Cue(1, 2, "Hello \U00012000\U00012001."),), ""))
    failed = wait_for(services, services.copies.order(run_id, CaptionForm.BURNED), is_over)
    assert (failed.state, failed.failure.code) == (RunState.FAILED, "NoFont")
    assert "\U00012000 \U00012001" in failed.failure.message
    assert "attach" in failed.failure.hint
    assert wait_for(services, services.copies.order(run_id), is_over).state is RunState.DONE


def test_what_has_no_pictures_no_times_or_no_video_is_refused_at_once(services, finished, two_cities):
    """Each with what to do instead, and nothing is queued."""
    sound = finished(source=services.keep_file(two_cities), run_id="sound")
    with pytest.raises(NoPicture, match="sound alone"):
        services.copies.order(sound)
    with pytest.raises(InputError, match="no times"):
        services.copies.order(finished(Transcript((), "# Summary"), run_id="summary"))
    link = Source(SourceKind.LINK, "A talk", url="https://video.example/talk")
    with pytest.raises(MediaError, match="not on this machine"):
        services.copies.order(finished(source=link, run_id="link"))
    with pytest.raises(NothingThere):
        services.copies.order("unknown")
    assert services._tools.store.copies.unfinished() == []
