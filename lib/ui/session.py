"""The key of this browser: kept in memory as long as the app runs, under a cookie that no script and no other browser
has."""

from __future__ import annotations

from ipaddress import ip_address

import streamlit as st

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
    return visitors.known(found) if isinstance(found, str) else None


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
    return services.keys.remembered() if serves_this_machine_only() else None


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
