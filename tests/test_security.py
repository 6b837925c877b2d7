"""SECURITY.md keeps its word: every test that it names exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NAMED = sorted(set(re.findall(r"`(tests/\w+\.py)(?:::(\w+))?`", (ROOT / "SECURITY.md").read_text(encoding="utf-8"))))


@pytest.mark.parametrize(("file", "name"), NAMED, ids=["::".join(filter(None, each)) for each in NAMED])
def test_a_test_that_is_named_exists(file, name):
    """In the file that is named, under that name."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    tests = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    if name:
        assert name in tests
    else:
        assert any(each.startswith("test_") for each in tests)


def test_every_threat_names_a_test():
    """No line of the tables is a mere claim."""
    rows = [line for line in (ROOT / "SECURITY.md").read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    threats = [line for line in rows if not line.startswith(("| threat", "|---"))]
    assert len(threats) > 20
    assert not [line for line in threats if "`tests/" not in line]
