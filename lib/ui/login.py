"""Signing in to Cuewise itself, where the operator has set that up: who looks at a page, and who asks a route.

Streamlit speaks OpenID Connect, as ``[auth]`` in its secrets says, and keeps who signed in in a signed cookie. Without
``[auth]`` there is no login, and one library for whoever reaches the address.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import streamlit as st
from starlette.requests import HTTPConnection
from streamlit.auth_util import get_cookie_with_chunks, get_origin_from_redirect_uri
from streamlit.web.server.server_util import get_cookie_secret
from streamlit.web.server.starlette.starlette_app_utils import decode_signed_value
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from lib.domain.user import User, check_let_in
from lib.errors import InputError, NotLetIn, SignInNeeded
from lib.settings import APP_NAME, Settings
from lib.ui.session import is_loopback
from lib.ui.words import plain, render_failure

AUTH = "auth"
CALLBACK = "/oauth2callback"
PROVIDER_KEYS = ("client_id", "client_secret", "server_metadata_url")
LEAST_SECRET = 32
"""Characters: whoever guesses the secret of the cookies can be anybody."""
SETUP = "See “For a team” in the README."
OPEN_TO_ALL = (
    "Everybody whom the login lets in has a library here. CUEWISE_ALLOWED_EMAILS, such as *@example.org, chooses whom."
)
UNENCRYPTED = "This connection is not encrypted: others on the way can read along."
NO_TLS = "The login is not under https: whoever is on the way reads along. Put a proxy with TLS before it. " + SETUP


def is_on(settings: Settings) -> bool:
    """Whether there is a login. Raises InputError where there should be one that cannot work: then nobody gets in."""
    if not st.secrets.load_if_toml_exists():
        if any(Path(each).exists() for each in st.get_option("secrets.files")):
            raise InputError("The file of secrets cannot be read, and so nobody can sign in.", SETUP)
        auth = None
    else:
        auth = st.secrets.get(AUTH)
    if auth is None:
        if settings.is_login_required:
            raise InputError("CUEWISE_LOGIN asks for a login, and none is set up.", SETUP)
        return False
    if problem := _problem(auth):
        raise InputError(f"Nobody can sign in: in the file of secrets, {problem}.", SETUP)
    return True


def _problem(auth: object) -> str | None:
    """What is wrong with the section of the login, as the rest of a sentence."""
    if not isinstance(auth, Mapping):
        return "[auth] is no section"
    if len(str(auth.get("cookie_secret", ""))) < LEAST_SECRET:
        return f"cookie_secret has fewer than {LEAST_SECRET} characters"
    if not str(auth.get("redirect_uri", "")).endswith(CALLBACK):
        return f"redirect_uri does not end with {CALLBACK}"
    if not _providers(auth):
        return f"[auth] does not name {', '.join(PROVIDER_KEYS)}"
    return None


def _providers(auth: Mapping[str, object]) -> dict[str | None, str]:
    """Where one can sign in, with the words for the button: under None the only one, else each by its name."""
    if all(key in auth for key in PROVIDER_KEYS):
        return {None: "Sign in"}
    named = {name: each for name, each in auth.items() if isinstance(each, Mapping)}
    return {
        name: f"Sign in with {name[:1].upper()}{name[1:]}"
        for name, each in named.items()
        if all(key in each for key in PROVIDER_KEYS)
    }


def notes(settings: Settings) -> list[str]:
    """What the operator should know of the login at the start: why nobody gets in, or what makes it less safe than it
    looks."""
    try:
        if not is_on(settings):
            return []
    except InputError as error:
        return [f"{error} {error.hint}"]
    address = urlsplit(get_origin_from_redirect_uri() or "")
    is_plain = address.scheme != "https" and not is_loopback(address.hostname or "")
    return [*([NO_TLS] if is_plain else []), *([] if settings.allowed_emails else [OPEN_TO_ALL])]


def public_host() -> str | None:
    """The name under which people come here to sign in; None without a login."""
    return urlsplit(get_origin_from_redirect_uri() or "").hostname


def user_of_page(settings: Settings) -> User | None:
    """Who looks at this page; None without a login. Raises SignInNeeded, NotLetIn and InputError."""
    return _user(st.user.to_dict(), settings) if is_on(settings) else None


def user_of_request(request: HTTPConnection, settings: Settings) -> User | None:
    """Who asks a route, by the cookie that their sign-in left. As ``user_of_page``."""
    return _user(_claims_in(request), settings) if is_on(settings) else None


def _user(claims: Mapping[str, object], settings: Settings) -> User:
    if not claims.get("is_logged_in"):
        raise SignInNeeded("You are not signed in.")
    user = User.of_claims(claims)
    check_let_in(user, settings.allowed_emails)
    return user


def _claims_in(request: HTTPConnection) -> Mapping[str, object]:
    """What Streamlit's own pages would know of who asks: the same cookie, held to the same signature and origin."""
    secret = get_cookie_secret()

    def signed(name: str) -> bytes | None:
        value = request.cookies.get(name)
        return None if value is None else decode_signed_value(secret, name, value.encode("latin-1", "replace"))

    found = get_cookie_with_chunks(signed, USER_COOKIE_NAME)
    claims = json.loads(found) if found else {}
    is_ours = isinstance(claims, dict) and claims.get("origin") == get_origin_from_redirect_uri()
    return claims if is_ours else {}


def render_sign_in(error: InputError) -> None:
    """All that who is not signed in gets to see, and who may not come in: the way in, or out."""
    with st.container(key="sign_in_page"):
        st.header(f"Sign in to {APP_NAME}", anchor=False)
        if isinstance(error, NotLetIn):
            render_failure(error)
            st.button("Sign out", key="sign_out", icon=":material/logout:", on_click=st.logout)
            return
        st.caption("Everybody who signs in here has a library of their own.")
        for name, words in _providers(st.secrets[AUTH]).items():
            st.button(
                plain(words),
                key=f"sign_in_{name or 'here'}",
                type="primary",
                icon=":material/login:",
                width="stretch",
                on_click=st.login,
                args=(name,) if name else (),
            )
        address = urlsplit(st.context.url or "")
        if address.scheme == "http" and not is_loopback(address.hostname or ""):
            st.warning(UNENCRYPTED, icon=":material/lock_open:")
