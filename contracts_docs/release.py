"""The last release's language, frozen: schemas and samples as they were published."""

from __future__ import annotations

import shutil
from pathlib import Path

FROZEN = ("schemas", "samples")


def freeze(contracts: Path) -> None:
    """Copy the current schemas and samples into ``contracts/released``. Done once per release."""
    for part in FROZEN:
        target = contracts / "released" / part
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(contracts / part, target)
