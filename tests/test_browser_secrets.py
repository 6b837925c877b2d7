"""Signing in, in a real browser, a whole run after it, and then: where is the key? Nowhere."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from playwright.sync_api import Page, Response, expect

from tests.app import WAIT_MS, RunningApp, environment_for, open_browser, running_app, visits
from tests.browsing import choose_model, drop_file, open_by_menu, press_run
from tests.fakes.openrouter_server import DEFAULT_KEY, FakeOpenRouter

pytestmark = pytest.mark.browser


class Heard:
    """All that the app sends a page: what it serves, with its headers, and what comes by its socket."""

    def __init__(self, page: Page, app: RunningApp) -> None:
        self._page, self._app = page, app
        self._pieces: list[bytes] = []
        self._urls: set[str] = set()
        page.on("response", self._note)
        page.on("websocket", lambda socket: socket.on("framereceived", self._add))

    def all(self) -> bytes:
        """With whatever the page has asked for, asked for once more under the same cookies: of a page that the browser
        has left, it does not give the bodies."""
        for url in tuple(self._urls):
            self._add(self._page.request.get(url).body())
        return b"\n".join(self._pieces)

    def _note(self, response: Response) -> None:
        self._add(f"{response.url} {response.headers}")
        if response.url.startswith(self._app.url) and "/api/sign-in" not in response.url:
            self._urls.add(response.url)

    def _add(self, piece: str | bytes) -> None:
        self._pieces.append(piece.encode() if isinstance(piece, str) else piece)


def files_with(secret: bytes, folder: Path) -> list[str]:
    """Every file below a folder that holds the secret, in UTF-8 or in UTF-16, databases and their logs among them."""
    wanted = (secret, secret.decode().encode("utf-16-le"))
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [str(path) for path in files if any(each in path.read_bytes() for each in wanted)]


def test_a_key_got_by_signing_in_is_nowhere_to_be_found(tmp_path, short_talking_video):
    """Sign in, test the key, run: another browser has no key, and after the run no file that the app wrote, nothing it
    said and nothing it served has the key or the code that it was got for."""
    expect.set_options(timeout=WAIT_MS)
    with (
        FakeOpenRouter(answer="[00:01] Ever tried, ever failed.\n[00:05] Fail better.") as openrouter,
        running_app(tmp_path / "app", **environment_for(openrouter.base_url)) as app,
        open_browser() as browser,
        visits(browser, app) as visit,
    ):
        page = visit("/settings")
        heard = Heard(page, app)
        page.get_by_role("link", name="Sign in with OpenRouter").click()
        page.get_by_role("link", name="Authorize").click()
        expect(page.get_by_text("Signed in")).to_be_visible()
        expect(page).to_have_url(re.compile(r"/settings$"))
        expect(page.get_by_text("for this browser session").first).to_be_visible()
        expect(page.get_by_role("checkbox", name="Remember it on this machine")).to_be_disabled()
        page.get_by_role("button", name="Test key").click()
        expect(page.get_by_text("The key works")).to_be_visible()
        page.reload()
        expect(page.get_by_text(f"sk-…{DEFAULT_KEY[-4:]}")).to_be_visible()

        other = visit("/settings")
        expect(other.get_by_role("link", name="Sign in with OpenRouter")).to_be_visible()
        expect(other.get_by_text(f"sk-…{DEFAULT_KEY[-4:]}")).to_have_count(0)

        open_by_menu(page, "New run")
        drop_file(page, short_talking_video)
        choose_model(page, "Google: Gemini 3.8 Flash")
        press_run(page)
        expect(page.get_by_text("Fail better.").first).to_be_visible()
        assert any(request.bearer == DEFAULT_KEY and request.media for request in openrouter.history)

        exchanged = next(request for request in openrouter.history if request.path == "/auth/keys")
        until = time.monotonic() + 60
        secrets = [text.encode() for text in (DEFAULT_KEY, exchanged.body["code"], exchanged.body["code_verifier"])]
        served = heard.all()
        assert b"Fail better." in served
        while found := [(each[:6], files_with(each, tmp_path)) for each in secrets if files_with(each, tmp_path)]:
            assert time.monotonic() < until, found
            time.sleep(1)
        assert not [each[:6] for each in secrets if each in app.log.encode()]
        assert DEFAULT_KEY.encode() not in served
        assert exchanged.body["code_verifier"].encode() not in served
