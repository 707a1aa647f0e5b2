"""``item.published.v1``: items before 预审, 裁决 and 核查 were steps of a plan. Still read; nobody tells it any more."""

from __future__ import annotations

from datetime import date
from typing import Any, ClassVar, Literal

import msgspec

from contracts.envelope import Event
from contracts.item import LicenceTemplate, Limit


class MaterialRuleV1(msgspec.Struct, frozen=True, kw_only=True):
    """One material of the guide (申请材料). ``max_bytes`` bounds one file."""

    code: str
    name: str
    name_en: str
    required: bool
    basis: str
    media_types: tuple[str, ...]
    max_bytes: int


class PlanStepV1(msgspec.Struct, frozen=True, kw_only=True):
    """One department's part (环节). It starts when every step named in ``after`` has agreed."""

    step: str
    name: str
    name_en: str
    department: str
    kind: Literal["acceptance", "opinion", "examination", "decision", "delivery"]
    limit_working_days: int
    after: tuple[str, ...] = ()


class ItemV1(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One version of one item as cases freeze it. ``item_code`` is the 31-character 实施编码.

    ``min_level`` is the least assurance (实名等级, 2 to 5) of whoever applies.
    """

    item_code: str
    version: int
    basic_code: str
    name: str
    name_en: str
    item_type: str
    lead_department: str
    statutory_limit: Limit
    committed_limit: Limit
    form_schema: dict[str, Any]
    materials: tuple[MaterialRuleV1, ...]
    plan: tuple[PlanStepV1, ...]
    result: LicenceTemplate
    min_level: int = 2


class ItemPublishedV1(Event, frozen=True, kw_only=True):
    """A version of an item is in force from ``effective_from`` (a date in Asia/Shanghai)."""

    TYPE: ClassVar[str] = "item.published.v1"
    SUBJECT: ClassVar[str | None] = "item_code"
    item_code: str
    effective_from: date
    item: ItemV1
