"""Ingest of links: what was looked up is what is brought, once, and nothing is left lying about."""

from __future__ import annotations

import pytest

from lib import errors
from lib.domain.media import Source, SourceKind
from lib.domain.run import RunRequest
from lib.pipeline.export import run_record
from lib.pipeline.ingest import ingest
from lib.pipeline.reporter import Reporter
from lib.services import Services, open_tools
from lib.ytdlp import LinkPlaylist, LinkVideo
from tests.fakes.media_server import Answer, MediaServer, feed

RUN = "a" * 32


@pytest.fixture
def server():
    with MediaServer() as server:
        yield server


@pytest.fixture
def tools(settings):
    return open_tools(settings)


@pytest.fixture
def services(settings, tools):
    services = Services(settings, tools)
    yield services
    services.close()


@pytest.fixture
def clip(short_talking_video) -> Answer:
    return Answer.of(short_talking_video)


def source_of(video: LinkVideo) -> Source:
    return Source(SourceKind.LINK, video.title, url=video.url, duration=video.duration, size_bytes=video.size_bytes)


def ingested(source: Source, tools, run_id: str = RUN, *, hears_only: bool = False):
    request = RunRequest(source, "local/whisper-base", allow_private_urls=True)
    tools.store.runs.add(run_id, request, None)
    return ingest(request, tools, Reporter(tools.store, run_id, 1), hears_only=hears_only)


def test_what_was_looked_up_is_what_is_brought(server, services, tools, clip, short_talking_video):
    """Under the link that the look-up gave, with the size it told; the folder of the download is gone."""
    found = services.look_up(server.put("/talk.mp4", clip))
    asset = ingested(source_of(found), tools)
    assert asset.size_bytes == found.size_bytes
    assert tools.files.path(asset.id).read_bytes() == short_talking_video.read_bytes()
    assert list((tools.settings.data_dir / "temporary").iterdir()) == []


def test_a_link_brought_today_is_not_brought_again(server, tools, clip):
    """The video serves a model that only hears as well."""
    source = Source(SourceKind.LINK, "Talk", url=server.put("/talk.mp4", clip))
    first = ingested(source, tools)
    asked = len(server.requests)
    assert ingested(source, tools, "b" * 32, hears_only=True) == first
    assert len(server.requests) == asked


def test_each_video_of_a_playlist_can_be_brought(server, services, tools, clip):
    """By the link in its row; the list itself is refused with what to do."""
    server.put("/1.mp4", clip)
    server.put("/2.mp4", clip)
    items = [("One", server.url("/1.mp4"), "0:10"), ("Two", server.url("/2.mp4"), "0:10")]
    url = server.put("/feed.rss", feed("Course", items))
    found = services.look_up(url)
    assert isinstance(found, LinkPlaylist)
    assert ingested(source_of(found.videos[1]), tools).duration == pytest.approx(10, abs=1)
    assert server.requests[-1].path == "/2.mp4"
    with pytest.raises(errors.BadLink, match="list of videos") as caught:
        ingested(Source(SourceKind.LINK, "Course", url=url), tools, "b" * 32)
    assert caught.value.hint == "Choose one of its videos."


def test_a_password_in_the_link_is_used_and_never_exported(server, services, tools, clip):
    """The server asks for it; whoever gets the transcript does not see it."""
    url = server.put("/talk.mp4", clip).replace("http://", "http://ann:secret@")
    found = services.look_up(f"{url}?v=1")
    ingested(source_of(found), tools)
    assert all(request.headers["Authorization"].startswith("Basic ") for request in server.requests)
    assert "secret" not in f"{found.title} {found.site} {found.picture_url}"
    record = str(run_record(tools.store.runs.get(RUN), None, None))
    assert "secret" not in record
    assert "/talk.mp4?v=1" in record


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(status=404), errors.NothingThere),
        (Answer(b"words " * 2000, "video/mp4"), errors.MediaError),
    ],
)
def test_a_link_that_gives_nothing_playable_leaves_nothing_behind(server, tools, answer, error):
    """A page that is gone, and a file that calls itself a video and is none."""
    source = Source(SourceKind.LINK, "Talk", url=server.put("/talk.mp4", answer))
    with pytest.raises(error):
        ingested(source, tools)
    assert [path for path in tools.settings.data_dir.rglob("*") if path.is_file() and "media" in path.parts] == []


def test_a_cancelled_download_is_gone_on_with_at_the_next_attempt(server, tools, clip):
    """What arrived before Cancel is not asked for again."""
    clip.block_wait = 0.1
    source = Source(SourceKind.LINK, "Talk", url=server.put("/talk.mp4", clip))
    request = RunRequest(source, "local/whisper-base", allow_private_urls=True)
    tools.store.runs.add(RUN, request, None)

    class Impatient(Reporter):
        def stage(self, stage, progress=None, note=""):
            if progress and progress > 0.3:
                tools.store.runs.cancel(self.run_id)
            super().stage(stage, progress, note)

    with pytest.raises(errors.Cancelled):
        ingest(request, tools, Impatient(tools.store, RUN, 1), hears_only=False)
    clip.block_wait = 0
    assert ingested(source, tools, "b" * 32).size_bytes == len(clip.body)
    assert "Range" in server.requests[-1].headers
