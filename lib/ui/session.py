"""What lives only as long as a browser session: the key that was typed in Settings."""

from __future__ import annotations

import streamlit as st

KEY_NAME = "openrouter_key"


def session_key() -> str | None:
    """The OpenRouter key typed in this session, or None. It is never written anywhere else."""
    return st.session_state.get(KEY_NAME) or None


def remember_session_key(key: str | None) -> None:
    """Keep the key until the session ends; None or blanks forget it."""
    st.session_state[KEY_NAME] = (key or "").strip() or None
