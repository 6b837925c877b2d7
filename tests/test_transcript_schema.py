"""The published schema of JSON exports: every export keeps to it, and nothing in one goes unexplained."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from lib import formats
from lib.domain.health import Gap, Health
from lib.domain.media import AudioStream, Clip, MediaAsset, Source, SourceKind, VideoStream
from lib.domain.plan import Part, Plan, Route
from lib.domain.run import Failure, PartRecord, PartState, Run, RunRequest, RunState, Usage
from lib.domain.transcript import Cue, TimedBy, Transcript
from lib.pipeline.export import export, run_record

SCHEMA = json.loads(Path(formats.__file__).with_name("transcript.schema.json").read_text(encoding="utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA)
LINK = Source(SourceKind.LINK, "A talk", url="https://ann:secret@video.example/talk", duration=60.0)
ASSET = MediaAsset("a" * 64, 1000, "mp4", "video/mp4", 60.0, VideoStream("h264", 640, 480), (AudioStream("aac", 2, 1),))
QUEUED = Run("r1", RunRequest(LINK, "google/gemini-3.8-flash"), RunState.QUEUED, datetime(2026, 11, 22, tzinfo=UTC))
DONE = replace(
    QUEUED,
    state=RunState.DONE,
    plan=Plan("google/gemini-3.8-flash", Route.AUDIO, "", Clip(0, 60), (Part(0, 0, 60, 500),)),
    parts=(PartRecord(0, 0, 60, PartState.REPAIRED, 500, "gen-1", Decimal("0.001"), model_id="local/whisper-base"),),
    asset_id=ASSET.id,
    provider="Google",
    usage=Usage(10, 5, 3),
    cost_usd=Decimal("0.00123"),
    seconds=4.2,
    health=Health(0.97, (Gap(3.0, 14.0),), loops=1, timed_by_audio=1 / 3),
)
SEVERAL = replace(
    DONE,
    request=replace(DONE.request, start=1.0, end=9.5, stretches=(Clip(1, 3), Clip(5, 9.5))),
    plan=replace(DONE.plan, clip=Clip(1, 9.5), stretches=(Clip(1, 3), Clip(5, 9.5))),
)
FAILED = replace(QUEUED, state=RunState.FAILED, failure=Failure("OutOfCredit", "There is no credit left.", "Add some."))
TALK = Transcript((Cue(0.12345, 2.0, "Hello", "Anna", TimedBy.AUDIO), Cue(2.0, 2.0, "Bye")), "Hello\nBye", "en")


def test_the_schema_is_one():
    """JSON Schema 2020-12, as the file says of itself."""
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == Draft202012Validator.META_SCHEMA["$id"]


@pytest.mark.parametrize("run", [QUEUED, DONE, SEVERAL, FAILED], ids=["queued", "done", "several", "failed"])
@pytest.mark.parametrize("asset", [None, ASSET], ids=["link", "asset"])
@pytest.mark.parametrize("transcript", [None, TALK, Transcript((), "# Summary")], ids=["none", "talk", "summary"])
def test_every_export_keeps_to_the_schema(run, asset, transcript):
    """A run in any state, with and without its media and its text: valid, and no field that is not described."""
    record = run_record(run, transcript, asset)
    VALIDATOR.validate(json.loads(json.dumps(record)))
    assert undescribed(record, SCHEMA) == []
    if transcript is not None:
        VALIDATOR.validate(json.loads(export(run, transcript, asset, "json").content))


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.builds(
            lambda start, length, text, speaker, source: Cue(start, start + length, text, speaker, source),
            st.floats(0, 1e6),
            st.floats(0, 1e3),
            st.text(),
            st.none() | st.text(),
            st.sampled_from(TimedBy),
        ),
        max_size=5,
    ),
    st.text(),
)
def test_any_transcript_keeps_to_the_schema(cues, text):
    """Whatever is said, and wherever its times come from."""
    VALIDATOR.validate(json.loads(export(DONE, Transcript(tuple(cues), text), ASSET, "json").content))


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("state", "sleeping"),
        ("cost_usd", "0.1"),
        ("cues", [{"start": -1}]),
        ("health", {"coverage": 2}),
        ("text", None),
    ],
)
def test_what_is_no_export_is_refused(name, wrong):
    """A pass means something: a wrong value anywhere is found."""
    record = run_record(DONE, TALK, ASSET)
    assert not VALIDATOR.is_valid(record | {name: wrong})
    del record[name]
    assert not VALIDATOR.is_valid(record)


def undescribed(value: object, schema: dict) -> list[str]:
    """The fields of a record that the schema has no word about, at any depth."""
    if "$ref" in schema:
        schema = SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]]
    if isinstance(value, list):
        return [name for item in value for name in undescribed(item, schema.get("items", {}))]
    if not isinstance(value, dict) or not value:
        return []
    if "oneOf" in schema:
        options = [undescribed(value, option) for option in schema["oneOf"]]
        return min(options, key=len)
    known = schema.get("properties", {})
    return [
        name
        for field, inside in value.items()
        for name in ([field] if field not in known else undescribed(inside, known[field]))
    ]
