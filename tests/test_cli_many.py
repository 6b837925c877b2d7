"""Many at once on the command line: folders, files and links, one bill, one table, an exit code that tells."""

from __future__ import annotations

import json
import zipfile

import pytest

from tests.batch_fixtures import broken_file, make_video
from tests.fakes.media_server import Answer, MediaServer, feed
from tests.test_cli import cli, data, server

__all__ = ["broken_file", "cli", "data", "make_video", "server"]
GEMINI, TINY = "google/gemini-3.8-flash", "local/whisper-tiny.en"


def test_a_folder_is_run_and_what_fails_does_not_stop_the_rest(cli, make_video, broken_file, tmp_path):
    """Two videos, a broken one, a text and a hidden file: the bill, the files under names of their own, the table."""
    folder = make_video("b.mp4").parent
    make_video("a.mp4")
    (folder / "notes.txt").write_text("nothing to hear")
    (folder / ".hidden.mp4").write_text("nothing to see")
    target = tmp_path / "out"
    done = cli("run", folder, "--model", TINY, "--format", "srt", "--output", target)
    assert done.returncode == 1, done.stderr
    assert sorted(path.name for path in target.iterdir()) == [
        "a - whisper-tiny.en.srt",
        "b - whisper-tiny.en.srt",
    ]
    assert all("-->" in path.read_text() for path in target.iterdir())
    assert "notes.txt: no media, skipped." in done.stderr
    assert ".hidden" not in done.stderr
    assert "Total for 2 videos: free." in done.stderr
    assert "broken.mp4: cannot run." in done.stderr
    assert "2 done, 1 failed" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_one_object_has_an_item_for_each(cli, server, make_video):
    """`--json` names every video with its state, its run and its record; all done is exit code 0."""
    record = cli.json("run", make_video("one.mp4"), make_video("two.mp4"), "--model", GEMINI, "--json")
    assert (record["done"], record["failed"], record["title"]) == (2, 0, "one.mp4 and 1 more")
    assert [item["name"] for item in record["items"]] == ["one.mp4", "two.mp4"]
    assert all(item["state"] == "done" and "epoch" in item["run"]["text"] for item in record["items"])
    assert record["cost_usd"] > 0
    again = cli.json("plan", make_video("three.mp4"), *record_paths(record, make_video), "--model", GEMINI, "--json")
    assert [bool(item["answered_by"]) for item in again["items"]] == [False, True]
    assert again["estimate_usd"] == again["items"][0]["estimate_usd"] > 0


def record_paths(record, make_video) -> list:
    """The first video of a record once more, the same bytes."""
    return [make_video(record["items"][0]["name"])]


def test_texts_stand_below_each_other_and_the_batch_is_exported(cli, make_video, tmp_path):
    """Without a folder every text has its heading; `batches` lists it, `export --batch` zips it."""
    done = cli("run", make_video("one.mp4"), make_video("two.mp4"), "--model", TINY)
    assert done.returncode == 0, done.stderr
    assert f"== one.mp4 ({TINY}) ==" in done.stdout
    assert f"== two.mp4 ({TINY}) ==" in done.stdout
    batch = cli.json("batches", "--json")[0]
    assert batch["batch_id"] in cli("batches").stdout
    assert batch["done"] == 2
    assert (
        cli("export", "--batch", batch["batch_id"][:12], "--format", "srt", "--output", tmp_path / "t.zip").returncode
        == 0
    )
    with zipfile.ZipFile(tmp_path / "t.zip") as archive:
        assert len(archive.namelist()) == 2


def test_all_of_a_playlist_and_a_dead_link(cli, make_video):
    """A link to several needs to be meant; with a dead link beside it, its videos are done and the exit code is 1."""
    with MediaServer() as media:
        links = [media.put(f"/{name}", Answer.of(make_video(name))) for name in ("one.mp4", "two.mp4")]
        playlist = media.put("/feed.rss", feed("Talks", [(f"Talk {link[-7]}", link, "0:10") for link in links]))
        alone = cli("run", playlist)
        assert (alone.returncode, "--playlist" in alone.stderr) == (2, True)
        done = cli("run", playlist, media.url("/gone.mp4"), "--model", TINY, "--json")
    assert done.returncode == 1, done.stderr
    assert [item["state"] for item in json.loads(done.stdout)["items"]] == ["done", "done", "failed"]
    assert "Looking up 2 of 2" in done.stderr


def test_the_bill_of_many_sends_nothing(cli, server, make_video):
    """A row for each video with route and dollars, then the total; an unknown model is told of at once."""
    before = len([each for each in server.history if each.method == "POST"])
    done = cli("plan", make_video("five.mp4"), make_video("six.mp4"), "--model", GEMINI)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["VIDEO", "MODEL", "ROUTE", "MB", "PARTS", "TOKENS", "DOLLARS", "TIME"]
    assert lines[-1].startswith("Total for 2 videos: $")
    assert len([each for each in server.history if each.method == "POST"]) == before
    assert cli("plan", make_video("five.mp4"), make_video("six.mp4"), "--model", "x/y").returncode == 2


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["run", "{empty}"], "no media"),
        (["run", "{video}", "{video}", "--captions", "en"], "for one video"),
        (["run", "{video}", "{video}", "--propose", "speech"], "for one video"),
        (["run", "{video}", "{video}", "--output", "{video}"], "is a file"),
        (["run", "{video}", "{video}", "--format", "docx"], "--output DIR"),
        (["run", "{broken}", "{broken}"], "video"),
        (["export", "--format", "srt"], "nothing to export"),
        (["export", "--batch", "none", "--format", "srt", "--output", "x.zip"], "no batch"),
        (["export", "--batch", "none", "--format", "srt"], "--output FILE"),
        (["export", "r", "--batch", "none", "--format", "srt", "--output", "x.zip"], "Either"),
    ],
)
def test_bad_input_for_many_is_a_sentence_and_exit_code_2(cli, make_video, broken_file, tmp_path, arguments, says):
    """No traceback, nothing started, and words that say what to do."""
    (tmp_path / "empty").mkdir()
    places = {"empty": tmp_path / "empty", "video": make_video("one.mp4"), "broken": broken_file}
    done = cli(*[argument.format(**places) for argument in arguments])
    assert done.returncode == 2, done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
