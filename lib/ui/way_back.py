"""The way back from signing in: to the page that was asked for.

Who signs in leaves from that page for their provider, and Streamlit takes everybody back to New run. So where they left
from is kept meanwhile, in a cookie that is sent on the way back alone. Nothing is ever gone to but a page of ours: what
the cookie says is looked at as if a stranger had written it.
"""

from __future__ import annotations

import string
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.auth_util import get_origin_from_redirect_uri

from lib.ui.login import CALLBACK
from lib.ui.session import cookie_name

LEAVES = "/auth/login"
HOME = "/"
"""Where Streamlit takes everybody."""
OUR_PAGES = {HOME, *(f"/{script.stem}" for script in (Path(__file__).parents[2] / "pages").glob("*.py"))}
LONGEST = 1000
"""Characters of an address: a browser drops a cookie of over 4096, and three may stand for one."""
GOOD_FOR = 600
"""Seconds to sign in: later it is another visit."""
IN_A_QUERY = string.ascii_letters + string.digits + "-._~!$&'()*+,;=:@/?%"


class LeadsBack:
    """Takes who comes back from their provider to the page from which they left. Stands within the gate, which sees to
    it that the cookie goes by https where there is any."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] not in (LEAVES, CALLBACK):
            await self.app(scope, receive, send)
            return
        request, leaves = HTTPConnection(scope), scope["path"] == LEAVES
        page = _left_from(request) if leaves else _kept(request)

        async def send_on_the_way(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.append("Set-Cookie", _cookie(page if leaves else None))
                if page and not leaves and headers.get("location") == HOME:
                    headers["location"] = page
            await send(message)

        await self.app(scope, receive, send_on_the_way)


def page_of_ours(address: str) -> str | None:
    """The page that an address without a host names, with its query; None unless it is one of ours."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    if parts.scheme or parts.netloc or parts.path not in OUR_PAGES or len(address) > LONGEST:
        return None
    return f"{parts.path}?{quote(parts.query, safe=IN_A_QUERY)}" if parts.query else parts.path


def _left_from(request: HTTPConnection) -> str | None:
    """The page on which Sign in was pressed, as the browser says; None where it is none of ours, or it says nothing."""
    origin, referrer = get_origin_from_redirect_uri(), request.headers.get("referer", "")
    is_ours = bool(origin) and referrer.startswith(f"{origin}/")
    return page_of_ours(referrer.removeprefix(origin)) if is_ours else None


def _kept(request: HTTPConnection) -> str | None:
    return page_of_ours(unquote(request.cookies.get(_name(), "")))


def _name() -> str:
    return f"{cookie_name()}_asked_for"


def _cookie(page: str | None) -> str:
    """For this page; None forgets the one that there is."""
    cookie = SimpleCookie({_name(): quote(page or "", safe="")})
    how = {"path": CALLBACK, "httponly": True, "samesite": "Lax", "max-age": GOOD_FOR if page else 0}
    cookie[_name()].update(how)
    return cookie[_name()].OutputString()
