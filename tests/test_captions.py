"""Captions first: a transcript at once from what a site, or the user, has in writing already."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from lib.domain.captions import CaptionKind, CaptionTrack, track_of
from lib.domain.media import Source, SourceKind
from lib.domain.run import RunState
from lib.domain.transcript import Cue, TimedBy
from lib.errors import InputError, NothingThere
from lib.services import open_services
from tests.fakes.media_server import Answer, MediaServer, captioned_page
from tests.test_caption_files import SCROLLING

VTT = "WEBVTT\n\n00:03.000 --> 00:04.000\nSecond.\n\n00:01.000 --> 00:02.500\n<v Anna>First &amp; foremost.\n"
SRT = "1\n00:00:01,000 --> 00:00:02,500\nHallo, Welt.\n"
ENGLISH = CaptionTrack(CaptionKind.HUMAN, "en")


@pytest.fixture
def services(settings):
    with closing(open_services(settings)) as services:
        yield services


@pytest.fixture
def server():
    with MediaServer() as server:
        server.put("/talk.mp4", Answer(b"\0" * 1000, "video/mp4"))
        server.put("/en.vtt", Answer(VTT.encode(), "text/vtt"))
        server.put("/de.srt", Answer(SRT.encode(), "application/x-subrip"))
        server.put("/auto.vtt", Answer(SCROLLING.encode(), "text/vtt"))
        yield server


@pytest.fixture
def link(services, server) -> Source:
    """A video that has been looked up: captions by people in two languages, and a machine's."""
    tracks = {"en-x-autogen": "/auto.vtt", "en-GB": "/en.vtt", "de": "/de.srt"}
    found = services.look_up(server.put("/talk", captioned_page("A talk", "/talk.mp4", tracks)))
    return Source(SourceKind.LINK, found.title, url=found.url, captions=found.captions)


@pytest.fixture
def file(services, short_talking_video) -> Source:
    return services.keep_file(short_talking_video)


def test_captions_are_a_transcript_at_once(services, link, server):
    """Done without a worker, a key, a price or a download of the video; the model is the captions themselves."""
    began = time.monotonic()
    run = services.captions.transcribe(link, services.captions.find(link, "en"))
    assert time.monotonic() - began < 10  # a second, on a machine with nothing else to do
    assert services.run(run.id) == run
    assert (run.state, run.request.model_id, run.cost_usd) == (RunState.DONE, "captions/human:en-GB", 0)
    assert (run.provider, run.plan, run.parts, run.health, run.asset_id) == ("127.0.0.1", None, (), None, None)
    assert run.seconds is not None
    transcript = services.transcript(run.id)
    assert transcript.cues == (
        Cue(1.0, 2.5, "First & foremost.", "Anna", TimedBy.CAPTIONS),
        Cue(3.0, 4.0, "Second.", None, TimedBy.CAPTIONS),
    )
    assert (transcript.text, transcript.language) == ("First & foremost.\nSecond.", "en")
    assert not [each for each in server.requests if each.path == "/talk.mp4" and each.method == "GET"]
    assert services.export(run.id, "srt").content.startswith(b"1\n00:00:01,000 --> 00:00:02,500\nAnna: First")


def test_a_machines_captions_are_named_as_such_and_read_once(services, link):
    """Lines that scroll by twice are there once, and nobody takes them for the work of people."""
    run = services.captions.transcribe(link, services.captions.find(link, "automatic"))
    assert run.request.model_id == "captions/automatic:en"
    assert [cue.text for cue in services.transcript(run.id).cues][:2] == ["hello and welcome", "to the show"]


def test_a_track_is_found_by_language_by_kind_or_by_both(services, link):
    """People's captions come first; what is not there is answered with what is."""
    found = {wanted: services.captions.find(link, wanted).model_id for wanted in ("en", "EN-gb", "de", "human:de")}
    assert found == {
        "en": "captions/human:en-GB",
        "EN-gb": "captions/human:en-GB",
        "de": "captions/human:de",
        "human:de": "captions/human:de",
    }
    assert services.captions.find(link, "automatic:en").kind is CaptionKind.AUTOMATIC
    with pytest.raises(NothingThere, match="'fi'") as caught:
        services.captions.find(link, "fi")
    assert caught.value.hint == "It has human:en-GB, human:de, automatic:en."
    with pytest.raises(NothingThere, match="no captions"):
        services.captions.find(replace(link, captions=()), "en")


def test_a_video_that_nobody_has_looked_up_is_looked_up_now(services, link, server, file):
    """So that a run of a playlist, or of an older day, can be compared with its captions; a file has none."""
    assert services.captions.tracks(replace(link, captions=None)) == link.captions
    asked = len(server.requests)
    assert services.captions.tracks(link) == link.captions
    assert len(server.requests) == asked
    assert services.captions.tracks(file) == ()


def test_captions_are_a_reference_without_a_run(services, link):
    """For a comparison: cues and language, and nothing is written down."""
    transcript = services.captions.fetch(link, CaptionTrack(CaptionKind.HUMAN, "de"))
    assert ([cue.text for cue in transcript.cues], transcript.language) == (["Hallo, Welt."], "de")
    assert services.runs() == []


def test_a_comparison_is_measured_against_the_videos_own_captions(services, link):
    """Captions by people are a reference without a file; a machine's are named as such."""
    run = services.captions.transcribe(link, services.captions.find(link, "en"))
    comparison = services.comparisons.of_runs([run.id])
    services.comparisons.measure_against(comparison.id, services.captions.find(link, "en"))
    table = services.comparisons.table(comparison.id)
    assert table.comparison.reference.name == "English (GB) captions of the video"
    services.comparisons.measure_against(comparison.id, services.captions.find(link, "automatic"))
    assert services.comparisons.get(comparison.id).reference.is_automatic


def test_the_player_plays_what_was_downloaded_before(services, link, file):
    """Captions of a link whose video is here, from a run of the same day, stand beside its player."""
    from lib.pipeline.ingest import link_key

    services._tools.store.assets.remember_link(link_key(link.url, False), file.asset_id)
    run = services.captions.transcribe(link, services.captions.find(link, "de"))
    assert run.asset_id == file.asset_id


def test_what_cannot_be_fetched_leaves_no_run_behind(services, link, server):
    """The user is told, and Activity does not fill with runs that never were."""
    server.put("/de.srt", Answer(b"<html>Sorry</html>", "text/html"))
    with pytest.raises(InputError, match=r"no captions|not a caption file"):
        services.captions.transcribe(link, services.captions.find(link, "de"))
    server.put("/de.srt", Answer(status=404))
    with pytest.raises(NothingThere):
        services.captions.transcribe(link, services.captions.find(link, "de"))
    assert services.runs() == []
    assert list(Path(services.settings.data_dir, "temporary").iterdir()) == []


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (SRT.encode(), "talk.srt", "Hallo, Welt."),
        (VTT.encode("utf-8-sig"), "talk.vtt", "First & foremost."),
        (SRT.encode("utf-16"), "talk.srt", "Hallo, Welt."),
        (SRT.replace("Hallo", "Grüezi").encode("cp1252"), "talk.srt", "Grüezi, Welt."),
        (SRT.encode(), "talk", "Hallo, Welt."),
    ],
)
def test_a_file_of_captions_is_a_transcript_at_once(services, file, content, name, said):
    """Beside its own video, in whatever letters an old program wrote it."""
    run = services.captions.transcribe_file(file, content, name)
    assert (run.state, run.request.model_id, run.asset_id) == (RunState.DONE, "captions/file", file.asset_id)
    cue = services.transcript(run.id).cues[0]
    assert (cue.text, cue.timed_by) == (said, TimedBy.CAPTIONS)


@pytest.mark.parametrize("content", [b"", b"just words", b"\0" * 100, b"1\n" * 15_000_000])
def test_a_file_that_holds_no_captions_is_refused(services, file, content):
    """With what to choose instead, and no run."""
    with pytest.raises(InputError) as caught:
        services.captions.transcribe_file(file, content, "talk.srt")
    assert "SRT" in caught.value.hint
    assert services.runs() == []


def test_a_run_of_captions_is_never_taken_up_by_a_worker(services, link):
    """It is over from its first moment: a crash right after it leaves nothing to go on with."""
    run = services.captions.transcribe(link, services.captions.find(link, "de"))
    assert services._tools.store.runs.unfinished() == []
    assert services._worker._process is None
    assert services.run(run.id).state.is_over


def test_the_name_of_a_track_is_read_back():
    """What stands in the place of a model says which captions they were."""
    for track in (ENGLISH, CaptionTrack(CaptionKind.AUTOMATIC, "pt-BR"), CaptionTrack(CaptionKind.FILE)):
        assert track_of(track.model_id) == track
    with pytest.raises(ValueError, match="is a model"):
        track_of("local/whisper-base")
