"""Questions about transcripts: the answer as it comes, and what it cites."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import asdict
from decimal import Decimal

from lib.cli.arguments import read_time
from lib.cli.command import Command
from lib.cli.exit_codes import DONE, FAILED
from lib.cli.ids import add_run, runs_named
from lib.cli.keys import known_key
from lib.cli.question import add_cap
from lib.cli.watch import POLL, stopped_with_us
from lib.cli.words import add_json, json_text, problem_words, say
from lib.domain.citations import citations_of
from lib.domain.conversation import Exchange, Look
from lib.errors import InputError
from lib.services import Services


def ask_runs(services: Services, options: argparse.Namespace) -> int:
    question = options.question
    if not options.look and (options.start is not None or options.end is not None):
        raise InputError("--start and --end choose what is looked at.", "Add --look.")
    run_ids = runs_named(services, options.run)
    look = Look(run_ids[0], options.start or 0.0, options.end) if options.look else None
    known = _known_conversation(services, options.conversation, run_ids)
    quoted = services.conversations.quote(run_ids, options.model, question=question, look=look, conversation_id=known)
    if quoted.estimate_usd is not None:
        say(f"About {quoted.prompt_tokens:,} tokens, ${quoted.estimate_usd:.4f} (estimate).")
    services.budget.check(quoted.estimate_usd or Decimal(0), options.max_usd)
    how = {
        "look": look,
        "key": known_key(services),
        "cap_usd": options.max_usd,
        "accepts_unknown_price": options.accept_unknown_price,
    }
    if known is None:
        exchange = services.conversations.begin(run_ids, question, options.model, **how)
    else:
        exchange = services.conversations.ask(known, question, options.model, **how)
    with stopped_with_us(services.conversations.stop, [exchange.id]):
        exchange = _hear_out(services, exchange, is_shown=not options.json)
    if options.json:
        print(json_text(_exchange_record(services, exchange)))
    if exchange.failure is not None:
        say(problem_words(exchange.failure))
        return FAILED
    cost = "" if exchange.cost_usd is None else f", ${exchange.cost_usd}"
    say(f"{exchange.state}{cost} (conversation {exchange.conversation_id})")
    return DONE if exchange.is_answered else FAILED


def _known_conversation(services: Services, name: str | None, run_ids: Sequence[str]) -> str | None:
    found = services.conversations.get(name) if name else None
    if name and (found is None or found.run_ids != tuple(run_ids)):
        raise InputError(f"There is no conversation {name!r} about these runs.", "Leave out --conversation.")
    return name


def _hear_out(services: Services, exchange: Exchange, *, is_shown: bool) -> Exchange:
    """The exchange once it is over; its answer is written to the standard output as it comes."""
    shown = ""
    while True:
        exchange = services.conversations.exchange(exchange.id) or exchange
        if is_shown and exchange.answer != shown:
            # After a fault the answer starts afresh.
            fresh = exchange.answer.removeprefix(shown) if exchange.answer.startswith(shown) else f"\n{exchange.answer}"
            print(fresh, end="", flush=True)
            shown = exchange.answer
        if exchange.state.is_over:
            if shown:
                print(flush=True)
            return exchange
        time.sleep(POLL)


def _exchange_record(services: Services, exchange: Exchange) -> dict[str, object]:
    conversation = services.conversations.get(exchange.conversation_id)
    cited = citations_of(exchange.answer, services.conversations.durations(conversation))
    return {
        "conversation": conversation.id,
        "runs": list(conversation.run_ids),
        "question": exchange.question,
        "model": exchange.asking.model_id,
        "looked": None if exchange.asking.look is None else asdict(exchange.asking.look),
        "state": exchange.state.value,
        "answer": exchange.answer,
        "citations": [
            {
                "run": conversation.run_ids[each.video - 1] if each.is_inside else None,
                "video": each.video,
                "start": each.start,
                "end": each.end,
                "inside": each.is_inside,
            }
            for each in cited
        ],
        "lines_read": exchange.reading and exchange.reading.lines,
        "lines": exchange.reading and exchange.reading.of_lines,
        "provider": exchange.provider,
        "prompt_tokens": exchange.usage.prompt_tokens,
        "completion_tokens": exchange.usage.completion_tokens,
        "cost_usd": None if exchange.cost_usd is None else float(exchange.cost_usd),
        "remembered": exchange.is_remembered,
        "error": exchange.failure and asdict(exchange.failure),
    }


def _ask_takes(parser: argparse.ArgumentParser) -> None:
    add_run(parser, nargs="+")
    parser.add_argument("question", metavar="QUESTION")
    parser.add_argument("--model", metavar="ID", required=True, help="any model of the catalogue")
    parser.add_argument("--look", action="store_true", help="send the video of the first run as well, all or a stretch")
    parser.add_argument("--start", type=read_time, metavar="T", help="where the stretch to look at begins")
    parser.add_argument("--end", type=read_time, metavar="T", help="where it ends")
    parser.add_argument("--conversation", metavar="ID", help="go on with this one")
    add_cap(parser)
    parser.add_argument("--accept-unknown-price", action="store_true", help="ask a model that has no price, too")
    add_json(parser, "as JSON, with what is cited")


ASK = Command(
    "ask", "ask about the transcripts of one run or several; answers cite their seconds", ask_runs, _ask_takes
)
