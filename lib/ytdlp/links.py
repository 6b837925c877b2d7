"""What is behind a link: one video, or several."""

from __future__ import annotations

from dataclasses import dataclass

from lib.domain.captions import CaptionTrack

PLAYLIST_LIMIT = 200


@dataclass(frozen=True, slots=True)
class LinkVideo:
    """One video behind a link. ``size_bytes`` is what would be downloaded, None where the site does not say.

    ``captions`` are there without asking a model, those written by people first; None where nobody has looked.
    ``url`` leads to this video again.
    """

    url: str
    title: str
    site: str
    channel: str | None = None
    picture_url: str | None = None
    duration: float | None = None
    size_bytes: int | None = None
    has_video: bool = True
    captions: tuple[CaptionTrack, ...] | None = None


@dataclass(frozen=True, slots=True)
class LinkPlaylist:
    """A link that holds several videos, in its order and at most 200 of them, not looked up one by one."""

    url: str
    title: str
    videos: tuple[LinkVideo, ...]
