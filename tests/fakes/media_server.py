"""A real HTTP server on loopback that gives out media, in all the ways media are given out badly.

In a test::

    with MediaServer() as server:
        server.put("/talk.mp4", Answer(body=data))
        url = server.url("/talk.mp4")
        ...
        assert server.requests[-1].headers["Range"] == "bytes=1000-"

By hand, with a page for each file, a list page and an RSS feed::

    python -m tests.fakes.media_server --port 8900 talk.mp4 song.mp3
"""

from __future__ import annotations

import argparse
import mimetypes
import re
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from urllib.parse import quote, urlsplit

BLOCK = 16 * 1024


@dataclass(slots=True)
class Answer:
    """What the server says under one path.

    ``ranges`` answers a Range with 206. ``declared_length`` is announced whatever the body has. ``dies_after`` cuts
    the connection after so many bytes of the body, as often as ``deaths`` says. ``endless`` repeats the body for
    ever, without a length. ``block_wait`` are the seconds between two blocks of 16 KiB.
    """

    body: bytes = b""
    media_type: str = "application/octet-stream"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    ranges: bool = True
    has_length: bool = True
    declared_length: int | None = None
    dies_after: int | None = None
    deaths: int = 1_000_000
    endless: bool = False
    block_wait: float = 0.0

    @classmethod
    def of(cls, path: Path, **kwargs: object) -> Answer:
        media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        return cls(body=path.read_bytes(), media_type=media_type, **kwargs)  # type: ignore[arg-type]


def redirect(location: str, status: int = 302) -> Answer:
    return Answer(status=status, headers={"Location": location}, ranges=False)


def page(html: str) -> Answer:
    return Answer(body=html.encode(), media_type="text/html; charset=utf-8", ranges=False)


def video_page(title: str, *sources: str, picture: str = "/poster.jpg") -> Answer:
    """A page with a player: one video, or with several sources a list of them."""
    players = "".join(f'<video src="{escape(source)}" controls></video>' for source in sources)
    head = f'<title>{escape(title)}</title><meta property="og:image" content="{escape(picture)}">'
    return page(f"<!DOCTYPE html><html><head>{head}</head><body><h1>{escape(title)}</h1>{players}</body></html>")


def captioned_page(title: str, source: str, tracks: Mapping[str, str]) -> Answer:
    """A page with a player whose captions are tracks: language and link of each."""
    rows = "".join(
        f'<track kind="captions" srclang="{escape(name)}" src="{escape(at)}">' for name, at in tracks.items()
    )
    player = f'<video controls><source src="{escape(source)}" type="video/mp4">{rows}</video>'
    return page(f"<!DOCTYPE html><html><head><title>{escape(title)}</title></head><body>{player}</body></html>")


def hls_playlist(*lines: str) -> Answer:
    """A manifest of HLS with these lines."""
    body = "\n".join(("#EXTM3U", *lines, "")).encode()
    return Answer(body=body, media_type="application/vnd.apple.mpegurl", ranges=False)


def shared_page(title: str, source: str) -> Answer:
    """A page that names its video only for those who share it (Open Graph)."""
    head = f'<title>{escape(title)}</title><meta property="og:video" content="{escape(source)}">'
    return page(f"<!DOCTYPE html><html><head>{head}</head><body><p>Hello</p></body></html>")


def feed(title: str, items: Iterable[tuple[str, str, str]]) -> Answer:
    """A podcast's RSS; an item is its title, its link and its duration (``1:05``)."""
    rows = "".join(
        f"<item><title>{escape(name)}</title><guid>{escape(link)}</guid>"
        f'<enclosure url="{escape(link)}" type="video/mp4" length="1"/>'
        f"<itunes:duration>{duration}</itunes:duration></item>"
        for name, link, duration in items
    )
    namespace = 'xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"'
    channel = f"<channel><title>{escape(title)}</title>{rows}</channel>"
    text = f'<?xml version="1.0"?><rss version="2.0" {namespace}>{channel}</rss>'
    return Answer(body=text.encode(), media_type="application/rss+xml", ranges=False)


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked of the server."""

    method: str
    path: str
    headers: Mapping[str, str]


class MediaServer:
    """Answers on 127.0.0.1 while its ``with`` lasts. ``requests`` are those it got, the latest last."""

    def __init__(self, port: int = 0, host: str = "127.0.0.1") -> None:
        self.requests: list[Request] = []
        self._answers: dict[str, Answer] = {}
        self._stopping = threading.Event()
        self._server = ThreadingHTTPServer((host, port), _handler_for(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    def __enter__(self) -> MediaServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def put(self, path: str, answer: Answer) -> str:
        """Answer so under ``path`` (a query in the request does not matter) and return the link."""
        self._answers[path] = answer
        return self.url(path)

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def put_files(self, files: Iterable[Path]) -> list[str]:
        """The files, a page for each, ``/list.html`` with all of them and ``/feed.rss``; returns all links."""
        links = [self.put(f"/{quote(path.name)}", Answer.of(path)) for path in files]
        pages = [self.put(f"/page/{n}", video_page(f"Page {n}", link)) for n, link in enumerate(links, 1)]
        listed = self.put("/list.html", video_page("All videos", *links))
        fed = self.put("/feed.rss", feed("All videos", [(link.rpartition("/")[2], link, "1:00") for link in links]))
        return [*links, *pages, listed, fed]

    def answer_to(self, request: Request) -> Answer:
        self.requests.append(request)
        return self._answers.get(urlsplit(request.path).path) or Answer(status=404, body=b"nothing here")

    def wait(self, seconds: float) -> bool:
        """Wait, and say whether to go on."""
        return not self._stopping.wait(seconds)


def _handler_for(server: MediaServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer()

        def do_HEAD(self) -> None:
            self._answer()

        def log_message(self, format: str, *args: object) -> None:
            """Keep quiet."""

        def _answer(self) -> None:
            answer = server.answer_to(Request(self.command, self.path, dict(self.headers.items())))
            self.close_connection = True  # a cut connection and a finished one must not be mixed up
            start, end = 0, len(answer.body)
            asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
            status = answer.status
            if asked and answer.ranges and status == 200 and not answer.endless:
                start = int(asked[1])
                end = min(end, int(asked[2]) + 1) if asked[2] else end
                if start >= len(answer.body):
                    self.send_response(416)
                    self.send_header("Content-Range", f"bytes */{len(answer.body)}")
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                status = 206
            self.send_response(status)
            self.send_header("Content-Type", answer.media_type)
            self.send_header("Connection", "close")
            if answer.ranges:
                self.send_header("Accept-Ranges", "bytes")
            if status == 206:
                self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(answer.body)}")
            if answer.declared_length is not None:
                self.send_header("Content-Length", str(answer.declared_length))
            elif answer.has_length and not answer.endless:
                self.send_header("Content-Length", str(end - start))
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                with suppress(OSError):  # the other side has heard enough
                    self._send_body(answer, start, end)

        def _send_body(self, answer: Answer, start: int, end: int) -> None:
            sent = 0
            while True:
                for at in range(start, end, BLOCK):
                    block = answer.body[at : min(at + BLOCK, end)]
                    if answer.dies_after is not None and answer.deaths > 0 and sent + len(block) > answer.dies_after:
                        self.wfile.write(block[: answer.dies_after - sent])
                        answer.deaths -= 1
                        return
                    self.wfile.write(block)
                    sent += len(block)
                    if not server.wait(answer.block_wait):
                        return
                if not answer.endless:
                    return

    return Handler


def main() -> None:
    parser = argparse.ArgumentParser(description="Give out files on loopback, with pages that show them.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("files", nargs="+", type=Path)
    options = parser.parse_args()
    with MediaServer(options.port) as server:
        for link in server.put_files(options.files):
            print(link, flush=True)
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            print()


if __name__ == "__main__":
    main()
