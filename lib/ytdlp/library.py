"""yt-dlp itself, behind our guard: one way to the network, no program that goes there by itself, our refusals.

Importing this imports yt-dlp, which takes most of a second.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yt_dlp
from yt_dlp import globals as yt_dlp_globals
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
from yt_dlp.networking import RequestDirector
from yt_dlp.postprocessor import ffmpeg as yt_dlp_ffmpeg

from lib.addresses import AddressGuard
from lib.errors import BadLink, DownloadFailed, LiveStream, TooManyRedirects
from lib.media.ffmpeg import bounded, locked_in
from lib.media.limits import limits
from lib.settings import tool_environment
from lib.ytdlp.answers import Answers
from lib.ytdlp.folder import check_whole
from lib.ytdlp.info import Info, answer_of, is_playlist
from lib.ytdlp.patience import Patience
from lib.ytdlp.transport import CuewiseRH

HOP_LIMIT = 15  # pages that send on to other pages, beside the redirects of HTTP
OWN_DOWNLOADERS = (HttpFD, HlsFD, DashSegmentsFD, IsmFD, F4mFD, BunnyCdnFD, SoopVodFD)

_SORTING = threading.Lock()


def _refuse_program(self: Any, filename: str, info_dict: Info) -> bool:
    raise DownloadFailed("This kind of stream cannot be downloaded.", "Download it yourself and upload the file.")


# Plugins are programs that lie in the home folder or beside the packages, and yt-dlp runs what it finds there.
yt_dlp_globals.plugin_dirs.value = []
yt_dlp_globals.all_plugins_loaded.value = True


class LockedFFmpeg(yt_dlp_ffmpeg.Popen):
    """ffmpeg as yt-dlp runs it, on files that a stranger's server gave: with the same locks as our own runs of it."""

    @classmethod
    def run(cls, command: list[str], *args: Any, **kwargs: Any) -> Any:
        head = bounded(memory_bytes=limits().memory_bytes, output_bytes=limits().output_bytes)
        return super().run([*head, *locked_in(command)], *args, env=tool_environment(), **kwargs)


yt_dlp_ffmpeg.Popen = LockedFFmpeg

# Several native downloaders hand a stream they cannot read to ffmpeg, which would make connections of its own.
# This class is the base of all such programs; Cuewise never uses one, so it is closed once and for all.
ExternalFD.real_download = _refuse_program

# The downloaders of streams leave their file open when an exception ends them, a cancel for one.
_open_file = FileDownloader.sanitize_open


def _remembered_file(self: Any, filename: str, open_mode: str) -> Any:
    stream, name = _open_file(self, filename, open_mode)
    if isinstance(self.ydl, GuardedYoutubeDL):
        self.ydl.opened.append(stream)
    return stream, name


FileDownloader.sanitize_open = _remembered_file


class GuardedYoutubeDL(yt_dlp.YoutubeDL):
    """yt-dlp with one way to the network, and with our refusals at the steps where they are first known."""

    def __init__(self, params: dict[str, Any], *, guard: AddressGuard, patience: Patience) -> None:
        self.answers = Answers()
        self.before_download: Callable[[Info], None] | None = None
        self._guard = guard
        self._patience = patience
        self._hops = 0
        self.opened: list[Any] = []
        super().__init__(params)

    def build_request_director(self, handlers: Any, preferences: Any = None) -> RequestDirector:
        make = functools.partial(CuewiseRH, guard=self._guard, answers=self.answers, patience=self._patience)
        return super().build_request_director([make], None)

    def process_ie_result(self, ie_result: Info, download: bool = True, extra_info: Info | None = None) -> Any:
        if download and is_playlist(ie_result):
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
        if not issubclass(get_suitable_downloader(dict(info), self.params) or object, OWN_DOWNLOADERS):
            _refuse_program(self, name, info)
        try:
            success, transferred = super().dl(name, info, subtitle, test)
        finally:
            for stream in self.opened:
                stream.close()
            self.opened.clear()
        if success and not test and not subtitle:
            answer = answer_of(info, self.answers)
            check_whole(Path(name), answer.total_bytes if answer else None)
        return success, transferred
