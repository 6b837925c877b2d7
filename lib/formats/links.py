"""Links from a transcript into its video."""

from __future__ import annotations

from urllib.parse import SplitResult, parse_qsl, quote, urlencode, urlsplit, urlunsplit

from lib.formats.text import one_line


def whole_link(url: str | None) -> str | None:
    """The link to the video itself, safe in a document; None for anything but an http link."""
    parts = _http(url)
    return _safe(urlunsplit(parts)) if parts else None


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


def _http(url: str | None) -> SplitResult | None:
    try:
        parts = urlsplit(one_line(url or ""))
        return parts if parts.scheme in {"http", "https"} and parts.hostname else None
    except ValueError:  # a broken IPv6 address
        return None


def _safe(url: str) -> str:
    """The url with every character that could end a Markdown link or a table cell percent-encoded."""
    return quote(url, safe="%/:=&?#+,;@!$'*~[]-._", encoding="utf-8", errors="replace")
