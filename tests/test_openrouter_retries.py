"""When OpenRouter is asked again, how long that waits, and how it is stopped."""

from __future__ import annotations

import time

import pytest
import stamina

from lib import errors
from lib.openrouter import OpenRouter
from lib.openrouter.faults import seconds_of
from tests.fakes.openrouter_server import DEFAULT_ANSWER, DEFAULT_KEY, Reply
from tests.openrouter_fixtures import (  # noqa: F401 (fixtures are asked for by their names)
    ask,
    fake_server,
    keyed_client,
    no_waits,
    the_error,
)

# Asking again


@pytest.mark.parametrize(
    ("reply", "phrase"),
    [
        (Reply.refusal(429, "Slow down", retry_after=7), "rate limited, trying again in 7 s"),
        (Reply.refusal(503, "Busy", retry_after="2.5"), "the provider failed, trying again in 3 s"),
        (Reply.refusal(429, "Slow", availability={"retry_after": 9}), "rate limited, trying again in 9 s"),
        (Reply.refusal(429, "Slow", metadata={"headers": {"Retry-After": "4"}}), "rate limited, trying again in 4 s"),
    ],
)
def test_the_wait_that_the_server_asks_for_is_kept_and_shown(server, client, reply, phrase):
    """Retry-After as a header, in the envelope, or from the provider's own headers."""
    server.enqueue(reply)
    retries = []
    assert client.generate(ask(), on_retry=retries.append).text == DEFAULT_ANSWER
    assert retries == [phrase]


def test_waits_grow_and_are_bounded_when_the_server_names_none(server):
    """1, 2, 4, ... seconds and a little chance, never more than 30."""
    client = OpenRouter(server.base_url, DEFAULT_KEY, retries=8)
    server.enqueue(*[Reply.refusal(502, "Down")] * 8)
    retries = []
    client.generate(ask(), on_retry=retries.append)
    client.close()
    waits = [int(phrase.split(" in ")[1].split()[0]) for phrase in retries]
    assert waits == sorted(waits)
    assert 1 <= waits[0] <= 2
    assert waits[-1] == 30
    assert len(waits) == 8


def test_a_real_wait_is_as_long_as_it_was_said(server, client):
    """With waits switched on, the second request comes after the time the server asked for, and on_text goes on."""
    server.enqueue(Reply.refusal(429, "Slow down", retry_after=0.6))
    pulses = []
    with stamina.set_testing(False):
        started = time.monotonic()
        client.generate(ask(), on_text=pulses.append)
    assert time.monotonic() - started >= 0.6
    assert pulses[:2] == ["", ""]


def test_a_wait_of_hours_is_left_to_the_user(server, client):
    """Asked to come back tomorrow, nobody is kept waiting."""
    server.enqueue(Reply.refusal(429, "Come back later", retry_after=7200))
    error = the_error(client, ask(), errors.RateLimited)
    assert error.retry_after == 7200
    server.enqueue(Reply.refusal(429, "Rate limit exceeded: free-models-per-day"))
    assert "tomorrow" in the_error(client, ask(), errors.RateLimited).hint
    assert len(server.history) == 2


def test_a_fault_that_the_server_calls_final_is_not_asked_again(server, client):
    """availability.retryable: false is believed."""
    server.enqueue(Reply.refusal(503, "No provider", availability={"retryable": False}))
    the_error(client, ask(), errors.NoEndpoint)
    assert len(server.history) == 1


def test_retries_can_be_switched_off(server):
    """retries=0 asks once."""
    client = OpenRouter(server.base_url, DEFAULT_KEY, retries=0)
    server.enqueue(Reply.refusal(503, "Busy"))
    retries = []
    the_error(client, ask(), errors.ProviderDown, on_retry=retries.append)
    assert (len(server.history), retries) == (1, [])
    client.close()


def test_a_wait_is_read_from_numbers_and_dates():
    """Retry-After is seconds or a date; nonsense is None."""
    assert seconds_of("5") == 5
    assert seconds_of(2.5) == 2.5
    assert seconds_of("-3") == 0
    assert seconds_of("Sun, 22 Nov 2026 12:00:30 GMT", now=1_795_348_800.0) == 30
    assert [seconds_of(value) for value in (None, True, "soon", "nan", "inf", [], {})] == [None] * 7


# Stopping


def test_cancel_closes_the_stream_at_once(server, client):
    """Cancelled goes through, and the server sees the line go."""
    server.enqueue(Reply.drip(delay=0.02, pieces=1000))

    def cancel(text: str) -> None:
        if text:
            raise errors.Cancelled("Cancelled.")

    the_error(client, ask(), errors.Cancelled, on_text=cancel)
    assert server.history[0].was_cut_off.wait(5)
    assert len(server.history) == 1


def test_cancel_is_noticed_while_the_model_is_still_thinking(server, client):
    """Comments count as signs of life: no text is needed."""
    server.enqueue(Reply(events=(": OPENROUTER PROCESSING\n\n",) * 1000, delay=0.01))

    def cancel(text: str) -> None:
        raise errors.Cancelled("Cancelled.")

    the_error(client, ask(), errors.Cancelled, on_text=cancel)
    assert server.history[0].was_cut_off.wait(5)


def test_cancel_is_noticed_during_the_upload(server, client, tmp_path):
    """A large file stops on its way."""
    path = tmp_path / "large.mp4"
    path.write_bytes(bytes(30_000_000))

    def cancel(text: str) -> None:
        raise errors.Cancelled("Cancelled.")

    the_error(client, ask(path), errors.Cancelled, on_text=cancel)
    assert not server.history or not server.history[0].is_whole


def test_cancel_is_noticed_during_a_wait(server, client):
    """Two minutes of waiting do not hold anyone."""
    server.enqueue(Reply.refusal(429, "Slow down", retry_after=100))
    told = []

    def cancel(text: str) -> None:
        if told:
            raise errors.Cancelled("Cancelled.")

    started = time.monotonic()
    with stamina.set_testing(False):
        the_error(client, ask(), errors.Cancelled, on_text=cancel, on_retry=told.append)
    assert time.monotonic() - started < 5


def test_an_error_of_the_caller_is_not_taken_for_one_of_the_server(server, client):
    """What on_text raises comes out as it is."""

    def fail(text: str) -> None:
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        client.generate(ask(), on_text=fail)
    assert len(server.history) == 1
