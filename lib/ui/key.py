"""The OpenRouter key: asked for where it is needed, pasted, tested and forgotten in Settings."""

from __future__ import annotations

import streamlit as st

from lib.domain.model import LOCAL_PREFIX
from lib.errors import CuewiseError, KeyMissing
from lib.services import KeyStatus, Services
from lib.ui.session import remember_session_key, session_key
from lib.ui.words import count_words, money, plain, render_failure

KEY_NOTE = "Kept for this browser session only, never written to disk unencrypted."


def ask_key(services: Services, *, field: str = "run_key") -> str | None:
    """The key that is known, else what is typed right here, in a field of that name."""
    known = session_key() or services.settings.openrouter_api_key
    if known:
        return known
    typed = st.text_input("Your OpenRouter key", type="password", key=field, autocomplete="off", placeholder="sk-or-…")
    st.caption(f"{KEY_NOTE} A key can be made on openrouter.ai/keys.")
    return typed.strip()


def check_key(services: Services, model_id: str, key: str | None) -> None:
    """See to it that the model has the key it needs, and remember one that was just typed. Raises KeyMissing."""
    if model_id.startswith(LOCAL_PREFIX):
        return
    if not key:
        raise KeyMissing("This model needs your OpenRouter key.", "Paste it above, or choose a local model.")
    if key != services.settings.openrouter_api_key:
        remember_session_key(key)


def render_key(services: Services) -> None:
    """The OpenRouter key: paste, test, forget."""
    st.subheader("OpenRouter key", anchor=False)
    typed, known = session_key(), session_key() or services.settings.openrouter_api_key
    if known is None:
        st.caption(f"Only models from the catalogue need one; local models are free. {KEY_NOTE}")
        _paste_key()
        return
    where = "for this browser session" if typed else "set by OPENROUTER_API_KEY"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f":material/key: {plain(masked(known))} · {where}")
        test = st.button("Test key", key="test_key", icon=":material/network_check:")
        if typed:
            st.button("Forget", key="forget_key", icon=":material/delete:", on_click=remember_session_key, args=(None,))
    if typed:
        st.caption(KEY_NOTE)
    else:
        with st.expander("Use another key for this session"):
            _paste_key()
    if test:
        _test_key(services, known)


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
