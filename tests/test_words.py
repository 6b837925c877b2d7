"""The words in which the app says what it knows."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.domain.media import Clip, Source, SourceKind
from lib.domain.model import Model, Price
from lib.domain.plan import Plan, Quality, Route, SizeVerdict, Times
from lib.domain.run import PartRecord, PartState, Run, RunRequest, RunState, Stage
from lib.domain.transcript import TimedBy
from lib.errors import OutOfCredit
from lib.formats.text import in_order
from lib.ui import words
from lib.ui.counters import reason_words

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SOURCE = Source(SourceKind.LINK, "A film", url="https://example.org/film")


def run(**values: object) -> Run:
    fields = {"state": RunState.RUNNING, "stage": Stage.WAITING} | values
    return Run("run", RunRequest(SOURCE, "google/gemini"), created=NOW, **fields)


def parts(*states: PartState) -> tuple[PartRecord, ...]:
    return tuple(PartRecord(i, i * 300.0, i * 300.0 + 300, state) for i, state in enumerate(states))


@pytest.mark.parametrize("table", [words.STATE_WORDS, words.STATE_COLOURS, words.STATE_ICONS])
def test_every_state_has_words_a_colour_and_an_icon(table):
    """No state of a run is without its words, colour and icon."""
    assert set(table) == set(RunState)


def test_every_verdict_route_part_state_and_origin_of_times_has_words():
    """Whatever the domain can say, the app can show."""
    assert set(words.SIZE_WORDS) == set(words.SIZE_COLOURS) == set(SizeVerdict)
    assert set(words.ROUTE_WORDS) == set(Route)
    assert set(words.ROUTE_CHOICES) == set(Route) - {Route.LOCAL, Route.TEXT}
    assert set(words.QUALITY_WORDS) == set(words.QUALITY_MEANING) == set(Quality)
    assert set(words.TIMES_WORDS) == set(words.TIMES_MEANING) == set(Times)
    assert set(words.PART_WORDS) == set(words.PART_COLOURS) == set(PartState)
    assert set(words.TIMED_BY_WORDS) == set(TimedBy)


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (run(state=RunState.QUEUED), "waiting for its turn"),
        (run(stage=Stage.LOOKING_UP), "looking up"),
        (run(stage=Stage.DOWNLOADING, progress=0.434), "downloading 43%"),
        (run(stage=Stage.DOWNLOADING), "downloading"),
        (run(stage=Stage.LISTENING, progress=1.2), "listening 100%"),
        (run(stage=Stage.ASKING, parts=parts(PartState.OK)), "asking"),
        (
            run(stage=Stage.ASKING, parts=parts(PartState.OK, PartState.FAILED, PartState.ASKING, PartState.WAITING)),
            "asking 3 of 4",
        ),
        (run(stage=Stage.ASKING, parts=parts(PartState.OK, PartState.OK)), "asking 2 of 2"),
        (run(stage=Stage.PREPARING, parts=parts(PartState.ASKING, PartState.PREPARING)), "preparing 2 of 2"),
        (run(stage=Stage.PREPARING, progress=0.5), "preparing 50%"),
        (run(state=RunState.FAILED, stage=Stage.ASKING), "failed"),
    ],
)
def test_a_stage_is_told_with_its_numbers(shown, expected):
    """A long stage says how far it is, in parts or in per cent."""
    assert words.stage_words(shown) == expected


def test_a_local_model_that_waits_says_for_what():
    """A model of a service says only that it waits; one on this machine has to let others end first."""
    waiting = run(stage=Stage.WAITING)
    assert words.stage_words(waiting) == "waiting"
    local = replace(waiting, request=replace(waiting.request, model_id="local/whisper-base"))
    assert words.stage_words(local) == "waiting for its turn: this machine listens to one at a time"


def test_the_note_of_a_run_follows_its_stage_while_it_runs():
    """Speed and time left are shown while they mean something."""
    downloading = run(stage=Stage.DOWNLOADING, progress=0.5, note="2.1 MB/s, 8 s left")
    assert words.run_sentence(downloading) == "Downloading 50% · 2.1 MB/s, 8 s left"
    assert words.run_sentence(replace(downloading, state=RunState.FAILED)) == "Failed"
    assert words.run_sentence(run(stage=Stage.LISTENING, note="listening")) == "Listening"
    assert words.run_sentence(run(stage=Stage.LISTENING, note="listening, 24%")) == "Listening, 24%"


@pytest.mark.parametrize(
    ("usd", "expected"),
    [
        (None, "price unknown"),
        (Decimal(0), "$0"),
        (Decimal("0.00004"), "under $0.0001"),
        (Decimal("0.0123"), "$0.0123"),
        (Decimal("4.5"), "$4.50"),
        (Decimal("1234.567"), "$1,234.57"),
    ],
)
def test_money_has_its_unit_and_is_never_zero_for_unknown(usd, expected):
    """A price that is not known says so; a small one is not rounded to nothing."""
    assert words.money(usd) == expected


def test_an_estimate_says_that_it_is_one():
    """What a run may cost and what it did cost are told apart."""
    paid = Model("google/gemini", "Gemini", frozenset({"video"}), price=Price(Decimal("3e-7"), Decimal("2.5e-6")))
    free = replace(paid, price=Price(Decimal(0), Decimal(0)))
    assert words.estimate_words(paid, Decimal("0.0123")) == "$0.0123 (estimate)"
    assert words.estimate_words(replace(paid, price=None), None) == "price unknown"
    assert words.estimate_words(free, Decimal(0)) == "free"
    assert words.estimate_words(replace(free, id="local/whisper-base"), None) == "free and private"
    assert words.price_words(paid) == "$0.30 in, $2.50 out per million tokens"


def test_the_cost_of_a_run_is_what_was_billed():
    """Nothing reported is not nothing paid, and an answer from the cache costs nothing again."""
    done = run(state=RunState.DONE)
    assert words.cost_words(done) == "cost not reported"
    assert words.cost_words(replace(done, cost_usd=Decimal("0.02"))) == "$0.0200"
    assert words.cost_words(replace(done, from_cache=True)) == "$0 (answered before)"
    assert words.cost_words(replace(done, request=replace(done.request, model_id="local/x"))) == "free and private"


def test_a_size_verdict_says_what_will_be_done():
    """Too large for a model that listens means that the sound alone is sent; nothing is too large at home."""
    plan = Plan("m", Route.VIDEO, "", Clip(0, 9), verdict=SizeVerdict.TOO_LARGE)
    assert words.verdict_words(plan) == "Too large: will be compressed"
    assert words.verdict_words(replace(plan, route=Route.AUDIO)) == "Too large: only its sound will be sent"
    assert words.verdict_words(replace(plan, route=Route.LOCAL)) == "Fits"
    assert words.verdict_words(replace(plan, verdict=None)) == ""


@pytest.mark.parametrize(
    ("size", "expected"),
    [(None, "—"), (0, "0.0 MB"), (4_000, "under 0.1 MB"), (14_260_000, "14.3 MB"), (2_150_000_000, "2.1 GB")],
)
def test_sizes_are_megabytes_with_one_decimal(size, expected):
    """Sizes read as providers count them: a megabyte is 10^6 bytes."""
    assert words.bytes_words(size) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (None, "—"),
        (0.84, "0.8 s"),
        (2.0, "2 s"),
        (42.4, "42 s"),
        (185, "3 min 05 s"),
        (3120, "52 min"),
        (3720, "1 h 02 min"),
        (7199.9, "2 h 00 min"),
    ],
)
def test_a_length_of_time_reads_at_a_glance(seconds, expected):
    """Seconds, minutes or hours, whichever the reader thinks in."""
    assert words.duration_words(seconds) == expected


@pytest.mark.parametrize(("seconds", "expected"), [(7.9, "0:07"), (750, "12:30"), (3723, "1:02:03")])
def test_a_place_in_a_video_reads_like_a_players_clock(seconds, expected):
    """The same clock as on the player."""
    assert words.clock(seconds) == expected


@pytest.mark.parametrize(
    ("lengths", "expected"),
    [
        ([], "0 parts"),
        ([3000.0], "1 part"),
        ([12.0, 15.0, 9.0], "3 parts of about 12 s"),
        ([57.0, 58.0], "2 parts of about 1 minute"),
        ([290.0] * 7, "7 parts of about 5 minutes"),
    ],
)
def test_parts_are_told_with_their_length(lengths, expected):
    """How many requests, and how long each is about."""
    assert words.parts_words(lengths) == expected


def test_a_stretch_reads_like_two_places_on_the_player():
    """From and to, on the player's clock."""
    assert words.stretch_words(0, 302.4) == "0:00–5:02"


@given(st.floats(0, 10**6))
def test_a_length_of_time_never_shows_sixty_of_anything(seconds):
    """No rounding leads to 60 s or 60 min."""
    assert "60 " not in f" {words.duration_words(seconds)} ".replace("60 h", "")


def test_how_long_ago_is_told_in_the_largest_unit():
    """A moment is told as the reader would."""
    ago = [words.ago_words(NOW - timedelta(seconds=s), NOW) for s in (5, 300, 7200, 86_400, 200_000, 3_000_000)]
    assert ago == ["just now", "5 min ago", "2 h ago", "1 day ago", "2 days ago", "18 October 2026"]


def test_elapsed_time_counts_on_while_a_run_runs():
    """The clock of a run starts with its work and stops with it."""
    assert words.elapsed_seconds(run(), NOW) is None
    going = run(started=NOW - timedelta(seconds=43))
    assert words.elapsed_seconds(going, NOW) == 43
    assert words.elapsed_seconds(replace(going, finished=NOW - timedelta(seconds=3)), NOW) == 40


def test_an_error_is_shown_with_its_hint():
    """What happened and what to do next travel together."""
    failure = words.error_words(OutOfCredit("The key has no credit left."))
    assert (failure.code, failure.message) == ("OutOfCredit", "The key has no credit left.")
    assert failure.hint.startswith("Add credit")


@pytest.mark.parametrize(
    ("code", "told"), [("OutOfCredit", "Out of credit"), ("BadLink", "Bad link"), ("Stalled", "Stalled")]
)
def test_the_name_of_an_error_is_read_as_words(code, told):
    """Status counts why runs failed, for people."""
    assert reason_words(code) == told


@given(st.text())
def test_plain_text_keeps_every_character_on_one_line(text):
    """Text of others loses nothing but its line breaks and what turns letters about, and no Markdown is left in it."""
    shown = words.plain(text)
    read = re.sub(r"\\(.)", r"\1", shown)
    assert read.replace(words.JOINER, "") == " ".join(in_order(text).split()).replace(words.JOINER, "")
    assert not re.search(r"(?<!\\)(?:\\\\)*[`*_\[\]<>$!]", shown)
