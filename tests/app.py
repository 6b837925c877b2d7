"""The real app in a process of its own, and a real browser that looks at it: for browser tests and screenshots."""

from __future__ import annotations

import ipaddress
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, Request, Response, sync_playwright

from tests.browser_install import find_browser
from tests.waiting import look_until

ROOT = Path(__file__).parents[1]
START_SECONDS = 90
SCRIPT_OPTIONS = (
    *("--server.address", "localhost", "--server.headless", "true", "--server.enableStaticServing", "true"),
    *("--server.fileWatcherType", "none", "--browser.gatherUsageStats", "false"),
)
PHONE = {"width": 390, "height": 844}
WAIT_MS = 60_000
"""How long a page may take to show something: the machine may be busy with a speech model."""


@dataclass
class RunningApp:
    """The app as `make run` starts it: its address, its data folder and where its words go."""

    url: str
    data: Path
    output: Path
    command: list[str]
    place: Path
    environment: Mapping[str, str]
    sign: str
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, on the same address and data as before, and wait until it answers under its sign."""
        with self.output.open("ab") as said:
            self.process = subprocess.Popen(
                self.command,
                cwd=self.place,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
            )
        _wait_until_it_answers(self)

    def kill(self) -> None:
        """kill -9: it has no time to do anything."""
        self.process.kill()
        self.process.wait(30)

    def stop(self) -> None:
        """Ctrl+C, as a person does."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise

    def wait_for_worker(self) -> None:
        """Wait until its worker is at work: until then it takes up every run that it finds unfinished, and so would
        take up one that a test writes down as if a worker had it."""
        look_until(lambda: self.log, lambda log: "the worker is at work" in log)

    @property
    def log(self) -> str:
        """Everything that app and worker have logged or said."""
        files = [*sorted((self.data / "logs").glob("*.log")), self.output]
        return "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in files if path.exists())


@contextmanager
def running_app(folder: Path, **environment: str) -> Iterator[RunningApp]:
    """Start app and worker with an empty home and an empty data folder, both inside ``folder``; end them after."""
    command = [sys.executable, "-m", "lib.ui.launch"]
    with _running(command, folder, ROOT, "/api/health", "--port", **environment) as app:
        yield app


@contextmanager
def running_script(folder: Path, script: str) -> Iterator[RunningApp]:
    """Serve a script for Streamlit, which may import what is ours, and the files in ``folder/static``; end it after."""
    page = folder / "page.py"
    page.write_text(script, encoding="utf-8")
    command = [sys.executable, "-m", "streamlit", "run", str(page), *SCRIPT_OPTIONS]
    with _running(command, folder, folder, "/_stcore/health", "--server.port", PYTHONPATH=str(ROOT)) as app:
        yield app


@contextmanager
def _running(
    command: list[str], folder: Path, place: Path, sign: str, port_option: str, **environment: str
) -> Iterator[RunningApp]:
    """Start what the command says on a free port, wait until it answers under ``sign``, and end it as Ctrl+C does."""
    home, data, output = folder / "home", folder / "data", folder / "app.txt"
    home.mkdir(parents=True)
    port = _free_port()
    own = {"PATH": os.environ["PATH"], "HOME": str(home), "CUEWISE_DATA": str(data)}
    app = RunningApp(
        f"http://localhost:{port}", data, output, [*command, port_option, str(port)], place, own | environment, sign
    )
    try:
        app.start()
        yield app
    finally:
        app.stop()


def _wait_until_it_answers(app: RunningApp) -> None:
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(app.url + app.sign, timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            pass
        assert app.process.poll() is None, f"the app ended at once:\n{app.log}"
        assert time.monotonic() < until, f"the app does not answer:\n{app.log}"
        time.sleep(0.2)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def open_browser() -> Iterator[Browser]:
    """A Chromium without a window that can reach this machine only."""
    path = find_browser()
    if path is None:
        raise RuntimeError(
            "No Chromium was found. Install one: `python -m tests.browser_install`, or `apt-get install chromium`, "
            "or `python -m playwright install --with-deps chromium`."
        )
    arguments = [
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
        "--autoplay-policy=no-user-gesture-required",
        "--mute-audio",
    ]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        try:
            yield browser
        finally:
            browser.close()


# On a deep link Streamlit's page asks for these below the page's address first, gets a 404, and goes on to the root.
STREAMLITS_OWN = re.compile(r"/\w+/_stcore/(health|host-config)$")


class Watch:
    """Notes what should never happen on a page, from its first request to its last."""

    def __init__(self, page: Page) -> None:
        self.problems: list[str] = []
        page.on("dialog", self._on_dialog)
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.problems.append(f"uncaught in the page: {error}"))
        page.on("request", self._on_request)
        page.on("websocket", lambda socket: self._note_address(socket.url))
        page.on("response", self._on_response)
        page.on("popup", lambda popup: self.problems.append(f"a window opened: {popup.url}"))

    def assert_clean(self) -> None:
        assert not self.problems, "\n".join(self.problems)

    def _on_dialog(self, dialog: Dialog) -> None:
        self.problems.append(f"a dialog: {dialog.message}")
        dialog.dismiss()

    def _on_console(self, message: ConsoleMessage) -> None:
        where = message.location.get("url", "")
        if message.type == "error" and not STREAMLITS_OWN.search(where):
            self.problems.append(f"console error: {message.text} ({where})")

    def _on_request(self, request: Request) -> None:
        self._note_address(request.url)

    def _on_response(self, response: Response) -> None:
        if response.status >= 400 and not STREAMLITS_OWN.search(response.url):
            self.problems.append(f"{response.status} for {response.url}")

    def _note_address(self, url: str) -> None:
        if not is_loopback(url):
            self.problems.append(f"a request left this machine: {url}")


@contextmanager
def visits(browser: Browser, app: RunningApp) -> Iterator[Callable[..., Page]]:
    """Opens addresses of an app, each as a new visitor. Whatever goes wrong quietly on a page fails the test."""
    made: list[tuple[Page, Watch]] = []

    def visit(address: str = "/", **options: object) -> Page:
        page = browser.new_context(**options).new_page()
        page.set_default_timeout(WAIT_MS)
        made.append((page, Watch(page)))
        page.goto(app.url + address)
        return page

    yield visit
    for page, _ in made:
        page.context.close()
    for _, watch in made:
        watch.assert_clean()


def assert_fits(page: Page) -> None:
    """Nothing makes the page scroll sideways."""
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{page.url} is too wide"
    assert page.get_by_test_id("stMain").evaluate("main => main.scrollWidth <= main.clientWidth"), page.url


def is_loopback(url: str) -> bool:
    """Whether an address stays on this machine: data and blob URLs, files of its disk, localhost and its numbers."""
    address = urlsplit(url)
    if address.scheme in ("data", "blob", "about") or (address.scheme == "file" and not address.netloc):
        return True
    if address.hostname == "localhost":
        return True
    try:
        return ipaddress.ip_address(address.hostname or "").is_loopback
    except ValueError:
        return False


def environment_for(openrouter_url: str) -> Mapping[str, str]:
    """Settings for an app whose OpenRouter and whose links are on loopback."""
    return {"OPENROUTER_BASE_URL": openrouter_url, "CUEWISE_ALLOW_PRIVATE_URLS": "1"}
