"""How our own Streamlit components are made: plain JavaScript and CSS read from files, nothing built, nothing fetched.

Streamlit takes one script and one sheet of styles a component. What ours have in common stands in the files beside
this one and goes in front of what each has of its own: elements, and a player with text that follows it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

HERE = Path(__file__).parent
COMMON_SCRIPTS = (HERE / "elements.js", HERE / "playback.js")
COMMON_STYLES = (HERE / "component.css",)


def component(name: str, script: Path | Sequence[Path], styles: Path) -> ComponentRenderer:
    """A component under a name of its own in the app; its script is a module whose default export draws it.

    Several scripts become one module, in their order.
    """
    scripts = (script,) if isinstance(script, Path) else script
    return st.components.v2.component(
        f"cuewise_{name}", js=_joined(*COMMON_SCRIPTS, *scripts), css=_joined(*COMMON_STYLES, styles)
    )


def _joined(*paths: Path) -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in paths)
