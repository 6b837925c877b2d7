"""Several stretches on the command line: named with --segment, or proposed, by a process of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.openrouter_server import DEFAULT_KEY, FakeOpenRouter
from tests.media_fixtures import look
from tests.test_cli import CommandLine
from tests.test_stretches import CHOSEN, EXCERPT, STRETCHES, answer_about

MODEL = ("--model", "google/gemini-3.8-flash")
SEGMENTS = ("--segment", "13-16.9", "--segment", "0.8-8.2", "--segment", "0:24.3-0:28.6")


@pytest.fixture(scope="module")
def cli(tmp_path_factory):
    with FakeOpenRouter(answer=answer_about(EXCERPT)) as server:
        yield CommandLine(
            tmp_path_factory.mktemp("data"), OPENROUTER_BASE_URL=server.base_url, OPENROUTER_API_KEY=DEFAULT_KEY
        )


def test_stretches_are_named_in_any_order_and_come_back_in_theirs(cli, talking_video):
    """The clip reaches from the first to the last; each line of the answer stands where it is said in the video."""
    record = cli.json("run", talking_video, *MODEL, *SEGMENTS, "--times", "model", "--format", "json")
    assert record["clip"] == {"start": 0.8, "end": 28.6}
    assert record["segments"] == [{"start": each.start, "end": each.end} for each in STRETCHES]
    starts = [cue["start"] for cue in record["cues"]]
    assert all(min(abs(at - start) for start in starts) < 1.01 for at, _ in CHOSEN)


def test_the_plan_bills_what_is_sent(cli, talking_video):
    """Three stretches take less than the whole, and the words say how much of how much."""
    whole = cli.json("plan", talking_video, *MODEL, "--json")
    record = cli.json("plan", talking_video, *MODEL, *SEGMENTS, "--json")
    assert "segments" not in whole
    assert record["prompt_tokens"] < whole["prompt_tokens"] / 2
    assert "3 stretches, 16 s of 4" in record["reason"]
    line = cli("plan", talking_video, *MODEL, *SEGMENTS).stdout
    assert "Stretches 0:00-0:08, 0:13-0:16, 0:24-0:28." in line


def test_prepare_writes_the_stretches_joined(cli, talking_video, tmp_path):
    """One file, as long as the three with the silence between them."""
    record = cli.json("prepare", talking_video, *MODEL, *SEGMENTS, "--output", tmp_path, "--json")
    (file,) = record["files"]
    assert look(Path(file["path"])).duration == pytest.approx(EXCERPT.length, abs=0.15)


def test_a_single_segment_is_a_clip(cli, talking_video):
    """--segment 5-9 is --start 5 --end 9."""
    record = cli.json("plan", talking_video, *MODEL, "--segment", "5–9", "--json")
    assert record["clip"] == {"start": 5, "end": 9}
    assert "segments" not in record


@pytest.mark.parametrize("what", ["speech", "scenes"])
def test_stretches_are_proposed_within_the_budget(cli, talking_video, what):
    """By voice and by picture, inside the clip; what is proposed is told."""
    arguments = ("--propose", what, "--budget", "12", "--start", "2", "--end", "40", "--json")
    done = cli("plan", talking_video, *MODEL, *arguments)
    assert done.returncode == 0, done.stderr
    assert "Proposed: 0:" in done.stderr
    record = cli.json("plan", talking_video, *MODEL, *arguments)
    stretches = record.get("segments") or [record["clip"]]
    assert 3 < sum(each["end"] - each["start"] for each in stretches) <= 12.01
    assert all(2 <= each["start"] < each["end"] <= 40 for each in stretches)


def test_a_word_is_looked_for_in_a_transcript_that_is_kept(tmp_path, talking_video):
    """Without one, the way to get it is told; with one, the place where it is said is proposed."""
    cli = CommandLine(tmp_path / "data")
    arguments = ("plan", talking_video, "--json", "--budget", "0:20", "--propose")
    early = cli(*arguments, "word:Incredulity")
    assert early.returncode == 2
    assert "Transcribe it once with a local model" in early.stderr
    heard = cli.json("run", talking_video, "--format", "json")
    assert "incredulity" in heard["text"].lower()
    record = cli.json(*arguments, "word:Incredulity")
    stretches = record.get("segments") or [record["clip"]]
    assert any(each["start"] < 10.5 < each["end"] for each in stretches)
    missing = cli(*arguments, "word:xylophone")
    assert missing.returncode == 2
    assert "“xylophone” is not said there." in missing.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--segment", "9-5"), "ends before it begins"),
        (("--segment", "9"), "Write it like 1:30-2:15"),
        (("--segment", "soon-later"), "is not a time"),
        (("--segment", "1-2", "--start", "1"), "takes the place of --start"),
        (("--segment", "1-2", "--propose", "speech"), "not allowed with"),
        (("--segment", "9:00-9:10"), "lies beyond the end"),
        (("--propose", "music"), "speech, scenes or word:TEXT"),
        (("--propose", "word:"), "speech, scenes or word:TEXT"),
        (("--propose", "speech", "--budget", "0"), "more than 0 seconds"),
        (("--budget", "10"), "Say by what to --propose"),
    ],
)
def test_what_cannot_be_is_told_in_words(cli, talking_video, arguments, words):
    """Exit code 2 and a sentence."""
    done = cli("plan", talking_video, *MODEL, *arguments)
    assert done.returncode == 2, done.stderr
    assert words in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
