"""What stands in a conversation, in words and Markdown: citations as links to their second, and what an answer took."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from urllib.parse import urlencode

from lib.domain.citations import Citation, Piece, pieces_of
from lib.domain.conversation import Conversation, Exchange, Look, Quote, Reading
from lib.domain.model import Model
from lib.ui.markdown import CODE, safe_markdown
from lib.ui.model_words import senses_words
from lib.ui.words import clock, count_words, duration_words, estimate_words, money, plain, price_words

LinkTo = Callable[[Citation], str]
LONGEST_TITLE = 70
BETWEEN = {",": ", ", ";": "; ", "and": " and ", "&": " & "}
"""What stands between citations that shared a pair of brackets."""


def answer_markdown(text: str, durations: Sequence[float | None], link_to: LinkTo) -> str:
    """A model's answer, made safe to show, its citations links to their second. Those that are in no video that was
    asked about lead nowhere, and say so."""
    prose_and_code = CODE.split(safe_markdown(text))
    prose_and_code[::2] = [
        "".join(_piece(piece, durations, link_to) for piece in pieces_of(prose, durations))
        for prose in prose_and_code[::2]
    ]
    return "".join(prose_and_code)


def link_in(conversation: Conversation, here: str | None, starts: Sequence[Sequence[float]] = ()) -> LinkTo:
    """Where the citations of a conversation lead: to the player on the page of the run that is open (``here``), or to
    the page of their own run. ``starts`` are where the lines of each video begin."""

    def link_to(citation: Citation) -> str:
        place = (citation.video or 1) - 1
        run_id = conversation.run_ids[place]
        seconds = f"{_meant(citation.start, starts[place] if starts else ()):.10g}"
        return f"#t={seconds}" if run_id == here else f"transcript?{urlencode({'run': run_id, 't': seconds})}"

    return link_to


def _meant(seconds: float, starts: Sequence[float]) -> float:
    """Models are told whole seconds: the line that begins within this one is meant, if there is one."""
    place = bisect_left(starts, seconds)
    return starts[place] if place < len(starts) and starts[place] < seconds + 1 else seconds


def _piece(piece: Piece, durations: Sequence[float | None], link_to: LinkTo) -> str:
    citation = piece.citation
    if citation is None:
        return BETWEEN.get(piece.text.strip(), piece.text)
    words = citation_words(citation, several=len(durations) > 1)
    if citation.is_inside:
        return f"[{words}]({link_to(citation)})"
    why = "no video named" if citation.video is None else "not in the video"
    return f":orange-badge[:material/link_off: {words}: {why}]"


def citation_words(citation: Citation, *, several: bool) -> str:
    """``12:34``, ``12:34–13:10``; with the number of the video where there are several: ``2 · 12:34``."""
    words = clock(citation.start) + ("" if citation.end is None else f"–{clock(citation.end)}")
    return f"{citation.video} · {words}" if several and citation.video is not None else words


def conversation_words(conversation: Conversation) -> str:
    """A conversation as one line of a list: its first question."""
    title = conversation.title or "Nothing asked yet"
    return title if len(title) <= LONGEST_TITLE else f"{title[: LONGEST_TITLE - 2].rstrip()} …"


def listed_words(title: str, count: int, most: int) -> str:
    """How many of the ``count`` videos that are called so, or of all, are in a list of ``most``; and how to come to the
    others."""
    if title and count > most:
        return f"The newest {most:,} of {count:,} that are called so are listed. Another word finds the others."
    if title:
        return f"{count_words(count, 'video')} found." if count else "No video with a transcript is called so."
    return f"The newest {most:,} videos are listed. A search finds the {count_words(count - most, 'older one')}."


def exchange_facts(exchange: Exchange) -> str:
    """Who answered from what, for how many dollars and tokens."""
    tokens = (exchange.usage.prompt_tokens or 0) + (exchange.usage.completion_tokens or 0)
    facts = [
        exchange.asking.model_id,
        basis_words(exchange.asking.look),
        "" if exchange.reading is None else reading_words(exchange.reading),
        count_words(tokens, "token") if tokens else "",
        _cost_words(exchange),
        "" if exchange.seconds is None else duration_words(exchange.seconds),
    ]
    return plain(" · ".join(fact for fact in facts if fact))


def _cost_words(exchange: Exchange) -> str:
    if exchange.is_remembered:
        return "$0 (answered before)"
    if exchange.cost_usd is not None:
        return money(exchange.cost_usd)
    return "cost not reported" if exchange.is_answered else ""


def basis_words(look: Look | None) -> str:
    """What an answer rests on: ``from the transcript``, ``with the video``, ``with the video from 0:10 to 0:20``."""
    if look is None:
        return "from the transcript"
    if not look.start and look.end is None:
        return "with the video"
    return f"with the video from {clock(look.start)} to {'its end' if look.end is None else clock(look.end)}"


def reading_words(reading: Reading) -> str:
    """Nothing where all lines were read."""
    return "" if reading.is_whole else f"read {reading.lines:,} of {count_words(reading.of_lines, 'line')}"


def quote_words(quote: Quote, model: Model) -> str:
    """What the next question would take, before anything is sent."""
    tokens = quote.prompt_tokens + quote.completion_tokens
    words = f"A question sends about {count_words(tokens, 'token')}: {estimate_words(model, quote.estimate_usd)}."
    if quote.reading is not None and not quote.reading.is_whole:
        words += (
            f" The transcript does not fit this model: of its {quote.reading.of_lines:,} lines, about "
            f"{quote.reading.lines:,} that matter to the question are read."
        )
    return words


def model_words(model: Model) -> str:
    """A model as one line of the list of those who can be asked."""
    senses = "" if not (model.sees or model.hears) else senses_words(model)
    return " · ".join(words for words in (model.name, senses, price_words(model)) if words)
