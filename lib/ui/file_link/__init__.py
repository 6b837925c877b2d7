"""A button that is a link to a file or an address of ours, opened in place. Streamlit's own opens a window for it."""

from __future__ import annotations

from pathlib import Path

from lib.ui.component import component

HERE = Path(__file__).parent

_component = component("file_link", HERE, "file_link.js", "file_link.css")


def render_file_link(label: str, url: str, *, key: str) -> None:
    """Draw the link. ``url`` is a path of our own server, which says what the file is called."""
    _component(key=key, data={"label": label, "url": url, "is_file": True}, width="content", height="content")


def render_link(label: str, url: str, *, key: str) -> None:
    """The same for an address that the browser goes to."""
    _component(key=key, data={"label": label, "url": url, "is_file": False}, width="content", height="content")
