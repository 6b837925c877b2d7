"""Looking a link up, and bringing what is behind it."""

from __future__ import annotations

import functools
import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from lib.addresses import AddressGuard, without_credentials
from lib.domain.captions import CaptionTrack
from lib.errors import (
    BadLink,
    Cancelled,
    CuewiseError,
    DownloadFailed,
    LinkTooLarge,
    LinkTooSlow,
    NothingThere,
    NotMediaPage,
)
from lib.formats.timecode import format_length
from lib.media.poster import made_anew
from lib.ytdlp.answers import Answers
from lib.ytdlp.captions import file_of
from lib.ytdlp.debug_log import DebugLog
from lib.ytdlp.failures import chain_of, translated
from lib.ytdlp.folder import check_room, keep_only, make_folder, stem_of, throw_halves_away, whole_file
from lib.ytdlp.formats import Need, format_choice
from lib.ytdlp.info import (
    Info,
    answer_of,
    ask_sizes,
    identity_of,
    is_playlist,
    names_no_media,
    parts_of,
    playlist_of,
    size_of,
    video_of,
)
from lib.ytdlp.links import PLAYLIST_LIMIT, LinkPlaylist, LinkVideo
from lib.ytdlp.meter import Meter, OnProgress
from lib.ytdlp.patience import Patience
from lib.ytdlp.wording import megabytes

if TYPE_CHECKING:
    from lib.ytdlp.library import GuardedYoutubeDL

SOCKET_TIMEOUT = 20.0  # seconds of silence
LOOK_UP_SECONDS = 180.0  # for a page with all that it leads to: honest ones take a few
DOWNLOAD_RETRIES = 2
PICTURE_BYTES = 2_000_000
CAPTIONS_BYTES = 20_000_000  # a day of talk takes a few
CAPTIONS_SECONDS = 600.0  # those of a stream come in a thousand pieces

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LinkDoor:
    """Looks links up and downloads them. Safe to share between threads: nothing is kept between two calls.

    ``ffmpeg_path`` joins pictures and sound that come apart. ``cookies_file`` (Netscape format) is read, never
    written. ``max_bytes`` and ``max_seconds`` of playing refuse what is too large. ``patience_seconds`` is how long a
    download may take in all. ``cache_folder`` keeps the solved parts of YouTube's player between calls.
    ``retry_seconds`` is the wait before a broken transfer is taken up again.
    """

    ffmpeg_path: str
    allow_private: bool = False
    cookies_file: Path | None = None
    max_bytes: int = 4_000_000_000
    max_seconds: float = 12 * 3600.0
    patience_seconds: float = 6 * 3600.0
    look_up_seconds: float = LOOK_UP_SECONDS
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
            if is_playlist(info):
                return playlist_of(info, url)
            ask_sizes(info, ydl.answers, ydl.urlopen)
            self._refuse(info, ydl.answers)
            return video_of(info, url, ydl.answers)

    def picture(self, url: str) -> bytes | None:
        """The small picture that a site shows for a video, made anew as a JPEG; None where none can be had.

        Fetched here, through the guard, so that a page need not load anything from elsewhere. Never raises.
        """
        try:
            with self._open(url, Need()) as (ydl, checked), ydl.urlopen(checked) as response:
                content = b""
                while len(content) <= PICTURE_BYTES and (block := response.read(1 << 16)):
                    content += block
        except CuewiseError as exc:
            log.info("no picture from %s: %s", without_credentials(url), exc.code)
            return None
        return made_anew(content) if len(content) <= PICTURE_BYTES else None

    def captions(self, url: str, track: CaptionTrack, folder: Path) -> tuple[str, str]:
        """The text of a track's file and its kind (``vtt``, ``srt``), fetched into ``folder`` on its way.

        Raises NothingThere when the track is no longer there, LinkTooLarge, and LinkError like ``look_up``.
        """
        make_folder(folder)
        with self._open(url, Need(), folder, Meter(None, CAPTIONS_BYTES), CAPTIONS_SECONDS) as (ydl, url):
            info = ydl.extract_info(url, download=False)
            file = None if not info or is_playlist(info) else file_of(info, track)
            if info is None or file is None:
                raise NothingThere("These captions are no longer behind this link.", "Look the link up again.")
            if file.get("data") is not None:
                return str(file["data"]), file["ext"]
            path = folder / f"captions.{file['ext']}"
            ydl.dl(str(path), {"http_headers": info.get("http_headers") or {}, **file}, subtitle=True)
            if not path.is_file() or not path.stat().st_size:
                raise DownloadFailed("The site gave an empty file of captions.", "Choose another language or a model.")
            return path.read_text("utf-8", "replace"), file["ext"]

    def download(self, url: str, folder: Path, need: Need | None = None, on_progress: OnProgress | None = None) -> Path:
        """Bring the video into ``folder`` and return the path of the whole file.

        The folder is for this link alone, and the same at the next try: what a try left half done there is taken
        up again if it is still the same file, and thrown away if not. ``on_progress`` is called a few times a
        second; what it raises (Cancelled) ends the download at once and keeps the half for later. While a server
        is silent nothing is called, for 20 seconds at most. Raises LinkError, NoSound, DiskFull, FolderReadOnly.
        """
        need = need or Need()
        meter = Meter(on_progress, self.max_bytes)
        make_folder(folder)
        try:
            return self._download(url, folder, need, meter)
        except DownloadFailed as exc:
            # The half reaches past the end of what is there now: the server answers 416, and would for ever.
            if not any(getattr(error, "status", None) == 416 for error in chain_of(exc)):
                raise
        throw_halves_away(need, folder)
        return self._download(url, folder, need, meter)

    def _download(self, url: str, folder: Path, need: Need, meter: Meter) -> Path:
        with self._open(url, need, folder, meter, self.patience_seconds) as (ydl, url):
            ydl.before_download = functools.partial(self._prepare, folder=folder, need=need, meter=meter, ydl=ydl)
            info = ydl.extract_info(url, download=True)
            path = whole_file(info, folder)
            meter.finish(path.stat().st_size)
            return path

    @contextmanager
    def _open(
        self,
        url: str,
        need: Need,
        folder: Path | None = None,
        meter: Meter | None = None,
        seconds: float | None = None,
    ) -> Iterator[tuple[GuardedYoutubeDL, str]]:
        guard = self.guard or AddressGuard(allow_private=self.allow_private)
        url = guard.check_url(url, proxied=not {"http", "https", "all"}.isdisjoint(getproxies()))
        from lib.ytdlp.library import GuardedYoutubeDL  # imports yt-dlp: with the first link, not with the app

        seconds = self.look_up_seconds if seconds is None else seconds
        with translated(url, need), Patience(seconds) as patience:
            try:
                with GuardedYoutubeDL(self._options(need, folder, meter), guard=guard, patience=patience) as ydl:
                    yield ydl, url
            except Cancelled:
                raise
            except Exception as exc:
                if patience.is_over:
                    raise LinkTooSlow(f"{urlsplit(url).hostname} takes longer than {format_length(seconds)}.") from exc
                raise

    def _options(self, need: Need, folder: Path | None, meter: Meter | None) -> dict[str, Any]:
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
            "logger": DebugLog(),
            "restrictfilenames": True,
        }
        if self.cookies_file is not None:
            options["cookiefile"] = io.StringIO(_cookies(self.cookies_file))  # yt-dlp would write into a named file
        if folder is not None and meter is not None:
            options["outtmpl"] = {"default": f"{stem_of(need)}.%(ext)s"}
            options["paths"] = {"home": str(folder)}
            options["progress_hooks"] = [meter]
        return options

    def _prepare(self, info: Info, *, folder: Path, need: Need, meter: Meter, ydl: GuardedYoutubeDL) -> None:
        """Just before the first byte: refuse what is too large, throw away halves of something else."""
        ask_sizes(info, ydl.answers, ydl.urlopen)
        self._refuse(info, ydl.answers)
        size = size_of(info, ydl.answers)
        meter.expect(size)
        keep_only(identity_of(info, ydl.answers), need, folder)
        check_room(size, is_joined=len(parts_of(info)) > 1, folder=folder)

    def _refuse(self, info: Info, answers: Answers) -> None:
        size, duration = size_of(info, answers), info.get("duration")
        if size and size > self.max_bytes:
            raise LinkTooLarge(f"The video has {megabytes(size)}; the limit is {megabytes(self.max_bytes)}.")
        if duration and duration > self.max_seconds:
            hours = self.max_seconds / 3600
            raise LinkTooLarge(f"The video lasts {duration / 3600:.1f} hours; the limit is {hours:g} hours.")
        if info.get("direct") and names_no_media(info, answers):
            raise NotMediaPage("This link leads to a file that is neither video nor sound.")
        if any(answer.total_bytes == 0 for part in parts_of(info) if (answer := answer_of(part, answers))):
            raise NothingThere("The file behind this link is empty.")


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
