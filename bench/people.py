"""What one person does with the app, and how long each action takes: told by Streamlit's protocol, or in a Chromium."""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from playwright.sync_api import Page, expect

from bench.tab import Browser, Tab
from tests.app import WAIT_MS, open_browser
from tests.browsing import add_model, choose_model, drop_file, open_by_menu, press_compare, press_run, settle, type_key

THINKING = (2.0, 6.0)
READING = 8.0
"""Seconds in which somebody reads along while an answer comes."""
ARRIVING = 10.0
"""Within so many seconds all of them have come."""

ONE, FIRST, SECOND = "Google: Gemini 3.8 Flash", "Google: Gemini 3.5 Flash Lite", "Qwen: Qwen3.8 Omni Flash"
PAGES = {
    "/": "New run",
    "/activity": "Activity",
    "/compare": "Compare",
    "/ask": "Ask",
    "/library": "Library",
    "/models": "Models",
    "/settings": "Settings",
}
"""The address of each page, and its heading."""


TICK = "a live page draws itself anew"
KEY, DRAFT, SAID = "sk-or-v1-load-", "Draftname", "Spoken"
SECRETS = {
    "key": re.compile(rf"{KEY}(\d{{4}})".encode()),
    "masked key": re.compile("sk-…(\\d{4})".encode()),
    "masked key, in Markdown": re.compile("sk\\\\-…(\\d{4})".encode()),
    "draft": re.compile(rf"{DRAFT}(\d{{4}})".encode()),
}


@dataclass
class Person:
    """Somebody with a key, a draft and a video of their own. What they are sent that is another's is in ``leaks``."""

    number: int
    video: bytes
    leaks: set[str] = field(default_factory=set)
    heard_bytes: int = 0

    @property
    def mark(self) -> str:
        return f"{self.number:04}"

    @property
    def key(self) -> str:
        return f"{KEY}{self.mark}"

    @property
    def draft(self) -> str:
        return f"{DRAFT}{self.mark}"

    @property
    def said(self) -> str:
        """What every answer to this person has: the server makes it of the key that it is asked with."""
        return f"{SAID}{self.mark}"

    @property
    def file_name(self) -> str:
        return f"talk{self.mark}.mp4"

    def hear(self, sent: bytes) -> None:
        self.heard_bytes += len(sent)
        for what, pattern in SECRETS.items():
            self.leaks |= {f"{what} of {found.decode()}" for found in pattern.findall(sent)} - {
                f"{what} of {self.mark}"
            }


class Clock:
    """How long each kind of action took."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = defaultdict(list)

    @contextmanager
    def action(self, kind: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.seconds[kind].append(time.monotonic() - began)


class Story:
    """What one person does, in a tab that speaks Streamlit's protocol."""

    def __init__(self, person: Person, url: str, clock: Clock, seed: int) -> None:
        self.person, self.clock = person, clock
        self.browser = Browser(url, person.hear)
        self._chance = random.Random(seed * 1000 + person.number)
        self._tab: Tab | None = None

    async def tell(self) -> None:
        await asyncio.sleep(self._chance.uniform(0, ARRIVING))
        try:
            for address, words in PAGES.items():
                await self._open(address, words, "open a page by its address")
                await self._think()
            await self._use_key()
            begin, others = (self._run, self._compare) if self.person.number % 2 else (self._compare, self._run)
            await begin(is_first=True)
            await others(is_first=False)
            await self._look_around()
        finally:
            await self._leave()
            await self.browser.close()

    async def _use_key(self) -> None:
        tab = self._tab
        await tab.type("Paste a key", self.person.key, is_sent=False)
        await self._think()
        with self.clock.action("use a key"):
            await tab.press("Use this key")
            await tab.until(f"sk-…{self.person.mark}")
        await self._think()

    async def _choose(self, *models: str, is_first: bool) -> None:
        """Upload, note a name, choose models: what was typed and chosen is this session's alone."""
        tab = self._tab
        with self.clock.action("go by the menu"):
            await tab.open_by_menu("New run")
            await tab.until("Drop a file")
        await self._think()
        with self.clock.action("upload 2 MB" if is_first else "upload what is there already"):
            await tab.drop_file(self.person.file_name, self.person.video)
            await tab.until("Choose another", self.person.file_name)
        self._expect_untouched(tab)
        await self._think()
        with self.clock.action("type into a field"):
            await tab.type("Names and terms", self.person.draft)
            await tab.until("Before you run")
        await self._think()
        with self.clock.action("choose models, see the bill"):
            await tab.choose("One or several", *models)
            await tab.until("(estimate)", *models)
        await self._think()

    def _expect_untouched(self, tab: Tab) -> None:
        """In a session that has chosen nothing yet stands what the app proposes, not what somebody else chose."""
        models, names = tab.one("multiselect", "One or several").proto, tab.one("text_input", "Names and terms").proto
        chosen = [models.options[index] for index in models.default]
        if not (len(chosen) == 1 and chosen[0].startswith("Whisper base")) or list(models.raw_values) not in (
            [],
            chosen,
        ):
            self.person.leaks.add(f"a choice: {chosen} {list(models.raw_values)}")
        if names.value or names.default:
            self.person.leaks.add(f"a field: {names.value or names.default}")

    async def _run(self, *, is_first: bool) -> None:
        await self._choose(ONE, is_first=is_first)
        with self.clock.action("press Run"):
            await self._tab.press("Run")
            await self._tab.until(self.person.file_name, condition=lambda tab: tab.page == "transcript")
        self._transcript = f"/transcript?{self._tab.query}"
        await self._read()
        await self._open(self._transcript, self.person.file_name, "reload a transcript")
        await self._read()

    async def _compare(self, *, is_first: bool) -> None:
        await self._choose(FIRST, SECOND, is_first=is_first)
        with self.clock.action("press Compare"):
            await self._tab.press("Compare 2 models")
            await self._tab.until(self.person.file_name, condition=lambda tab: tab.page == "compare")
        await self._read()
        await self._open(f"/compare?{self._tab.query}", self.person.file_name, "open a comparison")
        await self._read()

    async def _look_around(self) -> None:
        tab = self._tab
        for name in ("Library", "Activity", "Settings"):
            with self.clock.action("go by the menu"):
                await tab.open_by_menu(name)
                await tab.until(name)
            await self._think()
            if name == "Library":
                with self.clock.action("search the library"):
                    await tab.type("Search what was said", "thank you for coming")
                    await tab.until(condition=lambda tab: tab.says("place") or tab.says("Nobody says"))
                await self._think()
        await self._open(self._transcript, self.person.file_name, "open a transcript")
        await self._tab.until_soon(self.person.said)

    async def _open(self, address: str, words: str, kind: str) -> None:
        await self._leave()
        with self.clock.action(kind):
            self._tab = await self.browser.open(address)
            await self._tab.show()
            await self._tab.until(words)

    async def _read(self) -> None:
        await asyncio.sleep(READING)
        self._note_ticks()

    async def _leave(self) -> None:
        if self._tab is not None:
            self._note_ticks()
            await self._tab.close()

    def _note_ticks(self) -> None:
        self.clock.seconds[TICK] += self._tab.ticks
        self._tab.ticks.clear()

    async def _think(self) -> None:
        await asyncio.sleep(self._chance.uniform(*THINKING))


class Witness:
    """What one person does, in a Chromium of their own, that can reach this machine only. ``haste`` shortens how long
    they think and read."""

    def __init__(self, person: Person, url: str, clock: Clock, seed: int, haste: float = 1.0) -> None:
        self.person, self.url, self.clock, self._haste = person, url, clock, haste
        self._chance = random.Random(seed * 1000 + person.number)

    def tell(self) -> None:
        time.sleep(self._chance.uniform(0, ARRIVING) / self._haste)
        with open_browser() as browser:
            page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
            page.set_default_timeout(WAIT_MS)
            page.on("websocket", lambda socket: socket.on("framereceived", self._hear))
            for address, name in PAGES.items():
                self._open(page, address, name, "open a page by its address")
                self._think()
            with self.clock.action("use a key"):
                type_key(page, self.person.key)
            self._think()
            self._run(page)
            self._compare(page)
            self._look_around(page)
            page.context.close()

    def _choose(self, page: Page, *models: str, is_first: bool) -> None:
        with self.clock.action("go by the menu"):
            open_by_menu(page, "New run")
        self._think()
        with self.clock.action("upload 2 MB" if is_first else "upload what is there already"):
            drop_file(page, {"name": self.person.file_name, "mimeType": "video/mp4", "buffer": self.person.video})
            expect(page.get_by_text("Before you run")).to_be_visible()
        self._think()
        names = page.get_by_role("textbox", name="Names and terms to spell right")
        expect(names).to_have_value("")
        with self.clock.action("type into a field"):
            names.fill(self.person.draft)
            names.press("Enter")
            settle(page)
        self._think()
        choose_model(page, models[0])
        for name in models[1:]:
            self._think()
            with self.clock.action("choose models, see the bill"):
                add_model(page, name)
        self._think()

    def _run(self, page: Page) -> None:
        self._choose(page, ONE, is_first=True)
        with self.clock.action("press Run"):
            press_run(page)
            expect(page.locator(".reader")).to_be_visible()
        address = page.url.removeprefix(self.url)
        time.sleep(READING / self._haste)
        self._open(page, address, self.person.file_name, "reload a transcript")
        # Its turn with the worker may come late: that is no time of a page.
        expect(page.locator(".reader .line", has_text=self.person.said).first).to_be_visible(timeout=4 * WAIT_MS)

    def _compare(self, page: Page) -> None:
        self._choose(page, FIRST, SECOND, is_first=False)
        with self.clock.action("press Compare"):
            press_compare(page, 2)
            expect(page.get_by_test_id("stHeading").filter(has_text=self.person.file_name)).to_be_visible()
        time.sleep(READING / self._haste)
        self._open(page, page.url.removeprefix(self.url), self.person.file_name, "open a comparison")
        self._think()

    def _look_around(self, page: Page) -> None:
        for name in ("Library", "Activity", "Settings"):
            with self.clock.action("go by the menu"):
                open_by_menu(page, name)
            self._think()
            if name == "Library":
                with self.clock.action("search the library"):
                    page.get_by_label("Search what was said").fill("thank you for coming")
                    expect(page.get_by_text(re.compile("place|Nobody says")).first).to_be_visible()
                self._think()

    def _open(self, page: Page, address: str, heading: str, kind: str) -> None:
        with self.clock.action(kind):
            page.goto(self.url + address)
            expect(page.get_by_test_id("stHeading").filter(has_text=heading).first).to_be_visible()

    def _hear(self, frame: str | bytes) -> None:
        self.person.hear(frame.encode() if isinstance(frame, str) else frame)

    def _think(self) -> None:
        time.sleep(self._chance.uniform(*THINKING) / self._haste)
