"""The editor of stretches: a player above a timeline on which stretches are drawn, moved, resized and deleted.

One Streamlit component of plain JavaScript and CSS, its rooms the files beside this one. It works with mouse, touch and
keyboard, without a picture, and without media at all: then the timeline stands alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import streamlit as st

from lib.domain.excerpt import apart
from lib.domain.media import Clip
from lib.ui.component import component
from lib.ui.player import Playable

HERE = Path(__file__).parent
ROOMS = ("spans.js", "screen.js", "track.js", "rows.js", "editor.js", "stretches.css")

_component = component("stretches", HERE, *ROOMS)


def render_stretches(
    key: str,
    media: Playable,
    *,
    title: str,
    duration: float,
    stretches: Sequence[Clip],
    revision: int,
    on_change: Callable[[], None],
) -> None:
    """Draw the editor with these stretches on a timeline of ``duration`` seconds.

    ``on_change`` is called when the user has changed them; ``changed_stretches`` then gives what they are. Stretches
    that were not drawn here (proposed ones, none) are taken up when ``revision`` is another number than before.
    """
    _component(
        key=key,
        data={
            "url": media.url,
            "kind": media.kind,
            "notice": media.notice,
            "title": title,
            "duration": duration,
            "stretches": [[round(each.start, 3), round(each.end, 3)] for each in stretches],
            "revision": revision,
        },
        on_stretches_change=on_change,
    )


def changed_stretches(key: str, duration: float) -> tuple[Clip, ...] | None:
    """The stretches as the user left them, inside the video, in order and apart; None for what are none."""
    try:
        found = st.session_state[key]["stretches"]
        clips = [Clip(max(0.0, float(start)), min(float(end), duration)) for start, end in found]
    except (KeyError, TypeError, ValueError):
        return None
    return apart(clips)
