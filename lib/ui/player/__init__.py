"""The reader: a player beside its lines. Click a line and the player goes there; play and the line lights up.

One Streamlit component, its rooms the files beside this one. Given new lines under the same key it takes up the
difference, so text can grow while the video plays on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lib.domain.media import MediaAsset
from lib.domain.transcript import Cue, Segment
from lib.domain.youtube import video_id
from lib.ui.component import component
from lib.ui.words import TIMED_BY_WORDS

HERE = Path(__file__).parent
ROOMS = (
    *("cues.js", "captions.js", "timeline.js", "youtube.js", "lines.js", "changes.js", "editing.js", "editor.js"),
    *("tools.js", "selection.js", "replacing.js", "reader.js"),
    *("player.css", "stage.css", "editor.css"),
)
UNPLAYABLE_CONTAINERS = frozenset({"avi", "matroska", "flv", "mpegts", "mpeg"})
UNPLAYABLE = "Your browser can't play this format; the transcript works all the same."

_component = component("player", HERE, *ROOMS)
_messenger = component("heard", HERE, "heard.js", has_common=False)


@dataclass(frozen=True, slots=True)
class Playable:
    """What the player plays: a path of our own server, and whether it has pictures. ``notice`` stands in its
    place when there is nothing to play; ``youtube_id`` is what YouTube can play there, once somebody has agreed."""

    url: str | None = None
    has_picture: bool = True
    notice: str = ""
    youtube_id: str | None = None

    @property
    def kind(self) -> str:
        """Which element plays it: video, audio or none."""
        return "none" if self.url is None else "video" if self.has_picture else "audio"


@dataclass(frozen=True, slots=True)
class Heard:
    """What became of the changes that readers sent: up to which number each reader's are dealt with, those that could
    not be made, each with a sentence, and what keeps them from being saved. ``times`` counts how often it was told in
    this ``session``: lines that were drawn before are older than what the reader shows."""

    run_id: str
    session: str
    numbers: Mapping[str, int]
    refused: Mapping[str, Sequence[tuple[int, str]]]
    problem: str = ""
    times: int = 0


@dataclass(frozen=True, slots=True)
class Editable:
    """That lines can be edited.

    ``bounds`` are the first and last second that a line may have. ``undo`` and ``redo`` say what would be undone and
    done again, None for nothing. ``on_changes`` and ``on_again`` are called when a reader sends changes, or asks to run
    a stretch again; what was sent is in the session state under the player's key.
    """

    heard: Heard
    bounds: tuple[float, float]
    undo: str | None
    redo: str | None
    on_changes: Callable[[], None]
    on_again: Callable[[], None]


def playable(asset: MediaAsset | None, url: str | None = None) -> Playable:
    """What a browser can do with an asset; without one, what YouTube could play of the link ``url``."""
    if asset is None and (youtube_id := video_id(url or "")):
        return Playable(youtube_id=youtube_id)
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
    chapters: Iterable[tuple[float, str]] = (),
    duration: float | None = None,
    seek: tuple[float, int] | None = None,
    editable: Editable | None = None,
) -> None:
    """Draw the player and its lines; with ``lines`` None the player alone.

    ``start_at`` is where the player stands before it is played, in seconds. ``is_growing`` says that more lines
    are coming. ``marks`` are stretches to look at, each with a sentence, and ``chapters`` starts with their titles, on
    a timeline that is ``duration`` seconds long. ``seek`` sends the player to a second, once for each number that comes
    with it. ``editable`` lets the lines be edited. The text is shown as text, whatever it contains.
    """
    _component(
        key=key,
        data={
            "url": media.url,
            "kind": media.kind,
            "youtube": media.youtube_id,
            "notice": media.notice,
            "title": title,
            "startAt": start_at,
            "language": language or "",
            "growing": is_growing,
            "timedBy": {source.value: words for source, words in TIMED_BY_WORDS.items()},
            "marks": [[_rounded(start), _rounded(end), words] for start, end, words in marks],
            "chapters": [[_rounded(start), title] for start, title in chapters],
            "duration": duration,
            "seek": seek,
            "editing": None if editable is None else _editing(editable),
            "lines": None if lines is None else [_row(line) for line in lines],
        },
        **(
            {} if editable is None else {"on_changes_change": editable.on_changes, "on_again_change": editable.on_again}
        ),
    )


def render_heard(heard: Heard) -> None:
    """Draw nothing, and tell the reader what was heard: cheaper than to draw its lines anew."""
    _messenger(key=f"heard_{heard.run_id}", data=_heard(heard))


def _heard(heard: Heard) -> dict[str, object]:
    return {
        "run": heard.run_id,
        "session": heard.session,
        "heard": dict(heard.numbers),
        "refused": {reader: list(those) for reader, those in heard.refused.items()},
        "problem": heard.problem,
        "times": heard.times,
    }


def _editing(editable: Editable) -> dict[str, object]:
    known = {"bounds": editable.bounds, "undo": editable.undo, "redo": editable.redo}
    return known | _heard(editable.heard)


def _row(line: Cue | Segment) -> list[object]:
    """A line as the component reads it; an array, for there may be ten thousand."""
    is_cue = isinstance(line, Cue)
    timed_by, is_edited = (line.timed_by.value, line.is_edited) if is_cue else ("", False)
    return [_rounded(line.start), _rounded(line.end), line.text, line.speaker or "", timed_by, is_edited]


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
