"""Links: what is behind one, and bringing it here. The only door to yt-dlp.

`LinkDoor.look_up` says what would be downloaded, `LinkDoor.download` brings it. Format choice is by need, not
"best": see `format_choice`.

Every connection goes through `lib.addresses`. The seam is yt-dlp's own request director: it is given exactly one
request handler, ours, whose HTTP connections are opened by `AddressGuard.connect`. Extractors, redirects, manifests,
fragments and downloads all pass there, whichever thread they run in, and nothing global is touched. What would go to
the network past it is shut: FTP and WebSockets have no handler, and programs that download by themselves (ffmpeg for
some streams, rtmpdump, curl) are never started. ffmpeg only ever joins files that are already here.

A proxy set in the environment is respected: the connection then goes to the proxy, which the operator chose, and the
name behind it is still judged as far as it resolves here.
"""

from __future__ import annotations

import errno
import functools
import http.client
import io
import json
import logging
import re
import shutil
import socket
import ssl
import threading
import time
import weakref
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from lib.addresses import AddressGuard
from lib.domain.plan import MEGABYTE
from lib.errors import (
    AgeGated,
    BadLink,
    BotCheck,
    CuewiseError,
    DiskFull,
    DownloadFailed,
    FolderReadOnly,
    GeoBlocked,
    LinkError,
    LinkTooLarge,
    LinkUnreachable,
    LiveStream,
    MembersOnly,
    NoSound,
    NothingThere,
    NotMediaPage,
    PrivateVideo,
    RemovedVideo,
    TooManyRedirects,
)

log = logging.getLogger(__name__)

PLAYLIST_LIMIT = 200
PAGE_LIMIT_BYTES = 64 * MEGABYTE  # a page read whole; the largest honest ones have a few megabytes
PAGE_LIMIT_SECONDS = 120.0
HOP_LIMIT = 15  # pages that send on to other pages, beside the redirects of HTTP
SOCKET_TIMEOUT = 20.0  # seconds of silence
PROGRESS_SPACING = 0.2  # seconds between two reports
DOWNLOAD_RETRIES = 2
WANTED_FILE = "wanted.json"

Info = dict[str, Any]  # yt-dlp's description of a video


@dataclass(frozen=True, slots=True)
class LinkVideo:
    """One video behind a link. ``size_bytes`` is what would be downloaded, None where the site does not say.

    ``captions`` are the languages of captions written by people. ``url`` leads to this video again.
    """

    url: str
    title: str
    site: str
    channel: str | None = None
    picture_url: str | None = None
    duration: float | None = None
    size_bytes: int | None = None
    has_video: bool = True
    captions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LinkPlaylist:
    """A link that holds several videos, in its order and at most 200 of them, not looked up one by one."""

    url: str
    title: str
    videos: tuple[LinkVideo, ...]


@dataclass(frozen=True, slots=True)
class Need:
    """What the models need of a video: sound alone, or pictures no taller than ``max_height`` with sound.

    ``size_limit_bytes`` is wished, not promised: where every format is larger, the choice falls on what there is.
    """

    hears_only: bool = False
    max_height: int = 480
    size_limit_bytes: int = 500 * MEGABYTE


@dataclass(frozen=True, slots=True)
class DownloadProgress:
    """How far a download is. ``fraction`` runs from 0 to 1 and is None where the whole size is not known."""

    fraction: float | None
    downloaded_bytes: int
    total_bytes: int | None
    bytes_per_second: float | None
    seconds_left: float | None


OnProgress = Callable[[DownloadProgress], None]


def format_choice(need: Need) -> tuple[str, list[str]]:
    """yt-dlp's ``format`` and ``format_sort`` for a need; the first rung of the ladder that holds a format wins.

    Pictures: one file over plain HTTP with sound, no taller than asked (for upright video: no wider) and at least
    240 lines, within the size; else pictures and sound apart, to be joined; else the same from streams; else
    the smaller of what is too large. Among equals H.264, at most 30 frames a second, the smaller file.
    Sound: the smallest track of at least 32 kbit/s in the video's own language, else the smallest file with sound.
    """
    plain = "[protocol~='^https?$']"
    if need.hears_only:
        known = "[ext~='^(m4a|webm|mp3|mp4|aac|ogg|opus)$']"
        rungs = [f"ba[abr>=?32]{known}", "ba", "b[ext~='^(mp4|webm)$']", "b", "ba*"]
        return "/".join(rungs), ["lang", "proto", "+size", "+br", "+res"]
    size = f"[filesize<=?{need.size_limit_bytes}][filesize_approx<=?{need.size_limit_bytes}]"
    picture_bytes = need.size_limit_bytes * 9 // 10  # the rest is for the sound that is joined
    picture_size = f"[filesize<=?{picture_bytes}][filesize_approx<=?{picture_bytes}]"
    fits = [f"[{side}<=?{need.max_height}]" for side in ("height", "width")]
    small = [f"[{side}<=?{min(360, need.max_height)}]" for side in ("height", "width")]
    floor = "".join(f"[{side}>=?{min(240, need.max_height)}]" for side in ("height", "width"))
    rungs = [f"b{plain}[ext~='^(mp4|webm)$']{fit}{floor}{size}" for fit in fits]
    for way in (plain, ""):
        for fit in fits:
            rungs += [
                f"bv{way}[ext=mp4]{fit}{picture_size}+ba{way}[ext=m4a][abr>=?32]",
                f"bv{way}[ext=webm]{fit}{picture_size}+ba{way}[ext=webm][abr>=?32]",
                f"bv{way}{fit}{picture_size}+ba{way}",
            ]
        rungs += [f"b{way}{fit}{size}" for fit in fits]
    for fit in (*small, *fits):  # everything is too large: the smaller pictures first
        rungs += [f"b{fit}", f"bv{fit}+ba"]
    rungs += ["b", "bv+ba", "bv*", "ba"]
    order = ["lang", "hasaud", f"res:{need.max_height}", "fps:30", "vcodec:h264", "proto", "ext", "+size", "+br"]
    return "/".join(rungs), order


@dataclass(frozen=True, slots=True)
class LinkDoor:
    """Looks links up and downloads them. Safe to share between threads: nothing is kept between two calls.

    ``ffmpeg_path`` joins pictures and sound that come apart. ``cookies_file`` (Netscape format) is read, never
    written. ``max_bytes`` and ``max_seconds`` refuse what is too large. ``cache_folder`` keeps the solved parts of
    YouTube's player between calls. ``retry_seconds`` is the wait before a broken transfer is taken up again.
    """

    ffmpeg_path: str
    allow_private: bool = False
    cookies_file: Path | None = None
    max_bytes: int = 4_000_000_000
    max_seconds: float = 12 * 3600.0
    cache_folder: Path | None = None
    retry_seconds: float = 1.0
    guard: AddressGuard | None = None

    def look_up(self, url: str, need: Need | None = None) -> LinkVideo | LinkPlaylist:
        """What is behind the link, without downloading it: the size is that of the format the need would get.

        Raises LinkError, each kind with its own class, and NoSound.
        """
        need = need or Need()
        with self._open(url, need) as (ydl, url):
            info = ydl.extract_info(url, download=False)
            if not info:
                raise NotMediaPage("No video or sound was found behind this link.")
            if _is_playlist(info):
                return self._playlist(info, url)
            _ask_sizes(info, ydl)
            self._refuse(info, ydl)
            return _video(info, url, ydl)

    def download(self, url: str, folder: Path, need: Need | None = None, on_progress: OnProgress | None = None) -> Path:
        """Bring the video into ``folder`` and return the path of the whole file.

        The folder is for this link alone, and the same at the next try: what a try left half done there is taken
        up again if it is still the same file, and thrown away if not. ``on_progress`` is called a few times a
        second; what it raises (Cancelled) ends the download at once and keeps the half for later. While a server
        is silent nothing is called, for 20 seconds at most. Raises LinkError, NoSound, DiskFull, FolderReadOnly.
        """
        need = need or Need()
        meter = _Meter(on_progress, self.max_bytes)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise _storage_error(exc) or FolderReadOnly(
                f"The folder for the download cannot be made: {exc.strerror}."
            ) from exc
        try:
            return self._download(url, folder, need, meter)
        except DownloadFailed as exc:
            # The half reaches past the end of what is there now: the server answers 416, and would for ever.
            if not any(getattr(error, "status", None) == 416 for error in _chain(exc)):
                raise
        for half in folder.glob(f"{_stem(need)}.*.part"):
            half.unlink()
        return self._download(url, folder, need, meter)

    def _download(self, url: str, folder: Path, need: Need, meter: _Meter) -> Path:
        with self._open(url, need, folder, meter) as (ydl, url):
            ydl.before_download = functools.partial(self._prepare, folder=folder, need=need, meter=meter, ydl=ydl)
            info = ydl.extract_info(url, download=True)
            return _whole_file(info, folder, meter)

    @contextmanager
    def _open(
        self, url: str, need: Need, folder: Path | None = None, meter: _Meter | None = None
    ) -> Iterator[tuple[Any, str]]:
        guard = self.guard or AddressGuard(allow_private=self.allow_private)
        url = guard.check_url(url, proxied=not {"http", "https", "all"}.isdisjoint(getproxies()))
        with (
            _translated(url, need),
            _library().GuardedYoutubeDL(self._options(need, folder, meter), guard=guard) as ydl,
        ):
            yield ydl, url

    def _options(self, need: Need, folder: Path | None, meter: _Meter | None) -> dict[str, Any]:
        chosen, order = format_choice(need)
        options: dict[str, Any] = {
            "format": chosen,
            "format_sort": order,
            "merge_output_format": "mp4/webm/mkv",
            "ffmpeg_location": self.ffmpeg_path,
            "js_runtimes": {"deno": {"path": _deno_path()}},
            "noplaylist": True,  # only where a link names both one video and a list it is in
            "extract_flat": "in_playlist",
            "playlistend": PLAYLIST_LIMIT,
            "allow_playlist_files": False,
            "default_search": "error",
            "geo_bypass": False,
            "socket_timeout": SOCKET_TIMEOUT,
            "retries": DOWNLOAD_RETRIES,
            "fragment_retries": DOWNLOAD_RETRIES,
            "extractor_retries": 1,
            "file_access_retries": 1,
            "retry_sleep_functions": {kind: lambda n: self.retry_seconds * (n + 1) for kind in ("http", "fragment")},
            "skip_unavailable_fragments": False,  # a file with a hole is not a whole file
            "concurrent_fragment_downloads": 1,  # with more, an exception waits for all of them: no cancelling at once
            "hls_prefer_native": True,
            "cachedir": str(self.cache_folder) if self.cache_folder else False,
            "updatetime": False,
            "quiet": True,
            "noprogress": True,
            "color": "no_color",
            "logger": _DebugLog(),
            "restrictfilenames": True,
        }
        if self.cookies_file is not None:
            options["cookiefile"] = io.StringIO(_cookies(self.cookies_file))  # yt-dlp would write into a named file
        if folder is not None and meter is not None:
            # A name of our own: ids of other people's making can be long, strange, or an option of some program.
            options["outtmpl"] = {"default": f"{_stem(need)}.%(ext)s"}
            options["paths"] = {"home": str(folder)}
            options["progress_hooks"] = [meter]
        return options

    def _playlist(self, info: Info, url: str) -> LinkPlaylist:
        videos: dict[str, LinkVideo] = {}
        for entry in info.get("entries") or []:
            video = _entry(entry, url) if entry else None
            if video is not None:
                videos.setdefault(video.url, video)
        if not videos:
            raise NotMediaPage("This list holds no videos that can be watched.")
        return LinkPlaylist(url, _text(info.get("title")) or _site(info, url), tuple(videos.values())[:PLAYLIST_LIMIT])

    def _prepare(self, info: Info, *, folder: Path, need: Need, meter: _Meter, ydl: Any) -> None:
        """Just before the first byte: refuse what is too large, throw away halves of something else."""
        _ask_sizes(info, ydl)
        self._refuse(info, ydl)
        meter.expect(info, ydl)
        wanted = _identity(info, ydl)
        record = folder / WANTED_FILE
        try:
            if not record.exists() or record.read_text("utf-8") != wanted:
                for old in folder.glob(f"{_stem(need)}.*"):
                    old.unlink()
                record.write_text(wanted, "utf-8")
            free = shutil.disk_usage(folder).free
        except OSError as exc:
            raise _storage_error(exc) or DownloadFailed("The download folder cannot be used.") from exc
        size = _size(info, ydl)
        if size and free < size * (2 if len(_parts(info)) > 1 else 1):  # joining writes everything once more
            raise DiskFull(f"The download needs {_megabytes(size)} and the disk has {_megabytes(free)} left.")

    def _refuse(self, info: Info, ydl: Any) -> None:
        size, duration = _size(info, ydl), info.get("duration")
        if size and size > self.max_bytes:
            raise LinkTooLarge(f"The video has {_megabytes(size)}; the limit is {_megabytes(self.max_bytes)}.")
        if duration and duration > self.max_seconds:
            hours = self.max_seconds / 3600
            raise LinkTooLarge(f"The video lasts {duration / 3600:.1f} hours; the limit is {hours:g} hours.")
        if info.get("direct") and _names_no_media(info, ydl):
            raise NotMediaPage("This link leads to a file that is neither video nor sound.")
        if any(answer.total_bytes == 0 for part in _parts(info) if (answer := _answer(part, ydl))):
            raise NothingThere("The file behind this link is empty.")


# ---------------------------------------------------------------------------- what yt-dlp says, in our words


def _video(info: Info, url: str, ydl: Any) -> LinkVideo:
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
        size_bytes=_size(info, ydl),
        has_video=any(part.get("vcodec") != "none" for part in _parts(info)),
        captions=tuple(language for language in info.get("subtitles") or {} if language != "live_chat"),
    )


def _entry(entry: Info, list_url: str) -> LinkVideo | None:
    if entry.get("live_status") in {"is_live", "is_upcoming"}:
        return None
    url = entry.get("url")
    if entry.get("_type", "video") == "video" and entry.get("extractor_key") != "Generic":
        page = entry.get("webpage_url")
        url = page if _is_link(page) and page != list_url else url
    if not _is_link(url):
        return None
    unsmuggle = _library().unsmuggle_url
    bare, smuggled = unsmuggle(url, {})
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


def _parts(info: Info) -> list[Info]:
    """The formats that are downloaded: pictures and sound, or one file with both."""
    return info.get("requested_formats") or [info]


def _is_file(part: Info) -> bool:
    """Whether the format is one file over HTTP: what the server says of its link is then said of the media."""
    return part.get("protocol") in {"http", "https"}


def _answer(part: Info, ydl: Any) -> _Answer | None:
    return ydl.answers.get(part.get("url")) if _is_file(part) else None


def _ask_sizes(info: Info, ydl: Any) -> None:
    """Ask the server for the sizes that the page did not give. A server that does not say is no error."""
    for part in _parts(info):
        if _is_file(part) and not part.get("filesize") and _answer(part, ydl) is None:
            head = _library().Request(part["url"], headers=part.get("http_headers") or {}, method="HEAD")
            head.headers["Accept-Encoding"] = "identity"
            try:
                ydl.urlopen(head).close()
            except _library().RequestError as exc:
                if isinstance(getattr(exc, "cause", None), CuewiseError):
                    raise  # the guard's refusal


def _size(info: Info, ydl: Any) -> int | None:
    """Bytes that would be downloaded: what the server answered, else what the site says of the formats."""
    sizes = []
    for part in _parts(info):
        answer = _answer(part, ydl)
        size = (answer.total_bytes if answer else None) or part.get("filesize") or part.get("filesize_approx")
        if not size:
            return None
        sizes.append(int(size))
    return sum(sizes)


def _identity(info: Info, ydl: Any) -> str:
    """What tells one version of a file from another: a half of one must not be completed with the other."""
    parts = []
    for part in _parts(info):
        answer = _answer(part, ydl)
        size = (answer.total_bytes if answer else None) or part.get("filesize")
        parts.append({"format": part.get("format_id"), "size_bytes": size, "stamp": answer.stamp if answer else None})
    return json.dumps({"id": info.get("id"), "parts": parts})


def _names_no_media(info: Info, ydl: Any) -> bool:
    """Whether both the server's media type and the link's ending speak against media."""
    answer = ydl.answers.get(info.get("url"))
    media_type = answer.media_type if answer else ""
    if not re.match(
        r"text/|image/|font/|application/(pdf|json|xml|zip|javascript|gzip|x-tar|msword|vnd\.)", media_type
    ):
        return False
    endings = _library().MEDIA_EXTENSIONS
    return info.get("ext") not in {*endings.video, *endings.audio}


def _whole_file(info: Info | None, folder: Path, meter: _Meter) -> Path:
    done = ((info or {}).get("requested_downloads") or [{}])[0]
    path = Path(done["filepath"]) if done.get("filepath") else None
    if path is None or not path.is_file() or not path.stat().st_size or path.resolve().parent != folder.resolve():
        raise DownloadFailed("The download gave no file.")
    meter.finish(path.stat().st_size)
    return path


def _check_whole(path: Path, part: Info, ydl: Any) -> None:
    """A file just transferred has the size that the server announced. Raises DownloadFailed and removes it if not.

    yt-dlp checks what one answer announced; this is the size of the whole, which a resumed half must reach too.
    """
    answer = _answer(part, ydl)
    if not path.exists() or Path(f"{path}.part").exists():
        raise DownloadFailed("The download is not whole.")
    if answer and answer.total_bytes and answer.total_bytes != path.stat().st_size:
        size = path.stat().st_size
        path.unlink()
        raise DownloadFailed(f"The download has {size:,} bytes where the server announced {answer.total_bytes:,}.")


def _is_playlist(info: Info) -> bool:
    return info.get("_type") in {"playlist", "multi_video", "compat_list"}


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


def _megabytes(size: int) -> str:
    return f"{size / MEGABYTE:,.0f} MB" if size >= MEGABYTE else f"{size:,} bytes"


def _stem(need: Need) -> str:
    return "sound" if need.hears_only else f"video-{need.max_height}"


def _cookies(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise BadLink(
            "The cookies file cannot be read.", "Export it again in the Netscape format, or remove it in Settings."
        ) from exc


@functools.cache
def _deno_path() -> str | None:
    """The JavaScript runtime of the `deno` package; None leaves yt-dlp to look on the path."""
    try:
        from deno import find_deno_bin

        return str(find_deno_bin())
    except (ImportError, OSError):
        return None


# ---------------------------------------------------------------------------- progress


class _Meter:
    """yt-dlp's progress hook: adds up the files of one download, reports a few times a second, holds the limit."""

    def __init__(self, on_progress: OnProgress | None, max_bytes: int) -> None:
        self._on_progress = on_progress
        self._max_bytes = max_bytes
        self._expected: int | None = None
        self._sizes: dict[str, int] = {}
        self._reported = 0.0

    def expect(self, info: Info, ydl: Any) -> None:
        self._expected = _size(info, ydl)

    def __call__(self, status: dict[str, Any]) -> None:
        info = status.get("info_dict") or {}
        part = str(info.get("format_id"))
        self._sizes[part] = int(status.get("downloaded_bytes") or status.get("total_bytes") or 0)
        done = sum(self._sizes.values())
        total = status.get("total_bytes")
        if done > self._max_bytes or (total and total > self._max_bytes):
            raise LinkTooLarge(f"The download is larger than the limit of {_megabytes(self._max_bytes)}.")
        now = time.monotonic()
        if now - self._reported < PROGRESS_SPACING:
            return
        self._reported = now
        whole = self._expected or (len(self._sizes) == 1 and (total or status.get("total_bytes_estimate"))) or None
        speed = status.get("speed")
        whole_bytes = int(whole) if whole else None
        self._report(done, whole_bytes, speed)

    def finish(self, size_bytes: int) -> None:
        self._report(size_bytes, size_bytes, None)

    def _report(self, done: int, whole: int | None, speed: float | None) -> None:
        if self._on_progress is None:
            return
        left = (whole - done) / speed if whole and speed and whole >= done else None
        fraction = min(1.0, done / whole) if whole else None
        self._on_progress(DownloadProgress(fraction, done, whole, speed, left))


class _DebugLog:
    """yt-dlp's messages in our log, for the operator who asks for them; links lose their secrets."""

    def debug(self, message: str) -> None:
        log.debug("%s", _bare_links(message))

    info = warning = error = stdout = stderr = debug


def _bare_links(text: str) -> str:
    link = r"(https?://)(?:[^\s/@\"']*@)?([^\s?#\"']*)(?:[?#][^\s\"']*?)?(?=[.,;:)]*(?:[\s\"']|$))"
    return re.sub(link, r"\1\2", str(text))


# ---------------------------------------------------------------------------- errors


@dataclass(frozen=True, slots=True)
class _Wording:
    """What sites and yt-dlp write when something is so, and what we make of it."""

    pattern: str
    error: type[CuewiseError]
    sentence: str
    hint: str | None = None


# In this order: one message may hold several of these ("Video unavailable. This video is private").
# Sources: yt_dlp/extractor/youtube/_video.py and _tab.py, extractor/common.py (raise_login_required,
# raise_geo_restricted, report_drm), and the reasons YouTube itself sends as quoted in yt-dlp's issues.
WORDINGS = (
    _Wording(
        r"confirm (that )?you're not a (ro)?bot|captcha|rate-limited by|unusual traffic|too many requests|anti-bot",
        BotCheck,
        "{site} asks for proof that a person is watching.",
    ),
    _Wording(
        r"confirm your age|age[- ]restricted|inappropriate for some users|verify your age"
        r"|age[_ ](verification|check)",
        AgeGated,
        "{site} shows this video only to people who have confirmed their age.",
    ),
    _Wording(
        r"members[- ]only|available to this channel's members|join this channel|music premium members|premium members"
        r"|requires (a )?(paid )?(subscription|payment|purchase)|only available (for|to) (paying |paid )?subscribers"
        r"|only available for premium|rent(al)? or (buy|purchase)",
        MembersOnly,
        "{site} shows this video to members only.",
    ),
    _Wording(
        r"not made this video available in your country|available in your (country|region|location)"
        r"|blocked (it|this video) in your country|geo[- ]?restrict|from your (location|country)|outside your country",
        GeoBlocked,
        "{site} does not show this video in the country this machine is in.",
    ),
    _Wording(
        r"premieres? in|live (event|stream) will begin|this live stream recording is not available"
        r"|is not currently live|live event has ended|is offline|will begin in|starts in \d"
        r"|is upcoming|has not started",
        LiveStream,
        "This is a live stream or a premiere, and its recording is not online yet.",
    ),
    _Wording(
        r"private video|private playlist|is private\b|only available for registered|login details are needed"
        r"|log ?in required|logged[- ]in|need to (be )?log|requires? (a )?log-?in|authentication"
        r"|granted access|protected by a password|password[- ]protected|don't have permission|do not have permission"
        r"|account credentials",
        PrivateVideo,
        "This video is private: {site} shows it only to people who may see it.",
    ),
    _Wording(
        r"has been (removed|deleted|terminated|taken down)|removed (by|for)|been closed|no longer (available|exists)"
        r"|isn't available any ?more|not available any ?more|video (is )?unavailable|this video is not available"
        r"|this video isn't available|(video|playlist|channel|tweet|post) does not exist|doesn't exist|was deleted",
        RemovedVideo,
        "This video is not online any more, or never was.",
    ),
    _Wording(
        r"drm",
        DownloadFailed,
        "This video is copy-protected (DRM) and cannot be downloaded.",
        "Choose another video, or upload a file you may use.",
    ),
    _Wording(
        r"unsupported url|no video formats found|no media found|no video could be found|there is no video|no video in",
        NotMediaPage,
        "No video or sound was found behind this link.",
    ),
    _Wording(r"redirect (loop|error)|too many redirects", TooManyRedirects, "The link redirects for ever."),
)


@contextmanager
def _translated(url: str, need: Need) -> Iterator[None]:
    """Every failure inside leaves as one of our errors, with the sentence that fits it."""
    try:
        yield
    except CuewiseError:
        raise
    except RecursionError as exc:
        raise TooManyRedirects("The link redirects for ever.") from exc
    except Exception as exc:
        raise _our_error(exc, url, need) from exc


def _our_error(exc: Exception, url: str, need: Need) -> CuewiseError:
    chain = list(_chain(exc))
    for error in chain:
        if isinstance(error, CuewiseError):
            return error
    library = _library()
    host = urlsplit(url).hostname or "the site"
    site = host.removeprefix("www.").removeprefix("m.")
    text = _plain(exc)
    for error in chain:
        if isinstance(error, library.GeoRestrictedError):
            return GeoBlocked(f"{site} does not show this video in the country this machine is in.")
        if isinstance(error, library.UserNotLive):
            return LiveStream("There is no stream now, and a live stream cannot be transcribed before it has ended.")
        if isinstance(error, library.CookieLoadError):
            return BadLink(
                "The cookies file cannot be read.", "Export it again in the Netscape format, or remove it in Settings."
            )
        if isinstance(error, library.HTTPError) and error.redirect_loop:
            return TooManyRedirects("The link redirects for ever.")
        if isinstance(error, OSError) and (full := _storage_error(error)):
            return full
    worded = _worded(text, site)
    if worded is not None:
        return worded
    if "requested format is not available" in text.lower():
        if need.hears_only:
            return NoSound("There is no sound behind this link.")
        return NotMediaPage("No video or sound behind this link can be downloaded.")
    status = next((error.status for error in chain if isinstance(error, library.HTTPError)), None)
    if status is None and (match := re.search(r"http error (\d{3})", text, re.IGNORECASE)):
        status = int(match[1])
    if status is not None:
        return _http_error(status, host)
    return _transport_error(chain, text, host) or DownloadFailed(_sentence(text))


def _worded(text: str, site: str) -> CuewiseError | None:
    """The error that a message of yt-dlp speaks of, or None. Links and yt-dlp's own advice are not read."""
    said = re.sub(r"https?://\S+|HTTP Error \d+: [^(]*", "", text.replace("’", "'"))
    said = re.split(r"\bUse --|\bSee  |\bYou might want", said)[0].lower()
    for wording in WORDINGS:
        if re.search(wording.pattern, said):
            return wording.error(wording.sentence.format(site=site), wording.hint)
    return None


def _http_error(status: int, host: str) -> LinkError:
    if status in {404, 410}:
        return NothingThere(f"{host} has nothing under this link ({status}).")
    if status == 429:
        return BotCheck(f"{host} says that it is asked too often (429).")
    if status == 451:
        return GeoBlocked(f"{host} may not show this for legal reasons (451).")
    if status in {401, 402, 403, 407}:
        return DownloadFailed(
            f"{host} refuses to give this out ({status}).",
            "If you may see it in your browser, give a cookies file in Settings, or download it and upload the file.",
        )
    return DownloadFailed(f"{host} answered with an error ({status}).")


def _transport_error(chain: list[BaseException], text: str, host: str) -> CuewiseError | None:
    """Named by the exception where there is one; after retries yt-dlp only leaves its text."""
    low = text.lower()

    def met(kind: type[BaseException] | tuple[type[BaseException], ...], wording: str) -> bool:
        return any(isinstance(error, kind) for error in chain) or bool(re.search(wording, low))

    if broken := re.search(r"downloaded (\d+) bytes, expected (\d+)|(\d+) bytes read, (\d+) more expected", low):
        got, announced = (
            (int(broken[1]), int(broken[2])) if broken[1] else (int(broken[3]), sum(map(int, broken.groups()[2:])))
        )
        return DownloadFailed(
            f"The transfer broke off after {_megabytes(got)} of {_megabytes(announced)}.",
            "Try again: what has arrived is kept, and only the rest is asked for.",
        )
    if "did not get any data blocks" in low:
        return DownloadFailed(f"{host} sent nothing.")
    if "no space left" in low or "disk quota exceeded" in low:
        return DiskFull("The disk is full.")
    if "permission denied" in low or "read-only file system" in low:
        return FolderReadOnly("The download cannot be written to its folder.")
    if met(ssl.SSLError, r"certificate|\bssl\b|\btls\b"):
        return LinkUnreachable(f"No safe connection to {host} could be made (TLS).")
    if met(socket.gaierror, r"getaddrinfo|name or service not known|name resolution|nodename nor servname"):
        return LinkUnreachable(f"The server {host} could not be found.")
    if met(TimeoutError, r"timed out|timeout"):
        return LinkUnreachable(f"{host} did not answer in time.")
    if met(ConnectionRefusedError, r"connection refused"):
        return LinkUnreachable(f"{host} refused the connection.")
    if met((ConnectionError, http.client.HTTPException), r"connection (reset|aborted)|remote end closed|unreachable"):
        return LinkUnreachable(f"{host} broke off the connection.")
    if met(_library().TransportError, r"urlopen error"):
        return LinkUnreachable(f"{host} could not be reached.")
    return None


def _storage_error(exc: OSError) -> CuewiseError | None:
    if exc.errno in {errno.ENOSPC, errno.EDQUOT}:
        return DiskFull("The disk is full.")
    if exc.errno in {errno.EROFS} or (isinstance(exc, PermissionError) and exc.filename):
        return FolderReadOnly("The download cannot be written to its folder.")
    return None


def _chain(exc: BaseException) -> Iterator[BaseException]:
    """The exception and all it came from, the outer first: by cause, by context, and yt-dlp's own two ways."""
    waiting: list[BaseException] = [exc]
    seen: set[int] = set()
    while waiting:
        error = waiting.pop(0)
        if id(error) in seen:
            continue
        seen.add(id(error))
        yield error
        info = getattr(error, "exc_info", None)
        origins = [error.__cause__, error.__context__, getattr(error, "cause", None), getattr(error, "reason", None)]
        origins += [info[1] if isinstance(info, tuple) else None, *getattr(error, "unexpected_errors", ())]
        waiting += [origin for origin in origins if isinstance(origin, BaseException)]


def _plain(exc: BaseException) -> str:
    """yt-dlp's message without colours, labels and requests to report."""
    text = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", str(exc))
    text = re.sub(r"^\s*(?:ERROR:)?\s*(?:\[download\] Got error:|\[[\w:+.-]+\])?\s*", "", text)
    text = re.split(r"[;.,]?\s*please report this issue|\s*\(caused by ", text, flags=re.IGNORECASE)[0]
    return text.strip()


def _sentence(text: str) -> str:
    """yt-dlp's message as a bounded sentence: no links, no options of a command line, no paths of this machine."""
    text = _bare_links(text)
    text = re.sub(r"(?<![\w:/])(?:/[\w.+@~-]+){2,}/?|\b[A-Za-z]:\\[^\s'\"]+", "a file", text)
    said = [part for part in re.split(r"(?<=[.!?])\s+", " ".join(text.split())) if not re.search(r"(^|\s)--?\w", part)]
    words = " ".join(said)[:200].strip().rstrip(".:;, ")
    return f"The download failed: {words}." if words else "The download failed."


# ---------------------------------------------------------------------------- yt-dlp behind our guard


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a server said of a file: its media type, its whole size, and a stamp that changes with its content."""

    media_type: str
    total_bytes: int | None
    stamp: str | None


@dataclass(slots=True)
class _Answers:
    """The answers of one call by link, the latest few hundred."""

    _kept: OrderedDict[str, _Answer] = field(default_factory=OrderedDict)

    def get(self, url: str | None) -> _Answer | None:
        return self._kept.get(url) if url else None

    def note(self, request: Any, response: Any) -> None:
        headers = response.headers
        total: int | None = None
        with suppress(TypeError, ValueError):
            if response.status == 206:
                total = int(headers["Content-Range"].rpartition("/")[2])
            elif not headers.get("Content-Encoding"):
                total = int(headers["Content-Length"])
        if total == 0 and request.method == "HEAD":  # some servers mean the answer, not the file
            total = None
        media_type = (headers.get("Content-Type") or "").partition(";")[0].strip().lower()
        answer = _Answer(media_type, total, headers.get("ETag") or headers.get("Last-Modified"))
        for url in (request.url, response.url):
            self._kept[url] = answer
            self._kept.move_to_end(url)
        while len(self._kept) > 300:
            self._kept.popitem(last=False)


_SORTING = threading.Lock()


@functools.cache
def _library() -> SimpleNamespace:
    """yt-dlp, imported on first use (it takes most of a second), and our subclasses of its parts."""
    import yt_dlp
    from yt_dlp.cookies import CookieLoadError
    from yt_dlp.downloader import get_suitable_downloader
    from yt_dlp.downloader.bunnycdn import BunnyCdnFD
    from yt_dlp.downloader.common import FileDownloader
    from yt_dlp.downloader.dash import DashSegmentsFD
    from yt_dlp.downloader.external import ExternalFD
    from yt_dlp.downloader.f4m import F4mFD
    from yt_dlp.downloader.hls import HlsFD
    from yt_dlp.downloader.http import HttpFD
    from yt_dlp.downloader.ism import IsmFD
    from yt_dlp.downloader.soop import SoopVodFD
    from yt_dlp.networking import Request, RequestDirector
    from yt_dlp.networking import _urllib as urllib_handler
    from yt_dlp.networking.exceptions import HTTPError, RequestError, TransportError
    from yt_dlp.utils import (
        MEDIA_EXTENSIONS,
        GeoRestrictedError,
        UserNotLive,
        unsmuggle_url,
    )

    own_downloaders = (HttpFD, HlsFD, DashSegmentsFD, IsmFD, F4mFD, BunnyCdnFD, SoopVodFD)

    def refuse_program(self: Any, filename: str, info_dict: Info) -> bool:
        raise DownloadFailed("This kind of stream cannot be downloaded.", "Download it yourself and upload the file.")

    # Several native downloaders hand a stream they cannot read to ffmpeg, which would make connections of its own.
    # This class is the base of all such programs; Cuewise never uses one, so it is closed once and for all.
    ExternalFD.real_download = refuse_program

    # The downloaders of streams leave their file open when an exception ends them, a cancel for one.
    open_file = FileDownloader.sanitize_open

    def remembered_file(self: Any, filename: str, open_mode: str) -> Any:
        stream, name = open_file(self, filename, open_mode)
        if isinstance(self.ydl, GuardedYoutubeDL):
            self.ydl.opened.append(stream)
        return stream, name

    FileDownloader.sanitize_open = remembered_file

    class RefusedError(RequestError):
        """Our refusal in yt-dlp's clothes, and not of the kind that it tries again."""

    class PromptResponse(http.client.HTTPResponse):
        """Gives what has arrived instead of waiting for a full block, and does not read a page without end."""

        def read(self, amt: int | None = None) -> bytes:
            if amt is None:
                return self._read_page()
            if amt <= 512:  # the head of a file, by which its kind is told, is wanted whole
                return super().read(amt)
            piece = self.read1(amt)
            if self.length == 0:
                self.close()
            return piece

        def _read_page(self) -> bytes:
            pieces, size, deadline = [], 0, time.monotonic() + PAGE_LIMIT_SECONDS
            while piece := super().read(64 * 1024):
                pieces.append(piece)
                size += len(piece)
                if size > PAGE_LIMIT_BYTES:
                    raise LinkTooLarge("The page behind this link has no end.")
                if time.monotonic() > deadline:
                    raise TimeoutError("the page took too long")
            if self.length:
                raise http.client.IncompleteRead(b"".join(pieces), self.length)
            return b"".join(pieces)

    class GuardedHTTPHandler(urllib_handler.HTTPHandler):
        """Opens every connection through the guard."""

        def __init__(self, guard: AddressGuard, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self._guard = guard

        def http_open(self, req: Any) -> Any:
            return self._open_guarded(http.client.HTTPConnection, req)

        def https_open(self, req: Any) -> Any:
            return self._open_guarded(http.client.HTTPSConnection, req, context=self._context)

        def _open_guarded(self, kind: type, req: Any, **kwargs: Any) -> Any:
            proxied = req.has_proxy() or req._tunnel_host or req.has_header("Ytdl-socks-proxy")
            connection_class = self._make_conn_class(kind, req)
            if proxied:
                target = urlsplit(req.full_url)
                with suppress(OSError):  # a name that only the proxy knows is the proxy's to judge
                    self._guard.addresses(target.hostname or "", target.port or 80)

            def connection(*args: Any, **kwargs: Any) -> Any:
                made = urllib_handler._create_http_connection(connection_class, self._source_address, *args, **kwargs)
                made.response_class = PromptResponse
                if not proxied:
                    made._create_connection = self._guard.connect
                return made

            return self.do_open(connection, req, **kwargs)

        @staticmethod
        def gz(data: bytes) -> bytes:
            return _unpacked(data, zlib.MAX_WBITS | 16)

        @staticmethod
        def deflate(data: bytes) -> bytes:
            try:
                return _unpacked(data, -zlib.MAX_WBITS)
            except zlib.error:
                return _unpacked(data, zlib.MAX_WBITS)

        @staticmethod
        def brotli(data: bytes) -> bytes:
            raise OSError("an encoding that was not asked for")

    class CuewiseRH(urllib_handler.UrllibRH):
        """yt-dlp's handler on the standard library, for http and https alone."""

        _SUPPORTED_URL_SCHEMES = ("http", "https", "data")
        RH_KEY = "Urllib"  # yt-dlp looks for it by this name
        RH_NAME = "cuewise"

        def __init__(self, *, guard: AddressGuard, answers: _Answers, **kwargs: Any) -> None:
            super().__init__(**{**kwargs, "enable_file_urls": False})
            self._guard = guard
            self._answers = answers
            self._responses: weakref.WeakSet[Any] = weakref.WeakSet()

        def close(self) -> None:
            for response in list(self._responses):
                response.close()
            super().close()

        def _create_instance(self, proxies: Any, cookiejar: Any, legacy_ssl_support: Any = None) -> Any:
            opener = urllib_handler.urllib.request.OpenerDirector()
            context = self._make_sslcontext(legacy_ssl_support=legacy_ssl_support)
            for handler in (
                urllib_handler.ProxyHandler(proxies),
                GuardedHTTPHandler(self._guard, context=context, source_address=self.source_address),
                urllib_handler.HTTPCookieProcessor(cookiejar),
                urllib_handler.DataHandler(),
                urllib_handler.UnknownHandler(),
                urllib_handler.HTTPDefaultErrorHandler(),
                urllib_handler.HTTPErrorProcessor(),
                urllib_handler.RedirectHandler(),
            ):
                opener.add_handler(handler)
            opener.addheaders = []
            return opener

        def _prepare_headers(self, _: Any, headers: Any) -> None:
            # Only encodings that can be unpacked up to a limit.
            urllib_handler.add_accept_encoding_header(headers, ["gzip", "deflate"])

        def _send(self, request: Any) -> Any:
            try:
                response = super()._send(request)
            except CuewiseError as exc:
                raise RefusedError(cause=exc) from exc
            except HTTPError as exc:
                self._responses.add(exc.response)
                raise
            self._responses.add(response)
            self._answers.note(request, response)
            return response

    class GuardedYoutubeDL(yt_dlp.YoutubeDL):
        """yt-dlp with one way to the network, and with our refusals at the steps where they are first known."""

        def __init__(self, params: dict[str, Any], *, guard: AddressGuard) -> None:
            self.answers = _Answers()
            self.before_download: Callable[[Info], None] | None = None
            self._guard = guard
            self._hops = 0
            self.opened: list[Any] = []
            super().__init__(params)

        def build_request_director(self, handlers: Any, preferences: Any = None) -> RequestDirector:
            make = functools.partial(CuewiseRH, guard=self._guard, answers=self.answers)
            return super().build_request_director([make], None)

        def process_ie_result(self, ie_result: Info, download: bool = True, extra_info: Info | None = None) -> Any:
            if download and _is_playlist(ie_result):
                raise BadLink("This link is a list of videos.", "Choose one of its videos.")
            if ie_result.get("_type") in {"url", "url_transparent"} and "playlist" not in (extra_info or {}):
                self._hops += 1
                if self._hops > HOP_LIMIT:
                    raise TooManyRedirects("The link redirects for ever.")
            return super().process_ie_result(ie_result, download, extra_info)

        def process_video_result(self, info_dict: Info, download: bool = True) -> Any:
            live = info_dict.get("live_status") in {"is_live", "is_upcoming", "post_live"} or info_dict.get("is_live")
            if live and "playlist" not in info_dict:
                raise LiveStream("This is a live stream or a premiere, and its recording is not online yet.")
            return super().process_video_result(info_dict, download)

        def sort_formats(self, info_dict: Info) -> None:
            with _SORTING:  # yt-dlp keeps the order of sorting in a class attribute that all threads share
                super().sort_formats(info_dict)

        def process_info(self, info_dict: Info) -> None:
            if self.before_download is not None:
                self.before_download(info_dict)
            super().process_info(info_dict)

        def dl(self, name: str, info: Info, subtitle: bool = False, test: bool = False) -> Any:
            if not issubclass(get_suitable_downloader(dict(info), self.params) or object, own_downloaders):
                refuse_program(self, name, info)
            try:
                success, transferred = super().dl(name, info, subtitle, test)
            finally:
                for stream in self.opened:
                    stream.close()
                self.opened.clear()
            if success and not test and not subtitle:
                _check_whole(Path(name), info, self)
            return success, transferred

    return SimpleNamespace(
        GuardedYoutubeDL=GuardedYoutubeDL,
        CookieLoadError=CookieLoadError,
        GeoRestrictedError=GeoRestrictedError,
        HTTPError=HTTPError,
        MEDIA_EXTENSIONS=MEDIA_EXTENSIONS,
        Request=Request,
        RequestError=RequestError,
        TransportError=TransportError,
        UserNotLive=UserNotLive,
        unsmuggle_url=unsmuggle_url,
    )


def _unpacked(data: bytes, window_bits: int) -> bytes:
    """A compressed page unpacked, up to the limit of a page. Raises LinkTooLarge and zlib.error."""
    unpacker = zlib.decompressobj(window_bits)
    page = unpacker.decompress(data, PAGE_LIMIT_BYTES) if data else b""
    if unpacker.unconsumed_tail:
        raise LinkTooLarge("The page behind this link has no end.")
    return page
