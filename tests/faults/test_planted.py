"""Planted bugs have to fit the code that they are planted in, or `make mutants` would stop halfway."""

from __future__ import annotations

from pathlib import Path

import pytest

from faults.planted import MUTANTS, Mutant


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_planted_bug_fits_the_code(mutant: Mutant) -> None:
    for file, old, new in mutant.edits:
        assert Path(file).read_text(encoding="utf-8").count(old) == 1, file
        assert old != new
