"""The reader: a player beside its lines. Click a line and the player goes there; play and the line lights up.

One Streamlit component. Given new lines under the same key it takes up the difference, so text can grow while the
video plays on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lib.domain.media import MediaAsset
from lib.domain.transcript import Cue, Segment
from lib.ui.component import component
from lib.ui.words import TIMED_BY_WORDS

HERE = Path(__file__).parent
UNPLAYABLE_CONTAINERS = frozenset({"avi", "matroska", "flv", "mpegts", "mpeg"})
UNPLAYABLE = "Your browser can't play this format; the transcript works all the same."

_component = component("player", HERE / "player.js", HERE / "player.css")


@dataclass(frozen=True, slots=True)
class Playable:
    """What the player plays: a path of our own server, and whether it has pictures. ``notice`` stands in its
    place when there is nothing to play."""

    url: str | None = None
    has_picture: bool = True
    notice: str = ""

    @property
    def kind(self) -> str:
        """Which element plays it: video, audio or none."""
        return "none" if self.url is None else "video" if self.has_picture else "audio"


def playable(asset: MediaAsset | None) -> Playable:
    """What a browser can do with an asset."""
    if asset is None:
        return Playable(notice="The player appears here as soon as the media is on this machine.")
    if asset.container in UNPLAYABLE_CONTAINERS:
        return Playable(notice=UNPLAYABLE)
    return Playable(f"/api/media/{asset.id}", asset.has_picture)


def render_player(
    key: str,
    media: Playable,
    lines: Iterable[Cue | Segment] | None,
    *,
    title: str,
    start_at: float = 0.0,
    language: str | None = None,
    is_growing: bool = False,
    marks: Iterable[tuple[float, float, str]] = (),
    duration: float | None = None,
    seek: tuple[float, int] | None = None,
) -> None:
    """Draw the player and its lines; with ``lines`` None the player alone.

    ``start_at`` is where the player stands before it is played, in seconds. ``is_growing`` says that more lines
    are coming. ``marks`` are stretches to look at, each with a sentence, on a timeline that is ``duration`` seconds
    long. ``seek`` sends the player to a second, once for each number that comes with it. The text is shown as text,
    whatever it contains.
    """
    _component(
        key=key,
        data={
            "url": media.url,
            "kind": media.kind,
            "notice": media.notice,
            "title": title,
            "startAt": start_at,
            "language": language or "",
            "growing": is_growing,
            "timedBy": {source.value: words for source, words in TIMED_BY_WORDS.items()},
            "marks": [[_rounded(start), _rounded(end), words] for start, end, words in marks],
            "duration": duration,
            "seek": seek,
            "lines": None if lines is None else [_row(line) for line in lines],
        },
    )


def _row(line: Cue | Segment) -> list[object]:
    """A line as the component reads it; an array, for there may be ten thousand."""
    timed_by = line.timed_by.value if isinstance(line, Cue) else ""
    return [_rounded(line.start), _rounded(line.end), line.text, line.speaker or "", timed_by]


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
