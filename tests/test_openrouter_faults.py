"""What OpenRouter, its providers and the proxies between refuse, each in its own words."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from lib import errors
from lib.domain.run import PartForm
from lib.openrouter import MediaPart, OpenRouter
from lib.openrouter.faults import quoted, read_fault
from tests.fakes.openrouter_server import DEFAULT_ANSWER, DEFAULT_KEY, FakeOpenRouter, Reply
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

WAYS = {
    "status": Reply.refusal,
    "in 200": Reply.refusal_in_200,
    "in choice": Reply.refusal_in_choice,
    "mid-stream": Reply.refusal_mid_stream,
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        (400, "something is off", errors.BadRequest),
        (400, "google/x is not a valid model ID", errors.UnknownModel),
        (400, "This endpoint's maximum context length is 1048576 tokens", errors.ContextTooLong),
        (400, "messages[0].content[0]: unknown variant `video_url`", errors.PartFormRefused),
        (400, "Exceeded limit on max bytes per data-uri item : 10485760", errors.RequestTooLarge),
        (401, "User not found.", errors.KeyRejected),
        (402, "Insufficient credits", errors.OutOfCredit),
        (403, "Input was flagged", errors.ModerationRefused),
        (404, "No endpoints found that support input video", errors.NoEndpoint),
        (408, "Request timed out", errors.ProviderDown),
        (413, "Payload too large", errors.RequestTooLarge),
        (413, "Too many tokens in the request", errors.ContextTooLong),
        (429, "Rate limit exceeded", errors.RateLimited),
        (500, "Internal error", errors.ProviderDown),
        (502, "Provider returned error", errors.ProviderDown),
        (503, "No instances available", errors.ProviderDown),
        (504, "Gateway timeout", errors.ProviderDown),
        (524, "A timeout occurred", errors.ProviderDown),
        (529, "Overloaded", errors.ProviderDown),
    ],
)
def test_every_error_in_each_of_its_four_ways_has_its_own_words(server, client, video, way, code, message, kind):
    """Status, error in a 200, error in a choice, error mid-stream: the same words and the same class."""
    server.enqueue(*[WAYS[way](code, message)] * 5)
    error = the_error(client, ask(video), kind)
    assert type(error) is kind
    assert message in str(error)
    assert str(error).endswith(".")
    assert error.hint
    assert "google/gemini-3.8-flash" in str(error) or "127.0.0.1" in str(error)
    assert len(server.history) == (5 if issubclass(kind, errors.PassingFault) else 1)


@pytest.mark.parametrize("way", ["in 200", "in choice", "mid-stream"])
@pytest.mark.parametrize(
    ("code", "kind"),
    [("429", errors.RateLimited), ("insufficient_quota", errors.OutOfCredit), ("server_error", errors.ProviderDown)],
)
def test_the_code_may_be_a_string(server, client, way, code, kind):
    """A number in quotes, or a name."""
    server.enqueue(*[WAYS[way](code, "Refused")] * 5)
    the_error(client, ask(), kind)


def test_a_refused_part_form_offers_the_other_one(video):
    """An endpoint that knows only the older form says so, and the hint names the form to choose."""
    with FakeOpenRouter(part_form="image_url") as server:
        client = OpenRouter(server.base_url, DEFAULT_KEY)
        error = the_error(client, ask(video), errors.PartFormRefused)
        assert "video_url" in str(error)
        assert "image_url" in error.hint
        assert client.generate(ask(video, part_form=PartForm.IMAGE_URL)).text == DEFAULT_ANSWER
        client.close()


@pytest.mark.parametrize(
    "message",
    ["unknown variant `video_url`, expected `text`", "Invalid content type 'video_url'", "invalid content type"],
)
@pytest.mark.parametrize("status", [400, 422])
def test_part_form_refusals_are_known_by_their_wording(server, client, video, message, status):
    """Other servers say it in other words, and with 422."""
    server.enqueue(Reply.refusal(status, message))
    the_error(client, ask(video), errors.PartFormRefused)


def test_a_deaf_model_asked_to_listen_has_no_endpoint(server, client, video):
    """Listed does not mean served: 404 names the kind of input."""
    error = the_error(client, ask(model=GLM, media=MediaPart("audio", video, None, "audio/mpeg")), errors.NoEndpoint)
    assert "audio" in str(error)


def test_a_gone_model_offers_the_fallbacks_or_the_nearest_living_ones(server, video):
    """What the server suggests comes first, else what the catalogue has."""
    client = OpenRouter(server.base_url, DEFAULT_KEY, nearest=lambda model_id: ("google/gemini-3.8-flash",))
    gone = ask(video, model=replace(GEMINI, id="google/gemini-pro-1.5"))
    error = the_error(client, gone, errors.UnknownModel)
    assert error.nearest == ("google/gemini-3.8-flash",)
    assert "google/gemini-3.8-flash" in error.hint
    server.enqueue(Reply.refusal(400, "gone is not a valid model ID", availability={"fallback_models": ["a/b", None]}))
    assert the_error(client, gone, errors.UnknownModel).nearest == ("a/b",)
    client.close()


def test_moderation_shows_its_reasons(server, client):
    """The provider and its reasons stand in the sentence, and nothing is asked again."""
    metadata = {"reasons": ["violence", "self-harm"], "provider_name": "Google", "flagged_input": "..."}
    server.enqueue(Reply.refusal(403, "Your input was flagged", metadata=metadata))
    error = the_error(client, ask(), errors.ModerationRefused)
    assert "violence, self-harm" in str(error)
    assert "Google" in str(error)
    assert len(server.history) == 1


def test_a_forbidden_region_and_a_key_at_its_limit_are_not_moderation(server, client):
    """Three things arrive as 403, and each has its own way on."""
    server.enqueue(Reply.refusal(403, "User location is not supported for the API use."))
    assert "region" in str(the_error(client, ask(), errors.ModerationRefused))
    server.enqueue(Reply.refusal(403, "Key limit exceeded (total limit)"))
    assert "key" in the_error(client, ask(), errors.OutOfCredit).hint


def test_the_providers_own_words_are_quoted_from_raw(server, client):
    """ "Provider returned error" says nothing; what the provider said is inside metadata.raw, as JSON in a string."""
    raw = json.dumps({"error": {"code": 400, "message": "Unsupported video codec: theora"}})
    server.enqueue(Reply.refusal(400, "Provider returned error", metadata={"raw": raw, "provider_name": "Google"}))
    assert "Unsupported video codec: theora" in str(the_error(client, ask(), errors.BadRequest))


def test_a_private_video_is_named_as_such(server, client):
    """A link that Google may not open comes as 502 with Google's 403 inside, and is not asked again."""
    raw = json.dumps({"error": {"code": 403, "message": "The caller does not have permission"}})
    link = MediaPart("video", None, "https://www.youtube.com/watch?v=dQw4w9WgXcQ", "video/mp4")
    server.enqueue(Reply.refusal(502, "Provider returned error", metadata={"raw": raw}))
    error = the_error(client, ask(media=link), errors.PrivateVideo)
    assert "upload the file" in error.hint
    assert len(server.history) == 1


@pytest.mark.parametrize("status", [502, 503, 520])
def test_an_html_page_is_no_answer_and_is_asked_again(server, client, status):
    """A proxy's error page becomes its title; the answer after it is taken."""
    server.enqueue(Reply.page(status))
    assert client.generate(ask()).text == DEFAULT_ANSWER
    server.enqueue(*[Reply.page(status)] * 5)
    error = the_error(client, ask(), errors.ProviderDown)
    assert "Bad gateway" in str(error)
    assert "<" not in str(error)


def test_an_html_page_with_status_200_is_a_fault_too(server, client):
    """A sign-in page of a hotel network is not a transcript."""
    server.enqueue(*[Reply.page(200, "<html><head><title>Welcome to our WLAN</title></head></html>")] * 5)
    assert "Welcome to our WLAN" in str(the_error(client, ask(), errors.ProviderDown))


# The words


@pytest.mark.parametrize(
    "body",
    [
        None,
        "",
        "text",
        [],
        5,
        {},
        {"error": None},
        {"error": "boom"},
        {"error": {"code": [], "metadata": []}},
        {"error": {"message": {"a": 1}, "code": "429", "metadata": {"raw": "{"}}},
        {"error": {"metadata": {"raw": [1]}}},
    ],
)
def test_any_body_is_a_fault_that_can_be_read(body):
    """Nothing a server sends in place of an error makes us fail."""
    fault = read_fault(body, status=503)
    assert fault.status in (429, 503)


def test_quotes_are_short_plain_and_on_one_line():
    """No markup, no media, no control characters, at most 200 characters."""
    assert quoted("a\n b\x00c\t d") == "a b c d"
    assert len(quoted("word " * 100)) <= 200
    assert quoted("x data:video/mp4;base64," + "A" * 500 + " y") == "x [media] y"
    assert quoted("token sk-or-v1-abcdef0123 used") == "token [key] used"
    assert quoted("<html><body>secret page</body></html>") == ""
    assert quoted(None) == ""
