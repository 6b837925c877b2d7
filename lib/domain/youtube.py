"""YouTube links in the one form that a Gemini model reads as a video."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

_VIDEO_ID = re.compile(r"[A-Za-z0-9_-]{11}")
_HOSTS = frozenset(
    {"youtube.com", "www.youtube.com", "m.youtube.com", "music.youtube.com"}
    | {"youtube-nocookie.com", "www.youtube-nocookie.com"}
)
_SHORT_HOSTS = frozenset({"youtu.be", "www.youtu.be"})
_PATHS = frozenset({"shorts", "live", "embed", "v"})


def canonical(url: str) -> str | None:
    """``https://www.youtube.com/watch?v=ID`` for any link to one YouTube video, None for anything else.

    Exactly so and nothing after it: with one more parameter (``&t=``, ``&list=``) the backend reads the HTML page
    instead of the video, at 80 times the price, and invents what it shows.
    """
    found = video_id(url)
    return f"https://www.youtube.com/watch?v={found}" if found else None


def video_id(url: str) -> str | None:
    """The id of the YouTube video that a link leads to, None for anything else."""
    try:
        link = urlsplit(url.strip())
        port = link.port
    except (ValueError, AttributeError):
        return None
    if link.scheme not in {"http", "https"} or port not in {None, 80, 443} or "@" in link.netloc:
        return None
    host = link.hostname or ""
    path = [piece for piece in link.path.split("/") if piece]
    candidate = ""
    if host in _SHORT_HOSTS and path:
        candidate = path[0]
    elif host in _HOSTS and path == ["watch"]:
        candidate = parse_qs(link.query).get("v", [""])[0]
    elif host in _HOSTS and len(path) >= 2 and path[0] in _PATHS:
        candidate = path[1]
    if candidate == "videoseries":  # /embed/videoseries is a playlist, though it has the shape of an id
        return None
    return candidate if _VIDEO_ID.fullmatch(candidate) else None
