"""What comes back from OpenRouter: answers, and streams and answers that are none."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from lib import errors
from lib.domain.model import Price
from lib.openrouter.question import with_more_room
from tests.fakes.openrouter_server import DEFAULT_ANSWER, Reply
from tests.openrouter_fixtures import (  # noqa: F401 (fixtures are asked for by their names)
    GEMINI,
    GLM,
    ask,
    fake_server,
    keyed_client,
    no_waits,
    some_video,
    the_error,
)

# Answers


def test_an_answer_arrives_whole_with_its_facts(server, client, video):
    """Text, id, provider, tokens, dollars, finish reason and seconds; the text is shown as it grows."""
    seen = []
    generation = client.generate(ask(video), on_text=seen.append)
    assert generation.text == seen[-1] == DEFAULT_ANSWER
    grown = [text for text in dict.fromkeys(seen) if text]
    assert len(grown) > 3
    assert all(DEFAULT_ANSWER.startswith(text) for text in grown)
    assert generation.model_id == "google/gemini-3.8-flash"
    assert (generation.id, generation.provider) == ("gen-1", "Google AI Studio")
    assert generation.cost_usd == Decimal("0.00217")
    assert generation.usage.prompt_tokens == 2070
    assert generation.usage.completion_tokens == len(DEFAULT_ANSWER) // 4
    assert generation.usage.video_tokens == 1980
    assert generation.finish_reason == "stop"
    assert 0 < generation.seconds_to_first_text <= generation.seconds


def test_a_plain_server_that_reports_nothing_is_fine(server, client, video):
    """No usage, no cost, no provider: unknown, never zero."""
    server.enqueue(Reply.bare("Hello there"))
    generation = client.generate(ask(video))
    assert generation.text == "Hello there"
    assert generation.cost_usd is None
    assert generation.provider is None
    assert generation.usage.prompt_tokens is None


def test_a_server_that_does_not_stream_is_understood(server, client):
    """One JSON in place of a stream is read as one."""
    server.enqueue(Reply.whole("All at once"))
    assert client.generate(ask()).text == "All at once"


def test_odd_chunks_are_passed_over(server, client):
    """Nulls, lists, numbers and missing fields in chunks break nothing."""
    odd = [
        {},
        {"choices": None},
        {"choices": []},
        {"choices": [None]},
        {"choices": [{"delta": None}]},
        {"choices": [{"delta": {"content": None}}]},
        {"choices": [{"delta": {"content": [{"type": "text", "text": "Hi"}, None]}}], "usage": None},
        "data: [1, 2]\n\n",
        "event: ping\ndata:\n\n",
        {"choices": [{"delta": {}, "finish_reason": "stop"}], "usage": {"cost": "oops", "prompt_tokens": "many"}},
        {"choices": [], "usage": {"prompt_tokens_details": 5, "cost": True}},
    ]
    server.enqueue(Reply(events=(*odd, "data: [DONE]\n\n")))
    generation = client.generate(ask())
    assert (generation.text, generation.cost_usd) == ("Hi", None)


# Answers that are none


@pytest.mark.parametrize("is_cut", [False, True])
def test_a_stream_that_just_stops_is_asked_again_from_the_start(server, client, video, is_cut):
    """No finish reason and no [DONE]: the text starts afresh and the body is sent again, whole."""
    server.enqueue(Reply.broken_off("[00:00] Lost words", is_cut=is_cut))
    seen, retries = [], []
    generation = client.generate(ask(video), on_text=seen.append, on_retry=retries.append)
    assert generation.text == DEFAULT_ANSWER
    assert "[00:00] Lost words" in seen
    assert len(retries) == 1
    assert retries[0].startswith("the answer broke off, trying again in ")
    first, second = server.history
    assert first.media == second.media
    assert first.body_bytes == second.body_bytes


def test_a_stream_that_always_stops_is_broken(server, client):
    """After the last attempt the user is told."""
    server.enqueue(*[Reply.broken_off()] * 5)
    the_error(client, ask(), errors.StreamBroken)
    assert len(server.history) == 5


def test_a_line_that_breaks_after_the_finish_reason_costs_nothing(server, client):
    """All that was asked for has arrived: it is not paid for twice."""
    end = {"choices": [{"delta": {"content": "All of it"}, "finish_reason": "stop"}]}
    server.enqueue(Reply(events=(end,), is_cut=True))
    assert client.generate(ask()).text == "All of it"
    assert len(server.history) == 1


def test_a_chunk_that_is_no_json_is_a_broken_stream(server, client):
    """Half a chunk is asked for again."""
    server.enqueue(Reply(events=('data: {"choices": [{"de\n\n', "data: [DONE]\n\n")))
    assert client.generate(ask()).text == DEFAULT_ANSWER
    assert len(server.history) == 2


def test_an_answer_cut_at_the_output_limit_is_a_failure_that_keeps_its_text(server, client):
    """length means truncated; what was said and what it cost are on the error."""
    server.enqueue(Reply.answer("[00:00] Half of", finish="length"))
    error = the_error(client, ask(), errors.AnswerTruncated)
    assert error.text == "[00:00] Half of"
    assert error.generation.cost_usd == Decimal("0.00123")


def test_an_empty_answer_is_asked_once_more_with_less_thinking_and_more_room(server, client):
    """Thinking ate the budget: the second try thinks less; both are on the bill."""
    thinker = replace(GEMINI, reasoning_efforts=("high", "low"), max_output_tokens=65_536)
    server.enqueue(Reply.answer("", finish="length", cost="0.01"), Reply.answer("[00:00] Here", cost="0.02"))
    generation = client.generate(ask(model=thinker, max_tokens=8000))
    assert generation.text == "[00:00] Here"
    assert generation.cost_usd == Decimal("0.03")
    assert generation.usage.prompt_tokens == 1500
    first, second = (request.body for request in server.history)
    assert (first["max_tokens"], "reasoning" in first) == (8000, False)
    assert (second["max_tokens"], second["reasoning"]) == (16_000, {"effort": "low"})


def test_an_answer_that_stays_empty_is_an_error_with_its_bill(server, client):
    """Once more and no oftener."""
    server.enqueue(Reply.answer("  \n", cost="0.01"), Reply.answer("", cost="0.01"), Reply.answer("never asked for"))
    error = the_error(client, ask(), errors.AnswerEmpty)
    assert error.generation.cost_usd == Decimal("0.02")
    assert len(server.history) == 2


def test_more_room_never_means_less():
    """The room is doubled up to the model's limit, and a limit above it is left as it was."""
    model = replace(GEMINI, max_output_tokens=1000, parameters=frozenset({"reasoning"}))
    assert with_more_room(ask(model=model, max_tokens=700)).max_tokens == 1000
    assert with_more_room(ask(model=model, max_tokens=3000)).max_tokens == 3000
    assert with_more_room(ask(model=model)).max_tokens == 1000
    assert with_more_room(ask(model=model)).reasoning_effort == "none"
    assert with_more_room(ask(model=replace(model, reasoning_mandatory=True))).reasoning_effort == "low"
    assert with_more_room(ask()).max_tokens is None


def test_a_content_filter_is_a_refusal(server, client):
    """A filtered answer is not a short one."""
    server.enqueue(Reply.answer("[00:00] He said", finish="content_filter"))
    the_error(client, ask(), errors.ModerationRefused)


def test_a_finish_reason_of_error_without_an_error_is_asked_again(server, client):
    """The reason alone says enough."""
    server.enqueue(Reply.answer("[00:00] Half", finish="error"))
    assert client.generate(ask()).text == DEFAULT_ANSWER


def test_a_video_that_google_did_not_see_is_a_failure_whatever_the_text_says(server, client, video):
    """No video tokens: the answer is invention."""
    server.enqueue(Reply.answer(DEFAULT_ANSWER, video_tokens=0))
    error = the_error(client, ask(video), errors.VideoNotSeen)
    assert error.generation.text == DEFAULT_ANSWER
    free = replace(GEMINI, id="google/gemma-4-31b-it:free", price=Price(Decimal(0), Decimal(0)))
    server.enqueue(Reply.answer(DEFAULT_ANSWER, video_tokens=0, cost=0))
    the_error(client, ask(video, model=free), errors.VideoNotSeen)


@pytest.mark.parametrize(
    "reply",
    [
        Reply.answer(video_tokens=None),
        Reply.answer(usage={"prompt_tokens": 5, "cost": 0.1}),
        Reply.answer(video_tokens=0, cost=0),
        Reply.answer(video_tokens=0, headers={"X-OpenRouter-Cache-Status": "HIT"}),
        Reply.answer(video_tokens=0, provider="DeepInfra"),
        Reply.answer(usage={"cost": 0.1, "prompt_tokens_details": {"video_tokens": 0, "cached_tokens": 900}}),
    ],
    ids=["not said", "no details", "cost nothing", "cache hit", "another provider", "prompt cached"],
)
def test_zero_video_tokens_have_innocent_reasons(server, client, video, reply):
    """A cache hit, another provider, or details that are missing are no proof of blindness."""
    server.enqueue(reply)
    assert client.generate(ask(video)).text == DEFAULT_ANSWER


def test_other_families_report_no_video_tokens_legitimately(server, client, video):
    """Only Google's are counted on, and only when a video was sent."""
    server.enqueue(Reply.answer(video_tokens=0), Reply.answer(video_tokens=0))
    assert client.generate(ask(video, model=GLM)).text == DEFAULT_ANSWER
    assert client.generate(ask()).text == DEFAULT_ANSWER
