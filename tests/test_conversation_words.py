"""Answers as they are shown: safe, their citations links that seek, those outside the video marked with words."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.domain.conversation import Asking, Conversation, Exchange, Look, Quote, Reading
from lib.domain.model import Model, Price
from lib.domain.run import RunState, Usage
from lib.ui.conversation.words import (
    answer_markdown,
    conversation_words,
    exchange_facts,
    link_in,
    listed_words,
    quote_words,
)
from lib.ui.words import JOINER

NOW = datetime(2026, 11, 24, tzinfo=UTC)
ALONE = Conversation("c", ("r1",), NOW)
PAIR = Conversation("c", ("r1", "r2"), NOW)
LINK = re.compile(r"\]\((?P<target>[^)]*)\)")


def shown(text: str, conversation: Conversation = ALONE, here: str | None = "r1") -> str:
    return answer_markdown(text, (600.0,) * len(conversation.run_ids), link_in(conversation, here))


def test_a_citation_is_a_link_that_seeks_the_player_on_the_page():
    """Its brackets go, its time stays, also of a range and of several in one pair of brackets."""
    assert shown("So [01:05].") == "So [1:05](#t=65)."
    assert shown("So [1:05-1:20].") == "So [1:05–1:20](#t=65)."
    assert shown("So [1:05; 2:10].") == "So [1:05](#t=65); [2:10](#t=130)."


def test_a_citation_leads_to_the_line_that_is_meant():
    """Models are told whole seconds: the line that begins within that second, if there is one."""
    link_to = link_in(ALONE, "r1", [(0.5, 13.5, 14.2)])
    assert answer_markdown("[0:13] [0:15]", (600.0,), link_to) == "[0:13](#t=13.5) [0:15](#t=15)"


def test_a_citation_of_another_video_leads_to_its_page():
    """Where several are asked about, the number of the video stands before the time."""
    assert shown("So [2, 1:05].", PAIR) == "So [2 · 1:05](transcript?run=r2&t=65)."
    assert shown("So [1, 1:05].", PAIR) == "So [1 · 1:05](#t=65)."
    assert shown("So [1, 1:05].", PAIR, here=None) == "So [1 · 1:05](transcript?run=r1&t=65)."


def test_a_citation_outside_the_video_is_no_link_and_says_so():
    """Past the end, and without the number of a video where there are several."""
    assert "(" not in shown("So [59:00].")
    assert "59:00: not in the video" in shown("So [59:00].")
    assert "no video named" in shown("So [1:05].", PAIR)


def test_code_is_left_alone_and_strangers_markup_is_broken():
    """Nothing is fetched, and no link of the model's own but to http(s) leads anywhere."""
    assert shown("`[1:05]`") == "`[1:05]`"
    assert "![" not in shown("![x](http://evil.example/x.png) [1:05]")
    assert "](javascript" not in shown("[1:05](javascript:alert(1))")


@given(st.text(alphabet="[]()#!:;,-0123456789 `\n$<>ahtp/.", max_size=80))
def test_whatever_a_model_writes_links_lead_to_a_second_or_to_the_web(text):
    """No text makes a link of another kind."""
    prose = re.sub(r"```.*?(?:```|\Z)|`[^`\n]+`", "", shown(text), flags=re.DOTALL)
    for target in (found["target"].strip().lstrip("<").lower() for found in LINK.finditer(prose)):
        assert target.startswith(("#t=", "http://", "https://"))


def test_the_facts_of_an_answer_name_what_it_rests_on():
    """Model, basis, how much was read, tokens, dollars."""
    exchange = Exchange(
        "e",
        "c",
        "What?",
        Asking("a/b", "", Look("r1", 10.0, 20.0)),
        RunState.DONE,
        NOW,
        reading=Reading(300, 7200),
        usage=Usage(1000, 200),
        cost_usd=Decimal("0.0123"),
        seconds=3.0,
    )
    facts = exchange_facts(exchange).replace("\\", "").replace(JOINER, "")
    assert facts == ("a/b · with the video from 0:10 to 0:20 · read 300 of 7,200 lines · 1,200 tokens · $0.0123 · 3 s")


@pytest.mark.parametrize(
    ("price", "usd", "words"),
    [
        (Price(Decimal("0.000001"), Decimal("0.000002")), Decimal("0.003"), "$0.0030 (estimate)"),
        (Price(Decimal(0), Decimal(0)), Decimal(0), "free"),
        (None, None, "price unknown"),
    ],
)
def test_the_price_is_told_before_the_question(price, usd, words):
    """An estimate says that it is one, and a price that nobody knows is never zero."""
    quote = Quote("a/b", 1000, 500, usd, Reading(300, 7200))
    told = quote_words(quote, Model("a/b", "B", frozenset({"text"}), price=price))
    assert "1,500 tokens" in told
    assert words in told
    assert "of its 7,200 lines, about 300" in told


def test_a_conversation_is_called_by_its_first_question():
    """On one line, shortened."""
    exchange = Exchange("e", "c", "What is\n" + "said " * 30, Asking("a/b", ""), RunState.DONE, NOW)
    words = conversation_words(Conversation("c", ("r1",), NOW, (exchange,)))
    assert words.startswith("What is said said")
    assert len(words) <= 70
    assert conversation_words(ALONE) == "Nothing asked yet"


@pytest.mark.parametrize(
    ("title", "count", "words"),
    [
        ("", 501, "The newest 500 videos are listed. A search finds the 1 older one."),
        ("tale", 1620, "The newest 500 of 1,620 that are called so are listed. Another word finds the others."),
        ("tale", 2, "2 videos found."),
        ("tale", 0, "No video with a transcript is called so."),
    ],
)
def test_a_list_says_what_it_leaves_out(title, count, words):
    """And what to do about it."""
    assert listed_words(title, count, 500) == words
