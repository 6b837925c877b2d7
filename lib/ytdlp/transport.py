"""yt-dlp's one way to the network: every connection is opened by `AddressGuard.connect`.

Importing this imports yt-dlp, which takes most of a second.
"""

from __future__ import annotations

import functools
import http.client
import time
import weakref
import zlib
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from yt_dlp.networking import _urllib as urllib_handler
from yt_dlp.networking.exceptions import HTTPError, RequestError

from lib.addresses import AddressGuard
from lib.domain.plan import MEGABYTE
from lib.errors import CuewiseError, LinkTooLarge, LinkTooSlow
from lib.ytdlp.answers import Answers
from lib.ytdlp.patience import Patience

PAGE_LIMIT_BYTES = 64 * MEGABYTE  # a page read whole; the largest honest ones have a few megabytes
PAGE_LIMIT_SECONDS = 120.0


class RefusedError(RequestError):
    """Our refusal in yt-dlp's clothes, and not of the kind that it tries again."""


class PromptResponse(http.client.HTTPResponse):
    """Gives what has arrived instead of waiting for a full block, and does not read a page without end."""

    def __init__(self, sock: Any, *args: Any, patience: Patience, **kwargs: Any) -> None:
        self._patience = patience
        patience.watch(sock)
        super().__init__(sock, *args, **kwargs)

    def read(self, amt: int | None = None) -> bytes:
        if amt is None:
            return self._read_page()
        if amt <= 512:  # the head of a file, by which its kind is told, is wanted whole
            return super().read(amt)
        piece = self.read1(amt)
        if self._patience.is_over:  # a connection that was cut looks like the end of a file without a length
            raise TimeoutError("the download took too long")
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

    def __init__(self, guard: AddressGuard, patience: Patience, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._guard = guard
        self._patience = patience

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
            made.response_class = functools.partial(PromptResponse, patience=self._patience)
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

    def __init__(self, *, guard: AddressGuard, answers: Answers, patience: Patience, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "enable_file_urls": False})
        self._guard = guard
        self._patience = patience
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
            GuardedHTTPHandler(self._guard, self._patience, context=context, source_address=self.source_address),
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
        if self._patience.is_over:
            slow = LinkTooSlow("The server takes too long.")
            raise RefusedError(cause=slow) from slow
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


def _unpacked(data: bytes, window_bits: int) -> bytes:
    """A compressed page unpacked, up to the limit of a page. Raises LinkTooLarge and zlib.error."""
    unpacker = zlib.decompressobj(window_bits)
    page = unpacker.decompress(data, PAGE_LIMIT_BYTES) if data else b""
    if unpacker.unconsumed_tail:
        raise LinkTooLarge("The page behind this link has no end.")
    return page
