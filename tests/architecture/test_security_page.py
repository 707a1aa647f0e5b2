"""docs/security.md promises nothing that no test keeps."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

PAGE = Path("docs/security.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`([a-z_/0-9]+\.py)::(test_[a-z0-9_]+)`", PAGE)))
CLAUSES = {f"8.1.4.{number}" for number in range(1, 12)}


@pytest.mark.parametrize(("file", "test"), NAMED)
def test_every_test_that_is_named_exists(file: str, test: str) -> None:
    tree = ast.parse((Path("tests") / file).read_text(encoding="utf-8"))
    assert test in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_clause_has_its_line_with_a_test_or_a_reason() -> None:
    rows = [line.split("|")[1:-1] for line in PAGE.splitlines() if line.startswith("| 8.")]
    assert {row[0].split()[0] for row in rows} == CLAUSES
    assert all(len(row) == 4 and row[2].strip() for row in rows)
    assert len(NAMED) > 30
