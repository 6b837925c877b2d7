"""The gate before everything but the sign-in page, where there is a login."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lib.errors import CuewiseError, NotLetIn, SignInNeeded
from lib.settings import Settings
from lib.ui.login import user_of_request

GUARDED = ("/api/", "/media/", "/_stcore/upload_file/")
"""What is somebody's own: our routes, what a page has ready to be downloaded, and what a page is given."""
OPEN = ("/api/health",)


class OnlySignedIn:
    """Lets only who is signed in take or leave anything; pages see to themselves (lib.ui.frame).

    Under https it also sees to it that no cookie ever travels without: Streamlit's own would.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request, path = HTTPConnection(scope), scope["path"]
        if path.startswith(GUARDED) and path not in OPEN and (refusal := _refusal(request)):
            await refusal(scope, receive, send)
            return

        async def send_with_safe_cookies(message: Message) -> None:
            if message["type"] == "http.response.start":
                _make_secure(MutableHeaders(scope=message))
            await send(message)

        await self.app(scope, receive, send_with_safe_cookies if is_https(request) else send)


def is_https(request: HTTPConnection) -> bool:
    """Whether the browser came by https; a proxy that ends TLS says that it did."""
    scheme = request.headers.get("x-forwarded-proto", request.url.scheme).partition(",")[0].strip()
    return scheme in ("https", "wss")


def _refusal(request: HTTPConnection) -> PlainTextResponse | None:
    try:
        user_of_request(request, Settings.from_environment())
    except CuewiseError as error:
        status = {SignInNeeded: 401, NotLetIn: 403}.get(type(error), 503)
        return PlainTextResponse(f"{error} {error.hint}", status_code=status, headers={"Cache-Control": "no-store"})
    return None


def _make_secure(headers: MutableHeaders) -> None:
    cookies = headers.getlist("set-cookie")
    if not cookies:
        return
    del headers["set-cookie"]
    for each in cookies:
        headers.append("set-cookie", each if "; secure" in each.lower() else f"{each}; Secure")
