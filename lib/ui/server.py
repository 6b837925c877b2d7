# ruff: noqa: E402 - the path is set before anything of ours is imported
"""The app as it is served: Streamlit's pages, and beside them the route that plays media from disk.

Run with ``streamlit run lib/ui/server.py``. Media goes out by HTTP Range straight from its file, so a film of any
size plays and seeks without entering memory.
"""

from __future__ import annotations

import logging
import secrets
import string
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Streamlit puts the folder of the script it runs first on the path, where our `session` or `markdown` would
# shadow other people's; what belongs there is the root.
sys.path[:] = [str(ROOT), *(entry for entry in sys.path if entry not in (str(ROOT), str(Path(__file__).parent)))]

import streamlit as st
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from lib.errors import CuewiseError
from lib.logs import start_logging
from lib.settings import APP_NAME, Settings
from lib.ui import login
from lib.ui.frame import close_services, services_of, services_of_request, version
from lib.ui.gate import OnlySignedIn
from lib.ui.session import is_loopback
from lib.ui.sign_in import SIGN_IN_ROUTES, KnowsVisitors
from lib.ui.way_back import LeadsBack
from lib.ui.words import plain, render_failure

log = logging.getLogger("cuewise.server")

MEDIA_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Disposition": "inline",
    "Cache-Control": "private, max-age=3600",
    "Cross-Origin-Resource-Policy": "same-origin",
    # What a browser has kept for one user is not for who signs in there next.
    "Vary": "Cookie",
}
COPY_HEADERS = {name: value for name, value in MEDIA_HEADERS.items() if name != "Content-Disposition"}

NO_PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 9"/>'


def media(request: Request) -> Response:
    """The bytes of one asset, whole or in ranges; 404 for anything that is not an asset we hold."""
    asset_id = request.path_params["asset_id"]
    if not _is_digest(asset_id):
        return PlainTextResponse("There is no such media.", status_code=404)
    try:
        services = services_of_request(request)
        asset, path = services.asset(asset_id), services.media_path(asset_id)
    except CuewiseError as error:
        log.warning("media %s cannot be served: %s", asset_id, error)
        return PlainTextResponse(str(error), status_code=503)
    if asset is None or path is None or not path.is_file():
        return PlainTextResponse("There is no such media.", status_code=404)
    media_type = asset.media_type if asset.media_type.startswith(("video/", "audio/")) else "application/octet-stream"
    return FileResponse(path, media_type=media_type, headers=MEDIA_HEADERS)


def copy(request: Request) -> Response:
    """A copy of a video with captions in it, to keep: whole or in ranges; 404 for anything that is not made."""
    copy_id = request.path_params["copy_id"]
    if not _is_digest(copy_id):
        return PlainTextResponse("There is no such copy.", status_code=404)
    try:
        services = services_of_request(request)
        found, path = services.copies.get(copy_id), services.copies.path(copy_id)
        name = services.copies.name(found) if found is not None else ""
    except CuewiseError as error:
        log.warning("copy %s cannot be served: %s", copy_id, error)
        return PlainTextResponse(str(error), status_code=503)
    if found is None or path is None:
        return PlainTextResponse("There is no such copy.", status_code=404)
    return FileResponse(path, media_type=found.media_type, filename=name, headers=COPY_HEADERS)


def poster(request: Request) -> Response:
    """A small picture of one asset, made now if it was not yet; an empty one where it has none to show."""
    asset_id = request.path_params["asset_id"]
    try:
        services = services_of_request(request)
        if not _is_digest(asset_id) or services.asset(asset_id) is None:
            return PlainTextResponse("There is no such media.", status_code=404)
        path = services.library.poster(asset_id)
    except CuewiseError as error:
        log.warning("the poster of %s cannot be served: %s", asset_id, error)
        path = None
    if path is None:
        # For a list it is no fault that a picture is missing.
        return Response(NO_PICTURE, media_type="image/svg+xml", headers=MEDIA_HEADERS)
    return FileResponse(path, media_type="image/jpeg", headers=MEDIA_HEADERS)


def _is_digest(text: str) -> bool:
    return len(text) == 64 and set(text) <= set(string.hexdigits.lower())


def healthz(request: Request) -> Response:
    """Whether the app can do its work, for a supervisor: 200, or 503 with what is wrong in ``problems``."""
    try:
        services = services_of(Settings.from_environment())
        problems = services.problems()
    except CuewiseError as error:
        problems = [str(error)]
    body = {"app": APP_NAME, "version": version(), "status": "failing" if problems else "ok", "problems": problems}
    return JSONResponse(body, status_code=503 if problems else 200, headers={"Cache-Control": "no-store"})


def health(request: Request) -> Response:
    """Says that the app answers, for a script or a supervisor that waits for it."""
    return JSONResponse({"app": APP_NAME, "status": "ok", "version": version()}, headers={"Cache-Control": "no-store"})


class OnlyOurHost:
    """Refuses requests that name another host while we listen on this machine alone.

    A page elsewhere can point its own name at 127.0.0.1 and so reach an app on loopback from a visitor's browser
    (DNS rebinding); the Host header still says that name. ``hosts`` None lets every name through.
    """

    def __init__(self, app: ASGIApp, hosts: frozenset[str] | None) -> None:
        self.app = app
        self.hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or self.hosts is None or _host(scope) in self.hosts:
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            refusal = PlainTextResponse(
                "This address is not ours. Open the app under the address it printed when it started.", status_code=421
            )
            await refusal(scope, receive, send)


def _host(scope: Scope) -> str:
    """The name in the Host header, without its port, in lower case; empty when there is none."""
    header = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
    host, bracket, _ = header.strip().lower().partition("]")
    return host.lstrip("[") if bracket else host.partition(":")[0]


def allowed_hosts(address: str | None, public_name: str | None = None) -> frozenset[str] | None:
    """The names under which we may be called when listening on ``address``: None, any, unless it is loopback.

    ``public_name`` is the name the operator gave us (browser.serverAddress), as behind a reverse proxy.
    """
    if not address or not is_loopback(address):
        return None
    own = {"localhost", "127.0.0.1", "::1", address.lower().strip("[]")}
    return frozenset(own | ({public_name.lower()} if public_name else set()))


def tell_script_error(error: Exception) -> bool:
    """Show what went wrong without a traceback; the log holds it under the reference that is shown."""
    if isinstance(error, CuewiseError):
        log.warning("a page stopped: %s: %s", error.code, error)
        render_failure(error)
        return True
    reference = secrets.token_hex(3)
    log.error("a page failed, reference %s", reference, exc_info=error)
    st.error(
        f"**{plain('Something went wrong on this page.')}**\n\n"
        f"Reload it to go on; nothing that was finished is lost. If it happens again, the log has the details under "
        f"the reference **{reference}**.",
        icon=":material/error:",
    )
    return True


@asynccontextmanager
async def running(app: st.App) -> AsyncIterator[None]:
    """While the app is served: its log is written, and what it opened is closed at the end."""
    try:
        settings = Settings.from_environment()
        start_logging(settings.data_dir, "app", is_json=settings.logs_json)
        for note in login.notes(settings):
            log.warning(note)
    except (CuewiseError, OSError) as error:
        log.warning("no log is kept: %s", error)  # the first page says what is wrong with the data folder
    yield
    close_services()


ROUTES = [
    Route("/api/media/{asset_id}", media),
    Route("/api/copies/{copy_id}", copy),
    Route("/api/poster/{asset_id}", poster),
    Route("/api/health", health),
    Route("/healthz", healthz),
    *SIGN_IN_ROUTES,
]

app = st.App(
    ROOT / "app.py",
    lifespan=running,
    routes=ROUTES,
    middleware=[
        Middleware(
            OnlyOurHost,
            hosts=allowed_hosts(
                st.get_option("server.address"), st.get_option("browser.serverAddress") or login.public_host()
            ),
        ),
        Middleware(OnlySignedIn),
        Middleware(LeadsBack),
        Middleware(KnowsVisitors),
    ],
    on_script_error=tell_script_error,
)
