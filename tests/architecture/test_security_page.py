"""docs/security.md promises nothing that no test keeps."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

PAGE = Path("docs/security.md").read_text(encoding="utf-8")
ASVS = Path("docs/asvs.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`([a-z_/0-9]+\.py)::(test_[a-z0-9_]+)`", PAGE + ASVS)))
# ASVS 5.0.0: requirements of levels 1 and 2 by chapter.
ASVS_COUNTS = {
    1: (8, 19), 2: (4, 7), 3: (8, 11), 4: (2, 8), 5: (4, 5), 6: (13, 22), 7: (6, 12), 8: (4, 3), 9: (4, 3), 10: (5, 24),
    11: (3, 11), 12: (3, 6), 13: (1, 12), 14: (2, 7), 15: (3, 10), 16: (0, 16), 17: (0, 7),
}  # fmt: skip
CLAUSES = {f"8.1.4.{number}" for number in range(1, 12)}


@pytest.mark.parametrize("file", sorted({file for file, _ in NAMED}))
def test_every_test_that_is_named_exists(file: str) -> None:
    tree = ast.parse((Path("tests") / file).read_text(encoding="utf-8"))
    defined = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    assert {test for where, test in NAMED if where == file} - defined == set()


def test_every_clause_has_its_line_with_a_test_or_a_reason() -> None:
    rows = [line.split("|")[1:-1] for line in PAGE.splitlines() if line.startswith("| 8.")]
    assert {row[0].split()[0] for row in rows} == CLAUSES
    assert all(len(row) == 4 and row[2].strip() for row in rows)
    assert len(NAMED) > 30


def test_every_requirement_of_asvs_has_its_line_with_a_test_or_a_reason() -> None:
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in ASVS.splitlines() if re.match(r"\| \d+\.\d", line)
    ]
    assert len({row[0] for row in rows}) == len(rows)
    counts = {
        chapter: tuple(sum(row[0].startswith(f"{chapter}.") and row[1] == level for row in rows) for level in "12")
        for chapter in ASVS_COUNTS
    }
    assert counts == ASVS_COUNTS
    assert all(len(row) == 5 and row[2] and row[3] and row[4] for row in rows)
    assert all("::" in row[4] or row[4] == "–" for row in rows)
