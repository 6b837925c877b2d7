"""Captions first: what a video's site has in writing already, or a file beside it, as a transcript at once."""

from __future__ import annotations

import codecs
import uuid
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from lib.domain.captions import CaptionKind, CaptionTrack
from lib.domain.media import Source, SourceKind
from lib.domain.run import Run, RunRequest
from lib.domain.transcript import Cue, TimedBy, Transcript
from lib.errors import InputError, NothingThere
from lib.formats import read_captions
from lib.pipeline.ingest import held_link
from lib.pipeline.tools import Tools
from lib.ytdlp import LinkVideo

FILE_BYTES = 20_000_000
"""More than any file of captions has: a day of talk takes a few megabytes."""


class Captions:
    """Captions in the place of a model: nothing is paid, no key is needed, and only the text is fetched."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def tracks(self, source: Source) -> tuple[CaptionTrack, ...]:
        """What there is, captions by people first: as the look-up found it, or looked up now. None for a file.

        Raises LinkError.
        """
        if source.kind is not SourceKind.LINK:
            return ()
        if source.captions is None:
            found = self._links().look_up(source.url or "")
            return (found.captions or ()) if isinstance(found, LinkVideo) else ()
        return source.captions

    def find(self, source: Source, wanted: str) -> CaptionTrack:
        """The track that is meant by a language (``en``), a kind (``human``, ``automatic``), or both
        (``automatic:en``).

        By people where nothing else is said. Raises NothingThere, naming what there is, and LinkError.
        """
        tracks = self.tracks(source)
        kind, _, language = wanted.strip().lower().rpartition(":")
        if language in set(CaptionKind):
            kind, language = language, ""
        for track in tracks:
            spoken = track.language.lower()
            if kind in ("", track.kind) and (not language or spoken == language or spoken.startswith(f"{language}-")):
                return track
        if not tracks:
            raise NothingThere("This video has no captions.", "Run a model over it instead.")
        there = ", ".join(f"{track.kind}:{track.language}" for track in tracks)
        raise NothingThere(f"This video has no captions {wanted!r}.", f"It has {there}.")

    def fetch(self, source: Source, track: CaptionTrack) -> Transcript:
        """What stands in a track, fetched now: cues on the video's clock, and their language.

        Raises LinkError, NothingThere among it, and InputError for a file that holds no captions.
        """
        with self._tools.files.temporary() as folder:
            text, kind = self._links().captions(source.url or "", track, folder)
        cues = read_captions(text, kind, scrolls=track.kind is CaptionKind.AUTOMATIC)
        return _transcript(cues, track.language_code)

    def transcribe(self, source: Source, track: CaptionTrack) -> Run:
        """A run that is done: its transcript is the track, its model the captions themselves. Raises as ``fetch``."""
        started = datetime.now(UTC)
        return self._kept(source, track, self.fetch(source, track), started)

    def transcribe_file(self, source: Source, content: bytes, name: str, language: str | None = None) -> Run:
        """The same from a file of captions that the user has: SRT, WebVTT, or what else ``read_captions`` reads.

        Raises InputError for a file that holds no captions.
        """
        started = datetime.now(UTC)
        if len(content) > FILE_BYTES:
            raise InputError("This file is too large for captions.", "Choose an SRT or VTT file.")
        cues = read_captions(_text(content), name.rpartition(".")[2])
        track = CaptionTrack(CaptionKind.FILE)
        return self._kept(source, track, _transcript(cues, language), started)

    def transcribe_path(self, source: Source, path: Path, language: str | None = None) -> Run:
        """The same from a file on this machine's disk. Raises InputError also where it cannot be read."""
        try:
            with path.open("rb") as file:
                content = file.read(FILE_BYTES + 1)
        except OSError as exc:
            raise InputError(f"“{path.name[:80]}” cannot be read.", "Check its name, folder and permissions.") from exc
        return self.transcribe_file(source, content, path.name, language)

    def _kept(self, source: Source, track: CaptionTrack, transcript: Transcript, started: datetime) -> Run:
        run_id = uuid.uuid4().hex
        request = RunRequest(source, track.model_id, language=transcript.language)
        asset_id = source.asset_id
        if source.kind is SourceKind.LINK:
            held = held_link(source, self._tools, hears_only=True)
            asset_id = held.id if held else None
        self._tools.store.runs.add_done(
            run_id, request, transcript, started=started, asset_id=asset_id, provider=_site(source)
        )
        return self._tools.store.runs.get(run_id)

    def _links(self):
        return self._tools.links(self._tools.settings.allow_private_urls)


def _transcript(cues: tuple[Cue, ...], language: str | None) -> Transcript:
    timed = tuple(replace(cue, timed_by=TimedBy.CAPTIONS) for cue in sorted(cues, key=lambda cue: cue.start))
    return Transcript(timed, "\n".join(cue.text for cue in timed), language)


def _site(source: Source) -> str | None:
    """Who keeps the captions, as the provider of the run."""
    if source.kind is not SourceKind.LINK:
        return "this machine"
    host = urlsplit(source.url or "").hostname or ""
    return host.removeprefix("www.").removeprefix("m.") or None


def _text(content: bytes) -> str:
    """A file's letters: UTF-8, UTF-16 where it says so, else the Windows code page of old subtitle programs."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")
