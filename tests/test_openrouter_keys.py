"""The key of OpenRouter, told from none and kept to itself, and the catalogue that needs none."""

from __future__ import annotations

import logging
from decimal import Decimal

import pytest

from lib import errors
from lib.openrouter import OpenRouter
from tests.fakes.openrouter_server import DEFAULT_KEY, Reply
from tests.openrouter_fixtures import (  # noqa: F401 (fixtures are asked for by their names)
    ask,
    fake_server,
    keyed_client,
    no_waits,
    some_video,
    the_error,
)

# The key


def test_a_wrong_key_and_a_missing_one_are_told_apart(server, video):
    """A refused key is to be checked, a missing one to be added."""
    for key, kind in (("sk-or-v1-wrong-wrong-wrong", errors.KeyRejected), (None, errors.KeyMissing)):
        client = OpenRouter(server.base_url, key)
        the_error(client, ask(video), kind)
        with pytest.raises(kind):
            client.check_key()
        client.close()


def test_openrouter_itself_is_not_asked_without_a_key(video):
    """A video is not uploaded only to be told that the key is missing."""
    client = OpenRouter("https://openrouter.ai/api/v1", None)
    the_error(client, ask(video), errors.KeyMissing)
    with pytest.raises(errors.KeyMissing):
        client.check_key()


@pytest.mark.parametrize("key", ["sk-or-ключ-ключ", "sk-or-v1-\nabc", "sk-or v1\x00"])
def test_a_key_that_cannot_be_one_is_refused_before_it_is_sent(server, key):
    """Letters of another alphabet and line breaks come from copying, and get a sentence."""
    the_error(OpenRouter(server.base_url, key), ask(), errors.KeyRejected)
    assert server.history == []


def test_a_key_is_checked_for_free(server, client):
    """Label, credit left, usage and free requests; no generation is made."""
    status = client.check_key()
    assert status.label == "sk-or-v1-tes...def"
    assert status.limit_remaining_usd == Decimal("12.34")
    assert status.usage_usd == Decimal("7.66")
    assert status.is_free_tier is False
    assert status.free_requests_remaining == 997
    assert [request.path for request in server.history] == ["/key"]


@pytest.mark.parametrize("answer", [{}, {"data": None}, {"data": {"limit_remaining": None, "usage": "x", "label": 3}}])
def test_a_key_status_may_leave_everything_out(server, client, answer):
    """What is not said is None."""
    server.enqueue(Reply.json(answer), path="/key")
    status = client.check_key()
    assert (status.label, status.limit_remaining_usd, status.usage_usd, status.is_free_tier) == ("", None, None, None)


def test_a_server_without_a_key_page_is_asked_for_its_models(server, client):
    """Any OpenAI-compatible server refuses a wrong key there."""
    server.enqueue(Reply.page(404), path="/key")
    assert client.check_key().label == ""
    assert [request.path for request in server.history] == ["/key", "/models"]


def test_the_key_appears_in_no_message_and_no_log(server, client, caplog):
    """Neither a server that echoes it nor the logs give it away."""
    caplog.set_level(logging.DEBUG)
    server.enqueue(Reply.refusal(400, f"Bad header: Bearer {DEFAULT_KEY}"))
    error = the_error(client, ask(), errors.BadRequest)
    client.generate(ask())
    assert DEFAULT_KEY not in str(error)
    assert "[key]" in str(error)
    assert DEFAULT_KEY not in repr(client)
    ours = [record for record in caplog.records if record.name.startswith("lib.")]
    assert any("gen-1" in record.getMessage() for record in ours)
    assert not any(DEFAULT_KEY in record.getMessage() for record in caplog.records)
    assert not any("Good morning" in record.getMessage() for record in ours)


# The catalogue


def test_models_come_as_they_are_and_need_no_key(server):
    """The raw catalogue, without a key."""
    client = OpenRouter(server.base_url, None)
    assert client.fetch_models() == server.catalogue
    client.close()


@pytest.mark.parametrize(
    "reply", [Reply.page(200), Reply.json([]), Reply.json({"error": {"code": 500}}), Reply.page(502)]
)
def test_a_catalogue_that_is_none_is_a_model_error(server, client, reply):
    """A page, a list or an error in place of the catalogue is one sentence."""
    server.enqueue(reply, path="/models")
    with pytest.raises(errors.ModelError):
        client.fetch_models()
