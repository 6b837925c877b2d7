"""The OpenRouter key: asked for where it is needed, pasted, tested and forgotten in Settings."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from lib.errors import CuewiseError
from lib.services import KeyStatus, Services
from lib.ui.file_link import render_link
from lib.ui.session import (
    keyring_key,
    known_key,
    may_use_keyring,
    remember_session_key,
    session_key,
    visitor,
)
from lib.ui.sign_in import BEGIN, can_come_back, render_outcome
from lib.ui.words import count_words, money, plain, render_failure

PROBLEM = "key_problem"
REMEMBERED_NOTE = (
    "In the system's keyring, encrypted; whoever opens Cuewise on this machine uses it. Forget takes it out."
)
OTHERS_TOO = "It cannot be remembered here: others can open this app too, and would use your key."
KEY_NOTE = "Kept for this browser session only, never written to disk unencrypted."


def ask_key(services: Services, *, field: str = "run_key") -> str | None:
    """The key that is known, else what is typed right here, in a field of that name."""
    known = known_key(services)
    if known:
        return known
    typed = st.text_input("Your OpenRouter key", type="password", key=field, autocomplete="off", placeholder="sk-or-…")
    st.caption(f"{KEY_NOTE} A key can be made on openrouter.ai/keys.")
    return typed.strip()


def remember_typed(services: Services, key: str) -> None:
    """Keep a key that was just typed for this browser; one that is known already stays where it is."""
    if key != known_key(services):
        remember_session_key(key)


def render_key(services: Services) -> None:
    """The OpenRouter key: sign in or paste, test, remember, forget."""
    st.subheader("OpenRouter key", anchor=False)
    render_outcome()
    own, remembered, known = session_key(), keyring_key(services), known_key(services)
    if known is None:
        st.caption(f"Only models from the catalogue need one; local models are free. {KEY_NOTE}")
        _sign_in(services)
        _paste_key()
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f":material/key: {plain(masked(known))} · {_where(known, own, remembered)}")
        test = st.button("Test key", key="test_key", icon=":material/network_check:")
        if own or known == remembered:
            st.button("Forget", key="forget_key", icon=":material/delete:", on_click=_forget, args=(services,))
    if problem := st.session_state.pop(PROBLEM, None):
        render_failure(problem)
    if own or known == remembered:
        _choose_remembering(services, known, remembered)
    if not own:
        with st.expander("Use another key for this session"):
            _sign_in(services)
            _paste_key()
    if test:
        _test_key(services, known)


def _where(known: str, own: str | None, remembered: str | None) -> str:
    if known == remembered:
        return "remembered in this machine's keyring"
    return "for this browser session" if own else "set by OPENROUTER_API_KEY"


def _sign_in(services: Services) -> None:
    # Without our cookie the app is served by Streamlit alone, which has no such address, or could not tell who came
    # back.
    if not services.keys.offers_sign_in() or visitor() is None:
        return
    if not can_come_back(st.context.url or ""):
        st.caption(
            "To sign in with OpenRouter, open the app under https or as localhost. Pasting a key works here too."
        )
        return
    render_link("Sign in with OpenRouter", BEGIN, key="sign_in")


def _choose_remembering(services: Services, known: str, remembered: str | None) -> None:
    """The tick that puts the key into the keyring, greyed with the reason where there is none."""
    problem = services.keys.remembering_problem() if may_use_keyring(services) else OTHERS_TOO
    st.checkbox(
        "Remember it on this machine",
        value=known == remembered,
        key=f"remember_{masked(known)}_{known == remembered}",
        disabled=problem is not None,
        on_change=_remember,
        args=(services, known, known != remembered),
    )
    st.caption(problem or (REMEMBERED_NOTE if known == remembered else KEY_NOTE))


def _remember(services: Services, key: str, is_wanted: bool) -> None:
    def act() -> None:
        if is_wanted:
            services.keys.remember(key)
        else:
            remember_session_key(key)
            services.keys.forget()

    _try(act)


def _forget(services: Services) -> None:
    remember_session_key(None)
    if keyring_key(services):
        _try(services.keys.forget)


def _try(act: Callable[[], None]) -> None:
    try:
        act()
    except CuewiseError as error:
        st.session_state[PROBLEM] = error


def _paste_key() -> None:
    with (
        st.form("key_form", clear_on_submit=True, border=False),
        st.container(horizontal=True, vertical_alignment="bottom"),
    ):
        key = st.text_input("Paste a key", type="password", placeholder="sk-or-…", autocomplete="off")
        pressed = st.form_submit_button("Use this key", icon=":material/check:")
    if pressed and key.strip():
        remember_session_key(key)
        st.rerun()
    elif pressed:
        st.error("Paste a key first; one can be made on openrouter.ai/keys.", icon=":material/error:")


def _test_key(services: Services, key: str) -> None:
    try:
        with st.spinner("Asking OpenRouter about the key…"):
            status = services.check_key(key)
    except CuewiseError as error:
        render_failure(error)
    else:
        st.success(plain(key_words(status)), icon=":material/check_circle:")


def key_words(status: KeyStatus) -> str:
    """What a tested key may still spend."""
    facts = [f"The key works: {status.label}" if status.label else "The key works"]
    if status.limit_remaining_usd is not None:
        facts.append(f"{money(status.limit_remaining_usd)} left on the key's limit")
    else:
        facts.append("no limit of its own: it spends the account's credit")
    if status.usage_usd is not None:
        facts.append(f"{money(status.usage_usd)} used so far")
    if status.is_free_tier:
        facts.append("free tier")
    if status.free_requests_remaining is not None:
        facts.append(f"{count_words(status.free_requests_remaining, 'free request')} left today")
    return " · ".join(facts)


def masked(key: str) -> str:
    """Enough of a key to tell it from another, and no more."""
    return f"sk-…{key[-4:]}" if len(key) >= 12 else "…"
