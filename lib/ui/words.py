"""Words and colours for states, stages, sizes, money and times: how the app says what it knows.

All but ``render_failure`` is pure. Colours are Streamlit's names (green, red, ...), which both
themes know. Text that a model or a stranger wrote goes through :func:`plain` (one line) or
:func:`lib.ui.markdown.safe_markdown` (a document) before it meets Markdown.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from lib.domain.captions import UNKNOWN_LANGUAGE, CaptionKind, CaptionTrack, is_captions
from lib.domain.excerpt import Excerpt
from lib.domain.languages import language_name
from lib.domain.media import AudioStream
from lib.domain.model import Model, is_local_id
from lib.domain.plan import MEGABYTE, Plan, Quality, Route, RouteChoice, SizeVerdict, Times
from lib.domain.run import Failure, PartState, Run, RunRequest, RunState, Stage
from lib.domain.transcript import TimedBy
from lib.formats.counts import counted
from lib.formats.csv_table import COMMANDS
from lib.formats.text import in_order
from lib.formats.timecode import format_length

if TYPE_CHECKING:
    from lib.errors import CuewiseError

UNKNOWN = "—"
"""What stands where a figure is not known."""

STATE_WORDS = {
    RunState.QUEUED: "Queued",
    RunState.RUNNING: "Running",
    RunState.DONE: "Done",
    RunState.FAILED: "Failed",
    RunState.CANCELLED: "Cancelled",
}
STATE_COLOURS = {
    RunState.QUEUED: "gray",
    RunState.RUNNING: "blue",
    RunState.DONE: "green",
    RunState.FAILED: "red",
    RunState.CANCELLED: "orange",
}
STATE_ICONS = {
    RunState.QUEUED: ":material/schedule:",
    RunState.RUNNING: ":material/progress_activity:",
    RunState.DONE: ":material/check_circle:",
    RunState.FAILED: ":material/error:",
    RunState.CANCELLED: ":material/block:",
}
PART_WORDS = {
    PartState.WAITING: "waiting",
    PartState.PREPARING: "preparing",
    PartState.ASKING: "asking",
    PartState.OK: "done",
    PartState.REPAIRED: "repaired",
    PartState.FAILED: "failed",
}
PART_COLOURS = {
    PartState.WAITING: "gray",
    PartState.PREPARING: "blue",
    PartState.ASKING: "blue",
    PartState.OK: "green",
    PartState.REPAIRED: "green",
    PartState.FAILED: "red",
}
SIZE_WORDS = {
    SizeVerdict.FITS: "Fits",
    SizeVerdict.LARGE: "Large: may be refused",
    SizeVerdict.TOO_LARGE: "Too large: will be compressed",
}
SIZE_COLOURS = {SizeVerdict.FITS: "green", SizeVerdict.LARGE: "orange", SizeVerdict.TOO_LARGE: "red"}
ROUTE_WORDS = {
    Route.LOCAL: "On this machine",
    Route.LINK: "The link itself, no download",
    Route.AS_IS: "The file as it is",
    Route.CUT: "Cut, not re-encoded",
    Route.AUDIO: "Sound only",
    Route.KEY_FRAMES: "Compressed from its key frames",
    Route.VIDEO: "Compressed video",
    Route.TEXT: "The transcript's text",
}
ROUTE_CHOICES = {
    Route.LINK: RouteChoice.LINK,
    Route.AS_IS: RouteChoice.AS_IS,
    Route.AUDIO: RouteChoice.AUDIO,
    Route.CUT: RouteChoice.VIDEO,
    Route.KEY_FRAMES: RouteChoice.VIDEO,
    Route.VIDEO: RouteChoice.VIDEO,
}
"""What the user asks for to get a route; on this machine, and with a text, there is nothing to ask for."""
TIMED_BY_WORDS = {
    TimedBy.AUDIO: "time heard in the audio",
    TimedBy.MODEL: "time given by the model",
    TimedBy.PART: "time estimated within its part",
    TimedBy.CAPTIONS: "time from the captions",
    TimedBy.EDITED: "time set by hand",
}
CAPTION_KIND_WORDS = {
    CaptionKind.HUMAN: "Captions by people",
    CaptionKind.AUTOMATIC: "Automatic captions",
    CaptionKind.FILE: "Captions from a file",
}
QUALITY_WORDS = {Quality.SPEECH: "Speech", Quality.VISUAL: "Visual detail"}
QUALITY_MEANING = {
    Quality.SPEECH: "Small pictures: enough to know who speaks.",
    Quality.VISUAL: "Sharper pictures: text on the screen can be read. Larger to send.",
}
TIMES_WORDS = {Times.AUDIO: "From the sound", Times.MODEL: "The model's own"}
TIMES_MEANING = {
    Times.AUDIO: "This machine listens as well, and each line stands where it is heard.",
    Times.MODEL: "Nothing is listened to here. Models lose the clock after some minutes.",
}
JOINER = "\u2060"
"""An invisible character that parts what Streamlit would turn into something else after Markdown is read."""
TYPOGRAPHY = re.compile(r"(?<=[-<>~=:])(?=[-<>~=])|(?<=:)(?=[\w/+])|(?<=www)(?=\.)|(?<=\w)(?=@)", re.IGNORECASE)
"""Where ``->``, ``--``, ``>=``, ``:smile:``, ``https://``, ``www.`` and ``a@b`` begin: escapes do not stop those."""
MARKDOWN_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~$:&^=])")


def stage_words(run: Run) -> str:
    """What the run is doing now, with its numbers: ``downloading 43%``, ``asking 3 of 7``."""
    if run.state is RunState.QUEUED:
        return "waiting for its turn"
    if run.state is not RunState.RUNNING:
        return STATE_WORDS[run.state].lower()
    if run.stage in (Stage.PREPARING, Stage.ASKING) and len(run.parts) > 1:
        return f"{run.stage} {_part_number(run)} of {len(run.parts)}"
    if run.stage in (Stage.DOWNLOADING, Stage.LISTENING, Stage.PREPARING) and run.progress is not None:
        return f"{run.stage} {percent_words(run.progress)}"
    if run.stage is Stage.WAITING and is_local_id(run.request.model_id):
        return "waiting for its turn: this machine listens to one at a time"
    return str(run.stage)


def _part_number(run: Run) -> int:
    """The number, from 1, of the part that the run is at."""
    passed = {PartState.OK, PartState.REPAIRED, PartState.FAILED}
    if run.stage is Stage.PREPARING:
        passed = passed | {PartState.ASKING}
    return min(len(run.parts), sum(part.state in passed for part in run.parts) + 1)


def run_sentence(run: Run) -> str:
    """The stage with the run's own note (speed, time left) when it has one: ``Downloading 43% · 2.1 MB/s``. The note
    alone where it begins with the stage: ``Listening, 24%``."""
    words, note = stage_words(run), "" if run.state.is_over or run.note == run.stage else run.note
    sentence = note if note.startswith(f"{run.stage},") else f"{words} · {note}" if note else words
    return sentence[:1].upper() + sentence[1:]


def percent_words(progress: float) -> str:
    return f"{min(max(progress, 0.0), 1.0) * 100:.0f}%"


def verdict_words(plan: Plan) -> str:
    """The size verdict with what will be done about it, or nothing when no bytes of ours are judged."""
    if plan.verdict is None:
        return ""
    if plan.verdict is SizeVerdict.TOO_LARGE and plan.route is Route.AUDIO:
        return "Too large: only its sound will be sent"
    if plan.verdict is not SizeVerdict.FITS and plan.route is Route.LOCAL:
        return SIZE_WORDS[SizeVerdict.FITS]
    return SIZE_WORDS[plan.verdict]


def money(usd: Decimal | None, *, estimate: bool = False) -> str:
    """``$0.0123``, ``$4.50``, ``under $0.0001``, ``price unknown``; an estimate says that it is one."""
    if usd is None:
        return "price unknown"
    if usd == 0:
        words = "$0"
    elif usd < Decimal("0.0001"):
        words = "under $0.0001"
    elif usd < 1:
        words = f"${usd:.4f}"
    else:
        words = f"${usd:,.2f}"
    return f"{words} (estimate)" if estimate else words


def estimate_words(model: Model, usd: Decimal | None) -> str:
    """What a run is expected to cost: ``$0.0123 (estimate)``, ``free``, ``free and private``, ``price unknown``."""
    if model.is_local:
        return "free and private"
    if model.is_free:
        return "free"
    return money(usd, estimate=True)


def price_words(model: Model) -> str:
    """A model's price: ``free and private``, ``free``, ``price unknown``, or dollars per million tokens."""
    if model.is_local:
        return "free and private"
    if model.price is None:
        return "price unknown"
    if model.is_free:
        return "free"
    prompt, completion = model.price.prompt * MEGABYTE, model.price.completion * MEGABYTE
    return f"${prompt:,.2f} in, ${completion:,.2f} out per million tokens"


def cost_words(run: Run) -> str:
    """What a run has cost so far, from what the provider billed."""
    if is_local_id(run.request.model_id):
        return "free and private"
    if is_captions(run.request.model_id):
        return "free"
    if run.from_cache:
        return "$0 (answered before)"
    if run.cost_usd is None:
        return "cost not reported" if run.state is RunState.DONE else UNKNOWN
    return money(run.cost_usd)


def captions_words(track: CaptionTrack) -> str:
    """``Captions by people, English``; ``Automatic captions, German``; ``Captions from a file``."""
    language = "" if track.language == UNKNOWN_LANGUAGE else f", {track.language_words}"
    return f"{CAPTION_KIND_WORDS[track.kind]}{language}"


def bytes_words(size_bytes: int | None) -> str:
    """Megabytes with one decimal (10^6 bytes, as providers count); gigabytes from 1,000 MB."""
    if size_bytes is None:
        return UNKNOWN
    if size_bytes >= 1000 * MEGABYTE:
        return f"{size_bytes / (1000 * MEGABYTE):.1f} GB"
    if 0 < size_bytes < MEGABYTE / 10:
        return "under 0.1 MB"
    return f"{size_bytes / MEGABYTE:.1f} MB"


def duration_words(seconds: float | None) -> str:
    """A length of time for a reader: ``0.8 s``, ``42 s``, ``3 min 05 s``, ``1 h 02 min``."""
    return UNKNOWN if seconds is None else format_length(seconds)


def clock(seconds: float) -> str:
    """A place in a video: ``0:07``, ``12:30``, ``1:02:03``."""
    whole = int(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def clip_words(request: RunRequest) -> str:
    """Which part of the video a run is about: ``1:30 to 4:00``, ``3 stretches, 4 min 10 s``; nothing for the whole."""
    if request.stretches:
        seconds = Excerpt(request.stretches).duration
        return f"{count_words(len(request.stretches), 'stretch', 'stretches')}, {duration_words(seconds)}"
    if not request.start and request.end is None:
        return ""
    return f"{clock(request.start)} to {'the end' if request.end is None else clock(request.end)}"


def exact_clock(seconds: float) -> str:
    """A place to the hundredth of a second: ``0:07.0``, ``1:02:03.25``."""
    hundredths = round(seconds * 100)
    fraction = f"{hundredths % 100:02d}"
    return f"{clock(hundredths // 100)}.{fraction[0] if fraction[1] == '0' else fraction}"


def count_words(number: int | None, noun: str, plural: str | None = None) -> str:
    """``1 part``, ``7 parts``, ``12,400 tokens``; a dash for a number that nobody knows."""
    return UNKNOWN if number is None else counted(number, noun, plural)


def stretch_words(start: float, end: float) -> str:
    """A stretch of a video: ``0:00–5:02``."""
    return f"{clock(start)}–{clock(end)}"


def parts_words(lengths: Sequence[float]) -> str:
    """How many parts, and how long about, from their lengths in seconds: ``1 part``, ``7 parts of about 5 minutes``."""
    words = count_words(len(lengths), "part")
    if len(lengths) < 2:
        return words
    mean = sum(lengths) / len(lengths)
    length = f"{mean:.0f} s" if mean < 57 else count_words(round(mean / 60) or 1, "minute")
    return f"{words} of about {length}"


def track_words(number: int, stream: AudioStream) -> str:
    """A track of sound among several, counted from 1: ``2 · German · Commentary · stereo``."""
    channels = {1: "mono", 2: "stereo", 6: "5.1"}.get(stream.channels, count_words(stream.channels, "channel"))
    language = language_name(stream.language) if stream.language else ""
    return " · ".join(words for words in (str(number), language, stream.title, channels) if words)


def ago_words(moment: datetime | None, now: datetime | None = None) -> str:
    """How long ago: ``just now``, ``5 min ago``, ``3 h ago``, ``2 days ago``, else the date. Both are aware."""
    if moment is None:
        return UNKNOWN
    seconds = ((now or datetime.now(UTC)) - moment).total_seconds()
    if seconds < 60:
        return "just now"
    if seconds < 3600:
        return f"{int(seconds // 60)} min ago"
    if seconds < 86_400:
        return f"{int(seconds // 3600)} h ago"
    if seconds < 14 * 86_400:
        return f"{count_words(int(seconds // 86_400), 'day')} ago"
    return f"{moment:%-d %B %Y}"


def elapsed_seconds(run: Run, now: datetime | None = None) -> float | None:
    """Seconds that the run has worked, still counting while it runs; None before it starts."""
    if run.seconds is not None and run.state.is_over:
        return run.seconds
    if run.started is None:
        return None
    return max(0.0, ((run.finished or now or datetime.now(UTC)) - run.started).total_seconds())


def plain(text: str) -> str:
    """Text of others as one line of Markdown that shows exactly these characters: no markup, no links, no maths.

    Only what would turn the order of the letters about, of ours behind it too, is left out.
    """
    line = TYPOGRAPHY.sub(JOINER, " ".join(in_order(text).split()))
    return MARKDOWN_SPECIAL.sub(r"\\\1", line)


def cell(text: str) -> str:
    """Text of others in a table: whoever downloads the table and opens it in a spreadsheet runs nothing.

    The invisible character keeps what looks like a formula a text, and the table as it was.
    """
    return JOINER + text if text.startswith(COMMANDS) or text.lstrip().startswith(COMMANDS) else text


def error_words(error: CuewiseError) -> Failure:
    """An error as the failure that is stored and shown."""
    return Failure(code=error.code, message=str(error), hint=error.hint)


def state_badge(state: RunState) -> str:
    """A run's state in Markdown: its word in its colour, with its sign."""
    return f":{STATE_COLOURS[state]}-badge[{STATE_ICONS[state]} {STATE_WORDS[state]}]"


def render_failure(failure: Failure | CuewiseError) -> None:
    """Draw what happened and, below it, what to do next."""
    import streamlit as st

    shown = failure if isinstance(failure, Failure) else error_words(failure)
    hint = f"\n\n{plain(shown.hint)}" if shown.hint else ""
    st.error(f"**{plain(shown.message)}**{hint}", icon=":material/error:")
