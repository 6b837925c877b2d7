"""Tasks about a transcript on the command line, as a user runs it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.editing_fixtures import cues_of, write_run
from tests.fakes.openrouter_server import DEFAULT_KEY, FakeOpenRouter
from tests.services_fixtures import services_beside
from tests.test_cli import CommandLine
from tests.text_fixtures import prompt_of, translation_or

READER = ("--model", "deepseek/deepseek-v4")
TALK = "abcd" + "0" * 28


@pytest.fixture(scope="module")
def server() -> Iterator[FakeOpenRouter]:
    with FakeOpenRouter(answer=translation_or("It was the best of times [00:01].")) as server:
        yield server


@pytest.fixture(scope="module")
def cli(tmp_path_factory, server, talking_video) -> CommandLine:
    """A data folder with a finished transcript of the talking video, and a saved prompt."""
    data = tmp_path_factory.mktemp("data")
    with services_beside(data) as services:
        write_run(services._tools.store, TALK, services.keep_file(talking_video), cues_of())
        services.saved_prompts.save("Seasons", "Count the seasons.")
    return CommandLine(data, OPENROUTER_BASE_URL=server.base_url, OPENROUTER_API_KEY=DEFAULT_KEY)


def posts(server: FakeOpenRouter) -> list:
    return [request for request in server.history if request.method == "POST"]


def test_a_run_is_translated_by_the_beginning_of_its_id(cli):
    """`run RUN --to LANG` gives captions at the times of the transcript, in the other language."""
    done = cli("run", TALK[:8], "--to", "Spanish", *READER, "--format", "srt")
    assert done.returncode == 0, done.stderr
    assert "00:00:05,100 --> 00:00:08,500" in done.stdout
    assert done.stdout.count("¡") == 6


def test_a_task_over_a_file_is_made_from_its_transcript(cli, server, talking_video):
    """Where there is one, and said so; a saved prompt goes by its name; nothing but text is sent."""
    done = cli("run", talking_video, "--task", "summary", *READER)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("It was the best of times [00:01].")
    assert f"From the transcript of run {TALK}" in done.stderr
    assert cli("run", talking_video, "--prompt-name", "Seasons", *READER).returncode == 0
    assert not any(request.media for request in posts(server))
    assert "Count the seasons." in prompt_of(posts(server)[-1])


def test_the_plan_tells_both_prices(cli, talking_video):
    """`plan --from` shows what the text and what the video would cost; nothing is sent."""
    question = ("plan", talking_video, "--task", "summary", "--model", "google/gemini-3.8-flash", "--json")
    text, video = (cli.json(*question, "--from", made_from) for made_from in ("transcript", "video"))
    assert (text["route"], video["route"]) == ("text", "asis")
    assert 0 < text["estimate_usd"] < video["estimate_usd"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["{other}", "--to", "German", *READER], "no finished transcript"),
        (["{other}", "--task", "summary", "--from", "transcript", *READER], "no finished transcript"),
        ([TALK, "--task", "translation", *READER], "needs a language"),
        ([TALK, "--task", "summary", "--to", "German", *READER], "--to is the language of a translation"),
        ([TALK, "--task", "shown", *READER], "needs the video itself"),
        ([TALK, "--task", "summary", "--from", "video", *READER], "stands for its transcript"),
        ([TALK, "--task", "summary"], "Local models only write transcripts"),
        ([TALK, "--prompt-name", "Weather", *READER], "no saved prompt"),
    ],
)
def test_what_cannot_be_is_a_sentence(cli, short_talking_video: Path, arguments, says):
    """Bad input, before anything is sent, with what to do."""
    done = cli("run", *[argument.format(other=short_talking_video) for argument in arguments])
    assert done.returncode == 2, done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr
