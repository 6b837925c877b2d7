"""The client of OpenRouter and its connection, against a server that speaks its protocol over real HTTP."""

from __future__ import annotations

import hashlib
import socket
import subprocess
import sys
import threading
import time

import pytest

from lib import errors
from lib.openrouter import OpenRouter
from tests.fakes.openrouter_server import DEFAULT_ANSWER, DEFAULT_KEY, Reply
from tests.openrouter_fixtures import (  # noqa: F401 (fixtures are asked for by their names)
    ask,
    fake_server,
    keyed_client,
    no_waits,
    some_video,
    the_error,
)

# The address and the line


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


# The client


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


def test_a_closed_client_opens_again(server, client):
    """close lets the connections go; the next call makes new ones."""
    client.check_key()
    client.close()
    client.close()
    assert client.check_key().label


def test_importing_the_door_does_not_import_the_sdk():
    """Half a second is spent at the first call, not at the start."""
    code = "import sys, lib.openrouter; sys.exit('openai' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


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
