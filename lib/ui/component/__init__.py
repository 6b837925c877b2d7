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
COMMON = tuple(HERE / name for name in ("elements.js", "media.js", "playback.js", "component.css"))


def component(name: str, folder: Path, *rooms: str, has_common: bool = True) -> ComponentRenderer:
    """A component under a name of its own in the app, its rooms the files of these names in ``folder``.

    In this order the scripts are one module, whose default export draws the component, and the sheets of styles one
    sheet. In front stands what ours have in common, but for one that draws nothing and only tells the page something.
    """
    paths = [*(COMMON if has_common else ()), *(folder / room for room in rooms)]
    return st.components.v2.component(f"cuewise_{name}", js=_joined(paths, ".js"), css=_joined(paths, ".css"))


def _joined(paths: list[Path], suffix: str) -> str | None:
    texts = [path.read_text(encoding="utf-8") for path in paths if path.suffix == suffix]
    return "\n".join(texts) or None
