"""The key of this browser: kept in memory as long as the app runs, under a cookie that no script and no other browser
has; where there is a login, for the user who is signed in there alone."""

from __future__ import annotations

from ipaddress import ip_address

import streamlit as st

from lib.domain.user import User
from lib.services import Services
from lib.visitors import Visitors

KEY_NAME = "openrouter_key"
visitors = Visitors()


def cookie_name() -> str:
    """One for each port: cookies do not tell the ports of a machine apart."""
    return f"cuewise_{st.get_option('server.port')}"


def visitor() -> str | None:
    """Who is looking at this page; None without our cookie."""
    found = st.context.cookies.get(cookie_name())
    user_id = User.of_claims(st.user).id if st.user.get("is_logged_in") else None
    return visitor_as(visitors.known(found) if isinstance(found, str) else None, user_id)


def visitor_as(visitor: str | None, user_id: str | None) -> str | None:
    """A browser's name as long as a user is signed in there: whoever signs in after them is another visitor."""
    return f"{visitor} {user_id}" if visitor and user_id else visitor


def sign_out() -> None:
    """Forget the key of who is signed in here, and let them go."""
    remember_session_key(None)
    st.logout()


def session_key() -> str | None:
    """The OpenRouter key of this browser, or None. It is never written anywhere else."""
    known = visitor()
    return visitors.key(known) if known else st.session_state.get(KEY_NAME) or None


def remember_session_key(key: str | None) -> None:
    """Keep the key for this browser; None or blanks forget it. Without a cookie it lasts as long as the page."""
    key = (key or "").strip() or None
    if known := visitor():
        visitors.remember(known, key)
    else:
        st.session_state[KEY_NAME] = key


def known_key(services: Services) -> str | None:
    """The key to run with: this browser's own, else the operator's, else the one in this machine's keyring."""
    return session_key() or services.settings.openrouter_api_key or keyring_key(services)


def keyring_key(services: Services) -> str | None:
    """The key that was remembered on this machine, for who sits at it."""
    return services.keys.remembered() if may_use_keyring(services) else None


def may_use_keyring(services: Services) -> bool:
    """Not where others can open the app, nor where there is a login: the keyring is the operator's."""
    return serves_this_machine_only() and services.settings.user_id is None


def serves_this_machine_only() -> bool:
    """Whether nobody but who sits at this machine can open the app."""
    public_name = st.get_option("browser.serverAddress") or "localhost"
    return is_loopback(st.get_option("server.address") or "") and is_loopback(public_name)


def is_loopback(address: str) -> bool:
    if address.lower() == "localhost":
        return True
    try:
        return ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return False
