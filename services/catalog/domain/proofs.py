"""循环证明: a material that is the result of another item should not be asked for, but looked up."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_COPY = re.compile(r"(（?(原件(及|和)?)?(复印件|扫描件|影印件)?）?|\((原件|复印件)\))$")


@dataclass(frozen=True, kw_only=True)
class Proof:
    """A result that an item yields, and the item."""

    item_code: str
    name: str
    name_en: str
    result_type: str
    result_name: str


def plain_name(material: str) -> str:
    """A material's name without what says that it is the original or a copy."""
    return _COPY.sub("", material.strip()).strip()


def asked_for(materials: Iterable[Mapping[str, Any]]) -> tuple[frozenset[str], frozenset[str]]:
    """Licence types and plain names among ``materials``, parts of a stored definition."""
    listed = list(materials)
    types = frozenset(m["licence_type"] for m in listed if m.get("licence_type"))
    return types, frozenset(plain_name(str(m.get("name", ""))) for m in listed) - {""}


def produced_by(material: Mapping[str, Any], proofs: Iterable[Proof]) -> list[Proof]:
    """Those of ``proofs`` that are the material."""
    kind, name = material.get("licence_type"), plain_name(str(material.get("name", "")))
    return [proof for proof in proofs if (kind and proof.result_type == kind) or proof.result_name == name]
