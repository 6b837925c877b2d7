"""Markdown: the facts, then lines whose times lead back to the video."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from lib.domain.transcript import Transcript
from lib.formats.export import ExportFacts, ExportOptions, paragraphs
from lib.formats.text import encodable, one_line, without_control
from lib.formats.timecode import format_clock

_SPECIAL = re.compile(r"[\\`*_\[\]<>|~$]|&(?=#?\w+;)|:(?=//)|@(?=\w)|(?<=www)\.", re.IGNORECASE)
_LINE_START = re.compile(r"^(?:[#+=-]|\d+(?=[.)]))")


def render_markdown(transcript: Transcript, facts: ExportFacts, options: ExportOptions) -> str:
    """Title, a table of facts, and the cues as paragraphs whose times link into the video at ``facts.url``.

    Spoken text is shown as it is: nothing in it turns into markup, a link, an image or HTML. An answer without
    times is Markdown already and keeps its layout; only its images and HTML are made plain.
    """
    blocks = [f"# {escape(facts.title) or 'Untitled'}", _facts_table(facts)]
    if not transcript.cues:
        blocks.append(plain_images(without_control(encodable(transcript.text)).strip()))
    elif options.with_times:
        for cue in transcript.cues:
            speaker = escape(cue.speaker or "") if options.with_speakers else ""
            label = f"**{speaker}:** " if speaker else ""
            blocks.append(f"{_time(cue.start, facts.url)} {label}{escape(cue.text)}".rstrip())
    else:
        for speaker, text in paragraphs(transcript.cues, options.with_speakers):
            blocks.append(f"**{escape(speaker)}:** {escape(text)}" if speaker else escape(text))
    return "\n\n".join(block for block in blocks if block) + "\n"


def escape(text: str) -> str:
    """The text on one line, so that Markdown shows it letter by letter."""
    plain = _SPECIAL.sub(lambda found: "\\" + found[0], one_line(text))
    return _LINE_START.sub(lambda found: found[0] + "\\" if found[0].isdigit() else "\\" + found[0], plain)


def link_at(url: str | None, seconds: float) -> str | None:
    """The link that opens the video at this second: ``&t=83s`` for YouTube, ``#t=83`` for others.

    None for anything but an http link.
    """
    if not (parts := _http(url)):
        return None
    at = max(0, int(seconds))
    host = (parts.hostname or "").removeprefix("www.").removeprefix("m.").removeprefix("music.")
    if host in {"youtube.com", "youtu.be", "youtube-nocookie.com"}:
        query = [(key, value) for key, value in parse_qsl(parts.query) if key not in {"t", "start"}]
        return _safe(urlunsplit(parts._replace(query=urlencode([*query, ("t", f"{at}s")]), fragment="")))
    fragment = [pair for pair in parts.fragment.split("&") if pair and not pair.startswith("t=")]
    return _safe(urlunsplit(parts._replace(fragment="&".join([*fragment, f"t={at}"]))))


def _time(seconds: float, url: str | None) -> str:
    clock = format_clock(seconds)
    link = link_at(url, seconds)
    return f"[{clock}]({link})" if link else clock


def _facts_table(facts: ExportFacts) -> str:
    url = _http(facts.url)
    rows = [
        ("Video", f"<{_safe(urlunsplit(url))}>" if url else None),
        ("Duration", format_clock(facts.duration) if facts.duration else None),
        ("Task", escape(facts.task)),
        ("Model", escape(facts.model_id)),
        ("Provider", escape(facts.provider or "")),
        ("Made", facts.created.isoformat(sep=" ", timespec="minutes") if facts.created else None),
    ]
    return "\n".join(["| | |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in rows if value)])


def _http(url: str | None):
    try:
        parts = urlsplit(one_line(url or ""))
        return parts if parts.scheme in {"http", "https"} and parts.hostname else None
    except ValueError:  # a broken IPv6 address
        return None


def _safe(url: str) -> str:
    """The url with every character that could end a Markdown link or a table cell percent-encoded."""
    return quote(url, safe="%/:=&?#+,;@!$'*~[]-._", encoding="utf-8", errors="replace")


def plain_images(text: str) -> str:
    """Markdown whose images and HTML are shown as text: opening a summary never calls another host."""
    return re.sub(r"!(?=\[)|<(?=[a-zA-Z/!?])", lambda found: "\\" + found[0], text)
