"""What the pages make of what was typed, and how they add up a bill: without a browser."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from lib.domain.model import Model, Price, PriceStep
from lib.domain.plan import Plan, Route
from lib.errors import InputError
from lib.pipeline.estimate import prompt_token_rate
from lib.store.generations import Measured
from lib.ui.bill import Bill, Entry, plain_total
from lib.ui.caps import over_words
from lib.ui.catalogue import matches, table_row
from lib.ui.clip import read_clip
from lib.ui.key import masked
from lib.ui.model_picker import can_take
from lib.ui.model_words import context_hours, hour_price, hour_price_words, model_line, tokens_per_hour
from lib.ui.question import split_terms

SEES_AND_HEARS = frozenset({"text", "video", "audio"})
FLASH = Model("google/flash", "Flash", SEES_AND_HEARS, 1_048_576, price=Price(Decimal("0.000001"), Decimal("0.000004")))
DEAF = Model("z-ai/glm", "GLM", frozenset({"text", "video"}))
EARS = Model("mistral/voxtral", "Voxtral", frozenset({"text", "audio"}))
LOCAL = Model("local/whisper-base", "Whisper base", frozenset({"audio"}), price=Price(Decimal(0), Decimal(0)))


@pytest.mark.parametrize(
    ("start", "end", "clip"),
    [
        ("", "", (0.0, None)),
        ("90", "", (90.0, None)),
        ("1:30", "2:00", (90.0, 120.0)),
        ("0:01:30.5", " ", (90.5, None)),
        ("", "10:00", (0.0, None)),
    ],
)
def test_a_clip_is_read_as_people_write_it(start, end, clip):
    """Blanks mean the whole, and an end past the end means to the end."""
    assert read_clip(start, end, 300.0) == clip


@pytest.mark.parametrize(("start", "end"), [("soon", ""), ("", "later"), ("2:00", "1:00"), ("60", "60"), ("5:00", "")])
def test_a_clip_that_cannot_be_is_refused(start, end):
    """What is no time, runs backwards, is empty or lies past the end is an InputError."""
    with pytest.raises(InputError):
        read_clip(start, end, 300.0)


def test_a_clip_of_unknown_length_is_taken_at_its_word():
    """While the length of a link is not known, any clip that runs forward is."""
    assert read_clip("1:00", "3:00:00", None) == (60.0, 10_800.0)


def test_terms_stand_between_commas():
    """Blanks and repeats fall out, order stays."""
    assert split_terms(" Okonkwo,H.264 ;Okonkwo,\n, naïve ") == ("Okonkwo", "H.264", "naïve")


def test_models_are_offered_only_for_what_they_can_take():
    """A deaf model is not offered for sound alone, nor one that only hears for silent pictures."""
    assert can_take(DEAF, has_picture=True, has_sound=True)
    assert not can_take(DEAF, has_picture=False, has_sound=True)
    assert not can_take(EARS, has_picture=True, has_sound=False)
    assert not can_take(LOCAL, has_picture=True, has_sound=False)
    assert can_take(LOCAL, has_picture=False, has_sound=True)


def test_a_total_never_takes_an_unknown_price_for_zero():
    """Runs without a price are counted apart from the sum of those with one."""
    bill = Bill((entry(FLASH, "0.25"), entry(DEAF, None), entry(LOCAL, None)))
    assert bill.total_usd == Decimal("0.25")
    assert bill.unpriced == 1
    capped = plain_total(replace(bill, cap_usd=Decimal(1))).replace("\\", "")
    assert "1 run without a price** · cap $1.00 a run" in capped
    assert "price unknown" in plain_total(Bill((entry(DEAF, None),)))


def test_local_runs_are_free_and_need_no_key():
    """A bill of local models alone is free, asks for no key and sends nothing."""
    bill = Bill((entry(LOCAL, None),), cap_usd=Decimal(0))
    assert not bill.needs_key
    assert over_words(bill.total_usd, bill.cap_usd, bill.left_usd) == ""
    assert "Nothing leaves this machine" in plain_total(bill)


@pytest.mark.parametrize(
    ("cap", "left", "words"),
    [
        ("1", None, "over your cap of $1.00 a run"),
        (None, "1", "more than the $1.00 that your cap for this month leaves"),
        ("1", "1.5", "over your cap of $1.00 a run"),
        ("1.5", "1", "more than the $1.00 that your cap for this month leaves"),
        ("1", "0", "Your cap for this month is reached"),
        ("2", "2", ""),
    ],
)
def test_of_two_caps_the_tighter_one_is_told(cap, left, words):
    """Whoever raises the cap that is told can go on; nothing is told where all of it fits."""
    told = over_words(Decimal(2), None if cap is None else Decimal(cap), None if left is None else Decimal(left))
    assert words in told
    assert bool(told) == bool(words)


def test_a_refused_plan_counts_for_nothing():
    """What cannot run is not in the total, and with nothing left there is nothing to run."""
    bill = Bill((Entry("x/y", "Talk", FLASH, plan=Plan("x/y", Route.AS_IS, "", refusal="Too long.")),))
    assert bill.runnable == ()
    assert "Nothing can be run" in plain_total(bill)


def test_an_hour_is_priced_by_the_tokens_it_makes():
    """At its family's tokens a second and with its answers, as before a run; no price and no context stay unknown."""
    assert hour_price(FLASH) == Decimal("0.452592")
    assert hour_price_words(FLASH) == "~$0.45/h"
    older = replace(FLASH, id="google/gemini-2.5-flash")
    assert hour_price(older) == Decimal("1.186992")
    assert prompt_token_rate(older, Route.VIDEO, Measured()) * 3600 == tokens_per_hour(older)
    assert hour_price(DEAF) is None
    dearer_when_long = replace(FLASH.price, steps=(PriceStep(200_000, Decimal("0.000002"), Decimal("0.000008")),))
    assert hour_price(replace(FLASH, price=dearer_when_long)) == hour_price(FLASH), "it is asked for in parts"
    assert context_hours(FLASH) == pytest.approx(3.2, abs=0.01)
    assert context_hours(DEAF) is None
    assert table_row(DEAF)["$ per hour (estimate)"] is None


def test_a_model_in_a_list_says_what_must_be_known():
    """Name, what it takes, price and retirement; local ones are free and private."""
    assert model_line(LOCAL) == "Whisper base · free and private"
    retiring = Model("a/b", "Old", frozenset({"video"}), expires=date(2026, 12, 1))
    assert model_line(retiring) == "Old · sees only: hears nothing · price unknown · retires 1 Dec 2026"


def test_the_search_finds_every_word_in_name_or_id():
    """Words may stand in any order, in any case."""
    assert matches(FLASH, "FLASH google")
    assert not matches(FLASH, "flash z-ai")


def test_a_key_is_shown_by_its_end_only():
    """Four characters tell two keys apart; a short one shows nothing."""
    assert masked("sk-or-v1-0123456789abcdef") == "sk-…cdef"
    assert "short" not in masked("short")


def entry(model: Model, usd: str | None) -> Entry:
    plan = Plan(model.id, Route.AS_IS, "", estimate_usd=None if usd is None else Decimal(usd))
    return Entry(model.id, "Talk.mp4", model, plan=plan)
