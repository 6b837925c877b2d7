"""Exports of runs: one file, a zip of every format, a zip of several runs."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from lib.domain.media import AudioStream, MediaAsset, Source, SourceKind, VideoStream
from lib.domain.run import Run, RunRequest, RunState
from lib.domain.transcript import Cue, Transcript
from lib.errors import InputError
from lib.formats import FORMATS, ExportOptions
from lib.pipeline.export import EVERY_FORMAT, Exportable, export, export_zip
from tests.strict_captions import parse_srt, parse_vtt

ASSET = MediaAsset(
    "a" * 64, 9, "mp4", "video/mp4", 9.0, VideoStream("h264", 640, 360, rotation=90), (AudioStream("aac", 2, 44100),)
)
FILE = Source(SourceKind.UPLOAD, "two cities.mp4", asset_id=ASSET.id)
RUN = Run("r1", RunRequest(FILE, "local/whisper-base"), RunState.DONE, datetime(2026, 11, 22, tzinfo=UTC))
SUMMARY_RUN = replace(RUN, id="r2", request=RunRequest(FILE, "google/gemini-3.8-flash", task="summary"))
TALK = Transcript((Cue(1.0, 3.0, "It was the best of times.", "Anna"),), "It was the best of times.")
SUMMARY = Transcript((), "## Summary\n\nTimes.")


def unzipped(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {entry.filename: archive.read(entry) for entry in archive.infolist()}


def test_a_file_is_named_after_the_video_and_the_model():
    """Without the ending of the video, so that a player finds the captions beside it."""
    assert export(RUN, TALK, ASSET, "srt").name == "two cities - whisper-base.srt"
    link = replace(RUN, request=replace(RUN.request, source=Source(SourceKind.LINK, "Talk no. 1", url="https://x.y/")))
    assert export(link, TALK, None, "md").name == "Talk no. 1 - whisper-base.md"


def test_the_users_toggles_reach_the_file():
    """Names and line width as chosen; the look of ASS is measured by the picture as it is watched."""
    options = ExportOptions(with_speakers=False, line_width=12, lines_per_cue=1)
    assert len(parse_srt(export(RUN, TALK, ASSET, "srt", options).content.decode())) == 3
    assert b"Anna" not in export(RUN, TALK, ASSET, "vtt", options).content
    assert b"PlayResX: 360\nPlayResY: 640\n" in export(RUN, TALK, ASSET, "ass").content


def test_all_is_a_zip_of_every_format():
    """Each file under its own name, whole and readable; captions are the same as alone."""
    whole = export(RUN, TALK, ASSET, EVERY_FORMAT)
    assert (whole.name, whole.media_type) == ("two cities - whisper-base.zip", "application/zip")
    files = unzipped(whole.content)
    assert list(files) == [f"two cities - whisper-base{fmt.suffix}" for fmt in FORMATS.values() if not fmt.only_for]
    assert files["two cities - whisper-base.srt"] == export(RUN, TALK, ASSET, "srt").content
    assert parse_vtt(files["two cities - whisper-base.vtt"].decode())


def test_a_summary_has_no_captions_in_its_zip():
    """What cannot be written is left out for it alone; when nothing is left, the user is told."""
    names = list(unzipped(export(SUMMARY_RUN, SUMMARY, ASSET, EVERY_FORMAT).content))
    assert [name.rpartition(".")[2] for name in names] == ["txt", "md", "docx", "json"]
    with pytest.raises(InputError, match="can be written"):
        export_zip([Exportable(SUMMARY_RUN, SUMMARY)], ["srt"])
    with pytest.raises(InputError, match="can be written"):
        export_zip([])


def test_several_runs_go_into_one_zip_and_none_overwrites_another():
    """Two runs of one model over one video have names of their own, also where capitals make no difference."""
    shouted = replace(RUN, id="r3", request=replace(RUN.request, source=replace(FILE, title="TWO CITIES.mp4")))
    runs = [Exportable(RUN, TALK), Exportable(replace(RUN, id="r4"), TALK), Exportable(shouted, TALK)]
    whole = export_zip([*runs, Exportable(SUMMARY_RUN, SUMMARY)], ["srt", "md"])
    assert whole.name == "4 transcripts.zip"
    assert list(unzipped(whole.content)) == [
        "two cities - whisper-base.srt",
        "two cities - whisper-base.md",
        "two cities - whisper-base (2).srt",
        "two cities - whisper-base (2).md",
        "TWO CITIES - whisper-base (3).srt",
        "TWO CITIES - whisper-base (3).md",
        "two cities - gemini-3.8-flash.md",
    ]


def test_an_unknown_format_is_named_with_those_there_are():
    """The same for one file and for a zip."""
    for act in (lambda: export(RUN, TALK, ASSET, "pdf"), lambda: export_zip([Exportable(RUN, TALK)], ["pdf"])):
        with pytest.raises(InputError, match="pdf") as caught:
            act()
        assert "docx" in caught.value.hint
