"""Comparisons end to end: one preparation, many models, one grid, votes, and the best of all, over real HTTP."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lib.domain.comparison import CONSENSUS, Pick, picked
from lib.domain.plan import Quality, Route, RouteChoice, Times
from lib.domain.ranking import Verdict
from lib.domain.run import RunState
from lib.domain.transcript import TimedBy
from lib.errors import InputError, KeyMissing, NothingThere
from lib.formats.references import read_reference
from lib.services import Services
from tests.fakes.openrouter_server import FakeOpenRouter, Reply, Request
from tests.test_jobs import wait_for
from tests.waiting import is_over

GEMINI, LITE, QWEN, PRO = (
    "google/gemini-3.8-flash",
    "google/gemini-3.5-flash-lite",
    "qwen/qwen3.8-omni-flash",
    "google/gemini-3.6-pro",
)
BASE, TINY = "local/whisper-base", "local/whisper-tiny.en"
SAID = """[00:00] Ever tried. Ever failed. No matter.
[00:05] Try again. Fail again. Fail better."""
ANSWERS = {
    GEMINI: SAID,
    LITE: SAID.replace("No matter", "No matters"),
    QWEN: SAID.replace("Fail again. ", ""),
    PRO: SAID,
}
WORDS = re.findall(r"[a-z]+", re.sub(r"\[.*?\]", "", SAID).lower())


class Each(FakeOpenRouter):
    """Answers each model's requests with its own text, or with what was enqueued for that model."""

    def __init__(self) -> None:
        super().__init__()
        self.own: dict[str, list[Reply]] = {}

    def reply_to(self, request: Request, path: str) -> Reply:
        if path != "/chat/completions":
            return super().reply_to(request, path)
        model_id = request.body["model"]
        if waiting := self.own.get(model_id):
            return waiting.pop(0)
        return Reply.answer(ANSWERS.get(model_id, SAID), cost="0.002" if model_id == PRO else "0.001")

    def asked(self, model_id: str) -> list[Request]:
        return [each for each in self.history if each.method == "POST" and each.body["model"] == model_id]


@pytest.fixture
def server() -> Iterator[Each]:
    with Each() as server:
        yield server


def start(services: Services, path: Path, *model_ids: str, **changes: object):
    source = services.keep_file(path)
    requests = [replace(services.new_request(source, model_id), **changes) for model_id in model_ids]
    return services.comparisons.start(requests).comparison


def finished(services: Services, comparison):
    for run in services.comparisons.runs(comparison.id):
        wait_for(services, run, is_over, 180)
    return services.comparisons.table(comparison.id)


def words(text: str) -> list[str]:
    return re.findall(r"[a-z]+", text.lower())


def test_what_is_made_for_one_model_serves_all(services, server, short_talking_video):
    """Four models that need the clip made smaller: it is encoded once a part, and all are sent the same bytes."""
    changes = {"route": RouteChoice.VIDEO, "quality": Quality.VISUAL, "end": 9.0, "times": Times.MODEL}
    comparison = start(services, short_talking_video, GEMINI, LITE, QWEN, PRO, **changes)
    table = finished(services, comparison)
    assert [run.state for run in table.runs] == [RunState.DONE] * 4
    assert {run.plan.route for run in table.runs} <= {Route.VIDEO, Route.CUT}
    sent = [each.media[0].sha256 for model_id in (GEMINI, LITE, QWEN, PRO) for each in server.asked(model_id)]
    assert len(sent) == 4
    assert len(set(sent)) == 1
    made = [path for path in (services.settings.data_dir / "renditions").rglob("*") if path.is_file()]
    assert len(made) == 1


def test_models_that_need_other_parts_agree_on_their_length(services, server, talking_video):
    """A model that writes little takes shorter parts, and the others take the same ones."""
    row = next(row for row in server.catalogue["data"] if row["id"] == LITE)
    row["top_provider"] = row["top_provider"] | {"max_completion_tokens": 400}
    services.catalogue(refresh=True)
    comparison = start(services, talking_video, GEMINI, LITE, times=Times.MODEL, route=RouteChoice.AUDIO)
    table = finished(services, comparison)
    first, second = ([(part.start, part.end) for part in run.parts] for run in table.runs)
    assert first == second
    assert len(first) > 1
    assert {each.media[0].sha256 for each in server.asked(GEMINI)} == {
        each.media[0].sha256 for each in server.asked(LITE)
    }


def test_one_that_fails_or_is_slow_holds_up_nobody(services, server, short_talking_video):
    """One is refused, one is slow: the third is done meanwhile; the failed one keeps its place and is tried again."""
    server.own = {LITE: [Reply.refusal(402, "Insufficient credits")], QWEN: [Reply.drip(SAID, delay=0.5, pieces=200)]}
    comparison = start(services, short_talking_video, GEMINI, LITE, QWEN, times=Times.MODEL)
    good, failed, slow = services.comparisons.runs(comparison.id)
    assert wait_for(services, good, is_over).state is RunState.DONE
    assert wait_for(services, failed, is_over).state is RunState.FAILED
    assert not services.run(slow.id).state.is_over
    table = services.comparisons.table(comparison.id)
    assert not table.is_over
    assert [bool(cell.text) for cell in table.grid.rows[0].cells] == [True, False, False]
    services.cancel(slow.id)
    services.retry(failed.id)
    assert wait_for(services, failed, is_over).state is RunState.DONE
    table = services.comparisons.table(comparison.id)
    assert [run.state for run in table.runs] == [RunState.DONE, RunState.DONE, RunState.CANCELLED]
    assert table.verdict


def test_the_figures_say_what_each_model_did(services, server, short_talking_video):
    """Cost, cost an hour, words, agreement; with a reference the word errors, of which one is found by each kind."""
    comparison = start(services, short_talking_video, GEMINI, LITE, QWEN)
    services.comparisons.set_reference(comparison.id, read_reference("said.txt", " ".join(WORDS)))
    table = finished(services, comparison)
    gemini, lite, qwen = table.figures
    assert float(gemini.cost_usd) == 0.001
    assert float(gemini.usd_per_hour) == pytest.approx(0.001 * 3600 / table.clip.duration)
    assert (gemini.words, lite.words, qwen.words) == (12, 12, 10)
    assert gemini.wer == 0
    assert (lite.substitutions, lite.deletions, lite.insertions) == (1, 0, 0)
    assert (qwen.substitutions, qwen.deletions, qwen.insertions) == (0, 2, 0)
    assert qwen.wer == pytest.approx(2 / 12)
    assert gemini.agreement > lite.agreement
    assert gemini.coverage is not None
    services.comparisons.set_reference(comparison.id, None)
    assert services.comparisons.table(comparison.id).figures[0].wer is None


def test_the_grid_marks_what_differs_and_loses_no_word(services, server, short_talking_video):
    """The word that one heard otherwise is marked in its cell alone; what another left out is told there."""
    table = finished(services, start(services, short_talking_video, GEMINI, LITE, QWEN))
    for column, model_id in enumerate((GEMINI, LITE, QWEN)):
        column_text = " ".join(row.cells[column].text for row in table.grid.rows)
        assert words(column_text) == words(re.sub(r"\[.*?\]", "", ANSWERS[model_id]))
    spans = [
        (column, span.mark.value, words(span.text))
        for row in table.grid.rows
        for column, cell in enumerate(row.cells)
        for span in cell.spans
        if span.mark.value != "same"
    ]
    assert (1, "differs", ["matters"]) in spans
    left_out = [word for column, mark, found in spans if (column, mark) == (2, "missing") for word in found]
    assert sorted(left_out) == ["again", "fail"]
    assert {column for column, mark, _ in spans if mark == "differs"} == {1}


def test_adding_a_model_runs_only_that_one(services, server, short_talking_video):
    """A fourth column is asked once; nobody else is asked again, and the question is the same."""
    comparison = start(services, short_talking_video, GEMINI, LITE, end=8.0, times=Times.MODEL)
    finished(services, comparison)
    services.comparisons.add(comparison.id, [QWEN])
    table = finished(services, comparison)
    assert [run.request.model_id for run in table.runs] == [GEMINI, LITE, QWEN]
    assert [len(server.asked(model_id)) for model_id in (GEMINI, LITE, QWEN)] == [1, 1, 1]
    assert (
        len({each.body["messages"][0]["content"][1]["text"] for each in server.history if each.method == "POST"}) == 1
    )
    services.comparisons.remove_run(comparison.id, table.runs[1].id)
    assert len(services.comparisons.table(comparison.id).runs) == 2
    assert services.run(table.runs[1].id) is not None


def test_a_model_that_cannot_be_asked_is_told_and_hurts_nobody(services, server, short_talking_video):
    """Without a key the local model is asked all the same; with none to ask, the first reason is raised."""
    settings = replace(services.settings, openrouter_api_key=None)
    services.settings = settings
    source = services.keep_file(short_talking_video)
    requests = [services.new_request(source, model_id) for model_id in (TINY, GEMINI)]
    started = services.comparisons.start(requests)
    assert [type(problem) for problem in started.problems] == [KeyMissing]
    assert [run.request.model_id for run in services.comparisons.runs(started.comparison.id)] == [TINY]
    with pytest.raises(KeyMissing):
        services.comparisons.start(requests[1:])
    assert [each.id for each in services.comparisons.newest()] == [started.comparison.id]


def test_a_crash_right_after_a_run_was_written_down_leaves_it_in_its_comparison(
    services, server, short_talking_video, monkeypatch
):
    """The app ends before the run is queued: it stands in its column, and the next worker to start goes on with it."""

    def crash(*_) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(services._queue, "put", crash)
    with pytest.raises(KeyboardInterrupt):
        start(services, short_talking_video, GEMINI, LITE, times=Times.MODEL)
    monkeypatch.undo()
    (comparison,) = services.comparisons.newest()
    assert list(comparison.run_ids) == [run.id for run in services.runs()]
    services.ensure_worker()
    table = finished(services, comparison)
    assert [(run.request.model_id, run.state) for run in table.runs] == [(GEMINI, RunState.DONE)]


def test_a_run_that_gets_no_column_is_not_there_at_all(services, server, short_talking_video, monkeypatch):
    """A crash between the two writes leaves neither: nothing is asked that no comparison shows."""

    def crash(*_) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("lib.store.runs.add_column", crash)
    with pytest.raises(KeyboardInterrupt):
        start(services, short_talking_video, GEMINI, LITE, times=Times.MODEL)
    assert services.runs() == []
    assert [comparison.run_ids for comparison in services.comparisons.newest()] == [()]
    assert not server.asked(GEMINI)


def test_rows_taken_and_the_consensus_make_a_transcript_of_its_own(services, server, short_talking_video):
    """The majority's words, but for the row taken from another model; written again it is a new version."""
    comparison = start(services, short_talking_video, GEMINI, LITE, QWEN)
    table = finished(services, comparison)
    merged = services.comparisons.take_all(comparison.id, CONSENSUS)
    assert merged.state is RunState.DONE
    transcript = services.transcript(merged.id)
    assert words(transcript.text) == WORDS
    assert {cue.timed_by for cue in transcript.cues} == {TimedBy.AUDIO}
    row = next(at for at, row in enumerate(table.grid.rows) if "matters" in row.cells[1].text)
    services.comparisons.take(comparison.id, row, 1)
    assert services.comparisons.picks(comparison.id) == {row: 1}
    again = services.comparisons.take_all(comparison.id, CONSENSUS)
    assert again.id == merged.id
    assert "matters" in services.transcript(merged.id).text
    services.comparisons.take(comparison.id, row, None)
    assert services.comparisons.picks(comparison.id) == {}
    services.comparisons.take_all(comparison.id, table.runs[2].id)
    assert words(services.transcript(merged.id).text) == words(re.sub(r"\[.*?\]", "", ANSWERS[QWEN]))
    assert services.export(merged.id, "srt").content


def test_the_best_of_all_and_its_place_are_written_together(services, server, short_talking_video, monkeypatch):
    """A crash where it is given its place leaves neither; written after that, it is there, whole."""
    comparison = start(services, short_talking_video, GEMINI, LITE, times=Times.MODEL)
    table = finished(services, comparison)

    def crash(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("lib.store.runs.set_merged", crash)
        with pytest.raises(KeyboardInterrupt):
            services.comparisons.take_all(comparison.id, CONSENSUS)
    assert {run.id for run in services.runs()} == {run.id for run in table.runs}
    assert services.comparisons.get(comparison.id).merged_run_id is None
    merged = services.comparisons.take_all(comparison.id, CONSENSUS)
    assert services.comparisons.get(comparison.id).merged_run_id == merged.id
    assert (merged.state, merged.seconds, merged.health is not None) == (RunState.DONE, None, True)


def test_votes_are_blind_and_make_a_scoreboard(services, server, short_talking_video):
    """Each pair is offered once, in an order that does not change; votes outlive their comparison."""
    comparison = start(services, short_talking_video, GEMINI, LITE, QWEN, times=Times.MODEL)
    table = finished(services, comparison)
    models = {run.id: run.request.model_id for run in table.runs}
    for _ in range(3):
        left, right = services.comparisons.next_pair(comparison.id)
        assert (left, right) == services.comparisons.next_pair(comparison.id)
        grid, texts = services.comparisons.blind(comparison.id, left, right)
        assert grid.names == ("A", "B")
        assert not any(model in str(texts) for model in models.values())
        decision = Verdict.LEFT if models[left] == GEMINI else Verdict.RIGHT if models[right] == GEMINI else Verdict.TIE
        services.comparisons.vote(comparison.id, left, right, decision)
    assert services.comparisons.next_pair(comparison.id) is None
    services.comparisons.remove(comparison.id)
    best, *others = services.comparisons.scoreboard()
    assert (best.name, best.wins, best.losses) == (GEMINI, 2, 0)
    assert {standing.name for standing in others} == {LITE, QWEN}
    assert all(standing.low <= standing.rating <= standing.high for standing in (best, *others))
    assert services.comparisons.scoreboard(task="summary") == ()


def test_other_tasks_stand_side_by_side_as_documents(services, server, short_talking_video):
    """A summary has no grid and no WER, but the same figures and a judgement."""
    server.own = {GEMINI: [Reply.answer("# One\n\nFirst.")], LITE: [Reply.answer("# Two\n\nSecond.")]}
    comparison = start(services, short_talking_video, GEMINI, LITE, task="summary")
    table = finished(services, comparison)
    assert table.grid is None
    assert table.texts == ("# One\n\nFirst.", "# Two\n\nSecond.")
    assert all(figures.cost_usd for figures in table.figures)
    grid, texts = services.comparisons.blind(comparison.id, *services.comparisons.next_pair(comparison.id))
    assert grid is None
    assert set(texts) == set(table.texts)
    page = services.comparisons.export(comparison.id, "html").content.decode()
    assert "# One" in page
    with pytest.raises(InputError):
        services.comparisons.export(comparison.id, "rows")


def test_a_comparison_is_exported_for_people_and_for_programs(services, server, short_talking_video):
    """JSON, two CSVs, Markdown and a page of its own hold every word, and nothing of them runs."""
    hostile = "[00:00] <script>alert(1)</script> =1+1 ever tried, ![x](http://elsewhere.example/x.png)"
    server.own = {QWEN: [Reply.answer(hostile)]}
    comparison = start(services, short_talking_video, GEMINI, LITE, QWEN)
    finished(services, comparison)
    files = {name: services.comparisons.export(comparison.id, name) for name in ("json", "csv", "rows", "md", "html")}
    texts = {name: each.content.decode() for name, each in files.items()}
    record = json.loads(texts["json"])
    assert [each["model"] for each in record["models"]] == [GEMINI, LITE, QWEN]
    assert {"state", "cost_usd", "seconds", "seconds_to_first_text", "words", "coverage", "agreement", "wer"} <= set(
        record["models"][0]
    )
    said = " ".join(row["cells"][0]["text"] for row in record["rows"])
    assert words(said) == WORDS
    lines = list(csv.reader(io.StringIO(texts["rows"].removeprefix("\ufeff"))))
    assert lines[0][4:] == [GEMINI, LITE, QWEN]
    assert words(" ".join(line[4] for line in lines[1:])) == WORDS
    assert not any(cell.startswith("=") for line in lines for cell in line)
    assert len(list(csv.reader(io.StringIO(texts["csv"])))) == 4
    assert "<script" not in texts["html"]
    assert "&lt;script&gt;" in texts["html"]
    assert "<img" not in texts["html"]
    assert "default-src 'none'" in texts["html"]
    assert "![x]" not in texts["md"]
    assert all(Path(each.name).name == each.name for each in files.values())


def test_a_comparison_of_runs_that_there_are(services, server, short_talking_video):
    """Runs asked one by one are laid side by side; those of another task are not."""
    source = services.keep_file(short_talking_video)
    runs = [
        wait_for(services, services.submit(replace(services.new_request(source, model_id), times=Times.MODEL)), is_over)
        for model_id in (GEMINI, LITE)
    ]
    comparison = services.comparisons.of_runs([run.id for run in runs])
    assert [run.id for run in services.comparisons.table(comparison.id).runs] == [run.id for run in runs]
    summary = wait_for(services, services.submit(services.new_request(source, GEMINI, task="summary")), is_over)
    with pytest.raises(InputError):
        services.comparisons.of_runs([runs[0].id, summary.id])
    with pytest.raises(NothingThere):
        services.comparisons.table("0" * 32)


def test_a_reference_is_read_from_captions_or_plain_text():
    """SRT keeps its times, so that only the clip counts; a file without words is refused."""
    srt = "1\n00:00:01,000 --> 00:00:02,000\nEver tried.\n\n2\n00:00:20,000 --> 00:00:21,000\nFail better.\n"
    reference = read_reference("talk.srt", srt)
    assert [cue.start for cue in reference.cues] == [1.0, 20.0]
    assert read_reference("talk.txt", "Ever tried. Ever failed.").cues == ()
    with pytest.raises(InputError):
        read_reference("talk.srt", "")


def test_a_row_taken_is_found_again_when_rows_move():
    """A pick holds for the row that its stretch lies on, whatever its number is by then."""
    picks = [Pick(10.0, 20.0, "b")]
    assert picked(picks, [(0.0, 10.0), (10.0, 20.0)], ["a", "b"]) == {1: 1}
    assert picked(picks, [(0.0, 9.0), (9.5, 12.0), (12.0, 19.0)], ["c", "a", "b"]) == {1: 2, 2: 2}
    assert picked(picks, [(0.0, 30.0)], ["a"]) == {}


def test_two_local_models_are_compared_without_key_or_network(services, short_talking_video):
    """Base and tiny on a real recording: both columns are full, and figures and verdict are there."""
    services.settings = replace(services.settings, openrouter_api_key=None)
    table = finished(services, start(services, short_talking_video, BASE, TINY))
    assert [run.state for run in table.runs] == [RunState.DONE, RunState.DONE]
    for column in (0, 1):
        assert "fail better" in " ".join(row.cells[column].text for row in table.grid.rows).lower()
    assert all(figures.cost_usd == 0 and figures.agreement > 0.5 for figures in table.figures)
    assert "All cost the same, for nothing." in table.verdict
