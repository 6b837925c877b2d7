"""Supply chain: what is installed is what was chosen, file by file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^\s;\\]+)", re.M)


def pins(path: Path) -> dict[str, str]:
    return {name.lower(): version for name, version in PINNED.findall(path.read_text(encoding="utf-8"))}


@pytest.mark.parametrize("name", ["requirements", "requirements-dev"])
def test_the_locked_parts_are_the_chosen_ones_and_have_hashes(name):
    """Each part of a .in file is in the .txt in that version, and nothing there is without a hash or from elsewhere."""
    chosen, locked = pins(ROOT / f"{name}.in"), ROOT / f"{name}.txt"
    text = locked.read_text(encoding="utf-8")
    assert chosen
    assert chosen.items() <= pins(locked).items(), "run: make lock"
    entries = re.split(r"\n(?=\S)", re.sub(r"^#.*\n", "", text, flags=re.M).strip())
    assert len(entries) >= len(chosen)
    for entry in entries:
        assert PINNED.match(entry), entry
        assert "--hash=sha256:" in entry, entry
    assert "://" not in text


def test_what_is_installed_has_a_known_licence():
    """LICENCES.md, written by `make audit`, names a licence for every part of the app."""
    rows = (ROOT / "LICENCES.md").read_text(encoding="utf-8").lower().splitlines()[2:]
    known = {
        row.split("|")[1].strip().replace("_", "-"): row.split("|")[3].strip() for row in rows if row.count("|") > 3
    }
    for name in pins(ROOT / "requirements.in"):
        assert known[name.replace("_", "-")] not in ("", "unknown"), name
