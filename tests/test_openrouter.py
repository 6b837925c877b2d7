"""The client of OpenRouter, against a server that speaks its protocol over real HTTP."""

from __future__ import annotations

import hashlib
import io
import json
import logging
import socket
import subprocess
import sys
import threading
import time
import tracemalloc
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
import stamina

from lib import errors
from lib.domain.model import Model, Price
from lib.domain.run import PartForm
from lib.domain.youtube import canonical
from lib.openrouter import APP_URL, MediaPart, OpenRouter, Question, lowest_effort
from lib.openrouter.body import RequestBody, payload
from lib.openrouter.faults import quoted, read_fault, seconds_of
from lib.openrouter.question import with_more_room
from tests.fakes.openrouter_server import DEFAULT_ANSWER, DEFAULT_KEY, FakeOpenRouter, Reply

PAID = Price(Decimal("0.0000005"), Decimal("0.000003"))
GEMINI = Model("google/gemini-3.8-flash", "Gemini", frozenset({"text", "audio", "video"}), price=PAID)
GLM = Model("z-ai/glm-5.3-flash", "GLM", frozenset({"text", "video"}), price=PAID)
VOXTRAL = Model("mistralai/voxtral-small", "Voxtral", frozenset({"text", "audio"}), price=PAID)


@pytest.fixture(autouse=True)
def no_waits():
    """Retries happen at once: the waits are read from what the user is told."""
    with stamina.set_testing(True, attempts=10, cap=True):
        yield


@pytest.fixture
def server():
    with FakeOpenRouter() as server:
        yield server


@pytest.fixture
def client(server):
    client = OpenRouter(server.base_url, DEFAULT_KEY, timeout=5)
    yield client
    client.close()


@pytest.fixture
def video(tmp_path) -> Path:
    """200,001 bytes of no video at all: a length that base64 has to pad, and that needs several pieces."""
    path = tmp_path / "clip “é”.mp4"
    path.write_bytes(bytes(i * i % 251 for i in range(200_001)))
    return path


def ask(video: Path | None = None, *, model: Model = GEMINI, **changes) -> Question:
    media = MediaPart("video", video, None, "video/mp4") if video else None
    return replace(Question(model, "Transcribe “this”.\nWith times: ünï 你好", media), **changes)


def the_error(client, question, kind, **callbacks):
    with pytest.raises(kind) as caught:
        client.generate(question, **callbacks)
    return caught.value


# What is sent


def test_the_video_comes_first_then_the_text_and_nothing_else_is_asked_of_another_model(server, client, video):
    """The video part stands before the text, in today's form, and no fallback models are named."""
    client.generate(ask(video))
    request = server.history[0]
    assert request.path == "/chat/completions"
    assert request.body == {
        "model": "google/gemini-3.8-flash",
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "video_url", "video_url": {"url": "data:video/mp4;base64,<media 0>"}},
                    {"type": "text", "text": "Transcribe “this”.\nWith times: ünï 你好"},
                ],
            }
        ],
        "stream": True,
        "stream_options": {"include_usage": True},
        "usage": {"include": True},
        "temperature": 0.0,
    }


def test_the_file_arrives_byte_for_byte_with_an_exact_content_length(server, client, video):
    """What the server decodes is the file, and the length announced is the length sent."""
    client.generate(ask(video))
    request = server.history[0]
    (media,) = request.media
    assert media.is_valid
    assert media.sha256 == hashlib.sha256(video.read_bytes()).hexdigest()
    assert int(request.headers["content-length"]) == request.body_bytes == len(RequestBody(ask(video)))
    assert "transfer-encoding" not in request.headers


def test_a_large_file_is_never_in_memory(server, client, tmp_path):
    """24 MB go out, and neither they nor their base64 are ever held."""
    path = tmp_path / "large.mp4"
    path.write_bytes(bytes(24_000_000))
    client.generate(ask())
    tracemalloc.start()
    try:
        client.generate(ask(path))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3_000_000
    assert server.history[-1].media[0].size_bytes == 24_000_000


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 5, 65_535, 65_536, 65_537])
def test_the_body_is_the_json_the_plain_way_would_make(tmp_path, size):
    """Read in pieces of any size, or all at once, the body is one and the same JSON."""
    import base64

    path = tmp_path / "clip.mp4"
    path.write_bytes(bytes(i % 256 for i in range(size)))
    plain = json.dumps(payload(ask(path), base64.b64encode(path.read_bytes()).decode())).encode()
    with RequestBody(ask(path)) as body:
        assert body.read() == plain
        for step in (1 if size < 10 else 1000, 7 if size < 10 else 4099, 65_536):
            body.seek(0)
            assert b"".join(iter(lambda step=step: body.read(step), b"")) == plain
        assert body.tell() == len(body) == len(plain)
        body.seek(-5, io.SEEK_END)
        assert body.read() == plain[-5:]


def test_the_older_form_of_the_video_part_can_be_chosen(server, client, video):
    """image_url carries the same data URL under its own name."""
    client.generate(ask(video, part_form=PartForm.IMAGE_URL))
    assert server.history[0].content[0] == {
        "type": "image_url",
        "image_url": {"url": "data:video/mp4;base64,<media 0>"},
    }


@pytest.mark.parametrize("media_type", ["video/webm", "video/quicktime", "video/mpeg"])
def test_the_data_url_names_the_type_it_was_given(server, client, video, media_type):
    """A wrong MIME type can make a backend drop the video in silence."""
    client.generate(ask(media_type and None, media=MediaPart("video", video, None, media_type)))
    assert server.history[0].media[0].prefix == f"data:{media_type};base64,"


@pytest.mark.parametrize(
    ("media_type", "name"),
    [("audio/mpeg", "mp3"), ("audio/x-wav", "wav"), ("audio/mp4", "m4a"), ("audio/ogg; codecs=opus", "ogg")],
)
def test_sound_goes_as_raw_base64_with_its_format(server, client, video, media_type, name):
    """input_audio takes no data: prefix, and wants the short name of the format."""
    client.generate(ask(model=VOXTRAL, media=MediaPart("audio", video, None, media_type)))
    request = server.history[0]
    assert request.content[0] == {"type": "input_audio", "input_audio": {"data": "<media 0>", "format": name}}
    assert request.media[0].prefix == ""
    assert request.media[0].sha256 == hashlib.sha256(video.read_bytes()).hexdigest()


def test_a_link_is_sent_as_it_is(server, client):
    """A YouTube link goes in the place of the data URL, untouched."""
    link = "https://www.youtube.com/watch?v=dQw4w9WgXcQ"
    client.generate(ask(media=MediaPart("video", None, link, "video/mp4")))
    assert server.history[0].content[0] == {"type": "video_url", "video_url": {"url": link}}


def test_a_media_part_refuses_a_wrong_shape(video):
    """A path or a link, sound only as bytes and in a format that has a name."""
    for wrong in (
        ("video", None, None, "video/mp4"),
        ("video", video, "https://example.org/v.mp4", "video/mp4"),
        ("audio", None, "https://example.org/a.mp3", "audio/mpeg"),
        ("audio", video, None, "audio/x-unheard-of"),
        ("picture", video, None, "image/png"),
    ):
        with pytest.raises(ValueError):
            MediaPart(*wrong)


def test_the_headers_name_the_app_and_carry_the_key_and_nothing_of_openai(server, video, monkeypatch):
    """Both title headers, the referer, the key; variables meant for OpenAI's own service are not sent along."""
    for name in ("OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_ADMIN_KEY", "OPENAI_BASE_URL"):
        monkeypatch.setenv(name, "not-for-openrouter")
    client = OpenRouter(server.base_url, DEFAULT_KEY)
    client.generate(ask(video))
    client.close()
    headers = server.history[0].headers
    assert headers["authorization"] == f"Bearer {DEFAULT_KEY}"
    assert headers["http-referer"] == APP_URL
    assert headers["x-openrouter-title"] == headers["x-title"] == "Cuewise"
    assert headers["content-type"] == "application/json"
    assert headers["accept"] == "text/event-stream"
    assert "not-for-openrouter" not in str(headers)


def test_without_a_key_none_is_sent(monkeypatch, video):
    """A server that needs no key gets none, not even that of another service."""
    monkeypatch.setenv("OPENAI_API_KEY", "not-for-openrouter")
    with FakeOpenRouter(key=None) as server:
        client = OpenRouter(server.base_url, None)
        client.generate(ask(video))
        client.close()
        assert "authorization" not in server.history[0].headers


def test_reasoning_and_room_are_sent_when_given(server, client):
    """The effort and the limit of the answer are the question's own; left out, the provider decides."""
    client.generate(ask(max_tokens=4000, reasoning_effort="minimal", temperature=0.5))
    body = server.history[0].body
    assert (body["max_tokens"], body["reasoning"], body["temperature"]) == (4000, {"effort": "minimal"}, 0.5)


def test_temperature_is_left_out_for_a_model_that_does_not_take_it(server, client):
    """A row that names its parameters without temperature gets none."""
    client.generate(ask(model=replace(GEMINI, parameters=frozenset({"max_tokens"}))))
    assert "temperature" not in server.history[0].body


@pytest.mark.parametrize(
    ("efforts", "lowest"),
    [(("high", "medium", "low", "minimal"), "minimal"), (("xhigh", "high"), "high"), ((), None), (("deep",), None)],
)
def test_the_lowest_effort_is_the_least_that_the_model_supports(efforts, lowest):
    """Read from the model's own row, in any order."""
    assert lowest_effort(replace(GEMINI, reasoning_efforts=efforts)) == lowest


def test_a_file_that_shrinks_while_it_is_sent_is_said_so(server, client, video, monkeypatch):
    """A body that would be shorter than announced is never finished."""
    encoded = RequestBody._encoded

    def shrink(self, start, end):
        video.write_bytes(b"short")
        return encoded(self, start, end)

    monkeypatch.setattr(RequestBody, "_encoded", shrink)
    the_error(client, ask(video), errors.TruncatedMedia)


# What comes back


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


def test_a_wrong_address_is_named(server, video):
    """A server that knows no such path is a wrong setting, not a missing model."""
    wrong = OpenRouter(server.base_url.replace("/api/v1", "/other"), DEFAULT_KEY)
    assert "OPENROUTER_BASE_URL" in the_error(wrong, ask(video), errors.BadRequest).hint
    wrong.close()


@pytest.mark.parametrize(
    "address",
    [
        "openrouter.ai/api/v1",
        "ftp://openrouter.ai",
        "",
        "http://",
        "http://[::1",
        "http://a..b/v1",
        "http://127.0.0.1:x",
        "http://127.0.0.1:99999",
        "http://exa mple/v1",
        "http://127.0.0.1/\x00",
        f"http://{'a' * 300}/v1",
    ],
)
def test_what_is_no_address_is_said_to_be_none(address):
    """Nothing is looked up or sent; the hint says what an address looks like."""
    client = OpenRouter(address, DEFAULT_KEY)
    assert "https://" in the_error(client, ask(), errors.BadRequest).hint
    with pytest.raises(errors.BadRequest):
        client.fetch_models()


def test_a_redirect_is_not_followed(server, client, video):
    """Neither video nor key go to an address that nobody configured."""
    server.enqueue(Reply.redirect(f"{server.base_url}/elsewhere"))
    error = the_error(client, ask(video), errors.BadRequest)
    assert "another address" in str(error)
    assert [request.path for request in server.history] == ["/chat/completions"]


def test_nobody_listening_is_unreachable():
    """Connection refused is said in words, after the retries."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    client = OpenRouter(f"http://127.0.0.1:{port}/v1", DEFAULT_KEY)
    retries = []
    error = the_error(client, ask(), errors.ServiceUnreachable, on_retry=retries.append)
    assert "cannot be reached" in str(error)
    assert len(retries) == 4
    client.close()


def test_a_silent_server_is_given_up_after_the_timeout(server):
    """A hang ends as a sentence, not as a hang."""
    client = OpenRouter(server.base_url, DEFAULT_KEY, timeout=0.2, retries=0)
    server.enqueue(Reply.silence(20))
    started = time.monotonic()
    assert "silent" in str(the_error(client, ask(), errors.ServiceUnreachable))
    assert time.monotonic() - started < 5
    client.close()


def test_a_slow_answer_is_no_silent_one(server):
    """The timeout counts the silence between two signs of life, not the whole call."""
    client = OpenRouter(server.base_url, DEFAULT_KEY, timeout=0.5, retries=0)
    server.enqueue(Reply.drip("word " * 30, delay=0.03, pieces=30))
    generation = client.generate(ask())
    assert generation.text == "word " * 30
    assert generation.seconds > 0.6
    client.close()


def test_a_refusal_before_the_upload_is_done_is_heard(server, client, tmp_path):
    """A server that answers 413 and hangs up while the video is on its way is understood."""
    path = tmp_path / "large.mp4"
    path.write_bytes(bytes(3_000_000))
    server.enqueue(Reply.refusal(413, "Request Entity Too Large", is_early=True))
    the_error(client, ask(path), errors.RequestTooLarge)


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


# Asking again, and stopping


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


def test_many_threads_share_one_client(server, client, video):
    """Six models at once, one connection pool, each its own answer."""
    texts = []
    threads = [threading.Thread(target=lambda: texts.append(client.generate(ask(video)).text)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert texts == [DEFAULT_ANSWER] * 6
    assert {media.sha256 for request in server.history for media in request.media} == {
        hashlib.sha256(video.read_bytes()).hexdigest()
    }


# Keys, catalogue, words


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


def test_a_closed_client_opens_again(server, client):
    """close lets the connections go; the next call makes new ones."""
    client.check_key()
    client.close()
    client.close()
    assert client.check_key().label


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


def test_quotes_are_short_plain_and_on_one_line():
    """No markup, no media, no control characters, at most 200 characters."""
    assert quoted("a\n b\x00c\t d") == "a b c d"
    assert len(quoted("word " * 100)) <= 200
    assert quoted("x data:video/mp4;base64," + "A" * 500 + " y") == "x [media] y"
    assert quoted("token sk-or-v1-abcdef0123 used") == "token [key] used"
    assert quoted("<html><body>secret page</body></html>") == ""
    assert quoted(None) == ""


def test_a_wait_is_read_from_numbers_and_dates():
    """Retry-After is seconds or a date; nonsense is None."""
    assert seconds_of("5") == 5
    assert seconds_of(2.5) == 2.5
    assert seconds_of("-3") == 0
    assert seconds_of("Sun, 22 Nov 2026 12:00:30 GMT", now=1_795_348_800.0) == 30
    assert [seconds_of(value) for value in (None, True, "soon", "nan", "inf", [], {})] == [None] * 7


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


@pytest.mark.parametrize(
    "link",
    [
        "https://www.youtube.com/watch?v=dQw4w9WgXcQ",
        "http://youtube.com/watch?v=dQw4w9WgXcQ&t=42s&list=PL123&feature=share",
        "https://youtu.be/dQw4w9WgXcQ?si=abc&t=10",
        "https://www.youtube.com/shorts/dQw4w9WgXcQ",
        "https://www.youtube.com/live/dQw4w9WgXcQ?feature=share",
        "https://www.youtube.com/embed/dQw4w9WgXcQ",
        "https://m.youtube.com/watch?app=desktop&v=dQw4w9WgXcQ",
        "https://music.youtube.com/watch?v=dQw4w9WgXcQ&list=RDAMVM",
        "https://www.youtube-nocookie.com/embed/dQw4w9WgXcQ",
        " https://WWW.YouTube.com/watch?v=dQw4w9WgXcQ#t=1 ",
    ],
)
def test_a_youtube_link_has_one_form(link):
    """One more parameter would cost 80 times as much and invent the video."""
    assert canonical(link) == "https://www.youtube.com/watch?v=dQw4w9WgXcQ"


@pytest.mark.parametrize(
    "link",
    [
        "",
        "dQw4w9WgXcQ",
        "https://example.org/watch?v=dQw4w9WgXcQ",
        "https://youtube.com.example.org/watch?v=dQw4w9WgXcQ",
        "https://www.youtube.com/watch?v=short",
        "https://www.youtube.com/playlist?list=PL123",
        "https://www.youtube.com/embed/videoseries?list=PL123",
        "https://www.youtube.com/@channel",
        "https://www.youtube.com/results?search_query=dQw4w9WgXcQ",
        "https://user@www.youtube.com/watch?v=dQw4w9WgXcQ",
        "https://www.youtube.com:99999/watch?v=dQw4w9WgXcQ",
        "ftp://youtu.be/dQw4w9WgXcQ",
        "https://[youtu.be/dQw4w9WgXcQ",
        None,
    ],
)
def test_anything_else_is_no_youtube_video(link):
    """Other hosts, playlists, channels and broken links are None."""
    assert canonical(link) is None


def test_the_server_runs_by_itself(tmp_path, video):
    """python -m tests.fakes.openrouter_server prints its address and answers with the file it was given."""
    answer = tmp_path / "answer.txt"
    answer.write_text("[00:00] From a file", encoding="utf-8")
    command = [sys.executable, "-m", "tests.fakes.openrouter_server", "--port", "0", "--key", "sk-or-v1-by-hand"]
    process = subprocess.Popen([*command, "--answer", str(answer)], stdout=subprocess.PIPE, text=True)
    try:
        client = OpenRouter(process.stdout.readline().strip(), "sk-or-v1-by-hand")
        assert client.generate(ask(video)).text == "[00:00] From a file"
        client.close()
    finally:
        process.terminate()
        process.communicate(timeout=10)


def test_importing_the_door_does_not_import_the_sdk():
    """Half a second is spent at the first call, not at the start."""
    code = "import sys, lib.openrouter; sys.exit('openai' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
