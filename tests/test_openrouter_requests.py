"""What is sent to OpenRouter, read back from a server that speaks its protocol over real HTTP."""

from __future__ import annotations

import hashlib
import io
import json
import tracemalloc
from dataclasses import replace

import pytest

from lib import errors
from lib.domain.run import PartForm
from lib.openrouter import APP_URL, MediaPart, OpenRouter, lowest_effort
from lib.openrouter.body import RequestBody, payload
from tests.fakes.openrouter_server import DEFAULT_KEY, FakeOpenRouter
from tests.openrouter_fixtures import (  # noqa: F401 (fixtures are asked for by their names)
    GEMINI,
    VOXTRAL,
    ask,
    fake_server,
    keyed_client,
    no_waits,
    some_video,
    the_error,
)


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
