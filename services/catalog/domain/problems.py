"""What keeps a definition from being published."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One breach. ``code`` is stable, ``where`` a path such as ``materials.2.basis``, ``detail`` is bilingual."""

    code: str
    where: str
    detail: str
