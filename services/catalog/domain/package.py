"""一件事 as its lead department writes it: which items it is made of, when each applies, and what is the same in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from contracts.item import Condition


@dataclass(frozen=True, kw_only=True)
class PartDefinition:
    """One item. ``materials`` and ``fields`` rename the item's to the package's, where the names alone do not say what is what.

    ``when`` asks about the package's form.
    """

    item_code: str
    when: tuple[Condition, ...] = ()
    materials: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class FormHead:
    """What the one form is called."""

    title: str
    title_en: str


@dataclass(frozen=True, kw_only=True)
class PackageDefinition:
    """``questions`` are fields of the form beyond those of the items, JSON Schemas with titles, such as conditions need."""

    package_code: str
    name: str
    name_en: str
    summary: str
    summary_en: str
    effective_from: date
    lead_department: str
    form: FormHead
    parts: tuple[PartDefinition, ...]
    questions: Mapping[str, Any] = field(default_factory=dict)
    life_events: tuple[str, ...] = ()
