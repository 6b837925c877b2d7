"""How a transcript's health is judged, told and placed in the parts of its run."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from lib.domain.health import Finding, Gap, Health
from lib.domain.media import AudioStream, MediaAsset, Source, SourceKind, VideoStream
from lib.domain.model import Model
from lib.domain.run import Failure, PartRecord, PartState, Run, RunRequest, RunState
from lib.ui import health as shown
from lib.ui.health import Verdict, health_sentence, marks, places, told, verdict_of
from lib.ui.parts import CHIPS_SHOWN, failure_lines, part_chips
from lib.ui.repair import repair_choices

OWN, LOCAL, OTHER = "google/gemini-3.8-flash", "local/whisper-base", "mistralai/voxtral-mini"
WHOLE = Health(coverage=0.98, timed_by_audio=1.0)
MODELS = [
    Model(OWN, "Gemini", frozenset({"text", "video", "audio"})),
    Model(LOCAL, "Whisper", frozenset({"audio"})),
    Model(OTHER, "Voxtral", frozenset({"audio"})),
]
FILM = MediaAsset(
    "0" * 64, 10**6, "mp4", "video/mp4", 600.0, VideoStream("h264", 320, 240, 25.0), (AudioStream("aac", 2, 48_000),)
)


def run(health: Health | None = WHOLE, *states: PartState, **values: object) -> Run:
    """A run that is done, in parts of five minutes."""
    parts = tuple(part(index, state) for index, state in enumerate(states or (PartState.OK,)))
    request = RunRequest(Source(SourceKind.LINK, "A film", url="https://video.example/film"), OWN)
    fields = {"state": RunState.DONE, "parts": parts, "health": health} | values
    return Run("run", request, created=datetime.now(UTC), **fields)


def part(index: int, state: PartState = PartState.OK, error: str | None = None) -> PartRecord:
    reason = error or ("It was refused." if state is PartState.FAILED else None)
    return PartRecord(index, index * 300.0, index * 300.0 + 300, state, error=reason, hint="Try another model.")


@pytest.mark.parametrize("table", [shown.VERDICT_WORDS, shown.VERDICT_COLOURS, shown.VERDICT_ICONS])
def test_every_verdict_has_words_a_colour_and_an_icon(table):
    """No verdict is shown without its words, colour and icon."""
    assert set(table) == set(Verdict)


@pytest.mark.parametrize(
    ("health", "expected"),
    [
        (WHOLE, Verdict.GOOD),
        (replace(WHOLE, coverage=0.95), Verdict.GOOD),
        (replace(WHOLE, coverage=0.94), Verdict.LOOK),
        (replace(WHOLE, coverage=0.89), Verdict.LOOK),
        (replace(WHOLE, coverage=0.79), Verdict.INCOMPLETE),
        (replace(WHOLE, coverage=0.89, missing_words=0.02), Verdict.LOOK),
        (replace(WHOLE, coverage=0.89, missing_words=0.2), Verdict.INCOMPLETE),
        (replace(WHOLE, gaps=(Gap(10, 21),)), Verdict.INCOMPLETE),
        (replace(WHOLE, truncated=True), Verdict.INCOMPLETE),
        (replace(WHOLE, loops=1), Verdict.LOOK),
        (replace(WHOLE, out_of_order=3), Verdict.GOOD),
        (replace(WHOLE, out_of_order=3, timed_by_audio=0.95), Verdict.LOOK),
        (replace(WHOLE, timed_by_audio=0.5), Verdict.LOOK),
        (replace(WHOLE, missing_words=0.2, findings=(Finding("missing_words", "Many."),)), Verdict.LOOK),
        (replace(WHOLE, coverage=None, timed_by_audio=0.0), Verdict.UNKNOWN),
        (replace(WHOLE, coverage=None, truncated=True), Verdict.INCOMPLETE),
        (None, None),
    ],
)
def test_a_transcript_is_judged_by_what_was_measured(health, expected):
    """What is missing outweighs what is untidy, and nobody is praised for what was not measured."""
    assert verdict_of(run(health)) is expected


@pytest.mark.parametrize("health", [WHOLE, None])
def test_a_failed_part_makes_it_incomplete_whatever_else_is_known(health):
    """A hole is a hole, in a summary too, which has no measures."""
    assert verdict_of(run(health, PartState.OK, PartState.FAILED)) is Verdict.INCOMPLETE


def test_the_sentence_beside_the_badge_says_what_is_missing():
    """Coverage first, then what is wrong, then the parts that failed; a share is never rounded up to all."""
    ill = replace(WHOLE, coverage=0.9996, gaps=(Gap(10, 21),), loops=2, truncated=True)
    expected = "99% of the speech has text · 1 gap · 2 loops · cut off · 1 of 3 parts failed"
    assert health_sentence(run(ill, PartState.OK, PartState.FAILED, PartState.OK)) == expected
    other = replace(WHOLE, missing_words=0.4, findings=(Finding("missing_words", "Many are not in the text."),))
    assert health_sentence(run(other)) == "98% of the speech has text · 40% of the words heard are not in it"
    assert health_sentence(run(replace(WHOLE, coverage=1.0))) == "100% of the speech has text"
    assert health_sentence(run(replace(WHOLE, coverage=None))).startswith("nobody listened")
    assert health_sentence(run(None, PartState.FAILED)) == "nothing was written"


def test_findings_are_told_with_the_part_they_lie_in():
    """By their times, since a part may have several answers or none; what has no time comes last, without a repair."""
    findings = (
        Finding("missing_words", "Many are not in the text."),
        Finding("gap", "A gap.", 290, 330, part=0),
        Finding("loop", "A loop.", 20, 30, part=0),
    )
    found = places(run(replace(WHOLE, findings=findings), PartState.OK, PartState.OK, PartState.FAILED))
    assert [place.part and place.part.index for place in found] == [0, 1, 2, None]
    assert [[finding.kind for finding in place.findings] for place in found] == [
        ["loop"],
        ["gap"],
        [],
        ["missing_words"],
    ]
    assert [place.repairs for place in found] == [True, True, True, False]


def test_a_gap_through_several_parts_is_told_in_each_that_needs_a_repair():
    """Repairing one part of it would leave the rest; a part that lacks a breath of it alone is left out."""
    findings = (Finding("gap", "A gap.", 295, 660, part=0),)
    found = places(run(replace(WHOLE, findings=findings), PartState.OK, PartState.OK, PartState.OK))
    assert [place.part.index for place in found] == [1, 2]


def test_a_swarm_of_wrong_times_is_one_finding():
    """A model that lost the clock has hundreds; what the sound set right needs no repair."""
    swarm = tuple(Finding("outside", "A line lies outside the clip.", float(at), float(at)) for at in range(90, 0, -1))
    (finding,) = told(swarm)
    assert finding.words == "90 lines lie outside the clip: put in order."
    assert finding.start == 1
    (place,) = places(run(replace(WHOLE, outside=90, findings=swarm)))
    assert place.findings[0].words.endswith("set right by the sound.")
    assert not place.repairs
    assert told(swarm[:1])[0].words == "1 line lies outside the clip: put in order."


def test_the_timeline_marks_gaps_and_failed_parts_once():
    """A gap that a failed part explains is not marked beside it."""
    gaps = replace(WHOLE, gaps=(Gap(20, 35), Gap(301, 599)))
    assert marks(run(gaps, PartState.OK, PartState.FAILED)) == [
        (20, 35, "15 s of speech without text"),
        (300, 600, "Part 2 failed"),
    ]
    assert marks(run(None)) == []


def test_part_chips_say_where_each_part_is_and_how_it_fares():
    """Number, stretch and state; where there are many, neighbours of the same state stand together."""
    few = part_chips(run(None, PartState.OK, PartState.FAILED))
    assert few == ":green-badge[1 · 0:00–5:00 · done] :red-badge[2 · 5:00–10:00 · failed]"
    many = [PartState.OK] * CHIPS_SHOWN + [PartState.FAILED, PartState.ASKING]
    chips = part_chips(run(None, *many))
    assert chips.startswith(":green-badge[1–12 · 0:00–1:00:00 · done] :red-badge[13 · 1:00:00–1:05:00 · failed]")


def test_a_reason_is_told_once_for_all_parts_it_stopped():
    """Seven parts without credit are one line, and what the run says itself is not said again."""
    failed = run(None, PartState.FAILED, PartState.OK, PartState.FAILED)
    (line,) = failure_lines(failed)
    assert line.startswith("**Parts 1, 3:** It was refused")
    assert failure_lines(replace(failed, failure=Failure("Refused", "It was refused."))) == []
    alone = replace(failed, parts=(part(0, PartState.FAILED, "[no](x)"),))
    assert "\\[no\\]\\(x\\)" in failure_lines(alone)[0]


def test_the_same_model_is_first_unless_it_would_only_hear_the_same_again():
    """A remote model may be asked anew; what a local one has answered it would only answer again."""
    failed, answered = part(0, PartState.FAILED), part(0)
    assert [model.id for model in repair_choices(run(), failed, MODELS, FILM)] == [OWN, LOCAL, OTHER]
    assert [model.id for model in repair_choices(run(), answered, MODELS, FILM)] == [OWN, LOCAL, OTHER]
    by_local = replace(answered, model_id=LOCAL)
    assert [model.id for model in repair_choices(run(), by_local, MODELS, FILM)] == [OWN, OTHER]


def test_only_models_that_can_do_it_are_offered():
    """Local models write transcripts only; where just a link was sent, only models that take links are left."""
    summary = replace(run(), request=replace(run().request, task="summary"))
    failed = part(0, PartState.FAILED)
    assert [model.id for model in repair_choices(summary, failed, MODELS, FILM)] == [OWN, OTHER]
    assert [model.id for model in repair_choices(run(), failed, MODELS, None)] == [OWN]
    silent = replace(FILM, audio=())
    assert [model.id for model in repair_choices(run(), failed, MODELS, silent)] == [OWN]
