"""The house: imports point to the same floor or lower, never in a circle, and each outside library has one door."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

FLOORS = (
    # The first line that fits a module's name counts.
    ("app", 5),
    ("pages.", 5),
    ("lib.ui", 4),
    ("lib.cli", 4),
    ("lib.worker_process", 1),
    ("lib.worker", 4),
    ("lib.services", 3),
    ("lib.pipeline", 2),
    ("lib.jobs", 2),
    ("lib.errors", 0),
    ("lib.domain", 0),
    ("lib.formats", 0),
    ("lib.", 1),
)

DOORS = {
    "openai": ("lib/openrouter/",),
    "httpx": ("lib/openrouter/",),
    "httpx2": ("lib/openrouter/",),
    "yt_dlp": ("lib/ytdlp.py", "lib/ytdlp/"),
    "faster_whisper": ("lib/speech/",),
    "ctranslate2": ("lib/speech/",),
    "huggingface_hub": ("lib/speech/",),
    "sqlalchemy": ("lib/store/", "lib/jobs/database.py"),  # jobs: only to read a URL
    "alembic": ("lib/store/",),
    "pydantic": ("lib/store/",),
    "dbos": ("lib/jobs/",),
    "streamlit": ("app.py", "pages/", "lib/ui/"),
    "starlette": ("lib/ui/",),
    "authlib": (),  # streamlit.login stands on it
    "altair": ("lib/ui/compare_charts.py", "lib/ui/ledger.py"),
    "subprocess": ("lib/media/", "lib/worker_process.py"),
    "av": ("lib/media/", "lib/speech/"),  # speech: decodes sound straight into samples
    "imageio_ffmpeg": ("lib/media/",),
    "cryptography": ("lib/vault.py",),
    "fsspec": ("lib/media_store.py",),
    "s3fs": ("lib/media_store.py",),
    "keyring": ("lib/key_ring.py",),
    "stamina": ("lib/openrouter/",),
    "pysubs2": ("lib/formats/",),
    "jiwer": ("lib/domain/scores.py",),
    "whisper_normalizer": ("lib/domain/normalised.py",),
    "docx": ("lib/formats/docx.py",),
    "deno": ("lib/ytdlp.py", "lib/ytdlp/"),
}

PURE = ("lib/errors.py", "lib/domain/", "lib/formats/")
IN_MEMORY = {"lib/formats/docx.py": {"io"}}  # python-docx writes into a file: ours is one in memory
IMPURE = {"os", "pathlib", "socket", "urllib.request", "sqlite3", "threading", "shutil", "tempfile", "io"}


def sources() -> list[Path]:
    return sorted([ROOT / "app.py", *ROOT.glob("pages/*.py"), *ROOT.glob("lib/**/*.py")])


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path) -> list[tuple[str, bool]]:
    """Every module imported, with whether that happens when the importing module is loaded."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    at_load = {id(node) for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)}
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            at_load -= {id(node) for node in ast.walk(function)}
    known = {name_of(each) for each in sources()}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, id(node) in at_load) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                deeper = f"{node.module}.{alias.name}"
                found.append((deeper if deeper in known else node.module, id(node) in at_load))
    return found


def floor_of(module: str) -> int:
    return next(floor for start, floor in FLOORS if module == start or module.startswith(start))


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_to_the_same_floor_or_lower(path):
    """No module imports from a floor above its own, not even inside a function."""
    module = name_of(path)
    if module in ("lib", "lib.ui"):
        return
    above = [
        imported
        for imported, _ in imports_of(path)
        if imported.startswith(("lib.", "pages", "app")) and floor_of(imported) > floor_of(module)
    ]
    assert above == []


def test_no_imports_go_in_a_circle():
    """What a module needs to be loaded never needs that module."""
    graph = {
        name_of(path): {name for name, at_load in imports_of(path) if at_load and name.startswith("lib.")}
        for path in sources()
    }
    for module in graph:
        graph[module] -= {module}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"a circle of imports: {' -> '.join(error.args[1])}")


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_each_outside_library_is_imported_behind_its_door_only(path):
    """One library, one door; and floor 0 does no input or output."""
    place = path.relative_to(ROOT).as_posix()
    imported = {name for name, _ in imports_of(path)}
    wrong = [
        name for name in imported if (library := name.split(".")[0]) in DOORS and not place.startswith(DOORS[library])
    ]
    assert wrong == []
    if place.startswith(PURE):
        assert not imported & (IMPURE - IN_MEMORY.get(place, set()))


def test_whoever_asks_a_server_says_who_pays():
    """Every call of ``generate`` outside the client's own door names what it is paid from, so that no cap is passed."""
    asking = [
        (path.name, [keyword.arg for keyword in node.keywords])
        for path in sources()
        if not path.is_relative_to(ROOT / "lib" / "openrouter")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "generate"
    ]
    assert asking
    assert [name for name, keywords in asking if "paying" not in keywords] == []


def test_only_settings_reads_the_environment():
    """os.environ and os.getenv appear in lib/settings.py alone."""
    readers = [
        path.relative_to(ROOT).as_posix()
        for path in sources()
        if any(word in path.read_text(encoding="utf-8") for word in ("os.environ", "os.getenv"))
    ]
    assert readers == ["lib/settings.py"]
