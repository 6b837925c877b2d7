"""A press of a button that starts something is seen, and once only."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from lib.ui import press


def page() -> None:
    """Two buttons, below something that may ask for another run of the page before they are drawn."""
    import streamlit as st

    from lib.ui.press import pressed

    seen = st.session_state.setdefault("seen", [])
    if st.session_state.pop("asks_for_another_run", False):
        st.rerun()
    label, disabled = st.session_state.get("label", "Run"), st.session_state.get("disabled", False)
    if pressed(label, key="ours", disabled=disabled):
        seen.append("ours")
    if st.button("Plain", key="plain"):
        seen.append("plain")


@pytest.fixture
def app() -> AppTest:
    return AppTest.from_function(page).run()


def press_interrupted(app: AppTest, key: str, **meanwhile: object) -> list[str]:
    """Press, with a run of the page that ends before it comes to the button and leaves it changed."""
    app.session_state["asks_for_another_run"] = True
    for name, value in meanwhile.items():
        app.session_state[name] = value
    return app.button(key=key).click().run().session_state["seen"]


def test_a_press_is_seen_once(app):
    assert app.button(key="ours").click().run().session_state["seen"] == ["ours"]
    assert app.run().session_state["seen"] == ["ours"]


def test_a_press_outlives_a_run_of_the_page_that_ends_before_the_button(app):
    """Streamlit's own does not, which is why there is one of ours."""
    assert press_interrupted(app, "plain") == []
    assert press_interrupted(app, "ours") == ["ours"]
    assert app.run().session_state["seen"] == ["ours"]


@pytest.mark.parametrize("meanwhile", [{"label": "Compare 2 models"}, {"disabled": True}])
def test_a_press_is_not_for_a_button_that_says_something_else_or_is_disabled(app, meanwhile):
    assert press_interrupted(app, "ours", **meanwhile) == []
    app.session_state["label"], app.session_state["disabled"] = "Run", False
    assert app.run().session_state["seen"] == []


def test_a_press_is_forgotten_after_a_while(app, monkeypatch):
    monkeypatch.setattr(press, "HOLDS", 0.0)
    assert press_interrupted(app, "ours") == []
