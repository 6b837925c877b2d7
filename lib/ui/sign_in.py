"""Signing in with OpenRouter: the way there, and the way back.

Streamlit forgets a page when the browser leaves it, so what has to be known when the user comes back is kept beside the
pages, under the browser's cookie: see ``lib.visitors``. The code of the way back is exchanged here and goes no further:
the browser is sent on to Settings, and no address that it shows or keeps has it.
"""

from __future__ import annotations

import logging
from http.cookies import SimpleCookie
from urllib.parse import urlsplit

import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lib.errors import CuewiseError, SignInRefused
from lib.settings import Settings
from lib.ui.frame import services_of_request
from lib.ui.gate import is_https
from lib.ui.login import user_of_request
from lib.ui.session import cookie_name, visitor_as, visitors
from lib.ui.words import render_failure

log = logging.getLogger("cuewise.sign_in")

BEGIN, BACK = "/api/sign-in", "/api/sign-in/back"
OUTCOME = "sign_in"
DONE, REFUSED, DECLINED, FAILED = "done", "refused", "declined", "failed"
FAILURES = {
    REFUSED: SignInRefused("This sign-in was not begun in this browser, was used before, or took over 10 minutes."),
    DECLINED: SignInRefused("OpenRouter sent you back without signing you in."),
    FAILED: SignInRefused("OpenRouter gave no key for this sign-in."),
}


class KnowsVisitors:
    """Gives each browser that opens a page a cookie of ours, unless it has one. Only for as long as it is open, never
    for scripts, and sent along from another site only when the browser comes here whole."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _is_page(request := Request(scope)) or _visitor(request):
            await self.app(scope, receive, send)
            return
        given = _cookie(visitors.new(), is_secure=is_https(request))

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).append("Set-Cookie", given)
            await send(message)

        await self.app(scope, receive, send_with_cookie)


def begin(request: Request) -> Response:
    """To OpenRouter. Only from a page of ours: nobody else may start what ends in this browser having a key."""
    services, visitor = services_of_request(request), _keeper(request)
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return PlainTextResponse("Signing in begins on the Settings page.", status_code=403)
    if visitor is None or not services.keys.offers_sign_in():
        return _to_settings(REFUSED)
    begun = visitors.begin_sign_in(visitor)
    callback = f"{_origin(request)}{BACK}?state={begun.state}"
    return _away(services.keys.sign_in_url(callback, begun.verifier))


def come_back(request: Request) -> Response:
    """From OpenRouter, with a code for who left from this very browser."""
    asked, visitor = request.query_params, _keeper(request)
    try:
        verifier = visitors.end_sign_in(visitor, asked.get("state", ""))
    except SignInRefused as error:
        log.warning("a sign-in was refused: %s", error)
        return _to_settings(REFUSED)
    if not asked.get("code"):
        return _to_settings(DECLINED)
    try:
        key = services_of_request(request).keys.key_for(asked["code"], verifier)
    except CuewiseError as error:
        log.warning("a sign-in failed: %s", error)
        return _to_settings(FAILED)
    visitors.remember(visitor, key)
    return _to_settings(DONE)


SIGN_IN_ROUTES = [Route(BEGIN, begin), Route(BACK, come_back)]


def render_outcome() -> None:
    """How the sign-in ended from which the user comes back, once: the address forgets it."""
    outcome = st.query_params.get(OUTCOME)
    if outcome is None:
        return
    del st.query_params[OUTCOME]
    if outcome == DONE:
        st.success("Signed in: the key of your OpenRouter account is used in this browser.", icon=":material/check:")
    elif outcome in FAILURES:
        render_failure(FAILURES[outcome])


def can_come_back(url: str) -> bool:
    """Whether OpenRouter sends anybody back to an address like this one: https, or localhost."""
    address = urlsplit(url)
    return address.scheme == "https" or address.hostname == "localhost"


def _away(url: str) -> Response:
    return RedirectResponse(
        url, status_code=303, headers={"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    )


def _to_settings(outcome: str) -> Response:
    return _away(f"/settings?{OUTCOME}={outcome}")


def _keeper(request: Request) -> str | None:
    """Whose key it will be: the browser's, or, with a login, that of the user who is signed in there."""
    user = user_of_request(request, Settings.from_environment())
    return visitor_as(_visitor(request), user.id if user else None)


def _visitor(request: Request) -> str | None:
    return visitors.known(request.cookies.get(cookie_name()))


def _is_page(request: Request) -> bool:
    return request.method == "GET" and "text/html" in request.headers.get("accept", "")


def _origin(request: Request) -> str:
    """The address under which the browser knows us."""
    return f"{'https' if is_https(request) else 'http'}://{request.headers.get('host', '')}"


def _cookie(value: str, *, is_secure: bool) -> str:
    cookie = SimpleCookie({cookie_name(): value})
    cookie[cookie_name()].update({"path": "/", "httponly": True, "samesite": "Lax"})
    if is_secure:
        cookie[cookie_name()]["secure"] = True
    return cookie[cookie_name()].OutputString()
