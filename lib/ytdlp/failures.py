"""Every failure of yt-dlp, of the network and of the disk as one of our errors."""

from __future__ import annotations

import errno
import http.client
import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from lib.errors import (
    BadLink,
    BotCheck,
    CuewiseError,
    DiskFull,
    DownloadFailed,
    FolderReadOnly,
    GeoBlocked,
    LinkError,
    LinkUnreachable,
    LiveStream,
    NoSound,
    NothingThere,
    NotMediaPage,
    TooManyRedirects,
)
from lib.ytdlp.formats import Need
from lib.ytdlp.wording import megabytes, plain, sentence, worded


@contextmanager
def translated(url: str, need: Need) -> Iterator[None]:
    """Every failure inside leaves as one of our errors, with the sentence that fits it."""
    try:
        yield
    except CuewiseError:
        raise
    except RecursionError as exc:
        raise TooManyRedirects("The link redirects for ever.") from exc
    except Exception as exc:
        raise our_error(exc, url, need) from exc


def our_error(exc: Exception, url: str, need: Need) -> CuewiseError:
    """What an exception of yt-dlp means for whoever gave the link."""
    from yt_dlp.cookies import CookieLoadError
    from yt_dlp.networking.exceptions import HTTPError
    from yt_dlp.utils import GeoRestrictedError, UserNotLive

    chain = list(chain_of(exc))
    for error in chain:
        if isinstance(error, CuewiseError):
            return error
    host = urlsplit(url).hostname or "the site"
    site = host.removeprefix("www.").removeprefix("m.")
    text = plain(exc)
    for error in chain:
        if isinstance(error, GeoRestrictedError):
            return GeoBlocked(f"{site} does not show this video in the country this machine is in.")
        if isinstance(error, UserNotLive):
            return LiveStream("There is no stream now, and a live stream cannot be transcribed before it has ended.")
        if isinstance(error, CookieLoadError):
            return BadLink(
                "The cookies file cannot be read.", "Export it again in the Netscape format, or remove it in Settings."
            )
        if isinstance(error, HTTPError) and error.redirect_loop:
            return TooManyRedirects("The link redirects for ever.")
        if isinstance(error, OSError) and (full := storage_error(error)):
            return full
    known = worded(text, site)
    if known is not None:
        return known
    if "requested format is not available" in text.lower():
        if need.hears_only:
            return NoSound("There is no sound behind this link.")
        return NotMediaPage("No video or sound behind this link can be downloaded.")
    status = next((error.status for error in chain if isinstance(error, HTTPError)), None)
    if status is None and (match := re.search(r"http error (\d{3})", text, re.IGNORECASE)):
        status = int(match[1])
    if status is not None:
        return _http_error(status, host)
    return _transport_error(chain, text, host) or DownloadFailed(sentence(text))


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
    from yt_dlp.networking.exceptions import TransportError

    low = text.lower()

    def met(kind: type[BaseException] | tuple[type[BaseException], ...], wording: str) -> bool:
        return any(isinstance(error, kind) for error in chain) or bool(re.search(wording, low))

    if broken := re.search(r"downloaded (\d+) bytes, expected (\d+)|(\d+) bytes read, (\d+) more expected", low):
        got, announced = (
            (int(broken[1]), int(broken[2])) if broken[1] else (int(broken[3]), sum(map(int, broken.groups()[2:])))
        )
        return DownloadFailed(
            f"The transfer broke off after {megabytes(got)} of {megabytes(announced)}.",
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
    if met(TransportError, r"urlopen error"):
        return LinkUnreachable(f"{host} could not be reached.")
    return None


def storage_error(exc: OSError) -> CuewiseError | None:
    """What the disk says in our words, None where it is not about the disk."""
    if exc.errno in {errno.ENOSPC, errno.EDQUOT}:
        return DiskFull("The disk is full.")
    if exc.errno in {errno.EROFS} or (isinstance(exc, PermissionError) and exc.filename):
        return FolderReadOnly("The download cannot be written to its folder.")
    return None


def chain_of(exc: BaseException) -> Iterator[BaseException]:
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
