"""A login that is set up in this process, and the cookies that signing in leaves: for routes without a browser."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import streamlit as st
from streamlit import config
from streamlit.web.server.starlette.starlette_app_utils import create_signed_value

from lib.domain.user import User

ORIGIN = "http://localhost:8501"
COOKIE = "_streamlit_user"
SECRET = "a-secret-for-cookies-of-48-characters-0123456789"
AUTH = f"""[auth]
redirect_uri = "{ORIGIN}/oauth2callback"
cookie_secret = "{SECRET}"
client_id = "cuewise"
client_secret = "x"
server_metadata_url = "http://localhost:1/.well-known/openid-configuration"
"""
ANN = {"iss": "https://login.example", "sub": "1", "name": "Ann Archer", "email": "ann@example.org"}
BOB = {"iss": "https://login.example", "sub": "2", "name": "Bob Baker", "email": "bob@example.org"}


@contextmanager
def secrets_file(path: Path, text: str) -> Iterator[None]:
    """Streamlit reads its secrets from this file alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    before = config.get_option("secrets.files")
    config.set_option("secrets.files", [str(path)])
    st.secrets._reset()
    try:
        yield
    finally:
        config.set_option("secrets.files", before)
        st.secrets._reset()


def cookie_for(claims: dict[str, object], *, secret: str = SECRET, origin: str = ORIGIN) -> dict[str, str]:
    """The cookie of somebody who has signed in, as Streamlit makes it."""
    value = json.dumps(claims | {"origin": origin, "is_logged_in": True, "provider": "default"})
    return {COOKIE: create_signed_value(secret, COOKIE, value).decode()}


def user_of(claims: dict[str, object]) -> User:
    return User.of_claims(claims)
