"""A tab of a browser without the browser: a client that speaks Streamlit's own protocol with the app.

It asks for the page and for what the page asks for first, opens the socket, keeps what is drawn where it is drawn,
sends what is typed and pressed with the states of the widgets, uploads files, follows the fragments that run by the
clock, and goes where the app sends it. It draws nothing, and asks for no picture, script or media: thirty of these take
less of a machine than one Chromium.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx2
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Common_pb2 import FileURLs
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect

PATIENCE = 240.0
LARGEST = 64_000_000
WORDS = ("label", "body", "text")
JOINER = "\u2060"
"""What the app puts where Markdown would turn letters into something else."""


class Lost(Exception):
    """What was waited for did not come."""


class Drawn(NamedTuple):
    """One element where it stands: its kind, its message, the fragment that drew it, and the run that did."""

    kind: str
    proto: Any
    fragment_id: str
    run_id: str


@dataclass
class Browser:
    """What all tabs of one browser share: its cookies. ``heard`` gets all that the app sends to any of them."""

    url: str
    heard: Callable[[bytes], None] = lambda said: None
    http: httpx2.AsyncClient = field(default_factory=lambda: httpx2.AsyncClient(timeout=PATIENCE, trust_env=False))

    async def open(self, address: str = "/") -> Tab:
        """A new tab on an address, before anything is drawn in it. To reload is to close one and to open it again."""
        page = await self.http.get(self.url + address, headers={"Accept": "text/html"})
        self.heard(page.content)
        for path in ("/_stcore/health", "/_stcore/host-config"):
            await self.http.get(self.url + path)
        cookies = "; ".join(f"{name}={value}" for name, value in self.http.cookies.items())
        socket = await connect(
            self.url.replace("http", "ws", 1) + "/_stcore/stream",
            origin=self.url,
            subprotocols=["streamlit", self.http.cookies["_streamlit_xsrf"]],
            additional_headers={"Cookie": cookies},
            max_size=LARGEST,
        )
        return Tab(self, socket, address)

    async def close(self) -> None:
        await self.http.aclose()


class Tab:
    """One tab. ``ticks`` are the seconds that fragments took which the clock started."""

    def __init__(self, browser: Browser, socket: ClientConnection, address: str) -> None:
        where = urlsplit(address)
        self.browser, self.page, self.query = browser, where.path.strip("/"), where.query
        self.session_id = ""
        self.ticks: list[float] = []
        self._socket = socket
        self._drawn: dict[tuple[int, ...], Drawn] = {}
        self._states: dict[str, WidgetState] = {}
        self._known: dict[str, ForwardMsg] = {}
        self._clocks: dict[str, asyncio.Task] = {}
        self._ticking: dict[str, float] = {}
        self._uploads: dict[str, asyncio.Future] = {}
        self._numbers = itertools.count()
        self._run_id = self._page_hash = ""
        self._pages: dict[str, str] = {}
        self._is_settled = self._has_begun = False
        self._awaited_fragment = self._awaited_page = ""
        self._changed = asyncio.Condition()
        self._reader = asyncio.create_task(self._read())
        self._problem: BaseException | None = None

    # What a person does

    async def show(self) -> None:
        """Ask for the page, as a browser does when its socket is open."""
        await self._rerun(page_name=self.page)

    async def press(self, label: str, kind: str = "button") -> None:
        button = self.one(kind, label)
        pressed = WidgetState(id=button.proto.id, trigger_value=True)
        await self._rerun(button.fragment_id, trigger=pressed)

    async def type(self, label: str, text: str, *, is_sent: bool = True) -> None:
        """Fill a field; in a form it is not sent before a button is pressed."""
        field = self.one(("text_input", "text_area"), label)
        self._states[field.proto.id] = WidgetState(id=field.proto.id, string_value=text)
        if is_sent:
            await self._rerun(field.fragment_id)

    async def choose(self, label: str, *options: str) -> None:
        """Let these be what is chosen among several; the beginning of each option is enough."""
        choice = self.one("multiselect", label)
        chosen = [next(each for each in choice.proto.options if each.startswith(option)) for option in options]
        state = WidgetState(id=choice.proto.id)
        state.string_array_value.data.extend(chosen)
        self._states[choice.proto.id] = state
        await self._rerun(choice.fragment_id)

    async def drop_file(self, name: str, content: bytes) -> None:
        """Upload a file into the page's own place for it."""
        place = self.one("file_uploader", "Videos or sound files")
        urls = await self._upload_urls(name)
        put = await self.browser.http.put(
            self.browser.url + urls.upload_url,
            files={"file": (name, content, "video/mp4")},
            headers={"X-Xsrftoken": self.browser.http.cookies["_streamlit_xsrf"]},
        )
        put.raise_for_status()
        state = WidgetState(id=place.proto.id)
        info = state.file_uploader_state_value.uploaded_file_info.add(
            name=name, size=len(content), file_id=urls.file_id
        )
        info.file_urls.CopyFrom(urls)
        self._states[place.proto.id] = state
        await self._rerun(place.fragment_id)

    async def open_by_menu(self, name: str) -> None:
        """Go to another page within the same session."""
        link = self.one("page_link", name).proto
        self.page, self.query = link.page, link.query_string
        self._states.clear()
        self._stop_clocks()
        await self._rerun(page_hash=link.page_script_hash)

    async def close(self) -> None:
        self._stop_clocks()
        self._reader.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await self._reader
        await self._socket.close()

    # What a person sees

    def all(self, kind: str | tuple[str, ...]) -> Iterator[Drawn]:
        kinds = (kind,) if isinstance(kind, str) else kind
        return (each for each in list(self._drawn.values()) if each.kind in kinds)

    def one(self, kind: str | tuple[str, ...], label: str) -> Drawn:
        """The element of a kind that is called so, or whose name begins so."""
        for each in self.all(kind):
            if each.proto.label.startswith(label):
                return each
        raise Lost(f"no {kind} {label!r} on /{self.page}?{self.query}, only {[e.proto.label for e in self.all(kind)]}")

    def says(self, words: str) -> bool:
        """Whether the words stand anywhere on the page: in a text, a label, or what a component draws."""
        return any(words in text for each in list(self._drawn.values()) for text in _texts(each))

    async def until(self, *words: str, condition: Callable[[Tab], bool] = lambda tab: True) -> None:
        """Until the page has come to rest and shows all these words. Raises Lost when it does not."""
        await self._until(
            lambda: self._is_settled and all(self.says(each) for each in words) and condition(self),
            f"{words} on /{self.page}?{self.query}",
        )

    async def until_soon(self, *words: str) -> None:
        """Until the words are there, though something may still be going on."""
        await self._until(lambda: all(self.says(each) for each in words), f"{words} on /{self.page}?{self.query}")

    async def _until(self, condition: Callable[[], bool], what: str) -> None:
        try:
            async with asyncio.timeout(PATIENCE), self._changed:
                await self._changed.wait_for(lambda: self._problem is not None or condition())
        except TimeoutError:
            raise Lost(f"{what}: not within {PATIENCE:.0f} s. There is: {self._summary()}") from None
        if self._problem is not None:
            raise Lost(f"{what}: the socket ended") from self._problem

    def _summary(self) -> str:
        return " | ".join(text[:80] for each in self._drawn.values() for text in _texts(each) if each.kind != "html")

    # The protocol

    async def _rerun(
        self,
        fragment_id: str = "",
        *,
        trigger: WidgetState | None = None,
        page_hash: str | None = None,
        page_name: str = "",
        is_auto: bool = False,
    ) -> None:
        message = BackMsg()
        asked = message.rerun_script
        asked.query_string, asked.page_name, asked.fragment_id = self.query, page_name, fragment_id
        asked.page_script_hash = "" if page_name else (page_hash or self._page_hash)
        asked.is_auto_rerun = is_auto
        asked.widget_states.widgets.extend([*self._states.values(), *([trigger] if trigger else [])])
        asked.cached_message_hashes.extend(self._known)
        asked.context_info.timezone, asked.context_info.locale = "UTC", "en"
        asked.context_info.url = f"{self.browser.url}/{self.page}"
        asked.context_info.color_scheme = "light"
        if not is_auto:
            self._is_settled = self._has_begun = False
            self._awaited_fragment, self._awaited_page = fragment_id, page_hash or ""
        await self._socket.send(message.SerializeToString())

    async def _upload_urls(self, name: str) -> FileURLs:
        message, number = BackMsg(), str(next(self._numbers))
        asked = message.file_urls_request
        asked.request_id, asked.session_id = number, self.session_id
        asked.file_names.append(name)
        self._uploads[number] = asyncio.get_running_loop().create_future()
        await self._socket.send(message.SerializeToString())
        return await asyncio.wait_for(self._uploads[number], PATIENCE)

    async def _read(self) -> None:
        try:
            async for frame in self._socket:
                self.browser.heard(frame)
                message = ForwardMsg()
                message.ParseFromString(frame)
                await self._take(message)
        except BaseException as error:  # whoever waits is told
            self._problem = error
            raise
        else:
            self._problem = Lost("the app closed the socket")
        finally:
            async with self._changed:
                self._changed.notify_all()

    async def _take(self, message: ForwardMsg) -> None:
        kind = message.WhichOneof("type")
        if kind == "ref_hash":
            known = ForwardMsg()
            known.CopyFrom(self._known[message.ref_hash])
            known.metadata.CopyFrom(message.metadata)
            message, kind = known, known.WhichOneof("type")
        elif message.metadata.cacheable:
            self._known[message.hash] = message
        if kind == "new_session":
            self._begin(message)
        elif kind == "delta":
            self._draw(message)
        elif kind == "script_finished":
            self._finish(message)
            async with self._changed:
                self._changed.notify_all()
        elif kind == "auto_rerun":
            self._start_clock(message.auto_rerun.fragment_id, message.auto_rerun.interval)
        elif kind == "stop_auto_rerun":
            for fragment_id in message.stop_auto_rerun.fragment_ids:
                self._stop_clock(fragment_id)
        elif kind == "navigation":
            self._go_to(message.navigation.page_script_hash)
        elif kind == "page_info_changed":
            self.query = message.page_info_changed.query_string
        elif kind == "file_urls_response":
            self._answer_upload(message)

    def _begin(self, message: ForwardMsg) -> None:
        new = message.new_session
        self.session_id = new.initialize.session_id or self.session_id
        self._run_id = message.metadata.run.script_run_id
        if message.metadata.run.fragment_ids:
            self._has_begun |= self._awaited_fragment in message.metadata.run.fragment_ids
            return
        # What the clock has begun for the page before may come in between.
        self._has_begun |= self._awaited_page in ("", new.page_script_hash)
        self._pages = {each.page_script_hash: each.url_pathname for each in new.app_pages} or self._pages
        if self._page_hash:  # of the first run it is always the main page's: which one it is comes later
            self._go_to(new.page_script_hash)
        self._stop_clocks()

    def _go_to(self, page_hash: str) -> None:
        if page_hash != self._page_hash:
            self.page = self._pages.get(page_hash, self.page) if self._page_hash else self.page
        self._page_hash = page_hash

    def _draw(self, message: ForwardMsg) -> None:
        path, delta = tuple(message.metadata.delta_path), message.delta
        inside = delta.WhichOneof("type")
        run_id = message.metadata.run.script_run_id or self._run_id
        if inside == "new_element":
            kind = delta.new_element.WhichOneof("type") or "empty"
            self._drawn[path] = Drawn(kind, getattr(delta.new_element, kind), delta.fragment_id, run_id)
        elif inside == "add_block":
            kind = delta.add_block.WhichOneof("type") or "block"
            self._drawn[path] = Drawn(kind, delta.add_block, delta.fragment_id, run_id)

    def _finish(self, message: ForwardMsg) -> None:
        """What the run did not draw again is gone; of a fragment's run, only what it drew before."""
        status, run = message.script_finished, message.metadata.run
        fragments = set(run.fragment_ids)
        if status == ForwardMsg.FINISHED_EARLY_FOR_RERUN:
            return
        for path, each in list(self._drawn.items()):
            if each.run_id != run.script_run_id and (not fragments or each.fragment_id in fragments):
                del self._drawn[path]
        for fragment_id in fragments & self._ticking.keys():
            self.ticks.append(time.monotonic() - self._ticking.pop(fragment_id))
        if self._has_begun and (not fragments or self._awaited_fragment in fragments):
            self._is_settled = True

    def _answer_upload(self, message: ForwardMsg) -> None:
        answer = message.file_urls_response
        self._uploads.pop(answer.response_id).set_result(answer.file_urls[0])

    def _start_clock(self, fragment_id: str, interval: float) -> None:
        self._stop_clock(fragment_id)
        self._clocks[fragment_id] = asyncio.create_task(self._tick(fragment_id, interval))

    def _stop_clock(self, fragment_id: str) -> None:
        if (clock := self._clocks.pop(fragment_id, None)) is not None:
            clock.cancel()
        self._ticking.pop(fragment_id, None)

    def _stop_clocks(self) -> None:
        for fragment_id in list(self._clocks):
            self._stop_clock(fragment_id)

    async def _tick(self, fragment_id: str, interval: float) -> None:
        while True:
            await asyncio.sleep(interval)
            self._ticking.setdefault(fragment_id, time.monotonic())
            await self._rerun(fragment_id, is_auto=True)


def _texts(each: Drawn) -> Iterator[str]:
    for name in WORDS:
        text = getattr(each.proto, name, None)
        if isinstance(text, str) and text:
            yield text.replace("\\", "").replace(JOINER, "")
    if each.kind == "bidi_component":
        yield each.proto.json or each.proto.mixed.json
