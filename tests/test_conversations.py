"""Conversations: questions asked of a server on loopback by a real worker, which is stopped, killed and cut off."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from decimal import Decimal

import pytest

from lib.domain.budget import CallPrice
from lib.domain.citations import citations_of
from lib.domain.conversation import Exchange, Look
from lib.domain.media import Source, SourceKind
from lib.domain.run import RunState
from lib.domain.transcript import Cue
from lib.errors import InputError, KeyMissing, NothingThere, PlanRefused, StillAnswering
from lib.services import Services, open_services
from tests.editing_fixtures import cues_of, write_run
from tests.fakes.openrouter_server import FakeOpenRouter, Reply
from tests.waiting import is_over, look_until

GEMINI, READER, SMALL, FREE = (
    "google/gemini-3.8-flash",
    "deepseek/deepseek-v4",
    "mistralai/voxtral-small",
    "google/gemma-4-31b-it:free",
)
ANSWER = "It was the **best** and the worst [00:01], the age of wisdom [00:05-00:08] and of more [59:00]."
SLOW = Reply.drip(ANSWER * 3, delay=0.1, pieces=60)


@pytest.fixture
def server():
    with FakeOpenRouter(answer=ANSWER) as server:
        yield server


@pytest.fixture
def run_id(services, talking_video) -> str:
    """A run over 44 s of talking video, done."""
    return write_video(services, services.keep_file(talking_video))


def write_video(services: Services, source: Source, run_id: str = "a" * 32, cues: tuple[Cue, ...] = cues_of()) -> str:
    return write_run(services._tools.store, run_id, source, cues)


def wait_for(
    services: Services, exchange: Exchange, condition: Callable[[Exchange], object], seconds: float = 90
) -> Exchange:
    return look_until(lambda: services.conversations.exchange(exchange.id), condition, seconds)


def ask(services: Services, run_id: str, question: str = "What was it?", model_id: str = GEMINI, **more) -> Exchange:
    return services.conversations.begin([run_id], question, model_id, **more)


def asked(server: FakeOpenRouter) -> list:
    return [request for request in server.history if request.method == "POST"]


def said(request) -> list[tuple[str, str]]:
    """What a request held, by who says it."""
    return [
        (each["role"], "".join(part.get("text", "") for part in each["content"])) for each in request.body["messages"]
    ]


def test_an_answer_streams_and_cites_what_the_transcript_says(services, server, run_id):
    """The question goes with every line and its time; the answer grows, and then says what it took and cites."""
    server.enqueue(SLOW)
    exchange = ask(services, run_id)
    growing = wait_for(services, exchange, lambda each: "wisdom" in each.answer)
    assert growing.state is RunState.RUNNING
    done = wait_for(services, exchange, is_over)
    assert (done.state, done.answer) == (RunState.DONE, ANSWER * 3)
    assert done.cost_usd == Decimal("0.00123")
    assert (done.reading.lines, done.reading.of_lines) == (6, 6)
    (instructions, question) = said(asked(server)[0])
    assert question == ("user", "What was it?")
    assert "[00:01] Speaker 1: It was the best of times" in instructions[1]
    assert "two cities" in instructions[1]
    conversation = services.conversations.get(done.conversation_id)
    assert [each.is_inside for each in citations_of(done.answer, services.conversations.durations(conversation))] == [
        True,
        True,
        False,
    ]


def test_what_was_asked_before_goes_along(services, server, run_id):
    """The second question of a conversation is sent with the first and its answer."""
    first = ask(services, run_id)
    wait_for(services, first, is_over)
    second = services.conversations.ask(first.conversation_id, "And then?", READER)
    assert wait_for(services, second, is_over).state is RunState.DONE
    assert said(asked(server)[1])[1:] == [("user", "What was it?"), ("assistant", ANSWER), ("user", "And then?")]
    assert [each.question for each in services.conversations.get(first.conversation_id).exchanges] == [
        "What was it?",
        "And then?",
    ]


def test_several_videos_are_numbered_and_cited_by_number(services, server, run_id, beckett):
    """Each transcript stands under its number, and the model is told to name it."""
    other = write_video(services, services.keep_file(beckett), "b" * 32, (Cue(1.0, 2.0, "Ever tried."),))
    server.answer = "One says so [1, 0:05], the other [2, 0:01] and not [2, 0:30]."
    conversation = services.conversations.start([run_id, other])
    done = wait_for(services, services.conversations.ask(conversation.id, "Who?", GEMINI), is_over)
    instructions = said(asked(server)[0])[0][1]
    assert instructions.index("recording 1") < instructions.index("recording 2") < instructions.index("Ever tried.")
    assert "[2, 12:34]" in instructions
    found = citations_of(done.answer, services.conversations.durations(conversation))
    assert [(each.video, each.start, each.is_inside) for each in found] == [(1, 5, True), (2, 1, True), (2, 30, False)]
    assert services.conversations.about(other)[0].id == conversation.id


def test_of_a_transcript_too_long_for_the_model_what_matters_is_sent(services, server):
    """Ten hours for a model of 32,000 tokens: the passage that speaks of it is there, and the answer says how much was
    read."""
    lines = [f"And so we come to point {number} of the long agenda of today." for number in range(7200)]
    lines[5000] = "The budget for the telescope is twelve thousand."
    cues = tuple(Cue(5.0 * at, 5.0 * at + 4, text) for at, text in enumerate(lines))
    link = Source(SourceKind.LINK, "Long", url="https://video.example/long.mp4", duration=36_000.0)
    exchange = ask(services, write_video(services, link, cues=cues), "What does the telescope cost?", SMALL)
    done = wait_for(services, exchange, is_over)
    assert done.state is RunState.DONE, done.failure
    assert 0 < done.reading.lines < done.reading.of_lines == 7200
    instructions = said(asked(server)[0])[0][1]
    assert "[6:56:40] The budget for the telescope" in instructions
    assert "[…]" in instructions
    assert len(instructions) < 32_000 * 4


def test_a_fault_in_the_middle_is_told_and_tried_again(services, server, run_id):
    """Credit that runs out mid-answer: what had come is kept with the reason, and Try again goes to the end."""
    server.enqueue(Reply.refusal_mid_stream(402, "Insufficient credits", before="It was the best"))
    failed = wait_for(services, ask(services, run_id), is_over)
    assert (failed.state, failed.failure.code) == (RunState.FAILED, "OutOfCredit")
    assert failed.answer == "It was the best"
    assert "Try again" in failed.failure.hint
    services.conversations.try_again(failed.id)
    done = wait_for(services, failed, is_over)
    assert (done.state, done.answer, done.failure) == (RunState.DONE, ANSWER, None)


def test_an_answer_cut_off_at_its_limit_keeps_its_text_and_its_bill(services, server, run_id):
    """What was said and paid for stays, beside the reason; the second attempt is added to the bill."""
    server.enqueue(Reply.answer("It was the", finish="length", cost="0.5"))
    failed = wait_for(services, ask(services, run_id), is_over)
    assert (failed.failure.code, failed.answer, failed.cost_usd) == ("AnswerTruncated", "It was the", Decimal("0.5"))
    services.conversations.try_again(failed.id)
    assert wait_for(services, failed, is_over).cost_usd == Decimal("0.5") + Decimal("0.00217")


def test_a_question_keeps_to_a_cap_of_its_own(services, server, run_id):
    """What could break it is not sent, also when it is tried again; without one, that of Settings holds: none."""
    conversation = services.conversations.start([run_id])
    capped = services.conversations.ask(conversation.id, "What was it?", GEMINI, cap_usd=Decimal("0.0000001"))
    for _ in range(2):
        failed = wait_for(services, capped, is_over)
        assert failed.failure.code == "CapReached"
        assert "higher cap" in failed.failure.hint
        services.conversations.try_again(capped.id)
    assert wait_for(services, capped, is_over).failure.code == "CapReached"
    assert asked(server) == []
    free = services.conversations.ask(conversation.id, "What was it?", GEMINI)
    assert wait_for(services, free, is_over).is_answered


def test_stop_hangs_up_and_keeps_what_had_come(services, server, run_id):
    """Stop takes at once, also for the next question of the conversation."""
    server.enqueue(Reply.drip(ANSWER * 9, delay=0.1, pieces=200))
    exchange = ask(services, run_id)
    wait_for(services, exchange, lambda each: "best" in each.answer)
    with pytest.raises(StillAnswering):
        services.conversations.ask(exchange.conversation_id, "And then?", GEMINI)
    services.conversations.stop(exchange.id)
    stopped = services.conversations.exchange(exchange.id)
    assert stopped.state is RunState.CANCELLED
    assert "best" in stopped.answer
    assert asked(server)[-1].was_cut_off.wait(10)
    following = services.conversations.ask(exchange.conversation_id, "And then?", GEMINI)
    assert wait_for(services, following, is_over).state is RunState.DONE


def test_a_worker_killed_in_the_middle_says_so_and_never_asks_by_itself(services, server, run_id):
    """kill -9 while an answer streams: nobody pays twice unasked. What had come is kept, and Try again asks anew."""
    server.enqueue(SLOW)
    exchange = ask(services, run_id)
    wait_for(services, exchange, lambda each: "best" in each.answer)
    os.kill(services._worker._process.pid, signal.SIGKILL)
    lost = wait_for(services, exchange, is_over)
    assert (lost.state, lost.failure.code) == (RunState.FAILED, "AnswerLost")
    assert "best" in lost.answer
    assert "billed" in lost.failure.hint
    assert len(asked(server)) == 1
    services.conversations.try_again(exchange.id)
    assert wait_for(services, exchange, is_over).state is RunState.DONE
    assert services.conversations.try_again(exchange.id).state is RunState.DONE  # it has its answer: nothing to pay for
    assert len(asked(server)) == 2


def test_a_worker_killed_before_the_question_was_sent_sends_it_once(services, server, run_id):
    """Queued, and killed: the next worker asks, and nobody has to press anything."""
    services.ensure_worker()
    os.kill(services._worker._process.pid, signal.SIGKILL)
    assert wait_for(services, ask(services, run_id), is_over).state is RunState.DONE
    assert len(asked(server)) == 1


def test_a_worker_killed_while_its_question_waits_for_money_sends_it_once(services, server, run_id):
    """Another call holds what the month's cap leaves: nothing was sent, so nothing is lost. Once there is room, the
    next worker asks by itself."""
    services.save_preferences(replace(services.preferences(), monthly_cap_usd=Decimal(1)))
    payments = services._tools.store.payments
    other, _ = payments.reserve("other", CallPrice(Decimal(1), Decimal(1)), {}, "elsewhere")
    exchange = ask(services, run_id)
    wait_for(services, exchange, lambda each: each.note.startswith("waiting until"))
    os.kill(services._worker._process.pid, signal.SIGKILL)
    payments.release(other)
    assert wait_for(services, exchange, is_over).state is RunState.DONE
    assert len(asked(server)) == 1


def test_the_same_question_is_paid_for_once(services, server, run_id):
    """Asked again in a new conversation: the answer that is kept comes back for nothing, and says so."""
    wait_for(services, ask(services, run_id), is_over)
    again = wait_for(services, ask(services, run_id), is_over)
    assert (again.is_remembered, again.cost_usd, again.answer) == (True, 0, ANSWER)
    assert len(asked(server)) == 1


def test_looking_again_sends_the_stretch_with_the_question(services, server, run_id):
    """An mp4 of the stretch comes before the text, the model is told where it begins, and the price is told before."""
    without = services.conversations.quote([run_id], GEMINI)
    look = Look(run_id, 10.0, 20.0)
    quoted = services.conversations.quote([run_id], GEMINI, look=look)
    assert quoted.estimate_usd > without.estimate_usd > 0
    assert quoted.prompt_tokens == pytest.approx(without.prompt_tokens + 910 + 400, abs=50)
    assert not asked(server)
    done = wait_for(services, ask(services, run_id, look=look), is_over)
    assert done.state is RunState.DONE, done.failure
    (request,) = asked(server)
    assert request.content[0]["type"] == "video_url"
    assert request.media[0].is_valid
    assert "from 0:10 to 0:20" in request.content[1]["text"]
    assert done.usage.video_tokens == 1980
    assert done.asking.look == look


@pytest.mark.parametrize(
    ("model_id", "look", "words"),
    [
        ("local/whisper-base", None, "only write transcripts"),
        (READER, Look("a" * 32), "only reads"),
        (GEMINI, Look("a" * 32, 60.0), "after the end"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_anything_is_sent(services, server, run_id, model_id, look, words):
    """Local models, readers that are to look, stretches outside the video."""
    assert words in services.conversations.quote([run_id], model_id, look=look).refusal
    with pytest.raises(PlanRefused, match=words):
        ask(services, run_id, model_id=model_id, look=look)
    assert not asked(server)


def test_without_lines_a_key_or_a_question_nothing_is_queued(tmp_path, server, services, run_id):
    """Each is refused with what to do."""
    empty = write_video(services, services._tools.store.runs.get(run_id).request.source, "c" * 32, ())
    with pytest.raises(NothingThere):
        services.conversations.start([empty])
    with pytest.raises(InputError):
        services.conversations.start([])
    with pytest.raises(InputError):
        ask(services, run_id, "  ")
    keyless_settings = replace(services.settings, openrouter_api_key=None)
    with closing(open_services(keyless_settings)) as keyless, pytest.raises(KeyMissing):
        ask(keyless, run_id)
    assert not asked(server)
    assert services.conversations.all() == []


def test_a_free_model_answers_for_nothing(services, server, run_id):
    """Its questions stand in the row of free models, and cost nothing."""
    done = wait_for(services, ask(services, run_id, model_id=FREE), is_over)
    assert (done.state, done.cost_usd) == (RunState.DONE, 0)


def test_what_questions_cost_is_in_the_sum_of_the_month_also_when_they_are_deleted(services, server, run_id):
    """Deleting a conversation takes its questions, answers and jobs along, and leaves its dollars."""
    exchange = wait_for(services, ask(services, run_id), is_over)
    (month,) = services.library.spending_by_month()
    assert month.usd == exchange.cost_usd
    services.conversations.delete(exchange.conversation_id)
    assert services.conversations.all() == []
    assert services.library.spending_by_month() == [month]
    with services._tools.store._engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM generation").scalar() == 0
    assert not services._open_jobs().is_over(exchange.id, 1)


def test_a_deleted_run_takes_its_conversations_along(services, server, run_id):
    """They say what was said in it; the dialog counts them first."""
    exchange = wait_for(services, ask(services, run_id), is_over)
    assert services.library.farewell_to_run(run_id).conversations == 1
    services.library.delete_run(run_id)
    assert services.conversations.get(exchange.conversation_id) is None
    assert services.library.spending_by_month()[0].usd == exchange.cost_usd
