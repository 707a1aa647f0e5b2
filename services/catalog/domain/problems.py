"""What keeps a definition from being published, and what could be better about it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One breach. ``code`` is stable, ``where`` a path such as ``materials.2.basis``, ``detail`` is bilingual.

    ``advice``: it does not keep the definition from being published.
    """

    code: str
    where: str
    detail: str
    advice: bool = False
