"""Ingest: from a source to a media asset that we hold and have measured."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from lib.domain.media import MediaAsset, Source, SourceKind
from lib.domain.run import Run, RunRequest, Stage, digest
from lib.errors import CuewiseError, MediaError
from lib.media.apart import probe_apart
from lib.pipeline.plan import MediaFacts, facts_of_asset, facts_of_link
from lib.pipeline.posters import Posters
from lib.pipeline.reporter import Reporter
from lib.pipeline.room import room_check
from lib.pipeline.tools import Tools
from lib.ytdlp import DownloadProgress, LinkVideo, Need

HOLD_LINK_HOURS = 24
"""A link asked for again within a day is not downloaded again: what it shows may change after that."""


def keep_stream(stream: BinaryIO, title: str, kind: SourceKind, tools: Tools) -> Source:
    """Spool a file into the store, 1 MB at a time, and measure it. Raises MediaError or StorageError."""
    asset_id, size_bytes = tools.files.keep(stream, on_progress=room_check(tools))
    return _measured(asset_id, size_bytes, title, kind, tools)


def keep_path(path: Path, kind: SourceKind, tools: Tools) -> Source:
    """The same for a file on this machine's disk."""
    if path.is_file():
        room_check(tools)(path.stat().st_size)
    asset_id, size_bytes = tools.files.keep_file(path)
    return _measured(asset_id, size_bytes, path.name, kind, tools)


def link_source(found: LinkVideo) -> Source:
    """What a look-up found, as a source."""
    return Source(
        SourceKind.LINK,
        found.title,
        url=found.url,
        duration=found.duration,
        channel=found.channel,
        picture_url=found.picture_url,
        size_bytes=found.size_bytes,
        captions=found.captions,
    )


def ingest(request: RunRequest, tools: Tools, reporter: Reporter, *, hears_only: bool) -> MediaAsset:
    """The asset of a request: the one we hold, or what the link gives, downloaded once for all who want it.

    Raises LinkError, MediaError, StorageError and Cancelled; a download that broke off is gone on with next time.
    """
    source = request.source
    if source.asset_id:
        return held_asset(source.asset_id, tools)
    reporter.stage(Stage.DOWNLOADING, note="looking up")
    with tools.locks.hold(f"link {source.url}", reporter.check):
        held = held_link(source, tools, hears_only=hears_only)
        return held or _download(request, tools, reporter, hears_only=hears_only)


def held_asset(asset_id: str, tools: Tools) -> MediaAsset:
    """The asset of that id. Raises MediaError when it is no longer kept."""
    asset = tools.store.assets.get(asset_id)
    if asset is None or tools.files.path(asset_id) is None:
        raise MediaError("This video is no longer kept here.", "Upload it again, or paste its link again.")
    return asset


def facts_of(source: Source, tools: Tools, asset_id: str | None = None) -> MediaFacts:
    """What a plan needs to know of a source's media; ``asset_id`` names what its link gave, once that is known. Raises
    MediaError when they are no longer kept."""
    held = asset_id or source.asset_id
    return facts_of_asset(held_asset(held, tools), source) if held else facts_of_link(source)


def held_link(source: Source, tools: Tools, *, hears_only: bool) -> MediaAsset | None:
    """What the link gave within the last day, as long as we hold it."""
    # The video serves a model that only listens as well; the sound alone does not serve one that sees.
    for need in (False, True) if hears_only else (False,):
        asset_id = tools.store.assets.of_link(link_key(source.url or "", need), hours=HOLD_LINK_HOURS)
        if asset_id:
            try:
                return held_asset(asset_id, tools)
            except CuewiseError:
                continue
    return None


def media_of(run: Run, tools: Tools) -> MediaAsset:
    """The asset of a run that has one, heard by the track that was asked for. Raises MediaError when it is no longer
    kept."""
    return held_asset(run.asset_id, tools).hearing(run.request.track)


def _download(request: RunRequest, tools: Tools, reporter: Reporter, *, hears_only: bool) -> MediaAsset:
    url, check_room = request.source.url or "", room_check(tools)
    check_room(request.source.size_bytes or 1)
    folder = tools.files.link_folder(link_key(url, hears_only))
    path = tools.links(request.allow_private_urls).download(
        url, folder, Need(hears_only=hears_only), _report_to(reporter)
    )
    check_room(path.stat().st_size)
    asset_id, size_bytes = tools.files.keep_file(path, move=True)
    # What is left is the door's note of what it wanted, for a next try.
    shutil.rmtree(folder, ignore_errors=True)
    asset = _probed(asset_id, size_bytes, tools)
    if tools.files.shared is not None:
        # The page is perhaps on another machine: for a picture alone it should not fetch the whole video.
        Posters(tools).get(asset_id)
    tools.store.assets.remember_link(link_key(url, hears_only), asset_id)
    return asset


def _report_to(reporter: Reporter) -> Callable[[DownloadProgress], None]:
    def report(progress: DownloadProgress) -> None:
        words = [] if progress.bytes_per_second is None else [f"{progress.bytes_per_second / 1e6:.1f} MB/s"]
        if progress.seconds_left is not None:
            words.append(f"{progress.seconds_left:.0f} s left")
        reporter.stage(Stage.DOWNLOADING, progress.fraction, ", ".join(words))

    return report


def _measured(asset_id: str, size_bytes: int, title: str, kind: SourceKind, tools: Tools) -> Source:
    asset = _probed(asset_id, size_bytes, tools)
    return Source(kind, title, asset_id=asset.id, duration=asset.duration, size_bytes=size_bytes)


def _probed(asset_id: str, size_bytes: int, tools: Tools) -> MediaAsset:
    asset = tools.store.assets.get(asset_id)
    if asset is not None:
        tools.files.share(asset_id)
        tools.store.assets.keep(asset)  # kept anew: upkeep must not take it for one that nobody has needed for long
    else:
        path = tools.files.path(asset_id)
        try:
            asset = probe_apart(path, asset_id, size_bytes)
            tools.files.share(asset_id)
            tools.store.assets.keep(asset)
        except BaseException:
            # What cannot be played is not kept, nor what nobody could find again.
            os.unlink(path)
            raise
    return asset


def link_key(url: str, hears_only: bool) -> str:
    """Under which key a link's download grows and is remembered."""
    return digest(url=url, hears_only=hears_only)
