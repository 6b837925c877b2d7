"""Your own prompt: written, or chosen among those that were saved with a name; saved, renamed, deleted."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from lib.domain.saved_prompt import LONGEST_NAME
from lib.errors import CuewiseError
from lib.services import Services
from lib.ui.words import error_words, plain, render_failure

EXAMPLE = "List every product that is shown, with the time at which it first appears."


def choose_prompt(services: Services, *, key: str) -> str:
    """Draw the prompt's text, under this key, with what was saved above it; gives the text, empty without one."""
    saved = {each.name: each.text for each in services.saved_prompts.all()}
    name_key = f"{key}_saved"
    if saved:
        if st.session_state.get(name_key) not in (None, *saved):
            st.session_state[name_key] = None  # deleted, perhaps in another tab
        st.selectbox(
            "Saved prompts",
            list(saved),
            index=None,
            key=name_key,
            placeholder="Choose one, or write your own below",
            persist_state="session",
            on_change=lambda: _take(saved, name_key, key),
        )
    text = st.text_area("Your prompt", key=key, persist_state="session", placeholder=EXAMPLE).strip()
    name = st.session_state.get(name_key) if saved else None
    with st.container(horizontal=True, gap="small"):
        _offer_save(services, text, name, key)
        if name is not None:
            _offer_rename(services, name, key)
            _offer_delete(services, name, key)
    if (problem := st.session_state.pop(f"{key}_problem", None)) is not None:
        render_failure(problem)
    return text


def _take(saved: dict[str, str], name_key: str, text_key: str) -> None:
    name = st.session_state.get(name_key)
    if name in saved:
        st.session_state[text_key] = saved[name]


def _offer_save(services: Services, text: str, name: str | None, key: str) -> None:
    with st.popover("Save", icon=":material/bookmark_add:", key=f"{key}_save", disabled=not text):
        field = f"{key}_save_name_{name or ''}"  # a field for each: one kept from another prompt would overwrite that
        st.text_input("Name", value=name or "", key=field, max_chars=LONGEST_NAME, placeholder="Product list")
        st.caption("A prompt of the same name is replaced.")
        st.button(
            "Save prompt",
            type="primary",
            key=f"{key}_save_now",
            on_click=lambda: _do(lambda: _save(services, field, text, key), key),
        )


def _save(services: Services, field: str, text: str, key: str) -> None:
    prompt = services.saved_prompts.save(st.session_state.get(field) or "", text)
    st.session_state[f"{key}_saved"] = prompt.name


def _offer_rename(services: Services, name: str, key: str) -> None:
    with st.popover("Rename", icon=":material/edit:", key=f"{key}_rename"):
        field = f"{key}_new_name_{name}"
        st.text_input("New name", value=name, key=field, max_chars=LONGEST_NAME)
        st.button(
            "Rename prompt",
            type="primary",
            key=f"{key}_rename_now",
            on_click=lambda: _do(lambda: _rename(services, name, field, key), key),
        )


def _rename(services: Services, name: str, field: str, key: str) -> None:
    new_name = " ".join((st.session_state.get(field) or "").split())
    services.saved_prompts.rename(name, new_name)
    st.session_state[f"{key}_saved"] = new_name


def _offer_delete(services: Services, name: str, key: str) -> None:
    with st.popover("Delete", icon=":material/delete:", key=f"{key}_delete"):
        st.markdown(f"Delete the saved prompt **{plain(name)}**? Runs that used it stay.")
        st.button(
            "Delete prompt",
            type="primary",
            key=f"{key}_delete_now",
            on_click=lambda: _do(lambda: _delete(services, name, key), key),
        )


def _delete(services: Services, name: str, key: str) -> None:
    services.saved_prompts.delete(name)
    st.session_state[f"{key}_saved"] = None


def _do(act: Callable[[], None], key: str) -> None:
    """Before the page is drawn anew; what went wrong is told on it."""
    try:
        act()
    except CuewiseError as error:
        st.session_state[f"{key}_problem"] = error_words(error)
