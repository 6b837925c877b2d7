"""Tasks about a transcript: text alone is sent, in one question or several, priced before and paid for once."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import pytest
from sqlalchemy import delete

from lib.domain.media import Clip, Source, SourceKind
from lib.domain.plan import Route
from lib.domain.run import Run, RunState
from lib.domain.transcript import Cue, TimedBy
from lib.errors import InputError, PlanRefused
from lib.services import Services
from lib.store.tables import generation
from tests.editing_fixtures import TWO_CITIES, cues_of, write_run
from tests.fakes.openrouter_server import FakeOpenRouter, Reply
from tests.services_fixtures import services_beside_server
from tests.test_jobs import wait_for
from tests.text_fixtures import numbered_of, prompt_of, translation_or
from tests.waiting import is_over

READER = "deepseek/deepseek-v4"
SMALL = "mistralai/voxtral-small"
LINK = Source(SourceKind.LINK, "Two cities", url="https://video.example/cities.mp4", duration=44.4)
RUN_IDS = (f"{number:032x}" for number in itertools.count(1))


@pytest.fixture(scope="module")
def serving() -> Iterator[FakeOpenRouter]:
    """Translates what is numbered, and says of anything else that it was the best of times."""
    with FakeOpenRouter(answer=translation_or("It was the best of times [00:01].")) as server:
        yield server


@pytest.fixture(scope="module")
def services(tmp_path_factory, serving) -> Iterator[Services]:
    """One worker for this file."""
    with services_beside_server(tmp_path_factory.mktemp("data"), serving) as services:
        yield services


@pytest.fixture
def server(serving, services) -> FakeOpenRouter:
    """The server, which was asked nothing yet, and no answer that is kept."""
    serving.history.clear()
    serving._replies.clear()
    with services._tools.store._engine.begin() as connection:
        connection.execute(delete(generation))
    return serving


@pytest.fixture
def run_id() -> str:
    return next(RUN_IDS)


@pytest.fixture
def said(services, run_id) -> str:
    """A finished transcript of six lines, by a local model, over a link that was never downloaded."""
    return write_run(services._tools.store, run_id, LINK, cues_of())


def many_cues(count: int) -> tuple[Cue, ...]:
    text = "the quick brown fox jumps over the lazy dog and on it goes"
    return tuple(
        Cue(2.0 * at, 2.0 * at + 1.5, f"Line {at + 1}: {text}.", "Anna" if at % 2 else None, TimedBy.AUDIO)
        for at in range(count)
    )


def made(services: Services, run_id: str, task: str, model: str = READER, **asked: object) -> Run:
    run = services.submit(services.from_transcript.request(run_id, model, task=task, **asked))
    run = wait_for(services, run, lambda run: run.state.is_over)
    assert run.state is RunState.DONE, run.failure
    return run


def questions(server: FakeOpenRouter) -> list:
    return [request for request in server.history if request.method == "POST"]


def test_a_summary_is_asked_from_the_text_alone(services, server, said):
    """A model that only reads gets the lines with their times and no media, told how long the answer should be; the run
    knows what it was made from, what it cost, and keeps the times of the answer."""
    run = made(services, said, "summary", language="de", terms=("Dickens",))
    (request,) = questions(server)
    asked = prompt_of(request)
    assert [part["type"] for part in request.content] == ["text"]
    assert not request.media
    assert "[00:01] Speaker 1: It was the best of times, it was the worst of times." in asked
    assert "[00:21] We had everything before us, we had nothing before us." in asked
    assert "about 70 words" in asked
    assert "German" in asked
    assert "Dickens" in asked
    assert "0 min 44 s" not in asked
    assert (run.plan.route, run.request.about.run_id, run.request.about.version) == (Route.TEXT, said, 1)
    assert str(run.cost_usd) == "0.00217"
    assert services.transcript(run.id).text == "It was the best of times [00:01]."
    assert [each.id for each in services.from_transcript.made_from(services.run(said))] == [run.id]


def test_the_price_is_known_before_and_far_below_that_of_the_video(services, said):
    """The plan of the text has tokens and dollars, and nothing to upload."""
    request = services.from_transcript.request(said, "google/gemini-3.8-flash", task="summary")
    from_text = services.plan(request)
    from_video = services.plan(services.new_request(LINK, "google/gemini-3.8-flash", task="summary"))
    assert 0 < from_text.estimate_usd < from_video.estimate_usd
    assert from_text.prompt_tokens < from_video.prompt_tokens / 4
    assert from_text.source_bytes is None
    assert from_text.verdict is None
    assert "The transcript's text is sent, 6 lines" in from_text.reason


def test_the_same_question_about_the_same_words_is_paid_for_once(services, server, said):
    """A repeat costs nothing; another language, or a line that was edited since, is another question."""
    made(services, said, "summary")
    again = made(services, said, "summary")
    assert again.from_cache
    assert len(questions(server)) == 1
    made(services, said, "summary", language="fr")
    edited = (*cues_of()[:-1], Cue(21.2, 24.4, "We had something before us."))
    transcript = services.transcript(said)
    services._tools.store.transcripts.keep(said, type(transcript)(edited, "", "en"))
    made(services, said, "summary")
    assert len(questions(server)) == 3
    assert "something before us" in prompt_of(questions(server)[-1])


def test_a_translation_has_every_line_at_its_time(services, server, said):
    """Cue by cue: times, speakers and where the times came from are those of the lines it was made from."""
    run = made(services, said, "translation", language="es")
    transcript, before = services.transcript(run.id), services.transcript(said)
    assert [(c.start, c.end, c.speaker, c.timed_by) for c in transcript.cues] == [
        (c.start, c.end, c.speaker, c.timed_by) for c in before.cues
    ]
    assert [cue.text for cue in transcript.cues] == [f"¡{cue.text}!" for cue in before.cues]
    assert transcript.language == "es"
    assert run.health is None
    assert "Spanish" in prompt_of(questions(server)[0])
    srt = services.export(run.id, "srt").content.decode()
    assert "00:00:05,100 --> 00:00:08,500" in srt
    assert "¡It was the age of wisdom" in srt


def test_lines_that_an_answer_lacks_are_asked_for_again_and_alone(services, server, said):
    """What came is kept; only the missing numbers go into the next question, with what is said around them."""
    server.enqueue(Reply.answer("1| uno\n2| dos\n2| otra vez\n5| cinco\n6| seis\n9| nadie"))
    run = made(services, said, "translation", language="es")
    first, second = questions(server)
    assert sorted(numbered_of(first)) == [1, 2, 3, 4, 5, 6]
    assert sorted(numbered_of(second)) == [3, 4]
    assert "Said before these lines" in prompt_of(second)
    assert "age of foolishness" in prompt_of(second)
    texts = [cue.text for cue in services.transcript(run.id).cues]
    assert texts[:2] == ["uno", "dos"]
    assert texts[2].startswith("¡It was the epoch")
    assert texts[4:] == ["cinco", "seis"]
    assert str(run.cost_usd) == "0.00340"


def test_a_line_that_stays_missing_keeps_its_own_words_and_is_marked(services, server, said):
    """After two more questions in vain the line stays as it was said, and the run's health names it at its time; a
    repair asks anew."""
    server.enqueue(*[Reply.answer(f"{rest}1| uno\n2| dos\n4| cuatro\n5| cinco\n6| seis") for rest in ("", " ", "  ")])
    run = made(services, said, "translation", language="es")
    assert len(questions(server)) == 3
    assert services.transcript(run.id).cues[2].text == TWO_CITIES[2][2]
    (finding,) = run.health.findings
    assert (finding.kind, finding.start) == ("untranslated", 8.8)
    assert "epoch of belief" in finding.words
    repaired = services.repair(run.id, 0)
    repaired = wait_for(services, repaired, lambda run: run.state.is_over)
    assert services.transcript(run.id).cues[2].text.startswith("¡It was the epoch")
    assert repaired.health is None


def test_a_long_translation_goes_in_batches_and_loses_nothing(services, server, run_id):
    """Two hundred lines are asked in even batches of at most eighty, and every one has its own translation."""
    cues = many_cues(200)
    write_run(services._tools.store, run_id, LINK, cues, end=400.0)
    run = made(services, run_id, "translation", language="ja")
    asked = [sorted(numbered_of(request)) for request in questions(server)]
    assert len(asked) == len(run.parts) == 3
    assert sorted(number for numbers in asked for number in numbers) == list(range(1, 201))
    assert max(map(len, asked)) <= 80
    assert [cue.text for cue in services.transcript(run.id).cues] == [f"¡{cue.text}!" for cue in cues]


def test_an_answer_that_is_cut_off_is_asked_for_in_halves(services, server, said):
    """The model's limit of words costs a question, never a line."""
    server.enqueue(Reply.answer("1| uno", finish="length"))
    run = made(services, said, "translation", language="es")
    assert [sorted(numbered_of(request)) for request in questions(server)[1:]] == [[1, 2, 3], [4, 5, 6]]
    assert all(cue.text.startswith("¡") for cue in services.transcript(run.id).cues)
    assert str(run.cost_usd) == "0.00557"


def test_what_is_too_long_for_a_context_is_asked_in_stretches_and_joined(services, server, run_id):
    """A summary of more text than the model can hold: each stretch is asked about, and a last question makes one answer
    of them, told the length for the whole."""
    write_run(services._tools.store, run_id, LINK, many_cues(1500), end=3000.0)
    run = made(services, run_id, "summary", SMALL)
    *stretches, joining = questions(server)
    assert len(stretches) >= 2
    assert len(run.parts) == len(stretches) + 1
    assert "stretch 2 of" in "".join(map(prompt_of, stretches))
    assert f"each of its {len(stretches)} stretches" in prompt_of(joining)
    assert "[00:00]" not in prompt_of(joining)
    assert prompt_of(joining).count("It was the best of times [00:01].") >= 2
    assert services.transcript(run.id).text == "It was the best of times [00:01]."
    assert run.plan.reason.endswith("no picture and no sound leave this machine.")


def test_chapters_from_the_text_are_lines_with_times(services, server, said):
    """They stand on the video's own clock, in order and inside it."""
    server.enqueue(Reply.answer("[00:00] Times\n[00:08] Epochs\n[00:13] Seasons\n[09:59] Beyond"))
    run = made(services, said, "chapters")
    assert [(cue.start, cue.text) for cue in services.transcript(run.id).cues][:3] == [
        (0.0, "Times"),
        (8.0, "Epochs"),
        (13.0, "Seasons"),
    ]
    assert services.chapters.of(services.run(said))[1] == (8.0, "Epochs")


def test_chapters_of_a_long_text_follow_one_another(services, server, run_id):
    """Each stretch has its own; one that begins at zero again begins where its stretch does."""
    write_run(services._tools.store, run_id, LINK, many_cues(1500), end=3000.0)
    server.enqueue(*[Reply.answer("[00:00] First\n[00:20] Second")] * 9)
    run = made(services, run_id, "chapters", SMALL)
    assert len(run.parts) == len(questions(server)) >= 2
    starts = [cue.start for cue in services.transcript(run.id).cues]
    assert starts == sorted(starts)
    assert run.parts[1].start in starts


def test_only_the_lines_of_the_clip_are_asked_about(services, server, said):
    """From its beginning to its end, or in its stretches; a translation has these lines and no others."""
    run = made(services, said, "translation", language="es", start=8.0, end=18.0)
    assert [cue.start for cue in services.transcript(run.id).cues] == [8.8, 13.5, 17.3]
    asked = services.from_transcript.request(said, READER, task="summary", stretches=(Clip(0, 3), Clip(17, 22)))
    assert "3 lines" in services.plan(asked).reason


@pytest.mark.parametrize(
    ("model", "asked", "sentence"),
    [
        ("local/whisper-base", {"task": "summary"}, "Local models only write transcripts"),
        (READER, {"task": "translation"}, "Choose the language"),
    ],
)
def test_what_cannot_be_asked_of_a_text_is_refused_before(services, said, model, asked, sentence):
    """Local models and a translation into no language are told of in the plan; nothing is queued."""
    request = services.from_transcript.request(said, model, **asked)
    assert sentence in services.plan(request).refusal
    with pytest.raises(PlanRefused):
        services.submit(request)


def test_what_is_shown_needs_the_video(services, said):
    """A transcript does not tell what can be seen, and a model that only reads cannot be given a video."""
    with pytest.raises(InputError):
        services.from_transcript.request(said, READER, task="shown")
    refusal = services.plan(services.new_request(LINK, READER, task="shown")).refusal
    assert refusal.startswith("This model only reads")
    without_text = services.new_request(LINK, "google/gemini-3.8-flash", task="translation", language="de")
    assert "made from a transcript" in services.plan(without_text).refusal


def test_the_best_transcript_of_a_video_comes_first(services):
    """The newest of the whole video; one of a clip, a run for another task and one that failed come after or not."""
    store = services._tools.store
    link = replace(LINK, url="https://video.example/other.mp4")
    older, newer, chapters = (next(RUN_IDS) for _ in range(3))
    for run_id, task in ((older, "transcript"), (newer, "transcript"), (chapters, "chapters")):
        write_run(store, run_id, link, cues_of(), task=task)
    assert [run.id for run in services.from_transcript.transcripts_of(link)] == [newer, older]


def test_a_stretch_run_again_takes_nobodys_place(services, short_talking_video):
    """To ask about, to open, to look for words in and to take chapters from: the whole stays what it was."""
    store, source = services._tools.store, services.keep_file(short_talking_video)
    whole, again, chapters, other_chapters = (next(RUN_IDS) for _ in range(4))
    for run_id, task, lines, again_of in (
        (whole, "transcript", TWO_CITIES, None),
        (chapters, "chapters", TWO_CITIES[:3], None),
        (again, "transcript", TWO_CITIES[:1], whole),
        (other_chapters, "chapters", TWO_CITIES[:1], chapters),
    ):
        write_run(store, run_id, source, cues_of(lines), task=task, again_of=again_of)
    assert [run.id for run in services.from_transcript.transcripts_of(source)] == [whole]
    best, count = services.from_transcript.best_of_each(limit=50)
    assert whole in [run.id for run in best]
    assert again not in [run.id for run in best]
    assert count == len(best)
    (video,) = (video for video in services.library.videos().videos if video.id == source.video_id)
    assert (video.to_ask_about.id, video.to_open.id) == (whole, chapters)
    assert len(services.chapters.of(services.run(whole))) == 3
    (found,) = services.proposals.by_word(services.asset(source.asset_id), "best of times", 60)
    assert found.start < 1.2


def test_the_lines_that_are_asked_about_stay_the_same_through_edits(services, server, said):
    """Whoever edits the transcript while it is being translated moves no number: the lines were taken at the start."""
    server.enqueue(Reply.drip("1| uno\n2| dos\n3| tres\n4| cuatro\n5| cinco\n6| seis", delay=0.05, pieces=30))
    run = services.submit(services.from_transcript.request(said, READER, task="translation", language="es"))
    wait_for(services, run, lambda run: run.partial_text or (run.parts and run.parts[0].partial_text))
    transcript = services.transcript(said)
    services._tools.store.transcripts.keep(said, type(transcript)(transcript.cues[1:], "", "en"))
    run = wait_for(services, run, lambda run: run.state.is_over)
    assert [cue.text for cue in services.transcript(run.id).cues] == ["uno", "dos", "tres", "cuatro", "cinco", "seis"]
    assert services.transcript(run.id).cues[0].start == 1.2


def test_a_cancelled_translation_goes_on_from_what_it_has(services, server, run_id):
    """Cancel stops it, Retry asks only for the batches that were not answered."""
    write_run(services._tools.store, run_id, LINK, many_cues(200), end=400.0)
    server.enqueue(Reply.answer("1| wait"), Reply.silence(20), Reply.silence(20), Reply.silence(20))
    run = services.submit(services.from_transcript.request(run_id, READER, task="translation", language="es"))
    wait_for(services, run, lambda _: len(questions(server)) >= 3)
    services.cancel(run.id)
    assert services.run(run.id).state is RunState.CANCELLED
    again = services.retry(run.id)
    again = wait_for(services, again, lambda run: run.state.is_over)
    assert again.state is RunState.DONE
    assert all(cue.text for cue in services.transcript(run.id).cues)


def test_an_answer_is_counted_once_however_often_the_question_behind_it_fails(services, server, said):
    """The first of two questions is answered and the second refused, twice: the first costs what it cost."""
    server.enqueue(Reply.answer("1| uno\n2| dos\n3| tres", cost="0.01"), Reply.refusal(400, "no"))
    run = services.submit(services.from_transcript.request(said, READER, task="translation", language="es"))
    assert wait_for(services, run, is_over).cost_usd == Decimal("0.01")
    server.enqueue(Reply.refusal(400, "no"))
    assert wait_for(services, services.retry(run.id), is_over).cost_usd == Decimal("0.01")
    server.enqueue(Reply.answer("4| cuatro\n5| cinco\n6| seis", cost="0.02"))
    run = wait_for(services, services.retry(run.id), is_over)
    assert (run.state, run.cost_usd) == (RunState.DONE, Decimal("0.03"))
    assert len(questions(server)) == 4
