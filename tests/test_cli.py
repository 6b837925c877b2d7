"""The command line, as a user runs it: a process of its own, with its worker, on real speech and over real HTTP."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import av
import pytest

from lib.formats import FORMATS
from tests.fakes.media_server import Answer, MediaServer, captioned_page
from tests.fakes.openrouter_server import DEFAULT_KEY, FakeOpenRouter, Reply

ROOT = Path(__file__).parents[1]
ANSWER = """Here is the transcript:
[00:00] It was the best of times, it was the worst of times.
[00:05] It was the age of wisdom, it was the age of foolishness.
[00:09] It was the epoch of belief.
"""


class CommandLine:
    """Runs ``python -m lib.cli`` on one data folder."""

    def __init__(self, data: Path, **environment: str) -> None:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        self.environment = kept | {"CUEWISE_DATA": str(data), "PYTHONWARNINGS": "default"} | environment

    def __call__(self, *arguments: object) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, "-m", "lib.cli", *map(str, arguments)],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=240,
        )

    def json(self, *arguments: object) -> object:
        done = self(*arguments)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """One data folder for this file, as on a user's machine."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def server():
    """A server that speaks the OpenRouter protocol and answers with the beginning of two_cities."""
    with FakeOpenRouter(answer=ANSWER) as server:
        yield server


@pytest.fixture(scope="module")
def cli(data, server) -> CommandLine:
    return CommandLine(
        data, OPENROUTER_BASE_URL=server.base_url, OPENROUTER_API_KEY=DEFAULT_KEY, CUEWISE_ALLOW_PRIVATE_URLS="1"
    )


def test_the_local_model_transcribes_a_real_recording(cli, talking_video):
    """With no key, `run FILE` gives a right transcript with times from the audio."""
    del cli.environment["OPENROUTER_API_KEY"]
    try:
        record = cli.json("run", talking_video, "--format", "json")
    finally:
        cli.environment["OPENROUTER_API_KEY"] = DEFAULT_KEY
    assert (record["state"], record["model"], record["task"]) == ("done", "local/whisper-base", "transcript")
    assert "the worst of times" in record["text"]
    assert abs(record["source"]["duration"] - 44.4) < 0.3
    assert record["clip"]["end"] == record["source"]["duration"]
    assert record["cost_usd"] == 0
    first = record["cues"][0]
    assert first["timed_by"] == "audio"
    assert 0.8 < first["start"] < 1.5  # the voice sets in at 1.2 s
    starts = [cue["start"] for cue in record["cues"]]
    assert starts == sorted(starts)
    assert [part["state"] for part in record["parts"]] == ["ok"]


def test_the_same_recording_through_a_server(cli, server, talking_video):
    """`run FILE --model ID` sends the bytes of the file and gives what the model wrote, with its cost."""
    server.enqueue(Reply.answer(ANSWER, cost="0.00123"))
    record = cli.json("run", talking_video, "--model", "google/gemini-3.8-flash", "--format", "json")
    sent = server.history[-1]
    assert sent.media[0].size_bytes == talking_video.stat().st_size
    assert sent.content[0]["type"] == "video_url"
    assert sent.content[1]["type"] == "text"
    assert [cue["text"] for cue in record["cues"]][1] == "It was the age of wisdom, it was the age of foolishness."
    assert abs(record["cues"][1]["start"] - 5.1) < 0.5
    assert (record["provider"], record["cost_usd"]) == ("Google AI Studio", 0.00123)
    assert record["usage"]["prompt_tokens"] > 0
    assert record["parts"][0]["generation_id"]
    assert record["parts"][0]["size_bytes"] == talking_video.stat().st_size


def test_the_same_question_is_paid_for_once(cli, server, talking_video):
    """A repeat answers from the cache, says so, costs nothing and sends nothing."""
    question = ("run", talking_video, "--model", "google/gemini-3.8-flash", "--format", "json")
    answered = cli.json(*question)
    before = len([each for each in server.history if each.method == "POST"])
    record = cli.json(*question)
    assert (record["from_cache"], record["cost_usd"]) == (True, 0)
    assert record["text"] == answered["text"]
    assert len([each for each in server.history if each.method == "POST"]) == before


def test_an_estimate_over_the_cap_is_not_begun(cli, server, talking_video):
    """--max-usd below the estimate: exit code 2, the sum in words, and nothing is sent."""
    before = len(server.history)
    done = cli("run", talking_video, "--end", "5", "--model", "google/gemini-3.8-flash", "--max-usd", "0.00001")
    assert done.returncode == 2
    assert "is over the $0.0000100 for a run" in done.stderr
    assert "--max-usd" in done.stderr
    assert not [each for each in server.history[before:] if each.method == "POST"]
    assert cli("plan", talking_video, "--max-usd", "much").returncode == 2


def test_a_model_without_a_price_needs_a_yes(cli, server, talking_video):
    """Without --accept-unknown-price nothing is sent, and the exit code is 2."""
    asked = ("run", talking_video, "--end", "5", "--model", "meta/muse-spark-1.3", "--times", "model")
    done = cli(*asked)
    assert done.returncode == 2
    assert "Nobody says what meta/muse-spark-1.3 costs. Say so with --accept-unknown-price" in done.stderr
    assert cli(*asked, "--accept-unknown-price").returncode == 0


def test_several_models_give_a_list_and_one_failure_does_not_hurt_the_others(cli, server, talking_video):
    """Each model has its object; the exit code says that one failed."""
    server.enqueue(Reply.refusal(402, "Insufficient credits"))
    done = cli(
        *("run", talking_video, "--model", "local/whisper-tiny.en", "--model", "qwen/qwen3.8-omni-flash"),
        *("--end", "0:09", "--format", "json"),
    )
    assert done.returncode == 1, done.stderr
    local, remote = json.loads(done.stdout)
    assert (local["state"], remote["state"]) == ("done", "failed")
    assert "worst of times" in local["text"]
    assert remote["error"]["code"] == "OutOfCredit"
    assert "openrouter.ai/credits" in done.stderr


def test_a_clip_keeps_the_times_of_the_whole(cli, talking_video):
    """Cues of --start 24 begin at 24 s or later, on the file's own clock."""
    record = cli.json("run", talking_video, "--start", "24", "--end", "0:33", "--format", "json")
    assert "heaven" in record["text"]
    assert "best of times" not in record["text"]
    assert all(24 <= cue["start"] <= cue["end"] <= 33 for cue in record["cues"])
    assert record["clip"] == {"start": 24.0, "end": 33.0}


def test_formats_go_to_a_file_or_to_stdout(cli, talking_video, tmp_path):
    """SRT to a file, text to stdout, progress on stderr only."""
    target = tmp_path / "out.srt"
    done = cli("run", talking_video, "--format", "srt", "--output", target)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert "listening" in done.stderr or "cache" in done.stderr
    lines = target.read_text().splitlines()
    assert lines[0] == "1"
    assert "-->" in lines[1]
    run_id = cli.json("runs", "--json")[0]["run_id"]
    exported = cli("export", run_id[:12], "--format", "vtt")
    assert exported.stdout.startswith("WEBVTT")


def test_toggles_and_zips_on_the_command_line(cli, talking_video, tmp_path):
    """Times and speakers left out, captions on one narrow line each; every format in a zip; several runs in one."""
    plain = cli("run", talking_video, "--format", "txt", "--no-times")
    assert plain.returncode == 0, plain.stderr
    assert "[0:" not in plain.stdout
    run_id = cli.json("runs", "--json")[0]["run_id"]
    narrow = cli("export", run_id, "--format", "srt", "--line-width", "20", "--lines-per-cue", "1").stdout
    said = [line for line in narrow.splitlines() if line and "-->" not in line and not line.isdecimal()]
    assert max(map(len, said)) <= 20
    assert len(said) == narrow.count("-->")
    assert cli("export", run_id, "--format", "docx", "--output", tmp_path / "talk.docx").returncode == 0
    assert (tmp_path / "talk.docx").read_bytes().startswith(b"PK")
    for runs, files in (
        ([run_id], len(FORMATS) - 1),
        ([run_id, cli.json("runs", "--json")[-1]["run_id"]], 2 * len(FORMATS) - 2),
    ):
        done = cli("export", *runs, "--format", "all", "--output", tmp_path / "all.zip")
        assert done.returncode == 0, done.stderr
        with zipfile.ZipFile(tmp_path / "all.zip") as archive:
            assert len(archive.namelist()) == files


def test_captions_are_read_in_the_place_of_a_model(cli, talking_video, tmp_path):
    """From a file beside the video, and from the page of a video by language: at once, and written like any run."""
    (tmp_path / "talk.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nAnna: It was the best of times.\n")
    record = cli.json(
        "run", talking_video, "--captions", tmp_path / "talk.srt", "--language", "English", "--format", "json"
    )
    assert (record["model"], record["state"], record["cost_usd"]) == ("captions/file", "done", 0)
    assert record["cues"] == [
        {"start": 1.0, "end": 2.0, "text": "It was the best of times.", "speaker": "Anna", "timed_by": "captions"}
    ]
    with MediaServer() as media:
        media.put("/en.vtt", Answer(b"WEBVTT\n\n00:01.000 --> 00:02.000\nHello.\n", "text/vtt"))
        media.put("/talk.mp4", Answer.of(talking_video))
        url = media.put("/talk", captioned_page("A talk", "/talk.mp4", {"en": "/en.vtt"}))
        done = cli("run", url, "--captions", "en")
        assert done.stdout == "[0:01] Hello.\n", done.stderr
        assert "It has captions: human:en" in done.stderr
        assert "captions/human:en: done" in done.stderr
        missing = cli("run", url, "--captions", "fi")
    assert missing.returncode == 2
    assert "It has human:en." in missing.stderr


def test_caption_puts_the_transcript_into_a_copy_of_the_video(cli, short_talking_video, tmp_path):
    """A track by default, burned by choice, progress on stderr, and no other kind of file than the copy is."""
    (tmp_path / "talk.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nEver tried.\n")
    captions = ("--captions", tmp_path / "talk.srt")
    record = cli.json("run", short_talking_video, *captions, "--format", "json")
    wrong = cli("caption", record["run_id"], "--output", tmp_path / "copy.mkv")
    assert (wrong.returncode, "copy.mp4" in wrong.stderr) == (2, True)
    for extra, kinds in (((), ["video", "audio", "subtitle"]), (("--burn",), ["video", "audio"])):
        done = cli("caption", record["run_id"][:12], *extra, "--output", tmp_path / "copy.mp4")
        assert (done.returncode, done.stdout) == (0, ""), done.stderr
        assert "queued" in done.stderr
        with av.open(str(tmp_path / "copy.mp4")) as container:
            assert [stream.type for stream in container.streams] == kinds


def test_plan_says_what_would_be_sent_and_sends_nothing(cli, server, talking_video):
    """Route, size verdict, tokens and price, without a request to the model."""
    before = len([each for each in server.history if each.method == "POST"])
    plan = cli.json("plan", talking_video, "--model", "google/gemini-3.8-flash", "--json")
    assert (plan["route"], plan["verdict"]) == ("asis", "fits")
    assert plan["size_bytes"] == talking_video.stat().st_size
    assert plan["estimate_usd"] > 0
    assert len([each for each in server.history if each.method == "POST"]) == before
    assert "estimate" in cli("plan", talking_video, "--model", "google/gemini-3.8-flash").stdout


def test_models_lists_local_ones_first_and_the_living_catalogue(cli):
    """Local models, then those of the catalogue that take video or audio."""
    rows = cli.json("models", "--json")
    assert rows[0]["id"] == "local/whisper-base"
    assert any(row["id"] == "google/gemini-3.8-flash" and row["sees"] for row in rows)
    assert not any(row["id"].endswith(":batch") for row in rows)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["run", "no such file.mp4"], "There is no file"),
        (["run", "{text}"], "Choose a video"),
        (["run", "{empty}"], "is empty"),
        (["run", "{video}", "--model", "google/gemini-1.5-pro"], "not in the catalogue"),
        (["run", "{video}", "--start", "0:20", "--end", "10"], "ends before it begins"),
        (["run", "{video}", "--start", "5:00"], "begins after the end"),
        (["run", "{video}", "--start", "soon"], "soon"),
        (["run", "{video}", "--task", "poem"], "no task named"),
        (["run", "https://"], "link"),
        (["export", "nonsense", "--format", "srt"], "no run"),
        (["export", "nonsense", "--format", "docx"], "--output FILE"),
        (["run", "{video}", "--format", "all"], "--output FILE"),
        (["run", "{video}", "--line-width", "0"], "whole number"),
        (["run", "{video}", "--captions", "none.srt"], "no file"),
        (["run", "{video}", "--captions", "{text}"], "not a caption file"),
        (["run", "{video}", "--captions", "{text}", "--model", "x/y"], "in the place of a model"),
        (["caption", "nonsense", "--output", "copy.mp4"], "no run"),
        (["run"], "SOURCE"),
    ],
)
def test_bad_input_is_a_sentence_and_exit_code_2(cli, talking_video, tmp_path, arguments, says):
    """No traceback, the exit code for bad input, and words that say what to do."""
    (tmp_path / "text.mp4").write_text("this is no video")
    (tmp_path / "empty.mp4").touch()
    places = {"text": tmp_path / "text.mp4", "empty": tmp_path / "empty.mp4", "video": talking_video}
    done = cli(*[argument.format(**places) for argument in arguments])
    assert done.returncode == 2, done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_no_key_is_told_before_anything_is_sent(data, server, talking_video):
    """A remote model without a key names both ways on: a key, or a local model."""
    done = CommandLine(data, OPENROUTER_BASE_URL=server.base_url)(
        "run", talking_video, "--model", "google/gemini-3.8-flash", "--prompt", "Something never asked before"
    )
    assert done.returncode == 2
    assert "Settings" in done.stderr
    assert "local model" in done.stderr


def test_no_network_at_all_is_told_and_the_local_model_still_works(tmp_path, short_talking_video):
    """With an unreachable server the remote run fails with a sentence; the local one is done."""
    cli = CommandLine(tmp_path / "data", OPENROUTER_BASE_URL="http://127.0.0.1:9/api/v1", OPENROUTER_API_KEY="sk-x")
    done = cli("run", short_talking_video, "--model", "local/whisper-tiny.en")
    assert done.returncode == 0, done.stderr
    assert "fail better" in done.stdout.lower()
    listed = cli("models")
    assert listed.returncode == 0
    assert "local/whisper-base" in listed.stdout


@pytest.mark.parametrize("name", ["--option.mp4", 'it\'s "quoted" 🎬.mp4', "new\nline.mp4", "x" * 240 + ".mp4"])
def test_odd_names_simply_work(cli, short_talking_video, tmp_path, name):
    """Quotes, newlines, emoji, leading dashes and very long names are names like any other."""
    path = tmp_path / name
    path.write_bytes(short_talking_video.read_bytes())
    record = cli.json("run", path, "--model", "local/whisper-tiny.en", "--format", "json")
    assert record["source"]["title"] == name
    assert "fail better" in record["text"].lower()


def test_the_key_is_in_no_file_of_the_data_folder(cli, data, talking_video):
    """No log, database, job argument, cache or export holds the key."""
    cli("run", talking_video, "--model", "google/gemini-3.8-flash", "--task", "summary")
    found = [path for path in data.rglob("*") if path.is_file() and DEFAULT_KEY.encode() in path.read_bytes()]
    assert found == []


def test_prepare_writes_what_would_be_sent(cli, server, talking_video, tmp_path):
    """`prepare` writes the renditions, each under the limit, prints the plan, and sends nothing."""
    before = len([each for each in server.history if each.method == "POST"])
    model = ("--model", "google/gemini-3.8-flash")
    record = cli.json("prepare", talking_video, *model, "--route", "audio", "--output", tmp_path / "out", "--json")
    assert record["route"] == "audio"
    assert [Path(file["path"]).suffix for file in record["files"]] == [".mp3"]
    assert all(Path(file["path"]).stat().st_size == file["size_bytes"] <= 14_000_000 for file in record["files"])
    done = cli("prepare", talking_video, *model, "--start", "10", "--quality", "visual", "--output", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "out").glob("*.mp4"))) == 1
    assert len([each for each in server.history if each.method == "POST"]) == before


def test_what_was_said_is_found_and_deleted(cli, short_talking_video, tmp_path):
    """`search` gives run and second of every place, `delete` asks, and after it nothing is found."""
    path = tmp_path / "to be deleted.mp4"
    path.write_bytes(short_talking_video.read_bytes())
    made = cli.json("run", path, "--model", "local/whisper-tiny.en", "--term", "Beckett", "--format", "json")
    found = cli.json("search", '"fail better"', "--json")
    hit = next(hit for hit in found["hits"] if hit["run_id"] == made["run_id"])
    assert found["count"] >= 1
    assert 5 < hit["start"] < 10
    assert [word.lower() for word in hit["found"]] == ["fail better"]
    done = cli("search", "better")
    assert made["run_id"] in done.stdout
    assert "place" in done.stderr
    refused = cli("delete", made["run_id"][:12])
    assert refused.returncode == 2
    assert "--yes" in refused.stderr
    deleted = cli("delete", made["run_id"][:12], "--yes")
    assert deleted.returncode == 0, deleted.stderr
    assert "for good" in deleted.stderr
    assert made["run_id"] not in cli("search", "better").stdout
    assert cli("delete", made["run_id"], "--yes").returncode == 2
    assert cli("search", "better", "--page", "none").returncode == 2


def test_times_and_route_are_the_users_choice(cli, server, talking_video):
    """--times model keeps what the model wrote, --route audio sends sound alone."""
    record = cli.json(
        *("run", talking_video, "--model", "google/gemini-3.8-flash", "--route", "audio", "--times", "model"),
        *("--format", "json"),
    )
    assert record["route"] == "audio"
    assert {cue["timed_by"] for cue in record["cues"]} == {"model"}
    assert server.history[-1].content[0]["type"] == "input_audio"


def test_lines_take_the_shape_that_is_asked_for_and_another_one_later(cli, server, talking_video):
    """--cue-width and its like shape the lines of a run; `reshape` lays them out anew and asks nothing."""
    shape = ("--cue-lines", "1", "--cue-width", "24", "--cue-seconds", "0.5-3", "--cue-speed", "30")
    model = ("--model", "google/gemini-3.8-flash", "--times", "model")
    record = cli.json("run", talking_video, *model, *shape, "--format", "json")
    assert all(len(cue["text"]) <= 24 and cue["end"] - cue["start"] <= 3.001 for cue in record["cues"])
    before = len(server.history)
    done = cli("reshape", record["run_id"][:12], "--cue-width", "60")
    assert done.returncode == 0, done.stderr
    assert "2 lines of 60 characters, 1 to 7 s, at most 20 characters a second" in done.stdout
    wider = cli.json("export", record["run_id"], "--format", "json")
    assert len(wider["cues"]) < len(record["cues"])
    assert wider["text"].split() == record["text"].split()
    assert len([each for each in server.history[before:] if each.method == "POST"]) == 0
    for wrong in (("--cue-seconds", "7-1"), ("--cue-seconds", "soon"), ("--cue-lines", "0"), ("--cue-speed", "nan")):
        refused = cli("reshape", record["run_id"], *wrong)
        assert refused.returncode == 2, wrong
        assert "Traceback" not in refused.stderr


def test_ask_streams_an_answer_and_tells_what_it_cites(cli, server, talking_video, tmp_path):
    """`ask RUN QUESTION` writes the answer as it comes; as JSON it has every citation with its run and second; over its
    --max-usd nothing is asked."""
    (tmp_path / "talk.srt").write_text("1\n00:00:01,000 --> 00:00:04,000\nIt was the best of times.\n", "utf-8")
    run = cli.json("run", talking_video, "--captions", tmp_path / "talk.srt", "--format", "json")["run_id"]
    model = ("--model", "deepseek/deepseek-v4")
    server.enqueue(Reply.answer("The best [0:01], and more [59:00]."))
    done = cli("ask", run, "What was it?", *model)
    assert (done.returncode, done.stdout) == (0, "The best [0:01], and more [59:00].\n"), done.stderr
    assert "(estimate)" in done.stderr
    record = cli.json("ask", run, "What was it?", *model, "--json")
    assert record["remembered"] is True
    assert record["citations"] == [
        {"run": run, "video": 1, "start": 1.0, "end": None, "inside": True},
        {"run": None, "video": 1, "start": 3540.0, "end": None, "inside": False},
    ]
    before = len(server.history)
    dear = cli("ask", run, "What else?", *model, "--max-usd", "0.0000001")
    assert dear.returncode == 2
    assert "is over the $0.0000001 for a run" in dear.stderr
    assert "--max-usd" in dear.stderr
    assert not [each for each in server.history[before:] if each.method == "POST"]
    server.enqueue(Reply.refusal(402, "Insufficient credits"))
    failed = cli("ask", run, "And then?", *model, "--conversation", record["conversation"])
    assert failed.returncode == 1
    assert "Try again" in failed.stderr
    assert cli("ask", run, "What?", *model, "--look").returncode == 2
