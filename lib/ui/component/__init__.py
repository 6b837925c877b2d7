"""How our own Streamlit components are made: plain JavaScript and CSS read from files, nothing built, nothing fetched.

Streamlit takes one script and one sheet of styles a component. What ours have in common stands in the files beside
this one and goes in front of what each has of its own: elements, media that play, and
text that follows them.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

HERE = Path(__file__).parent
COMMON_SCRIPTS = (HERE / "elements.js", HERE / "media.js", HERE / "playback.js")
COMMON_STYLES = (HERE / "component.css",)


def component(name: str, *files: Path) -> ComponentRenderer:
    """A component under a name of its own in the app, of scripts and sheets of styles, each in the order given.

    Its scripts are one module, which begins with what ours have in common; its default export draws it.
    """
    scripts = [path for path in files if path.suffix == ".js"]
    styles = [path for path in files if path.suffix == ".css"]
    return st.components.v2.component(
        f"cuewise_{name}", js=_joined(*COMMON_SCRIPTS, *scripts), css=_joined(*COMMON_STYLES, *styles)
    )


def messenger(name: str, script: Path) -> ComponentRenderer:
    """A component that draws nothing and only tells the page something: it has nothing in common with the others."""
    return st.components.v2.component(f"cuewise_{name}", js=_joined(script))


def _joined(*paths: Path) -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in paths)
