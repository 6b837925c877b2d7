"""Media assets, where they came from, and what we make of them for sending."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from enum import StrEnum

from lib.domain.captions import CaptionTrack
from lib.domain.youtube import canonical

_FILE_ENDING = re.compile(r"\.[A-Za-z0-9]{1,5}$")


@dataclass(frozen=True, slots=True)
class VideoStream:
    """One stream of pictures. ``rotation`` is in degrees clockwise; ``key_frame_spacing`` in seconds, the
    longest gap seen, None when it could not be measured."""

    codec: str
    width: int
    height: int
    frame_rate: float | None = None
    rotation: int = 0
    key_frame_spacing: float | None = None

    @property
    def watched_size(self) -> tuple[int, int]:
        """Width and height as the pictures are watched: turned where the file says so."""
        return (self.height, self.width) if self.rotation % 180 else (self.width, self.height)


@dataclass(frozen=True, slots=True)
class AudioStream:
    """One stream of sound, a track. ``start`` is where it begins on the file's clock, in seconds; ``index`` its place
    among all the file's streams of sound, from 0, also those that nobody can decode; ``title`` the file's name for it.
    """

    codec: str
    channels: int
    sample_rate: int
    language: str | None = None
    start: float = 0.0
    index: int | None = None
    title: str | None = None


@dataclass(frozen=True, slots=True)
class MediaAsset:
    """Media we hold, named by the SHA-256 of its bytes. ``media_type`` comes from its content, not its name.

    Of several tracks of sound the first is the one that is heard and sent; ``hearing`` puts another in its place.
    ``container`` is one of mp4, mov, webm, mpeg, avi, matroska, flv, mpegts, mp3, wav, ogg, flac, aac, m4a
    or the demuxer's own name for anything else.
    """

    id: str
    size_bytes: int
    container: str
    media_type: str
    duration: float
    video: VideoStream | None = None
    audio: tuple[AudioStream, ...] = ()
    bit_rate: int | None = None

    def __post_init__(self) -> None:
        if len(self.id) != 64:
            raise ValueError("an asset is named by the SHA-256 of its bytes, in hexadecimal")
        if self.duration <= 0:
            raise ValueError("an asset lasts longer than zero seconds")
        if self.video is None and not self.audio:
            raise ValueError("an asset holds pictures or sound")

    @property
    def has_picture(self) -> bool:
        return self.video is not None

    @property
    def has_sound(self) -> bool:
        return bool(self.audio)

    @property
    def sound_index(self) -> int:
        """Where the file keeps the track that is heard, as ffmpeg counts its streams of sound."""
        return (self.audio[0].index or 0) if self.audio else 0

    def hearing(self, track: int) -> MediaAsset:
        """The same media, of whose tracks this one is heard. ``track`` counts from 0; a file without sound has none."""
        if not self.audio or track == 0:
            return self
        chosen = self.audio[track]
        # Records of earlier versions do not say where the file keeps it: nearly always where it is listed.
        chosen = replace(chosen, index=track if chosen.index is None else chosen.index)
        return replace(self, audio=(chosen, *self.audio[:track], *self.audio[track + 1 :]))


class SourceKind(StrEnum):
    UPLOAD = "upload"
    FILE = "file"
    LINK = "link"


@dataclass(frozen=True, slots=True)
class Source:
    """Where an asset came from, or will: an upload and a file name their asset, a link gets it on download.

    ``size_bytes`` is what would be downloaded, an estimate, for a link that has been looked up; ``captions`` are those
    its site has, None where nobody has looked.
    """

    kind: SourceKind
    title: str
    url: str | None = None
    asset_id: str | None = None
    duration: float | None = None
    channel: str | None = None
    picture_url: str | None = None
    size_bytes: int | None = None
    captions: tuple[CaptionTrack, ...] | None = None

    def __post_init__(self) -> None:
        if self.kind is SourceKind.LINK and not self.url:
            raise ValueError("a link has a url")
        if self.kind is not SourceKind.LINK and not self.asset_id:
            raise ValueError("an upload or a file has its asset")

    @property
    def stem(self) -> str:
        """The title; of a file, its name without the ending."""
        if self.kind is SourceKind.LINK:
            return self.title
        return _FILE_ENDING.sub("", self.title) or self.title

    @property
    def video_id(self) -> str:
        """What two sources of one video have in common: of a file the SHA-256 of its bytes, of a link that of its
        address, in hexadecimal."""
        if self.kind is not SourceKind.LINK:
            return self.asset_id or ""
        url = self.url or ""
        return hashlib.sha256((canonical(url) or url).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Clip:
    """A stretch of a media asset, ``start`` included and ``end`` not, in seconds."""

    start: float
    end: float

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise ValueError(f"a clip runs forward from zero, not {self.start}-{self.end}")

    @property
    def duration(self) -> float:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Rendition:
    """Bytes made for sending: one part re-encoded, cut, or the file as it is (then ``asset_id`` names it).

    ``id`` is the digest of the recipe (asset, stretches, preparation): the same recipe is made once.
    """

    id: str
    media_type: str
    size_bytes: int
    start: float
    end: float
    asset_id: str | None = None
