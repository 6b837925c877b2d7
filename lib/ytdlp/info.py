"""yt-dlp's description of a video or a list, read in our words."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from lib.errors import CuewiseError, NotMediaPage
from lib.ytdlp.answers import Answer, Answers
from lib.ytdlp.captions import tracks_of
from lib.ytdlp.links import PLAYLIST_LIMIT, LinkPlaylist, LinkVideo

Info = dict[str, Any]


def is_playlist(info: Info) -> bool:
    return info.get("_type") in {"playlist", "multi_video", "compat_list"}


def video_of(info: Info, url: str, answers: Answers) -> LinkVideo:
    """The video that ``url`` led to."""
    generic = info.get("extractor_key") in {None, "Generic", "HTML5MediaEmbed"}
    page = info.get("webpage_url")
    title = _text(info.get("title"))
    channel = _text(info.get("channel") or info.get("uploader"))
    return LinkVideo(
        # A site's own page of the video outlives what was pasted; a direct link's final address may be signed.
        url=url if generic or not _is_link(page) else str(page),
        title=(title.removesuffix(" (1)") if generic else title) or _site(info, url),  # yt-dlp counts a page's videos
        site=_site(info, url),
        channel=channel if channel and channel != info.get("webpage_url_domain") else None,
        picture_url=info["thumbnail"] if _is_link(info.get("thumbnail")) else None,
        duration=_number(info.get("duration")),
        size_bytes=size_of(info, answers),
        has_video=any(part.get("vcodec") != "none" for part in parts_of(info)),
        captions=tracks_of(info),
    )


def playlist_of(info: Info, url: str) -> LinkPlaylist:
    """The list that ``url`` led to, without what cannot be watched. Raises NotMediaPage when nothing is left."""
    videos: dict[str, LinkVideo] = {}
    for entry in info.get("entries") or []:
        video = _entry(entry, url) if entry else None
        if video is not None:
            videos.setdefault(video.url, video)
    if not videos:
        raise NotMediaPage("This list holds no videos that can be watched.")
    return LinkPlaylist(url, _text(info.get("title")) or _site(info, url), tuple(videos.values())[:PLAYLIST_LIMIT])


def _entry(entry: Info, list_url: str) -> LinkVideo | None:
    from yt_dlp.utils import unsmuggle_url

    if entry.get("live_status") in {"is_live", "is_upcoming"}:
        return None
    url = entry.get("url")
    if entry.get("_type", "video") == "video" and entry.get("extractor_key") != "Generic":
        page = entry.get("webpage_url")
        url = page if _is_link(page) and page != list_url else url
    if not _is_link(url):
        return None
    bare, smuggled = unsmuggle_url(url, {})
    if set(smuggled) <= {"force_videoid"}:  # other hidden notes (a referer) are needed to follow the link
        url = bare
    pictures = [entry.get("thumbnail"), *(picture.get("url") for picture in reversed(entry.get("thumbnails") or []))]
    title = _text(entry.get("title"))
    if title in {"[Private video]", "[Deleted video]"}:
        return None
    return LinkVideo(
        url=url,
        title=title or urlsplit(url).path.rpartition("/")[2] or _site(entry, url),
        site=_site(entry, url),
        channel=_text(entry.get("channel") or entry.get("uploader")) or None,
        picture_url=next((picture for picture in pictures if _is_link(picture)), None),
        duration=_number(entry.get("duration")),
        has_video=entry.get("vcodec") != "none",
    )


def parts_of(info: Info) -> list[Info]:
    """The formats that are downloaded: pictures and sound, or one file with both."""
    return info.get("requested_formats") or [info]


def _is_file(part: Info) -> bool:
    """Whether the format is one file over HTTP: what the server says of its link is then said of the media."""
    return part.get("protocol") in {"http", "https"}


def answer_of(part: Info, answers: Answers) -> Answer | None:
    """What the server said of the file that this format is; None where it is no file or was not asked."""
    return answers.get(part.get("url")) if _is_file(part) else None


def ask_sizes(info: Info, answers: Answers, urlopen: Callable[[Any], Any]) -> None:
    """Ask the server for the sizes that the page did not give. A server that does not say is no error."""
    from yt_dlp.networking import Request
    from yt_dlp.networking.exceptions import RequestError

    for part in parts_of(info):
        if _is_file(part) and not part.get("filesize") and answer_of(part, answers) is None:
            head = Request(part["url"], headers=part.get("http_headers") or {}, method="HEAD")
            head.headers["Accept-Encoding"] = "identity"
            try:
                urlopen(head).close()
            except RequestError as exc:
                if isinstance(getattr(exc, "cause", None), CuewiseError):
                    raise  # the guard's refusal


def size_of(info: Info, answers: Answers) -> int | None:
    """Bytes that would be downloaded: what the server answered, else what the site says of the formats."""
    sizes = []
    for part in parts_of(info):
        answer = answer_of(part, answers)
        size = (answer.total_bytes if answer else None) or part.get("filesize") or part.get("filesize_approx")
        if not size:
            return None
        sizes.append(int(size))
    return sum(sizes)


def identity_of(info: Info, answers: Answers) -> str:
    """What tells one version of a file from another: a half of one must not be completed with the other."""
    parts = []
    for part in parts_of(info):
        answer = answer_of(part, answers)
        size = (answer.total_bytes if answer else None) or part.get("filesize")
        parts.append({"format": part.get("format_id"), "size_bytes": size, "stamp": answer.stamp if answer else None})
    return json.dumps({"id": info.get("id"), "parts": parts})


def names_no_media(info: Info, answers: Answers) -> bool:
    """Whether both the server's media type and the link's ending speak against media."""
    from yt_dlp.utils import MEDIA_EXTENSIONS

    answer = answers.get(info.get("url"))
    media_type = answer.media_type if answer else ""
    if not re.match(
        r"text/|image/|font/|application/(pdf|json|xml|zip|javascript|gzip|x-tar|msword|vnd\.)", media_type
    ):
        return False
    return info.get("ext") not in {*MEDIA_EXTENSIONS.video, *MEDIA_EXTENSIONS.audio}


def _is_link(value: object) -> bool:
    return isinstance(value, str) and value.lower().startswith(("http://", "https://"))


def _site(info: Info, url: str) -> str:
    page = info.get("webpage_url")
    host = urlsplit(str(page) if _is_link(page) else url).hostname or ""
    return host.removeprefix("www.").removeprefix("m.")


def _text(value: object) -> str:
    return " ".join(str(value).split())[:300] if value else ""


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and value > 0 else None
